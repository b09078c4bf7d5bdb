/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAULT_H
#define IOTD_TESTS_FAULT_H

/*
 * Allocations that fail on demand. The program is linked with $(fault_ldflags), which leads
 * malloc() and its kin of our code here. Those of jansson do not come by themselves: its lexer
 * (2.14, lex_save) goes on with a hole in the text when its buffer cannot grow.
 */

#include <stdbool.h>

/* Jansson allocates through here, or not any more. While it has no memory of its own out. */
void fault_include_json(bool on);

/* The n-th allocation from now on fails, once; n counts from 1. */
void fault_arm(unsigned n);
/* No more of it; whether one has failed. */
bool fault_disarm(void);
/* Allocations that were not freed yet. */
long fault_n_live(void);

/* 0 or negative errno; takes back what a success has made. */
typedef int (*fault_run_fn)(void *userdata);
/* Asserts that a run which failed has changed nothing; may be NULL. */
typedef void (*fault_check_fn)(void *userdata);

/*
 * Runs with the first, the second, ... allocation failing, until a run gets through without a
 * failure: that one must return 0. The others must return -ENOMEM and leave no memory behind.
 * Fails the test if there was nothing to fail.
 */
void fault_sweep(const char *name, fault_run_fn run, fault_check_fn check, void *userdata);

#endif /* IOTD_TESTS_FAULT_H */
