/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "libiotclient/ipc/table.h"

#define WORD sizeof(uint64_t)

static uint32_t load(const uint32_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

/* A part of n elements, where it says. */
static bool is_inside(const struct segment *segment, uint32_t at, uint32_t n, size_t size)
{
    return at % 64 == 0 && at >= sizeof(struct layout_table) &&
           (uint64_t) at + (uint64_t) n * size <= segment->size;
}

int table_view_init(struct table_view *view, const struct segment *segment)
{
    const struct layout_table *table = segment->base;
    const uint8_t *base = segment->base;
    uint32_t n_places, places_at, slots_at;

    if (segment->size < sizeof(*table) || segment->size > LAYOUT_TABLE_MAX)
        return -EPROTO;
    n_places = load(&table->n_places);
    places_at = load(&table->places_at);
    slots_at = load(&table->slots_at);
    if (n_places > LAYOUT_PLACES_MAX ||
        !is_inside(segment, places_at, n_places, sizeof(struct layout_place)) ||
        !is_inside(segment, slots_at, n_places, sizeof(struct layout_slot)) ||
        !is_inside(segment, load(&table->blobs_at), load(&table->blobs_len), 1))
        return -EPROTO;

    *view = (struct table_view){
        .table = table,
        .places = (const struct layout_place *) (const void *) (base + places_at),
        .slots = (const struct layout_slot *) (const void *) (base + slots_at),
        .base = base,
        .size = segment->size,
        .n_places = n_places,
        .epoch = word_load(&table->head.epoch),
    };
    return 0;
}

size_t table_count(const struct table_view *view)
{
    size_t n = __atomic_load_n(&view->table->n_used, __ATOMIC_ACQUIRE);

    return n < view->n_places ? n : view->n_places;
}

/* By words, since iotd may write meanwhile. */
static void load_words(uint8_t *to, const void *from, size_t len)
{
    const uint64_t *words = from;
    uint64_t word;

    for (; len >= WORD; to += WORD, len -= WORD) {
        word = word_load(words++);
        memcpy(to, &word, WORD);
    }
    if (len > 0) {
        word = word_load(words);
        memcpy(to, &word, len);
    }
}

bool table_id(const struct table_view *view, size_t place, char id[LIMIT_FEATURE_ID + 1])
{
    uint32_t named[sizeof(struct layout_place) / sizeof(uint32_t)];
    const uint32_t *shared;
    size_t len;

    if (place >= table_count(view))
        return false;
    /* The first bytes first: who finds those finds all. */
    shared = (const uint32_t *) (const void *) &view->places[place];
    named[0] = __atomic_load_n(&shared[0], __ATOMIC_ACQUIRE);
    for (size_t i = 1; i < ARRAY_SIZE(named); i++)
        named[i] = load(&shared[i]);

    len = strnlen((const char *) named, sizeof(named));
    if (len == 0 || len > LIMIT_FEATURE_ID)
        return false;
    memcpy(id, named, len + 1);
    return true;
}

/* Whether a whole copy says what can be; of a blob, where it is. */
static bool is_sound(const struct table_view *view, const struct layout_copy *copy)
{
    uint64_t offset = copy->word[2];
    uint32_t len = latch_len(copy->word[0]);

    if (!(latch_flags(copy->word[0]) & LAYOUT_FLAG_BLOB))
        return len <= LAYOUT_INLINE;
    /* Words are read whole: also the last one must be inside. */
    return len > LAYOUT_INLINE && offset % WORD == 0 && offset <= view->size &&
           ((uint64_t) len + WORD - 1) / WORD * WORD <= view->size - offset;
}

int table_read(const struct table_view *view, size_t place, struct layout_copy *ret_copy,
               uint8_t *buf, size_t size)
{
    const struct layout_slot *slot;
    uint32_t seq, len;

    if (place >= view->n_places)
        return -EPROTO;
    slot = &view->slots[place];
    for (unsigned tries = TABLE_TRIES; tries > 0; tries--) {
        if (!latch_read(slot, tries, ret_copy, &seq))
            break;
        if (!is_sound(view, ret_copy))
            return -EPROTO;
        if (latch_flags(ret_copy->word[0]) & LAYOUT_FLAG_BLOB) {
            len = latch_len(ret_copy->word[0]);
            load_words(buf, view->base + ret_copy->word[2], len < size ? len : size);
            if (!latch_is_good(slot, seq))
                continue;
        }
        return 0;
    }
    return -EAGAIN;
}
