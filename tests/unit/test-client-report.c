/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports through the slots: every type, order, completions, and what a killed iotd leaves. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dbus/errmap.h"
#include "libiotclient/client.h"
#include "libiotclient/ipc/latch.h"
#include "tests/lib/shm-iotd.h"
#include "tests/lib/suite.h"

/* Outcomes of one or several reports. */
struct outcome {
    unsigned n;
    int result; /* of the last one */
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct outcome *o = userdata;

    (void) client;
    o->n++;
    o->result = result;
}

static iotc_prop *prop_of(struct shm_iotd *d, const char *id)
{
    return table_rig_prop(d->client, id);
}

static int report_int(struct shm_iotd *d, const char *id, int64_t value, struct outcome *o)
{
    return iotc_prop_report_int(prop_of(d, id), value, o ? on_done : NULL, o);
}

/* The value of the int that iotd finds; -1: none. */
static int64_t take_int(struct shm_iotd *d, size_t place, struct shm_iotd_report *ret_report)
{
    struct shm_iotd_report report;

    if (!shm_iotd_take(d, place, &report))
        return -1;
    if (ret_report)
        *ret_report = report;
    return (int64_t) report.copy.word[2];
}

static void check_meta(struct shm_iotd *d, size_t place, uint32_t type, uint32_t len,
                       const void *value)
{
    struct shm_iotd_report report;

    CHECK(shm_iotd_take(d, place, &report));
    CHECK_INT(latch_type(report.copy.word[0]), type);
    CHECK_INT(latch_flags(report.copy.word[0]), LAYOUT_FLAG_VALUE);
    CHECK_INT(latch_len(report.copy.word[0]), len);
    CHECK_INT(report.copy.word[1], place);
    CHECK(memcmp(&report.copy.word[2], value, len) == 0);
}

static void test_types(void)
{
    static char text[LAYOUT_INLINE + 2];
    const uint64_t yes = 1;
    const int64_t minus = -5;
    const double half = 0.5;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(iotc_prop_report_bool(prop_of(&d, "power_switch"), true, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(prop_of(&d, "brightness"), minus, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_double(prop_of(&d, "cpu_load"), half, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_string(prop_of(&d, "name"), "study", NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(prop_of(&d, "color"), minus, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(prop_of(&d, "boot_time"), minus, NULL, NULL), 0);
    memset(text, 'm', LAYOUT_INLINE);
    CHECK_INT(iotc_prop_report_string(prop_of(&d, "mode"), text, NULL, NULL), 0);
    check_meta(&d, PLACE_BOOL, LAYOUT_TYPE_BOOL, 8, &yes);
    check_meta(&d, PLACE_INT, LAYOUT_TYPE_INT, 8, &minus);
    check_meta(&d, PLACE_FLOAT, LAYOUT_TYPE_FLOAT, 8, &half);
    check_meta(&d, PLACE_STRING, LAYOUT_TYPE_STRING, 5, "study");
    check_meta(&d, PLACE_ENUM, LAYOUT_TYPE_ENUM, 8, &minus);
    check_meta(&d, PLACE_TIMESTAMP, LAYOUT_TYPE_TIMESTAMP, 8, &minus);
    check_meta(&d, PLACE_STRINGENUM, LAYOUT_TYPE_STRINGENUM, LAYOUT_INLINE, text);
    /* Refused here: nothing is written. */
    CHECK_INT(iotc_prop_report_bool(prop_of(&d, "brightness"), true, NULL, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_prop_report_double(prop_of(&d, "cpu_load"), NAN, NULL, NULL), -ERANGE);
    CHECK_INT(iotc_prop_report_string(prop_of(&d, "name"), "\xff", NULL, NULL), -EINVAL);
    for (size_t place = 0; place < SHM_IOTD_N_NAMED; place++)
        CHECK(!shm_iotd_take(&d, place, &(struct shm_iotd_report){.slot = 0}));
    shm_iotd_turns(&d);
    CHECK(!shm_iotd_next(&d)); /* none of it went through the ring */
    shm_iotd_close(&d);
}

/* iotd is rung for once, until it sleeps again; the newest value is what it finds. */
static void test_conflates(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd_report first, report;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    for (int i = 1; i <= 100; i++)
        CHECK_INT(report_int(&d, "brightness", i, i % 10 ? NULL : &o), 0);
    CHECK(shm_iotd_is_rung(&d));
    CHECK_INT(take_int(&d, PLACE_INT, &first), 100);
    CHECK_INT(first.seq, 100);
    CHECK(latch_flags(first.copy.word[0]) & LAYOUT_FLAG_DONE);
    CHECK_INT(report_int(&d, "brightness", 101, &o), 0);
    CHECK_INT(report_int(&d, "brightness", 102, NULL), 0);
    CHECK(!shm_iotd_is_rung(&d));
    shm_iotd_done(&d, &first, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 10); /* not the one that is younger */
    CHECK_INT(o.result, 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 102);
    CHECK_INT(report.slot, first.slot);
    CHECK(latch_flags(report.copy.word[0]) & LAYOUT_FLAG_DONE); /* an older one waits */
    shm_iotd_done(&d, &report, errmap_code(-ERANGE));
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 11);
    CHECK_INT(o.result, -ERANGE);
    CHECK_INT(d.client->reports.n_dones, 0);
    CHECK_INT(report_int(&d, "brightness", 103, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 103);
    CHECK(!(latch_flags(report.copy.word[0]) & LAYOUT_FLAG_DONE));
    shm_iotd_close(&d);
}

/* The count of a slot starts over after 2^32 writes; what waits does not end before its time. */
static void test_count_wraps(void)
{
    struct outcome before = {.n = 0}, after = {.n = 0};
    struct shm_iotd_report report;
    struct prop_report *pr;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 1, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 1);
    pr = &prop_of(&d, "brightness")->report;
    d.client->shm.up->slots[pr->slot].seq = UINT32_MAX - 1;
    pr->n_writes = UINT32_MAX - 1;
    report.seq = UINT32_MAX - 1;
    shm_iotd_done(&d, &report, 0);

    CHECK_INT(report_int(&d, "brightness", 2, &before), 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 2);
    CHECK_INT(report.seq, UINT32_MAX);
    shm_iotd_turns(&d);
    CHECK_INT(before.n, 0);
    for (int i = 3; i <= 5; i++)
        CHECK_INT(report_int(&d, "brightness", i, &after), 0);
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(before.n, 1);
    CHECK_INT(after.n, 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 5);
    CHECK_INT(report.seq, 2);
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(after.n, 3);
    shm_iotd_close(&d);
}

/* A done word of what was never written, as a lying iotd has it, ends nothing and wakes nobody. */
static void test_done_of_nothing(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 1, &o), 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 1);
    report.seq += 1000;
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 0);
    report.seq -= 1000;
    shm_iotd_done(&d, &report, errmap_code(-ETIMEDOUT));
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, -ETIMEDOUT);
    shm_iotd_close(&d);
}

static void answer_records(struct shm_iotd *d, int code)
{
    while (shm_iotd_next(d))
        shm_iotd_token(d, d->head.id, code, 1000 + d->head.id);
    shm_iotd_turns(d);
}

/* Whether the record taken last has that value of the id. */
static bool has_string(const struct shm_iotd *d, const char *id, const char *text)
{
    struct pack_item values, item;

    return pack_find(d->items, "values", PACK_STRUCT, &values) == 0 &&
           pack_find(values.items, id, PACK_STRING, &item) == 0 && strcmp(item.s.text, text) == 0;
}

static bool has_int(const struct shm_iotd *d, const char *id, int64_t value)
{
    struct pack_item values, item;

    return pack_find(d->items, "values", PACK_STRUCT, &values) == 0 &&
           pack_find(values.items, id, PACK_INT, &item) == 0 && item.i == value;
}

/* A long value after a short one: the short one is taken back, or has been taken before. */
static void test_long_after_short(void)
{
    static char text[LAYOUT_INLINE + 2];
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    iotc_prop *name;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    name = prop_of(&d, "name");
    memset(text, 'l', LAYOUT_INLINE + 1);
    CHECK_INT(iotc_prop_report_string(name, "short", on_done, &o), 0);
    CHECK_INT(iotc_prop_report_string(name, text, on_done, &o), 0);
    CHECK(!shm_iotd_take(&d, PLACE_STRING, &report));
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    CHECK_INT(d.head.type, LAYOUT_UP_REPORT);
    CHECK(has_string(&d, "name", text));
    CHECK(!shm_iotd_next(&d));
    /* Before the token, newer ones wait here: they might come first. */
    CHECK_INT(iotc_prop_report_string(name, "newer", NULL, NULL), 0);
    CHECK(!shm_iotd_take(&d, PLACE_STRING, &report));
    shm_iotd_token(&d, d.head.id, 0, 7);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    CHECK(has_string(&d, "name", "newer"));
    shm_iotd_token(&d, d.head.id, 0, 8);
    CHECK_INT(o.n, 0);
    shm_iotd_completed(&d, 7, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 2); /* both waited for the long one */

    /* And with iotd in between: each has its own end. */
    CHECK_INT(iotc_prop_report_string(name, "taken", on_done, &o), 0);
    CHECK(shm_iotd_take(&d, PLACE_STRING, &report));
    CHECK_INT(iotc_prop_report_string(name, text, on_done, &o), 0);
    shm_iotd_turns(&d);
    answer_records(&d, errmap_code(-ERANGE));
    CHECK_INT(o.n, 3);
    CHECK_INT(o.result, -ERANGE);
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 4);
    CHECK_INT(o.result, 0);
    shm_iotd_close(&d);
}

static void test_many_properties(void)
{
    char id[16];
    unsigned n = 0;
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    for (int place = SHM_IOTD_N_NAMED; place < SHM_IOTD_PLACES; place++) {
        (void) snprintf(id, sizeof(id), "p%d", place);
        CHECK_INT(report_int(&d, id, place, NULL), 0);
    }
    for (uint32_t place = SHM_IOTD_N_NAMED; place < SHM_IOTD_PLACES; place++) {
        if (take_int(&d, place, &report) == (int64_t) place)
            n++;
    }
    CHECK_INT(n, LAYOUT_REPORT_SLOTS);
    shm_iotd_turns(&d);
    n = 0;
    while (shm_iotd_next(&d)) {
        for (int place = SHM_IOTD_N_NAMED; place < SHM_IOTD_PLACES; place++) {
            (void) snprintf(id, sizeof(id), "p%d", place);
            n += has_int(&d, id, place);
        }
        shm_iotd_token(&d, d.head.id, 0, d.head.id);
        shm_iotd_completed(&d, d.head.id, 0);
    }
    CHECK_INT(n, SHM_IOTD_PLACES - SHM_IOTD_N_NAMED - LAYOUT_REPORT_SLOTS);
    shm_iotd_turns(&d);
    /* Again: who has no slot goes through the ring again. */
    CHECK_INT(report_int(&d, "p1199", 5, &o), 0);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    CHECK(has_int(&d, "p1199", 5));
    shm_iotd_close(&d);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, -ECANCELED);
}

/* Killed at each step of a report: it comes again, unless it had ended. */
static void test_iotd_dies(void)
{
    enum { WRITTEN, TAKEN, ENDED, REFUSED, N_STEPS };

    for (int step = WRITTEN; step < N_STEPS; step++) {
        struct outcome o = {.n = 0};
        struct shm_iotd_report report;
        struct shm_iotd d, next;
        bool has_ended = step >= ENDED;

        shm_iotd_open(&d, 1);
        CHECK_INT(report_int(&d, "brightness", 7, &o), 0);
        CHECK_INT(iotc_prop_report_string(prop_of(&d, "name"), "kept", NULL, NULL), 0);
        if (step >= TAKEN)
            CHECK_INT(take_int(&d, PLACE_INT, &report), 7);
        if (has_ended)
            shm_iotd_done(&d, &report, step == REFUSED ? errmap_code(-EACCES) : 0);
        shm_iotd_die(&d);
        CHECK_INT(o.n, has_ended);
        CHECK_INT(o.result, step == REFUSED ? -EACCES : 0);

        shm_iotd_open_for(&next, d.client, 2);
        CHECK(shm_iotd_next(&next));
        CHECK_INT(has_int(&next, "brightness", 7), !has_ended);
        CHECK(has_string(&next, "name", "kept"));
        shm_iotd_token(&next, next.head.id, 0, 5);
        shm_iotd_completed(&next, 5, 0);
        shm_iotd_turns(&next);
        CHECK_INT(o.n, 1);
        /* And slots are used again. */
        CHECK_INT(report_int(&next, "brightness", 8, NULL), 0);
        CHECK_INT(take_int(&next, PLACE_INT, NULL), 8);
        CHECK_INT(d.client->reports.n_dones, 0);
        shm_iotd_close(&next);
    }
}

/* Somebody wrote over the slot, as a child of the program can: the value is gone, its done says so.
 */
static void test_scribbled(void)
{
    struct outcome o = {.n = 0}, other = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d, next;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 7, &o), 0);
    CHECK_INT(iotc_prop_report_string(prop_of(&d, "name"), "text", on_done, &other), 0);
    CHECK(shm_iotd_take(&d, PLACE_INT, &report));
    d.client->shm.up->slots[report.slot].copies[1].word[0] = UINT64_MAX;
    CHECK(shm_iotd_take(&d, PLACE_STRING, &report));
    d.client->shm.up->slots[report.slot].copies[1].word[2] = UINT64_MAX; /* no text */
    shm_iotd_die(&d);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, -EIO);
    CHECK_INT(other.n, 1);
    CHECK_INT(other.result, -EIO);
    shm_iotd_open_for(&next, d.client, 2);
    CHECK(!shm_iotd_next(&next));
    CHECK_INT(report_int(&next, "brightness", 8, NULL), 0);
    CHECK_INT(take_int(&next, PLACE_INT, NULL), 8);
    shm_iotd_close(&next);
}

/* Reported while iotd is away: newer than what it left unconfirmed, dones of both wait for it. */
static void test_newer_while_away(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd d, next;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 1, &o), 0);
    shm_iotd_die(&d);
    CHECK_INT(o.n, 0);
    for (int i = 2; i <= 3; i++)
        CHECK_INT(report_int(&d, "brightness", i, &o), 0);
    shm_iotd_open_for(&next, d.client, 2);
    CHECK(shm_iotd_next(&next));
    CHECK(has_int(&next, "brightness", 3));
    CHECK(!shm_iotd_next(&next));
    shm_iotd_token(&next, next.head.id, 0, 5);
    shm_iotd_completed(&next, 5, 0);
    shm_iotd_turns(&next);
    CHECK_INT(o.n, 3);
    shm_iotd_close(&next);
}

/* The slot has a newer value than a batch that was accepted and had not ended. */
static void test_slot_is_newer_than_batch(void)
{
    static char text[LAYOUT_INLINE + 2];
    struct outcome o = {.n = 0};
    struct shm_iotd d, next;
    iotc_prop *name;

    shm_iotd_open(&d, 1);
    name = prop_of(&d, "name");
    memset(text, 'l', LAYOUT_INLINE + 1);
    CHECK_INT(iotc_prop_report_string(name, text, on_done, &o), 0);
    shm_iotd_turns(&d);
    answer_records(&d, 0);
    CHECK_INT(iotc_prop_report_string(name, "newer", on_done, &o), 0);
    shm_iotd_die(&d);
    shm_iotd_open_for(&next, d.client, 2);
    CHECK(shm_iotd_next(&next));
    CHECK(has_string(&next, "name", "newer"));
    CHECK(!shm_iotd_next(&next));
    CHECK_INT(o.n, 0);
    shm_iotd_token(&next, next.head.id, 0, 5);
    shm_iotd_completed(&next, 5, 0);
    shm_iotd_turns(&next);
    CHECK_INT(o.n, 2);
    shm_iotd_close(&next);
}

/* The other way round: what was in the slot must not come after the newer one that the cloud has.
 */
static void test_batch_has_overtaken_slot(void)
{
    static char text[LAYOUT_INLINE + 2];
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d, next;
    iotc_prop *name;

    shm_iotd_open(&d, 1);
    name = prop_of(&d, "name");
    memset(text, 'l', LAYOUT_INLINE + 1);
    CHECK_INT(iotc_prop_report_string(name, "older", on_done, &o), 0);
    CHECK(shm_iotd_take(&d, PLACE_STRING, &report));
    CHECK_INT(iotc_prop_report_string(name, text, NULL, NULL), 0);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    shm_iotd_token(&d, d.head.id, 0, 9);
    shm_iotd_completed(&d, 9, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 0);
    shm_iotd_die(&d);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, 0); /* the cloud has one that overtook it */
    shm_iotd_open_for(&next, d.client, 2);
    CHECK(!shm_iotd_next(&next));
    shm_iotd_close(&next);
}

/* iotd says that every value counts, in the middle of it: samples from then on, in order. */
static void test_history_comes(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 1, &o), 0);
    table_rig_name(&d.rig, PLACE_INT, "brightness", LAYOUT_TYPE_INT, LAYOUT_FLAG_HISTORY);
    CHECK_INT(report_int(&d, "brightness", 2, &o), 0);
    CHECK_INT(report_int(&d, "brightness", 3, &o), 0);
    CHECK_INT(take_int(&d, PLACE_INT, NULL), -1); /* taken back: overtaken */
    shm_iotd_turns(&d);
    for (int i = 2; i <= 3; i++) {
        CHECK(shm_iotd_next(&d));
        CHECK_INT(d.head.type, LAYOUT_UP_REPORT);
        CHECK(has_int(&d, "brightness", i));
        shm_iotd_token(&d, d.head.id, 0, (uint64_t) i);
    }
    CHECK(!shm_iotd_next(&d));
    shm_iotd_turns(&d);
    shm_iotd_completed(&d, 2, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 2); /* with that of the overtaken one */
    shm_iotd_completed(&d, 3, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 3);

    /* And over: not before the last sample has its token. */
    CHECK_INT(report_int(&d, "brightness", 4, NULL), 0);
    table_rig_name(&d.rig, PLACE_INT, "brightness", LAYOUT_TYPE_INT, 0);
    CHECK_INT(report_int(&d, "brightness", 5, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, NULL), -1);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    CHECK(has_int(&d, "brightness", 4));
    shm_iotd_token(&d, d.head.id, 0, 20);
    CHECK(shm_iotd_next(&d));
    CHECK(has_int(&d, "brightness", 5));
    shm_iotd_token(&d, d.head.id, 0, 21);
    shm_iotd_turns(&d);
    CHECK_INT(report_int(&d, "brightness", 6, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, NULL), 6);
    shm_iotd_close(&d);
}

/* A report in JSON may set any property: nothing passes it by. */
static void test_json_in_between(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(iotc_report_json(d.client, "{\"brightness\":1}", on_done, &o), 0);
    CHECK_INT(report_int(&d, "brightness", 2, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, NULL), -1);
    shm_iotd_turns(&d);
    CHECK(shm_iotd_next(&d));
    CHECK_INT(d.head.type, LAYOUT_UP_REPORT_JSON);
    shm_iotd_token(&d, d.head.id, 0, 1);
    CHECK(shm_iotd_next(&d));
    CHECK_INT(d.head.type, LAYOUT_UP_REPORT);
    shm_iotd_token(&d, d.head.id, 0, 2);
    shm_iotd_turns(&d);
    CHECK_INT(report_int(&d, "brightness", 3, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, NULL), 3);
    shm_iotd_completed(&d, 1, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 1);
    shm_iotd_close(&d);
}

/* A property that is another type with the next iotd: the value is kept for its verdict. */
static void test_type_changes(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    CHECK_INT(report_int(&d, "brightness", 1, &o), 0);
    table_rig_name(&d.rig, PLACE_INT, "brightness", LAYOUT_TYPE_STRING, 0);
    CHECK_INT(props_load(d.client), 0);
    CHECK_INT(report_int(&d, "brightness", 2, &o), -EPROTOTYPE);
    CHECK_INT(iotc_prop_report_string(prop_of(&d, "brightness"), "2", on_done, &o), 0);
    CHECK(shm_iotd_take(&d, PLACE_INT, &report));
    CHECK_INT(latch_type(report.copy.word[0]), LAYOUT_TYPE_STRING);
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, 2);
    shm_iotd_close(&d);
}

static void test_full(void)
{
    struct outcome o = {.n = 0};
    struct shm_iotd_report report;
    struct shm_iotd d;

    shm_iotd_open(&d, 1);
    for (int i = 0; i < LIMIT_CLIENT_DONES; i++)
        CHECK_INT(report_int(&d, "brightness", i, &o), 0);
    CHECK_INT(report_int(&d, "brightness", -1, &o), -ENOBUFS);
    CHECK_INT(report_int(&d, "brightness", 1, NULL), 0);
    CHECK_INT(take_int(&d, PLACE_INT, &report), 1);
    shm_iotd_done(&d, &report, 0);
    shm_iotd_turns(&d);
    CHECK_INT(o.n, LIMIT_CLIENT_DONES);
    CHECK_INT(report_int(&d, "brightness", 1, &o), 0);
    shm_iotd_close(&d);
    CHECK_INT(o.n, LIMIT_CLIENT_DONES + 1);
    CHECK_INT(o.result, -ECANCELED);
}

const char *const suite_name = "client-report";
const struct suite_test suite_tests[] = {
    {"types", test_types},
    {"conflates", test_conflates},
    {"count_wraps", test_count_wraps},
    {"done_of_nothing", test_done_of_nothing},
    {"long_after_short", test_long_after_short},
    {"many_properties", test_many_properties},
    {"iotd_dies", test_iotd_dies},
    {"scribbled", test_scribbled},
    {"newer_while_away", test_newer_while_away},
    {"slot_is_newer_than_batch", test_slot_is_newer_than_batch},
    {"batch_has_overtaken_slot", test_batch_has_overtaken_slot},
    {"history_comes", test_history_comes},
    {"json_in_between", test_json_in_between},
    {"type_changes", test_type_changes},
    {"full", test_full},
    {NULL, NULL},
};
