/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strbuf_init(struct strbuf *sb, size_t cap)
{
    *sb = (struct strbuf){.cap = cap};
}

void strbuf_done(struct strbuf *sb)
{
    free(sb->data);
    *sb = (struct strbuf){.cap = sb->cap};
}

/* Makes room for len more bytes and the NUL. */
static char *reserve(struct strbuf *sb, size_t len)
{
    size_t need;
    char *p;

    if (sb->error)
        return NULL;
    if (len > sb->cap - sb->len) {
        sb->error = -EMSGSIZE;
        return NULL;
    }
    need = sb->len + len + 1;
    if (need > sb->size) {
        size_t size = need < 64 ? 64 : need + need / 2;

        p = realloc(sb->data, size);
        if (!p) {
            sb->error = -ENOMEM;
            return NULL;
        }
        sb->data = p;
        sb->size = size;
    }
    return sb->data + sb->len;
}

void strbuf_add(struct strbuf *sb, const char *data, size_t len)
{
    char *p = reserve(sb, len);

    if (!p)
        return;
    if (len)
        memcpy(p, data, len);
    p[len] = '\0';
    sb->len += len;
}

void strbuf_adds(struct strbuf *sb, const char *text)
{
    strbuf_add(sb, text, strlen(text));
}

void strbuf_addc(struct strbuf *sb, char c)
{
    strbuf_add(sb, &c, 1);
}

/* Into the room that there is; again if that was not enough. */
void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
    char *p = reserve(sb, 0);
    va_list ap;
    int n;

    if (!p)
        return;
    va_start(ap, fmt);
    n = vsnprintf(p, sb->size - sb->len, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t) n < sb->size - sb->len && (size_t) n <= sb->cap - sb->len) {
        sb->len += (size_t) n;
        return;
    }
    *p = '\0';
    if (n < 0) {
        sb->error = -EINVAL;
        return;
    }
    p = reserve(sb, (size_t) n);
    if (!p)
        return;
    va_start(ap, fmt);
    (void) vsnprintf(p, (size_t) n + 1, fmt, ap); /* measured above */
    va_end(ap);
    sb->len += (size_t) n;
}

/* A character that JSON has no place for in a string, or not as it is. */
static void add_escaped(struct strbuf *sb, char c)
{
    static const struct {
        char c;
        const char *text;
    } escapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"}, {'\t', "\\t"}};

    for (size_t i = 0; i < ARRAY_SIZE(escapes); i++) {
        if (escapes[i].c == c) {
            strbuf_adds(sb, escapes[i].text);
            return;
        }
    }
    strbuf_addf(sb, "\\u%04x", (unsigned char) c);
}

static bool is_plain(char c)
{
    return (unsigned char) c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void strbuf_add_json(struct strbuf *sb, const char *text)
{
    const char *p = text;

    strbuf_addc(sb, '"');
    while (*p) {
        size_t n = 0;

        while (is_plain(p[n]))
            n++;
        strbuf_add(sb, p, n);
        p += n;
        if (*p)
            add_escaped(sb, *p++);
    }
    strbuf_addc(sb, '"');
}

int strbuf_finish(struct strbuf *sb, char **ret_text)
{
    int r;

    if (!sb->data)
        strbuf_add(sb, "", 0);
    r = sb->error;
    if (r < 0) {
        strbuf_done(sb);
        return r;
    }
    *ret_text = TAKE(sb->data);
    strbuf_done(sb);
    return 0;
}
