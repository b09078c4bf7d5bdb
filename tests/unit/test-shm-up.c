/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring up: what programs hand in, what is taken of it and what is refused. */

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
    {NULL, NULL},
};
