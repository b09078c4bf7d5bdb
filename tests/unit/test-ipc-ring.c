/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/ipc/ring.h"
#include "tests/lib/suite.h"

/* Both ends of one ring. */
struct ends {
    uint32_t head, tail;
    struct ring in, out;
    uint8_t *data;
    uint64_t payload[LAYOUT_RECORD_MAX / 8];
};

static struct ends *ends_new(void)
{
    struct ends *e = calloc(1, sizeof(*e));

    if (e)
        e->data = calloc(1, LAYOUT_RING_SIZE);
    if (!e || !e->data)
        abort();
    ring_init(&e->in, e->data, &e->head, &e->tail);
    ring_init(&e->out, e->data, &e->head, &e->tail);
    return e;
}

static void ends_free(struct ends *e)
{
    free(e->data);
    free(e);
}

static int put(struct ends *e, uint32_t id, size_t len)
{
    uint8_t *payload;
    int r = ring_open(&e->in, len, &payload);

    if (r == 0) {
        memset(payload, (int) (id & 0xff), len);
        ring_commit(&e->in, LAYOUT_UP_EVENT, id, -3, len);
    }
    return r;
}

static void take(struct ends *e, uint32_t id, size_t len)
{
    struct layout_record record;
    size_t got = 0, wrong = 0;

    CHECK(!ring_is_empty(&e->out));
    CHECK_INT(ring_peek(&e->out, &record, (uint8_t *) e->payload, &got), 1);
    CHECK_INT(got, len);
    CHECK_INT(record.id, id);
    CHECK_INT(record.code, -3);
    for (size_t i = 0; i < got; i++)
        wrong += ((uint8_t *) e->payload)[i] != (uint8_t) id;
    CHECK_INT(wrong, 0);
    ring_pop(&e->out, &record);
}

static void test_order(void)
{
    struct ends *e = ends_new();
    uint32_t in = 0, out = 0;

    for (int round = 0; round < 300; round++) {
        while (put(e, in, in * 37 % 5000) == 0)
            in++;
        for (int i = 0; i < 7 && out < in; i++, out++)
            take(e, out, out * 37 % 5000);
    }
    for (; out < in; out++)
        take(e, out, out * 37 % 5000);
    CHECK(ring_is_empty(&e->out));
    CHECK(in > 1000);
    ends_free(e);
}

/* One at a time it stays in its first pages, and even then has room for many at once. */
static void test_start_over(void)
{
    struct ends *e = ends_new();
    uint32_t in = 0;

    for (; in < 5000; in++) {
        CHECK_INT(put(e, in, 48), 0);
        CHECK(e->in.own % LAYOUT_RING_SIZE <= LAYOUT_RING_SIZE / 4 + 64);
        take(e, in, 48);
        for (uint32_t i = 0; in % 100 == 0 && i < 200; i++)
            CHECK_INT(put(e, i, 48), 0);
        for (uint32_t i = 0; in % 100 == 0 && i < 200; i++)
            take(e, i, 48);
    }
    ends_free(e);
}

/* Record lengths around every edge, one at a time and from every place of the ring. */
static void test_edges(void)
{
    static const size_t lens[] = {0, 1, 7, 8, 9, 47, 48, 4096, 8184, 16000, 32745, 32751, 32752};
    struct ends *e = ends_new();
    uint32_t id = 0;

    for (uint32_t start = 0; start < LAYOUT_RING_SIZE; start += 1016) {
        for (size_t i = 0; i < ARRAY_SIZE(lens); i++, id++) {
            /* An empty ring takes any record, wherever it stands. */
            e->head = e->tail = e->in.own = e->out.own = start;
            CHECK_INT(put(e, id, lens[i]), 0);
            take(e, id, lens[i]);
            CHECK(ring_is_empty(&e->out));
        }
    }
    CHECK_INT(put(e, id, LAYOUT_RECORD_MAX - 15), -EMSGSIZE);
    CHECK_INT(put(e, id, SIZE_MAX), -EMSGSIZE);
    ends_free(e);
}

/* Indices go round at four GiB. */
static void test_wraps(void)
{
    struct ends *e = ends_new();

    e->head = e->tail = e->in.own = e->out.own = UINT32_MAX - 1023;
    for (uint32_t id = 0; id < 200; id++) {
        CHECK_INT(put(e, id, 4000), 0);
        CHECK_INT(put(e, id + 1000, 0), 0);
        take(e, id, 4000);
        take(e, id + 1000, 0);
    }
    CHECK(e->head < UINT32_MAX / 2);
    ends_free(e);
}

/* Full is full, and there is room again when something was taken. */
static void test_full(void)
{
    struct ends *e = ends_new();
    uint32_t n = 0;

    while (put(e, n, 48) == 0)
        n++;
    CHECK_INT(n, LAYOUT_RING_SIZE / 64);
    CHECK_INT(put(e, n, 0), -ENOBUFS);
    take(e, 0, 48);
    CHECK_INT(put(e, n, 49), -ENOBUFS);
    CHECK_INT(put(e, n, 48), 0);
    for (uint32_t i = 1; i <= n; i++)
        take(e, i, 48);
    CHECK(ring_is_empty(&e->out));
    ends_free(e);
}

/* A ring that is emptied each time stays in its first pages. */
static void test_few_pages(void)
{
    struct ends *e = ends_new();
    size_t n_touched = 0;

    for (uint32_t id = 0; id < 10000; id++) {
        CHECK_INT(put(e, id, id % 500), 0);
        take(e, id, id % 500);
    }
    for (size_t i = LAYOUT_RING_SIZE / 4 + 1024; i < LAYOUT_RING_SIZE; i++)
        n_touched += e->data[i] != 0;
    CHECK_INT(n_touched, 0);
    ends_free(e);
}

/* What was opened is seen by nobody, and is forgotten by opening again. */
static void test_open(void)
{
    struct ends *e = ends_new();
    uint8_t *first, *second;

    CHECK_INT(put(e, 0, 100), 0);
    CHECK_INT(ring_open(&e->in, 500, &first), 0);
    CHECK_INT((uintptr_t) first % 8, 0);
    memset(first, 0xee, 500);
    take(e, 0, 100);
    CHECK(ring_is_empty(&e->out));
    CHECK_INT(ring_open(&e->in, 8, &second), 0);
    memset(second, 1, 8);
    ring_commit(&e->in, LAYOUT_UP_EVENT, 1, -3, 5); /* less than asked for */
    take(e, 1, 5);
    ends_free(e);
}

/* --- what the other end may write --- */

static const struct {
    const char *name;
    uint32_t own, head;
    struct layout_record record; /* at own */
    int wanted;
} hostile[] = {
    {"good", 0, 24, {24, 1, 0, 0}, 1},
    {"good, no payload", 0, 16, {16, 1, 0, 0}, 1},
    {"good, padded", 0, 24, {17, 1, 0, 0}, 1},
    {"good, unknown type", 0, 16, {16, 0xffffffff, 0, 0}, 1},
    {"good, largest", 0, 32768, {32768, 1, 0, 0}, 1},
    {"good, up to the end", 65536 - 24, 65536, {24, 1, 0, 0}, 1},
    {"nothing", 8, 8, {16, 1, 0, 0}, 0},
    {"head behind", 64, 56, {16, 1, 0, 0}, -EPROTO},
    {"head too far", 0, 65544, {16, 1, 0, 0}, -EPROTO},
    {"head far away", 0, 0x80000000, {16, 1, 0, 0}, -EPROTO},
    {"odd head", 0, 20, {16, 1, 0, 0}, -EPROTO},
    {"odd by one", 0, 17, {16, 1, 0, 0}, -EPROTO},
    {"shorter than a header", 0, 64, {15, 1, 0, 0}, -EPROTO},
    {"length 0", 0, 64, {0, 1, 0, 0}, -EPROTO},
    {"longer than what is there", 0, 16, {17, 1, 0, 0}, -EPROTO},
    {"half a header", 0, 8, {16, 1, 0, 0}, -EPROTO},
    {"longer than allowed", 0, 65536, {32769, 1, 0, 0}, -EPROTO},
    {"length of 4 GiB", 0, 65536, {0xffffffff, 1, 0, 0}, -EPROTO},
    {"length that wraps when padded", 0, 65536, {0xfffffffa, 1, 0, 0}, -EPROTO},
    {"over the end", 65536 - 24, 65536 + 16, {32, 1, 0, 0}, -EPROTO},
    {"header over the end", 65536 - 8, 65536 + 16, {24, 1, 0, 0}, -EPROTO},
    {"skip of too little", 65536 - 64, 65536 + 64, {32, 0, 0, 0}, -EPROTO},
    {"skip of too much", 65536 - 64, 65536 + 64, {128, 0, 0, 0}, -EPROTO},
    {"skip of nothing", 65536 - 64, 65536 + 64, {0, 0, 0, 0}, -EPROTO},
    {"skip with nothing behind", 65536 - 64, 65536, {64, 0, 0, 0}, -EPROTO},
    {"skip of all", 0, 65536, {65536, 0, 0, 0}, -EPROTO},
    {"skip, then zeros", 65536 - 64, 65536 + 64, {64, 0, 0, 0}, -EPROTO},
};

static void test_hostile(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        struct ends *e = ends_new();
        struct layout_record record = {.id = 77};
        const size_t at = hostile[i].own % LAYOUT_RING_SIZE;
        size_t rest = LAYOUT_RING_SIZE - at, len = 77;
        int r;

        memcpy(e->data + at, &hostile[i].record, rest < 16 ? rest : 16);
        e->head = hostile[i].head;
        e->tail = e->out.own = hostile[i].own;
        r = ring_peek(&e->out, &record, (uint8_t *) e->payload, &len);
        if (r != hostile[i].wanted)
            suite_fail(__FILE__, __LINE__, "%s: %d", hostile[i].name, r);
        if (r <= 0) {
            CHECK(len == 77 && record.id == 77);
            CHECK_INT(e->tail, hostile[i].own);
        } else {
            CHECK_INT(len, hostile[i].record.len - 16);
            /* Looking again is the same; taking it goes on behind it. */
            CHECK_INT(ring_peek(&e->out, &record, (uint8_t *) e->payload, &len), 1);
            ring_pop(&e->out, &record);
            CHECK_INT(e->tail, hostile[i].own + (hostile[i].record.len + 7) / 8 * 8);
        }
        ends_free(e);
    }
}

/* A consumer that lies about how far it is. */
static void test_hostile_tail(void)
{
    static const struct {
        uint32_t own, tail;
        int wanted;
    } cases[] = {
        {0, 0, 0},
        {64, 0, 0},
        {64, 64, 0},
        {64, 72, -EPROTO},
        {64, 60, -EPROTO},
        {64, 63, -EPROTO},
        {65536, 0, -ENOBUFS},
        {65544, 0, -EPROTO},
        {0, 8, -EPROTO},
        {0, 1U << 31, -EPROTO},
        {8, UINT32_MAX, -EPROTO},
        {8, UINT32_MAX - 7, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ends *e = ends_new();
        uint8_t *payload = NULL;

        e->in.own = e->head = cases[i].own;
        e->tail = cases[i].tail;
        CHECK_INT(ring_open(&e->in, 40, &payload), cases[i].wanted);
        CHECK((cases[i].wanted == 0) == (payload != NULL));
        if (payload)
            CHECK(payload >= e->data + 16 && payload + 40 <= e->data + LAYOUT_RING_SIZE);
        CHECK_INT(e->head, cases[i].own);
        ends_free(e);
    }
}

/* Whatever the consumer writes into a payload that was copied, the copy stays. */
static void test_copied(void)
{
    struct ends *e = ends_new();
    struct layout_record record;
    size_t len = 0;

    CHECK_INT(put(e, 5, 64), 0);
    CHECK_INT(ring_peek(&e->out, &record, (uint8_t *) e->payload, &len), 1);
    memset(e->data, 0xff, LAYOUT_RING_SIZE);
    CHECK_INT(record.len, 80);
    CHECK_INT(((uint8_t *) e->payload)[63], 5);
    ring_pop(&e->out, &record);
    CHECK(ring_is_empty(&e->out));
    ends_free(e);
}

const char *const suite_name = "ipc-ring";
const struct suite_test suite_tests[] = {
    {"order", test_order},
    {"start over", test_start_over},
    {"edges", test_edges},
    {"wraps", test_wraps},
    {"full", test_full},
    {"few pages", test_few_pages},
    {"open", test_open},
    {"hostile", test_hostile},
    {"hostile tail", test_hostile_tail},
    {"copied", test_copied},
    {NULL, NULL},
};
