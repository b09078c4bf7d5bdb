/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SUITE_H
#define IOTD_TESTS_SUITE_H

/*
 * A unit test program defines suite_tests[] and suite_name; tests/lib/cunit-main.c runs them and
 * prints one line "PASS name" or "FAIL name" each, then "TOTAL n passed, m failed".
 */

#include <CUnit/CUnit.h>

struct suite_test {
    const char *name;
    void (*fn)(void);
};

extern const char *const suite_name;
extern const struct suite_test suite_tests[]; /* ends with a NULL name */

/* Counts as one failed check of the running test and says what was seen. */
void suite_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            suite_fail(__FILE__, __LINE__, "%s", #cond);                                           \
    } while (0)

#define CHECK_INT(a, b)                                                                            \
    do {                                                                                           \
        long long a_ = (long long) (a), b_ = (long long) (b);                                      \
        if (a_ != b_)                                                                              \
            suite_fail(__FILE__, __LINE__, "%s = %lld, wanted %s = %lld", #a, a_, #b, b_);         \
    } while (0)

#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        if (!a_ || !b_ || strcmp(a_, b_) != 0)                                                     \
            suite_fail(__FILE__, __LINE__, "%s = \"%s\", wanted \"%s\"", #a, a_ ? a_ : "(null)",   \
                       b_ ? b_ : "(null)");                                                        \
    } while (0)

#endif /* IOTD_TESTS_SUITE_H */
