/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misbehaviour with the rings. */

#include <string.h>

#include "libiotclient/base/macro.h"
#include "tests/lib/scribbler.h"

#define FLOOD 20000 /* and more than iotd takes in a second */
#define IGNORED 50  /* own choice: looks in vain until it is sure that iotd takes no more */
#define MAX_ITEMS 512

struct items {
    uint8_t bytes[MAX_ITEMS] __attribute__((aligned(8)));
    struct pack_writer w;
};

static void items_init(struct items *items)
{
    memset(items->bytes, 0, sizeof(items->bytes));
    items->w = (struct pack_writer){.data = items->bytes, .size = sizeof(items->bytes)};
}

/* A report of an integer, as it should be. */
static void items_report(struct items *items, const char *id, int64_t value)
{
    size_t values;

    items_init(items);
    pack_put_int(&items->w, "timestamp", 0);
    values = pack_open(&items->w, "values", PACK_STRUCT);
    pack_put_int(&items->w, id, value);
    pack_close(&items->w, values);
}

/* --- records that cannot be --- */

typedef void (*bad_fn)(struct scribbler *s, struct items *items, struct layout_record *record);

static void bad_head_unaligned(struct scribbler *s, struct items *items,
                               struct layout_record *record)
{
    (void) items;
    (void) record;
    scribbler_store32(s, &s->up->ring_head, s->up_head + 4);
}

static void bad_head_far(struct scribbler *s, struct items *items, struct layout_record *record)
{
    (void) items;
    (void) record;
    scribbler_store32(s, &s->up->ring_head, s->up_head + LAYOUT_RING_SIZE + 8);
}

static void bad_head_back(struct scribbler *s, struct items *items, struct layout_record *record)
{
    (void) items;
    (void) record;
    scribbler_store32(s, &s->up->ring_head, s->up_head - 8);
}

/* Seen when iotd answers. */
static void bad_tail(struct scribbler *s, struct items *items, struct layout_record *record)
{
    scribbler_store32(s, &s->up->down_tail, s->down_tail + 4096);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void bad_tail_unaligned(struct scribbler *s, struct items *items,
                               struct layout_record *record)
{
    scribbler_store32(s, &s->up->down_tail, s->down_tail - 4);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void send_with_len(struct scribbler *s, struct items *items, struct layout_record *record,
                          uint32_t len)
{
    record->len = len;
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void bad_len_zero(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_len(s, items, record, 0);
}

static void bad_len_small(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_len(s, items, record, sizeof(*record) - 1);
}

static void bad_len_more(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_len(s, items, record, record->len + 64); /* than is there */
}

static void bad_len_max(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_len(s, items, record, LAYOUT_RECORD_MAX + 1);
}

static void bad_len_wrap(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_len(s, items, record, UINT32_MAX);
}

static void send_with_type(struct scribbler *s, struct items *items, struct layout_record *record,
                           uint32_t type)
{
    record->type = type;
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void bad_type_pad(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_type(s, items, record, LAYOUT_RECORD_PAD);
}

static void bad_type_unknown(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_type(s, items, record, 0xfffe);
}

static void bad_type_down(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_with_type(s, items, record, LAYOUT_DOWN_CONTROL);
}

/* An index that is good, and nothing but zeros behind it. */
static void bad_nothing(struct scribbler *s, struct items *items, struct layout_record *record)
{
    struct layout_record zeros = {0};

    (void) record;
    memset(items->bytes, 0, sizeof(items->bytes));
    scribbler_record(s, &zeros, items->bytes, 64);
}

/* --- items that cannot be --- */

static void items_none(struct scribbler *s, struct items *items, struct layout_record *record)
{
    record->len = sizeof(*record);
    scribbler_record(s, record, items->bytes, 0);
}

/* One byte of the report is another. */
static void send_spoilt(struct scribbler *s, struct items *items, struct layout_record *record,
                        size_t at, uint8_t byte)
{
    items->bytes[at] = byte;
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void items_kind_none(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_spoilt(s, items, record, 4, PACK_NONE);
}

static void items_kind_unknown(struct scribbler *s, struct items *items,
                               struct layout_record *record)
{
    send_spoilt(s, items, record, 4, 0xff);
}

static void items_len_high(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_spoilt(s, items, record, 3, 0xff);
}

static void items_key_long(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_spoilt(s, items, record, 5, 0xff);
}

static void items_key_open(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_spoilt(s, items, record, 8 + strlen("timestamp"), 'x'); /* its NUL */
}

static void items_reserved(struct scribbler *s, struct items *items, struct layout_record *record)
{
    send_spoilt(s, items, record, 7, 1);
}

/* Structs within structs, to the end of the room. */
static void items_deep(struct scribbler *s, struct items *items, struct layout_record *record)
{
    size_t opened[24];

    items_init(items);
    for (size_t i = 0; i < ARRAY_SIZE(opened); i++)
        opened[i] = pack_open(&items->w, i == 0 ? "values" : "a", PACK_STRUCT);
    for (size_t i = ARRAY_SIZE(opened); i-- > 0;)
        pack_close(&items->w, opened[i]);
    record->len = (uint32_t) (sizeof(*record) + items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

/* "values" is no struct. */
static void items_wrong(struct scribbler *s, struct items *items, struct layout_record *record)
{
    items_init(items);
    pack_put_int(&items->w, "values", 7);
    record->len = (uint32_t) (sizeof(*record) + items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void items_random(struct scribbler *s, struct items *items, struct layout_record *record)
{
    scribbler_random_bytes(s, items->bytes, items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

/* Well written, and not to be done. */
static void items_of_others(struct scribbler *s, struct items *items, struct layout_record *record)
{
    items_report(items, "brightness", 66);
    record->len = (uint32_t) (sizeof(*record) + items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void items_unknown_id(struct scribbler *s, struct items *items, struct layout_record *record)
{
    items_report(items, "no_such_id", 66);
    record->len = (uint32_t) (sizeof(*record) + items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static void items_range(struct scribbler *s, struct items *items, struct layout_record *record)
{
    items_report(items, "color", INT64_MAX);
    record->len = (uint32_t) (sizeof(*record) + items->w.len);
    scribbler_record(s, record, items->bytes, items->w.len);
}

static const struct {
    const char *name;
    bad_fn send;
    bool must_end; /* else an answer with a code is as good */
} bad_records[] = {
    {"head unaligned", bad_head_unaligned, true},
    {"head too far", bad_head_far, true},
    {"head back", bad_head_back, true},
    {"tail too far", bad_tail, true},
    {"tail unaligned", bad_tail_unaligned, true},
    {"length 0", bad_len_zero, true},
    {"length below the header", bad_len_small, true},
    {"length beyond the head", bad_len_more, true},
    {"length above the most", bad_len_max, true},
    {"length that wraps", bad_len_wrap, true},
    {"pad", bad_type_pad, true},
    {"unknown type", bad_type_unknown, true},
    {"type of the other way", bad_type_down, true},
    {"zeros", bad_nothing, true},
    {"no items", items_none, false},
    {"item of no kind", items_kind_none, false},
    {"item of unknown kind", items_kind_unknown, false},
    {"item longer than all", items_len_high, false},
    {"key longer than all", items_key_long, false},
    {"key without an end", items_key_open, false},
    {"reserved bits", items_reserved, false},
    {"too deep", items_deep, false},
    {"values of a wrong kind", items_wrong, false},
    {"random items", items_random, false},
    {"another program's", items_of_others, false},
    {"unknown id", items_unknown_id, false},
    {"out of range", items_range, false},
};

static const char *run_bad_records(struct scribbler *s)
{
    const char *outcome = "refused";

    for (size_t i = 0; i < ARRAY_SIZE(bad_records); i++) {
        struct layout_record record = {.type = LAYOUT_UP_REPORT, .id = ++s->next_id};
        struct items items;
        int code = -1;

        items_report(&items, "color", 1);
        record.len = (uint32_t) (sizeof(record) + items.w.len);
        bad_records[i].send(s, &items, &record);
        scribbler_bell(s);
        if (bad_records[i].must_end)
            (void) scribbler_wait_ended(s);
        else
            code = scribbler_wait_token(s, record.id);
        if (scribbler_is_ended(s)) {
            scribbler_attach_again(s);
        } else if (bad_records[i].must_end || code <= 0) {
            scribbler_say("%s: %d", bad_records[i].name, code);
            outcome = "accepted";
        }
    }
    return outcome;
}

/* Answers that nobody asked for. */
static const char *run_answers(struct scribbler *s)
{
    for (uint32_t i = 0; i < 1000; i++) {
        struct layout_record record = {sizeof(record), LAYOUT_UP_ANSWER, i, 0};
        struct items items;

        items_init(&items);
        if (i % 2)
            pack_put_string(&items.w, "text", "here", 4);
        record.len += (uint32_t) items.w.len;
        scribbler_record(s, &record, items.bytes, items.w.len);
    }
    return scribbler_outcome(s);
}

/* As many records as iotd takes, until the test ends it: each of them does nothing. */
static const char *flood(struct scribbler *s, uint32_t type, struct items *items)
{
    uint64_t begin = scribbler_now_ms(), n = 0;

    s->is_impatient = true;
    scribbler_say("flooding");
    while (scribbler_goes_on()) {
        for (int i = 0; i < FLOOD / 100 && !scribbler_is_ended(s); i++, n++) {
            (void) scribbler_send(s, type, &items->w);
            scribbler_drain(s);
        }
    }
    if (n * 1000 > (scribbler_now_ms() - begin + 1000) * FLOOD)
        return "too much was taken";
    return scribbler_outcome(s);
}

static const char *run_answer_flood(struct scribbler *s)
{
    struct items items;

    items_init(&items);
    return flood(s, LAYOUT_UP_ANSWER, &items);
}

static const char *run_refused_flood(struct scribbler *s)
{
    struct items items;

    items_init(&items);
    pack_put_string(&items.w, "json", "[[[[", 4);
    return flood(s, LAYOUT_UP_EVENTS_JSON, &items);
}

static const char *run_ring_flood(struct scribbler *s)
{
    struct items items;

    for (int i = 0; i < FLOOD; i++) {
        items_report(&items, "color", i % 3);
        (void) scribbler_send(s, LAYOUT_UP_REPORT, &items.w);
    }
    scribbler_drain(s);
    return scribbler_outcome(s);
}

/* Sends, and never reads what iotd answers, until iotd takes no more. */
static const char *run_deaf(struct scribbler *s)
{
    struct items items;

    items_report(&items, "color", 1);
    for (unsigned n_ignored = 0; n_ignored < IGNORED && !scribbler_is_ended(s); n_ignored++) {
        while (scribbler_has_room(s, items.w.len)) {
            (void) scribbler_send(s, LAYOUT_UP_REPORT, &items.w);
            n_ignored = 0;
        }
        scribbler_bell(s);
        scribbler_round_trip(s);
    }
    return scribbler_is_ended(s) ? "ended" : "deaf";
}

const struct scribbler_mode scribbler_ring_modes[] = {
    {"bad-records", run_bad_records},
    {"answers", run_answers},
    {"answer-flood", run_answer_flood},
    {"refused-flood", run_refused_flood},
    {"ring-flood", run_ring_flood},
    {"deaf", run_deaf},
    {NULL, NULL},
};
