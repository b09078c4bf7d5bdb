/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controls and actions: whatever happens, the cloud hears exactly one answer. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static struct rig *const rig = &crig.rig;

static void begin(void)
{
    crig_begin();
    rig_connect(rig, true);
}

static void control(const char *token, const char *params)
{
    char text[512];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"control\",\"clientToken\":\"%s\",\"params\":%s}", token, params);
    rig_push(rig, "property", text);
}

static void action(const char *token, const char *id, const char *params)
{
    char text[512];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"action\",\"clientToken\":\"%s\",\"actionId\":\"%s\","
                    "\"params\":%s}",
                    token, id, params);
    rig_push(rig, "action", text);
}

/* All answers since the last look: "token code status response", reports left out. */
static const char *answers(void)
{
    static char all[LIMIT_PENDING_CALLS * 256];
    struct wire_packet p;
    size_t n = 0;

    all[0] = '\0';
    while (rig_next_publish(rig, &p, true)) {
        json_t *json = json_loads(p.payload, JSON_REJECT_DUPLICATES, NULL);
        const char *method = rig_text(json, "method");
        char *response = json_dumps(json_object_get(json, "response"), JSON_COMPACT);

        CHECK(json);
        if (strcmp(method, "report") != 0) {
            bool is_action = strcmp(method, "action_reply") == 0;

            CHECK(p.qos == 1 && (is_action || strcmp(method, "control_reply") == 0));
            CHECK_STR(p.topic, rig_up_topic(is_action ? "action" : "property"));
            CHECK((response != NULL) == is_action);
            n += (size_t) snprintf(all + n, sizeof(all) - n, "%s%s %d %s%s%s", n ? "; " : "",
                                   rig_text(json, "clientToken"),
                                   (int) json_integer_value(json_object_get(json, "code")),
                                   rig_text(json, "status"), response ? " " : "",
                                   response ? response : "");
        }
        free(response);
        json_decref(json);
    }
    return all;
}

/* Nothing is in work, and nothing more is said however long one waits. */
static void end(void)
{
    CHECK_INT(crig.n_parts, 0);
    CHECK_INT(crig.core->calls.n_pending, 0);
    rig_advance(rig, 60 * S);
    CHECK_STR(answers(), "");
    crig_end();
}

/* --- controls --- */

static void test_served(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    CHECK_STR(crig.delivered, "level=42");
    CHECK_STR(answers(), "");
    CHECK_STR(call_token(crig.parts[0]->call), "t1");
    CHECK(!call_action(crig.parts[0]->call));
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 42); /* what it took is its value now */
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    control("t2", "{\"level\":1,\"power\":1}");
    CHECK_STR(crig.delivered, "level=1 power=1"); /* one call for one program */
    crig_answer(0, 0, "as you wish", NULL);
    CHECK_STR(answers(), "t2 0 as you wish");
    CHECK_INT(crig.n_delivered, 2);
    end();
}

/* An accepted control is reported, so that the cloud shows what is. */
static void test_reported(void)
{
    json_t *json;

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    rig_advance(rig, S);
    json = rig_next_json(rig, rig_up_topic("property"));
    CHECK_STR(rig_text(json, "method"), "report");
    CHECK_INT(json_integer_value(json_object_get(json_object_get(json, "params"), "level")), 42);
    rig_push_reply(rig, "property", "report_reply", rig_text(json, "clientToken"), 0, "");
    json_decref(json);
    end();
}

/* A program that reports while it works knows better than the control. */
static void test_reports_meanwhile(void)
{
    struct prop_update u = {P_LEVEL, {.kind = VALUE_INT, .i = 40}};
    uint64_t token;

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    CHECK_INT(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &token), 0);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 40);
    crig.core->reports.n_dirty = 0; /* reports are another test's */
    crig.core->reports.dirty[P_LEVEL] = false;
    end();
}

/* Two on their way to one program: what it took last is the value. */
static void test_two_in_flight(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    control("t1", "{\"level\":42}");
    control("t2", "{\"power\":1,\"level\":43}");
    crig_answer(0, 0, "", NULL);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 42);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success; t2 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 43);
    CHECK(crig.core->props.all[P_POWER].value.b);
    end();
}

/* What counts is what came first, not what the clock says: it may be set at any time. */
static void test_clock_set_back(void)
{
    struct prop_update u = {P_LEVEL, {.kind = VALUE_INT, .i = 40}};
    uint64_t token;

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    CHECK_INT(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &token), 0);
    fake_clock_set_real(FAKE_CLOCK_REAL_US - 1000 * S);
    control("t1", "{\"level\":42}");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 42);
    CHECK_INT(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &token), 0);
    control("t2", "{\"level\":43}"); /* in the same microsecond */
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t2 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 43);
    crig.core->reports.n_dirty = 0;
    crig.core->reports.dirty[P_LEVEL] = false;
    end();
}

static void test_unserved(void)
{
    begin();
    control("t1", "{\"level\":42,\"name\":\"x\"}");
    CHECK_STR(answers(), "t1 0 success");
    CHECK_STR(crig.controlled, "level=42 name=\"x\"");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(crig.core->props.all[P_LEVEL].desired.i, 42); /* kept as what is wished */
    CHECK_INT(crig.n_delivered, 0);

    crig.core->calls.accept_unowned = false;
    control("t2", "{\"level\":42}");
    CHECK_STR(answers(), "t2 403 no program serves level");
    CHECK_INT(crig.n_controlled, 1);
    end();
}

/* Served by two programs and by nobody: one answer when all are through. */
static void test_parts(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.door, FEATURE_PROPERTY, "power");
    control("t1", "{\"level\":1,\"power\":1,\"name\":\"x\"}");
    CHECK(crig.n_parts == 2 && crig.n_controlled == 1);
    CHECK_STR(crig.controlled, "name=\"x\"");
    crig_answer(1, 0, "", NULL);
    CHECK_STR(answers(), "");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");

    control("t2", "{\"level\":2,\"power\":0}");
    crig_answer(0, 429, "busy", NULL);
    CHECK_STR(answers(), "");
    crig_answer(0, 0, "fine here", NULL);
    CHECK_STR(answers(), "t2 429 busy"); /* the failure counts */
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 1);
    CHECK_INT(crig.core->props.all[P_POWER].value.b, false);

    control("t3", "{\"level\":3,\"power\":1}");
    crig_answer(0, 1, "first", NULL);
    crig_answer(0, 2, "second", NULL);
    CHECK_STR(answers(), "t3 1 first");
    end();
}

static void test_refused(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    crig_answer(0, 425, "not now", NULL);
    CHECK_STR(answers(), "t1 425 not now");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    control("t2", "{\"level\":42}");
    crig_answer(0, 7, "", NULL);
    CHECK_STR(answers(), "t2 7 refused");
    control("t3", "{\"level\":42}");
    crig_answer(0, -ENOMEM, "what a front says", NULL);
    CHECK_STR(answers(), "t3 503 what a front says");
    end();
}

static void test_hanging(void)
{
    begin();
    CHECK_INT(client_set_app_id(crig.lamp, "lamp"), 0);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.door, FEATURE_PROPERTY, "power");
    control("t1", "{\"level\":42,\"power\":1}");
    crig_answer(1, 0, "", NULL);
    rig_advance(rig, 10 * S - 1);
    CHECK_STR(answers(), "");
    rig_advance(rig, 1);
    CHECK_STR(answers(), "t1 408 lamp did not answer in time");
    CHECK_INT(crig.n_cancelled, 1); /* whatever it says now is not heard */
    end();
}

static void test_dying(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    crig_serve(crig.door, FEATURE_PROPERTY, "power");
    control("t1", "{\"level\":42}");
    action("t2", "ping", "{}");
    control("t3", "{\"level\":1,\"power\":1}");
    control("t4", "{\"power\":1}");
    CHECK_INT(crig.n_parts, 5);
    crig_remove(&crig.lamp);
    CHECK_STR(answers(), "t1 405 the program that served it has ended; "
                         "t2 405 the program that served it has ended {}");
    CHECK_INT(crig.n_cancelled, 3);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t3 405 the program that served it has ended");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t4 0 success");
    control("t5", "{\"level\":1}"); /* its ids are free again */
    CHECK_STR(answers(), "t5 0 success");
    end();
}

static void test_unreachable(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    crig.deliver_result = -ENOTCONN;
    control("t1", "{\"level\":42}");
    CHECK_STR(answers(), "t1 405 the program cannot be reached");
    action("t2", "ping", "{}");
    CHECK_STR(answers(), "t2 405 the program cannot be reached {}");
    CHECK_INT(crig.n_cancelled, 0);
    end();
}

static void test_bad_controls(void)
{
    static const struct {
        const char *params, *answer;
    } cases[] = {
        {"{}", "400 params is missing or empty"},
        {"[]", "400 params is missing or empty"},
        {"null", "400 params is missing or empty"},
        {"7", "400 params is missing or empty"},
        {"{\"nothing\":1}", "403 unknown property nothing"},
        {"{\"\":1}", "403 unknown property "},
        {"{\"unlock\":1}", "403 unknown property unlock"},
        {"{\"temp\":1}", "423 temp is read only"},
        {"{\"level\":101}", "406 level: not within 0 to 100"},
        {"{\"level\":\"5\"}", "406 level: not of type int"},
        {"{\"level\":null}", "406 level: not of type int"},
        {"{\"level\":1e300}", "406 level: not within 0 to 100"},
        {"{\"color\":2}", "406 color: not a value of this enum"},
        {"{\"power\":2}", "406 power: neither 0 nor 1"},
        {"{\"level\":5,\"nothing\":1}", "403 unknown property nothing"},
        {"{\"level\":5,\"power\":1,\"level2\":{}}", "403 unknown property level2"},
    };

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char token[16], want[128];
        const char *got;

        (void) snprintf(token, sizeof(token), "t%zu", i);
        (void) snprintf(want, sizeof(want), "t%zu %s", i, cases[i].answer);
        control(token, cases[i].params);
        got = answers();
        if (strcmp(got, want) != 0)
            suite_fail(__FILE__, __LINE__, "%s: %s", cases[i].params, got);
    }
    CHECK(crig.n_delivered == 0 && crig.n_controlled == 0 && crig.n_cancelled == 0);
    rig_push(rig, "property", "{\"method\":\"control\",\"params\":{\"level\":101}}");
    CHECK_STR(answers(), " 406 level: not within 0 to 100"); /* also without a token */
    end();
}

/* --- actions --- */

static void test_action(void)
{
    const struct value outputs[] = {
        {.kind = VALUE_BOOL, .b = true},
        {.kind = VALUE_STRING, .s = (char *) (uintptr_t) "by \"me\""},
    };
    const struct value part_of[] = {{.kind = VALUE_NONE},
                                    {.kind = VALUE_STRING, .s = (char *) (uintptr_t) ""}};

    begin();
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    action("t1", "unlock", "{\"open\":true,\"user\":\"me\"}");
    CHECK_STR(crig.delivered, "unlock open=1 user=\"me\"");
    CHECK_STR(call_action(crig.parts[0]->call)->id, "unlock");
    crig_answer(0, 0, "", outputs);
    CHECK_STR(answers(), "t1 0 success {\"state\":1,\"note\":\"by \\\"me\\\"\"}");
    action("t2", "unlock", "{\"open\":0,\"user\":\"x\"}");
    crig_answer(0, 0, "done", part_of);
    CHECK_STR(answers(), "t2 0 done {\"note\":\"\"}");
    action("t3", "unlock", "{\"open\":0,\"user\":\"x\"}");
    crig_answer(0, 401, "who are you", outputs);
    CHECK_STR(answers(), "t3 401 who are you {}");
    action("t4", "ping", "{}");
    CHECK_STR(crig.delivered, "ping");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t4 0 success {}");
    rig_push(rig, "action", "{\"method\":\"action\",\"clientToken\":\"t5\",\"actionId\":\"ping\"}");
    CHECK_INT(crig.n_parts, 1); /* without inputs none are missed */
    rig_advance(rig, 10 * S);
    CHECK_STR(answers(), "t5 408 :1.1 did not answer in time {}");
    end();
}

static void test_bad_actions(void)
{
    static const struct {
        const char *id, *params, *answer;
    } cases[] = {
        {"nothing", "{}", "403 unknown action nothing {}"},
        {"", "{}", "403 unknown action  {}"},
        {"level", "{}", "403 unknown action level {}"},
        {"ping", "{}", "403 no program serves ping {}"},
        {"unlock", "{}", "406 input open is missing {}"},
        {"unlock", "null", "406 input open is missing {}"},
        {"unlock", "[]", "406 input open is missing {}"},
        {"unlock", "{\"open\":1}", "406 input user is missing {}"},
        {"unlock", "{\"open\":1,\"user\":\"\"}", "406 user: not 1 to 16 bytes long {}"},
        {"unlock", "{\"open\":\"1\",\"user\":\"x\"}", "406 open: not of type bool {}"},
        {"unlock", "{\"open\":1,\"user\":\"x\",\"more\":1}", "403 unknown input more {}"},
    };

    begin();
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char token[16], want[128];
        const char *got;

        (void) snprintf(token, sizeof(token), "t%zu", i);
        (void) snprintf(want, sizeof(want), "t%zu %s", i, cases[i].answer);
        action(token, cases[i].id, cases[i].params);
        got = answers();
        if (strcmp(got, want) != 0)
            suite_fail(__FILE__, __LINE__, "%s %s: %s", cases[i].id, cases[i].params, got);
    }
    CHECK(crig.n_delivered == 0 && crig.n_cancelled == 0);
    end();
}

/* Outputs that do not fit a message are no success. */
static void test_large_response(void)
{
    static char model[8192], text[LIMIT_STRING_VALUE + 1];
    struct value outputs[9];
    size_t n;

    memset(text, '\x01', LIMIT_STRING_VALUE);
    n = (size_t) snprintf(model, sizeof(model),
                          "{\"actions\":[{\"id\":\"big\",\"input\":[],\"output\":[");
    for (int i = 0; i < 9; i++) {
        n += (size_t) snprintf(model + n, sizeof(model) - n,
                               "%s{\"id\":\"o%d\",\"define\":{\"type\":\"string\"}}", i ? "," : "",
                               i);
        outputs[i] = (struct value){.kind = VALUE_STRING, .s = text};
    }
    (void) snprintf(model + n, sizeof(model) - n, "]}]}");
    crig_begin_with(model);
    rig_connect(rig, true);
    crig_serve(crig.lamp, FEATURE_ACTION, "big");
    action("t1", "big", "{}");
    crig_answer(0, 0, "", outputs);
    CHECK_STR(answers(), "t1 503 the response is too large {}");
    end();
}

/* --- once --- */

static void test_redelivery(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    control("t1", "{\"level\":42,\"name\":\"x\"}");
    CHECK_STR(answers(), "");
    control("t1", "{\"name\":\"x\",\"level\":42}"); /* while it is in work; order is nothing */
    CHECK_STR(answers(), "");
    CHECK_INT(crig.n_delivered, 1);
    crig_answer(0, 429, "busy", NULL);
    CHECK_STR(answers(), "t1 429 busy");
    control("t1", "{\"level\":42,\"name\":\"x\"}");
    CHECK_STR(answers(), "t1 429 busy"); /* from memory */
    CHECK(crig.n_delivered == 1 && crig.n_controlled == 1);

    control("t1", "{\"level\":43}"); /* tokens repeat: this is another command */
    CHECK_INT(crig.n_delivered, 2);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");

    action("a", "ping", "{}");
    crig_answer(0, 0, "pong", NULL);
    CHECK_STR(answers(), "a 0 pong {}");
    action("a", "ping", "{}");
    CHECK_STR(answers(), "a 0 pong {}");
    CHECK_INT(crig.n_delivered, 3);

    control("bad", "{\"level\":101}");
    control("bad", "{\"level\":101}");
    CHECK_STR(answers(), "bad 406 level: not within 0 to 100; bad 406 level: not within 0 to 100");
    end();
}

/* Without a token one command cannot be told from another. */
static void test_no_token(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("", "{\"level\":1}");
    control("", "{\"level\":1}");
    CHECK_INT(crig.n_delivered, 2);
    crig_answer(0, 0, "", NULL);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), " 0 success;  0 success");
    end();
}

static void test_limit(void)
{
    char token[16], params[32];

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    for (unsigned i = 0; i < LIMIT_PENDING_CALLS; i++) {
        (void) snprintf(token, sizeof(token), "t%u", i);
        (void) snprintf(params, sizeof(params), "{\"level\":%u}", i % 100);
        control(token, params);
    }
    CHECK_INT(crig.n_parts, LIMIT_PENDING_CALLS);
    control("more", "{\"level\":1}");
    CHECK_STR(answers(), "more 429 too many calls in flight");
    action("action", "ping", "{}");
    CHECK_STR(answers(), "action 429 too many calls in flight {}");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t0 0 success");
    action("later", "ping", "{}");
    CHECK_INT(crig.n_parts, LIMIT_PENDING_CALLS);
    crig_remove(&crig.lamp);
    (void) answers();
    end();
}

/* Answers wait for the link; they are not lost with it. */
static void test_link_down(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    rig_drop(rig);
    crig_answer(0, 0, "", NULL);
    rig_connect(rig, true);
    CHECK_STR(answers(), "t1 0 success");
    end();
}

static void test_free(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    control("t2", "{\"level\":43}");
    calls_done(&crig.core->calls);
    CHECK_INT(crig.n_cancelled, 2);
    CHECK_STR(answers(), ""); /* the daemon ends: a redelivery will find the next one */
    crig_end();
}

static void test_bound(void)
{
    begin();
    CHECK(!crig.core->bound);
    rig_push(rig, "service", "{\"method\":\"bind_device\"}");
    CHECK(crig.core->bound);
    rig_push(rig, "service", "{\"method\":\"unbind_device\"}");
    CHECK(!crig.core->bound);
    end();
}

const char *const suite_name = "calls";
const struct suite_test suite_tests[] = {
    {"served", test_served},
    {"reported", test_reported},
    {"reports_meanwhile", test_reports_meanwhile},
    {"two_in_flight", test_two_in_flight},
    {"clock_set_back", test_clock_set_back},
    {"unserved", test_unserved},
    {"parts", test_parts},
    {"refused", test_refused},
    {"hanging", test_hanging},
    {"dying", test_dying},
    {"unreachable", test_unreachable},
    {"bad_controls", test_bad_controls},
    {"action", test_action},
    {"bad_actions", test_bad_actions},
    {"large_response", test_large_response},
    {"redelivery", test_redelivery},
    {"no_token", test_no_token},
    {"limit", test_limit},
    {"link_down", test_link_down},
    {"free", test_free},
    {"bound", test_bound},
    {NULL, NULL},
};
