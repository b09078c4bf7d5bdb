/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the settings and programs say of how a property is reported:
 *
 *   sensor                          iotd                             cloud
 *   Report(cpu_load 10)         →   report {"cpu_load":10}        →
 *   Report(cpu_load 11)         →
 *                               ← Completed(…, 0, "held back by its policy")
 *   Report(cpu_load 20)         →   report {"cpu_load":20}        →
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define FAST "[report]\nrate = 1000\n"

#define SENT "" /* what the cloud said */
#define HELD "held back by its policy"

/* Reports and waits for the end of it; its text. */
static void report(struct bus_client *bc, const char *id, double value, const char *want)
{
    uint64_t token = thing_token(bc, "ReportValue", "sv", id, "d", value);
    CLEANUP(msg_unrefp) DBusMessage *msg = bus_client_wait_signal(bc, "Completed");
    const char *text = "";
    dbus_uint64_t got = 0;
    dbus_int32_t code = -1;

    CHECK(msg && dbus_message_get_args(msg, NULL, DBUS_TYPE_UINT64, &got, DBUS_TYPE_INT32, &code,
                                       DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
    CHECK(got == token && code == 0);
    CHECK_STR(text, want);
}

static void test_settings(void)
{
    struct scene s;

    scene_start(&s, FAST "[property.cpu_load]\ndead_band = 5\n"
                         "[property.memory_used]\nmin_interval = 2\nqos = 1\n");
    report(s.bus, "cpu_load", 10, SENT);
    report(s.bus, "cpu_load", 15, HELD);
    CHECK_THING(s.bus, "d:15 *", "Get", "s", "cpu_load");
    report(s.bus, "cpu_load", 15.5, SENT);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", "cpu_load"), 2);

    report(s.bus, "memory_used", 1, SENT);
    report(s.bus, "memory_used", 2, HELD);
    report(s.bus, "memory_used", 3, HELD);
    json_decref(cloud_wait(s.cloud, "up", "property", "\"memory_used\":1"));
    json_decref(cloud_wait(s.cloud, "up", "property", "\"memory_used\":3"));
    CHECK_INT(scene_count(&s, "up", "report", "memory_used"), 2);
    scene_stop(&s);
}

/* A registration asks, the settings about one property win. */
static void test_asked(void)
{
    struct bus_client *sensor;
    struct scene s;

    scene_start(&s, FAST "[property]\ndead_band = 2\n[property.disk_used]\ndead_band = 1\n");
    sensor = bus_client_new();
    CHECK_MSG(scene_call(sensor, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register", "asasasoa{sv}", 2,
                         "cpu_load", "disk_used", 0, 0, SCENE_HANDLER, 1, "policy", "a{sv}", 2,
                         "cpu_load", "a{sv}", 2, "dead_band", "d", 5.0, "min_interval", "i", 0,
                         "disk_used", "a{sv}", 1, "dead_band", "i", 5),
              "");
    report(sensor, "cpu_load", 10, SENT);
    report(sensor, "disk_used", 10, SENT);
    report(sensor, "temperature", 10, SENT);
    report(sensor, "cpu_load", 15, HELD);
    report(sensor, "disk_used", 12, SENT);
    report(sensor, "temperature", 12, HELD);
    report(sensor, "temperature", 13, SENT);
    bus_client_free(sensor); /* and with it what it asked for */
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    report(s.bus, "cpu_load", 13, SENT);
    scene_stop(&s);
}

static void test_refused(void)
{
    struct scene s;

    scene_start(&s, NULL);
#define REFUSED(error, detail, id, ...)                                                            \
    CHECK_ERROR(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register", "asasasoa{sv}",  \
                           1, id, 0, 0, SCENE_HANDLER, 1, "policy", "a{sv}", 1, id, "a{sv}", 1,    \
                           __VA_ARGS__),                                                           \
                ERR(error), detail)
    REFUSED("WrongType", "name", "name", "dead_band", "d", 1.0);
    REFUSED("WrongType", "power_switch", "power_switch", "dead_band_percent", "d", 1.0);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "dead_band", "d", -1.0);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "dead_band", "d", 1e10);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "dead_band_percent", "d", 1e4);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "min_interval", "d", 86401.0);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "max_interval", "i", -1);
    REFUSED("OutOfRange", "cpu_load", "cpu_load", "qos", "i", 2);
    REFUSED("WrongType", "cpu_load", "cpu_load", "qos", "s", "1");
    REFUSED("WrongType", "cpu_load", "cpu_load", "min_interval", "s", "1");
#undef REFUSED
    CHECK_THING(s.bus, ERR("NotOwner"), "Unregister", "asasas", 1, "cpu_load", 0, 0);
    scene_stop(&s);
}

/* A reload changes what holds, and sends what was held back. */
static void test_reload(void)
{
    CLEANUP(freep) char *path = NULL;
    struct scene s;

    scene_start(&s, FAST "[property.cpu_load]\ndead_band = 50\nmax_interval = 0\n");
    report(s.bus, "cpu_load", 10, SENT);
    report(s.bus, "cpu_load", 20, HELD);
    path = fixture_write_file("iotd.conf", 0600, SCENE_LINK FAST);
    CHECK_MSG(scene_call(s.bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", ""), "[]");
    json_decref(cloud_wait(s.cloud, "up", "property", "\"cpu_load\":20"));
    report(s.bus, "cpu_load", 21, SENT);
    scene_stop(&s);
}

/* A burst of one program, of each kind, delays neither the report nor the alert of another. */
static void test_burst(void)
{
    struct bus_client *noisy, *quiet;
    struct scene s;
    uint64_t value, alert;

    scene_start(&s, "[report]\nrate = 20\n[outbox]\nrate = 20\n[property.uptime]\nhistory = yes\n");
    noisy = bus_client_new();
    quiet = bus_client_new();
    CHECK_MSG(scene_register(noisy, "uptime cpu_load", "status_report low_voltage", ""), "");
    CHECK_MSG(scene_register(quiet, "disk_used", "hardware_fault", ""), "");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    for (int i = 0; i < 300; i++) {
        (void) thing_token(noisy, "ReportValue", "sv", "uptime", "i", i);
        (void) thing_token(noisy, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    }
    value = thing_token(quiet, "ReportValue", "sv", "disk_used", "d", 5.0);
    alert = thing_token(quiet, "PostEvent", "sa{sv}a{sv}", "hardware_fault", 2, "name", "s", "fan",
                        "error_code", "i", 1, 0);
    cloud_restart(s.cloud);
    CHECK_COMPLETED(quiet, alert, 0);
    CHECK_COMPLETED(quiet, value, 0);
    /* Among the first: most of the burst is still there. */
    CHECK(scene_count(&s, "up", "event_post", "low_voltage") < 150);
    CHECK(scene_count(&s, "up", "report", "uptime") < 150);
    noisy = bus_client_free(noisy);
    quiet = bus_client_free(quiet);
    scene_stop(&s);
}

const char *const suite_name = "report-policy";
const struct suite_test suite_tests[] = {
    {"settings", test_settings}, {"asked", test_asked}, {"refused", test_refused},
    {"reload", test_reload},     {"burst", test_burst}, {NULL, NULL},
};
