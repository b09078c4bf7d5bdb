/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of programs, as they reach the cloud:
 *
 *   program                              iotd                               cloud
 *   PostEvent(low_voltage, {3.1}) →
 *                                 ← token
 *                                        event_post low_voltage alert   →
 *                                                                       ← event_reply 0
 *                                 ← Completed(token, 0, …)
 *
 * Without a link they wait, in order, alerts and faults before infos; when outbox.max_events wait,
 * the next one fails with Full and nothing is lost.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/scene.h"

static uint64_t post(struct bus_client *bc, const char *id, const char *json)
{
    return thing_token(bc, "PostEventJson", "ss", id, json);
}

static uint64_t post_info(struct bus_client *bc, int n)
{
    CLEANUP(freep) char *json = scene_printf("{\"message\":\"%d\"}", n);

    return post(bc, "status_report", json);
}

/* The next event_post is of that id with these params. */
static json_t *check_event(struct scene *s, const char *id, const char *params)
{
    json_t *message = cloud_wait_method(s->cloud, "up", "event_post");

    CHECK_STR(scene_text(message, "eventId"), id);
    CHECK_JSON(json_object_get(message, "params"), params);
    return message;
}

static void link_off(struct scene *s)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    (void) daemon_wait_link(s->iotd, "off");
}

static void link_on(struct scene *s)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    (void) daemon_wait_link(s->iotd, "up");
}

static void check_queued(struct scene *s, const char *n)
{
    CLEANUP(freep)
    char *queued = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");

    CHECK_STR(queued, n);
}

static void test_post(void)
{
    CLEANUP(json_decrefp) json_t *alert = NULL, *info = NULL, *fault = NULL, *timed = NULL;
    uint64_t t, now = (uint64_t) time(NULL);
    struct scene s;

    scene_start(&s, NULL);
    t = thing_token(s.bus, "PostEvent", "sa{sv}a{sv}", "low_voltage", 1, "voltage", "d", 3.25, 0);
    CHECK_COMPLETED(s.bus, t, 0);
    alert = check_event(&s, "low_voltage", "{'voltage':3.25}");
    CHECK_STR(scene_text(alert, "type"), "alert");
    CHECK_STR(scene_text(alert, "version"), "1.0");
    CHECK(scene_text(alert, "clientToken")[0] != '\0');

    t = post(s.bus, "status_report", "{\"status\":1,\"message\":\"\\u597d \\\"x\\\"\"}");
    CHECK_COMPLETED(s.bus, t, 0);
    info = check_event(&s, "status_report", "{'status':1,'message':'好 \\u0022x\\u0022'}");
    CHECK_STR(scene_text(info, "type"), "info");
    CHECK(strcmp(scene_text(info, "clientToken"), scene_text(alert, "clientToken")) != 0);

    t = thing_token(s.bus, "PostEvent", "sa{sv}a{sv}", "hardware_fault", 2, "name", "s", "7",
                    "error_code", "s", "7", 1, "text", "b", 1);
    CHECK_COMPLETED(s.bus, t, 0);
    fault = check_event(&s, "hardware_fault", "{'name':'7','error_code':7}");
    CHECK_STR(scene_text(fault, "type"), "fault");

    t = thing_token(s.bus, "PostEvent", "sa{sv}a{sv}", "low_voltage", 1, "voltage", "i", 3, 1,
                    "timestamp", "t", now - 3600);
    CHECK_COMPLETED(s.bus, t, 0);
    timed = cloud_wait_method(s.cloud, "up", "event_post");
    CHECK_INT(json_integer_value(json_object_get(timed, "timestamp")), now - 3600);
    check_queued(&s, "0");
    scene_stop(&s);
}

static void test_refused(void)
{
    static const struct {
        const char *id, *json, *error;
    } refused[] = {
        {"no_such_event", "{}", ERR("UnknownId")},
        {"brightness", "{}", ERR("UnknownId")},
        {"low_voltage", "{\"voltage\":25}", ERR("OutOfRange")},
        {"low_voltage", "{\"voltage\":\"3\"}", ERR("WrongType")},
        {"low_voltage", "{\"voltage\":3,\"more\":1}", ERR("UnknownId")},
        {"low_voltage", "{\"voltage\":3,\"voltage\":4}", ERR("Protocol")},
        {"low_voltage", "[3]", ERR("Protocol")},
        {"low_voltage", "", ERR("Protocol")},
        {"low_voltage", "{\"voltage\":{}}", ERR("WrongType")},
    };
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        CHECK_ERROR(thing_call(s.bus, "PostEventJson", "ss", refused[i].id, refused[i].json),
                    refused[i].error, "");
    CHECK_THING(s.bus, INVALID_ARGS, "PostEvent", "sa{sv}a{sv}", "low_voltage", 2, "voltage", "d",
                3.0, "voltage", "d", 4.0, 0);
    CHECK_THING(s.bus, ERR("WrongType"), "PostEvent", "sa{sv}a{sv}", "low_voltage", 1, "voltage",
                "as", 0, 0);
    CHECK_THING(s.bus, ERR("WrongType"), "PostEvent", "sa{sv}a{sv}", "low_voltage", 1, "voltage",
                "d", 3.0, 1, "timestamp", "s", "now");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 0);
    check_queued(&s, "0");
    scene_stop(&s);
}

/* Nothing of what was posted before is lost by a queue that is full. */
static void test_full(void)
{
    uint64_t tokens[4];
    struct scene s;

    scene_start(&s, "[outbox]\nmax_events = 4\n[quota]\noutbox_share = 100\n");
    link_off(&s);
    for (int i = 0; i < 4; i++)
        tokens[i] = post_info(s.bus, i);
    check_queued(&s, "4");
    CHECK_THING(s.bus, ERR("Full"), "PostEventJson", "ss", "status_report", "{\"message\":\"5\"}");
    CHECK_THING(s.bus, ERR("Full"), "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    check_queued(&s, "4");
    link_on(&s);
    for (int i = 0; i < 4; i++) {
        CLEANUP(freep) char *params = scene_printf("{'message':'%d'}", i);

        json_decref(check_event(&s, "status_report", params));
        CHECK_COMPLETED(s.bus, tokens[i], 0);
    }
    check_queued(&s, "0");
    CHECK_COMPLETED(s.bus, post_info(s.bus, 9), 0); /* there is room again */
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 5);
    scene_stop(&s);
}

static void test_order(void)
{
    struct scene s;
    uint64_t t = 0;

    scene_start(&s, NULL);
    link_off(&s);
    (void) post_info(s.bus, 1);
    (void) post_info(s.bus, 2);
    (void) post(s.bus, "low_voltage", "{\"voltage\":1}");
    t = post_info(s.bus, 3);
    (void) post(s.bus, "hardware_fault", "{\"error_code\":2}");
    (void) post(s.bus, "low_voltage", "{\"voltage\":3}");
    link_on(&s);
    CHECK_COMPLETED(s.bus, t, 0);
    json_decref(check_event(&s, "low_voltage", "{'voltage':1}"));
    json_decref(check_event(&s, "hardware_fault", "{'error_code':2}"));
    json_decref(check_event(&s, "low_voltage", "{'voltage':3}"));
    json_decref(check_event(&s, "status_report", "{'message':'1'}"));
    json_decref(check_event(&s, "status_report", "{'message':'2'}"));
    json_decref(check_event(&s, "status_report", "{'message':'3'}"));
    scene_stop(&s);
}

/* More than fit into the session at one time, and than the platform takes in a second (it throws
 * the rest away); each arrives once and in order. */
static void test_many(void)
{
    CLEANUP(json_decrefp) json_t *state = NULL;
    const json_t *device;
    enum { N = 60 };
    struct scene s;
    uint64_t last = 0;

    scene_start(&s, NULL);
    link_off(&s);
    for (int i = 0; i < N; i++)
        last = post_info(s.bus, i);
    link_on(&s);
    CHECK_COMPLETED(s.bus, last, 0);
    for (int i = 0; i < N; i++) {
        CLEANUP(freep) char *params = scene_printf("{'message':'%d'}", i);

        json_decref(check_event(&s, "status_report", params));
    }
    check_queued(&s, "0");
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), N);
    state = cloud_state(s.cloud);
    device = json_array_get(json_object_get(state, "devices"), 0);
    CHECK_INT(scene_int(device, "dropped"), 0);
    scene_stop(&s);
}

const char *const suite_name = "04-event-post";
const struct suite_test suite_tests[] = {
    {"post", test_post},   {"refused", test_refused}, {"full", test_full},
    {"order", test_order}, {"many", test_many},       {NULL, NULL},
};
