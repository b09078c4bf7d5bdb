/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cloud cannot be had, for each reason that there is:
 *
 *   program                  iotd                        cloud
 *                            CONNECT                   →
 *                                                      ← CONNACK 4 | 5 | 3, or nobody is there
 *   Link.State?  →
 *                ← refused | disabled | waiting; Reason says why, NextTryUSec when
 *
 * iotd answers programs all the time, and never gives up.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

static void start(struct scene *s, const char *endpoint, const char *credentials)
{
    s->iotd = daemon_start(&(struct daemon_options){
        .endpoint = endpoint, .settings = SCENE_LINK, .credentials = credentials});
    s->bus = daemon_bus(s->iotd);
}

static void check_reason(struct scene *s, const char *part)
{
    CLEANUP(freep)
    char *reason = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reason");

    if (!reason || !strstr(reason, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", reason ? reason : "", part);
}

static void check_planned(struct scene *s)
{
    CLEANUP(freep)
    char *at = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "NextTryUSec");

    CHECK(at && strcmp(at, "0") != 0);
}

/* It works for programs all the same. */
static void check_serves(struct scene *s)
{
    CHECK(thing_token(s->bus, "ReportValue", "sv", "brightness", "i", 5) != 0);
    CHECK_THING(s->bus, "x:5 *", "Get", "s", "brightness");
    CHECK(thing_token(s->bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}") != 0);
}

static char *credentials_with(const char *old, const char *new)
{
    CLEANUP(freep)
    char *path = scene_edited_file("wrong.json", "examples/device_info.json", old, new);
    CLEANUP(json_decrefp) json_t *json = json_load_file(path, 0, NULL);

    return json_dumps(json, 0);
}

static void test_wrong_secret(void)
{
    CLEANUP(freep) char *wrong = credentials_with("ZGVzay1vbmx5LXNlY3JldA==", "b3RoZXI=");
    struct scene s = {.cloud = cloud_start(NULL)};

    start(&s, cloud_ws_url(s.cloud), wrong);
    (void) daemon_wait_link(s.iotd, "refused");
    check_reason(&s, "CONNACK 4");
    check_planned(&s);
    check_serves(&s);
    for (int i = 0; i < 2; i++) { /* it tries again */
        json_decref(cloud_wait(s.cloud, "event", "refused", NULL));
        (void) daemon_wait_link(s.iotd, "refused");
    }
    scene_stop(&s);
}

static void test_unknown_device(void)
{
    CLEANUP(freep) char *wrong = credentials_with("lamp_001", "lamp_999");
    struct scene s = {.cloud = cloud_start(NULL)};

    start(&s, cloud_ws_url(s.cloud), wrong);
    (void) daemon_wait_link(s.iotd, "refused");
    check_reason(&s, "CONNACK 2");
    scene_stop(&s);
}

static void test_disabled(void)
{
    CLEANUP(freep)
    char *model = fixture_source_path("examples/smart-light.json"), *config = NULL, *text = NULL;
    struct scene s;

    text = scene_printf("{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"model\":\"%s\","
                        "\"devices\":[{\"device_name\":\"" CLOUD_DEVICE "\",\"secret\":"
                        "\"ZGVzay1vbmx5LXNlY3JldA==\",\"enabled\":false}]}],\"apps\":[]}",
                        model);
    config = fixture_write_file("cloud.json", 0600, text);
    s.cloud = cloud_start(config);
    start(&s, cloud_ws_url(s.cloud), NULL);
    (void) daemon_wait_link(s.iotd, "disabled");
    check_reason(&s, "CONNACK 5");
    check_planned(&s);
    check_serves(&s);
    scene_stop(&s);
}

/* A cloud that grants so many subscriptions only. */
static struct cloud_fixture *cloud_with_subscriptions(unsigned n)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep)
    char *text =
        scene_printf("{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"model\":\"%s\","
                     "\"devices\":[{\"device_name\":\"" CLOUD_DEVICE "\",\"secret\":"
                     "\"ZGVzay1vbmx5LXNlY3JldA==\"}]}],\"apps\":[],"
                     "\"limits\":{\"subscriptions\":%u}}",
                     model, n);
    CLEANUP(freep) char *config = fixture_write_file("cloud.json", 0600, text);

    return cloud_start(config);
}

/* Without a topic that it needs the link is not up, and the person is told which one it is. */
static void test_subscription_refused(void)
{
    CLEANUP(freep) char *program = fixture_build_path("iotctl"), *status = NULL;
    struct scene s = {.cloud = cloud_with_subscriptions(1)};

    start(&s, cloud_ws_url(s.cloud), NULL);
    (void) daemon_wait_link(s.iotd, "waiting");
    check_reason(&s, "the cloud refused the subscription to $thing/down/");
    check_planned(&s);
    check_serves(&s);
    CHECK_INT(proc_run((const char *const[]){program, "status", NULL}, &status), 0);
    if (!status || !strstr(status, "the cloud refused the subscription to $thing/down/"))
        suite_fail(__FILE__, __LINE__, "iotctl status says: %s", status ? status : "(nothing)");
    for (int i = 0; i < 2; i++) { /* it tries again */
        json_decref(cloud_wait(s.cloud, "event", "connect", NULL));
        (void) daemon_wait_link(s.iotd, "waiting");
    }
    scene_stop(&s);
}

/* What it can do without is told, and does not hold up the link. */
static void test_optional_refused(void)
{
    struct scene s = {.cloud = cloud_with_subscriptions(4)};

    start(&s, cloud_ws_url(s.cloud), NULL);
    (void) daemon_wait_link(s.iotd, "up");
    check_reason(&s, "");
    scene_wait_log(&s, "the cloud refused a subscription, going on without topic=");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 9), 0);
    scene_stop(&s);
}

static void test_unavailable(void)
{
    struct scene s = {.cloud = cloud_start(NULL)};

    cloud_fault(s.cloud, "{\"fault\":\"refuse\",\"code\":3,\"count\":1000000}");
    start(&s, cloud_ws_url(s.cloud), NULL);
    (void) daemon_wait_link(s.iotd, "waiting");
    check_reason(&s, "CONNACK 3");
    check_serves(&s);
    cloud_fault(s.cloud, "{\"fault\":\"refuse\",\"code\":3,\"count\":0}");
    (void) daemon_wait_link(s.iotd, "up");
    check_reason(&s, "");
    json_decref(cloud_wait_method(s.cloud, "up", "event_post"));
    scene_stop(&s);
}

static void test_nobody_there(void)
{
    struct cloud_fixture *cloud = cloud_start(NULL);
    CLEANUP(freep) char *url = strdup(cloud_ws_url(cloud));
    struct scene s = {0};

    cloud_kill(cloud); /* its port is free, and nobody else's yet */
    start(&s, url, NULL);
    (void) daemon_wait_link(s.iotd, "waiting");
    check_reason(&s, "127.0.0.1 port");
    check_planned(&s);
    check_serves(&s);
    cloud_restart(cloud);
    (void) daemon_wait_link(s.iotd, "up");
    json_decref(cloud_wait_method(cloud, "up", "event_post"));
    s.cloud = cloud;
    scene_stop(&s);
}

/* A name that means nothing: looked up without holding up anybody. */
static void test_no_such_name(void)
{
    struct scene s = {0};
    uint64_t begin;

    start(&s, "ws://host.invalid/mqtt", NULL);
    begin = fixture_now_ms();
    check_serves(&s);
    CHECK(fixture_now_ms() - begin < 1000);
    (void) daemon_wait_link(s.iotd, "waiting");
    check_reason(&s, "host.invalid");
    check_serves(&s);
    s.iotd = daemon_stop(s.iotd);
}

/* Somebody is there who is no such cloud. */
static void test_other_servers(void)
{
    static const char *const schemes[] = {"ws", "mqtt"};
    struct cloud_fixture *cloud = cloud_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        CLEANUP(freep)
        char *url = scene_printf("%s://127.0.0.1:%d", schemes[i], cloud_http_port(cloud));
        struct scene s = {0};

        start(&s, url, NULL);
        (void) daemon_wait_link(s.iotd, "waiting");
        check_reason(&s, " ");
        check_serves(&s);
        s.iotd = daemon_stop(s.iotd);
    }
    cloud = cloud_stop(cloud);
}

/* A second bus with a second iotd on it. */
static struct proc *other_bus(char **ret_address)
{
    struct proc *p = proc_start(
        (const char *const[]){"dbus-daemon", "--session", "--nofork", "--print-address=1", NULL});

    *ret_address = proc_wait_line(p, PROC_STDOUT, "unix:");
    return p;
}

/* Two with one identity: the cloud closes the older one each time; both notice, and say so. */
static void test_conflict(void)
{
    CLEANUP(freep)
    char *address = NULL, *program = fixture_build_path("iotd"),
         *credentials = fixture_test_path("device_info.json"),
         *config = fixture_test_path("iotd.conf"), *state = fixture_test_path("two"),
         *model = fixture_source_path("examples/smart-light.json");
    struct proc *bus, *twin;
    struct scene s;

    scene_start(&s, NULL);
    bus = other_bus(&address);
    twin = proc_start((const char *const[]){
        program, "--config", config, "--credentials", credentials, "--model", model, "--state-dir",
        state, "--bus", address, "--endpoint", cloud_ws_url(s.cloud), NULL});
    (void) daemon_wait_link(s.iotd, "conflict");
    check_reason(&s, "another client uses this device's identity");
    check_serves(&s);
    twin = proc_stop(twin);
    (void) daemon_wait_link(s.iotd, "up");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 9), 0);
    bus = proc_kill(bus);
    scene_stop(&s);
}

const char *const suite_name = "07-link-refused";
const struct suite_test suite_tests[] = {
    {"wrong-secret", test_wrong_secret},
    {"unknown-device", test_unknown_device},
    {"disabled", test_disabled},
    {"subscription-refused", test_subscription_refused},
    {"optional-refused", test_optional_refused},
    {"unavailable", test_unavailable},
    {"nobody-there", test_nobody_there},
    {"no-such-name", test_no_such_name},
    {"other-servers", test_other_servers},
    {"conflict", test_conflict},
    {NULL, NULL},
};
