/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BENCH_H
#define IOTD_TESTS_BENCH_H

/*
 * What is measured, and how it is told: one line of tab-separated fields for each series,
 *
 *   name n min median p99 unit baseline ratio
 *
 * baseline is the median of the series that it is compared with, measured in the same run, and
 * ratio is median / baseline; both are "-" where there is nothing to compare with. Values that
 * were taken in turns are pairs: there ratio is the median of the ratios of the pairs, so that a
 * machine that changes its speed meanwhile does not change it. Measurements fail only when
 * something is broken, never because it was slow.
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/* Values of one kind. Zero-initialised memory with a name and a unit is an empty series. */
struct bench_series {
    const char *name;
    const char *unit;
    double *values;
    size_t n, size;
};

void bench_add(struct bench_series *s, double value);
/* Prints the line. baseline: NULL, or what it is compared with. */
void bench_print(const struct bench_series *s, const struct bench_series *baseline);
/* The same for series whose values are pairs. */
void bench_print_pairs(const struct bench_series *s, const struct bench_series *baseline);
/* The nearest rank. */
double bench_percentile(const struct bench_series *s, size_t percent);
void bench_clear(struct bench_series *s);

/* CLOCK_MONOTONIC */
uint64_t bench_now_ns(void);
/* The processor time of this thread. */
uint64_t bench_cpu_ns(void);
/* n things since start, as a rate. */
double bench_rate(uint64_t n, uint64_t start_ns);

/* Ends the program with a message and status 1. */
void bench_fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
/* The same when result is negative. */
void bench_must(int result, const char *what);

#endif /* IOTD_TESTS_BENCH_H */
