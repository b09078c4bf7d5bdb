/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_STRBUF_H
#define IOTD_BASE_STRBUF_H

/*
 * A growing string with a cap. The first failure sticks: later appends do nothing, and the
 * caller asks once, at the end, with strbuf_finish().
 */

#include <stddef.h>

#include "libiotclient/base/macro.h"

struct strbuf {
    char *data; /* NUL-terminated; NULL while empty */
    size_t len;
    size_t size;
    size_t cap; /* most bytes without the NUL */
    int error;  /* 0, -ENOMEM or -EMSGSIZE */
};

void strbuf_init(struct strbuf *sb, size_t cap);
void strbuf_done(struct strbuf *sb);

void strbuf_add(struct strbuf *sb, const char *data, size_t len);
void strbuf_adds(struct strbuf *sb, const char *text);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends text as a JSON string with its quotes. text must be UTF-8. */
void strbuf_add_json(struct strbuf *sb, const char *text);

/* Hands the string over (never NULL on success), or frees it and returns the first error. */
int strbuf_finish(struct strbuf *sb, char **ret_text) MUST_CHECK;

#endif /* IOTD_BASE_STRBUF_H */
