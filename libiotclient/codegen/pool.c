/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/codegen/pool.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct pool_chunk {
    struct pool_chunk *next;
    max_align_t data[];
};

void pool_done(struct pool *pool)
{
    while (pool->chunks) {
        struct pool_chunk *next = pool->chunks->next;

        free(pool->chunks);
        pool->chunks = next;
    }
}

void *pool_alloc(struct pool *pool, size_t n, size_t size)
{
    struct pool_chunk *chunk;
    size_t len;

    if (__builtin_mul_overflow(n, size, &len) ||
        __builtin_add_overflow(len, sizeof(*chunk) + 1, &len))
        return NULL;
    chunk = calloc(1, len);
    if (!chunk)
        return NULL;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    return chunk->data;
}

char *pool_printf(struct pool *pool, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        return NULL;
    text = pool_alloc(pool, (size_t) len + 1, 1);
    if (!text)
        return NULL;
    va_start(ap, fmt);
    (void) vsnprintf(text, (size_t) len + 1, fmt, ap);
    va_end(ap);
    return text;
}
