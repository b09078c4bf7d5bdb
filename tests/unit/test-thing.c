/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/thing.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static struct rig rig;
static struct thing *thing;
static struct {
    unsigned n_control, n_action, n_bound, n_unbound;
    char token[LIMIT_CLIENT_TOKEN + 1], id[64], params[128];
    bool has_params;
    uint64_t timestamp_s;
} got;
static struct {
    unsigned n;
    int code;
    char text[64];
} end_of;
static unsigned n_acked;

static void keep(const char *token, uint64_t timestamp_s, const char *id, const json_t *params)
{
    char *text = params ? json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    (void) snprintf(got.token, sizeof(got.token), "%s", token);
    (void) snprintf(got.id, sizeof(got.id), "%s", id);
    (void) snprintf(got.params, sizeof(got.params), "%s", text ? text : "");
    got.has_params = params;
    got.timestamp_s = timestamp_s;
    free(text);
}

static void on_control(const char *token, uint64_t timestamp_s, json_t *params, void *userdata)
{
    (void) userdata;
    got.n_control++;
    keep(token, timestamp_s, "", params);
}

static void on_action(const char *token, uint64_t timestamp_s, const char *action_id,
                      json_t *params, void *userdata)
{
    (void) userdata;
    got.n_action++;
    keep(token, timestamp_s, action_id, params);
}

static void on_bound(bool bound, uint64_t timestamp_s, void *userdata)
{
    (void) userdata;
    if (bound)
        got.n_bound++;
    else
        got.n_unbound++;
    got.timestamp_s = timestamp_s;
}

static const struct thing_events events = {
    .on_control = on_control,
    .on_action = on_action,
    .on_bound = on_bound,
};

static void begin(void)
{
    memset(&got, 0, sizeof(got));
    memset(&end_of, 0, sizeof(end_of));
    n_acked = 0;
    rig_init(&rig);
    CHECK_INT(thing_new(&thing, &rig.fl.loop, rig.link, rig.ident, &events, NULL), 0);
}

static void end(void)
{
    thing = thing_free(thing);
    rig_done(&rig);
}

static void on_end(int code, const char *text, void *userdata)
{
    (void) userdata;
    end_of.n++;
    end_of.code = code;
    (void) snprintf(end_of.text, sizeof(end_of.text), "%s", text);
}

static void on_acked(int result, void *userdata)
{
    if (result == 0)
        n_acked++;
    if (userdata)
        thing_await_reply(userdata);
}

/* Everything is subscribed, one by one, with QoS 1. */
static void test_topics(void)
{
    static const char *const want[] = {"property", "event", "action", "service"};
    struct wire_packet p;

    begin();
    link_enable(rig.link);
    rig_advance(&rig, 0);
    fake_transport_accept(&rig.net);
    CHECK(rig_next(&rig, &p) && p.type == 1);
    rig_feed_connack(&rig, false, 0);
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        char topic[128];

        (void) snprintf(topic, sizeof(topic), "$thing/down/%s/" RIG_PRODUCT "/" RIG_DEVICE,
                        want[i]);
        CHECK(rig_next(&rig, &p) && p.type == 8 && p.qos == 1);
        CHECK_STR(p.topic, topic);
        rig_feed_suback(&rig, p.id, 1);
    }
    CHECK(link_is_up(rig.link));
    end();
}

static void test_tokens(void)
{
    char a[REQUEST_TOKEN], b[REQUEST_TOKEN];

    begin();
    thing_new_token(thing, a);
    thing_new_token(thing, b);
    CHECK_STR(a, "00000001-1"); /* eight characters of chance */
    CHECK_STR(b, "00000001-2");
    end();
}

static void test_report(void)
{
    struct request request = {0};
    json_t *json;

    begin();
    CHECK_INT(thing_report(thing, "{}", 0, 0, &request, on_end, NULL), -ENETDOWN);
    CHECK(!request_is_pending(&request));
    rig_connect(&rig, true);
    CHECK_INT(thing_report(thing, "{\"level\":5}", 0, 0, &request, on_end, NULL), 0);
    json = rig_next_json(&rig, rig_up_topic("property"));
    CHECK_STR(rig_text(json, "method"), "report");
    CHECK(!json_object_get(json, "timestamp")); /* the cloud takes its own time */
    CHECK_INT(json_integer_value(json_object_get(json_object_get(json, "params"), "level")), 5);
    rig_push_reply(&rig, "property", "report_reply", "other", 0, "");
    CHECK_INT(end_of.n, 0);
    rig_push_reply(&rig, "property", "report_reply", rig_text(json, "clientToken"), 406, "range");
    CHECK(end_of.n == 1 && end_of.code == 406);
    CHECK_STR(end_of.text, "range");
    rig_push_reply(&rig, "property", "report_reply", rig_text(json, "clientToken"), 0, "");
    CHECK_INT(end_of.n, 1);
    json_decref(json);

    CHECK_INT(thing_report(thing, "{}", 1600000000, 0, &request, on_end, NULL), 0);
    json = rig_next_json(&rig, rig_up_topic("property"));
    CHECK_INT(json_integer_value(json_object_get(json, "timestamp")), 1600000000);
    json_decref(json);
    rig_advance(&rig, 5 * S - 1);
    CHECK_INT(end_of.n, 1);
    rig_advance(&rig, 1);
    CHECK(end_of.n == 2 && end_of.code == -ETIMEDOUT);
    end();
}

/* Codes as numbers and as texts; what is no code is no answer. */
static void test_codes(void)
{
    static const struct {
        const char *code;
        bool ends;
        int result;
    } cases[] = {
        {"0", true, 0},    {"503", true, 503},       {"\"405\"", true, 405},
        {"-1", true, -1},  {"2147483648", false, 0}, {"-9223372036854775808", false, 0},
        {"0.0", false, 0}, {"\"\"", false, 0},       {"null", false, 0},
        {"[]", false, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request request = {0};
        char text[128];
        json_t *json;

        begin();
        rig_connect(&rig, true);
        CHECK_INT(thing_report(thing, "{}", 0, 0, &request, on_end, NULL), 0);
        json = rig_next_json(&rig, rig_up_topic("property"));
        (void) snprintf(text, sizeof(text),
                        "{\"method\":\"report_reply\",\"clientToken\":\"%s\",\"code\":%s}",
                        rig_text(json, "clientToken"), cases[i].code);
        json_decref(json);
        rig_push(&rig, "property", text);
        if (end_of.n != cases[i].ends || end_of.code != cases[i].result)
            suite_fail(__FILE__, __LINE__, "%s: %u, %d", cases[i].code, end_of.n, end_of.code);
        request_cancel(&request);
        end();
    }
}

static void test_event(void)
{
    const struct thing_event e = {
        .token = "mine-1", .id = "low", .type = "alert", .params = "{\"volt\":1.5}"};
    struct request request = {0};
    struct wire_packet p;
    json_t *json;

    begin();
    CHECK_INT(thing_post_event(thing, &e, on_acked, &request, on_end, &request), 0);
    CHECK(request_is_pending(&request)); /* taken without a connection */
    rig_advance(&rig, 1000 * S);
    CHECK_INT(end_of.n, 0);
    rig_connect(&rig, true);
    CHECK(rig_next_publish(&rig, &p, false) && p.qos == 1);
    CHECK_STR(p.topic, rig_up_topic("event"));
    json = json_loads(p.payload, JSON_REJECT_DUPLICATES, NULL);
    CHECK_STR(rig_text(json, "method"), "event_post");
    CHECK_STR(rig_text(json, "clientToken"), "mine-1");
    CHECK_STR(rig_text(json, "version"), "1.0");
    CHECK_STR(rig_text(json, "eventId"), "low");
    CHECK_STR(rig_text(json, "type"), "alert");
    CHECK(!json_object_get(json, "timestamp"));
    CHECK(json_is_real(json_object_get(json_object_get(json, "params"), "volt")));
    json_decref(json);
    rig_advance(&rig, 9 * S);
    CHECK_INT(end_of.n, 0); /* the deadline begins with PUBACK */
    rig_feed_ack(&rig, 4, p.id);
    CHECK_INT(n_acked, 1);
    rig_push_reply(&rig, "event", "event_reply", "mine-1", 0, "");
    CHECK(end_of.n == 1 && end_of.code == 0);
    end();
}

static void test_event_timeout(void)
{
    const struct thing_event e = {
        .token = "mine-1", .id = "low", .type = "alert", .params = "{}", .timestamp_s = 1600000000};
    struct request request = {0};
    json_t *json;

    begin();
    rig_connect(&rig, true);
    CHECK_INT(thing_post_event(thing, &e, on_acked, &request, on_end, &request), 0);
    json = rig_next_json(&rig, rig_up_topic("event"));
    CHECK_INT(json_integer_value(json_object_get(json, "timestamp")), 1600000000);
    json_decref(json);
    rig_advance(&rig, 5 * S);
    CHECK(end_of.n == 1 && end_of.code == -ETIMEDOUT);

    /* Both names of the reply are understood. */
    CHECK_INT(thing_post_event(thing, &e, on_acked, &request, on_end, &request), 0);
    rig_push_reply(&rig, "event", "events_reply", "mine-1", 405, "time");
    CHECK(end_of.n == 2 && end_of.code == 405);
    end();
}

static void test_answers(void)
{
    json_t *json;

    begin();
    CHECK_INT(thing_answer_control(thing, "a\"b\\c", 0, "fine \xc3\xa9", NULL, NULL),
              0); /* link is down */
    CHECK_INT(thing_answer_action(thing, "t", 406, "range", "{\"state\":1}", NULL, NULL), 0);
    rig_connect(&rig, true);
    json = rig_next_json(&rig, rig_up_topic("property"));
    CHECK_STR(rig_text(json, "method"), "control_reply");
    CHECK_STR(rig_text(json, "clientToken"), "a\"b\\c");
    CHECK_STR(rig_text(json, "status"), "fine \xc3\xa9");
    CHECK_INT(json_integer_value(json_object_get(json, "code")), 0);
    CHECK_INT(json_object_size(json), 4);
    json_decref(json);
    json = rig_next_json(&rig, rig_up_topic("action"));
    CHECK_STR(rig_text(json, "method"), "action_reply");
    CHECK_INT(json_integer_value(json_object_get(json, "code")), 406);
    CHECK_INT(json_integer_value(json_object_get(json_object_get(json, "response"), "state")), 1);
    json_decref(json);
    end();
}

static void test_down(void)
{
    static char text[600];

    begin();
    rig_connect(&rig, true);
    rig_push(&rig, "property",
             "{\"method\":\"control\",\"clientToken\":\"t1\",\"timestamp\":"
             "1600000000,\"params\":{\"level\":5}}");
    CHECK(got.n_control == 1 && got.timestamp_s == 1600000000);
    CHECK_STR(got.token, "t1");
    CHECK_STR(got.params, "{\"level\":5}");
    rig_push(&rig, "property", "{\"method\":\"control\",\"timestamp\":-5,\"params\":[]}");
    CHECK(got.n_control == 2 && got.timestamp_s == 0 && !got.has_params);
    CHECK_STR(got.token, "");
    rig_push(&rig, "action",
             "{\"method\":\"action\",\"clientToken\":\"t2\",\"timestamp\":"
             "\"1600000001\",\"actionId\":\"unlock\",\"params\":{}}");
    CHECK(got.n_action == 1 && got.timestamp_s == 1600000001);
    CHECK_STR(got.id, "unlock");
    CHECK_STR(got.params, "{}");
    rig_push(&rig, "action", "{\"method\":\"action\",\"clientToken\":7,\"actionId\":7}");
    CHECK(got.n_action == 2 && !got.has_params);
    CHECK_STR(got.id, "");
    rig_push(&rig, "service", "{\"method\":\"bind_device\",\"timestamp\":1600000002}");
    CHECK(got.n_bound == 1 && got.timestamp_s == 1600000002);
    rig_push(&rig, "service", "{\"method\":\"unbind_device\"}");
    CHECK_INT(got.n_unbound, 1);

    (void) snprintf(text, sizeof(text), "{\"method\":\"control\",\"clientToken\":\"%0128d\"}", 0);
    rig_push(&rig, "property", text);
    CHECK_INT(got.n_control, 3);
    CHECK_INT(strlen(got.token), LIMIT_CLIENT_TOKEN);
    (void) snprintf(text, sizeof(text), "{\"method\":\"control\",\"clientToken\":\"%0129d\"}", 0);
    rig_push(&rig, "property", text);
    CHECK_INT(got.n_control, 3);
    end();
}

/* What is not ours or not right changes nothing, and the link stays. */
static void test_bad_messages(void)
{
    static const struct {
        const char *channel, *text;
    } cases[] = {
        {"property", ""},
        {"property", "{"},
        {"property", "[]"},
        {"property", "{}"},
        {"property", "{\"method\":7}"},
        {"property", "{\"method\":\"nothing\"}"},
        {"property", "{\"method\":\"control\",\"method\":\"control\"}"},
        {"property", "{\"method\":\"action\",\"actionId\":\"unlock\"}"}, /* on the wrong topic */
        {"action", "{\"method\":\"control\",\"params\":{}}"},
        {"event", "{\"method\":\"bind_device\"}"},
        {"service", "{\"method\":\"report_reply\",\"clientToken\":\"x\",\"code\":0}"},
        {"property", "{\"method\":\"report_reply\",\"clientToken\":\"x\"}"},
        {"property", "{\"method\":\"report_reply\",\"code\":0}"},
        {"property",
         "{\"method\":\"control\",\"params\":{\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}}"},
        {"nothing", "{\"method\":\"control\"}"},
    };
    uint8_t other[128];
    size_t n;

    begin();
    rig_connect(&rig, true);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        rig_push(&rig, cases[i].channel, cases[i].text);
        if (got.n_control + got.n_action + got.n_bound + got.n_unbound > 0) {
            suite_fail(__FILE__, __LINE__, "was taken: %s", cases[i].text);
            memset(&got, 0, sizeof(got));
        }
    }
    /* A topic of which ours is the beginning, and one that is the beginning of ours. */
    n = wire_publish(other, "$thing/down/property/ABCDE12345/dev_0012", "{\"method\":\"control\"}",
                     20, 0, 0, false);
    fake_transport_feed(&rig.net, other, n);
    n = wire_publish(other, "$thing/down/property/ABCDE12345/dev_00", "{\"method\":\"control\"}",
                     20, 0, 0, false);
    fake_transport_feed(&rig.net, other, n);
    CHECK_INT(got.n_control, 0);
    CHECK(link_is_up(rig.link));
    end();
}

static void test_limit(void)
{
    static struct request requests[LIMIT_PENDING_REPLIES + 1];
    const struct thing_event e = {.token = "x", .id = "low", .type = "alert", .params = "{}"};
    static char big[LIMIT_MQTT_PAYLOAD + 1];

    begin();
    memset(requests, 0, sizeof(requests));
    rig_connect(&rig, true);
    rig_advance(&rig, 6 * USEC_PER_SEC); /* get_status has given up */
    for (unsigned i = 0; i < LIMIT_PENDING_REPLIES; i++)
        CHECK_INT(thing_report(thing, "{}", 0, 0, &requests[i], on_end, NULL), 0);
    CHECK_INT(thing_report(thing, "{}", 0, 0, &requests[LIMIT_PENDING_REPLIES], on_end, NULL),
              -ENOBUFS);
    CHECK_INT(thing_post_event(thing, &e, NULL, &requests[LIMIT_PENDING_REPLIES], on_end, NULL),
              -ENOBUFS);
    CHECK_INT(rig_count_publishes(&rig), LIMIT_PENDING_REPLIES);
    for (unsigned i = 0; i < LIMIT_PENDING_REPLIES; i++)
        request_cancel(&requests[i]);
    memset(big, ' ', sizeof(big) - 1);
    CHECK_INT(thing_report(thing, big, 0, 0, &requests[0], on_end, NULL), -EMSGSIZE);
    CHECK(!request_is_pending(&requests[0]));
    CHECK_INT(rig_count_publishes(&rig), 0);
    end();
}

const char *const suite_name = "thing";
const struct suite_test suite_tests[] = {
    {"topics", test_topics},
    {"tokens", test_tokens},
    {"report", test_report},
    {"codes", test_codes},
    {"event", test_event},
    {"event_timeout", test_event_timeout},
    {"answers", test_answers},
    {"down", test_down},
    {"bad_messages", test_bad_messages},
    {"limit", test_limit},
    {NULL, NULL},
};
