/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_IPC_PAIR_H
#define IOTD_TESTS_IPC_PAIR_H

/*
 * The memory and the bells of iotd and one program, both ends in this process: for threads that
 * play the two. The ends have mappings of their own, as in two processes, or share one:
 * ThreadSanitizer tells accesses apart by address, so it sees both sides only there.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/ring.h"
#include "libiotclient/ipc/segment.h"

/* One end. */
struct ipc_end {
    struct layout_up *up;
    struct layout_down *down; /* of the program: not to be written */
    struct ring in, out;      /* what it consumes and what it produces */
    int bell;                 /* to sleep on */
    int other_bell;           /* to wake the other end */
};

struct ipc_pair {
    struct segment up[2], down[2]; /* iotd's and the program's mappings */
    struct ipc_end iotd, program;
};

void ipc_pair_open(struct ipc_pair *p, bool has_two_mappings);
void ipc_pair_close(struct ipc_pair *p);

/* Sleeps until the bell rings and empties it. False: it never rang. */
bool ipc_end_sleep(struct ipc_end *end);

/* Threads of a stress test: a failed check in one of them counts, since CUnit is not for threads.
 */
struct ipc_threads {
    pthread_t threads[8];
    unsigned n;
};
void ipc_threads_start(struct ipc_threads *t, void *(*fn)(void *), void *userdata);
/* Joins them all. */
void ipc_threads_join(struct ipc_threads *t);

/* Of whichever thread; says where, and how often at the end. */
void ipc_fail(const char *file, int line, const char *what);
unsigned ipc_n_failed(void);
#define IPC_CHECK(cond) ((cond) ? true : (ipc_fail(__FILE__, __LINE__, #cond), false))

/* A mix of bits that a number alone decides; for contents that can be recognised. */
static inline uint64_t ipc_mix(uint64_t n)
{
    n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9U;
    n = (n ^ n >> 27) * 0x94d049bb133111ebU;
    return n ^ n >> 31;
}

#endif /* IOTD_TESTS_IPC_PAIR_H */
