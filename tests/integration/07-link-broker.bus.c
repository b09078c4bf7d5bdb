/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole exchange with a broker that is not ours, over WebSocket and over TCP; the test plays
 * the cloud:
 *
 *   program             iotd                            broker                        the test
 *   report            → report                        → $thing/up/property/…        →
 *                     ←                               ← $thing/down/property/…      ← report_reply
 *   Control           ← control                       ←                             ←
 *   0                 → control_reply                 →                             →
 *
 * and the same for events and actions.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

static void reply(struct broker_scene *b, const char *channel, const char *method,
                  const json_t *message, int code)
{
    CLEANUP(freep)
    char *payload =
        scene_printf("{'method':'%s','clientToken':'%s','code':%d,'status':'from the test'}",
                     method, scene_text(message, "clientToken"), code);

    broker_send(b, channel, payload);
}

static void exchange_report(struct broker_scene *b, struct bus_client *lamp, int code)
{
    uint64_t t = thing_token(lamp, "ReportJson", "s", "{\"brightness\":32,\"power_switch\":1}");
    CLEANUP(json_decrefp) json_t *message = broker_take(b, "property", "report");

    CHECK_JSON(json_object_get(message, "params"), "{'brightness':32,'power_switch':1}");
    reply(b, "property", "report_reply", message, code);
    CHECK_COMPLETED(lamp, t, code);
}

static void exchange_event(struct broker_scene *b, struct bus_client *lamp)
{
    uint64_t t = thing_token(lamp, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3.1}");
    CLEANUP(json_decrefp) json_t *message = broker_take(b, "event", "event_post");

    CHECK_STR(scene_text(message, "eventId"), "low_voltage");
    CHECK_JSON(json_object_get(message, "params"), "{'voltage':3.1}");
    reply(b, "event", "event_reply", message, 0);
    CHECK_COMPLETED(lamp, t, 0);
}

static void exchange_control(struct broker_scene *b, struct bus_client *lamp)
{
    CLEANUP(json_decrefp) json_t *report = NULL;

    broker_send(b, "property",
                "{'method':'control','clientToken':'c-1','params':{'brightness':5}}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_REPLY(b, "property", "control_reply", "c-1", 0, "");
    report = broker_take(b, "property", "report");
    CHECK_JSON(json_object_get(report, "params"), "{'brightness':5}");
    reply(b, "property", "report_reply", report, 0);
}

static void exchange_action(struct broker_scene *b, struct bus_client *lamp)
{
    CLEANUP(json_decrefp) json_t *message = NULL;

    broker_send(b, "action",
                "{'method':'action','clientToken':'a-1','actionId':'unlock','timestamp':1700000000,"
                "'params':{'open':1,'user':'me'}}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 0, "", 1, "state", "b", 1);
    message = broker_take(b, "action", "action_reply");
    CHECK_STR(scene_text(message, "clientToken"), "a-1");
    CHECK_JSON(json_object_get(message, "response"), "{'state':1}");
}

static void exchange_all(bool websocket)
{
    struct broker_scene b;
    struct bus_client *lamp;

    broker_start(&b, NULL, websocket);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness power_switch", "low_voltage", "unlock"), "");
    exchange_report(&b, lamp, 0);
    exchange_event(&b, lamp);
    exchange_control(&b, lamp);
    exchange_action(&b, lamp);
    exchange_report(&b, lamp, 406);
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

static void test_ws(void)
{
    exchange_all(true);
}

static void test_tcp(void)
{
    exchange_all(false);
}

/* bind_device and unbind_device, as the cloud tells them. */
static void test_bound(void)
{
    struct broker_scene b;

    broker_start(&b, NULL, true);
    broker_send(&b, "service", "{'method':'bind_device','clientToken':'1','timestamp':1700000000}");
    CHECK_MSG(bus_client_wait_signal(b.bus, "Bound"), "1700000000");
    (void) bus_client_wait_property(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "Bound", "true");
    broker_send(&b, "service", "{'method':'unbind_device','clientToken':'2'}");
    CHECK_MSG(bus_client_wait_signal(b.bus, "Unbound"), "0");
    (void) bus_client_wait_property(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "Bound", "false");
    broker_stop(&b);
}

static void link_call(struct broker_scene *b, const char *member)
{
    CHECK_MSG(scene_call(b->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
}

static void send_control(struct broker_scene *b, int i)
{
    CLEANUP(freep)
    char *payload = scene_printf(
        "{'method':'control','clientToken':'kept-%d','params':{'brightness':%d}}", i, i);

    broker_send(b, "property", payload);
}

#define KEPT 20

/*
 * The broker keeps what comes while the device is away: executed in order, each once. What comes
 * a second time while the first is at work shares its answer, afterwards it is answered from
 * memory.
 */
static void test_kept_for_us(void)
{
    struct broker_scene b;
    struct bus_client *lamp;
    DBusMessage *msg;

    broker_start(&b, NULL, false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    link_call(&b, "Disconnect");
    (void) daemon_wait_link(b.iotd, "off");
    for (int i = 1; i <= KEPT; i++) {
        send_control(&b, i);
        if (i % 5 == 0)
            send_control(&b, i); /* with the same clientToken */
    }
    link_call(&b, "Connect");
    for (int i = 1; i <= KEPT; i++) {
        CLEANUP(freep) char *want = scene_printf("{\"brightness\":x:%d} *", i);
        DBusMessage *call = bus_client_wait_call(lamp, "Control");

        CHECK_MSG(call ? dbus_message_ref(call) : NULL, want);
        scene_reply(lamp, call, "is", 0, "");
    }
    (void) bus_client_wait_property(b.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "State", "up");
    for (int i = 1; i <= KEPT; i++) {
        if (i % 5 == 0)
            send_control(&b, i);
    }
    broker_barrier(&b);
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    while ((msg = bus_client_next(lamp))) {
        CHECK(dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_METHOD_CALL);
        dbus_message_unref(msg);
    }
    for (int i = 1; i <= KEPT; i++) {
        CLEANUP(freep) char *token = scene_printf("\"kept-%d\"", i);

        CHECK_INT(broker_count(&b, "property", token), i % 5 == 0 ? 2 : 1);
    }
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

/* Its own messages only: others, and retained ones, are nobody's. */
static void test_foreign_topics(void)
{
    struct broker_scene b;

    broker_start(&b, NULL, false);
    mosquitto_publish(b.broker, "$thing/down/property/" CLOUD_PRODUCT "/other",
                      "{\"method\":\"control\",\"clientToken\":\"x\",\"params\":{\"color\":1}}");
    mosquitto_publish(b.broker, "$thing/up/property/" DEVICE_ID "/x", "{}");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "property", "\"x\""), 0);
    CHECK(bus_client_take_signal(b.bus, "Controlled") == NULL);
    broker_stop(&b);
}

const char *const suite_name = "07-link-broker";
const struct suite_test suite_tests[] = {
    {"ws", test_ws},
    {"tcp", test_tcp},
    {"kept-for-us", test_kept_for_us},
    {"bound", test_bound},
    {"foreign-topics", test_foreign_topics},
    {NULL, NULL},
};
