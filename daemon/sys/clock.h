/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_CLOCK_H
#define IOTD_SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

/* The clocks; tests link their own. */
uint64_t clock_boot_us(void); /* CLOCK_BOOTTIME: intervals and deadlines */
uint64_t clock_mono_us(void); /* CLOCK_MONOTONIC: the same, but it stands still in a sleep */
uint64_t clock_real_us(void); /* CLOCK_REALTIME: stamps that people and the cloud see */

/* A clock that was never set begins anywhere, but before the first version of this program. */
static inline bool clock_is_set(uint64_t real_us)
{
    return real_us >= LIMIT_CLOCK_MIN_S * USEC_PER_SEC;
}

#endif /* IOTD_SYS_CLOCK_H */
