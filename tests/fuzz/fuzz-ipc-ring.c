/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring whose other end writes what it likes. The input: where this end is, the producer's index,
 * the consumer's index, and the bytes of the ring from there on. What is taken is in order, whole
 * and within the ring; what is written stays within the ring; and it comes to an end.
 */

#include <errno.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/pack.h"
#include "libiotclient/ipc/ring.h"
#include "tests/fuzz/fuzz.h"

struct input {
    uint32_t own;
    uint32_t head;
    uint32_t tail;
    uint32_t reserved;
};

/* What a consumer does with a record: all of it is read. */
static size_t walk(struct pack_reader r)
{
    struct pack_item item;
    size_t n = 0;

    while (pack_next(&r, &item) > 0) {
        n++;
        if (item.kind == PACK_STRUCT || item.kind == PACK_ARRAY)
            n += walk(item.items);
        else if (item.kind == PACK_STRING)
            n += strlen(item.s.text);
        n += strlen(item.key);
    }
    return n;
}

static void consume(uint8_t *ring, struct input input)
{
    CLEANUP(freep) uint8_t *payload = malloc(LAYOUT_RECORD_MAX);
    CLEANUP(freep) uint8_t *again = malloc(LAYOUT_RECORD_MAX);
    struct layout_record record, same;
    unsigned n_records = 0;
    struct ring r;
    size_t len, same_len;
    int n;

    if (!payload || !again)
        return;
    ring_init(&r, ring, &input.head, &input.tail);
    r.own = input.own;
    while ((n = ring_peek(&r, &record, payload, &len)) > 0) {
        FUZZ_CHECK(len == record.len - sizeof(record) && record.len <= LAYOUT_RECORD_MAX);
        FUZZ_CHECK(record.type != LAYOUT_RECORD_PAD);
        FUZZ_CHECK(ring_peek(&r, &same, again, &same_len) == 1);
        FUZZ_CHECK(memcmp(&same, &record, sizeof(same)) == 0 && same_len == len);
        FUZZ_CHECK(memcmp(payload, again, len) == 0);
        FUZZ_CHECK(walk((struct pack_reader){payload, len, 0}) <= LAYOUT_RECORD_MAX);
        ring_pop(&r, &record);
        FUZZ_CHECK(input.tail == r.own && r.own % 8 == 0);
        FUZZ_CHECK(++n_records <= LAYOUT_RING_SIZE / sizeof(record));
    }
    FUZZ_CHECK(n == -EPROTO || (n == 0 && ring_is_empty(&r)));
}

static void produce(uint8_t *ring, struct input input)
{
    struct ring r;
    uint8_t *payload;
    size_t len = input.reserved % LAYOUT_RECORD_MAX, total = 0;
    int err;

    ring_init(&r, ring, &input.head, &input.tail);
    r.own = input.own;
    while ((err = ring_open(&r, len, &payload)) == 0) {
        FUZZ_CHECK(payload >= ring + sizeof(struct layout_record));
        FUZZ_CHECK(payload + len <= ring + LAYOUT_RING_SIZE);
        FUZZ_CHECK((uintptr_t) payload % 8 == 0);
        memset(payload, 0x33, len);
        ring_commit(&r, LAYOUT_UP_EVENT, 1, 0, len);
        FUZZ_CHECK(input.head == r.own && input.head - input.tail <= LAYOUT_RING_SIZE);
        total += len + sizeof(struct layout_record);
        FUZZ_CHECK(total <= LAYOUT_RING_SIZE);
    }
    FUZZ_CHECK(err == -EPROTO || err == -ENOBUFS || err == -EMSGSIZE);
    FUZZ_CHECK((err == -EMSGSIZE) == (len > LAYOUT_RECORD_MAX - sizeof(struct layout_record)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) uint8_t *ring = calloc(1, LAYOUT_RING_SIZE);
    struct input input;

    if (!ring || size < sizeof(input))
        return 0;
    memcpy(&input, data, sizeof(input));
    /* Of ours: nobody else writes it. */
    input.own &= ~7U;
    for (size_t i = sizeof(input); i < size; i++)
        ring[(input.own + i - sizeof(input)) % LAYOUT_RING_SIZE] = data[i];
    consume(ring, input);
    produce(ring, input);
    return 0;
}
