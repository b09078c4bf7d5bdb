/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_CLOCK_H
#define IOTD_TESTS_FAKE_CLOCK_H

/* The clocks of daemon/sys/clock.h, standing still until a test moves them. */

#include <stdint.h>

#define FAKE_CLOCK_BOOT_US 1000000000ULL       /* a boot time of 1000 s */
#define FAKE_CLOCK_REAL_US 1700000000000000ULL /* 2023-11-14 22:13:20 */

void fake_clock_reset(void);
/* All go on. */
void fake_clock_advance(uint64_t us);
/* The machine sleeps. */
void fake_clock_sleep(uint64_t us);
/* Somebody sets the clock. */
void fake_clock_set_real(uint64_t us);

#endif /* IOTD_TESTS_FAKE_CLOCK_H */
