/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/policy-scene.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/names.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/fixture.h"
#include "tests/lib/suite.h"

#define MAX_ARGS 20

static void shell(const char *script, const char *a, const char *b, const char *c)
{
    if (proc_run((const char *const[]){"sh", "-ec", script, "sh", a, b, c, NULL}, NULL) != 0)
        fixture_fatal("%s", script);
}

static void start_bus(struct policy *p)
{
    static const char script[] =
        "install -d -m 0755 \"$2/access.d\"\n"
        "sed 's/user=\"iotd\"/user=\"" POLICY_OWNER "\"/; s/group=\"iotd\"/group=\"" POLICY_GROUP
        "\"/' \"$1\" "
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

struct proc *policy_start_as(const char *user, const char *group, const char *const *args)
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
        "install -m 0600 -o " POLICY_OWNER
        " \"$2/examples/device_info.json\" \"$3/device_info.json\"\n"
        "install -d -m 0700 -o " POLICY_OWNER " \"$3/state\"\n"
        "printf '[access]\\ndir = %s\\ngroup = " POLICY_GROUP
        "\\n' \"$3/access.d\" >\"$3/iotd.conf\"\n"
        "chmod 0644 \"$3/iotd.conf\"";
    CLEANUP(freep) char *build = fixture_build_path(""), *source = fixture_source_path("");
    char program[96], config[96], credentials[96], model[96], state[96];

    shell(script, build, source, p->dir);
    (void) snprintf(program, sizeof(program), "%s/iotd", p->dir);
    (void) snprintf(config, sizeof(config), "%s/iotd.conf", p->dir);
    (void) snprintf(credentials, sizeof(credentials), "%s/device_info.json", p->dir);
    (void) snprintf(model, sizeof(model), "%s/model.json", p->dir);
    (void) snprintf(state, sizeof(state), "%s/state", p->dir);
    p->daemon =
        policy_start_as(POLICY_OWNER, NULL,
                        (const char *const[]){program, "--config", config, "--credentials",
                                              credentials, "--model", model, "--state-dir", state,
                                              "--endpoint", "mqtt://127.0.0.1:1", NULL});
}

void policy_start(struct policy *p)
{
    if (geteuid() != 0)
        fixture_skip("only root can be other users");
    if (!fixture_has_program("setpriv") || !fixture_has_program("dbus-send"))
        fixture_skip("no setpriv, dbus-send (Debian: util-linux, dbus-bin)");
    if (!getpwnam(POLICY_OWNER) || !getpwnam(POLICY_PERSON) || !getpwnam(POLICY_GUEST) ||
        !getgrnam(POLICY_GROUP))
        fixture_skip("the users " POLICY_OWNER ", " POLICY_PERSON " and " POLICY_GUEST
                     " or the group " POLICY_GROUP " are not there");
    *p = (struct policy){.dir = "/tmp/iotd-policy.XXXXXX"};
    if (!mkdtemp(p->dir) || chmod(p->dir, 0755) < 0)
        fixture_fatal("no directory");
    start_bus(p);
    p->root = bus_client_new();
    start_daemon(p);
    if (!bus_client_wait_owner(p->root, IOTD_BUS_NAME, true))
        fixture_fatal("iotd did not get its name as " POLICY_OWNER);
}

void policy_stop(struct policy *p)
{
    p->daemon = proc_stop(p->daemon);
    p->root = bus_client_free(p->root);
    p->bus = proc_stop(p->bus);
    shell("rm -rf \"$1\"", p->dir, "", "");
}

void policy_rules(const struct policy *p, const char *name, const char *text)
{
    shell("printf %s \"$3\" >\"$1/access.d/$2\"; chmod 0644 \"$1/access.d/$2\"", p->dir, name,
          text);
}

/* The kernel tells the bus who connected, as it was at that moment. */
struct bus_client *policy_client_as(const char *user, const char *group)
{
    const struct passwd *pw = getpwnam(user);
    const struct group *gr = group ? getgrnam(group) : NULL;
    gid_t gid = gr ? gr->gr_gid : 0;
    struct bus_client *bc;

    if (!pw || setgroups(gr ? 1 : 0, &gid) < 0 || setegid(pw->pw_gid) < 0 ||
        seteuid(pw->pw_uid) < 0)
        fixture_fatal("cannot be %s", user);
    bc = bus_client_new();
    if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0)
        fixture_fatal("cannot be root again");
    return bc;
}

char *policy_call_as(const char *user, const char *group, const char *destination, const char *path,
                     const char *member, const char *a, const char *b)
{
    CLEANUP(freep) char *to = NULL, *err = NULL;
    char *name = NULL, *end;
    struct proc *proc;
    int status;

    if (asprintf(&to, "--dest=%s", destination) < 0)
        fixture_fatal("out of memory");
    proc = policy_start_as(user, group,
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
