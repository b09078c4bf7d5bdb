/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbus/org.iotd1.conf on a bus that denies by default, and what iotd checks itself:
 *
 *   iotd's user and root    own the name
 *   members of the group    call, hear signals; privileged methods: NotAuthorized
 *   everybody else          AccessDenied, hears nothing
 */

#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/policy-scene.h"
#include "tests/lib/suite.h"

#define ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"

static void test_calls(void)
{
    static const struct {
        const char *user;
        const char *group;
        const char *path;
        const char *member;
        const char *error;
        const char *argument;
    } cases[] = {
        {POLICY_PERSON, POLICY_GROUP, IOTD_ROOT_PATH,
         "org.freedesktop.DBus.Introspectable.Introspect", "", NULL},
        {POLICY_PERSON, POLICY_GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", "", NULL},
        {POLICY_PERSON, POLICY_GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Disconnect",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {POLICY_PERSON, POLICY_GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Connect",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {POLICY_PERSON, POLICY_GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Monitor",
         IOTD_ERROR_PREFIX "NotAuthorized", "boolean:true"},
        {POLICY_PERSON, POLICY_GROUP, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER ".Reload",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {POLICY_PERSON, NULL, IOTD_ROOT_PATH, "org.freedesktop.DBus.Introspectable.Introspect",
         ACCESS_DENIED, NULL},
        {POLICY_PERSON, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", ACCESS_DENIED, NULL},
        {POLICY_OWNER, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", "", NULL},
        {"root", NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Disconnect", "", NULL},
        {"root", NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Connect", "", NULL},
        {POLICY_OWNER, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Monitor", "", "boolean:true"},
        {"root", NULL, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER ".Reload", "", NULL},
    };
    struct policy p;

    policy_start(&p);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep)
        char *error = policy_call_as(cases[i].user, cases[i].group, IOTD_BUS_NAME, cases[i].path,
                                     cases[i].member, cases[i].argument, NULL);

        CHECK_STR(error, cases[i].error);
    }
    policy_stop(&p);
}

static void test_names(void)
{
    static const struct {
        const char *user;
        const char *group;
        const char *error;
    } cases[] = {
        {POLICY_PERSON, POLICY_GROUP, ACCESS_DENIED},
        {POLICY_PERSON, NULL, ACCESS_DENIED},
        {"root", NULL, ""},
        {POLICY_OWNER, NULL, ""},
    };
    struct policy p;

    policy_start(&p);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep)
        char *error =
            policy_call_as(cases[i].user, cases[i].group, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                           DBUS_INTERFACE_DBUS ".RequestName", "string:" IOTD_BUS_NAME, "uint32:4");

        CHECK_STR(error, cases[i].error);
    }
    policy_stop(&p);
}

static void test_signals(void)
{
    CLEANUP(freep) char *missed = NULL, *line = NULL;
    struct proc *member, *other;
    DBusMessage *call;
    struct policy p;

    policy_start(&p);
    member = policy_start_as(POLICY_PERSON, POLICY_GROUP,
                             (const char *const[]){"dbus-monitor", "--system", "--profile",
                                                   "type='signal',interface='org.freedesktop.DBus."
                                                   "Properties'",
                                                   NULL});
    other = policy_start_as(
        POLICY_PERSON, NULL,
        (const char *const[]){"dbus-monitor", "--system", "--profile", "type='signal'", NULL});
    free(proc_wait_line(member, PROC_STDOUT, "NameAcquired"));
    free(proc_wait_line(other, PROC_STDOUT, "NameAcquired"));
    call = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect");
    CHECK_STR(bus_client_call_error(p.root, call), "");
    line = proc_wait_line(member, PROC_STDOUT, "PropertiesChanged");
    CHECK(line != NULL);
    /* Signals keep their order: what the other one hears now came after. */
    (void) bus_client_send(p.root, dbus_message_new_signal("/x", "a.b", "Afterwards"));
    free(proc_wait_line(other, PROC_STDOUT, "Afterwards"));
    missed = proc_output(other, PROC_STDOUT);
    CHECK(strstr(missed, "PropertiesChanged") == NULL);
    member = proc_kill(member);
    other = proc_kill(other);
    policy_stop(&p);
}

const char *const suite_name = "11-policy-bus";
const struct suite_test suite_tests[] = {
    {"calls", test_calls},
    {"names", test_names},
    {"signals", test_signals},
    {NULL, NULL},
};
