/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may watch the traffic sees each message as it travels, up and down:
 *
 *   root                   iotd                                     cloud
 *   Monitor(true)      →
 *                          report {"brightness":5}                →
 *   ← Message(up, $thing/up/property/…, {"method":"report",…})
 *                                                                 ← report_reply
 *   ← Message(down, $thing/down/property/…, {"method":"report_reply",…})
 *
 * until Monitor(false), or its end. A second iotd finds the name taken, and ends.
 */

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/lib/scene.h"

static DBusMessage *monitor(struct bus_client *bc, int enable)
{
    return scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Monitor", "b", enable);
}

/* The next Message; its payload has to hold part. */
static void check_message(struct bus_client *bc, const char *direction, const char *channel,
                          const char *part, const char *info)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = bus_client_wait_signal(bc, "Message");
    CLEANUP(freep) char *topic = scene_printf("$thing/%s/%s/" DEVICE_ID, direction, channel);
    CLEANUP(freep) char *payload = NULL, *text = msg_text(msg);
    const char *d = "", *t = "", *bytes = "";
    int len = 0;

    CHECK(msg &&
          dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &d, DBUS_TYPE_STRING, &t,
                                DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &bytes, &len, DBUS_TYPE_INVALID));
    CHECK_STR(d, direction);
    CHECK_STR(t, topic);
    payload = strndup(bytes, (size_t) len);
    if (!payload || !strstr(payload, part))
        suite_fail(__FILE__, __LINE__, "%s %s holds no %s", d, payload, part);
    if (strlen(text) < strlen(info) || strcmp(text + strlen(text) - strlen(info), info) != 0)
        suite_fail(__FILE__, __LINE__, "%s, wanted %s", text, info);
}

static void test_monitor(void)
{
    struct bus_client *watcher, *other;
    struct scene s;

    scene_start(&s, NULL);
    scene_barrier(); /* what iotd asks after each connect has been answered */
    watcher = bus_client_new();
    other = bus_client_new();
    bus_client_subscribe(other, IOTD_BUS_NAME);
    CHECK_MSG(monitor(watcher, 1), "");
    CHECK_MSG(monitor(watcher, 1), "");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    check_message(watcher, "up", "property", "\"params\":{\"brightness\":5}",
                  "{\"qos\":u:0,\"dup\":b:false}");
    check_message(watcher, "down", "property", "report_reply", "{\"qos\":u:0,\"dup\":b:false}");
    CHECK_COMPLETED(s.bus,
                    thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"), 0);
    check_message(watcher, "up", "event", "event_post", "{\"qos\":u:1,\"dup\":b:false}");
    check_message(watcher, "down", "event", "event_reply", "{\"qos\":u:0,\"dup\":b:false}");
    json_decref(cloud_control(s.cloud, "{\"color\":1}"));
    check_message(watcher, "down", "property", "\"control\"", "{\"qos\":u:1,\"dup\":b:false}");
    check_message(watcher, "up", "property", "control_reply", "{\"qos\":u:1,\"dup\":b:false}");

    CHECK_MSG(monitor(watcher, 0), "");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 6), 0);
    bus_client_round_trip(watcher, IOTD_BUS_NAME);
    CHECK_MSG(bus_client_take_signal(watcher, "Message"), "(nothing)");
    CHECK_MSG(bus_client_take_signal(other, "Message"), "(nothing)"); /* to monitors only */
    CHECK_MSG(monitor(other, 0), "");
    other = bus_client_free(other);
    watcher = bus_client_free(watcher);
    scene_stop(&s);
}

/* There is room for eight; one that ends makes room. */
static void test_many(void)
{
    struct bus_client *watchers[9];
    struct scene s;

    scene_start(&s, NULL);
    scene_barrier();
    for (size_t i = 0; i < ARRAY_SIZE(watchers); i++) {
        watchers[i] = bus_client_new();
        CHECK_MSG(monitor(watchers[i], 1), i < 8 ? "" : ERR("Full"));
    }
    watchers[0] = bus_client_free(watchers[0]);
    CHECK(bus_client_wait_owner(watchers[1], IOTD_BUS_NAME, true)); /* the bus has told it */
    CHECK_MSG(monitor(watchers[8], 1), "");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    for (size_t i = 1; i < ARRAY_SIZE(watchers); i++) {
        check_message(watchers[i], "up", "property", "report", "{\"qos\":u:0,\"dup\":b:false}");
        watchers[i] = bus_client_free(watchers[i]);
    }
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 6), 0);
    scene_stop(&s);
}

static void test_second_iotd(void)
{
    CLEANUP(freep)
    char *program = fixture_build_path("iotd"), *out = NULL,
         *config = fixture_test_path("iotd.conf"),
         *credentials = fixture_test_path("device_info.json"), *state = fixture_test_path("second"),
         *model = fixture_source_path("examples/smart-light.json");
    struct scene s;

    scene_start(&s, NULL);
    CHECK_INT(proc_run((const char *const[]){"sh", "-c", "exec \"$@\" 2>&1", "sh", program,
                                             "--credentials", credentials, "--model", model,
                                             "--state-dir", state, "--bus", "system", "--endpoint",
                                             "ws://127.0.0.1:1", "--config", config, NULL},
                       &out),
              EX_UNAVAILABLE);
    CHECK(out && strstr(out, "is owned by another process"));
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    scene_stop(&s);
}

/* Everything that is there says what it is. */
static void test_introspection(void)
{
    static const struct {
        const char *path, *holds;
    } objects[] = {
        {"/", "<node name=\"org\"/>"},
        {"/org", "<node name=\"iotd1\"/>"},
        {IOTD_ROOT_PATH, "<interface name=\"org.iotd1.Manager\">"},
        {IOTD_ROOT_PATH, "<interface name=\"org.freedesktop.DBus.ObjectManager\">"},
        {IOTD_ROOT_PATH, "<node name=\"device\"/>"},
        {IOTD_ROOT_PATH, "<node name=\"client\"/>"},
        {IOTD_DEVICE_PATH, "<interface name=\"org.iotd1.Device\">"},
        {IOTD_DEVICE_PATH, "<interface name=\"org.iotd1.Link\">"},
        {IOTD_DEVICE_PATH, "<method name=\"ReportValue\">"},
        {IOTD_CLIENT_PATH_PREFIX "1", "<interface name=\"org.iotd1.Client\">"},
        {IOTD_CLIENT_PATH_PREFIX "1", "<interface name=\"org.freedesktop.DBus.Properties\">"},
    };
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
        CLEANUP(msg_unrefp)
        DBusMessage *reply = scene_call(lamp, objects[i].path,
                                        "org.freedesktop.DBus.Introspectable", "Introspect", "");
        const char *xml = "";

        CHECK(dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID));
        if (!strstr(xml, objects[i].holds))
            suite_fail(__FILE__, __LINE__, "%s has no %s", objects[i].path, objects[i].holds);
    }
    CHECK_MSG(scene_call(lamp, IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES, "Set", "ssv",
                         IOTD_IFACE_LINK, "State", "s", "up"),
              "org.freedesktop.DBus.Error.PropertyReadOnly");
    CHECK_MSG(scene_call(lamp, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "NoSuchMember", ""),
              "org.freedesktop.DBus.Error.UnknownMethod");
    CHECK_MSG(scene_call(lamp, IOTD_DEVICE_PATH, "org.iotd1.NoSuch", "Get", ""),
              "org.freedesktop.DBus.Error.UnknownInterface");
    CHECK_MSG(scene_call(lamp, "/org/iotd1/nothing", IOTD_IFACE_THING, "GetAll", ""),
              "org.freedesktop.DBus.Error.UnknownObject");
    CHECK_MSG(scene_call(lamp, IOTD_ROOT_PATH, DBUS_INTERFACE_PROPERTIES, "Get", "ss",
                         IOTD_IFACE_MANAGER, "NoSuch"),
              "org.freedesktop.DBus.Error.UnknownProperty");
    CHECK_MSG(scene_call(lamp, IOTD_ROOT_PATH, DBUS_INTERFACE_PROPERTIES, "Get", "ss",
                         IOTD_IFACE_MANAGER, "Version"),
              "s:\"" PACKAGE_VERSION "\"");
    CHECK_MSG(scene_call(lamp, IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll", "s",
                         IOTD_IFACE_DEVICE),
              "{\"ProductId\":s:\"IOTDLIGHT1\",\"DeviceName\":s:\"lamp_001\",\"Bound\":b:false*");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

const char *const suite_name = "11-policy-monitor";
const struct suite_test suite_tests[] = {
    {"monitor", test_monitor},
    {"many", test_many},
    {"second-iotd", test_second_iotd},
    {"introspection", test_introspection},
    {NULL, NULL},
};
