/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libiotclient/ipc/blobs.h"

#include <assert.h>
#include <errno.h>

#include "libiotclient/ipc/word.h"

#define UNIT (1U << BLOBS_MIN_ORDER)

/* Neighbours in the list, in one word: a late reader of the chunk finds that, and starts over. */
static uint64_t *links_at(const struct blobs *b, uint32_t at)
{
    return (uint64_t *) (void *) (b->area + at);
}

static void set_links(struct blobs *b, uint32_t at, uint32_t prev, uint32_t next)
{
    word_store(links_at(b, at), (uint64_t) prev << 32 | next);
}

static uint32_t prev_of(const struct blobs *b, uint32_t at)
{
    return (uint32_t) (*links_at(b, at) >> 32);
}

static uint32_t next_of(const struct blobs *b, uint32_t at)
{
    return (uint32_t) *links_at(b, at);
}

static void list_add(struct blobs *b, uint32_t at, unsigned order)
{
    uint32_t *first = &b->first[order - BLOBS_MIN_ORDER];

    set_links(b, at, BLOBS_NONE, *first);
    if (*first != BLOBS_NONE)
        set_links(b, *first, at, next_of(b, *first));
    *first = at;
    b->orders[at / UNIT] = (uint8_t) order;
}

static void list_drop(struct blobs *b, uint32_t at, unsigned order)
{
    uint32_t prev = prev_of(b, at), next = next_of(b, at);

    if (prev == BLOBS_NONE)
        b->first[order - BLOBS_MIN_ORDER] = next;
    else
        set_links(b, prev, prev_of(b, prev), next);
    if (next != BLOBS_NONE)
        set_links(b, next, prev, next_of(b, next));
    b->orders[at / UNIT] = 0;
}

int blobs_init(struct blobs *b, void *area, size_t size)
{
    assert(size < BLOBS_NONE);

    *b = (struct blobs){.area = area, .size = (uint32_t) (size / UNIT * UNIT)};
    for (unsigned i = 0; i < BLOBS_ORDERS; i++)
        b->first[i] = BLOBS_NONE;
    b->orders = calloc(b->size / UNIT + 1, 1);
    return b->orders ? 0 : -ENOMEM;
}

void blobs_done(struct blobs *b)
{
    free(b->orders);
    b->orders = NULL;
}

unsigned blobs_order(size_t len)
{
    unsigned order = BLOBS_MIN_ORDER;

    while (order <= BLOBS_MAX_ORDER && len > (size_t) 1 << order)
        order++;
    return order;
}

void blobs_give(struct blobs *b, uint32_t at, unsigned order)
{
    while (order < BLOBS_MAX_ORDER) {
        uint32_t size = 1U << order, other = at ^ size;

        if (other >= b->top || b->orders[other / UNIT] != order)
            break;
        list_drop(b, other, order);
        at &= ~size;
        order++;
    }
    list_add(b, at, order);
}

/* From what was never used; what is left out to be aligned is free from now on. */
static uint32_t take_top(struct blobs *b, unsigned order)
{
    uint32_t size = 1U << order, at = (b->top + size - 1) & ~(size - 1), gap = b->top;

    if (at < b->top || at > b->size || size > b->size - at)
        return BLOBS_NONE;
    b->top = at + size;
    while (gap < at) {
        unsigned gap_order = (unsigned) __builtin_ctz(gap);

        blobs_give(b, gap, gap_order);
        gap += 1U << gap_order;
    }
    return at;
}

uint32_t blobs_take(struct blobs *b, unsigned order)
{
    unsigned from = order;
    uint32_t at;

    if (order > BLOBS_MAX_ORDER)
        return BLOBS_NONE;
    while (from <= BLOBS_MAX_ORDER && b->first[from - BLOBS_MIN_ORDER] == BLOBS_NONE)
        from++;
    if (from > BLOBS_MAX_ORDER)
        return take_top(b, order);
    at = b->first[from - BLOBS_MIN_ORDER];
    list_drop(b, at, from);
    while (from > order) {
        from--;
        list_add(b, at + (1U << from), from);
    }
    return at;
}
