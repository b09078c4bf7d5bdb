/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/test-loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "libiotclient/base/num.h"

#define DEADLINE_US (10U * USEC_PER_SEC)

static struct test_loop *of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct test_loop, loop);
}

static size_t slot_of(const struct test_loop *tl, const struct loop_io *io)
{
    for (size_t i = 0; i < TEST_LOOP_MAX_IOS; i++) {
        if (tl->ios[i] == io)
            return i;
    }
    assert(!"the descriptor is watched");
    return 0;
}

static int io_start(struct loop *loop, struct loop_io *io)
{
    struct test_loop *tl = of(loop);
    size_t slot;

    if (tl->fail_io_start_in > 0 && --tl->fail_io_start_in == 0)
        return -ENOSPC;
    slot = slot_of(tl, NULL);
    tl->ios[slot] = io;
    tl->is_new[slot] = true;
    tl->n_ios++;
    return 0;
}

static void io_update(struct loop *loop, struct loop_io *io)
{
    (void) slot_of(of(loop), io); /* asserts; the next turn asks for io->events anyway */
}

static void io_stop(struct loop *loop, struct loop_io *io)
{
    struct test_loop *tl = of(loop);

    tl->ios[slot_of(tl, io)] = NULL;
    tl->n_ios--;
}

static uint64_t now_us(struct loop *loop)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000 + of(loop)->ahead_us;
}

static void wake_at(struct loop *loop, uint64_t due_us)
{
    of(loop)->wake_us = due_us;
}

static const struct loop_ops ops = {io_start, io_update, io_stop, now_us, wake_at};

void test_loop_init(struct test_loop *tl)
{
    *tl = (struct test_loop){.wake_us = UINT64_MAX};
    loop_init(&tl->loop, &ops);
}

void test_loop_done(struct test_loop *tl)
{
    assert(tl->n_ios == 0);
    loop_done(&tl->loop);
}

static int timeout_ms(struct test_loop *tl, uint64_t max_us)
{
    uint64_t now = now_us(&tl->loop);

    if (tl->wake_us <= now)
        return 0;
    if (tl->wake_us != UINT64_MAX && tl->wake_us - now < max_us)
        max_us = tl->wake_us - now;
    return (int) ((max_us + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

void test_loop_turn(struct test_loop *tl, uint64_t max_us)
{
    struct pollfd fds[TEST_LOOP_MAX_IOS];

    for (size_t i = 0; i < TEST_LOOP_MAX_IOS; i++) {
        const struct loop_io *io = tl->ios[i];

        fds[i] = (struct pollfd){.fd = io ? io->fd : -1};
        if (io && (io->events & LOOP_READ))
            fds[i].events |= POLLIN;
        if (io && (io->events & LOOP_WRITE))
            fds[i].events |= POLLOUT;
        tl->is_new[i] = false;
    }
    if (poll(fds, TEST_LOOP_MAX_IOS, timeout_ms(tl, max_us)) < 0)
        return;

    for (size_t i = 0; i < TEST_LOOP_MAX_IOS; i++) {
        struct loop_io *io = tl->ios[i];
        uint32_t events = 0;

        if (!io || tl->is_new[i])
            continue;
        if (fds[i].revents & POLLIN)
            events |= LOOP_READ;
        if (fds[i].revents & POLLOUT)
            events |= LOOP_WRITE;
        if (fds[i].revents & (POLLHUP | POLLERR))
            events |= LOOP_HUP;
        events &= io->events | LOOP_HUP; /* what was wanted may have changed since */
        if (events)
            io->fn(io, events, io->userdata);
    }
    (void) loop_run_timers(&tl->loop);
}

static bool is_busy(struct test_loop *tl)
{
    struct pollfd fds[TEST_LOOP_MAX_IOS];

    for (size_t i = 0; i < TEST_LOOP_MAX_IOS; i++) {
        const struct loop_io *io = tl->ios[i];

        fds[i] = (struct pollfd){.fd = io ? io->fd : -1};
        if (io && (io->events & LOOP_READ))
            fds[i].events |= POLLIN;
        if (io && (io->events & LOOP_WRITE))
            fds[i].events |= POLLOUT;
    }
    return tl->wake_us <= now_us(&tl->loop) || poll(fds, TEST_LOOP_MAX_IOS, 0) > 0;
}

void test_loop_settle(struct test_loop *tl)
{
    while (is_busy(tl))
        test_loop_turn(tl, 0);
}

unsigned test_timeout_scale(void)
{
    const char *text = getenv("IOTD_TEST_TIMEOUT_SCALE");
    uint64_t scale;

    if (!text || num_parse_u64(text, &scale) < 0 || scale < 1 || scale > 100)
        return 1;
    return (unsigned) scale;
}

bool test_loop_until(struct test_loop *tl, bool (*fn)(void *userdata), void *userdata)
{
    uint64_t deadline = now_us(&tl->loop) + DEADLINE_US * test_timeout_scale();

    while (!fn(userdata)) {
        uint64_t now = now_us(&tl->loop);

        if (now >= deadline)
            return false;
        test_loop_turn(tl, deadline - now);
    }
    return true;
}
