/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-loop.h"

#include <assert.h>

#include "daemon/sys/clock.h"
#include "tests/lib/fake-clock.h"

/* Timers that re-arm themselves without end would hang the test. */
#define MAX_TURNS 100000

static int io_start(struct loop *loop, struct loop_io *io)
{
    (void) loop;
    (void) io;
    return 0;
}

static void io_ignore(struct loop *loop, struct loop_io *io)
{
    (void) loop;
    (void) io;
}

static uint64_t now_us(struct loop *loop)
{
    (void) loop;
    return clock_boot_us();
}

static void wake_at(struct loop *loop, uint64_t due_us)
{
    CONTAINER_OF(loop, struct fake_loop, loop)->wake_us = due_us;
}

static const struct loop_ops ops = {
    .io_start = io_start,
    .io_update = io_ignore,
    .io_stop = io_ignore,
    .now_us = now_us,
    .wake_at = wake_at,
};

void fake_loop_init(struct fake_loop *fl)
{
    *fl = (struct fake_loop){.wake_us = UINT64_MAX};
    loop_init(&fl->loop, &ops);
}

void fake_loop_done(struct fake_loop *fl)
{
    loop_done(&fl->loop);
}

void fake_loop_advance(struct fake_loop *fl, uint64_t us)
{
    uint64_t until = clock_boot_us() + us;
    unsigned n = 0;

    while (fl->wake_us <= until) {
        if (fl->wake_us > clock_boot_us())
            fake_clock_advance(fl->wake_us - clock_boot_us());
        (void) loop_run_timers(&fl->loop);
        assert(++n < MAX_TURNS);
    }
    fake_clock_advance(until - clock_boot_us());
}
