/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's loop: what ends it, and that it can run again. */

#include "daemon/sys/loop_lws.h"

#include <unistd.h>

#include "tests/lib/suite.h"

#define GIVE_UP_S 20

struct rig {
    struct loop_lws *loop;
    struct loop_timer timer;
    int pipe[2];
    struct loop_io io;
    unsigned n_timers, n_reads;
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
    {"stop-before-run", test_stop_before_run},
    {NULL, NULL},
};
