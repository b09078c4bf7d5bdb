/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_TEST_LOOP_H
#define IOTD_TESTS_TEST_LOOP_H

/* A real loop on poll(2) for tests: struct loop_ops, a bounded run, and faults on demand. */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/loop.h"

#define TEST_LOOP_MAX_IOS 64

struct test_loop {
    struct loop loop; /* pass &tl->loop on */
    struct loop_io *ios[TEST_LOOP_MAX_IOS];
    bool is_new[TEST_LOOP_MAX_IOS]; /* started in this turn: what poll said is not for it */
    unsigned n_ios;
    uint64_t wake_us;
    uint64_t ahead_us;         /* of the real clock: a test may go on to later */
    unsigned fail_io_start_in; /* 1: the next start fails with -ENOSPC; 0: none does */
};

void test_loop_init(struct test_loop *tl);
/* Asserts that nothing is left in the loop. */
void test_loop_done(struct test_loop *tl);

/* One turn; waits at most max_us for something to happen. */
void test_loop_turn(struct test_loop *tl, uint64_t max_us);
/* Runs until nothing happens any more without waiting. */
void test_loop_settle(struct test_loop *tl);
/* Runs until fn is true. false: it was not within ten seconds (scaled by the environment). */
bool test_loop_until(struct test_loop *tl, bool (*fn)(void *userdata), void *userdata);

/* IOTD_TEST_TIMEOUT_SCALE: how many times slower than usual things may be. At least 1. */
unsigned test_timeout_scale(void);

#endif /* IOTD_TESTS_TEST_LOOP_H */
