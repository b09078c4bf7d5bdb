/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CLOCK_H
#define IOTD_LOCALCLOUD_CLOCK_H

/* The time of day as the platform sees it; a struct, so that tests can set it. */

#include <stdint.h>

struct cloud_clock {
    uint64_t (*real_ms)(const struct cloud_clock *clock);
};

static inline uint64_t clock_real_ms(const struct cloud_clock *clock)
{
    return clock->real_ms(clock);
}

#endif /* IOTD_LOCALCLOUD_CLOCK_H */
