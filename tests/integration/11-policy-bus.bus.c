/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dbus/org.iotd1.conf on a bus that denies by default, and what iotd checks itself:
 *
 *   iotd's user and root    own the name
 *   members of the group    call, hear signals; privileged methods: NotAuthorized
 *   everybody else          AccessDenied, hears nothing
 *
 * The policy names the user and the group iotd, which the machine need not have: users that every
 * Debian has play them. Only root can be other users, so it skips for others.
 */

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/names.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/bus-client.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

#define OWNER "daemon"
#define GROUP "games"
#define PERSON "nobody"
#define MAX_ARGS 20

#define ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"

struct policy {
    char dir[64]; /* others can read it */
    char address[128];
    struct proc *bus;
    struct proc *daemon;
    struct bus_client *root;
};

static void shell(const char *script, const char *a, const char *b, const char *c)
{
    if (proc_run((const char *const[]){"sh", "-ec", script, "sh", a, b, c, NULL}, NULL) != 0)
        fixture_fatal("%s", script);
}

static void start_bus(struct policy *p)
{
    static const char script[] =
        "sed 's/user=\"iotd\"/user=\"" OWNER "\"/; s/group=\"iotd\"/group=\"" GROUP "\"/' \"$1\" "
        ">\"$2/policy.conf\"\n"
        "cat >\"$2/bus.conf\" <<END\n"
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
        "<busconfig>\n"
        "  <type>system</type><listen>unix:path=$2/socket</listen><auth>EXTERNAL</auth>\n"
        "  <policy context=\"default\">\n"
        "    <allow user=\"*\"/><deny own=\"*\"/><deny send_type=\"method_call\"/>\n"
        "    <allow send_type=\"signal\"/>\n"
        "    <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
        "    <allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
        "    <allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
        "    <allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
        "    <allow send_destination=\"org.freedesktop.DBus\"/>\n"
        "  </policy>\n"
        "  <include>$2/policy.conf</include>\n"
        "</busconfig>\n"
        "END\n"
        "chmod 0644 \"$2\"/*.conf";
    CLEANUP(freep) char *policy = fixture_source_path("dbus/org.iotd1.conf");
    CLEANUP(freep) char *config = NULL, *line = NULL;

    shell(script, policy, p->dir, "");
    if (asprintf(&config, "--config-file=%s/bus.conf", p->dir) < 0)
        fixture_fatal("out of memory");
    p->bus = proc_start(
        (const char *const[]){"dbus-daemon", "--nofork", config, "--print-address=1", NULL});
    line = proc_wait_line(p->bus, PROC_STDOUT, "unix:");
    if (!line)
        fixture_fatal("no bus");
    (void) snprintf(p->address, sizeof(p->address), "%s", line);
    if (setenv("DBUS_SYSTEM_BUS_ADDRESS", p->address, 1) < 0)
        fixture_fatal("out of memory");
}

/* Runs as user; group: one that it is also in, or NULL. */
static struct proc *start_as(const char *user, const char *group, const char *const *args)
{
    const struct passwd *pw = getpwnam(user);
    char uid[16], gid[16], groups[32] = "--clear-groups";
    const char *argv[MAX_ARGS + 1] = {"setpriv", "--reuid", uid, "--regid", gid, groups};
    size_t n = 6;

    if (!pw)
        fixture_fatal("there is no user %s", user);
    (void) snprintf(uid, sizeof(uid), "%u", (unsigned) pw->pw_uid);
    (void) snprintf(gid, sizeof(gid), "%u", (unsigned) pw->pw_gid);
    if (group)
        (void) snprintf(groups, sizeof(groups), "--groups=%u", (unsigned) getgrnam(group)->gr_gid);
    for (; *args && n < MAX_ARGS; args++)
        argv[n++] = *args;
    return proc_start(argv);
}

static void start_daemon(struct policy *p)
{
    static const char script[] =
        "install -m 0755 \"$1/iotd\" \"$3/iotd\"\n"
        "install -m 0644 \"$2/examples/smart-light.json\" \"$3/model.json\"\n"
        "install -m 0600 -o " OWNER " \"$2/examples/device_info.json\" \"$3/device_info.json\"\n"
        "install -d -m 0700 -o " OWNER " \"$3/state\"\n"
        "echo >\"$3/iotd.conf\"; chmod 0644 \"$3/iotd.conf\"";
    CLEANUP(freep) char *build = fixture_build_path(""), *source = fixture_source_path("");
    char program[96], config[96], credentials[96], model[96], state[96];

    shell(script, build, source, p->dir);
    (void) snprintf(program, sizeof(program), "%s/iotd", p->dir);
    (void) snprintf(config, sizeof(config), "%s/iotd.conf", p->dir);
    (void) snprintf(credentials, sizeof(credentials), "%s/device_info.json", p->dir);
    (void) snprintf(model, sizeof(model), "%s/model.json", p->dir);
    (void) snprintf(state, sizeof(state), "%s/state", p->dir);
    p->daemon = start_as(OWNER, NULL,
                         (const char *const[]){program, "--config", config, "--credentials",
                                               credentials, "--model", model, "--state-dir", state,
                                               "--endpoint", "mqtt://127.0.0.1:1", NULL});
}

static void setup(struct policy *p)
{
    if (geteuid() != 0)
        fixture_skip("only root can be other users");
    if (!fixture_has_program("setpriv") || !fixture_has_program("dbus-send"))
        fixture_skip("no setpriv, dbus-send (Debian: util-linux, dbus-bin)");
    if (!getpwnam(OWNER) || !getpwnam(PERSON) || !getgrnam(GROUP))
        fixture_skip("the users " OWNER " and " PERSON " or the group " GROUP " are not there");
    *p = (struct policy){.dir = "/tmp/iotd-policy.XXXXXX"};
    if (!mkdtemp(p->dir) || chmod(p->dir, 0755) < 0)
        fixture_fatal("no directory");
    start_bus(p);
    p->root = bus_client_new();
    start_daemon(p);
    if (!bus_client_wait_owner(p->root, IOTD_BUS_NAME, true))
        fixture_fatal("iotd did not get its name as " OWNER);
}

static void teardown(struct policy *p)
{
    p->daemon = proc_stop(p->daemon);
    p->root = bus_client_free(p->root);
    p->bus = proc_stop(p->bus);
    shell("rm -rf \"$1\"", p->dir, "", "");
}

/* The name of the error that a call of somebody gets; "" for a reply. */
static char *call_as(const char *user, const char *group, const char *destination, const char *path,
                     const char *member, const char *a, const char *b)
{
    CLEANUP(freep) char *to = NULL, *err = NULL;
    char *name = NULL, *end;
    struct proc *proc;
    int status;

    if (asprintf(&to, "--dest=%s", destination) < 0)
        fixture_fatal("out of memory");
    proc = start_as(user, group,
                    (const char *const[]){"dbus-send", "--system", "--print-reply", to, path,
                                          member, a, b, NULL});
    status = proc_wait(proc);
    err = proc_output(proc, PROC_STDERR);
    proc = proc_kill(proc);
    if (status == 0)
        return strdup("");
    if (strncmp(err, "Error ", 6) == 0) {
        name = strdup(err + 6);
        end = strchr(name, ':');
        if (end)
            *end = '\0';
        return name;
    }
    return strdup(err);
}

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
        {PERSON, GROUP, IOTD_ROOT_PATH, "org.freedesktop.DBus.Introspectable.Introspect", "", NULL},
        {PERSON, GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", "", NULL},
        {PERSON, GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Disconnect",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {PERSON, GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Connect",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {PERSON, GROUP, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Monitor",
         IOTD_ERROR_PREFIX "NotAuthorized", "boolean:true"},
        {PERSON, GROUP, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER ".Reload",
         IOTD_ERROR_PREFIX "NotAuthorized", NULL},
        {PERSON, NULL, IOTD_ROOT_PATH, "org.freedesktop.DBus.Introspectable.Introspect",
         ACCESS_DENIED, NULL},
        {PERSON, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", ACCESS_DENIED, NULL},
        {OWNER, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_THING ".GetModel", "", NULL},
        {"root", NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Disconnect", "", NULL},
        {"root", NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Connect", "", NULL},
        {OWNER, NULL, IOTD_DEVICE_PATH, IOTD_IFACE_LINK ".Monitor", "", "boolean:true"},
        {"root", NULL, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER ".Reload", "", NULL},
    };
    struct policy p;

    setup(&p);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep)
        char *error = call_as(cases[i].user, cases[i].group, IOTD_BUS_NAME, cases[i].path,
                              cases[i].member, cases[i].argument, NULL);

        CHECK_STR(error, cases[i].error);
    }
    teardown(&p);
}

static void test_names(void)
{
    static const struct {
        const char *user;
        const char *group;
        const char *error;
    } cases[] = {
        {PERSON, GROUP, ACCESS_DENIED},
        {PERSON, NULL, ACCESS_DENIED},
        {"root", NULL, ""},
        {OWNER, NULL, ""},
    };
    struct policy p;

    setup(&p);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep)
        char *error =
            call_as(cases[i].user, cases[i].group, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                    DBUS_INTERFACE_DBUS ".RequestName", "string:" IOTD_BUS_NAME, "uint32:4");

        CHECK_STR(error, cases[i].error);
    }
    teardown(&p);
}

static void test_signals(void)
{
    CLEANUP(freep) char *missed = NULL, *line = NULL;
    struct proc *member, *other;
    DBusMessage *call;
    struct policy p;

    setup(&p);
    member = start_as(PERSON, GROUP,
                      (const char *const[]){"dbus-monitor", "--system", "--profile",
                                            "type='signal',interface='org.freedesktop.DBus."
                                            "Properties'",
                                            NULL});
    other = start_as(
        PERSON, NULL,
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
    teardown(&p);
}

const char *const suite_name = "11-policy-bus";
const struct suite_test suite_tests[] = {
    {"calls", test_calls},
    {"names", test_names},
    {"signals", test_signals},
    {NULL, NULL},
};
