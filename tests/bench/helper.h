/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_HELPER_H
#define IOTD_TESTS_BENCH_HELPER_H

/*
 * Processes of a measurement that are in its own program: each runs a function, and talks with who
 * started it over a socket of messages. They die with it.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "tests/bench/bench.h"

struct helper {
    pid_t pid;
    int fd;
};

/* fn gets the other end, and what it returns ends the process. */
void helper_start(struct helper *h, int (*fn)(int fd, void *arg), void *arg);
void helper_kill(struct helper *h);

/* One message with a number; for either end. False: the other end is gone. */
void helper_tell(int fd, uint64_t number);
bool helper_hear(int fd, uint64_t *ret_number);
/* Values of a series from one to the other: as many as helper_tell() has announced before. */
void helper_give(int fd, const struct bench_series *s);
void helper_take(int fd, struct bench_series *s);

#endif /* IOTD_TESTS_BENCH_HELPER_H */
