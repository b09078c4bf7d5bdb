/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_LOOP_EPOLL_H
#define IOTD_LIBIOTCLIENT_LOOP_EPOLL_H

/*
 * struct loop on one epoll set. Descriptors and timers come and go inside of the set, so the
 * descriptor that a program polls is the same one for ever.
 */

#include "libiotclient/base/loop.h"

#define LOOP_EPOLL_BATCH 16

struct loop_epoll {
    struct loop loop;
    int epoll_fd;
    int timer_fd;
    uint64_t wake_us; /* what timer_fd is set to; UINT64_MAX: disarmed */
    /* What was found ready and is not handled yet: io_stop() takes its entry out of here. */
    struct loop_io *ready[LOOP_EPOLL_BATCH];
    uint32_t events[LOOP_EPOLL_BATCH]; /* LOOP_READ, ...; parallel to ready */
    int n_ready;
    bool timer_rang;
};

/* -EMFILE, -ENFILE, -ENOMEM */
int loop_epoll_init(struct loop_epoll *le) MUST_CHECK;
/* Everything must have been stopped. Harmless on zeroed memory with both descriptors -1. */
void loop_epoll_done(struct loop_epoll *le);

/*
 * Waits until something is ready, timeout_ms at most (-1: for ever); loop_epoll_run() follows.
 * @return how much; 0 nothing in time; -EINTR
 */
int loop_epoll_wait(struct loop_epoll *le, int timeout_ms) MUST_CHECK;
/* Handles at most one batch of descriptors, and the timers that are due. Never waits. */
int loop_epoll_run(struct loop_epoll *le) MUST_CHECK;

#endif /* IOTD_LIBIOTCLIENT_LOOP_EPOLL_H */
