/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program → iotd: Firmware.RegisterInstaller, ReportProgress, Finish, SetVersion
 * iotd → program: Installer.Install(image, {version, size, md5, sha256, custom, extra}), Cancel
 * A person hands in images with Firmware.Install; the cloud hears of versions only.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/scene.h"

#define IMAGE "the image"
#define PROGRAM "/program"

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

static void register_program(struct stage *st, const char *version)
{
    CHECK_MSG(firmware_call(st->program, "RegisterInstaller", "oa{sv}", PROGRAM, 1, "version", "s",
                            version),
              "");
}

static void stage_start(struct stage *st, const char *settings)
{
    *st = (struct stage){.program = NULL};
    scene_start(&st->s, settings);
    st->program = bus_client_new();
    register_program(st, "1.0");
}

static void stage_stop(struct stage *st)
{
    st->program = bus_client_free(st->program);
    scene_stop(&st->s);
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

/* Firmware.Install of the content. */
static DBusMessage *hand_in(struct stage *st, const char *content, const char *version)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, "Install");
    CLEANUP(fd_closep) int fd = memfd_create("image", MFD_CLOEXEC);
    size_t len = strlen(content);
    DBusMessageIter it, dict;
    int r;

    CHECK(fd >= 0 && write(fd, content, len) == (ssize_t) len);
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_fd(&it, fd);
    if (r == 0)
        r = msg_append_string(&it, version);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    CHECK_INT(r, 0);
    CHECK_INT(msg_close(&it, &dict, r), 0);
    return bus_client_call(st->s.bus, msg);
}

/* The call of the program; its info is checked, and the image. */
static DBusMessage *wait_install(struct stage *st, const char *version)
{
    DBusMessage *call = bus_client_wait_call(st->program, "Install");
    CLEANUP(fd_closep) int fd = -1;
    char content[32] = "";
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key, *text;
    unsigned n = 0;

    if (!call || !dbus_message_iter_init(call, &it) || msg_read_fd(&it, &fd) < 0 ||
        msg_read_dict(&it, &dict) < 0)
        fixture_fatal("no call of Install");
    CHECK(dbus_message_has_path(call, PROGRAM));
    CHECK_INT(read(fd, content, sizeof(content) - 1), strlen(IMAGE));
    CHECK_STR(content, IMAGE);
    while (msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "size") == 0 || msg_read_string(&value, &text) < 0)
            continue;
        n++;
        if (strcmp(key, "version") == 0)
            CHECK_STR(text, version);
        if (strcmp(key, "md5") == 0)
            CHECK_INT(strlen(text), 32);
        if (strcmp(key, "sha256") == 0)
            CHECK_STR(text, ""); /* without a key nobody needs it */
    }
    CHECK_INT(n, 5);
    return call;
}

/* Until the program works on it. */
static void begin_install(struct stage *st, const char *version)
{
    CHECK_MSG(hand_in(st, IMAGE, version), "");
    scene_reply(st->program, wait_install(st, version), "");
    CHECK(wait_property(st, "State", "installing"));
}

static void test_register(void)
{
    struct bus_client *other = bus_client_new();
    struct stage st;

    stage_start(&st, NULL);
    check_property(&st, "State", "idle");
    check_property(&st, "Installer", "program");
    check_property(&st, "Version", "1.0");
    json_decref(cloud_wait(st.s.cloud, "up", "$ota/report", "\"1.0\""));
    CHECK_ERROR(firmware_call(other, "RegisterInstaller", "oa{sv}", "/other", 0),
                ERR("AlreadyOwned"), "somebody else");
    CHECK_ERROR(firmware_call(st.program, "RegisterInstaller", "oa{sv}", PROGRAM, 1, "version", "s",
                              "no version"),
                INVALID_ARGS, "version");
    CHECK_ERROR(firmware_call(other, "Finish", "is", 0, ""), ERR("NotOwner"), "not the program");
    CHECK_ERROR(firmware_call(other, "SetVersion", "s", "6.6"), ERR("NotOwner"), "not the program");
    CHECK_ERROR(firmware_call(other, "UnregisterInstaller", ""), ERR("NotOwner"),
                "not the program");
    CHECK_ERROR(firmware_call(st.program, "Finish", "is", 0, ""), ERR("NotReady"), "does not");
    CHECK_ERROR(firmware_call(st.program, "ReportProgress", "us", 1U, ""), ERR("NotReady"), "not");
    CHECK_ERROR(firmware_call(st.program, "SetVersion", "s", ""), INVALID_ARGS, "");
    CHECK_MSG(firmware_call(st.program, "SetVersion", "s", "1.1"), "");
    CHECK(wait_property(&st, "Version", "1.1"));
    json_decref(cloud_wait(st.s.cloud, "up", "$ota/report", "\"1.1\""));
    /* A second call of the same program says another version. */
    register_program(&st, "1.2");
    check_property(&st, "Version", "1.2");
    CHECK_MSG(firmware_call(st.program, "UnregisterInstaller", ""), "");
    check_property(&st, "Installer", "");
    CHECK_MSG(firmware_call(other, "RegisterInstaller", "oa{sv}", "/other", 0), "");
    other = bus_client_free(other);
    CHECK(wait_property(&st, "Installer", ""));
    stage_stop(&st);
}

static void test_nothing_to_decide(void)
{
    struct stage st;

    stage_start(&st, NULL);
    CHECK_ERROR(firmware_call(st.s.bus, "Accept", "s", "2.0"), ERR("NotReady"), "no order");
    CHECK_ERROR(firmware_call(st.s.bus, "Refuse", "ss", "2.0", "no"), ERR("NotReady"), "no order");
    CHECK_ERROR(firmware_call(st.s.bus, "Postpone", "su", "2.0", 59U), ERR("OutOfRange"), "60");
    CHECK_ERROR(firmware_call(st.s.bus, "Postpone", "su", "2.0", 604801U), ERR("OutOfRange"), "60");
    CHECK_ERROR(firmware_call(st.s.bus, "Postpone", "su", "2.0", 60U), ERR("NotReady"), "no order");
    stage_stop(&st);
}

static void test_install(void)
{
    struct stage st;

    stage_start(&st, NULL);
    begin_install(&st, "2.0");
    check_property(&st, "TargetVersion", "2.0");
    check_property(&st, "Size", "9");
    CHECK_ERROR(hand_in(&st, IMAGE, "3.0"), ERR("Refused"), "being worked on");
    CHECK_MSG(firmware_call(st.program, "ReportProgress", "us", 40U, "unpacking\n"), "");
    CHECK(wait_property(&st, "Progress", "40"));
    CHECK_ERROR(firmware_call(st.program, "ReportProgress", "us", 101U, ""), ERR("OutOfRange"), "");
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 0, ""), "");
    CHECK(wait_property(&st, "State", "installed"));
    CHECK_ERROR(firmware_call(st.program, "Finish", "is", 0, ""), ERR("NotReady"), "not");
    /* It is started anew, and is the new version. */
    st.program = bus_client_free(st.program);
    CHECK(wait_property(&st, "Installer", ""));
    st.program = bus_client_new();
    register_program(&st, "2.0");
    CHECK(wait_property(&st, "Version", "2.0"));
    json_decref(cloud_wait(st.s.cloud, "up", "$ota/report", "\"2.0\""));
    stage_stop(&st);
}

static void test_old_version_comes_back(void)
{
    struct stage st;

    stage_start(&st, NULL);
    begin_install(&st, "2.0");
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 0, ""), "");
    CHECK(wait_property(&st, "State", "installed"));
    st.program = bus_client_free(st.program);
    CHECK(wait_property(&st, "Installer", ""));
    st.program = bus_client_new();
    register_program(&st, "1.0");
    CHECK(wait_property(&st, "State", "failed"));
    check_property(&st, "Code", "-5");
    check_property(&st, "Reason", "still version 1.0");
    stage_stop(&st);
}

static void test_failures(void)
{
    struct stage st;

    stage_start(&st, NULL);
    begin_install(&st, "2.0");
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 503, "no room in slot b"), "");
    CHECK(wait_property(&st, "State", "failed"));
    check_property(&st, "Code", "-5");
    check_property(&st, "Reason", "no room in slot b");
    /* An error instead of an answer. */
    CHECK_MSG(hand_in(&st, IMAGE, "2.0"), "");
    scene_reply_error(st.program, wait_install(&st, "2.0"), ERR("Full"), "the disk is full");
    CHECK(wait_property(&st, "State", "failed"));
    check_property(&st, "Reason", "the disk is full");
    CHECK_ERROR(hand_in(&st, "", "2.0"), INVALID_ARGS, "regular file");
    CHECK_ERROR(hand_in(&st, IMAGE, "../2"), INVALID_ARGS, "version");
    CHECK_MSG(firmware_call(st.program, "UnregisterInstaller", ""), "");
    CHECK_ERROR(hand_in(&st, IMAGE, "2.0"), ERR("NotReady"), "nobody who installs");
    stage_stop(&st);
}

/* The program dies in the middle, and gets the image once more when it is back. */
static void test_program_dies(void)
{
    struct stage st;

    stage_start(&st, NULL);
    begin_install(&st, "2.0");
    st.program = bus_client_free(st.program);
    CHECK(wait_property(&st, "Installer", ""));
    check_property(&st, "State", "installing");
    st.program = bus_client_new();
    register_program(&st, "1.0");
    scene_reply(st.program, wait_install(&st, "2.0"), "");
    CHECK_MSG(firmware_call(st.program, "Finish", "is", 0, ""), "");
    CHECK(wait_property(&st, "State", "installed"));
    stage_stop(&st);
}

/* A setting says who installs. */
static void test_not_a_program(void)
{
    struct bus_client *program = bus_client_new();
    struct scene s;

    scene_start(&s, "[firmware]\ninstaller = exec:/bin/true\n");
    CHECK_ERROR(firmware_call(program, "RegisterInstaller", "oa{sv}", PROGRAM, 0),
                ERR("AlreadyOwned"), "somebody else");
    scene_stop(&s);
    bus_client_free(program);
}

const char *const suite_name = "firmware-program";
const struct suite_test suite_tests[] = {
    {"register", test_register},
    {"nothing_to_decide", test_nothing_to_decide},
    {"install", test_install},
    {"old_version_comes_back", test_old_version_comes_back},
    {"failures", test_failures},
    {"program_dies", test_program_dies},
    {"not_a_program", test_not_a_program},
    {NULL, NULL},
};
