/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_LOOP_H
#define IOTD_BASE_LOOP_H

/*
 * What the code of this project asks of an event loop: watch a descriptor, run a timer.
 * Implementations (lws in the daemon, epoll in the library, a fake in tests) fill struct
 * loop_ops and embed struct loop; timers are kept here, so that an implementation only has to
 * be woken at one point in time. One thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

struct loop;
struct loop_io;
struct loop_timer;

#define LOOP_READ 1U
#define LOOP_WRITE 2U
#define LOOP_HUP 4U /* reported, never asked for */

typedef void (*loop_io_fn)(struct loop_io *io, uint32_t events, void *userdata);
typedef void (*loop_timer_fn)(struct loop_timer *timer, void *userdata);

/* One watched descriptor; storage is the caller's, the descriptor stays the caller's. */
struct loop_io {
    struct loop *loop; /* NULL while not started */
    int fd;
    uint32_t events;
    loop_io_fn fn;
    void *userdata;
    void *impl; /* of the implementation */
};

/* One shot. Zero-initialised memory is an idle timer. */
struct loop_timer {
    struct loop *loop; /* NULL while not armed */
    uint64_t due_us;
    loop_timer_fn fn;
    void *userdata;
    struct list link;
};

struct loop_ops {
    /* io->fd, events, fn, userdata are set. 0 or negative errno. */
    int (*io_start)(struct loop *loop, struct loop_io *io);
    /* io->events changed. */
    void (*io_update)(struct loop *loop, struct loop_io *io);
    /* fn does not run any more, also not for events that were already collected. */
    void (*io_stop)(struct loop *loop, struct loop_io *io);
    /* CLOCK_BOOTTIME, so that deadlines hold over a suspend. */
    uint64_t (*now_us)(struct loop *loop);
    /* Call loop_run_timers() at or soon after due_us; UINT64_MAX means no timer is armed. */
    void (*wake_at)(struct loop *loop, uint64_t due_us);
};

struct loop {
    const struct loop_ops *ops;
    struct list timers; /* sorted by due_us */
};

void loop_init(struct loop *loop, const struct loop_ops *ops);

/* Asserts that nothing is armed any more: a child that outlives the loop is a bug. */
void loop_done(struct loop *loop);

int loop_io_start(struct loop *loop, struct loop_io *io, int fd, uint32_t events, loop_io_fn fn,
                  void *userdata) MUST_CHECK;
void loop_io_update(struct loop_io *io, uint32_t events);
void loop_io_stop(struct loop_io *io); /* harmless when not started */

/* Arms or re-arms. fn runs once from the loop, never from inside this call. */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, uint64_t delay_us,
                    loop_timer_fn fn, void *userdata);
void loop_timer_cancel(struct loop_timer *timer); /* harmless when idle */
static inline bool loop_timer_is_armed(const struct loop_timer *timer)
{
    return timer->loop != NULL;
}

uint64_t loop_now_us(struct loop *loop);

/* For implementations: runs what is due, then asks for the next wake-up. */
unsigned loop_run_timers(struct loop *loop);

#endif /* IOTD_BASE_LOOP_H */
