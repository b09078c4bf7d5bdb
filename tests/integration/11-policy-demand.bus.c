/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that the bus starts for a command (the test plays it, once its .service file has run):
 *
 *   cloud                        iotd                       bus                      program
 *   control brightness      →
 *                                StartServiceByName    →
 *                                                           runs the .service   →
 *   more of them            →    (one start is enough)
 *                                                                               ←    Register
 *                                Control               →                        →
 *   ← control_reply 0
 *
 * One that cannot be started: 405 at once; one that does not come: 408 at the deadline.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/scene.h"

#define LAMP "com.example.Lamp"
#define STARTED "Started" /* what the .service file sends to the test */

/* The command is run by sh. */
static void write_service(const char *bus_name, const char *command)
{
    CLEANUP(freep) char *name = scene_printf("services/%s.sh", bus_name);
    CLEANUP(freep) char *script = fixture_write_file(name, 0700, command);
    CLEANUP(freep) char *service = scene_printf("services/%s.service", bus_name);
    CLEANUP(freep)
    char *text = scene_printf("[D-BUS Service]\nName=%s\nExec=/bin/sh %s\n", bus_name, script);

    free(fixture_write_file(service, 0600, text));
}

/* Tells the test, and ends well: somebody else may own the name then. */
static void write_telling_service(const char *bus_name, const struct bus_client *whom)
{
    CLEANUP(freep)
    char *command = scene_printf("DBUS_SESSION_BUS_ADDRESS='%s' exec dbus-send --session "
                                 "--type=signal --dest=%s /started com.example.Start." STARTED "\n",
                                 getenv("DBUS_SYSTEM_BUS_ADDRESS"), bus_client_name(whom));

    write_service(bus_name, command);
}

static void start(struct scene *s, const char *settings, const char *rules)
{
    CLEANUP(freep)
    char *dir = fixture_test_path("access.d"), *services = fixture_test_path("services"),
         *text = NULL;

    if (!fixture_has_program("dbus-send"))
        fixture_skip("no dbus-send (Debian: dbus-bin)");
    (void) mkdir(dir, 0700); /* each test of the program has the same */
    (void) mkdir(services, 0700);
    free(fixture_write_file("access.d/10-serve.conf", 0600, rules));
    text = scene_printf("[access]\ndir = %s\n%s", dir, settings);
    scene_start(s, text);
}

static void own_name(struct bus_client *bc, const char *name)
{
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, "RequestName");

    msg_add(call, "su", name, 0U);
    CHECK_MSG(bus_client_call(bc, call), "1");
}

static void test_control(void)
{
    struct bus_client *lamp;
    struct scene s;

    start(&s, "", "[serve bright* unlock]\nbus_name = " LAMP "\n");
    lamp = bus_client_new();
    write_telling_service(LAMP, lamp);
    json_decref(cloud_control(s.cloud, "{\"brightness\":7}"));
    json_decref(cloud_control(s.cloud, "{\"brightness\":8}"));
    CHECK_MSG(bus_client_wait_signal(lamp, STARTED), "");
    scene_wait_log(&s, "starting bus_name=" LAMP);
    own_name(lamp, LAMP);
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    for (int i = 0; i < 2; i++) {
        scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
        CHECK_ANSWER(&s, "control_reply", 0, "");
    }
    CHECK_THING(lamp, "x:8 *", "Get", "s", "brightness");
    /* It is there, but does not serve the action: the name is owned, so that nothing is started. */
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    CHECK_MSG(bus_client_take_signal(lamp, STARTED), "(nothing)");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_again(void)
{
    struct bus_client *lamp, *test;
    struct scene s;

    start(&s, "", "[serve brightness]\nbus_name = " LAMP "\n");
    test = bus_client_new();
    write_telling_service(LAMP, test);
    for (int i = 0; i < 2; i++) {
        json_decref(cloud_control(s.cloud, i ? "{\"brightness\":7}" : "{\"brightness\":9}"));
        CHECK_MSG(bus_client_wait_signal(test, STARTED), "");
        lamp = bus_client_new();
        own_name(lamp, LAMP);
        CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
        scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
        CHECK_ANSWER(&s, "control_reply", 0, "");
        lamp = bus_client_free(lamp); /* until it is needed again */
        CHECK(bus_client_wait_owner(test, LAMP, false));
    }
    test = bus_client_free(test);
    scene_stop(&s);
}

static void test_failures(void)
{
    struct bus_client *test;
    struct scene s;

    start(&s, "[thing]\ncontrol_timeout = 2\n",
          "[serve brightness]\nbus_name = com.example.Missing\n"
          "[serve color]\nbus_name = com.example.Broken\n"
          "[serve name]\nbus_name = com.example.Silent\n");
    test = bus_client_new();
    write_service("com.example.Broken", "exit 5\n");
    write_telling_service("com.example.Silent", test);
    json_decref(cloud_control(s.cloud, "{\"brightness\":7}"));
    CHECK_ANSWER(&s, "control_reply", 405, "com.example.Missing cannot be started");
    json_decref(cloud_control(s.cloud, "{\"color\":1}"));
    CHECK_ANSWER(&s, "control_reply", 405, "com.example.Broken cannot be started");
    json_decref(cloud_control(s.cloud, "{\"name\":\"x\"}"));
    CHECK_MSG(bus_client_wait_signal(test, STARTED), "");
    CHECK_ANSWER(&s, "control_reply", 408, "com.example.Silent did not come in time");
    test = bus_client_free(test);
    scene_stop(&s);
}

const char *const suite_name = "11-policy-demand";
const struct suite_test suite_tests[] = {
    {"control", test_control},
    {"again", test_again},
    {"failures", test_failures},
    {NULL, NULL},
};
