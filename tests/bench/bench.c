/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/suite.h"

static uint64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    (void) clock_gettime(clock, &ts);
    return (uint64_t) ts.tv_sec * 1000000000U + (uint64_t) ts.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

double bench_rate(uint64_t n, uint64_t start_ns)
{
    return (double) n * 1e9 / (double) (bench_now_ns() - start_ns);
}

void bench_fatal(const char *fmt, ...)
{
    va_list ap;

    (void) fprintf(stderr, "bench: ");
    va_start(ap, fmt);
    (void) vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void) fprintf(stderr, "\n");
    exit(1);
}

void bench_must(int result, const char *what)
{
    if (result < 0)
        bench_fatal("%s: %s", what, strerror(-result));
}

/* The fixtures of tests/lib tell failures so; there they fail a test, here they end it all. */
void suite_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    (void) fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    (void) vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void) fprintf(stderr, "\n");
    exit(1);
}

void bench_add(struct bench_series *s, double value)
{
    if (s->n == s->size) {
        size_t size = s->size ? s->size * 2 : 64;
        double *values = reallocarray(s->values, size, sizeof(*values));

        if (!values)
            bench_fatal("out of memory");
        s->values = values;
        s->size = size;
    }
    s->values[s->n++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

double bench_percentile(const struct bench_series *s, size_t percent)
{
    double *sorted, value;

    if (s->n == 0)
        bench_fatal("%s: nothing was measured", s->name);
    sorted = reallocarray(NULL, s->n, sizeof(*sorted));
    if (!sorted)
        bench_fatal("out of memory");
    memcpy(sorted, s->values, s->n * sizeof(*sorted));
    qsort(sorted, s->n, sizeof(*sorted), compare);
    value = sorted[(s->n - 1) * percent / 100];
    free(sorted);
    return value;
}

void bench_clear(struct bench_series *s)
{
    free(s->values);
    s->values = NULL;
    s->n = s->size = 0;
}

static void print_values(const struct bench_series *s)
{
    printf("%s\t%zu\t%.6g\t%.6g\t%.6g\t%s", s->name, s->n, bench_percentile(s, 0),
           bench_percentile(s, 50), bench_percentile(s, 99), s->unit);
}

static void print_baseline(const struct bench_series *baseline, double ratio)
{
    printf("\t%.6g\t%.3f\n", bench_percentile(baseline, 50), ratio);
    (void) fflush(stdout);
}

void bench_print(const struct bench_series *s, const struct bench_series *baseline)
{
    print_values(s);
    if (baseline)
        print_baseline(baseline, bench_percentile(s, 50) / bench_percentile(baseline, 50));
    else
        printf("\t-\t-\n");
}

void bench_print_pairs(const struct bench_series *s, const struct bench_series *baseline)
{
    struct bench_series ratios = {0};

    if (s->n != baseline->n)
        bench_fatal("%s: no pairs", s->name);
    for (size_t i = 0; i < s->n; i++)
        bench_add(&ratios, s->values[i] / baseline->values[i]);
    print_values(s);
    print_baseline(baseline, bench_percentile(&ratios, 50));
    bench_clear(&ratios);
}
