/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring up: what programs hand in and answer, and what becomes of those who write nonsense. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/event-steps.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static void put_text(struct pack_writer *w, const char *key, const char *text)
{
    pack_put_string(w, key, text, strlen(text));
}

/* --- what is taken --- */

static void test_report(void)
{
    struct pack_writer *w;
    uint64_t token;
    size_t opened;

    srig_begin_up();
    w = srig_items();
    pack_put_int(w, "timestamp", 0);
    opened = pack_open(w, "values", PACK_STRUCT);
    pack_put_bool(w, "power", true);
    pack_put_int(w, "level", 5);
    put_text(w, "name", "lamp");
    pack_put_float(w, "temp", 21.5);
    pack_close(w, opened);
    srig_send(LAYOUT_UP_REPORT, 17, 0);
    srig_run();
    CHECK(strncmp(srig_next(), "TOKEN 17 0 token=", 17) == 0);
    token = srig_token();
    CHECK(token > 0);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":5,\"name\":\"lamp\",\"temp\":21.5}");
    CHECK_STR(srig_next(), "");
    report_reply(report_seen.token, 0, "");
    CHECK(strncmp(srig_next(), "COMPLETED 0 0 token=", 20) == 0);
    CHECK_INT(srig_token(), token);
    CHECK_STR(srig_next(), "");
    srig_end();
}

static void test_timestamp(void)
{
    struct pack_writer *w;
    size_t opened;

    srig_begin_up();
    w = srig_items();
    opened = pack_open(w, "values", PACK_STRUCT);
    pack_put_int(w, "level", 5);
    pack_close(w, opened);
    pack_put_int(w, "timestamp", 1700000000);
    srig_send(LAYOUT_UP_REPORT, 1, 0);
    srig_run();
    CHECK_STR(report_next(), "{\"level\":5}");
    CHECK_INT(report_seen.timestamp, 1700000000);
    srig_end();
}

static void test_history(void)
{
    const struct policy history = {.history = true};

    srig_begin_up();
    crig.core->policies.general = history;
    srig_report(1, "level", 5);
    srig_report(2, "level", 6);
    srig_run();
    rig_advance(rig, S);
    CHECK(strncmp(srig_next(), "TOKEN 1 0 token=", 16) == 0);
    CHECK(strncmp(srig_next(), "TOKEN 2 0 token=", 16) == 0);
    CHECK_STR(report_next(), "{\"level\":5}");
    report_reply(report_seen.token, 0, "");
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":6}");
    CHECK(strncmp(srig_next(), "COMPLETED 0 0 token=", 20) == 0);
    srig_end();
}

static void test_report_json(void)
{
    srig_begin_up();
    put_text(srig_items(), "json", "{\"level\":7,\"power\":1}");
    srig_send(LAYOUT_UP_REPORT_JSON, 3, 0);
    srig_run();
    CHECK(strncmp(srig_next(), "TOKEN 3 0 token=", 16) == 0);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":7}");
    srig_end();
}

static void test_event(void)
{
    struct pack_writer *w;
    uint64_t token;
    size_t opened;

    srig_begin_up();
    w = srig_items();
    put_text(w, "id", "low");
    opened = pack_open(w, "params", PACK_STRUCT);
    pack_put_float(w, "volt", 3.5);
    pack_close(w, opened);
    pack_put_int(w, "timestamp", 1700000001);
    srig_send(LAYOUT_UP_EVENT, 4, 0);
    srig_run();
    rig_advance(rig, S);
    CHECK(strncmp(srig_next(), "TOKEN 4 0 token=", 16) == 0); /* it is on the disk */
    token = srig_token();
    CHECK(event_next());
    CHECK_STR(event_seen.name, "low");
    CHECK_INT(event_seen.timestamp, 1700000001);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK(strncmp(srig_next(), "COMPLETED 0 0 token=", 20) == 0);
    CHECK_INT(srig_token(), token);
    srig_end();
}

static void test_events_json(void)
{
    srig_begin_up();
    put_text(srig_items(), "json",
             "{\"events\":[{\"eventId\":\"status\",\"params\":{\"ok\":1}},"
             "{\"eventId\":\"broken\",\"params\":{}}]}");
    srig_send(LAYOUT_UP_EVENTS_JSON, 5, 0);
    srig_run();
    rig_advance(rig, S);
    CHECK(strncmp(srig_next(), "TOKEN 5 0 token=", 16) == 0);
    CHECK_INT(rig_count_publishes(rig), 1);
    srig_end();
}

/* --- what is refused --- */

/* The refusal of the record that was sent, without the token: "code text". */
static const char *refusal(void)
{
    static char text[256];
    unsigned id = 0;
    int code = 0, at = 0;

    srig_run();
    (void) srig_next();
    if (sscanf(srig.text, "TOKEN %u %d text=%n", &id, &code, &at) < 2 || at == 0)
        return srig.text;
    CHECK_INT(id, 99);
    (void) snprintf(text, sizeof(text), "%d %.200s", code, srig.text + at);
    return text;
}

static void refuse_value(const char *id, int64_t value, const char *wanted)
{
    srig_report(99, id, value);
    CHECK_STR(refusal(), wanted);
}

static void refuse_json(uint32_t type, const char *json, const char *wanted)
{
    put_text(srig_items(), "json", json);
    srig_send(type, 99, 0);
    CHECK_STR(refusal(), wanted);
}

static void test_refused_reports(void)
{
    struct pack_writer *w;
    size_t opened;

    srig_begin_up();
    crig_serve(crig.door, FEATURE_PROPERTY, "color");
    refuse_value("level", 101, "406 \"level: not within 0 to 100\"");
    refuse_value("nothing", 1, "403 \"nothing\"");
    refuse_value("name", 1, "415 \"name: not of type string\"");
    refuse_value("color", 1, "421 \"color is served by :1.2\"");
    refuse_value("\xff", 1, "400 \"the message was not understood\"");

    srig_items();
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "400 \"no \"values\"\"");
    pack_put_int(srig_items(), "values", 3);
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "400 \"no \"values\"\"");
    w = srig_items();
    pack_close(w, pack_open(w, "values", PACK_STRUCT));
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "400 \"nothing to report\"");

    w = srig_items();
    opened = pack_open(w, "values", PACK_STRUCT);
    pack_put_int(w, "level", 1);
    pack_put_int(w, "level", 2);
    pack_close(w, opened);
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "400 \"level is given twice\"");

    w = srig_items();
    pack_put_int(w, "timestamp", -1);
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "406 \"timestamp is in Unix seconds\"");
    put_text(srig_items(), "timestamp", "today");
    srig_send(LAYOUT_UP_REPORT, 99, 0);
    CHECK_STR(refusal(), "400 \"\"timestamp\" is no number\"");

    refuse_json(LAYOUT_UP_REPORT_JSON, "[]",
                "400 \"not a JSON object: not an object (line 0, column 0)\"");
    refuse_json(LAYOUT_UP_REPORT_JSON, "{\"level\":\"x\"}", "415 \"level: not of type int\"");
    pack_put_int(srig_items(), "json", 1);
    srig_send(LAYOUT_UP_REPORT_JSON, 99, 0);
    CHECK_STR(refusal(), "400 \"no \"json\" that is a text\"");
    CHECK_STR(report_next(), "");
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

static void refuse_event(const char *id, const char *param, const char *wanted)
{
    struct pack_writer *w = srig_items();
    size_t opened;

    put_text(w, "id", id);
    opened = pack_open(w, "params", PACK_STRUCT);
    pack_put_int(w, param, 1);
    pack_close(w, opened);
    srig_send(LAYOUT_UP_EVENT, 99, 0);
    CHECK_STR(refusal(), wanted);
}

static void test_refused_events(void)
{
    srig_begin_up();
    crig_serve(crig.door, FEATURE_EVENT, "broken");
    refuse_event("nothing", "x", "403 \"nothing\"");
    refuse_event("broken", "x", "421 \"broken is served by :1.2\"");
    refuse_event("low", "x", "403 \"low.x\"");
    refuse_event("status", "text", "415 \"text: not of type string\"");
    refuse_event("\xff", "x", "400 \"no \"id\" that is a text\"");
    put_text(srig_items(), "id", "low");
    srig_send(LAYOUT_UP_EVENT, 99, 0);
    CHECK_STR(refusal(), "400 \"no \"params\"\"");
    refuse_json(LAYOUT_UP_EVENTS_JSON, "{}", "400 \"no \"events\"\"");
    refuse_json(LAYOUT_UP_EVENTS_JSON, "{\"events\":[]}",
                "400 \"\"events\" is not a list of 1 to 100\"");
    refuse_json(LAYOUT_UP_EVENTS_JSON, "{\"events\":[{\"eventId\":\"low\"}]}",
                "400 \"low has no params\"");
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

static void test_refused_rights(void)
{
    srig_begin_up();
    srig.peer.uid = crig.core->access.own_uid + 1;
    srig_report(99, "level", 1);
    CHECK(strncmp(refusal(), "401 \"report level: ", 19) == 0);
    srig_post(99, "low");
    CHECK(strncmp(refusal(), "401 \"post low: ", 15) == 0);
    srig_end();
}

/* The disk does not take it: the program hears that, and nothing was kept. */
static void test_full(void)
{
    srig_begin_up();
    crig.core->events.config.max_events = 1;
    srig_post(1, "status");
    srig_post(99, "status");
    srig_run();
    CHECK_STR(refusal(), "429 \"a queue or quota is full, try again later\"");
    srig_end();
}

/* --- answers --- */

static int code_of_cloud(char status[64])
{
    json_t *json = NULL;
    struct wire_packet p;
    int code = -1;

    while (rig_next_publish(rig, &p, true)) {
        json = json_loadb((const char *) p.payload, p.payload_len, 0, NULL);
        if (json && (strcmp(rig_text(json, "method"), "control_reply") == 0 ||
                     strcmp(rig_text(json, "method"), "action_reply") == 0)) {
            code = (int) json_integer_value(json_object_get(json, "code"));
            (void) snprintf(status, 64, "%s", rig_text(json, "status"));
        }
        json_decref(json);
    }
    return code;
}

static void push_control(const char *token, const char *params)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"control\",\"clientToken\":\"%s\",\"params\":%s}", token, params);
    rig_push(rig, "property", text);
}

static void push_action(const char *token, const char *id, const char *params)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"action\",\"clientToken\":\"%s\",\"actionId\":\"%s\","
                    "\"params\":%s}",
                    token, id, params);
    rig_push(rig, "action", text);
}

static void begin_served(void)
{
    srig_begin_up();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
}

static void test_answer(void)
{
    char status[64] = "";

    begin_served();
    push_control("t1", "{\"level\":8}");
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={level=8}");
    CHECK_INT(code_of_cloud(status), -1);
    put_text(srig_items(), "text", "fine");
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    CHECK_INT(code_of_cloud(status), 0);
    CHECK_STR(status, "fine");
    CHECK_INT(report_table(P_LEVEL)->i, 8);

    push_control("t2", "{\"level\":9}");
    CHECK_STR(srig_next(), "CONTROL 2 0 handler=\"/handler\" values={level=9}");
    srig_items(); /* the text may be missing */
    srig_send(LAYOUT_UP_ANSWER, 2, 405);
    srig_run();
    CHECK_INT(code_of_cloud(status), 405);
    CHECK_INT(report_table(P_LEVEL)->i, 8);
    CHECK_STR(srig_next(), "");
    srig_end();
}

static void test_action(void)
{
    struct pack_writer *w;
    size_t opened;
    json_t *json;

    begin_served();
    push_action("a1", "unlock", "{\"open\":1,\"user\":\"me\"}");
    CHECK_STR(srig_next(),
              "INVOKE 1 0 handler=\"/handler\" action=\"unlock\" input={open=true user=\"me\"}");
    w = srig_items();
    put_text(w, "text", "");
    opened = pack_open(w, "output", PACK_STRUCT);
    pack_put_bool(w, "state", true);
    put_text(w, "note", "done");
    pack_close(w, opened);
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    json = rig_next_json(rig, rig_up_topic("action"));
    CHECK(json && json_integer_value(json_object_get(json, "code")) == 0);
    CHECK_STR(rig_text(json_object_get(json, "response"), "note"), "done");
    json_decref(json);
    srig_end();
}

/* Whatever an answer says that it may not, the cloud gets one; and the program stays. */
static void test_bad_answers(void)
{
    char token[8], status[64];

    begin_served();
    for (int i = 0; i < 5; i++) {
        struct pack_writer *w;
        size_t opened;

        (void) snprintf(token, sizeof(token), "a%d", i);
        push_action(token, "unlock", "{\"open\":1,\"user\":\"me\"}");
        CHECK(strncmp(srig_next(), "INVOKE", 6) == 0);
        w = srig_items();
        opened = i < 3 ? pack_open(w, "output", PACK_STRUCT) : 0;
        if (i == 0)
            pack_put_int(w, "state", 2);
        else if (i == 1)
            pack_put_int(w, "nothing", 0);
        else if (i == 2)
            pack_put_int(w, "\xff", 0);
        else if (i == 3)
            put_text(w, "text", "\xff");
        if (i < 3)
            pack_close(w, opened);
        srig_send(LAYOUT_UP_ANSWER, (uint32_t) i + 1, i < 4 ? 0 : 600);
        srig_run();
        CHECK_INT(code_of_cloud(status), 503);
    }
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

/* Of nothing that was asked, twice, or too late. */
static void test_stray_answers(void)
{
    char status[64];

    begin_served();
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    push_control("t1", "{\"level\":8}");
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_send(LAYOUT_UP_ANSWER, 1, 405);
    srig_run();
    CHECK_INT(code_of_cloud(status), 0);
    push_control("t2", "{\"level\":9}");
    rig_advance(rig, 11 * S);
    CHECK_INT(code_of_cloud(status), 408);
    CHECK(list_is_empty(&srig.p->calls));
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 2, 0);
    srig_run();
    CHECK_INT(code_of_cloud(status), -1);
    CHECK_INT(srig.n_offences, 0);
    srig_end();
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

        begin_served();
        push_action("a1", "unlock", "{\"open\":1,\"user\":\"me\"}");
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

    begin_served();
    push_control("t1", "{\"level\":8}");
    srig_sleep();
    CHECK(!srig_was_rung());
    srig.up->ring_head = 4;
    doorbell_ring(srig.bell_up);
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    CHECK(srig_was_rung());
    CHECK_INT(code_of_cloud(status), 405);
    CHECK_STR(status, "the program that served it has ended");
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={level=8}"); /* still mapped */
    srig_end();
}

/* What it handed in before it ended counts: records, answers, and the disk takes its time. */
static void test_drained(void)
{
    char status[64];

    begin_served();
    push_control("t1", "{\"level\":8}");
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    for (uint32_t i = 0; i < 3 * SHM_RECORDS_PER_TURN; i++)
        srig_post(i, "broken");
    srig_hang_up();
    srig_run();
    CHECK_INT(srig.n_hung_up, 1);
    CHECK_INT(code_of_cloud(status), 0);
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

const char *const suite_name = "shm-up";

const struct suite_test suite_tests[] = {
    {"report", test_report},
    {"time stamp", test_timestamp},
    {"history", test_history},
    {"report as JSON", test_report_json},
    {"event", test_event},
    {"events as JSON", test_events_json},
    {"refused reports", test_refused_reports},
    {"refused events", test_refused_events},
    {"refused rights", test_refused_rights},
    {"a full queue", test_full},
    {"answers", test_answer},
    {"answers of actions", test_action},
    {"bad answers", test_bad_answers},
    {"answers to nothing", test_stray_answers},
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
