/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_NUM_H
#define IOTD_BASE_NUM_H

/* Text to number, whole and checked: no blanks, no rest, no silent overflow, no locale. */

#include <stdint.h>

#include "libiotclient/base/macro.h"

/* -EINVAL not a decimal number, -ERANGE does not fit. */
int num_parse_i64(const char *text, int64_t *ret_value) MUST_CHECK;
int num_parse_u64(const char *text, uint64_t *ret_value) MUST_CHECK;
/* Finite decimals only, '.' as the point. */
int num_parse_double(const char *text, double *ret_value) MUST_CHECK;

/* Shortest text that reads back as the same double; at least 32 bytes of room. */
#define NUM_DOUBLE_TEXT 32
void num_format_double(char buf[NUM_DOUBLE_TEXT], double value);

#endif /* IOTD_BASE_NUM_H */
