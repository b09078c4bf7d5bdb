/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controls and actions of the device itself go the way of the cloud's, without it:
 *
 *   panel                         iotd                            lamp
 *   Control(brightness=5)     →
 *                                 Control(brightness=5, {token ""}) →
 *                             ←                                   ← 0
 *   ← 0 "success"                 (the cloud hears a report, not a control_reply)
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/msg-text.h"
#include "tests/lib/scene.h"

/* A call of the panel that lamp answers meanwhile. */
static uint32_t start_call(struct bus_client *panel, const char *member, const char *types,
                           const char *a, const char *b)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, member);

    if (b)
        msg_add(msg, types, a, b);
    else
        msg_add(msg, types, a);
    return bus_client_send(panel, msg);
}

static void control(struct bus_client *panel, struct bus_client *lamp, int code, const char *text,
                    const char *want)
{
    uint32_t p = start_call(panel, "ControlJson", "s", "{\"brightness\":5}", NULL);
    DBusMessage *call = bus_client_wait_call(lamp, "Control");

    scene_reply(lamp, call, "is", code, text);
    CHECK_MSG(bus_client_wait_reply(panel, p), want);
}

static void test_served(void)
{
    struct bus_client *lamp, *panel;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    panel = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    control(panel, lamp, 0, "", "0 \"success\"");
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":5"));
    control(panel, lamp, 405, "not now", "405 \"not now\"");

    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    control(panel, lamp, 0, "dimmed", "0 \"dimmed\"");
    panel = bus_client_free(panel);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_unserved(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_THING(s.bus, "0 \"success\"", "Control", "a{sv}a{sv}", 1, "brightness", "i", 9, 0);
    CHECK_MSG(bus_client_wait_signal(s.bus, "Controlled"), "{\"brightness\":x:9}");
    CHECK_THING(s.bus, "0 \"success\"", "Control", "a{sv}a{sv}", 1, "power_switch", "s", "on", 1,
                "text", "b", 1);
    CHECK_ERROR(thing_call(s.bus, "ControlJson", "s", "[]"), ERR("Protocol"), "JSON");
    CHECK_ERROR(thing_call(s.bus, "Control", "a{sv}a{sv}", 1, "nothing", "i", 1, 0),
                ERR("UnknownId"), "nothing");
    CHECK_ERROR(thing_call(s.bus, "Control", "a{sv}a{sv}", 1, "brightness", "i", 101, 0),
                ERR("OutOfRange"), "0 to 100");
    CHECK_THING(s.bus, "406 *", "ControlJson", "s", "{\"brightness\":101}");
    CHECK_ERROR(thing_call(s.bus, "ControlJson", "s", "{\"nothing\":1}"), ERR("UnknownId"),
                "nothing");
    CHECK_THING(s.bus, "400 *", "ControlJson", "s", "{}");
    scene_stop(&s);
}

static void test_action(void)
{
    struct bus_client *lamp, *panel;
    struct scene s;
    uint32_t p;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    panel = bus_client_new();
    CHECK_THING(panel, "403 \"no program serves unlock\" \"{}\"", "InvokeJson", "ss", "unlock",
                "{\"open\":1,\"user\":\"eve\"}");
    CHECK_MSG(scene_register(lamp, "", "", "unlock"), "");
    p = start_call(panel, "InvokeJson", "ss", "unlock", "{\"open\":1,\"user\":\"eve\"}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Invoke"), "isa{sv}", 0, "", 1, "user", "s",
                "eve");
    CHECK_MSG(bus_client_wait_reply(panel, p), "0 \"success\" \"{\\\"user\\\":\\\"eve\\\"}\"");
    CHECK_ERROR(thing_call(panel, "InvokeJson", "ss", "nothing", "{}"), ERR("UnknownId"),
                "nothing");
    CHECK_THING(panel, "406 *", "InvokeJson", "ss", "unlock", "{\"open\":1}");

    /* Its program dies before it answered; iotd ends with a call in flight. */
    p = start_call(panel, "InvokeJson", "ss", "unlock", "{\"open\":1,\"user\":\"eve\"}");
    msg_unref(bus_client_wait_call(lamp, "Invoke"));
    lamp = bus_client_free(lamp);
    CHECK_MSG(bus_client_wait_reply(panel, p), "405 *");
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "", "", "unlock"), "");
    (void) start_call(panel, "InvokeJson", "ss", "unlock", "{\"open\":1,\"user\":\"eve\"}");
    msg_unref(bus_client_wait_call(lamp, "Invoke"));
    s.iotd = daemon_stop(s.iotd);
    panel = bus_client_free(panel);
    lamp = bus_client_free(lamp);
    s.cloud = cloud_stop(s.cloud);
}

static void check_iotctl(int status, const char *want, const char *const *args)
{
    CLEANUP(freep) char *program = fixture_build_path("iotctl"), *out = NULL;
    const char *argv[8] = {program};

    for (size_t i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    CHECK_INT(proc_run(argv, &out), status);
    CHECK_STR(out, want);
}
#define CHECK_IOTCTL(status, want, ...)                                                            \
    check_iotctl(status, want, (const char *const[]){__VA_ARGS__, NULL})

static void test_iotctl(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_IOTCTL(0, "done\n", "set", "brightness=9", "power_switch=on");
    CHECK_IOTCTL(0, "{\"code\":0,\"text\":\"success\"}\n", "--json", "set", "brightness:=9");
    CHECK_IOTCTL(1, "", "set", "brightness=101");
    CHECK_IOTCTL(1, "", "set", "nothing=1");
    CHECK_IOTCTL(64, "", "set", "brightness");
    CHECK_IOTCTL(1, "refused 403: no program serves unlock\n", "action", "call", "unlock", "open=1",
                 "user=eve");
    CHECK_IOTCTL(64, "", "action", "start", "unlock");
    scene_stop(&s);
}

/* What a program refused is not so: the cloud is told what is. */
static void test_put_right(void)
{
    struct bus_client *lamp;
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    t = thing_token(lamp, "ReportValue", "sv", "brightness", "i", 70);
    CHECK_COMPLETED(lamp, t, 0);
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 405, "too dark");
    CHECK_ANSWER(&s, "control_reply", 405, "too dark");
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":70"));
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

const char *const suite_name = "03-control-local";
const struct suite_test suite_tests[] = {
    {"served", test_served}, {"unserved", test_unserved},   {"action", test_action},
    {"iotctl", test_iotctl}, {"put-right", test_put_right}, {NULL, NULL},
};
