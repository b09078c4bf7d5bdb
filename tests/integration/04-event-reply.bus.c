/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cloud makes of events:
 *
 *   program                       iotd                            cloud (with another model)
 *   PostEventJson(low_voltage) →
 *                                 event_post token-1          →
 *                                                             ← event_reply token-1 406
 *                             ← Completed(…, 406, its text)
 *
 *                                 event_post token-2          →   (says nothing for five seconds)
 *                                 event_post token-2          →
 *                                                             ← event_reply token-2 0, twice
 *                             ← Completed(…, 0, …), once
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

#define LOW "{\"voltage\":20}"

/* A cloud that knows other ranges and ids than the device. */
static char *other_cloud(const char *old, const char *new)
{
    CLEANUP(freep)
    char *model = scene_edited_file("other.json", "examples/smart-light.json", old, new);

    return scene_edited_file("cloud.json", "examples/localcloud.json", "smart-light.json", model);
}

static void test_error(void)
{
    CLEANUP(freep) char *config = other_cloud("\"max\": \"24.0\"", "\"max\": \"12.0\"");
    struct scene s;

    scene_start_with(&s, NULL, config, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "PostEventJson", "ss", "low_voltage", LOW), 406);
    CHECK_COMPLETED(
        s.bus, thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":12}"), 0);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 2); /* what is refused is not repeated */
    scene_stop(&s);
}

static void test_unknown_there(void)
{
    CLEANUP(freep) char *config = other_cloud("\"low_voltage\"", "\"other_event\"");
    struct scene s;

    scene_start_with(&s, NULL, config, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "PostEventJson", "ss", "low_voltage", LOW), 403);
    scene_stop(&s);
}

static void test_no_reply(void)
{
    CLEANUP(json_decrefp) json_t *first = NULL, *second = NULL;
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    t = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", LOW);
    first = cloud_wait_method(s.cloud, "up", "event_post");
    second = cloud_wait_method(s.cloud, "up", "event_post");
    CHECK_STR(scene_text(second, "clientToken"), scene_text(first, "clientToken"));
    CHECK(json_equal(json_object_get(second, "params"), json_object_get(first, "params")));
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    CHECK_COMPLETED(s.bus, t, 0);
    scene_barrier();
    CHECK_INT(scene_count(&s, "down", "event_reply", NULL), 2);
    CHECK_INT(scene_count(&s, "up", "event_post", NULL), 2);
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    scene_stop(&s);
}

static void reply(struct broker_scene *b, const json_t *event, const char *rest)
{
    CLEANUP(freep)
    char *payload = scene_printf("{'method':'event_reply','clientToken':'%s'%s}",
                                 scene_text(event, "clientToken"), rest);

    broker_send(b, "event", payload);
}

static json_t *post(struct broker_scene *b, uint64_t *ret_token)
{
    *ret_token = thing_token(b->bus, "PostEventJson", "ss", "low_voltage", LOW);
    return broker_take(b, "event", "event_post");
}

/* Replies as vendors' clouds were seen to spell them; and some that are none. */
static void test_spellings(void)
{
    static const struct {
        const char *rest;
        int code;
    } replies[] = {
        {",'code':0", 0},
        {",'code':0,'status':'','data':{},'version':'1.0'", 0},
        {",'code':'0'", 0},
        {",'code':405,'status':'time'", 405},
        {",'code':9999,'status':'what is it?'", 9999},
        {",'code':-1", -1},
    };
    struct broker_scene b;
    uint64_t t;

    broker_start(&b, NULL, false);
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        CLEANUP(json_decrefp) json_t *event = post(&b, &t);

        reply(&b, event, "");
        reply(&b, event, ",'code':null");
        reply(&b, event, ",'code':[]");
        reply(&b, event, ",'code':1e99");
        broker_send(&b, "event", "{'method':'event_reply','code':0}");
        broker_send(&b, "event", "{'method':'event_reply','code':0,'clientToken':5}");
        broker_send(&b, "event", "{'method':'event_reply','code':0,'clientToken':'other'}");
        broker_barrier(&b);
        bus_client_round_trip(b.bus, IOTD_BUS_NAME);
        CHECK(bus_client_take_signal(b.bus, "Completed") == NULL);
        reply(&b, event, replies[i].rest);
        CHECK_COMPLETED(b.bus, t, replies[i].code);
        reply(&b, event, replies[i].rest); /* once more: nobody waits for it */
    }
    broker_barrier(&b);
    bus_client_round_trip(b.bus, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(b.bus, "Completed") == NULL);
    broker_stop(&b);
}

/* 503 is the cloud's own trouble: tried again, three times in all. */
static void test_internal_error(void)
{
    struct broker_scene b;
    uint64_t t;

    broker_start(&b, NULL, false);
    {
        CLEANUP(json_decrefp) json_t *event = post(&b, &t), *again = NULL;

        reply(&b, event, ",'code':503");
        again = broker_take(&b, "event", "event_post");
        CHECK_STR(scene_text(again, "clientToken"), scene_text(event, "clientToken"));
        reply(&b, again, ",'code':0");
        CHECK_COMPLETED(b.bus, t, 0);
    }
    for (int i = 0; i < 3; i++) {
        CLEANUP(json_decrefp)
        json_t *event = i == 0 ? post(&b, &t) : broker_take(&b, "event", "event_post");

        reply(&b, event, ",'code':503,'status':'still broken'");
    }
    CHECK_COMPLETED(b.bus, t, 503);
    broker_stop(&b);
}

/* The program that posted is gone: its event is not. */
static void test_poster_gone(void)
{
    struct bus_client *bc;
    struct scene s;

    scene_start(&s, NULL);
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    bc = bus_client_new();
    CHECK_MSG(scene_register(bc, "", "low_voltage", ""), "");
    (void) thing_token(bc, "PostEventJson", "ss", "low_voltage", LOW);
    bc = bus_client_free(bc);
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesRemoved"), "*");
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    json_decref(cloud_wait_method(s.cloud, "up", "event_post"));
    json_decref(cloud_wait_method(s.cloud, "down", "event_reply"));
    scene_barrier();
    scene_stop(&s);
}

const char *const suite_name = "04-event-reply";
const struct suite_test suite_tests[] = {
    {"error", test_error},
    {"unknown-there", test_unknown_there},
    {"no-reply", test_no_reply},
    {"spellings", test_spellings},
    {"internal-error", test_internal_error},
    {"poster-gone", test_poster_gone},
    {NULL, NULL},
};
