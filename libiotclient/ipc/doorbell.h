/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_DOORBELL_H
#define IOTD_IPC_DOORBELL_H

/*
 * Waking the other side, only when it sleeps. Who is about to sleep says so in its bell word, looks
 * once more for work, and then polls its pipe. Who has published work takes the word back to 0, and
 * rings if it was 1. tests/model/doorbell.pml proves that no wake-up is lost; README.md has the
 * interleavings.
 *
 * Why a pipe: O_NONBLOCK belongs to what was opened. An eventfd is opened once for both sides, so
 * that a program could make iotd block on it; the ends of a pipe are two. Why its write end can be
 * read too, though nobody does: a pipe without any reader raises SIGPIPE, which ends a program that
 * never asked for that, and a library may not touch signals. Who rings is a reader itself, so a
 * bell that nobody hears any more just fills up. The hang-up is still seen by who listens. A pair
 * of sockets with MSG_NOSIGNAL does the same for 1.3 us more each time: there and back through
 * epoll took 5.7 us by eventfd, 5.9 us by such a pipe, 8.5 us by sockets.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/fence.h"

/* For those who sleep; then look for work, and doorbell_wake() if there is some. */
static inline void doorbell_sleep(uint32_t *word)
{
    __atomic_store_n(word, 1U, __ATOMIC_SEQ_CST);
    fence_full(); /* before any look at what others publish */
}

/* Is awake: whoever publishes now does not ring. */
static inline void doorbell_wake(uint32_t *word)
{
    __atomic_store_n(word, 0U, __ATOMIC_SEQ_CST);
}

/* For those who have published: whether they have to ring. */
static inline bool doorbell_must_ring(uint32_t *word)
{
    fence_full(); /* what was published is there before the look */
    return __atomic_load_n(word, __ATOMIC_RELAXED) != 0 &&
           __atomic_exchange_n(word, 0U, __ATOMIC_SEQ_CST) != 0;
}

/*
 * A pipe, both ends non-blocking and close-on-exec. The ends can be passed on; whoever gets one
 * cannot make the other end block.
 * @return 0; -EMFILE, -ENFILE; -ENOENT and others: there is no /proc, through which the write end
 *         is opened
 */
int doorbell_new(int *ret_read_fd, int *ret_write_fd) MUST_CHECK;
/* Never blocks and raises no signal; a pipe that is full rings already. */
void doorbell_ring(int write_fd);
/* Empties it, in a bounded number of reads: poll() tells of more. True: the other end is closed. */
bool doorbell_clear(int read_fd);

#endif /* IOTD_IPC_DOORBELL_H */
