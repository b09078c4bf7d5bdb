/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libiotclient/ipc/ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "libiotclient/ipc/word.h"

#define HEADER sizeof(struct layout_record)
#define ALIGN 8U
/* Own choice: what is skipped is room that comes back only when the consumer passes it. */
#define START_OVER (LAYOUT_RING_SIZE / 4)

LAYOUT_ASSERT((LAYOUT_RING_SIZE & (LAYOUT_RING_SIZE - 1)) == 0);
/* A record fits an empty ring wherever that begins: before its end, or behind a skip. */
LAYOUT_ASSERT(LAYOUT_RECORD_MAX <= LAYOUT_RING_SIZE / 2 && LAYOUT_RECORD_MAX % ALIGN == 0);

static uint32_t padded(size_t len)
{
    return ((uint32_t) len + ALIGN - 1) & ~(ALIGN - 1);
}

static struct layout_record *record_at(const struct ring *r, uint32_t index)
{
    return (struct layout_record *) (void *) (r->data + index % LAYOUT_RING_SIZE);
}

/* What lies between the ends; more than there can be: the other end is not to be believed. */
static int count_used(uint32_t head, uint32_t tail, uint32_t *ret_used)
{
    uint32_t used = head - tail;

    if (used > LAYOUT_RING_SIZE || used % ALIGN != 0)
        return -EPROTO;
    *ret_used = used;
    return 0;
}

/* --- producer --- */

int ring_open(struct ring *r, size_t max, uint8_t **ret_payload)
{
    uint32_t at = r->own % LAYOUT_RING_SIZE, rest = LAYOUT_RING_SIZE - at;
    uint32_t used, need, skip = 0;
    int err;

    if (max > LAYOUT_RECORD_MAX - HEADER)
        return -EMSGSIZE;
    err = count_used(r->own, __atomic_load_n(r->tail, __ATOMIC_ACQUIRE), &used);
    if (err)
        return err;
    need = padded(HEADER + max);
    /* An empty ring starts over only where the skip leaves room enough before it is taken. */
    if (need > rest || (used == 0 && at >= START_OVER && need <= at))
        skip = rest;
    if (skip + need > LAYOUT_RING_SIZE - used)
        return -ENOBUFS;
    r->opened = skip;
    r->max = max;
    *ret_payload = (uint8_t *) (record_at(r, r->own + skip) + 1);
    return 0;
}

void ring_commit(struct ring *r, uint32_t type, uint32_t id, int32_t code, size_t len)
{
    struct layout_record *record;

    assert(len <= r->max && type != LAYOUT_RECORD_PAD);
    if (r->opened > 0) {
        record = record_at(r, r->own);
        __atomic_store_n(&record->len, r->opened, __ATOMIC_RELAXED);
        __atomic_store_n(&record->type, LAYOUT_RECORD_PAD, __ATOMIC_RELAXED);
        r->own += r->opened;
    }
    record = record_at(r, r->own);
    __atomic_store_n(&record->len, (uint32_t) (HEADER + len), __ATOMIC_RELAXED);
    __atomic_store_n(&record->type, type, __ATOMIC_RELAXED);
    __atomic_store_n(&record->id, id, __ATOMIC_RELAXED);
    __atomic_store_n(&record->code, code, __ATOMIC_RELAXED);
    r->own += padded(HEADER + len);
    r->opened = 0;
    r->max = 0;
    __atomic_store_n(r->head, r->own, __ATOMIC_RELEASE);
}

/* --- consumer --- */

/* Goes over what a producer has left at the end of the ring; a record follows it. */
static int pass_skip(struct ring *r, uint32_t *used)
{
    const struct layout_record *record = record_at(r, r->own);
    uint32_t rest = LAYOUT_RING_SIZE - r->own % LAYOUT_RING_SIZE;

    if (__atomic_load_n(&record->type, __ATOMIC_RELAXED) != LAYOUT_RECORD_PAD)
        return 0;
    if (__atomic_load_n(&record->len, __ATOMIC_RELAXED) != rest || rest >= *used)
        return -EPROTO;
    r->own += rest;
    *used -= rest;
    return 0;
}

/* By words, since whoever wrote them may still do so; the rest of the last word is in the ring. */
static void copy_words(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t word = word_load((const uint64_t *) (const void *) (from + i));

        memcpy(to + i, &word, sizeof(word));
    }
}

int ring_peek(struct ring *r, struct layout_record *ret_record, uint8_t *payload, size_t *ret_len)
{
    const struct layout_record *shared;
    struct layout_record record;
    uint32_t used;
    int err;

    err = count_used(__atomic_load_n(r->head, __ATOMIC_ACQUIRE), r->own, &used);
    if (err)
        return err;
    if (used == 0)
        return 0;
    err = pass_skip(r, &used);
    if (err)
        return err;

    shared = record_at(r, r->own);
    record.len = __atomic_load_n(&shared->len, __ATOMIC_RELAXED);
    record.type = __atomic_load_n(&shared->type, __ATOMIC_RELAXED);
    if (record.type == LAYOUT_RECORD_PAD || record.len < HEADER || record.len > LAYOUT_RECORD_MAX ||
        padded(record.len) > used ||
        padded(record.len) > LAYOUT_RING_SIZE - r->own % LAYOUT_RING_SIZE)
        return -EPROTO;
    record.id = __atomic_load_n(&shared->id, __ATOMIC_RELAXED);
    record.code = __atomic_load_n(&shared->code, __ATOMIC_RELAXED);
    copy_words(payload, (const uint8_t *) (shared + 1), record.len - HEADER);
    *ret_record = record;
    *ret_len = record.len - HEADER;
    return 1;
}

void ring_pop(struct ring *r, const struct layout_record *record)
{
    r->own += padded(record->len);
    __atomic_store_n(r->tail, r->own, __ATOMIC_RELEASE);
}

bool ring_is_empty(const struct ring *r)
{
    return __atomic_load_n(r->head, __ATOMIC_ACQUIRE) == r->own;
}
