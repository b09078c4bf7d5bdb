/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-clock.h"

#include "daemon/sys/clock.h"

static uint64_t boot_us = FAKE_CLOCK_BOOT_US;
static uint64_t mono_us = FAKE_CLOCK_BOOT_US;
static uint64_t real_us = FAKE_CLOCK_REAL_US;

uint64_t clock_boot_us(void)
{
    return boot_us;
}

uint64_t clock_mono_us(void)
{
    return mono_us;
}

uint64_t clock_real_us(void)
{
    return real_us;
}

void fake_clock_reset(void)
{
    boot_us = FAKE_CLOCK_BOOT_US;
    mono_us = FAKE_CLOCK_BOOT_US;
    real_us = FAKE_CLOCK_REAL_US;
}

void fake_clock_advance(uint64_t us)
{
    boot_us += us;
    mono_us += us;
    real_us += us;
}

void fake_clock_sleep(uint64_t us)
{
    boot_us += us;
    real_us += us;
}

void fake_clock_set_real(uint64_t us)
{
    real_us = us;
}
