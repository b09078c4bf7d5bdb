/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's loop: what ends it, and that it can run again. */

#include "daemon/sys/loop_lws.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/lib/suite.h"

#define GIVE_UP_S 20

struct rig {
    struct loop_lws *loop;
    struct loop_timer timer;
    int pipe[2];
    int timerfd;
    struct loop_io io;
    unsigned n_timers, n_reads;
    bool stops_at_hangup;
};

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){.loop = NULL};
    CHECK_INT(loop_lws_new(&rig->loop), 0);
    CHECK_INT(pipe(rig->pipe), 0);
    (void) alarm(GIVE_UP_S); /* a loop that does not end cannot tell it otherwise */
}

static void rig_done(struct rig *rig)
{
    (void) alarm(0);
    loop_io_stop(&rig->io);
    loop_timer_cancel(&rig->timer);
    rig->loop = loop_lws_free(rig->loop);
    (void) close(rig->pipe[0]);
    (void) close(rig->pipe[1]);
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct rig *rig = userdata;

    (void) timer;
    rig->n_timers++;
    loop_lws_stop(rig->loop);
}

/* Nothing else is there that could wake it after the timer. */
static void test_stop_in_timer(void)
{
    struct rig rig;

    rig_init(&rig);
    for (unsigned i = 1; i <= 3; i++) {
        loop_timer_arm(loop_lws_base(rig.loop), &rig.timer, i == 2 ? 5000 : 0, on_timer, &rig);
        CHECK_INT(loop_lws_run(rig.loop), 0);
        CHECK_INT(rig.n_timers, i);
    }
    rig_done(&rig);
}

static void on_readable(struct loop_io *io, uint32_t events, void *userdata)
{
    struct rig *rig = userdata;
    char byte;

    CHECK(events & LOOP_READ);
    CHECK_INT(read(io->fd, &byte, 1), 1);
    rig->n_reads++;
    loop_lws_stop(rig->loop);
}

static void test_stop_in_io(void)
{
    struct rig rig;

    rig_init(&rig);
    CHECK_INT(
        loop_io_start(loop_lws_base(rig.loop), &rig.io, rig.pipe[0], LOOP_READ, on_readable, &rig),
        0);
    for (unsigned i = 1; i <= 2; i++) {
        CHECK_INT(write(rig.pipe[1], "x", 1), 1);
        CHECK_INT(loop_lws_run(rig.loop), 0);
        CHECK_INT(rig.n_reads, i);
    }
    rig_done(&rig);
}

static void on_hangup(struct loop_io *io, uint32_t events, void *userdata)
{
    struct rig *rig = userdata;

    CHECK(events & LOOP_HUP);
    rig->n_reads++;
    if (rig->stops_at_hangup)
        loop_io_stop(io);
    loop_lws_stop(rig->loop);
}

/* The other end is closed: heard once, and the end of it may be said there or later. */
static void test_hangup(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct rig rig;

        rig_init(&rig);
        rig.stops_at_hangup = i == 0;
        CHECK_INT(loop_io_start(loop_lws_base(rig.loop), &rig.io, rig.pipe[0], LOOP_READ, on_hangup,
                                &rig),
                  0);
        CHECK_INT(close(rig.pipe[1]), 0);
        rig.pipe[1] = -1;
        CHECK_INT(loop_lws_run(rig.loop), 0);
        CHECK_INT(rig.n_reads, 1);
        loop_timer_arm(loop_lws_base(rig.loop), &rig.timer, 5000, on_timer, &rig);
        CHECK_INT(loop_lws_run(rig.loop), 0);
        CHECK_INT(rig.n_reads, 1);
        rig_done(&rig);
    }
}

/*
 * A timer that works for long, and arms another: that comes next, before what happens a good while
 * later. (A loop that reckons its wait from before the work would sleep through it.)
 */
static void on_next(struct loop_timer *timer, void *userdata)
{
    struct rig *rig = userdata;

    (void) timer;
    rig->n_timers++;
}

static void on_busy(struct loop_timer *timer, void *userdata)
{
    static const struct itimerspec alarm_at = {.it_value = {.tv_nsec = 150000000}};
    struct rig *rig = userdata;
    struct loop *loop = loop_lws_base(rig->loop);
    uint64_t end = loop_now_us(loop) + 200000;

    (void) timer;
    while (loop_now_us(loop) < end)
        continue;
    loop_timer_arm(loop, &rig->timer, 0, on_next, rig);
    CHECK_INT(timerfd_settime(rig->timerfd, 0, &alarm_at, NULL), 0);
}

static void on_alarm(struct loop_io *io, uint32_t events, void *userdata)
{
    struct rig *rig = userdata;

    (void) io;
    (void) events;
    CHECK_INT(rig->n_timers, 1);
    loop_lws_stop(rig->loop);
}

static void test_timer_after_work(void)
{
    struct loop_timer busy = {0};
    struct rig rig;

    rig_init(&rig);
    rig.timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    CHECK_INT(
        loop_io_start(loop_lws_base(rig.loop), &rig.io, rig.timerfd, LOOP_READ, on_alarm, &rig), 0);
    loop_timer_arm(loop_lws_base(rig.loop), &busy, 0, on_busy, &rig);
    CHECK_INT(loop_lws_run(rig.loop), 0);
    CHECK_INT(rig.n_timers, 1);
    rig_done(&rig);
    (void) close(rig.timerfd);
}

static void test_stop_before_run(void)
{
    struct rig rig;

    rig_init(&rig);
    loop_lws_stop(rig.loop);
    CHECK_INT(loop_lws_run(rig.loop), 0);
    rig_done(&rig);
}

const char *const suite_name = "loop-lws";
const struct suite_test suite_tests[] = {
    {"stop-in-timer", test_stop_in_timer},
    {"stop-in-io", test_stop_in_io},
    {"hangup", test_hangup},
    {"timer-after-work", test_timer_after_work},
    {"stop-before-run", test_stop_before_run},
    {NULL, NULL},
};
