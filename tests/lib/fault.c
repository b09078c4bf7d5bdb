/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <jansson.h>

#include "tests/lib/suite.h"

#define MAX_RUNS 100000

static unsigned countdown; /* 0: nothing is to fail */
static bool has_failed;
static long n_live;

/* What the linker makes of the calls in our code, and of the C library's own functions. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
void __wrap_free(void *p);

static bool must_fail(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

static void *count(void *p)
{
    if (p)
        n_live++;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    void *q;

    if (must_fail())
        return NULL;
    q = __real_realloc(p, size);
    return p ? q : count(q);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    void *q;

    if (must_fail())
        return NULL;
    q = __real_reallocarray(p, n, size);
    return p ? q : count(q);
}

char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t len)
{
    return must_fail() ? NULL : count(__real_strndup(text, len));
}

void __wrap_free(void *p)
{
    if (p)
        n_live--;
    __real_free(p);
}

void fault_include_json(bool on)
{
    json_set_alloc_funcs(on ? __wrap_malloc : __real_malloc, on ? __wrap_free : __real_free);
}

void fault_arm(unsigned n)
{
    countdown = n;
    has_failed = false;
}

bool fault_disarm(void)
{
    countdown = 0;
    return has_failed;
}

long fault_n_live(void)
{
    return n_live;
}

void fault_sweep(const char *name, fault_run_fn run, fault_check_fn check, void *userdata)
{
    for (unsigned n = 1; n < MAX_RUNS; n++) {
        long before = n_live;
        bool failed;
        int r;

        fault_arm(n);
        r = run(userdata);
        failed = fault_disarm();
        if (r != (failed ? -ENOMEM : 0))
            suite_fail(__FILE__, __LINE__, "%s: allocation %u: %d", name, n, r);
        if (!failed) {
            if (n == 1)
                suite_fail(__FILE__, __LINE__, "%s: allocates nothing", name);
            return;
        }
        if (n_live != before)
            suite_fail(__FILE__, __LINE__, "%s: allocation %u: %ld leaked", name, n,
                       n_live - before);
        if (check)
            check(userdata);
    }
    suite_fail(__FILE__, __LINE__, "%s: no end", name);
}
