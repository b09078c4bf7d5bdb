/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and resources that programs send, and resources that the maker sends:
 *
 *   program                            iotd                              cloud
 *   Upload(descriptor)            →    request_url                  →
 *   ← /org/iotd1/transfer/N            ← request_url_resp
 *                                      PUT                          →
 *   ← State done, Token                report_post_result           →
 *   RequestAsr(token)             →    request_asr                  →
 *   Resources.Upload              →    create_upload_task, PUT, report_upload_progress
 *   ← Received                         download, GET, report_download_progress
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/file-scene.h"

/* The answer to Upload. */
static DBusMessage *upload(struct bus_client *bc, const char *iface, int fd, const char *name,
                           const char *version)
{
    DBusMessage *call = bus_client_new_call(IOTD_DEVICE_PATH, iface, "Upload");

    CHECK(dbus_message_append_args(call, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID));
    if (version)
        msg_add(call, "sa{sv}", name, 2, "version", "s", version, "type", "s", "AUDIO");
    else
        msg_add(call, "sa{sv}", name, 0);
    return bus_client_call(bc, call);
}

/* Its object; the caller's. */
static char *begin(struct bus_client *bc, const char *iface, int fd, const char *name,
                   const char *version)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = upload(bc, iface, fd, name, version);
    const char *path = "";

    CHECK(reply &&
          dbus_message_get_args(reply, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID));
    return strdup(path);
}

static void check_property(struct bus_client *bc, const char *path, const char *name,
                           const char *want)
{
    CLEANUP(freep) char *text = bus_client_get(bc, path, IOTD_IFACE_TRANSFER, name);

    CHECK_STR(text, want);
}

static void wait_state(struct bus_client *bc, const char *path, const char *state)
{
    CHECK(bus_client_wait_property(bc, path, IOTD_IFACE_TRANSFER, "State", state));
}

static void test_file(void)
{
    CLEANUP(freep) char *path = NULL, *token = NULL;
    struct scene s;
    int fd;

    scene_start(&s, NULL);
    fd = file_scene_memfd(500000);
    path = begin(s.bus, IOTD_IFACE_FILES, fd, "door photo.jpg", "3");
    (void) close(fd);
    wait_state(s.bus, path, "done");
    check_property(s.bus, path, "Kind", "file-upload");
    check_property(s.bus, path, "Name", "door photo.jpg");
    check_property(s.bus, path, "Size", "500000");
    check_property(s.bus, path, "Done", "500000");
    check_property(s.bus, path, "Result", "0");
    token = bus_client_get(s.bus, path, IOTD_IFACE_TRANSFER, "Token");
    CHECK(token && *token);
    json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "report_post_result"));
    file_scene_wait_status(&s, "file", "door photo.jpg", "done");
    CHECK_ERROR(scene_call(s.bus, path, IOTD_IFACE_TRANSFER, "Cancel", ""), ERR("UnknownId"),
                "ended");
    CHECK_MSG(FILES(s.bus, "RequestAsr", "ss", token, "{\"req_type\":0}"), "");
    {
        CLEANUP(freep) char *want = scene_printf("\"resource_token\":\"%s\"", token);

        json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", want));
    }
    scene_stop(&s);
}

static void test_refused(void)
{
    int pipes[2], fd = file_scene_memfd(10);
    struct scene s;

    scene_start(&s, NULL);
    CHECK_INT(pipe2(pipes, O_CLOEXEC), 0);
    CHECK_ERROR(upload(s.bus, IOTD_IFACE_FILES, pipes[0], "a", NULL), INVALID_ARGS,
                "not a regular file");
    CHECK_ERROR(upload(s.bus, IOTD_IFACE_FILES, fd, "../a", NULL), INVALID_ARGS, "cannot be");
    CHECK_ERROR(FILES(s.bus, "RequestAsr", "ss", "", ""), INVALID_ARGS, "token");
    cloud_fault(s.cloud, "{\"fault\":\"wrong_code\",\"method\":\"request_url_resp\",\"code\":7,"
                         "\"count\":1}");
    {
        CLEANUP(freep) char *path = begin(s.bus, IOTD_IFACE_FILES, fd, "a", NULL);

        wait_state(s.bus, path, "failed");
        check_property(s.bus, path, "Result", "-5");
    }
    cloud_fault(s.cloud, "{\"fault\":\"file\",\"kind\":\"expired\",\"direction\":\"up\"}");
    {
        CLEANUP(freep) char *path = begin(s.bus, IOTD_IFACE_FILES, fd, "a", NULL);

        wait_state(s.bus, path, "failed");
        check_property(s.bus, path, "Result", "-3");
        json_decref(cloud_wait(s.cloud, "up", "$thing/up/service", "\"result_code\":\"-3\""));
    }
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    CHECK_ERROR(upload(s.bus, IOTD_IFACE_FILES, fd, "a", NULL), ERR("LinkDown"), "");
    CHECK_ERROR(RESOURCES(s.bus, "Check", ""), ERR("LinkDown"), "");
    (void) close(fd);
    (void) close(pipes[0]);
    (void) close(pipes[1]);
    scene_stop(&s);
}

static void test_resources(void)
{
    CLEANUP(freep) char *path = NULL;
    struct scene s;
    int fd;

    scene_start(&s, NULL);
    fd = file_scene_memfd(700000);
    path = begin(s.bus, IOTD_IFACE_RESOURCES, fd, "log", NULL);
    wait_state(s.bus, path, "done");
    file_scene_wait_status(&s, "resource", "log", "done");
    CHECK_LOCALCLOUD(&s, 0, "resource", "send", DEVICE_ID, file_scene_file("faces", 200000));
    CHECK_MSG(bus_client_wait_signal(s.bus, "Received"), "\"faces\" {*");
    CHECK_INT(file_scene_compare(&s, IOTD_IFACE_RESOURCES, "faces", 200000), 0);
    file_scene_wait_status(&s, "resource", "faces", "done");
    CHECK_MSG(RESOURCES(s.bus, "Check", ""), "");
    CHECK_MSG(RESOURCES(s.bus, "Delete", "s", "faces"), "");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Removed"), "\"faces\"");
    CHECK_MSG(RESOURCES(s.bus, "List", ""), "[]");
    (void) close(fd);
    scene_stop(&s);
}

/* A program ends a transfer; another one that ends does not. */
static void test_cancel(void)
{
    CLEANUP(freep) char *path = NULL, *other = NULL;
    struct bus_client *program;
    struct scene s;
    int fd;

    scene_start(&s, NULL);
    program = bus_client_new();
    fd = file_scene_memfd(3000000);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    path = begin(program, IOTD_IFACE_FILES, fd, "a", NULL);
    CHECK_MSG(scene_call(s.bus, path, IOTD_IFACE_TRANSFER, "Cancel", ""), "");
    wait_state(s.bus, path, "cancelled");
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    other = begin(program, IOTD_IFACE_FILES, fd, "b", NULL);
    program = bus_client_free(program);
    wait_state(s.bus, other, "done");
    (void) close(fd);
    scene_stop(&s);
}

const char *const suite_name = "21-files-up";
const struct suite_test suite_tests[] = {
    {"file", test_file},
    {"refused", test_refused},
    {"resources", test_resources},
    {"cancel", test_cancel},
    {NULL, NULL},
};
