/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thing-model service as a device sees it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define PROPERTY "$thing/up/property/P1/d1"
#define EVENT "$thing/up/event/P1/d1"

#define LOW "\"eventId\":\"low\",\"type\":\"alert\",\"params\":{\"v\":3}"

static struct fake_cloud cloud;
static struct fake_link a;

static void start(void)
{
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    fake_link_subscribe_all(&a);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static void test_report(void)
{
    static const struct {
        const char *payload;
        int code;
    } cases[] = {
        {"{\"method\":\"report\",\"clientToken\":\"1\",\"params\":{\"sw\":1,\"lvl\":32}}", 0},
        {"{\"method\":\"report\",\"clientToken\":\"1\",\"params\":{\"sw\":0}}", 0}, /* same token */
        {"{\"method\":\"report\",\"clientToken\":\"1\",\"params\":{\"lvl\":101}}", 406},
        {"{\"method\":\"report\",\"clientToken\":\"1\",\"params\":{\"sw\":true}}", 406},
        {"{\"method\":\"report\",\"clientToken\":\"1\",\"params\":{\"nope\":1}}", 403},
        {"{\"method\":\"report\",\"clientToken\":\"1\"}", 406},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":1700000000}", 0},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":1700000000000}", 0},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":1699913600}", 0},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":1699913599}", 405},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":1700086401000}", 405},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":\"1700000000\"}", 405},
        {"{\"method\":\"report\",\"params\":{\"sw\":1},\"timestamp\":-1}", 405},
        {"{\"method\":\"fly\",\"clientToken\":\"1\"}", 403},
        {"{\"clientToken\":\"1\"}", 403},
        {"{\"method\":1}", 403},
        {"{\"method\":\"event_post\"}", 403}, /* on the wrong topic */
        {"{\"method\":\"report\",", 400},
        {"{\"method\":\"report\",\"params\":{\"sw\":\"he said \"hi\"\"}}", 400},
        {"[]", 400},
        {"", 400},
        {"\xff", 400},
    };

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int code = fake_link_ask(&a, PROPERTY, cases[i].payload, "report_reply");

        if (code != cases[i].code)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].payload, code);
    }
    end();
}

static void test_tokens(void)
{
    static const char *const tokens[] = {"\"a:b#c\"", "12", "null", "{\"x\":[1]}", "true"};

    start();
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        char payload[128];
        json_t *reply, *expected = json_loads(tokens[i], JSON_DECODE_ANY, NULL);

        (void) snprintf(payload, sizeof(payload),
                        "{\"method\":\"report\",\"clientToken\":%s,\"params\":{}}", tokens[i]);
        fake_link_publish(&a, PROPERTY, payload, 0, 0);
        reply = fake_link_next_json(&a, "$thing/down/property/P1/d1");
        CHECK(json_equal(json_object_get(reply, "clientToken"), expected));
        json_decref(expected);
        json_decref(reply);
    }
    end();
}

static void test_events(void)
{
    static const struct {
        const char *payload;
        const char *method;
        int code;
    } cases[] = {
        {"{\"method\":\"event_post\",\"version\":\"1.0\"," LOW "}", "event_reply", 0},
        {"{\"method\":\"event_post\",\"timestamp\":1700000000000," LOW "}", "event_reply", 0},
        {"{\"method\":\"event_post\",\"timestamp\":1," LOW "}", "event_reply", 405},
        {"{\"method\":\"event_post\",\"eventId\":\"low\",\"type\":\"info\",\"params\":{}}",
         "event_reply", 406},
        {"{\"method\":\"event_post\",\"eventId\":\"low\",\"params\":{}}", "event_reply", 406},
        {"{\"method\":\"event_post\",\"eventId\":\"high\",\"type\":\"alert\",\"params\":{}}",
         "event_reply", 403},
        {"{\"method\":\"event_post\",\"type\":\"alert\",\"params\":{}}", "event_reply", 403},
        {"{\"method\":\"event_post\",\"eventId\":\"low\",\"type\":\"alert\",\"params\":{\"v\":25}}",
         "event_reply", 406},
        {"{\"method\":\"event_post\",\"events\":[{" LOW "}]}", "event_reply", 0},
        {"{\"method\":\"events_post\",\"events\":[{" LOW "},{" LOW "}]}", "events_reply", 0},
        {"{\"method\":\"events_post\",\"events\":[{" LOW "},{\"eventId\":\"x\"}]}", "events_reply",
         403},
        {"{\"method\":\"events_post\",\"events\":[]}", "events_reply", 406},
        {"{\"method\":\"events_post\"}", "events_reply", 406},
        {"nonsense", "event_reply", 400},
        {"{\"method\":\"report\"}", "event_reply", 403},
    };
    const struct list *events;
    size_t n = 0;

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int code = fake_link_ask(&a, EVENT, cases[i].payload, cases[i].method);

        if (code != cases[i].code)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].payload, code);
    }
    events = store_events(cloud.store, &cloud.config->devices[0]);
    LIST_FOR_EACH (e, (struct list *) (uintptr_t) events)
        n++;
    CHECK_INT(n, 5); /* a bad one in a list keeps the good one out */
    end();
}

static void test_held_replies(void)
{
    char error[FAULTS_ERROR_MAX];
    json_t *on = json_loads("{\"fault\":\"hold_replies\",\"on\":true}", 0, NULL);
    json_t *off = json_loads("{\"fault\":\"hold_replies\",\"on\":false}", 0, NULL);

    start();
    CHECK_INT(faults_apply(cloud.faults, on, error), 0);
    fake_link_publish(&a, PROPERTY, "{\"method\":\"report\",\"params\":{\"sw\":1}}", 0, 0);
    fake_link_publish(&a, EVENT, "{\"method\":\"event_post\"," LOW "}", 0, 0);
    CHECK_INT(a.n_in, 0);
    CHECK_INT(faults_apply(cloud.faults, off, error), 0);
    json_decref(fake_link_next_json(&a, "$thing/down/property/P1/d1"));
    json_decref(fake_link_next_json(&a, "$thing/down/event/P1/d1"));
    CHECK_INT(a.n_in, 0);
    CHECK_INT(faults_apply(cloud.faults, on, error), 0);
    fake_link_publish(&a, PROPERTY, "{\"method\":\"report\",\"params\":{\"sw\":1}}", 0, 0);
    json_decref(on);
    json_decref(off);
    end(); /* with one still held */
}

static void test_info(void)
{
    start();
    CHECK_INT(fake_link_ask(&a, PROPERTY,
                            "{\"method\":\"report_info\",\"params\":{\"mac\":\"00\"}}",
                            "report_info_reply"),
              0);
    CHECK_STR(fake_text(store_info(cloud.store, &cloud.config->devices[0]), "mac"), "00");
    CHECK_INT(fake_link_ask(&a, PROPERTY, "{\"method\":\"report_info\"}", "report_info_reply"),
              406);
    end();
}

/* The answer to a report_version; -99 when there is none. */
static int report_version(const char *payload)
{
    json_t *reply;
    int code;

    fake_link_publish(&a, "$ota/report/P1/d1", payload, 0, 0);
    reply = fake_link_next_json(&a, "$ota/update/P1/d1");
    if (!reply)
        return -99;
    CHECK_STR(fake_text(reply, "type"), "report_version_rsp");
    code = (int) fake_int(reply, "result_code");
    json_decref(reply);
    return code;
}

static void test_version(void)
{
    static const char *const filter[] = {"$ota/update/P1/d1", NULL};
    static const struct {
        const char *payload;
        int code;
        const char *version;
    } cases[] = {
        {"{\"type\":\"report_version\",\"report\":{\"version\":\"\"}}", -1, ""},
        {"{\"type\":\"report_version\",\"report\":{\"version\":\"1.0-rc_2\"}}", 0, "1.0-rc_2"},
        {"{\"type\":\"report_version\",\"report\":{\"version\":\"1 0\"}}", -1, "1.0-rc_2"},
        {"{\"type\":\"report_version\",\"report\":{\"version\":"
         "\"12345678901234567890123456789012\"}}",
         0, "12345678901234567890123456789012"},
        {"{\"type\":\"report_version\",\"report\":{\"version\":"
         "\"123456789012345678901234567890123\"}}",
         -1, "12345678901234567890123456789012"},
        {"{\"type\":\"report_version\",\"version\":\"2\"}", -1, "12345678901234567890123456789012"},
        {"{\"type\":\"report_progress\",\"report\":{}}", -99, "12345678901234567890123456789012"},
        {"{\"type\":\"fly\"}", -99, "12345678901234567890123456789012"},
        {"[]", -99, "12345678901234567890123456789012"},
    };

    start();
    fake_link_subscribe(&a, 9, filter, 1);
    (void) fake_link_next(&a);
    CHECK_STR(store_version(cloud.store, &cloud.config->devices[0]), "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int code = report_version(cases[i].payload);

        if (code != cases[i].code)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].payload, code);
        CHECK_STR(store_version(cloud.store, &cloud.config->devices[0]), cases[i].version);
    }
    CHECK_STR(fake_cloud_event(&cloud, "bad_message"), "$ota: not an object with a type");

    /* As every reply it can be wrong, and late. */
    fake_cloud_fault(
        &cloud,
        "{\"fault\":\"wrong_code\",\"method\":\"report_version_rsp\",\"code\":5,\"count\":1}");
    CHECK_INT(report_version(cases[1].payload), 5);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    CHECK_INT(report_version(cases[1].payload), -99);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    json_decref(fake_link_next_json(&a, "$ota/update/P1/d1"));
    CHECK_INT(a.n_in, 0);
    end();
}

const char *const suite_name = "localcloud-thing";
const struct suite_test suite_tests[] = {
    {"report", test_report},
    {"tokens", test_tokens},
    {"events", test_events},
    {"held_replies", test_held_replies},
    {"info", test_info},
    {"version", test_version},
    {NULL, NULL},
};
