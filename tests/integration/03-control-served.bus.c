/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control that a program serves, and every way in which it may fail to:
 *
 *   cloud                          iotd                        lamp
 *   control {"brightness":50} →
 *                                  Handler.Control(…, token) →
 *                                                            ← (0, "")
 *                                ← control_reply 0
 *                                ← report {"brightness":50}
 *                                  Changed {"brightness":50} →
 *
 * refuses: control_reply with its code and text · error: 405 or its own, bad answer: 503 · hangs:
 * 408 after thing.control_timeout · ends: 405 at once. Exactly one control_reply each.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define ONE_SECOND "[thing]\ncontrol_timeout = 1\n"

static struct bus_client *new_lamp(const char *properties)
{
    struct bus_client *bc = bus_client_new();

    CHECK_MSG(scene_register(bc, properties, "", ""), "");
    return bc;
}

static DBusMessage *control(struct scene *s, struct bus_client *lamp, const char *values)
{
    json_decref(cloud_control(s->cloud, values));
    return bus_client_wait_call(lamp, "Control");
}

static void check_replies(struct scene *s, unsigned n)
{
    scene_barrier();
    CHECK_INT(scene_count(s, "up", "control_reply", NULL), n);
}

static void test_accepted(void)
{
    CLEANUP(json_decrefp) json_t *down = NULL, *up = NULL, *report = NULL;
    CLEANUP(freep) char *context = NULL;
    struct bus_client *lamp;
    DBusMessage *call;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp("brightness power_switch");
    call = control(&s, lamp, "{\"brightness\":50,\"power_switch\":1}");
    CHECK_STR(dbus_message_get_path(call), SCENE_HANDLER);
    CHECK_STR(dbus_message_get_interface(call), IOTD_IFACE_HANDLER);
    down = cloud_wait_method(s.cloud, "down", "control");
    context = scene_printf("{\"brightness\":x:50,\"power_switch\":b:true} {\"token\":s:\"%s\"}",
                           scene_text(down, "clientToken"));
    CHECK_MSG(dbus_message_ref(call), context);
    CHECK_THING(s.bus, ERR("NotReady"), "Get", "s", "brightness"); /* not before it accepts */
    scene_reply(lamp, call, "is", 0, "");

    up = cloud_wait_method(s.cloud, "up", "control_reply");
    CHECK_STR(scene_text(up, "clientToken"), scene_text(down, "clientToken"));
    CHECK_JSON(json_object_get(up, "code"), "0");
    report = cloud_wait_method(s.cloud, "up", "report");
    CHECK_JSON(json_object_get(report, "params"), "{'brightness':50,'power_switch':1}");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Changed"),
              "{\"brightness\":x:50,\"power_switch\":b:true}");
    CHECK_THING(s.bus, "x:50 *", "Get", "s", "brightness");
    CHECK(bus_client_take_signal(s.bus, "Controlled") == NULL);
    check_replies(&s, 1);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* What the program reports while it works on the control is newer than the control. */
static void test_reports_other_value(void)
{
    CLEANUP(json_decrefp) json_t *report = NULL;
    struct bus_client *lamp;
    DBusMessage *call;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp("brightness");
    call = control(&s, lamp, "{\"brightness\":50}");
    CHECK_COMPLETED(lamp, thing_token(lamp, "ReportValue", "sv", "brightness", "i", 49), 0);
    scene_reply(lamp, call, "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_THING(lamp, "x:49 *", "Get", "s", "brightness");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", "\"brightness\":50"), 0);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_refused(void)
{
    static const struct {
        int code;
        const char *text;
    } refusals[] = {
        {1, "the lamp is too hot"},
        {423, ""},
        {599, "quote \" and \\ and\nline"},
        {406, "灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯灯"},
    };
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp("brightness");
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        DBusMessage *call = control(&s, lamp, "{\"brightness\":50}");
        CLEANUP(freep) char *start = strndup(refusals[i].text, 60); /* ends between characters */

        scene_reply(lamp, call, "is", refusals[i].code, refusals[i].text);
        CHECK_ANSWER(&s, "control_reply", refusals[i].code, start);
        check_replies(&s, (unsigned) i + 1);
    }
    CHECK_THING(lamp, ERR("NotReady"), "Get", "s", "brightness");
    CHECK_INT(scene_count(&s, "up", "report", "brightness"), 0);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_bad_answers(void)
{
    struct bus_client *lamp;
    struct scene s;
    unsigned n = 0;

    scene_start(&s, NULL);
    lamp = new_lamp("brightness");
#define ANSWERS(code, ...)                                                                         \
    do {                                                                                           \
        scene_reply(lamp, control(&s, lamp, "{\"brightness\":50}"), __VA_ARGS__);                  \
        CHECK_ANSWER(&s, "control_reply", code, "");                                               \
        check_replies(&s, ++n);                                                                    \
    } while (0)
    ANSWERS(503, "");
    ANSWERS(503, "i", 0);
    ANSWERS(503, "us", 0U, "");
    ANSWERS(503, "isi", 0, "", 0);
    ANSWERS(503, "is", -1, "");
    ANSWERS(503, "is", 600, "");
#undef ANSWERS
    scene_reply_error(lamp, control(&s, lamp, "{\"brightness\":50}"), "com.example.Broken",
                      "a wire is loose");
    CHECK_ANSWER(&s, "control_reply", 405, "a wire is loose");
    scene_reply_error(lamp, control(&s, lamp, "{\"brightness\":50}"), ERR("OutOfRange"),
                      "brighter than I can");
    CHECK_ANSWER(&s, "control_reply", 406, "brighter than I can");
    scene_reply_error(lamp, control(&s, lamp, "{\"brightness\":50}"),
                      "org.freedesktop.DBus.Error.UnknownMethod", "what is a Control?");
    CHECK_ANSWER(&s, "control_reply", 405, "what is");
    check_replies(&s, n + 3);
    CHECK_THING(lamp, ERR("NotReady"), "Get", "s", "brightness");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_hangs(void)
{
    struct bus_client *lamp;
    DBusMessage *call;
    struct scene s;
    uint64_t begin;

    scene_start(&s, ONE_SECOND);
    lamp = new_lamp("brightness");
    CHECK_MSG(scene_call(lamp, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "lamp", 0),
              "*");
    call = control(&s, lamp, "{\"brightness\":50}");
    begin = fixture_now_ms();
    CHECK_ANSWER(&s, "control_reply", 408, "lamp");
    CHECK(fixture_now_ms() - begin < 3000);
    scene_reply(lamp, call, "is", 0, ""); /* too late */
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    check_replies(&s, 1);
    CHECK_THING(lamp, ERR("NotReady"), "Get", "s", "brightness");
    /* It is served again when it is back. */
    scene_reply(lamp, control(&s, lamp, "{\"brightness\":51}"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_dies(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = new_lamp("brightness");
    msg_unref(control(&s, lamp, "{\"brightness\":50}"));
    lamp = bus_client_free(lamp);
    CHECK_ANSWER(&s, "control_reply", 405, "ended");
    check_replies(&s, 1);
    scene_stop(&s);
}

/* Who gives an id back while it works on a control still has to answer it. */
static void test_gives_back(void)
{
    struct bus_client *lamp, *next;
    DBusMessage *call;
    struct scene s;

    scene_start(&s, ONE_SECOND);
    lamp = new_lamp("brightness");
    next = bus_client_new();
    call = control(&s, lamp, "{\"brightness\":50}");
    CHECK_THING(lamp, "", "Unregister", "asasas", 0, 0, 0);
    CHECK_MSG(scene_register(next, "brightness", "", ""), "");
    scene_reply(lamp, call, "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    call = control(&s, next, "{\"brightness\":51}");
    CHECK_THING(next, "", "Unregister", "asasas", 1, "brightness", 0, 0);
    scene_reply(next, call, "i", 0); /* badly */
    CHECK_ANSWER(&s, "control_reply", 503, "");
    CHECK_MSG(scene_register(next, "brightness", "", ""), "");
    call = control(&s, next, "{\"brightness\":52}");
    CHECK_THING(next, "", "Unregister", "asasas", 1, "brightness", 0, 0);
    CHECK_ANSWER(&s, "control_reply", 408, "");
    CHECK_MSG(scene_register(next, "brightness", "", ""), "");
    msg_unref(call);
    call = control(&s, next, "{\"brightness\":53}");
    CHECK_THING(next, "", "Unregister", "asasas", 1, "brightness", 0, 0);
    next = bus_client_free(next);
    CHECK_ANSWER(&s, "control_reply", 405, "ended");
    msg_unref(call);
    lamp = bus_client_free(lamp);
    check_replies(&s, 4);
    scene_stop(&s);
}

const char *const suite_name = "03-control-served";
const struct suite_test suite_tests[] = {
    {"accepted", test_accepted},     {"reports-other-value", test_reports_other_value},
    {"refused", test_refused},       {"bad-answers", test_bad_answers},
    {"hangs", test_hangs},           {"dies", test_dies},
    {"gives-back", test_gives_back}, {NULL, NULL},
};
