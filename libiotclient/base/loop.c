/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/loop.h"

#include <assert.h>
#include <stddef.h>

void loop_init(struct loop *loop, const struct loop_ops *ops)
{
    loop->ops = ops;
    list_init(&loop->timers);
}

void loop_done(struct loop *loop)
{
    assert(list_is_empty(&loop->timers));
}

int loop_io_start(struct loop *loop, struct loop_io *io, int fd, uint32_t events, loop_io_fn fn,
                  void *userdata)
{
    int r;

    assert(!io->loop);

    *io = (struct loop_io){
        .loop = loop,
        .fd = fd,
        .events = events,
        .fn = fn,
        .userdata = userdata,
    };
    r = loop->ops->io_start(loop, io);
    if (r < 0)
        io->loop = NULL;
    return r;
}

void loop_io_update(struct loop_io *io, uint32_t events)
{
    if (!io->loop || io->events == events)
        return;

    io->events = events;
    io->loop->ops->io_update(io->loop, io);
}

void loop_io_stop(struct loop_io *io)
{
    if (!io->loop)
        return;

    io->loop->ops->io_stop(io->loop, io);
    io->loop = NULL;
}

static uint64_t first_due(struct loop *loop)
{
    if (list_is_empty(&loop->timers))
        return UINT64_MAX;
    return LIST_ENTRY(loop->timers.next, struct loop_timer, link)->due_us;
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, uint64_t delay_us,
                    loop_timer_fn fn, void *userdata)
{
    uint64_t now = loop->ops->now_us(loop);
    struct list *at;

    loop_timer_cancel(timer);
    timer->loop = loop;
    timer->due_us = delay_us > UINT64_MAX - now ? UINT64_MAX : now + delay_us;
    timer->fn = fn;
    timer->userdata = userdata;

    /* Most timers are deadlines of one length, so the place is near the end. */
    for (at = loop->timers.prev; at != &loop->timers; at = at->prev) {
        if (LIST_ENTRY(at, struct loop_timer, link)->due_us <= timer->due_us)
            break;
    }
    list_insert_before(at->next, &timer->link);

    if (loop->timers.next == &timer->link)
        loop->ops->wake_at(loop, timer->due_us);
}

void loop_timer_cancel(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    bool was_first;

    if (!loop)
        return;

    was_first = loop->timers.next == &timer->link;
    list_remove(&timer->link);
    timer->loop = NULL;
    if (was_first)
        loop->ops->wake_at(loop, first_due(loop));
}

uint64_t loop_now_us(struct loop *loop)
{
    return loop->ops->now_us(loop);
}

unsigned loop_run_timers(struct loop *loop)
{
    uint64_t now = loop->ops->now_us(loop);
    unsigned n = 0;

    /* A timer re-armed with zero delay by its own function waits for the next turn. */
    while (first_due(loop) <= now) {
        struct loop_timer *t = LIST_ENTRY(loop->timers.next, struct loop_timer, link);

        list_remove(&t->link);
        t->loop = NULL;
        t->fn(t, t->userdata);
        if (++n >= 64)
            break;
    }
    loop->ops->wake_at(loop, first_due(loop));
    return n;
}
