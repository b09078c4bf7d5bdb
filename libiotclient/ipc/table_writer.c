/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/ipc/blobs.h"
#include "libiotclient/ipc/table.h"

/* Where a long value is; order 0: none. */
struct chunk {
    uint32_t at; /* in the area of blobs */
    unsigned order;
};

/*
 * Each copy of a slot has a chunk of its own. The chunk of the older copy is given back or filled
 * again only when its successor was published: who still reads it finds the count turned.
 */
struct place_chunks {
    struct chunk copies[2];
};

struct table_writer {
    struct segment segment;
    struct layout_table *table;
    struct layout_place *places;
    struct layout_slot *slots;
    struct blobs blobs;
    size_t n_places;
    struct place_chunks *chunks;
};

static size_t round_to_line(size_t size)
{
    return (size + 63) / 64 * 64;
}

/* Numbers that depend on the room alone; the head is the segment's. */
static size_t lay_out(struct layout_table *table, size_t n_places, size_t blobs_len)
{
    size_t places_at = round_to_line(sizeof(struct layout_table));
    size_t slots_at = places_at + round_to_line(n_places * sizeof(struct layout_place));
    size_t blobs_at = slots_at + n_places * sizeof(struct layout_slot);

    table->n_places = (uint32_t) n_places;
    table->places_at = (uint32_t) places_at;
    table->slots_at = (uint32_t) slots_at;
    table->blobs_at = (uint32_t) blobs_at;
    table->blobs_len = (uint32_t) blobs_len;
    return blobs_at + blobs_len;
}

static int map_table(struct table_writer *w, int *ret_fd, size_t blobs_len, uint64_t epoch)
{
    struct layout_table numbers;
    struct segment_spec spec = {
        .name = "iotd-table",
        .kind = LAYOUT_KIND_TABLE,
        .size = lay_out(&numbers, w->n_places, blobs_len),
        .epoch = epoch,
        .is_read_only = true,
    };
    uint8_t *base;
    int r;

    r = segment_create(&w->segment, ret_fd, &spec);
    if (r < 0)
        return r;
    base = w->segment.base;
    w->table = w->segment.base;
    (void) lay_out(w->table, w->n_places, blobs_len);
    w->places = (struct layout_place *) (void *) (base + w->table->places_at);
    w->slots = (struct layout_slot *) (void *) (base + w->table->slots_at);
    return 0;
}

int table_writer_new(struct table_writer **ret_writer, int *ret_fd, size_t n_places,
                     size_t blobs_len, uint64_t epoch)
{
    CLEANUP(table_writer_freep) struct table_writer *w = NULL;
    CLEANUP(fd_closep) int fd = -1;
    int r;

    assert(n_places <= LAYOUT_PLACES_MAX);
    assert(blobs_len <= LAYOUT_TABLE_MAX / 2);

    w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->n_places = n_places;
    w->chunks = calloc(n_places + 1, sizeof(*w->chunks));
    if (!w->chunks)
        return -ENOMEM;
    r = map_table(w, &fd, blobs_len, epoch);
    if (r < 0)
        return r;
    r = blobs_init(&w->blobs, (uint8_t *) w->segment.base + w->table->blobs_at, blobs_len);
    if (r < 0)
        return r;

    *ret_fd = fd;
    fd = -1;
    *ret_writer = TAKE(w);
    return 0;
}

struct table_writer *table_writer_free(struct table_writer *w)
{
    if (!w)
        return NULL;

    blobs_done(&w->blobs);
    segment_done(&w->segment);
    free(w->chunks);
    free(w);
    return NULL;
}

uint64_t table_writer_get_epoch(const struct table_writer *w)
{
    return w->table->head.epoch;
}

void table_begin(struct table_writer *w)
{
    uint32_t generation = w->table->generation;

    assert(generation % 2 == 0);
    __atomic_store_n(&w->table->generation, generation + 1, __ATOMIC_RELAXED);
    fence_release(); /* who sees what is written now sees that it is not whole */
}

void table_end(struct table_writer *w)
{
    uint32_t generation = w->table->generation;

    assert(generation % 2 == 1);
    __atomic_store_n(&w->table->generation, generation + 1, __ATOMIC_RELEASE);
}

/* By words, since others read meanwhile; zeros behind the last byte. */
static void store_words(void *to, const void *from, size_t len)
{
    uint64_t *words = to;

    for (size_t i = 0; i * sizeof(uint64_t) < len; i++) {
        size_t rest = len - i * sizeof(uint64_t);
        uint64_t word = 0;

        memcpy(&word, (const uint8_t *) from + i * sizeof(uint64_t),
               rest < sizeof(word) ? rest : sizeof(word));
        word_store(&words[i], word);
    }
}

void table_name(struct table_writer *w, size_t place, const char *id)
{
    uint32_t named[sizeof(struct layout_place) / sizeof(uint32_t)] = {0};
    uint32_t *shared;

    assert(place < w->n_places && strlen(id) <= LIMIT_FEATURE_ID);

    memcpy(named, id, strlen(id));
    shared = (uint32_t *) (void *) &w->places[place];
    for (size_t i = 1; i < ARRAY_SIZE(named); i++)
        __atomic_store_n(&shared[i], named[i], __ATOMIC_RELAXED);
    /* The first bytes last: who finds those finds all. */
    __atomic_store_n(&shared[0], named[0], __ATOMIC_RELEASE);
    if (place >= w->table->n_used)
        __atomic_store_n(&w->table->n_used, (uint32_t) place + 1, __ATOMIC_RELEASE);
}

/* The chunk of a copy for another value; its old bytes are nobody's any more. */
static bool resize_chunk(struct table_writer *w, struct chunk *chunk, unsigned order)
{
    if (chunk->order == order)
        return true;
    if (chunk->order > 0)
        blobs_give(&w->blobs, chunk->at, chunk->order);
    *chunk = (struct chunk){0, 0};
    if (order == 0)
        return true;
    chunk->at = blobs_take(&w->blobs, order);
    if (chunk->at == BLOBS_NONE)
        return false;
    chunk->order = order;
    return true;
}

int table_write(struct table_writer *w, size_t place, uint32_t type, uint32_t flags,
                const void *value, size_t len, uint64_t stamp_us)
{
    struct layout_copy copy = {{0}};
    struct chunk *chunk;
    uint32_t offset;
    int r = 0;

    assert(place < w->n_places);

    if (!(flags & LAYOUT_FLAG_VALUE))
        len = 0;
    flags &= ~LAYOUT_FLAG_BLOB;
    chunk = &w->chunks[place].copies[(w->slots[place].seq + 1) % 2];
    fence_release(); /* the last turn of each count stays before what it makes free */
    if (!resize_chunk(w, chunk, len > LAYOUT_INLINE ? blobs_order(len) : 0)) {
        flags &= ~LAYOUT_FLAG_VALUE;
        len = 0;
        r = -ENOBUFS;
    }
    if (len > LAYOUT_INLINE) {
        offset = w->table->blobs_at + chunk->at;
        store_words((uint8_t *) w->segment.base + offset, value, len);
        flags |= LAYOUT_FLAG_BLOB;
        copy.word[2] = offset;
    } else if (len > 0) {
        memcpy(&copy.word[2], value, len);
    }
    copy.word[0] = latch_meta(type, flags, (uint32_t) len);
    copy.word[1] = stamp_us;
    (void) latch_write(&w->slots[place], &copy);
    return r;
}
