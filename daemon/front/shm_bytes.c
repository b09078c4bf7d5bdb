/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/shm_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/shm_value.h"

uint32_t shm_type_of(enum thing_type type)
{
    static const uint32_t types[THING_TYPE_COUNT_] = {
        [THING_BOOL] = LAYOUT_TYPE_BOOL,
        [THING_INT] = LAYOUT_TYPE_INT,
        [THING_FLOAT] = LAYOUT_TYPE_FLOAT,
        [THING_STRING] = LAYOUT_TYPE_STRING,
        [THING_ENUM] = LAYOUT_TYPE_ENUM,
        [THING_TIMESTAMP] = LAYOUT_TYPE_TIMESTAMP,
        [THING_STRINGENUM] = LAYOUT_TYPE_STRINGENUM,
        [THING_STRUCT] = LAYOUT_TYPE_STRUCT,
        [THING_ARRAY] = LAYOUT_TYPE_ARRAY,
    };

    return types[type];
}

int shm_bytes_reserve(struct shm_bytes *b, size_t size)
{
    size_t n_words = size / sizeof(*b->room) + 1;
    uint64_t *room;

    if (size <= b->size)
        return 0;
    room = calloc(n_words, sizeof(*room));
    if (!room)
        return -ENOMEM;
    free(b->room);
    b->room = room;
    b->size = n_words * sizeof(*room);
    return 0;
}

static int pack(struct shm_bytes *b, const struct value *v)
{
    struct pack_writer w = {.size = SIZE_MAX};
    int r;

    shm_value_put_content(&w, v);
    r = shm_bytes_reserve(b, w.len);
    if (r < 0)
        return r;
    w = (struct pack_writer){.data = (uint8_t *) b->room, .size = b->size};
    shm_value_put_content(&w, v);
    b->data = b->room;
    b->len = w.len;
    return 0;
}

static int word(struct shm_bytes *b, const void *from, size_t len)
{
    b->word = 0;
    memcpy(&b->word, from, len);
    b->data = &b->word;
    b->len = sizeof(b->word);
    return 0;
}

int shm_bytes_of(struct shm_bytes *b, const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL:
        return word(b, &(uint64_t){v->b}, sizeof(uint64_t));
    case VALUE_INT:
        return word(b, &v->i, sizeof(v->i));
    case VALUE_FLOAT:
        return word(b, &v->d, sizeof(v->d));
    case VALUE_STRING:
        b->data = v->s;
        b->len = strlen(v->s);
        return 0;
    case VALUE_STRUCT:
    case VALUE_ARRAY:
        return pack(b, v);
    case VALUE_NONE:
        break;
    }
    return -EINVAL;
}

void shm_bytes_done(struct shm_bytes *b)
{
    free(b->room);
    *b = (struct shm_bytes){0};
}
