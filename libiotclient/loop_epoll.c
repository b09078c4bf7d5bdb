/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/loop_epoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

static struct loop_epoll *of_loop(struct loop *loop)
{
    return CONTAINER_OF(loop, struct loop_epoll, loop);
}

/* An epoll set takes a descriptor once; a second watch of it gets a duplicate, kept in impl. */
struct twin {
    int fd;
};

static struct epoll_event event_of(struct loop_io *io)
{
    struct epoll_event ev = {.data.ptr = io};

    if (io->events & LOOP_READ)
        ev.events |= EPOLLIN;
    if (io->events & LOOP_WRITE)
        ev.events |= EPOLLOUT;
    return ev;
}

static int fd_of(struct loop_io *io)
{
    struct twin *twin = io->impl;

    return twin ? twin->fd : io->fd;
}

static int start_twin(struct loop_epoll *le, struct loop_io *io)
{
    CLEANUP(freep) struct twin *twin = calloc(1, sizeof(*twin));
    struct epoll_event ev = event_of(io);
    int r;

    if (!twin)
        return -ENOMEM;
    twin->fd = fd_dup(io->fd);
    if (twin->fd < 0)
        return twin->fd;
    if (epoll_ctl(le->epoll_fd, EPOLL_CTL_ADD, twin->fd, &ev) < 0) {
        r = -errno;
        (void) fd_close(twin->fd);
        return r;
    }
    io->impl = TAKE(twin);
    return 0;
}

static int io_start(struct loop *loop, struct loop_io *io)
{
    struct loop_epoll *le = of_loop(loop);
    struct epoll_event ev = event_of(io);

    if (epoll_ctl(le->epoll_fd, EPOLL_CTL_ADD, io->fd, &ev) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    return start_twin(le, io);
}

static void io_update(struct loop *loop, struct loop_io *io)
{
    struct epoll_event ev = event_of(io);

    /* The descriptor is in the set: nothing can fail but what the kernel tells as an event. */
    (void) epoll_ctl(of_loop(loop)->epoll_fd, EPOLL_CTL_MOD, fd_of(io), &ev);
}

static void io_stop(struct loop *loop, struct loop_io *io)
{
    struct loop_epoll *le = of_loop(loop);
    struct twin *twin = io->impl;

    /* Fails when the owner closed the descriptor before: then it has left the set already. */
    (void) epoll_ctl(le->epoll_fd, EPOLL_CTL_DEL, fd_of(io), NULL);
    if (twin) {
        (void) fd_close(twin->fd);
        free(twin);
        io->impl = NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(le->ready); i++) {
        if (le->ready[i] == io)
            le->ready[i] = NULL;
    }
}

static uint64_t now_us(struct loop *loop)
{
    struct timespec ts;

    (void) loop;
    (void) clock_gettime(CLOCK_BOOTTIME, &ts); /* cannot fail for this clock */
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static void wake_at(struct loop *loop, uint64_t due_us)
{
    struct loop_epoll *le = of_loop(loop);
    struct itimerspec its = {{0, 0}, {0, 0}};

    if (due_us == le->wake_us)
        return;

    le->wake_us = due_us;
    if (due_us != UINT64_MAX) {
        its.it_value.tv_sec = (time_t) (due_us / USEC_PER_SEC);
        /* Zero would disarm. */
        its.it_value.tv_nsec = (long) (due_us % USEC_PER_SEC) * 1000 + 1;
    }
    (void) timerfd_settime(le->timer_fd, TFD_TIMER_ABSTIME, &its, NULL); /* arguments are right */
}

static const struct loop_ops ops = {
    .io_start = io_start,
    .io_update = io_update,
    .io_stop = io_stop,
    .now_us = now_us,
    .wake_at = wake_at,
};

int loop_epoll_init(struct loop_epoll *le)
{
    struct epoll_event ev = {.events = EPOLLIN}; /* no pointer: the timer */
    int r;

    *le = (struct loop_epoll){.epoll_fd = -1, .timer_fd = -1, .wake_us = UINT64_MAX};
    loop_init(&le->loop, &ops);
    le->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (le->epoll_fd < 0)
        return -errno;
    le->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (le->timer_fd < 0 || epoll_ctl(le->epoll_fd, EPOLL_CTL_ADD, le->timer_fd, &ev) < 0) {
        r = -errno;
        loop_epoll_done(le);
        return r;
    }
    return 0;
}

void loop_epoll_done(struct loop_epoll *le)
{
    if (le->loop.ops)
        loop_done(&le->loop);
    le->timer_fd = fd_close(le->timer_fd);
    le->epoll_fd = fd_close(le->epoll_fd);
}

static uint32_t loop_events(uint32_t epoll_events)
{
    uint32_t events = 0;

    if (epoll_events & EPOLLIN)
        events |= LOOP_READ;
    if (epoll_events & EPOLLOUT)
        events |= LOOP_WRITE;
    if (epoll_events & (EPOLLHUP | EPOLLERR))
        events |= LOOP_HUP;
    return events;
}

int loop_epoll_wait(struct loop_epoll *le, int timeout_ms)
{
    struct epoll_event events[LOOP_EPOLL_BATCH];
    int n = epoll_wait(le->epoll_fd, events, LOOP_EPOLL_BATCH, timeout_ms);

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        le->ready[i] = events[i].data.ptr;
        le->events[i] = loop_events(events[i].events);
        le->timer_rang |= !events[i].data.ptr;
    }
    le->n_ready = n;
    return n;
}

int loop_epoll_run(struct loop_epoll *le)
{
    uint64_t expired;
    int n;

    if (le->n_ready == 0) {
        n = loop_epoll_wait(le, 0);
        if (n < 0)
            return n == -EINTR ? 0 : n;
    }
    n = le->n_ready;
    le->n_ready = 0;
    for (int i = 0; i < n; i++) {
        struct loop_io *io = TAKE(le->ready[i]);

        if (io)
            io->fn(io, le->events[i], io->userdata);
    }
    if (le->timer_rang) {
        /* Disarms; the count is of no interest, and EAGAIN only means that it was re-armed. */
        ssize_t got UNUSED = read(le->timer_fd, &expired, sizeof(expired));

        le->timer_rang = false;
        le->wake_us = UINT64_MAX;
    }
    (void) loop_run_timers(&le->loop); /* also those that the descriptors have just armed */
    return 0;
}
