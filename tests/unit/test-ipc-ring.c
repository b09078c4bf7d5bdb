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

const char *const suite_name = "ipc-ring";
const struct suite_test suite_tests[] = {
    {"order", test_order},
    {"start over", test_start_over},
    {NULL, NULL},
};
