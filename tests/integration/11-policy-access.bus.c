/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of access.d, with a person and a guest who may both talk to iotd:
 *
 *   person (nobody)               iotd                        guest (bin)
 *                                 [allow] nobody: brightness
 *                                 [deny]  all others
 *   ReportValue(brightness)  →  ← token
 *   ← Changed, to it alone                                    hears nothing
 *                                                      ←      ReportValue, Get, Register, Monitor,
 * … NotAuthorized, and which rule said so; one line each on the log
 *
 * A broken file changes nothing, a good one loses no program, and TestAccess explains.
 */

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/policy-scene.h"
#include "tests/lib/scene.h"

#define LAMP                                                                                       \
    "[allow]\n"                                                                                    \
    "user = " POLICY_PERSON "\n"                                                                   \
    "verbs = register report post read\n"                                                          \
    "ids = bright* low_voltage\n"                                                                  \
    "\n"                                                                                           \
    "[deny]\n"                                                                                     \
    "verbs = register report post read\n"                                                          \
    "ids = brightness low_voltage\n"
#define ALLOWED "10-lamp.conf:1"
#define DENIED "10-lamp.conf:6"
#define READ_REST "[allow]\nverbs = read\n"

static DBusMessage *reload(struct bus_client *bc)
{
    return scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", "");
}

static void set_rules(struct policy *p, const char *name, const char *text)
{
    policy_rules(p, name, text);
    CHECK_MSG(reload(p->root), "[]");
}

static DBusMessage *monitor(struct bus_client *bc, int enable)
{
    return scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Monitor", "b", enable);
}

static DBusMessage *accept_update(struct bus_client *bc)
{
    return scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, "Accept", "s", "1.0");
}

static DBusMessage *ticket(struct bus_client *bc)
{
    return scene_call(bc, IOTD_DEVICE_PATH, IOTD_IFACE_CALL, "GetTicket", "ss", "m1", "wx1");
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        n++;
    return n;
}

/* Refused twice on one connection, with the rule; told once. */
static void check_refusals(struct policy *p, struct bus_client *guest)
{
    static const struct {
        const char *member, *types, *a, *b;
        const char *told;
    } cases[] = {
        {"ReportValue", "sv", "brightness", "s", "report brightness"},
        {"ReportJson", "s", "{\"color\":1,\"brightness\":5}", NULL, "report brightness"},
        {"PostEventJson", "ss", "low_voltage", "{\"voltage\":3}", "post low_voltage"},
        {"Get", "s", "brightness", NULL, "read brightness"},
    };
    CLEANUP(freep) char *log = NULL;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            CHECK_ERROR(
                thing_call(guest, cases[i].member, cases[i].types, cases[i].a, cases[i].b, "5"),
                ERR("NotAuthorized"), cases[i].told);
            CHECK_ERROR(
                thing_call(guest, cases[i].member, cases[i].types, cases[i].a, cases[i].b, "5"),
                ERR("NotAuthorized"), DENIED);
        }
        CHECK_ERROR(scene_register(guest, "color brightness", "", ""), ERR("NotAuthorized"),
                    "register brightness");
        CHECK_ERROR(monitor(guest, 1), ERR("NotAuthorized"), "monitor: default: root and");
        CHECK_ERROR(reload(guest), ERR("NotAuthorized"), "manage: default: root and");
    }
    log = proc_output(p->daemon, PROC_STDERR);
    CHECK_INT(count(log, "verb=report id=brightness "), 1);
    CHECK_INT(count(log, "verb=post id=low_voltage "), 1);
    CHECK_INT(count(log, "verb=read id=brightness "), 1);
    CHECK_INT(count(log, "verb=register id=brightness "), 1);
    CHECK_INT(count(log, "verb=monitor id= "), 1);
    CHECK_INT(count(log, "verb=manage id= "), 1);
    CHECK_INT(count(log, "refused name="), 6);
}

static void test_second_user(void)
{
    struct bus_client *person, *guest;
    struct policy p;

    policy_start(&p);
    set_rules(&p, "10-lamp.conf", LAMP);
    set_rules(&p, "20-info.conf", "[deny]\nuser = bin\nverbs = report\nids = report_*\n");
    person = policy_client_as(POLICY_PERSON, POLICY_GROUP);
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    check_refusals(&p, guest);
    CHECK_ERROR(scene_call(guest, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "UpdateInfoJson", "s",
                           "{\"name\":\"x\"}"),
                ERR("NotAuthorized"), "report report_info: ");
    CHECK_MSG(scene_call(person, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "UpdateInfo", "a{sv}", 1,
                         "name", "s", "x"),
              "");
    /* The refused left nothing behind, and what no rule is about is for the group. */
    CHECK_MSG(scene_register(person, "brightness", "low_voltage", ""), "");
    CHECK_MSG(scene_register(guest, "color", "", ""), "");
    CHECK(thing_token(person, "ReportValue", "sv", "brightness", "i", 7) != 0);
    CHECK_THING(person, "x:7 *", "Get", "s", "brightness");
    CHECK(thing_token(guest, "ReportValue", "sv", "color", "i", 1) != 0);
    /* Lists hold what may be read. */
    CHECK_THING(guest, "{\"color\":x:1}", "GetAll", "");
    CHECK_THING(person, "{\"color\":x:1,\"brightness\":x:7}", "GetAll", "");
    {
        CLEANUP(msg_unrefp) DBusMessage *reply = thing_call(guest, "ListProperties", "");
        CLEANUP(freep) char *text = msg_text(reply);

        CHECK(strstr(text, "\"color\"") && !strstr(text, "brightness"));
    }
    person = bus_client_free(person);
    guest = bus_client_free(guest);
    policy_stop(&p);
}

/* A change is told to those who may read it, and to everybody only what everybody may. */
static void test_news(void)
{
    struct bus_client *person, *guest, *silent;
    struct policy p;

    policy_start(&p);
    person = policy_client_as(POLICY_PERSON, POLICY_GROUP);
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    silent = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    bus_client_subscribe(person, IOTD_BUS_NAME);
    bus_client_subscribe(guest, IOTD_BUS_NAME);
    bus_client_subscribe(silent, IOTD_BUS_NAME);
    /* Without rules to all who listen. */
    CHECK(thing_token(person, "ReportValue", "sv", "brightness", "i", 1) != 0);
    CHECK_MSG(bus_client_wait_signal(silent, "Changed"), "{\"brightness\":x:1}");
    CHECK_MSG(bus_client_wait_signal(person, "Changed"), "{\"brightness\":x:1}");
    CHECK_MSG(bus_client_wait_signal(guest, "Changed"), "{\"brightness\":x:1}");
    CHECK_THING(guest, "{\"brightness\":x:1}", "GetAll", "");
    /* To the one who may; a listener that iotd does not know may nothing. */
    set_rules(&p, "10-lamp.conf", LAMP);
    CHECK_THING(guest, "{}", "GetAll", "");
    CHECK(thing_token(person, "ReportJson", "s", "{\"brightness\":2,\"color\":2}") != 0);
    CHECK_MSG(bus_client_wait_signal(person, "Changed"), "{\"brightness\":x:2,\"color\":x:2}");
    CHECK_MSG(bus_client_wait_signal(guest, "Changed"), "{\"color\":x:2}");
    bus_client_round_trip(guest, IOTD_BUS_NAME);
    bus_client_round_trip(silent, DBUS_SERVICE_DBUS);
    CHECK_MSG(bus_client_take_signal(guest, "Changed"), "(nothing)");
    CHECK_MSG(bus_client_take_signal(silent, "Changed"), "(nothing)");
    /* What everybody may read is for all who listen again. */
    set_rules(&p, "20-rest.conf", READ_REST);
    CHECK(thing_token(person, "ReportJson", "s", "{\"brightness\":3,\"color\":0}") != 0);
    CHECK_MSG(bus_client_wait_signal(silent, "Changed"), "{\"color\":x:0}");
    CHECK_MSG(bus_client_wait_signal(guest, "Changed"), "{\"color\":x:0}");
    CHECK_MSG(bus_client_wait_signal(person, "Changed"), "{\"color\":x:0}");
    CHECK_MSG(bus_client_wait_signal(person, "Changed"), "{\"brightness\":x:3}");
    bus_client_round_trip(guest, IOTD_BUS_NAME);
    bus_client_round_trip(silent, DBUS_SERVICE_DBUS);
    CHECK_MSG(bus_client_take_signal(guest, "Changed"), "(nothing)");
    CHECK_MSG(bus_client_take_signal(silent, "Changed"), "(nothing)");
    silent = bus_client_free(silent);
    guest = bus_client_free(guest);
    person = bus_client_free(person);
    policy_stop(&p);
}

/* A file with mistakes changes nothing; a good one takes effect and loses no program. */
static void test_reload(void)
{
    CLEANUP(freep) char *line = NULL, *next = NULL;
    struct bus_client *person, *guest;
    struct policy p;

    policy_start(&p);
    set_rules(&p, "10-lamp.conf", LAMP "[allow]\nuser = " POLICY_GUEST "\nverbs = monitor\n");
    person = policy_client_as(POLICY_PERSON, POLICY_GROUP);
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK_MSG(scene_register(person, "brightness", "", ""), "");
    CHECK_MSG(monitor(guest, 1), "");
    policy_rules(&p, "05-bad.conf", "[allow]\nverbs = read\n\nuser = nobody_here\nuid = 5\n");
    CHECK_ERROR(reload(p.root), ERR("Protocol"), "nothing was changed");
    line = proc_wait_line(p.daemon, PROC_STDERR, "05-bad.conf:4: user: there is no user");
    next = proc_wait_line(p.daemon, PROC_STDERR, "05-bad.conf:5: uid: unknown key");
    CHECK(line && next);
    CHECK_ERROR(thing_call(guest, "Get", "s", "brightness"), ERR("NotAuthorized"), DENIED);
    /* The guest may read now, and watch no more; the person keeps what it serves. */
    policy_rules(&p, "05-bad.conf",
                 READ_REST "[deny]\nuser = " POLICY_PERSON "\nverbs = register report\n");
    proc_signal(p.daemon, SIGHUP);
    free(proc_wait_line(p.daemon, PROC_STDERR, "settings read again"));
    CHECK_THING(guest, ERR("NotReady"), "Get", "s", "brightness");
    CHECK_MSG(scene_register(p.root, "brightness", "", ""), ERR("NotAuthorized"));
    CHECK_ERROR(thing_call(person, "ReportValue", "sv", "brightness", "i", 1), ERR("NotAuthorized"),
                "05-bad.conf:3");
    set_rules(&p, "05-bad.conf", "");
    set_rules(&p, "10-lamp.conf", "");
    CHECK_MSG(scene_register(p.root, "brightness", "", ""), ERR("AlreadyOwned"));
    CHECK_ERROR(monitor(guest, 1), ERR("NotAuthorized"), "default");
    guest = bus_client_free(guest);
    person = bus_client_free(person);
    policy_stop(&p);
}

static void test_monitor_ends(void)
{
    struct bus_client *guest;
    struct policy p;

    policy_start(&p);
    set_rules(&p, "10.conf", "[allow]\nuser = " POLICY_GUEST "\nverbs = monitor manage\n");
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK_MSG(monitor(guest, 1), "");
    CHECK_MSG(reload(guest), "[]");
    /* What is not a verb of these stays as it was. */
    CHECK(thing_token(guest, "ReportValue", "sv", "color", "i", 1) != 0);
    set_rules(&p, "10.conf", "");
    CHECK_ERROR(reload(guest), ERR("NotAuthorized"), "manage");
    guest = bus_client_free(guest);
    policy_stop(&p);
}

/* Commands from the device itself, of some ids. */
static void test_commands(void)
{
    struct bus_client *guest;
    struct policy p;

    policy_start(&p);
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK_ERROR(thing_call(guest, "ControlJson", "s", "{\"color\":1}"), ERR("NotAuthorized"),
                "manage color: default");
    set_rules(&p, "10.conf", "[allow]\nuser = " POLICY_GUEST "\nverbs = manage\nids = color\n");
    CHECK_THING(guest, "0 *", "ControlJson", "s", "{\"color\":1}");
    CHECK_ERROR(thing_call(guest, "ControlJson", "s", "{\"color\":1,\"brightness\":1}"),
                ERR("NotAuthorized"), "manage brightness: default");
    CHECK_ERROR(reload(guest), ERR("NotAuthorized"), "manage: default");
    CHECK_ERROR(ticket(guest), ERR("NotAuthorized"), "call: default");
    set_rules(&p, "20.conf", "[allow]\nuser = " POLICY_GUEST "\nverbs = call\n");
    CHECK_ERROR(ticket(guest), ERR("LinkDown"), "");
    CHECK_ERROR(reload(guest), ERR("NotAuthorized"), "manage: default");
    /* The same of firmware. */
    CHECK_ERROR(accept_update(guest), ERR("NotAuthorized"), "firmware: default");
    set_rules(&p, "20.conf", "[allow]\nuser = " POLICY_GUEST "\nverbs = firmware\n");
    CHECK_ERROR(accept_update(guest), ERR("NotReady"), "there is no order");
    CHECK_ERROR(reload(guest), ERR("NotAuthorized"), "manage: default");
    guest = bus_client_free(guest);
    policy_stop(&p);
}

static DBusMessage *test_access(struct bus_client *bc, const char *user, const char *verb,
                                const char *id, const char *exe)
{
    unsigned uid = getpwnam(user)->pw_uid;

    return exe ? scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "TestAccess", "ussa{sv}", uid,
                            verb, id, 1, "exe", "s", exe)
               : scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "TestAccess", "ussa{sv}", uid,
                            verb, id, 0);
}

static void test_explained(void)
{
    struct bus_client *guest;
    struct policy p;
    static const struct {
        const char *user, *verb, *id, *exe;
        const char *begins, *part;
    } cases[] = {
        {POLICY_PERSON, "report", "brightness", NULL, "true ", ALLOWED},
        {POLICY_GUEST, "report", "brightness", NULL, "false ", DENIED},
        {POLICY_GUEST, "report", "color", NULL, "false ", "default: members of the group"},
        {POLICY_GUEST, "manage", "", NULL, "false ", "default: root and the user of iotd only"},
        {POLICY_GUEST, "manage", "", "/usr/bin/tool", "true ", "20-tool.conf:1"},
        {POLICY_GUEST, "manage", "", "/usr/bin/fool", "false ", "default"},
        {"root", "monitor", "", NULL, "true ", "default: root"},
        {POLICY_OWNER, "read", "color", NULL, "true ", "default: the user of iotd"},
        {POLICY_GROUP, "read", "color", NULL, "true ", "default: a member of the group"},
        {POLICY_GUEST, "write", "color", NULL, "org.freedesktop.DBus.Error.InvalidArgs", ""},
        {POLICY_GUEST, "report", "", NULL, "org.freedesktop.DBus.Error.InvalidArgs", ""},
        {POLICY_GUEST, "monitor", "color", NULL, "org.freedesktop.DBus.Error.InvalidArgs", ""},
        {POLICY_GUEST, "manage", "color", NULL, "false ",
         "default: root and the user of iotd only"},
    };

    policy_start(&p);
    set_rules(&p, "10-lamp.conf", LAMP);
    set_rules(&p, "20-tool.conf", "[allow]\nexe = /usr/bin/tool\nverbs = manage\n");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(msg_unrefp)
        DBusMessage *reply =
            test_access(p.root, cases[i].user, cases[i].verb, cases[i].id, cases[i].exe);
        CLEANUP(freep) char *text = msg_text(reply);

        if (strncmp(text, cases[i].begins, strlen(cases[i].begins)) != 0 ||
            !strstr(text, cases[i].part))
            suite_fail(__FILE__, __LINE__, "%s %s %s: %s", cases[i].user, cases[i].verb,
                       cases[i].id, text);
    }
    guest = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK_ERROR(test_access(guest, POLICY_GUEST, "read", "color", NULL), ERR("NotAuthorized"),
                "manage");
    guest = bus_client_free(guest);
    policy_stop(&p);
}

/* The outcome of a report by a program of that path. */
static char *report_by(const char *user, const char *group, const char *program)
{
    struct proc *proc = policy_start_as(
        user, group,
        (const char *const[]){program, "--system", "--print-reply", "--dest=" IOTD_BUS_NAME,
                              IOTD_DEVICE_PATH, IOTD_IFACE_THING ".ReportValue", "string:color",
                              "variant:int32:1", NULL});
    int status = proc_wait(proc);
    char *err = proc_output(proc, status == 0 ? PROC_STDOUT : PROC_STDERR);

    proc_kill(proc);
    return err;
}

/*
 * A program is told from another one of the same user by its path. What a user without privileges
 * may not know of others' programs counts as any of them for a rule that denies.
 */
static void test_executable(void)
{
    CLEANUP(freep) char *denied = NULL, *allowed = NULL, *copy = NULL, *other = NULL;
    char tool[128], rules[512];
    struct policy p;

    policy_start(&p);
    (void) snprintf(tool, sizeof(tool), "%s/tool", p.dir);
    CHECK_INT(proc_run((const char *const[]){"sh", "-c",
                                             "cp \"$(command -v dbus-send)\" \"$1\" && "
                                             "chmod 0755 \"$1\" && cp \"$1\" \"$1.2\"",
                                             "sh", tool, NULL},
                       NULL),
              0);
    (void) snprintf(rules, sizeof(rules), "[deny]\nexe = %s\nverbs = report\n", tool);
    set_rules(&p, "10-tool.conf", rules);
    denied = report_by(POLICY_OWNER, NULL, tool);
    CHECK(strstr(denied, "NotAuthorized") && strstr(denied, "10-tool.conf:1"));
    allowed = report_by(POLICY_OWNER, NULL, "dbus-send");
    CHECK(strstr(allowed, "uint64"));
    (void) strcat(tool, ".2");
    copy = report_by(POLICY_OWNER, NULL, tool);
    CHECK(strstr(copy, "uint64"));
    other = report_by(POLICY_GUEST, POLICY_GROUP, "dbus-send");
    CHECK(strstr(other, "NotAuthorized") && strstr(other, "10-tool.conf:1"));
    policy_stop(&p);
}

const char *const suite_name = "11-policy-access";
const struct suite_test suite_tests[] = {
    {"second-user", test_second_user}, {"news", test_news},
    {"reload", test_reload},           {"monitor-ends", test_monitor_ends},
    {"commands", test_commands},       {"explained", test_explained},
    {"executable", test_executable},   {NULL, NULL},
};
