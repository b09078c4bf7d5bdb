/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many reports, few messages; the newest value wins:
 *
 *   lamp                    monitor                      iotd                        cloud
 *   brightness = 1 →        cpu_load = 0.5 →
 *   brightness = 2 →        cpu_load = 1.5 →
 *   …                                                    report {"brightness":100,
 *                                                                "cpu_load":50.5}  →
 *                                                                                  ← report_reply 0
 *   ← Completed, each       ← Completed, each
 *
 * at most report.rate messages a second. Without a link values wait, and one message brings them.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/scene.h"

#define BURST 100

static uint32_t send_report(struct bus_client *bc, const char *id, const char *type, double value)
{
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportValue");

    if (type[0] == 'd')
        msg_add(call, "sv", id, type, value);
    else
        msg_add(call, "sv", id, type, (int) value);
    return bus_client_send(bc, call);
}

static uint64_t token_of(struct bus_client *bc, uint32_t serial)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = bus_client_wait_reply(bc, serial);
    dbus_uint64_t token = 0;

    CHECK(reply && dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INVALID));
    return token;
}

/* Every one of them, in the order of the reports. */
static void check_all_completed(struct bus_client *bc, const uint32_t *serials, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK_COMPLETED(bc, token_of(bc, serials[i]), 0);
}

static void link_off(struct scene *s)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    (void) daemon_wait_link(s->iotd, "off");
}

static void link_on(struct scene *s)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
}

static void check_reported(struct scene *s, const char *want)
{
    CLEANUP(json_decrefp) json_t *state = cloud_state(s->cloud);
    const json_t *device = json_array_get(json_object_get(state, "devices"), 0);

    CHECK_JSON(json_object_get(device, "reported"), want);
}

static void test_burst(void)
{
    uint32_t a[BURST], b[BURST];
    struct bus_client *lamp, *monitor;
    struct scene s;
    uint64_t begin;
    unsigned n;

    scene_start(&s, "[report]\nrate = 5\n");
    lamp = bus_client_new();
    monitor = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    CHECK_MSG(scene_register(monitor, "cpu_load", "", ""), "");
    begin = fixture_now_ms();
    for (int i = 0; i < BURST; i++) {
        a[i] = send_report(lamp, "brightness", "i", i + 1);
        b[i] = send_report(monitor, "cpu_load", "d", (i + 1) / 2.0);
    }
    check_all_completed(lamp, a, BURST);
    check_all_completed(monitor, b, BURST);
    check_reported(&s, "{'brightness':100,'cpu_load':50}");
    n = scene_count(&s, "up", "report", NULL);
    CHECK(n >= 1 && n <= 2 + (fixture_now_ms() - begin) * 5 / 1000);
    CHECK_THING(lamp, "x:100 *", "Get", "s", "brightness");
    lamp = bus_client_free(lamp);
    monitor = bus_client_free(monitor);
    scene_stop(&s);
}

static void test_without_link(void)
{
    CLEANUP(json_decrefp) json_t *message = NULL;
    struct bus_client *lamp, *monitor;
    uint32_t a[3], b;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    monitor = bus_client_new();
    link_off(&s);
    for (int i = 0; i < 3; i++)
        a[i] = send_report(lamp, "brightness", "i", 10 + i);
    b = send_report(monitor, "cpu_load", "d", 7.5);
    CHECK(token_of(monitor, b) != 0);
    CHECK(bus_client_take_signal(lamp, "Completed") == NULL);
    link_on(&s);
    check_all_completed(lamp, a, 3);
    message = cloud_wait_method(s.cloud, "up", "report");
    CHECK_JSON(json_object_get(message, "params"), "{'brightness':12,'cpu_load':7.5}");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", NULL), 2);
    lamp = bus_client_free(lamp);
    monitor = bus_client_free(monitor);
    scene_stop(&s);
}

/* A report with a time stamp of its own is a sample, not a state: each is kept. */
static void test_samples(void)
{
    uint64_t now = (uint64_t) time(NULL), tokens[3];
    struct scene s;

    scene_start(&s, "[report]\nrate = 100\n");
    link_off(&s);
    for (unsigned i = 0; i < 3; i++)
        tokens[i] = thing_token(s.bus, "Report", "a{sv}a{sv}", 1, "cpu_load", "d", i + 0.5, 1,
                                "timestamp", "t", now - 100 + i);
    link_on(&s);
    for (unsigned i = 0; i < 3; i++) {
        CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s.cloud, "up", "report");
        CLEANUP(freep) char *want = scene_printf("{'cpu_load':%u.5}", i);

        CHECK_JSON(json_object_get(message, "params"), want);
        CHECK_INT(json_integer_value(json_object_get(message, "timestamp")), now - 100 + i);
        CHECK_COMPLETED(s.bus, tokens[i], 0);
    }
    scene_stop(&s);
}

/* The cloud's model may be another: its codes reach the program that reported. */
static void test_cloud_refuses(void)
{
    CLEANUP(freep) char *model = NULL, *config = NULL;
    struct scene s;

    model = scene_edited_file("other.json", "examples/smart-light.json",
                              "\"max\": \"100\", \"start\": \"1\"",
                              "\"max\": \"50\", \"start\": \"1\"");
    config = scene_edited_file("cloud.json", "examples/localcloud.json", "smart-light.json", model);
    scene_start_with(&s, NULL, config, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 51), 406);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 50), 0);
    CHECK_COMPLETED(s.bus,
                    thing_token(s.bus, "Report", "a{sv}a{sv}", 1, "brightness", "i", 1, 1,
                                "timestamp", "t", (uint64_t) time(NULL) - 2 * 86400),
                    405);
    scene_stop(&s);

    free(config);
    free(model);
    model =
        scene_edited_file("other.json", "examples/smart-light.json", "\"brightness\"", "\"glow\"");
    config = scene_edited_file("cloud.json", "examples/localcloud.json", "smart-light.json", model);
    scene_start_with(&s, NULL, config, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 50), 403);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "color", "i", 1), 0);
    check_reported(&s, "{'color':1}");
    scene_stop(&s);
}

/* A reply that does not come: sent again with the value of that time, told when given up. */
static void test_no_reply(void)
{
    struct scene s;
    uint64_t first, second;

    scene_start(&s, NULL);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    first = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 1);
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":1}"));
    second = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 2);
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":2}"));
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":2}")); /* again */
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    for (int i = 0; i < 2; i++) { /* in any order */
        CLEANUP(msg_unrefp) DBusMessage *msg = bus_client_wait_signal(s.bus, "Completed");
        dbus_uint64_t token = 0;
        dbus_int32_t code = -1;

        CHECK(msg && dbus_message_get_args(msg, NULL, DBUS_TYPE_UINT64, &token, DBUS_TYPE_INT32,
                                           &code, DBUS_TYPE_INVALID));
        CHECK(token == first || token == second);
        CHECK_INT(code, 0);
        *(token == first ? &first : &second) = 0;
    }
    CHECK(first == 0 && second == 0);
    CHECK_INT(scene_count(&s, "up", "report", "\"brightness\":1}"), 1);
    scene_stop(&s);
}

static void test_reading(void)
{
    CLEANUP(msg_unrefp) DBusMessage *model = NULL, *properties = NULL;
    CLEANUP(freep) char *list = NULL, *path = fixture_source_path("examples/smart-light.json");
    CLEANUP(json_decrefp) json_t *got = NULL, *want = json_load_file(path, 0, NULL);
    const char *text = "";
    struct scene s;

    scene_start(&s, NULL);
    CHECK_THING(s.bus, "{}", "GetAll", "");
    CHECK_ERROR(thing_call(s.bus, "Get", "s", "brightness"), ERR("NotReady"), "");
    CHECK_ERROR(thing_call(s.bus, "Get", "s", "no_such_id"), ERR("UnknownId"), "no_such_id");
    CHECK_THING(s.bus, INVALID_ARGS, "Get", "i", 5);
    model = thing_call(s.bus, "GetModel", "");
    CHECK(dbus_message_get_args(model, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
    got = json_loads(text, 0, NULL);
    CHECK(json_equal(got, want));

    (void) thing_token(s.bus, "ReportJson", "s",
                       "{\"brightness\":32,\"power_switch\":1,\"name\":\"x\",\"cpu_load\":5,"
                       "\"color\":2,\"boot_time\":7}");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Changed"),
              "{\"brightness\":x:32,\"power_switch\":b:true,\"name\":s:\"x\",\"cpu_load\":d:5,"
              "\"color\":x:2,\"boot_time\":x:7}");
    (void) thing_token(s.bus, "ReportJson", "s", "{\"brightness\":32,\"color\":1}");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Changed"), "{\"color\":x:1}"); /* the rest did not */
    CHECK_THING(s.bus,
                "{\"power_switch\":b:true,\"color\":x:1,\"brightness\":x:32,\"name\":s:\"x\","
                "\"cpu_load\":d:5,\"boot_time\":x:7}",
                "GetAll", "");
    properties = thing_call(s.bus, "ListProperties", "");
    list = msg_text(properties);
    CHECK(strstr(list, "[(\"power_switch\",\"bool\",\"rw\",b:true,1") == list);
    CHECK(strstr(list, "(\"color\",\"enum\",\"rw\",x:1,1") != NULL);
    CHECK(strstr(list, "(\"brightness\",\"int\",\"rw\",x:32,1") != NULL);
    CHECK(strstr(list, "(\"name\",\"string\",\"rw\",s:\"x\",1") != NULL);
    CHECK(strstr(list, "(\"cpu_load\",\"float\",\"r\",d:5,1") != NULL);
    CHECK(strstr(list, "(\"temperature\",\"float\",\"r\",d:0,0)") != NULL);
    CHECK(strstr(list, "(\"boot_time\",\"timestamp\",\"r\",x:7,1") != NULL);
    CHECK(strstr(list, "(\"uptime\",\"int\",\"r\",x:0,0)") != NULL);
    scene_stop(&s);
}

const char *const suite_name = "02-property-merge";
const struct suite_test suite_tests[] = {
    {"burst", test_burst},
    {"without-link", test_without_link},
    {"samples", test_samples},
    {"cloud-refuses", test_cloud_refuses},
    {"no-reply", test_no_reply},
    {"reading", test_reading},
    {NULL, NULL},
};
