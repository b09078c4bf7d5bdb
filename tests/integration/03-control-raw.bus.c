/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controls that a correct cloud would not send, and controls that it sends twice:
 *
 *   cloud                                       iotd                        lamp
 *   control token-1 {"brightness":101}      →
 *                                             ← control_reply token-1 406
 *   control token-2 {"brightness":50}       →   Control {"brightness":50} →
 *                                                                         ← 0
 *                                             ← control_reply token-2 0
 *   control token-2 {"brightness":50}       →
 *                                             ← control_reply token-2 0        (not called again)
 *   control token-2 {"brightness":51}       →   Control {"brightness":51} →    (another one)
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

static void send_control(struct broker_scene *b, const char *token, const char *params)
{
    CLEANUP(freep)
    char *payload =
        scene_printf("{'method':'control','clientToken':'%s','params':%s}", token, params);

    broker_send(b, "property", payload);
}

static void test_bad_params(void)
{
    static const struct {
        const char *token, *params;
        int code;
        const char *text;
    } refused[] = {
        {"t1", "{'brightness':101}", 406, "brightness: not within 0 to 100"},
        {"t2", "{'brightness':-1}", 406, "brightness"},
        {"t3", "{'brightness':'50'}", 406, "brightness"},
        {"t4", "{'brightness':null}", 406, "brightness"},
        {"t5", "{'brightness':5.5}", 406, "brightness"},
        {"t6", "{'brightness':99999999999999}", 406, "brightness"},
        {"t7", "{'color':9}", 406, "color"},
        {"t8", "{'power_switch':2}", 406, "power_switch"},
        {"t9", "{'no_such_id':1}", 403, "no_such_id"},
        {"t10", "{'brightness':1,'no_such_id':1}", 403, "no_such_id"},
        {"t11", "{'cpu_load':1}", 423, "cpu_load"},
        {"t12", "{'brightness':1,'uptime':1}", 423, "uptime"},
        {"t13", "{}", 400, "params"},
        {"t14", "[]", 400, "params"},
        {"t15", "5", 400, "params"},
        {"t16", "null", 400, "params"},
        {"t17", "{'':1}", 403, ""},
        {"t18", "{'name':{'a':1}}", 406, "name"},
    };
    struct bus_client *lamp;
    struct broker_scene b;

    broker_start(&b, NULL, false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        send_control(&b, refused[i].token, refused[i].params);
        CHECK_REPLY(&b, "property", "control_reply", refused[i].token, refused[i].code,
                    refused[i].text);
    }
    broker_send(&b, "property", "{'method':'control','clientToken':'none'}");
    CHECK_REPLY(&b, "property", "control_reply", "none", 400, "params");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "property", "control_reply"), ARRAY_SIZE(refused) + 2);
    /* The program heard nothing of all that: this is its first. */
    send_control(&b, "good", "{'brightness':7}");
    CHECK_MSG(bus_client_wait_call(lamp, "Control"), "{\"brightness\":x:7} {\"token\":s:\"good\"}");
    CHECK(bus_client_take_signal(b.bus, "Controlled") == NULL);
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

/* Numbers that mean the same are taken; a time stamp is passed on. */
static void test_lenient(void)
{
    struct bus_client *lamp;
    struct broker_scene b;
    DBusMessage *call;

    broker_start(&b, NULL, false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness power_switch", "", ""), "");
    broker_send(&b, "property",
                "{'timestamp':1700000000,'params':{'brightness':5.0,'power_switch':true},"
                "'clientToken':'a','method':'control','version':'1.0','more':[1,{}]}");
    call = bus_client_wait_call(lamp, "Control");
    CHECK_MSG(dbus_message_ref(call), "{\"brightness\":x:5,\"power_switch\":b:true} "
                                      "{\"token\":s:\"a\",\"timestamp\":t:1700000000}");
    scene_reply(lamp, call, "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "a", 0, "");
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

static void test_redelivery(void)
{
    struct bus_client *lamp;
    struct broker_scene b;
    DBusMessage *call;

    broker_start(&b, "[thing]\ncontrol_timeout = 600\n", false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");

    /* After the answer: answered again, with the same, and not called. */
    send_control(&b, "one", "{'brightness':50}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 5, "too bright");
    CHECK_REPLY(&b, "property", "control_reply", "one", 5, "too bright");
    send_control(&b, "one", "{'brightness':50}");
    CHECK_REPLY(&b, "property", "control_reply", "one", 5, "too bright");

    /* Before the answer: it is on its way. */
    send_control(&b, "two", "{'brightness':51}");
    call = bus_client_wait_call(lamp, "Control");
    CHECK_MSG(dbus_message_ref(call), "{\"brightness\":x:51} {\"token\":s:\"two\"}");
    send_control(&b, "two", "{'brightness':51}");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "property", "\"two\""), 0);
    scene_reply(lamp, call, "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "two", 0, "");

    /* Tokens of apps repeat: other content is another control. */
    send_control(&b, "two", "{'brightness':52}");
    call = bus_client_wait_call(lamp, "Control");
    CHECK_MSG(dbus_message_ref(call), "{\"brightness\":x:52} {\"token\":s:\"two\"}");
    scene_reply(lamp, call, "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "two", 0, "");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "property", "\"one\""), 2);
    CHECK_INT(broker_count(&b, "property", "\"two\""), 2);
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

/* Refusals and controls that nobody serves are remembered, too. */
static void test_redelivery_unserved(void)
{
    struct broker_scene b;

    broker_start(&b, NULL, false);
    send_control(&b, "one", "{'color':1}");
    CHECK_REPLY(&b, "property", "control_reply", "one", 0, "");
    send_control(&b, "one", "{'color':1}");
    CHECK_REPLY(&b, "property", "control_reply", "one", 0, "");
    send_control(&b, "two", "{'color':9}");
    CHECK_REPLY(&b, "property", "control_reply", "two", 406, "");
    send_control(&b, "two", "{'color':9}");
    CHECK_REPLY(&b, "property", "control_reply", "two", 406, "");
    CHECK_MSG(bus_client_wait_signal(b.bus, "Controlled"), "{\"color\":x:1}");
    bus_client_round_trip(b.bus, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(b.bus, "Controlled") == NULL);
    broker_stop(&b);
}

/* The local cloud's own redelivery: the same packet again, with the DUP flag. */
static void test_duplicate_fault(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    cloud_fault(s.cloud, "{\"fault\":\"duplicate\",\"count\":1}");
    json_decref(cloud_control(s.cloud, "{\"brightness\":50}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    scene_barrier();
    CHECK_INT(scene_count(&s, "down", "control", NULL), 2);
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    json_decref(cloud_control(s.cloud, "{\"brightness\":51}"));
    CHECK_MSG(bus_client_wait_call(lamp, "Control"), "{\"brightness\":x:51} *");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

const char *const suite_name = "03-control-raw";
const struct suite_test suite_tests[] = {
    {"bad-params", test_bad_params},           {"lenient", test_lenient},
    {"redelivery", test_redelivery},           {"redelivery-unserved", test_redelivery_unserved},
    {"duplicate-fault", test_duplicate_fault}, {NULL, NULL},
};
