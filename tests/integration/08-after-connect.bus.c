/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iotd says after a connect, and in which order:
 *
 *   program                       iotd                            cloud
 *                                                                 (dead)
 *   UpdateInfo, PostEvent,    →
 *   ReportValue
 *                                                                 (starts)
 *                                 report_version                →
 *                                 report_info                   →
 *                                 get_status                    →
 *                                 event_post                    →
 *                                 report                        →
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define DEVICE_CALL(s, member, ...)                                                                \
    scene_call((s)->bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, member, __VA_ARGS__)

static void wait_in_order(struct scene *s)
{
    json_t *version = cloud_wait(s->cloud, "up", "$ota/report", "report_version");
    json_t *info, *status;

    CHECK(strstr(scene_text(version, "payload"), "\"1.0.2\""));
    info = cloud_wait_method(s->cloud, "up", "report_info");
    CHECK_JSON(json_object_get(info, "params"), "{'mac':'02:00:00:00:00:01'}");
    status = cloud_wait_method(s->cloud, "up", "get_status");
    CHECK_STR(scene_text(status, "type"), "report");
    json_decref(cloud_wait_method(s->cloud, "up", "event_post"));
    json_decref(cloud_wait_method(s->cloud, "up", "report"));
    json_decref(status);
    json_decref(info);
    json_decref(version);
}

static void test_order(void)
{
    struct scene s;
    uint64_t t;

    scene_start(&s, "[firmware]\nversion = 1.0.2\n");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"mac\":\"02:00:00:00:00:01\"}"), "");
    (void) thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3.1}");
    t = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 7);
    cloud_restart(s.cloud);
    wait_in_order(&s);
    CHECK_COMPLETED(s.bus, t, 0);
    scene_stop(&s);
}

/* A cloud that answers nothing holds nothing up. */
static void test_without_answers(void)
{
    struct scene s;

    scene_start(&s, "[firmware]\nversion = 1.0.2\n");
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"mac\":\"02:00:00:00:00:01\"}"), "");
    json_decref(cloud_wait_method(s.cloud, "down", "report_info_reply"));
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"imei\":\"1\"}"), "");
    json_decref(cloud_wait_method(s.cloud, "up", "report_info"));
    cloud_fault(s.cloud, "{\"fault\":\"drop\"}");
    (void) thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3.1}");
    json_decref(cloud_wait(s.cloud, "up", "$ota/report", "report_version"));
    json_decref(cloud_wait_method(s.cloud, "up", "report_info"));
    json_decref(cloud_wait_method(s.cloud, "up", "get_status"));
    json_decref(cloud_wait_method(s.cloud, "up", "event_post"));
    scene_stop(&s);
}

/* Told once; told again only when it is another. */
static void test_info(void)
{
    CLEANUP(freep) char *journal = NULL;
    struct scene s;
    json_t *state;
    const char *at;

    scene_start(&s, NULL);
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfo", "a{sv}", 2, "name", "s", "lamp", "device_label",
                          "a{sv}", 1, "batch", "s", "7"),
              "");
    json_decref(cloud_wait_method(s.cloud, "down", "report_info_reply"));
    state = cloud_state(s.cloud);
    CHECK_JSON(json_object_get(json_array_get(json_object_get(state, "devices"), 0), "info"),
               "{'name':'lamp','device_label':{'batch':'7'}}");
    json_decref(state);

    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    json_decref(cloud_wait_method(s.cloud, "down", "get_status_reply"));
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"name\":\"lamp\"}"), "");
    CHECK_MSG(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"name\":\"\",\"mac\":\"1\"}"), "");
    json_decref(cloud_wait_method(s.cloud, "down", "report_info_reply"));
    journal = cloud_journal(s.cloud);
    at = strstr(journal, "report_info\\\"");
    at = at ? strstr(at + 1, "report_info\\\"") : NULL;
    CHECK(at && strstr(at, "\\\"mac\\\":\\\"1\\\""));
    CHECK(at && !strstr(at + 1, "report_info\\\""));

    CHECK_ERROR(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"colour\":\"red\"}"), INVALID_ARGS,
                "colour");
    CHECK_ERROR(DEVICE_CALL(&s, "UpdateInfoJson", "s", "{\"mac\":5}"), ERR("WrongType"), "mac");
    CHECK_ERROR(DEVICE_CALL(&s, "UpdateInfoJson", "s", "[]"), INVALID_ARGS, "");
    CHECK_ERROR(DEVICE_CALL(&s, "UpdateInfo", "a{sv}", 1, "mac", "i", 5), ERR("WrongType"), "");
    scene_stop(&s);
}

const char *const suite_name = "08-after-connect";
const struct suite_test suite_tests[] = {
    {"order", test_order},
    {"without_answers", test_without_answers},
    {"info", test_info},
    {NULL, NULL},
};
