/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Report slots: newest values of a program, once per report turn. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"
#include "tests/lib/suite.h"

#define TURN (S / 5) /* report.rate of the rig */

static struct rig *const rig = &crig.rig;

static struct layout_copy copy_of(uint32_t type, uint32_t flags, uint32_t len, uint32_t place,
                                  uint64_t word)
{
    return (struct layout_copy){{latch_meta(type, flags, len), place, word}};
}

/* No timer of the program is armed, and both of its bells would be heard. */
static bool is_idle(void)
{
    return !loop_timer_is_armed(&srig.p->slots_timer) &&
           !loop_timer_is_armed(&srig.p->ring_timer) && !loop_timer_is_armed(&srig.p->bell_timer) &&
           srig.up->bell_slots == 1 && srig.up->bell_ring == 1;
}

static void test_one(void)
{
    srig_begin_up();
    CHECK(is_idle());
    srig_sleep();
    CHECK_INT(srig_slot_int(7, P_LEVEL, 5), 1);
    CHECK_INT(srig.up->bell_slots, 0);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":5}");
    CHECK(report_table(P_LEVEL)->kind == VALUE_INT && report_table(P_LEVEL)->i == 5);
    CHECK_INT(srig_done(7), 0);
    CHECK(!srig_was_rung());
    report_reply(report_seen.token, 0, "");
    CHECK_INT(srig_done(7), 1000);
    CHECK(srig_was_rung());
    CHECK_STR(srig_next(), ""); /* tokens of slots are nobody's business */

    CHECK(!is_idle());
    srig_advance(TURN);
    CHECK(is_idle());
    CHECK_STR(report_next(), "");
    srig_end();
}

/* Every type, and what is taken for another. */
static void test_types(void)
{
    const double temp = 21.5;
    struct layout_copy c;
    uint64_t word;

    srig_begin_up();
    c = copy_of(LAYOUT_TYPE_BOOL, LAYOUT_FLAG_VALUE, 1, P_POWER, 1);
    (void) srig_slot(0, &c);
    c = copy_of(LAYOUT_TYPE_ENUM, LAYOUT_FLAG_VALUE, 8, P_COLOR, 1);
    (void) srig_slot(1, &c);
    memcpy(&word, &temp, sizeof(word));
    c = copy_of(LAYOUT_TYPE_FLOAT, LAYOUT_FLAG_VALUE, 8, P_TEMP, word);
    (void) srig_slot(31, &c);
    c = copy_of(LAYOUT_TYPE_TIMESTAMP, LAYOUT_FLAG_VALUE, 8, P_SINCE, 77);
    (void) srig_slot(32, &c);
    (void) srig_slot_text(LAYOUT_REPORT_SLOTS - 1, P_NAME,
                          "0123456789012345678901234567890123456789");
    (void) srig_slot_int(2, P_LEVEL, 9);
    srig_run();
    CHECK_STR(report_next(),
              "{\"power\":1,\"level\":9,\"color\":1,\"name\":"
              "\"0123456789012345678901234567890123456789\",\"temp\":21.5,\"since\":77}");
    report_reply(report_seen.token, 0, "");
    CHECK_INT(srig_done(0), 1000);
    CHECK_INT(srig_done(LAYOUT_REPORT_SLOTS - 1), 1000);
    srig_end();
}

/* As often as the rate of reports says, with the newest value, whatever the program does. */
static void test_pace(void)
{
    unsigned n = 0, n_scans = 0;

    srig_begin_up();
    for (int ms = 0; ms < 10000; ms += 10) {
        bool was_armed = loop_timer_is_armed(&srig.p->slots_timer);

        (void) srig_slot_int(0, P_LEVEL, ms % 100);
        n_scans += !was_armed;
        srig_advance(10000);
        while (*report_next()) {
            n++;
            report_reply(report_seen.token, 0, "");
        }
    }
    CHECK(n >= 49 && n <= 51);
    CHECK_INT(n_scans, 1); /* it never went to sleep */
    CHECK_INT(srig.p->n_empty_bells, 0);
    srig_advance(S);
    CHECK(is_idle());
    CHECK_INT(srig_done(0) / 1000, 1000);
    CHECK_STR(srig_next(), "");
    srig_end();
}

static void test_done(void)
{
    char token[64];

    srig_begin_up();
    srig_sleep();
    (void) srig_slot_int(3, P_LEVEL, 1);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":1}");
    (void) snprintf(token, sizeof(token), "%s", report_seen.token);
    (void) srig_slot_int(3, P_LEVEL, 2);
    CHECK_INT(srig_slot_int(3, P_LEVEL, 3), 3);
    srig_advance(TURN);
    CHECK_INT(srig_done(3), 0);
    report_reply(token, 0, "");
    CHECK_INT(srig_done(3), 1000);
    srig_advance(TURN);
    CHECK_STR(report_next(), "{\"level\":3}");
    report_reply(report_seen.token, 406, "no");
    CHECK_INT(srig_done(3), 3406);
    srig_end();
}

/* Nobody waits for it: the word is there, the bell does not ring. */
static void test_quiet_done(void)
{
    const struct layout_copy c = copy_of(LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, 8, P_LEVEL, 4);

    srig_begin_up();
    srig_sleep();
    (void) srig_slot(3, &c);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":4}");
    report_reply(report_seen.token, 0, "");
    CHECK_INT(srig_done(3), 1000);
    CHECK(!srig_was_rung());
    srig_end();
}

/* What is wrong ends at once and keeps nothing else from being reported. */
static void test_wrong(void)
{
    static const struct {
        const char *what;
        uint32_t type, flags, len, place;
        uint64_t word;
        int code;
    } rows[] = {
        {"no such place", LAYOUT_TYPE_INT, 1, 8, 6, 1, 403},
        {"no place at all", LAYOUT_TYPE_INT, 1, 8, UINT32_MAX, 1, 403},
        {"out of range", LAYOUT_TYPE_INT, 1, 8, P_LEVEL, 101, 406},
        {"not in the list", LAYOUT_TYPE_ENUM, 1, 8, P_COLOR, 2, 406},
        {"another type", LAYOUT_TYPE_BOOL, 1, 8, P_LEVEL, 1, 415},
        {"no value", LAYOUT_TYPE_INT, 0, 8, P_LEVEL, 1, 400},
        {"no type", LAYOUT_TYPE_NONE, 1, 8, P_LEVEL, 1, 400},
        {"a type that is none", 255, 1, 8, P_LEVEL, 1, 400},
        {"a struct", LAYOUT_TYPE_STRUCT, 1, 8, P_LEVEL, 1, 400},
        {"an array", LAYOUT_TYPE_ARRAY, 1, 8, P_LEVEL, 1, 400},
        {"too long", LAYOUT_TYPE_STRING, 1, LAYOUT_INLINE + 1, P_NAME, 1, 400},
        {"much too long", LAYOUT_TYPE_STRING, 1, UINT32_MAX, P_NAME, 1, 400},
        {"a NUL inside", LAYOUT_TYPE_STRING, 1, 3, P_NAME, 0x610061, 400},
        {"not UTF-8", LAYOUT_TYPE_STRING, 1, 1, P_NAME, 0xff, 415},
        {"not a number", LAYOUT_TYPE_FLOAT, 1, 8, P_TEMP, 0x7ff8000000000000, 406},
    };
    srig_begin_up();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct layout_copy c = copy_of(rows[i].type, rows[i].flags | LAYOUT_FLAG_DONE,
                                             rows[i].len, rows[i].place, rows[i].word);
        uint32_t seq = srig_slot(5, &c);
        char good[32];

        srig_sleep();
        (void) snprintf(good, sizeof(good), "{\"since\":%zu}", i);
        (void) srig_slot_int(6, P_SINCE, (int64_t) i);
        srig_run();
        if (srig_done(5) != seq * 1000ULL + (unsigned) rows[i].code)
            suite_fail(__FILE__, __LINE__, "%s: done %llu", rows[i].what,
                       (unsigned long long) srig_done(5));
        CHECK(srig_was_rung());
        CHECK_STR(report_next(), good);
        report_reply(report_seen.token, 0, "");
        srig_advance(2 * TURN);
        CHECK_STR(report_next(), "");
    }
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

static void test_owner(void)
{
    srig_begin_up();
    crig_serve(crig.door, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    (void) srig_slot_int(0, P_LEVEL, 1);
    (void) srig_slot_int(1, P_POWER, 1);
    (void) srig_slot_int(2, P_SINCE, 1);
    srig_run();
    CHECK_INT(srig_done(0), 1421);
    CHECK_STR(report_next(), "{\"power\":1,\"since\":1}");
    srig_end();
}

static void test_access(void)
{
    srig_begin_up();
    srig.peer.uid = crig.core->access.own_uid + 1;
    (void) srig_slot_int(0, P_LEVEL, 1);
    srig_run();
    CHECK_INT(srig_done(0), 1401);
    CHECK_STR(report_next(), "");
    srig_end();
}

/* Two slots of one property. */
static void test_twice(void)
{
    srig_begin_up();
    (void) srig_slot_int(0, P_LEVEL, 1);
    (void) srig_slot_int(1, P_LEVEL, 2);
    srig_run();
    CHECK_INT(srig_done(1), 1400);
    CHECK_STR(report_next(), "{\"level\":1}");
    srig_end();
}

/* A property of the model that went. */
static void test_gone(void)
{
    srig_begin_up();
    crig.model->properties[P_LEVEL].is_gone = true;
    (void) srig_slot_int(0, P_LEVEL, 1);
    srig_run();
    CHECK_INT(srig_done(0), 1403);
    CHECK_STR(report_next(), "");
    crig.model->properties[P_LEVEL].is_gone = false;
    srig_end();
}

/* Stopped in mid-write: what was there before is complete, and stays what iotd sees. */
static void test_stopped_in_write(void)
{
    struct layout_slot *slot;

    srig_begin_up();
    (void) srig_slot_int(0, P_LEVEL, 1);
    slot = &srig.up->slots[0];
    slot->copies[(slot->seq + 1) % 2].word[0] = ~0ULL; /* the next write began */
    srig_run();
    CHECK_STR(report_next(), "{\"level\":1}");
    srig_end();
}

/* Above its rate it waits; nothing is lost. */
static void test_rate(void)
{
    srig_begin_up();
    ratelimit_init(&srig.peer.rate, 1, S, 1);
    (void) srig_slot_int(0, P_LEVEL, 1);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":1}");
    report_reply(report_seen.token, 0, "");
    (void) srig_slot_int(0, P_LEVEL, 2);
    srig_advance(TURN);
    CHECK_STR(report_next(), "");
    CHECK_INT(srig_done(0), 1000);
    srig_advance(S);
    CHECK_STR(report_next(), "{\"level\":2}");
    report_reply(report_seen.token, 0, "");
    CHECK_INT(srig_done(0), 2000);
    srig_end();
}

/* Many at once are one report: of iotd's tokens, and of the program's rate. */
static void test_many(void)
{
    uint64_t before;

    srig_begin_up();
    before = crig.core->completion.last_token;
    ratelimit_init(&srig.peer.rate, 1, S, 1);
    for (uint32_t i = 0; i < LAYOUT_REPORT_SLOTS; i++)
        (void) srig_slot_int(i, i % 6, 1);
    srig_run();
    CHECK_INT(crig.core->completion.last_token, before + 1);
    CHECK(*report_next());
    report_reply(report_seen.token, 0, "");
    CHECK_INT(srig_done(P_LEVEL), 1000);
    CHECK_INT(srig_done(P_NAME), 1415);                  /* a text */
    CHECK_INT(srig_done(LAYOUT_REPORT_SLOTS - 3), 1400); /* given twice */
    srig_end();
}

/* With a history a value is on disk before its report ends. */
static void test_history(void)
{
    const struct policy history = {.history = true};

    srig_begin_up();
    crig.core->policies.general = history;
    (void) srig_slot_int(0, P_LEVEL, 1);
    srig_run();
    rig_advance(rig, 2 * S);
    CHECK_STR(report_next(), "{\"level\":1}");
    CHECK_INT(srig_done(0), 0);
    report_reply(report_seen.token, 0, "");
    rig_advance(rig, 2 * S);
    CHECK_INT(srig_done(0), 1000);
    srig_end();
}

/* The program is gone while its samples are on their way. */
static void test_history_gone(void)
{
    const struct policy history = {.history = true};

    srig_begin_up();
    crig.core->policies.general = history;
    (void) srig_slot_int(0, P_LEVEL, 1);
    if (srig.p->io.loop)
        srig.p->io.fn(&srig.p->io, LOOP_READ, srig.p);
    CHECK(!list_is_empty(&srig.p->scans));
    srig.p = shm_program_free(srig.p);
    rig_advance(rig, 2 * S);
    CHECK_STR(report_next(), "{\"level\":1}");
    CHECK_INT(srig_done(0), 0);
    srig_end();
}

/* Dirty bits of slots that were never written, over and over. */
static void test_nothing_written(void)
{
    srig_begin_up();
    for (int i = 0; i < 20; i++) {
        memset(srig.up->dirty, 0xff, sizeof(srig.up->dirty));
        doorbell_ring(srig.bell_up);
        srig_advance(TURN);
    }
    CHECK_INT(srig_done(0), 400);
    CHECK_STR(report_next(), "");
    srig_advance(TURN);
    CHECK(is_idle());
    srig_end();
}

/* Without a link, reports wait; as many as there may be, then the oldest ends. */
static void test_no_link(void)
{
    srig_begin();
    for (int i = 0; i <= LIMIT_CLIENT_TOKENS; i++) {
        (void) srig_slot_int(0, P_LEVEL, i % 100);
        srig_advance(TURN);
    }
    CHECK_INT(srig_done(0), 1504);
    srig_end();
}

/* What it wrote last counts, though it ended right after. */
static void test_drained(void)
{
    srig_begin_up();
    (void) srig_slot_int(0, P_LEVEL, 1);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":1}");
    report_reply(report_seen.token, 0, "");
    (void) srig_slot_int(0, P_LEVEL, 2);
    srig_hang_up();
    srig_run();
    CHECK_INT(srig.n_hung_up, 1);
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":2}");
    CHECK_INT(srig.down->state, LAYOUT_STATE_ENDED);
    srig_end();
}

const char *const suite_name = "shm-slots";

const struct suite_test suite_tests[] = {
    {"one value", test_one},
    {"types", test_types},
    {"once per report turn", test_pace},
    {"done words", test_done},
    {"a done word that nobody waits for", test_quiet_done},
    {"wrong values", test_wrong},
    {"properties of others", test_owner},
    {"access", test_access},
    {"a property in two slots", test_twice},
    {"a property that went", test_gone},
    {"stopped in mid-write", test_stopped_in_write},
    {"quota.rate", test_rate},
    {"all slots at once", test_many},
    {"history", test_history},
    {"gone before its samples are on disk", test_history_gone},
    {"bits without values", test_nothing_written},
    {"no link", test_no_link},
    {"the last value of a program", test_drained},
    {NULL, NULL},
};
