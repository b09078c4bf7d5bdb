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
 *
 * The same over a session that the cloud kept: then without SUBSCRIBE.
 */

#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/strbuf.h"
#include "tests/lib/scene.h"

#define DEVICE_CALL(s, member, ...)                                                                \
    scene_call((s)->bus, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, member, __VA_ARGS__)

/* One line of the journal, by the method or type of the message or the name of the event. */
static const char *name_of(const json_t *entry, const json_t *payload)
{
    if (strcmp(scene_text(entry, "direction"), "event") == 0)
        return scene_text(entry, "event");
    return *scene_text(payload, "method") ? scene_text(payload, "method")
                                          : scene_text(payload, "type");
}

/* What the device sent, and what happened, since it said goodbye; what came down is left out. */
static char *since_goodbye(struct scene *s)
{
    CLEANUP(freep) char *journal = cloud_journal(s->cloud), *text = NULL;
    char *rest = journal, *line;
    struct strbuf sb;

    strbuf_init(&sb, 65536);
    while ((line = strsep(&rest, "\n"))) {
        CLEANUP(json_decrefp) json_t *entry = json_loads(line, 0, NULL);
        CLEANUP(json_decrefp) json_t *payload = json_loads(scene_text(entry, "payload"), 0, NULL);

        if (!entry || strcmp(scene_text(entry, "direction"), "down") == 0)
            continue;
        if (strcmp(name_of(entry, payload), "disconnect") == 0) {
            strbuf_done(&sb);
            strbuf_init(&sb, 65536);
            continue;
        }
        strbuf_addf(&sb, "%s%s", sb.len ? " " : "", name_of(entry, payload));
    }
    return strbuf_finish(&sb, &text) == 0 ? TAKE(text) : NULL;
}

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

/* The link is switched off and on, and everything waits: what happened up to the first report. */
static char *come_back(struct scene *s, const char *mac)
{
    CLEANUP(freep) char *info = scene_printf("{\"mac\":\"%s\"}", mac);
    uint64_t t;

    (void) daemon_wait_link(s->iotd, "off");
    CHECK_MSG(DEVICE_CALL(s, "UpdateInfoJson", "s", info), "");
    json_decref(cloud_wait(s->cloud, "event", "disconnect", NULL));
    (void) thing_token(s->bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3.1}");
    t = thing_token(s->bus, "ReportValue", "sv", "brightness", "i", 7);
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    CHECK_COMPLETED(s->bus, t, 0);
    return since_goodbye(s);
}

/* The first messages, strictly, over a session that was kept: there is nothing to subscribe. */
static void test_resumed(void)
{
    CLEANUP(freep) char *text = NULL;
    struct scene s;

    scene_start(&s, "[firmware]\nversion = 1.0.2\n");
    /* The answer comes behind the PUBACK of the version: the session has nothing to repeat. */
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 6), 0);
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    text = come_back(&s, "1");
    CHECK_STR(text, "connect get report_version report_info get_status event_post report");
    scene_stop(&s);
}

/* What a user set meanwhile is applied, answered and no longer wanted; over a new session. */
static void test_desired(void)
{
    CLEANUP(json_decrefp) json_t *state = NULL;
    struct scene s;

    scene_start(&s, "[link]\nclean_session = yes\n[firmware]\nversion = 1.0.2\n");
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    (void) daemon_wait_link(s.iotd, "off");
    json_decref(cloud_wait(s.cloud, "event", "disconnect", NULL));
    json_decref(cloud_control(s.cloud, "{\"brightness\":66}"));
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Controlled"), "{\"brightness\":x:66}");
    json_decref(cloud_wait_method(s.cloud, "up", "clear_control"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    state = cloud_state(s.cloud);
    CHECK(!json_object_get(json_array_get(json_object_get(state, "devices"), 0), "desired"));
    scene_stop(&s);
}

/* The cloud shows the version; a refusal is in the log. */
static void test_version(void)
{
    CLEANUP(json_decrefp) json_t *state = NULL;
    struct scene s;

    scene_start(&s, "[firmware]\nversion = 1.0.2\n");
    json_decref(cloud_wait(s.cloud, "down", "$ota/update", "report_version_rsp"));
    state = cloud_state(s.cloud);
    CHECK_STR(scene_text(json_array_get(json_object_get(state, "devices"), 0), "version"), "1.0.2");
    cloud_fault(s.cloud, "{\"fault\":\"wrong_code\",\"method\":\"report_version_rsp\",\"code\":7,"
                         "\"count\":1}");
    cloud_fault(s.cloud, "{\"fault\":\"drop\"}");
    scene_wait_log(&s, "the cloud refused the version code=7");
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
    {"resumed", test_resumed},
    {"desired", test_desired},
    {"version", test_version},
    {"without_answers", test_without_answers},
    {"info", test_info},
    {NULL, NULL},
};
