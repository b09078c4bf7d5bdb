/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/clock.h"

#include <time.h>

#include "libiotclient/base/macro.h"

static uint64_t now_us(clockid_t id)
{
    struct timespec ts;

    (void) clock_gettime(id, &ts); /* cannot fail for these on Linux */
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t clock_boot_us(void)
{
    return now_us(CLOCK_BOOTTIME);
}

uint64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_real_us(void)
{
    return now_us(CLOCK_REALTIME);
}
