/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixtures of the unit tests say suite_fail(); in a fuzz target that is a finding. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/suite.h"

void suite_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n");
    abort();
}
