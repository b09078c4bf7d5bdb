/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports of one program, as they reach the cloud:
 *
 *   program                       iotd                             cloud
 *   ReportValue(brightness, 32) →
 *                               ← token
 *                                 report {"brightness":32}       →
 *                                                                ← report_reply 0
 *                               ← Completed(token, 0, …)
 *   ReportValue(brightness, 101) →
 *                               ← error OutOfRange; nothing leaves
 */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/scene.h"

/* The next report holds just these params. */
static void check_report(struct scene *s, const char *params)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "report");

    CHECK_JSON(json_object_get(message, "params"), params);
}

static int dbus_send(const char *id, const char *value, char **ret_out)
{
    const char *script = "dbus-send --system --print-reply --dest=org.iotd1 /org/iotd1/device "
                         "org.iotd1.Thing.ReportValue string:\"$1\" variant:\"$2\" 2>&1";

    return proc_run((const char *const[]){"sh", "-c", script, "sh", id, value, NULL}, ret_out);
}

static void test_dbus_send(void)
{
    static const struct {
        const char *id, *value, *error;
    } refused[] = {
        {"brightness", "int32:101", ERR("OutOfRange")},
        {"brightness", "int32:-1", ERR("OutOfRange")},
        {"brightness", "string:5", ERR("WrongType")},
        {"brightness", "boolean:true", ERR("WrongType")},
        {"no_such_id", "int32:1", ERR("UnknownId")},
        {"power_switch", "int32:2", ERR("OutOfRange")},
        {"color", "int32:3", ERR("OutOfRange")},
        {"name", "int32:3", ERR("WrongType")},
    };
    struct scene s;
    CLEANUP(freep) char *out = NULL;

    if (!fixture_has_program("dbus-send"))
        fixture_skip("no dbus-send (Debian: dbus-bin)");
    scene_start(&s, NULL);
    CHECK_INT(dbus_send("brightness", "int32:32", &out), 0);
    CHECK(out && strstr(out, "uint64 "));
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        CLEANUP(freep) char *text = NULL;

        CHECK_INT(dbus_send(refused[i].id, refused[i].value, &text), 1);
        if (!text || !strstr(text, refused[i].error) || !strstr(text, refused[i].id))
            suite_fail(__FILE__, __LINE__, "%s %s: %s", refused[i].id, refused[i].value, text);
    }
    check_report(&s, "{'brightness':32}");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", NULL), 2); /* and the barrier's */
    scene_stop(&s);
}

/* The envelope, and the reply's way back to the program that asked, and to it alone. */
static void test_completion(void)
{
    CLEANUP(json_decrefp) json_t *message = NULL;
    struct bus_client *other = NULL;
    struct scene s;
    uint64_t first, second;

    scene_start(&s, NULL);
    other = bus_client_new();
    bus_client_subscribe(other, IOTD_BUS_NAME);
    first = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 1);
    CHECK_COMPLETED(s.bus, first, 0);
    second = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 2);
    CHECK(second != first && second != 0);
    CHECK_COMPLETED(s.bus, second, 0);
    message = cloud_wait_method(s.cloud, "up", "report");
    CHECK_STR(scene_text(message, "method"), "report");
    CHECK(scene_text(message, "clientToken")[0] != '\0');
    CHECK_JSON(json_object_get(message, "params"), "{'brightness':1}");
    check_report(&s, "{'brightness':2}");
    bus_client_round_trip(other, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(other, "Completed") == NULL);
    CHECK_MSG(bus_client_wait_signal(other, "Changed"), "{\"brightness\":x:1}");
    CHECK_MSG(bus_client_wait_signal(other, "Changed"), "{\"brightness\":x:2}");
    other = bus_client_free(other);
    scene_stop(&s);
}

/* Each line: what a program gives, what the cloud gets. The next one waits for the reply. */
static void test_values(void)
{
    struct scene s;
    uint64_t t;

    scene_start(&s, "[report]\nrate = 1000\n");
#define SENDS(params, ...)                                                                         \
    do {                                                                                           \
        t = thing_token(s.bus, "ReportValue", "sv", __VA_ARGS__);                                  \
        CHECK_COMPLETED(s.bus, t, 0);                                                              \
        check_report(&s, params);                                                                  \
    } while (0)
    SENDS("{'brightness':1}", "brightness", "y", 1);
    SENDS("{'brightness':2}", "brightness", "n", 2);
    SENDS("{'brightness':3}", "brightness", "q", 3);
    SENDS("{'brightness':4}", "brightness", "i", 4);
    SENDS("{'brightness':5}", "brightness", "u", 5U);
    SENDS("{'brightness':6}", "brightness", "x", INT64_C(6));
    SENDS("{'brightness':7}", "brightness", "t", UINT64_C(7));
    SENDS("{'brightness':8}", "brightness", "v", "v", "i", 8);
    SENDS("{'brightness':9}", "brightness", "d", 9.0);
    SENDS("{'net_tx_bytes':9007199254740991}", "net_tx_bytes", "t", UINT64_C(9007199254740991));
    SENDS("{'power_switch':1}", "power_switch", "b", 1);
    SENDS("{'power_switch':0}", "power_switch", "b", 0);
    SENDS("{'power_switch':1}", "power_switch", "i", 1);
    SENDS("{'color':2}", "color", "i", 2);
    SENDS("{'cpu_load':12.5}", "cpu_load", "d", 12.5);
    SENDS("{'cpu_load':0.1}", "cpu_load", "d", 0.1);
    SENDS("{'boot_time':1700000000}", "boot_time", "t", UINT64_C(1700000000));
    SENDS("{'name':''}", "name", "s", "");
    SENDS("{'name':'\\\"q\\\" \\\\ \\n'}", "name", "s", "\"q\" \\ \n");
    SENDS("{'name':'书房 ✓'}", "name", "s", "书房 ✓");
#undef SENDS
    /* An integer for a float is one on the way, too. */
    t = thing_token(s.bus, "ReportValue", "sv", "cpu_load", "i", 5);
    CHECK_COMPLETED(s.bus, t, 0);
    CHECK_THING(s.bus, "d:5 *", "Get", "s", "cpu_load");
    scene_stop(&s);
}

static void test_refused_values(void)
{
    char longer[66];
    struct scene s;

    memset(longer, 'a', sizeof(longer));
    longer[65] = '\0';
    scene_start(&s, NULL);
#define REFUSES(error, ...) CHECK_THING(s.bus, error, "ReportValue", "sv", __VA_ARGS__)
    REFUSES(ERR("OutOfRange"), "brightness", "u", UINT32_MAX);
    REFUSES(ERR("OutOfRange"), "brightness", "x", INT64_MIN);
    REFUSES(ERR("OutOfRange"), "brightness", "t", UINT64_MAX);
    REFUSES(ERR("WrongType"), "brightness", "d", 1.5);
    REFUSES(ERR("WrongType"), "brightness", "d", (double) NAN);
    REFUSES(ERR("WrongType"), "brightness", "o", "/a");
    REFUSES(ERR("WrongType"), "brightness", "ai", 1, 5);
    REFUSES(ERR("WrongType"), "brightness", "(i)", 5);
    REFUSES(ERR("OutOfRange"), "cpu_load", "d", 100.1);
    REFUSES(ERR("OutOfRange"), "cpu_load", "d", (double) NAN);
    REFUSES(ERR("OutOfRange"), "cpu_load", "d", (double) INFINITY);
    REFUSES(ERR("OutOfRange"), "cpu_load", "d", DBL_MAX);
    REFUSES(ERR("WrongType"), "cpu_load", "s", "1");
    REFUSES(ERR("OutOfRange"), "color", "i", -1);
    REFUSES(ERR("WrongType"), "color", "s", "Red");
    REFUSES(ERR("OutOfRange"), "boot_time", "i", -1);
    REFUSES(ERR("OutOfRange"), "name", "s", longer);
    REFUSES(ERR("WrongType"), "power_switch", "s", "on");
    REFUSES(ERR("UnknownId"), "", "i", 1);
    REFUSES(ERR("UnknownId"), "Brightness", "i", 1);
#undef REFUSES
    longer[64] = '\0';
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "name", "s", longer), 0);
    CHECK_ERROR(thing_call(s.bus, "ReportValue", "sv", "brightness", "i", 101), ERR("OutOfRange"),
                "brightness: not within 0 to 100");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", NULL), 2);
    scene_stop(&s);
}

static void test_report_options(void)
{
    CLEANUP(json_decrefp) json_t *message = NULL;
    struct scene s;
    uint64_t t, now = (uint64_t) time(NULL);

    scene_start(&s, "[report]\nrate = 1000\n");
    t = thing_token(s.bus, "Report", "a{sv}a{sv}", 2, "brightness", "s", "32", "power_switch", "s",
                    "on", 2, "text", "b", 1, "no_such_option", "s", "is ignored");
    CHECK_COMPLETED(s.bus, t, 0);
    check_report(&s, "{'brightness':32,'power_switch':1}");
    t = thing_token(s.bus, "Report", "a{sv}a{sv}", 1, "brightness", "i", 33, 1, "timestamp", "t",
                    now - 60);
    CHECK_COMPLETED(s.bus, t, 0);
    message = cloud_wait_method(s.cloud, "up", "report");
    CHECK_INT(json_integer_value(json_object_get(message, "timestamp")), now - 60);
    CHECK_JSON(json_object_get(message, "params"), "{'brightness':33}");
    /* What is older than the newest value does not replace it. */
    CHECK_THING(s.bus, "{\"power_switch\":b:true,\"brightness\":x:32}", "GetAll", "");
    CHECK_THING(s.bus, ERR("WrongType"), "Report", "a{sv}a{sv}", 1, "brightness", "i", 1, 1,
                "timestamp", "s", "now");
    CHECK_THING(s.bus, ERR("OutOfRange"), "Report", "a{sv}a{sv}", 1, "brightness", "i", 1, 1,
                "timestamp", "t", now * 1000);
    CHECK_THING(s.bus, ERR("WrongType"), "Report", "a{sv}a{sv}", 1, "brightness", "s", "abc", 1,
                "text", "b", 1);
    CHECK_THING(s.bus, ERR("WrongType"), "Report", "a{sv}a{sv}", 1, "brightness", "i", 5, 1, "text",
                "b", 1);
    CHECK_THING(s.bus, INVALID_ARGS, "Report", "a{sv}a{sv}", 0, 0);
    CHECK_THING(s.bus, INVALID_ARGS, "Report", "a{sv}a{sv}", 2, "brightness", "i", 1, "brightness",
                "i", 2, 0);
    scene_stop(&s);
}

static void test_report_json(void)
{
    static const struct {
        const char *json, *error;
    } refused[] = {
        {"", ERR("Protocol")},
        {"brightness=1", ERR("Protocol")},
        {"{\"brightness\":1", ERR("Protocol")},
        {"{\"brightness\":1} x", ERR("Protocol")},
        {"[]", ERR("Protocol")},
        {"5", ERR("Protocol")},
        {"{\"brightness\":1,\"brightness\":2}", ERR("Protocol")},
        {"{\"brightness\":99999999999999999999}", ERR("Protocol")},
        {"{\"brightness\":1e999}", ERR("Protocol")},
        {"{}", INVALID_ARGS},
        {"{\"brightness\":1,\"no_such_id\":1}", ERR("UnknownId")},
        {"{\"brightness\":1,\"power_switch\":5}", ERR("OutOfRange")},
        {"{\"brightness\":1,\"power_switch\":\"on\"}", ERR("WrongType")},
        {"{\"brightness\":1,\"power_switch\":null}", ERR("WrongType")},
        {"{\"brightness\":[1]}", ERR("WrongType")},
        {"{\"brightness\":{\"brightness\":1}}", ERR("WrongType")},
        {"{\"name\":\"a\\u0000b\"}", ERR("Protocol")},
    };
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    t = thing_token(s.bus, "ReportJson", "s",
                    "{\"brightness\":32, \"power_switch\":true,"
                    " \"cpu_load\":5.5, \"name\":\"\\u4e66\"}");
    CHECK_COMPLETED(s.bus, t, 0);
    check_report(&s, "{'brightness':32,'power_switch':1,'cpu_load':5.5,'name':'书'}");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        CHECK_THING(s.bus, refused[i].error, "ReportJson", "s", refused[i].json);
    /* Nothing of what was partly wrong came through. */
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", NULL), 2);
    CHECK_THING(s.bus,
                "{\"power_switch\":b:true,\"brightness\":x:32,\"name\":s:\"书\",\"cpu_load\":d:5.5,"
                "\"net_rx_bytes\":x:1}",
                "GetAll", "");
    scene_stop(&s);
}

const char *const suite_name = "02-property-report";
const struct suite_test suite_tests[] = {
    {"dbus-send", test_dbus_send},
    {"completion", test_completion},
    {"values", test_values},
    {"refused-values", test_refused_values},
    {"options", test_report_options},
    {"json", test_report_json},
    {NULL, NULL},
};
