/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/firmware-scene.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"

#define PROGRAM "/program"
#define RUNNING "[firmware]\nversion = 1.0\n" /* also while the program is not there */

DBusMessage *firmware_scene_call(struct bus_client *bc, const char *member, const char *types, ...)
{
    DBusMessage *msg = bus_client_new_call(IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, member);
    va_list ap;

    va_start(ap, types);
    msg_vadd(msg, types, &ap);
    va_end(ap);
    return bus_client_call(bc, msg);
}

void firmware_scene_register(struct firmware_scene *fs)
{
    CHECK_MSG(firmware_scene_call(fs->program, "RegisterInstaller", "oa{sv}", PROGRAM, 1, "version",
                                  "s", "1.0"),
              "");
}

void firmware_scene_start(struct firmware_scene *fs, const char *settings)
{
    CLEANUP(freep) char *text = scene_printf("%s%s", RUNNING, settings ? settings : "");

    *fs = (struct firmware_scene){.program = NULL};
    CHECK_INT(chdir(getenv("IOTD_TEST_DIR")), 0);
    scene_start(&fs->s, text);
    fs->program = bus_client_new();
    firmware_scene_register(fs);
}

void firmware_scene_stop(struct firmware_scene *fs)
{
    fs->program = bus_client_free(fs->program);
    scene_stop(&fs->s);
}

void firmware_scene_upload(struct firmware_scene *fs, const char *file, const char *version,
                           const char *option)
{
    CLEANUP(freep) char *text = scene_printf("version=%s", version);

    CHECK_LOCALCLOUD(&fs->s, 0, "firmware", "upload", file, "product=" CLOUD_PRODUCT, text, option);
}

void firmware_scene_order(struct firmware_scene *fs, const char *version)
{
    CLEANUP(freep) char *text = scene_printf("version=%s", version);

    CHECK_LOCALCLOUD(&fs->s, 0, "firmware", "task", "product=" CLOUD_PRODUCT, text,
                     "devices:=[\"" CLOUD_DEVICE "\"]");
}

void firmware_scene_retry(struct firmware_scene *fs, int task)
{
    CLEANUP(freep) char *text = scene_printf("task:=%d", task);

    CHECK_LOCALCLOUD(&fs->s, 0, "firmware", "retry", text);
}

bool firmware_scene_wait(struct firmware_scene *fs, const char *property, const char *text)
{
    return bus_client_wait_property(fs->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, property,
                                    text);
}

void firmware_scene_take_install(struct firmware_scene *fs, const char *file)
{
    DBusMessage *call = bus_client_wait_call(fs->program, "Install");
    CLEANUP(freep) char *command = NULL;
    CLEANUP(fd_closep) int fd = -1;
    DBusMessageIter it;

    if (!call || !dbus_message_iter_init(call, &it) || msg_read_fd(&it, &fd) < 0)
        fixture_fatal("no call of Install");
    command = scene_printf("cmp /proc/%d/fd/%d %s", (int) getpid(), fd, file);
    CHECK_INT(system(command), 0);
    scene_reply(fs->program, call, "");
    CHECK(firmware_scene_wait(fs, "State", "installing"));
}

void firmware_scene_give_up(struct firmware_scene *fs)
{
    CHECK_MSG(firmware_scene_call(fs->program, "Finish", "is", 503, "enough"), "");
    CHECK(firmware_scene_wait(fs, "State", "failed"));
    json_decref(cloud_wait(fs->s.cloud, "event", "ota_state", "enough"));
}

void firmware_scene_check_not_offered(struct firmware_scene *fs)
{
    DBusMessage *msg;

    bus_client_round_trip(fs->program, IOTD_BUS_NAME);
    while ((msg = bus_client_next(fs->program))) {
        if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_METHOD_CALL)
            suite_fail(__FILE__, __LINE__, "the program is asked to %s",
                       dbus_message_get_member(msg));
        dbus_message_unref(msg);
    }
}

static void check_property(struct firmware_scene *fs, const char *name, const char *want)
{
    CLEANUP(freep)
    char *text = bus_client_get(fs->s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, name);

    if (!text || !strstr(text, want))
        suite_fail(__FILE__, __LINE__, "%s is \"%s\", wanted \"%s\"", name, text ? text : "", want);
}

/* What a person reads. */
static void check_status(const char *code, const char *reason)
{
    CLEANUP(freep) char *program = fixture_build_path("iotctl"), *out = NULL;
    CLEANUP(freep) char *code_row = scene_printf("\ncode      %s\n", code);
    const char *const argv[] = {program, "firmware", "status", NULL};
    const char *row;

    CHECK_INT(proc_run(argv, &out), 0);
    row = out ? strstr(out, "\nreason    ") : NULL;
    if (!row || !strstr(row, reason) || !strstr(out, code_row) || !strstr(out, ", failed"))
        suite_fail(__FILE__, __LINE__, "iotctl says\n%s", out ? out : "nothing");
}

void firmware_scene_check_failed(struct firmware_scene *fs, int code, const char *reason)
{
    static const char *const meanings[] = {"",
                                           "failed: download timed out: ",
                                           "failed: no such file: ",
                                           "failed: signature expired: ",
                                           "failed: MD5 does not match: ",
                                           "failed: update failed: "};
    CLEANUP(freep) char *number = scene_printf("%d", code);
    CLEANUP(json_decrefp) json_t *entry = cloud_wait(fs->s.cloud, "event", "ota_state", "failed: ");
    const char *console = scene_text(entry, "reason");

    if (!strstr(console, meanings[-code]) || !strstr(console, reason))
        suite_fail(__FILE__, __LINE__, "the console shows \"%s\", wanted %d \"%s\"", console, code,
                   reason);
    CHECK(firmware_scene_wait(fs, "State", "failed"));
    check_property(fs, "Code", number);
    check_property(fs, "Reason", reason);
    check_status(number, reason);
}
