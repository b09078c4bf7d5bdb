/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that want more than their part, that write what cannot be, or that end. */

#include <stdio.h>
#include <string.h>

#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static void put_text(struct pack_writer *w, const char *key, const char *text)
{
    pack_put_string(w, key, text, strlen(text));
}

/* --- fairness --- */

/* So many a turn; the rest when others had theirs. */
static void test_turns(void)
{
    srig_begin_up();
    for (uint32_t i = 1; i <= 2 * SHM_RECORDS_PER_TURN + 1; i++)
        srig_report(i, "level", 1);
    CHECK_INT(srig.up->bell_ring, 0);
    srig.p->io.fn(&srig.p->io, LOOP_READ, srig.p);
    for (uint32_t i = 1; i <= SHM_RECORDS_PER_TURN; i++)
        CHECK(*srig_next());
    CHECK_STR(srig_next(), "");
    CHECK_INT(srig.up->bell_ring, 0);
    srig_run();
    for (uint32_t i = 1; i <= SHM_RECORDS_PER_TURN + 1; i++)
        CHECK(*srig_next());
    CHECK_INT(srig.up->bell_ring, 1);
    CHECK(!loop_timer_is_armed(&srig.p->ring_timer));
    srig_end();
}

/* Above its rate its ring is looked at now and then only. */
static void test_rate(void)
{
    unsigned n = 0, n_taken = 0;

    srig_begin_up();
    ratelimit_init(&srig.peer.rate, 10, S, 10);
    for (unsigned us = 0; us < S; us += 1000) {
        while (n < 100000) {
            struct pack_writer *w = srig_items();
            size_t opened = pack_open(w, "values", PACK_STRUCT);

            pack_put_int(w, "level", 1);
            pack_close(w, opened);
            if (srig_try_send(LAYOUT_UP_REPORT, n, 0) < 0)
                break;
            n++;
        }
        srig_advance(1000);
        while (*srig_next())
            n_taken += strncmp(srig.text, "TOKEN", 5) == 0;
    }
    CHECK(n_taken > SHM_RECORDS_PER_TURN);
    CHECK(n_taken <= (S / SHM_QUOTA_PAUSE_US + 1) * SHM_RECORDS_PER_TURN);
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

/* The same for those whose records are refused, or answer to nothing; some are free. */
static void test_refused_rate(void)
{
    for (uint32_t type = LAYOUT_UP_REPORT; type <= LAYOUT_UP_ANSWER; type++) {
        unsigned n = 0, n_turns = 0;

        srig_begin_up();
        for (; n < SHM_REFUSED_BURST; n++) {
            srig_items();
            srig_send(type, n, 0);
        }
        srig_run();
        CHECK_INT(srig.up->bell_ring, 1); /* not slowed down */
        for (unsigned us = 0; us < S; us += 1000) {
            uint32_t before = srig.down->up_tail;

            while (srig_items() && srig_try_send(type, n, 0) == 0)
                n++;
            srig_advance(1000);
            n_turns += srig.down->up_tail != before;
            while (*srig_next())
                continue;
        }
        CHECK(n_turns <= S / SHM_QUOTA_PAUSE_US + 2);
        CHECK_INT(srig.n_offences, 0);
        srig_end();
    }
}

/* The program hears of room when it waits for it. */
static void test_room(void)
{
    unsigned n = 0;

    srig_begin_up();
    do {
        n++;
        put_text(srig_items(), "json", "{\"nothing\":1}");
    } while (srig_try_send(LAYOUT_UP_REPORT_JSON, n, 0) == 0);
    CHECK(n > 1000);
    srig.up->wants_room = 1;
    srig_sleep();
    CHECK(!srig_was_rung());
    srig.p->io.fn(&srig.p->io, LOOP_READ, srig.p);
    CHECK_INT(srig.up->wants_room, 0);
    CHECK(srig_was_rung());
    CHECK_INT(srig_try_send(LAYOUT_UP_REPORT_JSON, n, 0), 0);
    srig_end();
}

/* Bells for nothing are not heard for long; what is there then is found all the same. */
static void test_bell_flood(void)
{
    unsigned n = 0;

    srig_begin_up();
    for (int ms = 0; ms < 1000; ms++) {
        for (int i = 0; i < 10; i++) {
            doorbell_ring(srig.bell_up);
            n += srig.p->io.loop != NULL;
            srig_run();
        }
        rig_advance(rig, 1000);
    }
    CHECK(n <= 11 * SHM_EMPTY_BELLS);
    CHECK(n >= 9 * SHM_EMPTY_BELLS);
    srig_report(1, "level", 5);
    srig_advance(SHM_BELL_WINDOW_US);
    CHECK(strncmp(srig_next(), "TOKEN 1 0", 9) == 0);
    rig_advance(rig, 10 * S);
    srig_run();
    CHECK(srig.p->io.loop != NULL && !loop_timer_is_armed(&srig.p->bell_timer));
    srig_end();
}

/* --- offences --- */

static void check_offence(const char *what)
{
    doorbell_ring(srig.bell_up);
    srig_run();
    if (srig.n_offences != 1 || srig.p || srig.down->state != LAYOUT_STATE_ENDED)
        suite_fail(__FILE__, __LINE__, "%s: %u offences", what, srig.n_offences);
    srig_end();
}

static void test_offences(void)
{
    static const struct {
        const char *what;
        uint32_t head;
        struct layout_record record;
    } rows[] = {
        {"a head that is ahead", LAYOUT_RING_SIZE + 8, {16, LAYOUT_UP_REPORT, 1, 0}},
        {"a head behind", 0U - 8, {16, LAYOUT_UP_REPORT, 1, 0}},
        {"a crooked head", 13, {16, LAYOUT_UP_REPORT, 1, 0}},
        {"a record without a header", 64, {0, LAYOUT_UP_REPORT, 1, 0}},
        {"a record longer than its ring", 64, {UINT32_MAX, LAYOUT_UP_REPORT, 1, 0}},
        {"a record longer than what is there", 64, {80, LAYOUT_UP_REPORT, 1, 0}},
        {"a skip where none is", 64, {64, LAYOUT_RECORD_PAD, 1, 0}},
        {"a type that is none", 16, {16, 6, 1, 0}},
        {"a type of the ring down", 16, {16, LAYOUT_DOWN_TOKEN, 1, 0}},
        {"items that are none", 32, {32, LAYOUT_UP_REPORT, 1, 0}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        srig_begin_up();
        memset(srig.up->ring, 0xa5, 64);
        memcpy(srig.up->ring, &rows[i].record, sizeof(rows[i].record));
        srig.up->ring_head = rows[i].head;
        check_offence(rows[i].what);
    }
}

/* Broken items deep inside of each kind of record. */
static void test_broken_items(void)
{
    static const uint32_t types[] = {LAYOUT_UP_REPORT, LAYOUT_UP_EVENT, LAYOUT_UP_ANSWER};

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        struct pack_writer *w;
        size_t opened;

        srig_begin_served();
        srig_push_action("a1", "unlock", "{\"open\":1,\"user\":\"me\"}");
        CHECK(strncmp(srig_next(), "INVOKE", 6) == 0);
        w = srig_items();
        put_text(w, "id", "status");
        opened = pack_open(w, i == 0 ? "values" : i == 1 ? "params" : "output", PACK_STRUCT);
        pack_put_int(w, i == 0 ? "level" : i == 1 ? "ok" : "state", 1);
        pack_close(w, opened);
        ((uint8_t *) srig.buffer)[w->len - 24 + 4] = 0xee; /* the kind of the last item */
        srig_send(types[i], 1, 0);
        check_offence("broken items");
    }
}

/* Its commands are answered, at once, and it hears of it. */
static void test_offence_with_calls(void)
{
    char status[64];

    srig_begin_served();
    srig_push_control("t1", "{\"level\":8}");
    srig_sleep();
    CHECK(!srig_was_rung());
    srig.up->ring_head = 4;
    doorbell_ring(srig.bell_up);
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    CHECK(srig_was_rung());
    CHECK_INT(srig_cloud_code(status), 405);
    CHECK_STR(status, "the program that served it has ended");
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={level=8}"); /* still mapped */
    srig_end();
}

/* What it handed in before it ended counts: records, answers, and the disk takes its time. */
static void test_drained(void)
{
    char status[64];

    srig_begin_served();
    srig_push_control("t1", "{\"level\":8}");
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    for (uint32_t i = 0; i < 3 * SHM_RECORDS_PER_TURN; i++)
        srig_post(i, "broken");
    srig_hang_up();
    srig_run();
    CHECK_INT(srig.n_hung_up, 1);
    CHECK_INT(srig_cloud_code(status), 0);
    rig_advance(rig, S);
    CHECK_INT(crig.core->events.n_all, 3 * SHM_RECORDS_PER_TURN);
    srig_end();
}

/* Everything that the program may write is random, over and over. */
static void test_scribbler(void)
{
    unsigned seed = 1, n_offences = 0;

    for (int round = 0; round < 50; round++) {
        srig_begin_up();
        for (int turn = 0; turn < 20 && srig.p; turn++) {
            uint8_t *bytes = (uint8_t *) srig.up;

            for (int i = 0; i < 4000; i++) {
                seed = seed * 1103515245U + 12345U;
                bytes[(seed >> 4) % sizeof(struct layout_up)] = (uint8_t) (seed >> 24);
            }
            if (round % 2)
                srig.up->ring_head = srig.down->up_tail + (seed >> 8) % 9 * 8;
            if (round % 4 > 1)
                srig.up->down_tail = srig.down->ring_head;
            doorbell_ring(srig.bell_up);
            srig_advance(S / 5);
        }
        n_offences += srig.n_offences;
        srig_end();
    }
    CHECK(n_offences > 25);
}

const char *const suite_name = "shm-limits";

const struct suite_test suite_tests[] = {
    {"turns", test_turns},
    {"quota.rate", test_rate},
    {"much that is refused", test_refused_rate},
    {"room", test_room},
    {"bells for nothing", test_bell_flood},
    {"offences", test_offences},
    {"broken items", test_broken_items},
    {"commands of an offender", test_offence_with_calls},
    {"the last records of a program", test_drained},
    {"scribbler", test_scribbler},
    {NULL, NULL},
};
