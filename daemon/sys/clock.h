/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_CLOCK_H
#define IOTD_SYS_CLOCK_H

#include <stdint.h>

/* The two clocks; tests link their own. */
uint64_t clock_boot_us(void); /* CLOCK_BOOTTIME: intervals and deadlines */
uint64_t clock_real_us(void); /* CLOCK_REALTIME: stamps that people and the cloud see */

#endif /* IOTD_SYS_CLOCK_H */
