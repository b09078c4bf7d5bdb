/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actions that a correct cloud would not send, and actions that it sends twice:
 *
 *   cloud                                         iotd                       lamp
 *   action token-1 unlock {"open":1}          →
 *                                               ← action_reply token-1 406 "input user is missing"
 *   action token-2 unlock {"open":1,"user":""} →  Invoke                  →
 *                                                                         ← 0 {"state":true}
 *                                               ← action_reply token-2 0 {"state":1}
 *   the same                                  →
 *                                               ← the same                    (not called again)
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

static void send_action(struct broker_scene *b, const char *token, const char *id,
                        const char *params)
{
    CLEANUP(freep)
    char *payload = scene_printf(
        "{'method':'action','clientToken':'%s','actionId':'%s','timestamp':1700000000,'params':%s}",
        token, id, params);

    broker_send(b, "action", payload);
}

static void test_bad_inputs(void)
{
    static const struct {
        const char *token, *id, *params;
        int code;
        const char *text;
    } refused[] = {
        {"t1", "no_such_action", "{}", 403, "no_such_action"},
        {"t2", "", "{}", 403, ""},
        {"t3", "unlock", "{'open':1}", 406, "user"},
        {"t4", "unlock", "{}", 406, "is missing"},
        {"t5", "unlock", "{'open':1,'user':'me','more':1}", 403, "more"},
        {"t6", "unlock", "{'open':2,'user':'me'}", 406, "open"},
        {"t7", "unlock", "{'open':'1','user':'me'}", 406, "open"},
        {"t8", "unlock", "{'open':1,'user':5}", 406, "user"},
        {"t9", "unlock", "[1,2]", 406, "is missing"},
        {"t10", "unlock", "null", 406, "is missing"},
    };
    struct bus_client *lamp;
    struct broker_scene b;

    broker_start(&b, NULL, false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "", "", "unlock"), "");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        send_action(&b, refused[i].token, refused[i].id, refused[i].params);
        CHECK_REPLY(&b, "action", "action_reply", refused[i].token, refused[i].code,
                    refused[i].text);
    }
    broker_send(&b, "action", "{'method':'action','clientToken':'none'}");
    CHECK_REPLY(&b, "action", "action_reply", "none", 403, "");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "action", ""), ARRAY_SIZE(refused) + 1);
    send_action(&b, "good", "unlock", "{'open':0,'user':''}");
    CHECK_MSG(bus_client_wait_call(lamp, "Invoke"),
              "\"unlock\" {\"open\":b:false,\"user\":s:\"\"} "
              "{\"token\":s:\"good\",\"timestamp\":t:1700000000}");
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

static void check_response(struct broker_scene *b, const char *token, const char *response)
{
    CLEANUP(json_decrefp) json_t *reply = broker_take(b, "action", "action_reply");

    CHECK_STR(scene_text(reply, "clientToken"), token);
    CHECK_INT(scene_int(reply, "code"), 0);
    CHECK_JSON(json_object_get(reply, "response"), response);
}

static void test_redelivery(void)
{
    static const char *const inputs = "{'open':1,'user':'me'}";
    struct bus_client *lamp;
    struct broker_scene b;
    DBusMessage *call;

    broker_start(&b, "[thing]\naction_timeout = 600\n", false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "", "", "unlock"), "");
    send_action(&b, "one", "unlock", inputs);
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 0, "", 1, "time", "x",
                INT64_C(1700000001));
    check_response(&b, "one", "{'time':1700000001}");
    send_action(&b, "one", "unlock", inputs);
    check_response(&b, "one", "{'time':1700000001}");

    send_action(&b, "two", "unlock", inputs);
    call = bus_client_wait_call(lamp, "Invoke");
    CHECK_MSG(dbus_message_ref(call), "\"unlock\" {\"open\":b:true,\"user\":s:\"me\"} "
                                      "{\"token\":s:\"two\",\"timestamp\":t:1700000000}");
    send_action(&b, "two", "unlock", inputs);
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "action", "\"two\""), 0);
    scene_reply(lamp, call, "isa{sv}", 0, "", 0);
    check_response(&b, "two", "{}");

    send_action(&b, "two", "unlock", "{'open':0,'user':'me'}");
    call = bus_client_wait_call(lamp, "Invoke");
    CHECK_MSG(dbus_message_ref(call), "\"unlock\" {\"open\":b:false,*");
    scene_reply(lamp, call, "isa{sv}", 9, "not now", 0);
    CHECK_REPLY(&b, "action", "action_reply", "two", 9, "not now");
    broker_barrier(&b);
    CHECK_INT(broker_count(&b, "action", ""), 4);
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

/* Controls and actions with one token are two things. */
static void test_same_token(void)
{
    struct bus_client *lamp;
    struct broker_scene b;

    broker_start(&b, NULL, false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", "unlock"), "");
    broker_send(&b, "property", "{'method':'control','clientToken':'7','params':{'brightness':5}}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "7", 0, "");
    send_action(&b, "7", "unlock", "{'open':1,'user':'me'}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 0, "", 0);
    check_response(&b, "7", "{}");
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

const char *const suite_name = "05-action-raw";
const struct suite_test suite_tests[] = {
    {"bad-inputs", test_bad_inputs},
    {"redelivery", test_redelivery},
    {"same-token", test_same_token},
    {NULL, NULL},
};
