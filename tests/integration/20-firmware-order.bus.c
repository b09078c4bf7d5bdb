/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cloud → iotd: update_firmware; iotd → cloud: report_progress, and what the console shows then.
 * iotd → program: Offer, where a yes is wanted, Install; program or iotctl → iotd: Accept,
 * Postpone, Refuse, Finish. At the end the whole way: an archive, examples/ota-agent and its
 * restart.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/scene.h"

#define PROGRAM "/program"
#define CUSTOM "custom:={\"color\":\"red\"}"

struct stage {
    struct scene s;
    struct bus_client *program;
};

static DBusMessage *firmware_call(struct bus_client *bc, const char *member, const char *types, ...)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, member);
    va_list ap;

    va_start(ap, types);
    msg_vadd(msg, types, &ap);
    va_end(ap);
    return bus_client_call(bc, msg);
}

static void start_program(struct stage *st, const char *version)
{
    st->program = bus_client_new();
    CHECK_MSG(firmware_call(st->program, "RegisterInstaller", "oa{sv}", PROGRAM, 1, "version", "s",
                            version),
              "");
}

static bool wait_property(struct stage *st, const char *name, const char *text)
{
    return bus_client_wait_property(st->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name, text);
}

static void check_property(struct stage *st, const char *name, const char *want)
{
    CLEANUP(freep)
    char *text = bus_client_get(st->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name);

    CHECK_STR(text, want);
}

/* Runs a program of ours to its end; its exit status. */
static int run(const char *name, const char *first, ...) __attribute__((sentinel));
static int run(const char *name, const char *first, ...)
{
    char *path = fixture_build_path(name);
    const char *argv[12] = {path};
    struct proc *p;
    size_t n = 1;
    va_list ap;
    int status;

    va_start(ap, first);
    for (const char *arg = first; arg && n < 11; arg = va_arg(ap, const char *))
        argv[n++] = arg;
    va_end(ap);
    p = proc_start(argv);
    status = proc_wait(p);
    free(path);
    (void) proc_kill(p);
    return status;
}

/* The image is there, and the device has a task. */
static void order(struct stage *st, const char *file, const char *version)
{
    CLEANUP(freep) char *port = scene_printf("%d", cloud_http_port(st->s.cloud));
    CLEANUP(freep) char *text = scene_printf("version=%s", version);

    CHECK_INT(run("iot-localcloud", "firmware", "--http-port", port, "upload", file,
                  "product=" CLOUD_PRODUCT, text, CUSTOM, "fw_type=mcu", NULL),
              0);
    CHECK_INT(run("iot-localcloud", "firmware", "--http-port", port, "task",
                  "product=" CLOUD_PRODUCT, text, "devices:=[\"" CLOUD_DEVICE "\"]", NULL),
              0);
}

static void wait_console(struct stage *st, const char *state)
{
    json_decref(cloud_wait(st->s.cloud, "event", "ota_state", state));
}

static void stage_start(struct stage *st, const char *settings)
{
    *st = (struct stage){.program = NULL};
    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    CHECK_INT(system("head -c 300000 /dev/urandom >image.bin && echo other >other.bin"), 0);
    scene_start(&st->s, settings);
    start_program(st, "1.0");
    CHECK(wait_property(st, "Version", "1.0"));
}

static void stage_stop(struct stage *st)
{
    st->program = bus_client_free(st->program);
    scene_stop(&st->s);
}

/* A text of the dictionary of Offer or Install, behind the descriptor if there is one. */
static void check_info(DBusMessage *call, const char *want_key, const char *want)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key, *text = "", *found = "(not there)";

    (void) dbus_message_iter_init(call, &it);
    if (dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_UNIX_FD)
        (void) dbus_message_iter_next(&it);
    CHECK_INT(msg_read_dict(&it, &dict), 0);
    while (msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, want_key) == 0 && msg_read_string(&value, &text) == 0)
            found = text;
    }
    CHECK_STR(found, want);
}

static void take_offer(struct stage *st, const char *version, const char *state)
{
    CLEANUP(msg_unrefp) DBusMessage *call = bus_client_wait_call(st->program, "Offer");

    if (!call)
        return;
    check_info(call, "version", version);
    check_info(call, "running", "1.0");
    check_info(call, "state", state);
    check_info(call, "custom", "{\"color\":\"red\"}");
    check_info(call, "extra", "{\"fw_type\":\"mcu\"}");
}

/* The program takes it, and compares it with the file. */
static void take_install(struct stage *st, const char *file, const char *version)
{
    DBusMessage *call = bus_client_wait_call(st->program, "Install");
    CLEANUP(freep) char *command = NULL;
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;

    if (!call || !dbus_message_iter_init(call, &it) || msg_read_fd(&it, &fd) < 0)
        fixture_fatal("no call of Install");
    check_info(call, "version", version);
    check_info(call, "custom", "{\"color\":\"red\"}");
    command = scene_printf("cmp /proc/%d/fd/%d %s", (int) getpid(), fd, file);
    CHECK_INT(system(command), 0);
    scene_reply(st->program, call, "");
}

/* It ends, and is started again by its owner. */
static void restart_program(struct stage *st, const char *version)
{
    CHECK_MSG(firmware_call(st->program, "Finish", "is", 0, ""), "");
    CHECK(wait_property(st, "State", "installed"));
    st->program = bus_client_free(st->program);
    CHECK(wait_property(st, "Installer", ""));
    start_program(st, version);
}

static void test_silent(void)
{
    struct stage st;

    stage_start(&st, NULL);
    order(&st, "image.bin", "2.0");
    take_install(&st, "image.bin", "2.0");
    wait_console(&st, "burning");
    check_property(&st, "State", "installing");
    check_property(&st, "Size", "300000");
    check_property(&st, "Done", "300000");
    restart_program(&st, "2.0");
    wait_console(&st, "succeeded");
    CHECK(wait_property(&st, "State", "idle"));
    check_property(&st, "Version", "2.0");
    stage_stop(&st);
}

static void test_program_fails(void)
{
    struct stage st;

    stage_start(&st, NULL);
    order(&st, "image.bin", "2.0");
    take_install(&st, "image.bin", "2.0");
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 503, "slot b is read only"), "");
    wait_console(&st, "slot b is read only");
    CHECK(wait_property(&st, "State", "failed"));
    check_property(&st, "Code", "-5");
    stage_stop(&st);
}

/* Before the download; a second version while the first one waits is asked about in its place. */
static void test_asked(void)
{
    struct stage st;

    stage_start(&st, "[firmware]\nauto = no\n");
    order(&st, "other.bin", "1.5");
    take_offer(&st, "1.5", "offered");
    order(&st, "image.bin", "2.0");
    take_offer(&st, "2.0", "offered");
    CHECK(wait_property(&st, "NeedsConfirmation", "true"));
    check_property(&st, "Done", "0");
    CHECK_ERROR(firmware_call(st.program, "Accept", "s", "1.5"), ERR("Refused"), "another version");
    CHECK_MSG(firmware_call(st.program, "Postpone", "su", "2.0", 60U), "");
    CHECK(wait_property(&st, "NeedsConfirmation", "false"));
    CHECK_MSG(firmware_call(st.program, "Accept", "s", "2.0"), "");
    take_install(&st, "image.bin", "2.0");
    restart_program(&st, "2.0");
    wait_console(&st, "succeeded");
    stage_stop(&st);
}

/* A program that comes later is asked, too; the user says no. */
static void test_refused(void)
{
    struct stage st;

    stage_start(&st, "[firmware]\nauto = download\n");
    order(&st, "image.bin", "2.0");
    take_offer(&st, "2.0", "ready");
    check_property(&st, "Done", "300000");
    st.program = bus_client_free(st.program);
    CHECK(wait_property(&st, "Installer", ""));
    start_program(&st, "1.0");
    take_offer(&st, "2.0", "ready");
    CHECK_MSG(firmware_call(st.program, "Refuse", "ss", "2.0", "not\ttoday"), "");
    CHECK(wait_property(&st, "State", "failed"));
    wait_console(&st, "not today");
    CHECK_ERROR(firmware_call(st.program, "Accept", "s", "2.0"), ERR("NotReady"), "no order");
    stage_stop(&st);
}

/* iotctl says yes, and follows. */
static void test_iotctl(void)
{
    const char *bus = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    char *path = fixture_build_path("iotctl");
    const char *argv[] = {path, "--bus", bus, "firmware", "confirm", "2.0", NULL};
    struct proc *p;
    struct stage st;

    stage_start(&st, "[firmware]\nauto = no\n");
    CHECK_INT(run("iotctl", "--bus", bus, "firmware", "offer", NULL), 1);
    order(&st, "image.bin", "2.0");
    take_offer(&st, "2.0", "offered");
    CHECK_INT(run("iotctl", "--bus", bus, "firmware", "offer", NULL), 0);
    p = proc_start(argv);
    take_install(&st, "image.bin", "2.0");
    CHECK_MSG(firmware_call(st.program, "ReportProgress", "us", 50U, "writing"), "");
    free(proc_wait_line(p, PROC_STDOUT, "installing 2.0"));
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 0, ""), "");
    free(proc_wait_line(p, PROC_STDOUT, "installed 2.0"));
    CHECK_INT(proc_wait(p), 0);
    (void) proc_kill(p);
    free(path);
    stage_stop(&st);
}

/* The whole way, there and back. */
static void test_agent(void)
{
    char *path = fixture_build_path("examples/ota-agent");
    const char *argv[] = {path, "--check", "./check", "slots", NULL};
    struct proc *agent;
    struct stage st;

    stage_start(&st, NULL);
    st.program = bus_client_free(st.program);
    CHECK(wait_property(&st, "Installer", ""));
    CHECK_INT(
        system("mkdir -p slots/a new && echo 1.0 >slots/a/version && echo hello >new/greeting "
               "&& printf '#!/bin/sh\\ntest -e greeting\\n' >new/check && chmod +x new/check "
               "&& tar -czf new.tgz -C new ."),
        0);
    agent = proc_start(argv);
    free(proc_wait_line(agent, PROC_STDOUT, "version 1.0 runs from a"));
    CHECK(wait_property(&st, "Installer", "program"));
    order(&st, "new.tgz", "2.0");
    free(proc_wait_line(agent, PROC_STDOUT, "version 2.0 is installed in b"));
    free(proc_wait_line(agent, PROC_STDOUT, "version 2.0 is confirmed"));
    wait_console(&st, "succeeded");
    CHECK(wait_property(&st, "State", "idle"));
    CHECK_INT(system("grep -q hello slots/current/greeting && test ! -e slots/trial"), 0);
    /* The next one is not good. */
    CHECK_INT(system("rm new/greeting && tar -cf new.tar -C new ."), 0);
    order(&st, "new.tar", "3.0");
    free(proc_wait_line(agent, PROC_STDOUT, "back to version 2.0: its check failed"));
    wait_console(&st, "still version 2.0");
    CHECK_INT(system("grep -q hello slots/current/greeting"), 0);
    (void) proc_kill(agent);
    free(path);
    stage_stop(&st);
}

const char *const suite_name = "firmware-order";
const struct suite_test suite_tests[] = {
    {"silent", test_silent},
    {"program_fails", test_program_fails},
    {"asked", test_asked},
    {"refused", test_refused},
    {"iotctl", test_iotctl},
    {"agent", test_agent},
    {NULL, NULL},
};
