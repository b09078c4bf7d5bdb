/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/ipc/blobs.h"
#include "libiotclient/ipc/table.h"
#include "tests/lib/fault.h"
#include "tests/lib/suite.h"

/* A table, and what a program sees of it. */
struct pair {
    struct table_writer *writer;
    struct segment segment;
    struct table_view view;
};

static void pair_open(struct pair *p, size_t n_places, size_t blobs_len)
{
    int fd = -1;

    memset(p, 0, sizeof(*p));
    CHECK_INT(table_writer_new(&p->writer, &fd, n_places, blobs_len, 7), 0);
    CHECK_INT(segment_map(&p->segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                          LAYOUT_TABLE_MAX, false),
              0);
    (void) close(fd);
    CHECK_INT(table_view_init(&p->view, &p->segment), 0);
}

static void pair_close(struct pair *p)
{
    segment_done(&p->segment);
    p->writer = table_writer_free(p->writer);
}

static int write_text(struct pair *p, size_t place, const char *text, size_t len)
{
    return table_write(p->writer, place, LAYOUT_TYPE_STRING, LAYOUT_FLAG_VALUE, text, len, 98);
}

static void test_values(void)
{
    struct layout_copy copy = {{0}};
    struct latch_scalar scalar = {0};
    struct pair p;
    int64_t number = -5;

    pair_open(&p, 3, 4096);
    CHECK_INT(p.view.epoch, 7);
    CHECK_INT(table_writer_get_epoch(p.writer), 7);
    CHECK_INT(table_read(&p.view, 0, &copy, NULL, 0), 0);
    CHECK_INT(latch_flags(copy.word[0]), 0);
    CHECK_INT(latch_type(copy.word[0]), LAYOUT_TYPE_NONE);

    CHECK_INT(table_write(p.writer, 1, LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE | LAYOUT_FLAG_WRITABLE,
                          &number, 8, 99),
              0);
    CHECK_INT(table_read_scalar(&p.view, 1, &scalar), 0);
    CHECK_INT(latch_type(scalar.meta), LAYOUT_TYPE_INT);
    CHECK_INT(latch_flags(scalar.meta), LAYOUT_FLAG_VALUE | LAYOUT_FLAG_WRITABLE);
    CHECK_INT((int64_t) scalar.value, -5);
    CHECK_INT(scalar.stamp, 99);
    CHECK_INT(table_read(&p.view, 1, &copy, NULL, 0), 0);
    CHECK(copy.word[0] == scalar.meta && copy.word[1] == 99 && copy.word[2] == scalar.value);

    /* Without a value nothing is left of the old one. */
    CHECK_INT(table_write(p.writer, 1, LAYOUT_TYPE_INT, LAYOUT_FLAG_WRITABLE, NULL, 0, 0), 0);
    CHECK_INT(table_read_scalar(&p.view, 1, &scalar), 0);
    CHECK(latch_flags(scalar.meta) == LAYOUT_FLAG_WRITABLE && scalar.value == 0);
    CHECK_INT(table_read(&p.view, 3, &copy, NULL, 0), -EPROTO);
    pair_close(&p);
}

/* Each length, in a buffer of each size around it. */
static void test_lengths(void)
{
    char text[1700], got[1700];
    struct layout_copy copy = {{0}};
    struct pair p;

    pair_open(&p, 1, 16384);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char) (i % 251 + 1);
    for (size_t len = 0; len <= sizeof(text); len = len < 130 ? len + 1 : len + 287) {
        CHECK_INT(write_text(&p, 0, text, len), 0);
        for (size_t size = len < 9 ? 0 : len - 9; size <= len + 1 && size <= sizeof(got); size++) {
            size_t n = len < size ? len : size;

            memset(got, 0, sizeof(got));
            CHECK_INT(table_read(&p.view, 0, &copy, (uint8_t *) got, size), 0);
            CHECK_INT(latch_len(copy.word[0]), len);
            CHECK_INT(!!(latch_flags(copy.word[0]) & LAYOUT_FLAG_BLOB), len > LAYOUT_INLINE);
            if (len <= LAYOUT_INLINE)
                CHECK(memcmp(&copy.word[2], text, len) == 0);
            else
                CHECK(memcmp(got, text, n) == 0 && (n == sizeof(got) || got[n] == 0));
        }
    }
    pair_close(&p);
}

/* Values without room are left out, and come again when there is room. */
static void test_no_room(void)
{
    struct layout_copy copy = {{0}};
    char *text = calloc(1, 200000);
    struct pair p;

    pair_open(&p, 2, 4096);
    CHECK_INT(write_text(&p, 0, text, 2000), 0);
    CHECK_INT(write_text(&p, 0, text, 2048), 0);
    CHECK_INT(write_text(&p, 1, text, 41), -ENOBUFS);
    CHECK_INT(table_read(&p.view, 1, &copy, NULL, 0), 0);
    CHECK_INT(latch_flags(copy.word[0]), 0);
    CHECK_INT(latch_len(copy.word[0]), 0);
    CHECK_INT(write_text(&p, 0, "", 0), 0);
    CHECK_INT(write_text(&p, 1, text, 41), 0);
    CHECK_INT(write_text(&p, 1, text, 200000), -ENOBUFS);
    CHECK_INT(write_text(&p, 0, text, 2049), -ENOBUFS);
    CHECK_INT(write_text(&p, 1, text, 40), 0);
    CHECK_INT(write_text(&p, 1, text, 40), 0);
    CHECK_INT(write_text(&p, 0, text, 2049), 0);
    free(text);
    pair_close(&p);
}

static void test_names(void)
{
    char id[LIMIT_FEATURE_ID + 1] = "";
    struct pair p;

    pair_open(&p, 5, 0);
    CHECK_INT(table_count(&p.view), 0);
    CHECK(!table_id(&p.view, 0, id));
    table_name(p.writer, 3, "p");
    CHECK_INT(table_count(&p.view), 4);
    CHECK(!table_id(&p.view, 0, id) && !table_id(&p.view, 4, id) && !table_id(&p.view, 5, id));
    CHECK(table_id(&p.view, 3, id));
    CHECK_STR(id, "p");
    table_name(p.writer, 0, "abcdefghijklmnopqrstuvwxyz012345");
    CHECK(table_id(&p.view, 0, id));
    CHECK_STR(id, "abcdefghijklmnopqrstuvwxyz012345");
    CHECK_INT(table_count(&p.view), 4);
    pair_close(&p);
}

static void test_batches(void)
{
    struct pair p;
    uint32_t generation;

    pair_open(&p, 2, 0);
    generation = table_read_begin(&p.view);
    CHECK(table_read_held(&p.view, generation));
    table_begin(p.writer);
    CHECK(!table_read_held(&p.view, generation));
    CHECK(!table_read_held(&p.view, table_read_begin(&p.view)));
    table_end(p.writer);
    CHECK(!table_read_held(&p.view, generation));
    CHECK(table_read_held(&p.view, table_read_begin(&p.view)));
    pair_close(&p);
}

/* The largest there is, and none at all. */
static void test_sizes(void)
{
    static const struct {
        size_t n_places, blobs_len;
    } cases[] = {{0, 0}, {1, 0}, {1, 64}, {8, 100}, {LAYOUT_PLACES_MAX, 32 * 1024 * 1024}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pair p;

        pair_open(&p, cases[i].n_places, cases[i].blobs_len);
        CHECK_INT(p.view.n_places, cases[i].n_places);
        CHECK(p.segment.size <= LAYOUT_TABLE_MAX);
        if (cases[i].n_places > 0)
            table_name(p.writer, cases[i].n_places - 1, "last");
        CHECK_INT(table_count(&p.view), cases[i].n_places);
        pair_close(&p);
    }
}

static int run_new(void *userdata)
{
    struct table_writer *w = NULL;
    int fd = -1, r = table_writer_new(&w, &fd, 10, 1000, 1);

    (void) userdata;
    CHECK_INT(r < 0, fd < 0);
    if (r == 0)
        (void) close(fd);
    (void) table_writer_free(w);
    return r;
}

static void test_faults(void)
{
    fault_sweep("table_writer_new", run_new, NULL, NULL);
}

/* --- the table of a daemon that lies --- */

/* A small table in memory of its own, exactly so large. */
struct forged {
    struct layout_table *table;
    struct segment segment;
};

#define N_FORGED 2U
#define SLOTS_AT (192U + 128U)
#define BLOBS_AT (SLOTS_AT + N_FORGED * 128U)
#define FORGED_SIZE (BLOBS_AT + 128U)

static void forge(struct forged *f)
{
    f->table = aligned_alloc(64, FORGED_SIZE);
    memset(f->table, 0, FORGED_SIZE);
    f->table->n_places = N_FORGED;
    f->table->places_at = 192;
    f->table->slots_at = SLOTS_AT;
    f->table->blobs_at = BLOBS_AT;
    f->table->blobs_len = 128;
    f->table->n_used = N_FORGED;
    f->segment = (struct segment){.base = f->table, .size = FORGED_SIZE};
}

static const struct {
    const char *name;
    size_t offset; /* of a number of the table */
    uint32_t number;
    int wanted;
} numbers[] = {
    {"as it is", 64, N_FORGED, 0},
    {"fewer places", 64, 1, 0},
    {"no places", 64, 0, 0},
    {"a place more", 64, 3, 0}, /* there is room for its slot among the blobs */
    {"places up to the end", 64, 4, -EPROTO},
    {"too many places", 64, 4097, -EPROTO},
    {"4 G places", 64, UINT32_MAX, -EPROTO},
    {"places in the head", 68, 0, -EPROTO},
    {"places in the numbers", 68, 128, -EPROTO},
    {"odd places", 68, 200, -EPROTO},
    {"places at the end", 68, FORGED_SIZE, -EPROTO},
    {"places far away", 68, UINT32_MAX - 63, -EPROTO},
    {"slots in the head", 72, 64, -EPROTO},
    {"slots that are cut", 72, BLOBS_AT, -EPROTO},
    {"odd slots", 72, SLOTS_AT + 8, -EPROTO},
    {"slots far away", 72, UINT32_MAX - 63, -EPROTO},
    {"blobs far away", 76, UINT32_MAX - 63, -EPROTO},
    {"blobs behind the end", 76, FORGED_SIZE, -EPROTO},
    {"too many blobs", 80, 129, -EPROTO},
    {"4 GiB of blobs", 80, UINT32_MAX, -EPROTO},
};

static void test_forged_numbers(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct table_view view = {.n_places = 77};
        struct layout_copy copy;
        struct forged f;
        int r;

        forge(&f);
        memcpy((uint8_t *) f.table + numbers[i].offset, &numbers[i].number, 4);
        r = table_view_init(&view, &f.segment);
        if (r != numbers[i].wanted)
            suite_fail(__FILE__, __LINE__, "%s: %d", numbers[i].name, r);
        if (r < 0)
            CHECK_INT(view.n_places, 77);
        for (size_t place = 0; r == 0 && place < view.n_places; place++)
            CHECK_INT(table_read(&view, place, &copy, NULL, 0), 0);
        free(f.table);
    }
}

static void test_forged_size(void)
{
    struct table_view view;
    struct forged f;

    forge(&f);
    f.segment.size = sizeof(struct layout_table) - 1;
    CHECK_INT(table_view_init(&view, &f.segment), -EPROTO);
    f.segment.size = (size_t) LAYOUT_TABLE_MAX + 1;
    CHECK_INT(table_view_init(&view, &f.segment), -EPROTO);
    f.segment.size = FORGED_SIZE;
    CHECK_INT(table_view_init(&view, &f.segment), 0);
    f.table->n_used = UINT32_MAX;
    CHECK_INT(table_count(&view), N_FORGED);
    free(f.table);
}

static const struct {
    const char *name;
    uint32_t flags, len;
    uint64_t offset;
    int wanted;
} values[] = {
    {"a number", LAYOUT_FLAG_VALUE, 8, 5, 0},
    {"the longest that is short", LAYOUT_FLAG_VALUE, 40, 5, 0},
    {"too long to be short", LAYOUT_FLAG_VALUE, 41, 5, -EPROTO},
    {"4 GiB, short", LAYOUT_FLAG_VALUE, UINT32_MAX, 5, -EPROTO},
    {"a blob", LAYOUT_FLAG_VALUE | LAYOUT_FLAG_BLOB, 128, BLOBS_AT, 0},
    {"a blob that is not whole words", LAYOUT_FLAG_BLOB, 121, BLOBS_AT, 0},
    {"a short blob", LAYOUT_FLAG_BLOB, 40, BLOBS_AT, -EPROTO},
    {"a blob over the end", LAYOUT_FLAG_BLOB, 129, BLOBS_AT, -EPROTO},
    {"a blob of 4 GiB", LAYOUT_FLAG_BLOB, UINT32_MAX, BLOBS_AT, -EPROTO},
    {"a blob at an odd place", LAYOUT_FLAG_BLOB, 64, BLOBS_AT + 4, -EPROTO},
    {"a blob at the end", LAYOUT_FLAG_BLOB, 41, FORGED_SIZE, -EPROTO},
    {"a blob behind the end", LAYOUT_FLAG_BLOB, 41, FORGED_SIZE + 8, -EPROTO},
    {"a blob far away", LAYOUT_FLAG_BLOB, 41, UINT64_MAX - 7, -EPROTO},
    {"a blob at 4 GiB", LAYOUT_FLAG_BLOB, 41, (uint64_t) 1 << 32, -EPROTO},
};

static void test_forged_values(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        uint8_t buf[256];
        struct layout_slot *slot;
        struct layout_copy copy;
        struct table_view view;
        struct forged f;
        int r;

        forge(&f);
        slot = (struct layout_slot *) (void *) ((uint8_t *) f.table + SLOTS_AT) + 1;
        slot->seq = UINT32_MAX;
        slot->copies[1].word[0] = latch_meta(LAYOUT_TYPE_STRING, values[i].flags, values[i].len);
        slot->copies[1].word[2] = values[i].offset;
        CHECK_INT(table_view_init(&view, &f.segment), 0);
        r = table_read(&view, 1, &copy, buf, sizeof(buf));
        if (r != values[i].wanted)
            suite_fail(__FILE__, __LINE__, "%s: %d", values[i].name, r);
        free(f.table);
    }
}

static void test_forged_names(void)
{
    char id[LIMIT_FEATURE_ID + 1] = "before";
    struct layout_place *places;
    struct table_view view;
    struct forged f;

    forge(&f);
    places = (struct layout_place *) (void *) ((uint8_t *) f.table + 192);
    memset(places[0].id, 'x', sizeof(places[0].id));
    memset(places[1].id, 'y', LIMIT_FEATURE_ID + 1);
    CHECK_INT(table_view_init(&view, &f.segment), 0);
    CHECK(!table_id(&view, 0, id) && !table_id(&view, 1, id));
    CHECK_STR(id, "before");
    places[1].id[LIMIT_FEATURE_ID] = 0;
    CHECK(table_id(&view, 1, id));
    CHECK_INT(strlen(id), LIMIT_FEATURE_ID);
    free(f.table);
}

/* --- where long values lie --- */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#define AREA (512U * 1024)
#define N_CHUNKS 300

/* No two overlap, none goes over the end, and when all are given back the whole is there again. */
static void test_blobs(void)
{
    static struct {
        uint32_t at;
        unsigned order;
    } chunks[N_CHUNKS];
    uint8_t *area = aligned_alloc(64, AREA), *owner = calloc(1, AREA / 64);
    uint64_t random = 88172645463325252U;
    struct blobs b;

    CHECK_INT(blobs_init(&b, area, AREA), 0);
    for (int turn = 0; turn < 40000; turn++) {
        size_t i = next_random(&random) % N_CHUNKS;

        if (chunks[i].order > 0) {
            memset(owner + chunks[i].at / 64, 0, (1U << chunks[i].order) / 64);
            blobs_give(&b, chunks[i].at, chunks[i].order);
            chunks[i].order = 0;
            continue;
        }
        chunks[i].order = BLOBS_MIN_ORDER + (unsigned) (next_random(&random) % BLOBS_ORDERS);
        chunks[i].at = blobs_take(&b, chunks[i].order);
        if (chunks[i].at == BLOBS_NONE) {
            chunks[i].order = 0;
            continue;
        }
        CHECK(chunks[i].at % (1U << chunks[i].order) == 0);
        CHECK(chunks[i].at <= AREA - (1U << chunks[i].order));
        for (uint32_t unit = 0; unit < (1U << chunks[i].order) / 64; unit++) {
            CHECK(owner[chunks[i].at / 64 + unit] == 0);
            owner[chunks[i].at / 64 + unit] = 1;
        }
        memset(area + chunks[i].at, 0xa5, (size_t) 1 << chunks[i].order);
    }
    for (int i = 0; i < N_CHUNKS; i++)
        if (chunks[i].order > 0)
            blobs_give(&b, chunks[i].at, chunks[i].order);
    for (uint32_t n = 0; n < AREA >> BLOBS_MAX_ORDER; n++)
        CHECK(blobs_take(&b, BLOBS_MAX_ORDER) != BLOBS_NONE);
    CHECK(blobs_take(&b, BLOBS_MIN_ORDER) == BLOBS_NONE);
    blobs_done(&b);
    free(owner);
    free(area);
}

static void test_blob_orders(void)
{
    struct blobs b;
    uint64_t area[16];

    CHECK_INT(blobs_order(1), 6);
    CHECK_INT(blobs_order(64), 6);
    CHECK_INT(blobs_order(65), 7);
    CHECK_INT(blobs_order(1 << 17), 17);
    CHECK_INT(blobs_order((1 << 17) + 1), 18);
    CHECK_INT(blobs_order(SIZE_MAX), 18);
    CHECK_INT(blobs_init(&b, area, 127), 0);
    CHECK(blobs_take(&b, 18) == BLOBS_NONE);
    CHECK(blobs_take(&b, 7) == BLOBS_NONE);
    CHECK_INT(blobs_take(&b, 6), 0);
    CHECK(blobs_take(&b, 6) == BLOBS_NONE);
    blobs_done(&b);
    blobs_done(&b);
}

const char *const suite_name = "ipc-table";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {"lengths", test_lengths},
    {"no room", test_no_room},
    {"names", test_names},
    {"batches", test_batches},
    {"sizes", test_sizes},
    {"faults", test_faults},
    {"forged numbers", test_forged_numbers},
    {"forged size", test_forged_size},
    {"forged values", test_forged_values},
    {"forged names", test_forged_names},
    {"blobs", test_blobs},
    {"blob orders", test_blob_orders},
    {NULL, NULL},
};
