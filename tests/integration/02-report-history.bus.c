/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A property that keeps every value:
 *
 *   meter                           iotd                             cloud
 *                                                                    (dead)
 *   ReportValue(uptime, 1 … N)  →
 *                               ← N tokens, each when it is on disk
 *                                   ✕ (kill -9), starts again
 *                                                                    (starts)
 *                                   report {"uptime":1} … N, in order, QoS 1 →
 *                               ← N × Completed(…, 0, …), those of the last run only
 */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/scene.h"

#define N 60
#define FAST "[report]\nrate = 1000\n[outbox]\nrate = 0\n"
#define HISTORY FAST "[property.uptime]\nhistory = yes\n"

static void start(struct scene *s, const char *settings)
{
    static const char config[] =
        "{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"product_secret\":\"x\","
        "\"name\":\"Meter\",\"model\":\"%s/examples/smart-light.json\",\"devices\":["
        "{\"device_name\":\"" CLOUD_DEVICE "\",\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]}],"
        "\"apps\":[{\"app_key\":\"deskappkey\",\"app_secret\":\"desk-only-app-secret\"}],"
        "\"limits\":{\"up_rate\":0,\"session_interval_ms\":5}}";
    CLEANUP(freep) char *srcdir = realpath(getenv("IOTD_SRCDIR"), NULL);
    CLEANUP(freep) char *text = scene_printf(config, srcdir);
    CLEANUP(freep) char *path = fixture_write_file("meter-cloud.json", 0600, text);

    scene_start_with(s, settings, path, NULL);
}

/* The next report of it in the cloud: its value, its time, its QoS. */
static int64_t next_report(struct scene *s, const char *id, int64_t *ret_timestamp, int *ret_qos)
{
    CLEANUP(freep) char *text = scene_printf("{\"%s\":", id);
    CLEANUP(json_decrefp) json_t *entry = cloud_wait(s->cloud, "up", "property", text);
    CLEANUP(json_decrefp) json_t *message = json_loads(scene_text(entry, "payload"), 0, NULL);
    const json_t *params = json_object_get(message, "params");

    CHECK_INT(json_object_size(params), 1);
    *ret_timestamp = json_integer_value(json_object_get(message, "timestamp"));
    *ret_qos = scene_int(entry, "qos");
    return json_integer_value(json_object_get(params, id));
}

static int64_t next_sample(struct scene *s, int64_t *ret_timestamp)
{
    int qos;
    int64_t value = next_report(s, "uptime", ret_timestamp, &qos);

    CHECK_INT(qos, 1);
    return value;
}

static void away(struct scene *s)
{
    cloud_kill(s->cloud);
    (void) daemon_wait_link(s->iotd, "waiting");
}

/* All of an outage, over a kill, in order and with the time at which they were. */
static void test_outage(void)
{
    struct bus_client *meter;
    struct scene s;
    uint64_t tokens[N];
    int64_t timestamp, before = (int64_t) time(NULL);

    start(&s, HISTORY);
    meter = bus_client_new();
    away(&s);
    for (int i = 0; i < N / 2; i++)
        tokens[i] = thing_token(meter, "ReportValue", "sv", "uptime", "x", (int64_t) i);
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    CHECK(bus_client_wait_owner(meter, IOTD_BUS_NAME, true));
    CHECK_THING(meter, "x:29 *", "Get", "s", "uptime"); /* the newest survived as well */
    for (int i = N / 2; i < N; i++) {
        tokens[i] = thing_token(meter, "ReportValue", "sv", "uptime", "x", (int64_t) i);
        CHECK(tokens[i] > tokens[i - 1]);
    }
    cloud_restart(s.cloud);
    for (int i = 0; i < N; i++) {
        CHECK_INT(next_sample(&s, &timestamp), i);
        CHECK(timestamp >= before && timestamp <= (int64_t) time(NULL));
    }
    for (int i = N / 2; i < N; i++)
        CHECK_COMPLETED(meter, tokens[i], 0);
    /* Nothing more of it: neither twice nor as a newest value. */
    CHECK_COMPLETED(meter, thing_token(meter, "ReportValue", "sv", "brightness", "i", 3), 0);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", "uptime"), N);
    meter = bus_client_free(meter);
    scene_stop(&s);
}

/* Killed again and again with samples on their way: none is missing, the order is kept. */
static void test_killed_often(void)
{
    struct scene s;
    int64_t last = -1, value, timestamp;
    int n = 0;

    start(&s, HISTORY);
    for (int life = 0; life < 4; life++) {
        for (int i = 0; i < 10; i++, n++)
            (void) thing_token(s.bus, "ReportValue", "sv", "uptime", "x", (int64_t) n);
        daemon_kill(s.iotd);
        daemon_start_again(s.iotd);
    }
    while (last < n - 1) { /* what was not answered before a kill comes twice */
        value = next_sample(&s, &timestamp);
        CHECK(value <= last + 1);
        if (value > last + 1)
            break;
        last = value > last ? value : last;
    }
    scene_stop(&s);
}

/* A program asks for it when it registers; the settings about one property win. */
static void test_asked(void)
{
    struct bus_client *meter;
    struct scene s;
    int64_t timestamp, then = (int64_t) time(NULL) - 100;
    uint64_t t[3];
    int qos;

    start(&s, FAST "[property.cpu_load]\nhistory = no\n");
    meter = bus_client_new();
    CHECK_MSG(scene_call(meter, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register", "asasasoa{sv}", 2,
                         "uptime", "cpu_load", 0, 0, SCENE_HANDLER, 1, "policy", "a{sv}", 2,
                         "uptime", "a{sv}", 1, "history", "b", 1, "cpu_load", "a{sv}", 1, "history",
                         "b", 1),
              "");
    away(&s);
    for (int i = 0; i < 2; i++)
        t[i] = thing_token(meter, "Report", "a{sv}a{sv}", 2, "uptime", "x", (int64_t) i, "cpu_load",
                           "d", i + 0.5, 0);
    t[2] = thing_token(meter, "Report", "a{sv}a{sv}", 1, "uptime", "x", (int64_t) 2, 1, "timestamp",
                       "t", (uint64_t) then);
    cloud_restart(s.cloud);
    for (int i = 0; i < 3; i++)
        CHECK_COMPLETED(meter, t[i], 0);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "report", "cpu_load"), 1); /* merged, and not with uptime */
    CHECK_INT(scene_count(&s, "up", "report", "uptime"), 3);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(next_sample(&s, &timestamp), i);
        CHECK(i == 2 ? timestamp == then : timestamp > then);
    }

    /* What it asks for ends with it, or when it registers anew. */
    CHECK_MSG(scene_register(meter, "uptime", "", ""), "");
    CHECK_COMPLETED(meter, thing_token(meter, "ReportValue", "sv", "uptime", "x", (int64_t) 5), 0);
    CHECK_INT(next_report(&s, "uptime", &timestamp, &qos), 5);
    CHECK(qos == 0 && timestamp == 0);
    meter = bus_client_free(meter);
    scene_stop(&s);
}

/* A registration that is wrong in its policy registers nothing. */
static void test_refused(void)
{
    struct scene s;

    start(&s, NULL);
#define REGISTER(...)                                                                              \
    scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register", "asasasoa{sv}", 1, "uptime", \
               0, 0, SCENE_HANDLER, 1, "policy", __VA_ARGS__)
    CHECK_ERROR(REGISTER("a{sv}", 1, "cpu_load", "a{sv}", 1, "history", "b", 1), INVALID_ARGS,
                "cpu_load");
    CHECK_ERROR(REGISTER("a{sv}", 1, "uptime", "a{sv}", 1, "history", "s", "yes"), ERR("WrongType"),
                "uptime");
    CHECK_ERROR(REGISTER("a{sv}", 1, "uptime", "b", 1), ERR("WrongType"), "uptime");
    CHECK_ERROR(REGISTER("b", 1), ERR("WrongType"), "policy");
    CHECK_THING(s.bus, ERR("NotOwner"), "Unregister", "asasas", 1, "uptime", 0, 0);
    CHECK_MSG(REGISTER("a{sv}", 1, "uptime", "a{sv}", 1, "no_such_key", "s", "is ignored"), "");
#undef REGISTER
    scene_stop(&s);
}

/* A full queue is said, and nothing of the report is taken. */
static void test_full(void)
{
    struct scene s;

    start(&s, HISTORY "[outbox]\nmax_events = 2\n[quota]\noutbox_share = 100\n");
    away(&s);
    for (int i = 1; i <= 2; i++)
        (void) thing_token(s.bus, "ReportValue", "sv", "uptime", "x", (int64_t) i);
    CHECK_THING(s.bus, ERR("Full"), "Report", "a{sv}a{sv}", 2, "uptime", "x", (int64_t) 3,
                "brightness", "i", 3, 0);
    CHECK_THING(s.bus, "{\"uptime\":x:2}", "GetAll", "");
    scene_stop(&s);
}

const char *const suite_name = "report-history";
const struct suite_test suite_tests[] = {
    {"outage", test_outage}, {"killed_often", test_killed_often},
    {"asked", test_asked},   {"refused", test_refused},
    {"full", test_full},     {NULL, NULL},
};
