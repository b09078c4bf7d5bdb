/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_DOORBELL_H
#define IOTD_IPC_DOORBELL_H

/*
 * Waking the other side, only when it sleeps. Who is about to sleep says so in its bell word, looks
 * once more for work, and then polls its pipe. Who has published work takes the word back to 0, and
 * rings if it was 1. tests/model/doorbell.pml proves that no wake-up is lost; README.md has the
 * interleavings.
 *
 * A bell is a pipe and not an eventfd: O_NONBLOCK belongs to what was opened, and an eventfd is
 * shared by both sides, so that a program could make iotd block on it. The ends of a pipe are two.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* For those who sleep; then look for work, and doorbell_wake() if there is some. */
static inline void doorbell_sleep(uint32_t *word)
{
    __atomic_store_n(word, 1U, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* before any look at what others publish */
}

/* Is awake: whoever publishes now does not ring. */
static inline void doorbell_wake(uint32_t *word)
{
    __atomic_store_n(word, 0U, __ATOMIC_SEQ_CST);
}

/* For those who have published: whether they have to ring. */
static inline bool doorbell_must_ring(uint32_t *word)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* what was published is there before the look */
    return __atomic_load_n(word, __ATOMIC_RELAXED) != 0 &&
           __atomic_exchange_n(word, 0U, __ATOMIC_SEQ_CST) != 0;
}

/* A pipe, both ends non-blocking and close-on-exec. */
int doorbell_new(int *ret_read_fd, int *ret_write_fd) MUST_CHECK;
/* Never blocks; a pipe that is full rings already, and one without a reader nobody hears. */
void doorbell_ring(int write_fd);
/* Empties it, in a bounded number of reads. True: the other end is closed. */
bool doorbell_clear(int read_fd);

#endif /* IOTD_IPC_DOORBELL_H */
