/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/num.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_digits(const char *text, uint64_t *ret_value)
{
    uint64_t v = 0;

    if (!*text)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t) (*text - '0'), &v))
            return -ERANGE;
    }
    *ret_value = v;
    return 0;
}

int num_parse_u64(const char *text, uint64_t *ret_value)
{
    return parse_digits(text, ret_value);
}

int num_parse_i64(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    uint64_t v;
    int r;

    r = parse_digits(text + negative, &v);
    if (r < 0)
        return r;
    if (v > (uint64_t) INT64_MAX + negative)
        return -ERANGE;
    *ret_value = negative ? (int64_t) (0 - v) : (int64_t) v;
    return 0;
}

/* The process may run in any locale, the files and messages never do. */
static locale_t c_locale(void)
{
    static locale_t loc;

    if (!loc)
        loc = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
    return loc;
}

int num_parse_double(const char *text, double *ret_value)
{
    locale_t loc = c_locale();
    char *end;
    double v;

    if (!loc)
        return -ENOMEM;
    if (!*text || strspn(text, "+-.eE0123456789") != strlen(text))
        return -EINVAL;
    v = strtod_l(text, &end, loc);
    if (*end || end == text)
        return -EINVAL;
    if (!isfinite(v))
        return -ERANGE;
    *ret_value = v;
    return 0;
}

void num_format_double(char buf[NUM_DOUBLE_TEXT], double value)
{
    locale_t loc = c_locale();
    locale_t old = loc ? uselocale(loc) : (locale_t) 0;

    for (int digits = 15; digits <= 17; digits++) {
        double back;

        (void) snprintf(buf, NUM_DOUBLE_TEXT, "%.*g", digits, value);
        if (num_parse_double(buf, &back) == 0 && back == value) /* as intended: bit for bit */
            break;
    }
    if (loc)
        (void) uselocale(old);
}
