/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/loop_epoll.h"
#include "tests/lib/suite.h"

struct watch {
    struct loop_io io;
    unsigned n;
    uint32_t events;
    struct watch *victim; /* stopped in the callback */
};

static void on_io(struct loop_io *io, uint32_t events, void *userdata)
{
    struct watch *w = userdata;

    CHECK(io == &w->io);
    w->n++;
    w->events = events;
    if (w->victim)
        loop_io_stop(&w->victim->io);
}

static bool is_readable(struct loop_epoll *le)
{
    struct pollfd pfd = {.fd = le->epoll_fd, .events = POLLIN};

    return poll(&pfd, 1, 0) == 1;
}

/* Until the descriptor is readable; a deadline long enough for any machine. */
static bool wait_readable(struct loop_epoll *le)
{
    struct pollfd pfd = {.fd = le->epoll_fd, .events = POLLIN};

    return poll(&pfd, 1, 10000) == 1;
}

struct fixture {
    struct loop_epoll le;
    int fds[2]; /* a pipe */
};

static void fixture_init(struct fixture *f)
{
    CHECK_INT(loop_epoll_init(&f->le), 0);
    CHECK_INT(pipe(f->fds), 0);
}

static void fixture_done(struct fixture *f)
{
    (void) fd_close(f->fds[0]);
    (void) fd_close(f->fds[1]);
    loop_epoll_done(&f->le);
}

static void feed(struct fixture *f)
{
    CHECK_INT(write(f->fds[1], "x", 1), 1);
}

static void test_io(void)
{
    struct watch w = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &w.io, f.fds[0], LOOP_READ, on_io, &w), 0);
    CHECK(!is_readable(&f.le));
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(w.n, 0);
    feed(&f);
    CHECK(is_readable(&f.le));
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(w.n, 1);
    CHECK_INT(w.events, LOOP_READ);
    loop_io_update(&w.io, 0); /* level triggered, and not wanted any more */
    CHECK(!is_readable(&f.le));
    loop_io_update(&w.io, LOOP_READ);
    CHECK(is_readable(&f.le));
    loop_io_stop(&w.io);
    CHECK(!is_readable(&f.le));
    fixture_done(&f);
}

static void test_hangup(void)
{
    struct watch w = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &w.io, f.fds[0], LOOP_READ, on_io, &w), 0);
    f.fds[1] = fd_close(f.fds[1]);
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(w.events, LOOP_HUP);
    loop_io_stop(&w.io);
    fixture_done(&f);
}

/* One descriptor, two watches: epoll refuses that, the loop must not. */
static void test_same_descriptor_twice(void)
{
    struct watch a = {.n = 0}, b = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    feed(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &a.io, f.fds[0], LOOP_READ, on_io, &a), 0);
    CHECK_INT(loop_io_start(&f.le.loop, &b.io, f.fds[0], LOOP_READ, on_io, &b), 0);
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(a.n, 1);
    CHECK_INT(b.n, 1);
    loop_io_stop(&a.io);
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(a.n, 1);
    CHECK_INT(b.n, 2);
    loop_io_update(&b.io, 0);
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(b.n, 2);
    loop_io_stop(&b.io);
    fixture_done(&f);
}

/* An event that was collected already is not for a watch that another one has stopped. */
static void test_stop_collected(void)
{
    struct watch a = {.n = 0}, b = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    a.victim = &b;
    b.victim = &a;
    feed(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &a.io, f.fds[0], LOOP_READ, on_io, &a), 0);
    CHECK_INT(loop_io_start(&f.le.loop, &b.io, f.fds[0], LOOP_READ, on_io, &b), 0);
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(a.n + b.n, 1); /* whichever came first */
    loop_io_stop(&a.io);
    loop_io_stop(&b.io);
    fixture_done(&f);
}

static void test_bad_descriptor(void)
{
    struct watch w = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &w.io, -1, LOOP_READ, on_io, &w), -EBADF);
    CHECK(w.io.loop == NULL);
    loop_io_stop(&w.io); /* harmless */
    fixture_done(&f);
}

struct tick {
    struct loop_timer timer;
    struct loop *loop;
    unsigned n;
    bool again;
};

static void on_tick(struct loop_timer *timer, void *userdata)
{
    struct tick *t = userdata;

    CHECK(timer == &t->timer);
    t->n++;
    if (t->again)
        loop_timer_arm(t->loop, &t->timer, 0, on_tick, t);
}

static void test_timers(void)
{
    struct tick now = {.n = 0}, soon = {.n = 0}, never = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    loop_timer_arm(&f.le.loop, &never.timer, 3600 * USEC_PER_SEC, on_tick, &never);
    CHECK(!is_readable(&f.le));
    loop_timer_arm(&f.le.loop, &soon.timer, 1000, on_tick, &soon);
    loop_timer_arm(&f.le.loop, &now.timer, 0, on_tick, &now);
    CHECK_INT(now.n, 0); /* never from inside of the call */
    CHECK(wait_readable(&f.le));
    CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(now.n, 1);
    while (soon.n == 0 && wait_readable(&f.le))
        CHECK_INT(loop_epoll_run(&f.le), 0);
    CHECK_INT(soon.n, 1);
    CHECK_INT(never.n, 0);
    CHECK(!is_readable(&f.le)); /* the descriptor rests until the next is due */
    loop_timer_cancel(&never.timer);
    CHECK(f.le.wake_us == UINT64_MAX);
    fixture_done(&f);
}

/* A timer that is always due does not keep the loop to itself. */
static void test_busy_timer(void)
{
    struct tick t = {.again = true};
    struct watch w = {.n = 0};
    struct fixture f;

    fixture_init(&f);
    t.loop = &f.le.loop;
    feed(&f);
    CHECK_INT(loop_io_start(&f.le.loop, &w.io, f.fds[0], LOOP_READ, on_io, &w), 0);
    loop_timer_arm(&f.le.loop, &t.timer, 0, on_tick, &t);
    for (int i = 0; i < 10; i++) {
        CHECK(wait_readable(&f.le));
        CHECK_INT(loop_epoll_run(&f.le), 0);
    }
    CHECK_INT(w.n, 10);
    CHECK(t.n >= 1);
    loop_timer_cancel(&t.timer);
    loop_io_stop(&w.io);
    fixture_done(&f);
}

const char *const suite_name = "client-loop";
const struct suite_test suite_tests[] = {
    {"io", test_io},
    {"hangup", test_hangup},
    {"same_descriptor_twice", test_same_descriptor_twice},
    {"stop_collected", test_stop_collected},
    {"bad_descriptor", test_bad_descriptor},
    {"timers", test_timers},
    {"busy_timer", test_busy_timer},
    {NULL, NULL},
};
