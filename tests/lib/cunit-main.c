/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the table of a unit test program with CUnit. An argument runs only tests that contain it. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include "tests/lib/suite.h"

static unsigned n_failed_before;

void suite_fail(const char *file, int line, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    CU_assertImplementation(CU_FALSE, (unsigned) line, text, file, "", CU_FALSE);
}

static void on_test_start(const CU_pTest test, const CU_pSuite suite)
{
    (void) test;
    (void) suite;
    n_failed_before = CU_get_number_of_failures();
}

static void on_test_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord f)
{
    (void) f;
    printf("%s %s.%s\n", CU_get_number_of_failures() > n_failed_before ? "FAIL" : "PASS",
           suite->pName, test->pName);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned n_run, n_bad;
    CU_pSuite suite;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 99;
    suite = CU_add_suite(suite_name, NULL, NULL);
    if (!suite)
        return 99;
    for (const struct suite_test *t = suite_tests; t->name; t++) {
        if (argc > 1 && !strstr(t->name, argv[1]))
            continue;
        if (!CU_add_test(suite, t->name, t->fn))
            return 99;
    }
    CU_set_test_start_handler(on_test_start);
    CU_set_test_complete_handler(on_test_complete);
    (void) CU_run_all_tests(); /* the outcome is asked for below */

    n_run = CU_get_number_of_tests_run();
    n_bad = CU_get_number_of_tests_failed();
    printf("TOTAL %u passed, %u failed\n", n_run - n_bad, n_bad);
    CU_cleanup_registry();
    return n_run == 0 || n_bad > 0;
}
