/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs come, own ids, and go:
 *
 *   lamp                            iotd                      cloud      sensor
 *   Attach("lamp") →                                             ← Attach("sensor")
 *                 ← /org/iotd1/client/1        /org/iotd1/client/2 →
 *   Register(brightness) →                                       ← Register(brightness)
 *                                                     AlreadyOwned →
 *   ends
 *                                 InterfacesRemoved(client/1) →
 *                                                                ← Register(brightness)
 *                                                                →
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/scene.h"

static DBusMessage *attach(struct bus_client *bc, const char *app_id)
{
    return scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", app_id, 0);
}

/* The number of the object that Attach gave; 0 when it failed. */
static unsigned attached_number(struct bus_client *bc, const char *app_id)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = attach(bc, app_id);
    CLEANUP(freep) char *text = msg_text(reply);
    const char *path = strstr(text, IOTD_CLIENT_PATH_PREFIX);

    CHECK(path != NULL);
    return path ? (unsigned) strtoul(path + strlen(IOTD_CLIENT_PATH_PREFIX), NULL, 10) : 0;
}

static void check_client(struct bus_client *bc, unsigned number, const char *name, const char *want)
{
    char path[64];

    (void) snprintf(path, sizeof(path), IOTD_CLIENT_PATH_PREFIX "%u", number);
    CHECK_MSG(scene_call(bc, path, DBUS_INTERFACE_PROPERTIES, "Get", "ss", IOTD_IFACE_CLIENT, name),
              want);
}

static void test_attach(void)
{
    static const char *const bad[] = {"",
                                      "UPPER",
                                      "a b",
                                      "a/b",
                                      "\xc3\xa9",
                                      "12345678901234567890123456789012345678901234567890"
                                      "123456789012345"};
    CLEANUP(freep) char *name = NULL;
    struct bus_client *bc;
    struct scene s;
    char text[32];
    unsigned n;

    scene_start(&s, NULL);
    bc = bus_client_new();
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_MSG(attach(bc, bad[i]), INVALID_ARGS);
    CHECK_MSG(scene_call(s.bus, IOTD_ROOT_PATH, "org.freedesktop.DBus.ObjectManager",
                         "GetManagedObjects", ""),
              "{\"/org/iotd1/device\":{*");
    CHECK_MSG(bus_client_take_signal(s.bus, "InterfacesAdded"), "(nothing)");

    n = attached_number(bc, "my-app_1.0");
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesAdded"), "\"/org/iotd1/client/1\" *");
    CHECK_INT(n, 1);
    CHECK_MSG(attach(bc, "other"), "[] {\"version\":s:\"" PACKAGE_VERSION "\",\"layout\":s:\"\","
                                   "\"path\":o:\"/org/iotd1/client/1\"}");
    check_client(bc, n, "AppId", "s:\"other\"");
    name = scene_printf("s:\"%s\"", bus_client_name(bc));
    check_client(bc, n, "BusName", name);
    (void) snprintf(text, sizeof(text), "u:%u", (unsigned) getuid());
    check_client(bc, n, "Uid", text);
    (void) snprintf(text, sizeof(text), "u:%u", (unsigned) getpid());
    check_client(bc, n, "Pid", text);
    check_client(bc, n, "Properties", "as:[]");
    check_client(bc, n, "SinceUSec", "t:1*");

    bc = bus_client_free(bc);
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesRemoved"),
              "\"/org/iotd1/client/1\" [\"org.iotd1.Client\"*");
    check_client(s.bus, n, "AppId", "org.freedesktop.DBus.Error.UnknownObject");
    bc = bus_client_new();
    CHECK_INT(attached_number(bc, "again"), 2); /* numbers are not used twice */
    bc = bus_client_free(bc);
    scene_stop(&s);
}

static void test_ownership(void)
{
    struct scene s;
    struct bus_client *lamp, *sensor;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    sensor = bus_client_new();
    CHECK_INT(attached_number(lamp, "lamp"), 1);
    CHECK_MSG(scene_register(lamp, "power_switch brightness", "low_voltage", "unlock"), "");
    CHECK_MSG(scene_register(sensor, "cpu_load temperature", "hardware_fault", ""), "");
    check_client(s.bus, 1, "Properties", "as:[\"power_switch\",\"brightness\"]");
    check_client(s.bus, 1, "Events", "as:[\"low_voltage\"]");
    check_client(s.bus, 1, "Actions", "as:[\"unlock\"]");
    check_client(s.bus, 2, "Properties", "as:[\"cpu_load\",\"temperature\"]");

    /* All or none: what stands beside the taken id stays free. */
    CHECK_ERROR(scene_register(sensor, "color brightness", "", ""), ERR("AlreadyOwned"),
                "brightness");
    CHECK_ERROR(scene_register(sensor, "color", "low_voltage", ""), ERR("AlreadyOwned"),
                "low_voltage");
    CHECK_ERROR(scene_register(sensor, "color", "", "unlock"), ERR("AlreadyOwned"), "unlock");
    CHECK_ERROR(scene_register(sensor, "color no_such_id", "", ""), ERR("UnknownId"), "no_such_id");
    CHECK_ERROR(scene_register(sensor, "", "brightness", ""), ERR("UnknownId"), "brightness");
    CHECK_MSG(scene_register(lamp, "color", "", ""), "");

    scene_forget(s.bus, "InterfacesAdded");
    CHECK_MSG(scene_register(s.bus, "brightness", "", ""), ERR("AlreadyOwned"));
    CHECK_MSG(bus_client_take_signal(s.bus, "InterfacesAdded"), "(nothing)");

    /* Only the owner reports, posts, and gives back. */
    CHECK_ERROR(thing_call(sensor, "ReportValue", "sv", "brightness", "i", 1), ERR("NotOwner"),
                "brightness");
    CHECK_THING(sensor, ERR("NotOwner"), "Report", "a{sv}a{sv}", 2, "temperature", "d", 20.5,
                "brightness", "i", 1, 0);
    CHECK_THING(sensor, ERR("NotOwner"), "ReportJson", "s",
                "{\"temperature\":20.5,\"brightness\":1}");
    CHECK_THING(s.bus, ERR("NotOwner"), "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    CHECK_THING(sensor, ERR("NotReady"), "Get", "s", "temperature");
    CHECK_THING(sensor, ERR("NotOwner"), "Unregister", "asasas", 1, "brightness", 0, 0);
    CHECK_THING(sensor, ERR("NotOwner"), "Unregister", "asasas", 2, "cpu_load", "brightness", 0, 0);
    check_client(s.bus, 2, "Properties", "as:[\"cpu_load\",\"temperature\"]");

    CHECK_THING(lamp, "", "Unregister", "asasas", 1, "brightness", 1, "low_voltage", 0);
    check_client(s.bus, 1, "Properties", "as:[\"power_switch\",\"color\"]");
    CHECK_MSG(scene_register(sensor, "brightness", "low_voltage", ""), "");
    CHECK_THING(lamp, "", "Unregister", "asasas", 0, 0, 0);
    check_client(s.bus, 1, "Properties", "as:[]");
    check_client(s.bus, 1, "Actions", "as:[]");
    CHECK_MSG(scene_register(sensor, "power_switch color", "", "unlock"), "");
    /* Twice is once, and a handler that is no path is none. */
    CHECK_MSG(scene_register(sensor, "power_switch color color", "", "unlock"), "");
    lamp = bus_client_free(lamp);
    sensor = bus_client_free(sensor);
    scene_stop(&s);
}

/* Two programs, one connection to the cloud; the end of one is nothing to the other. */
static void test_two_programs(void)
{
    CLEANUP(json_decrefp) json_t *state = NULL;
    struct scene s;
    struct bus_client *lamp, *sensor, *next;

    scene_start(&s, "[thing]\nunowned_control = refuse\n");
    lamp = bus_client_new();
    sensor = bus_client_new();
    CHECK_MSG(scene_register(lamp, "power_switch brightness", "", "unlock"), "");
    CHECK_MSG(scene_register(sensor, "cpu_load", "", ""), "");
    CHECK_COMPLETED(lamp, thing_token(lamp, "ReportValue", "sv", "brightness", "i", 32), 0);
    CHECK_COMPLETED(sensor, thing_token(sensor, "ReportValue", "sv", "cpu_load", "d", 1.5), 0);
    state = cloud_state(s.cloud);
    CHECK_INT(scene_int(state, "connections"), 1);
    CHECK_INT(scene_int(state, "accepted"), 1);

    lamp = bus_client_free(lamp);
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesRemoved"), "\"/org/iotd1/client/1\" *");
    json_decref(cloud_control(s.cloud, "{\"brightness\":50}"));
    CHECK_ANSWER(&s, "control_reply", 403, "brightness");
    CHECK_COMPLETED(sensor, thing_token(sensor, "ReportValue", "sv", "cpu_load", "d", 2.5), 0);
    CHECK_THING(sensor, "x:32 *", "Get", "s", "brightness");

    next = bus_client_new();
    CHECK_MSG(scene_register(next, "power_switch brightness", "", "unlock"), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":60}"));
    scene_reply(next, bus_client_wait_call(next, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    next = bus_client_free(next);
    sensor = bus_client_free(sensor);
    scene_stop(&s);
}

const char *const suite_name = "01-attach-ownership";
const struct suite_test suite_tests[] = {
    {"attach", test_attach},
    {"ownership", test_ownership},
    {"two-programs", test_two_programs},
    {NULL, NULL},
};
