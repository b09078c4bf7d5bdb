/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_SYSCALLS_H
#define IOTD_TESTS_BENCH_SYSCALLS_H

/*
 * How many system calls fn makes. It runs in a child process, in which each one is counted instead
 * of made: what fn writes to shared memory is there, what it sends to others is not.
 */
unsigned syscalls_count(void (*fn)(void *userdata), void *userdata);

#endif /* IOTD_TESTS_BENCH_SYSCALLS_H */
