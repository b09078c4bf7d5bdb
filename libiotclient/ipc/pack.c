/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libiotclient/ipc/pack.h"

#include <errno.h>
#include <string.h>

#define ALIGN 8U

/* What is before the key. */
struct header {
    uint32_t len;
    uint8_t kind;
    uint8_t key_len;
    uint16_t reserved;
};
_Static_assert(sizeof(struct header) == ALIGN, "an item begins with 8 bytes");

static size_t padded(size_t len)
{
    return (len + ALIGN - 1) & ~(size_t) (ALIGN - 1);
}

static size_t key_room(size_t key_len)
{
    return key_len > 0 ? padded(key_len + 1) : 0;
}

/* --- writing --- */

/* Text to be, with zeros behind it; NULL: only zeros. */
static void put_padded(uint8_t *to, const void *from, size_t len, size_t room)
{
    if (len > 0)
        memcpy(to, from, len);
    memset(to + len, 0, room - len);
}

/*
 * An item up to its value; room is what the value needs.
 * NULL: only counted, or it does not fit.
 */
static uint8_t *put_header(struct pack_writer *w, const char *key, enum pack_kind kind, size_t len,
                           size_t room)
{
    size_t key_len = strlen(key), before = sizeof(struct header) + key_room(key_len);
    struct header header = {(uint32_t) len, (uint8_t) kind, (uint8_t) key_len, 0};
    uint8_t *at;

    if (w->full || key_len > UINT8_MAX || len > UINT32_MAX || before > w->size - w->len ||
        room > w->size - w->len - before) {
        w->full = true;
        return NULL;
    }
    at = w->data ? w->data + w->len : NULL;
    w->len += before + room;
    if (!at)
        return NULL;
    memcpy(at, &header, sizeof(header));
    put_padded(at + sizeof(header), key, key_len, key_room(key_len));
    return at + before;
}

static void put_word(struct pack_writer *w, const char *key, enum pack_kind kind, const void *word)
{
    uint8_t *to = put_header(w, key, kind, ALIGN, ALIGN);

    if (to)
        memcpy(to, word, ALIGN);
}

void pack_put_bool(struct pack_writer *w, const char *key, bool b)
{
    uint64_t word = b;

    put_word(w, key, PACK_BOOL, &word);
}

void pack_put_int(struct pack_writer *w, const char *key, int64_t i)
{
    put_word(w, key, PACK_INT, &i);
}

void pack_put_float(struct pack_writer *w, const char *key, double d)
{
    put_word(w, key, PACK_FLOAT, &d);
}

void pack_put_string(struct pack_writer *w, const char *key, const char *s, size_t len)
{
    size_t room;
    uint8_t *to;

    if (len > UINT32_MAX - 2 * ALIGN) {
        w->full = true;
        return;
    }
    room = padded(len + 1);
    to = put_header(w, key, PACK_STRING, len, room);
    if (to)
        put_padded(to, s, len, room);
}

size_t pack_open(struct pack_writer *w, const char *key, enum pack_kind kind)
{
    size_t at = w->len;

    (void) put_header(w, key, kind, 0, 0);
    return at;
}

void pack_close(struct pack_writer *w, size_t opened)
{
    struct header header;
    size_t len;

    if (w->full || !w->data)
        return;
    memcpy(&header, w->data + opened, sizeof(header));
    len = w->len - opened - sizeof(header) - key_room(header.key_len);
    if (len > UINT32_MAX) {
        w->full = true;
        return;
    }
    header.len = (uint32_t) len;
    memcpy(w->data + opened, &header, sizeof(header));
}

/* --- reading --- */

/* A text of len bytes with its NUL and padding; NULL: it is none, or does not fit. */
static const char *take_text(const uint8_t *from, size_t rest, size_t len)
{
    if (len >= rest || padded(len + 1) > rest)
        return NULL;
    if (from[len] != '\0' || memchr(from, '\0', len))
        return NULL;
    return (const char *) from;
}

static int take_scalar(const uint8_t *from, size_t rest, size_t len, struct pack_item *item)
{
    uint64_t word;

    if (len != ALIGN || len > rest)
        return -EBADMSG;
    memcpy(&word, from, sizeof(word));
    if (item->kind == PACK_BOOL && word > 1)
        return -EBADMSG;
    if (item->kind == PACK_BOOL)
        item->b = word != 0;
    else if (item->kind == PACK_INT)
        item->i = (int64_t) word;
    else
        memcpy(&item->d, &word, sizeof(item->d));
    return 0;
}

/* @param ret_room  bytes of it with padding */
static int take_value(const struct pack_reader *r, const uint8_t *from, size_t rest, size_t len,
                      struct pack_item *item, size_t *ret_room)
{
    switch (item->kind) {
    case PACK_BOOL:
    case PACK_INT:
    case PACK_FLOAT:
        *ret_room = ALIGN;
        return take_scalar(from, rest, len, item);
    case PACK_STRING:
        item->s.text = take_text(from, rest, len);
        item->s.len = len;
        *ret_room = padded(len + 1);
        return item->s.text ? 0 : -EBADMSG;
    case PACK_STRUCT:
    case PACK_ARRAY:
        if (len > rest || len % ALIGN != 0 || r->depth >= PACK_DEPTH)
            return -EBADMSG;
        item->items = (struct pack_reader){from, len, r->depth + 1};
        *ret_room = len;
        return 0;
    case PACK_NONE:
    case PACK_KIND_COUNT_:
        break;
    }
    return -EBADMSG;
}

int pack_next(struct pack_reader *r, struct pack_item *ret_item)
{
    struct pack_item item = {.key = ""};
    const uint8_t *at = r->data;
    size_t rest = r->len, room;
    struct header header;
    int err;

    if (rest == 0)
        return 0;
    if (rest < sizeof(header))
        return -EBADMSG;
    memcpy(&header, at, sizeof(header));
    at += sizeof(header);
    rest -= sizeof(header);
    if (header.reserved != 0 || header.kind >= PACK_KIND_COUNT_)
        return -EBADMSG;

    if (header.key_len > 0) {
        item.key = take_text(at, rest, header.key_len);
        if (!item.key)
            return -EBADMSG;
        at += key_room(header.key_len);
        rest -= key_room(header.key_len);
    }
    item.kind = (enum pack_kind) header.kind;
    err = take_value(r, at, rest, header.len, &item, &room);
    if (err)
        return err;

    r->data = at + room;
    r->len = rest - room;
    *ret_item = item;
    return 1;
}

int pack_find(struct pack_reader r, const char *key, enum pack_kind kind,
              struct pack_item *ret_item)
{
    struct pack_item item;
    int n;

    do
        n = pack_next(&r, &item);
    while (n > 0 && strcmp(item.key, key) != 0);
    if (n < 0)
        return n;
    if (n == 0)
        return -ENOENT;
    if (item.kind != kind)
        return -EPROTOTYPE;
    *ret_item = item;
    return 0;
}
