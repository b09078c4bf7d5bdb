/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs of examples/ with the real iotd and the local cloud: two share one connection, a
 * killed one leaves the other alone and its ids free, a killed iotd finds both again.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libiotclient/base/macro.h"
#include "tests/lib/cloud-fixture.h"
#include "tests/lib/daemon-fixture.h"
#include "tests/lib/suite.h"

struct desk {
    struct cloud_fixture *cloud;
    struct daemon_fixture *daemon;
};

static void desk_init(struct desk *d)
{
    struct daemon_options options = {.endpoint = NULL};

    d->cloud = cloud_start(NULL);
    options.endpoint = cloud_ws_url(d->cloud);
    d->daemon = daemon_start(&options);
    CHECK(daemon_wait_link(d->daemon, "up"));
}

static void desk_done(struct desk *d)
{
    d->daemon = daemon_stop(d->daemon);
    d->cloud = cloud_stop(d->cloud);
}

static struct proc *program(const char *name, const char *a, const char *b)
{
    CLEANUP(freep) char *path = fixture_build_path(name);
    const char *argv[] = {path, a, b, NULL};

    return proc_start(argv);
}

static void wait_line(struct proc *p, const char *text)
{
    free(proc_wait_line(p, PROC_STDOUT, text));
}

static struct proc *start_lamp(void)
{
    struct proc *lamp = program("examples/lamp", NULL, NULL);

    wait_line(lamp, "serving unlock: done");
    return lamp;
}

/* Runs to the end; what it printed. */
static char *run(int wanted_status, const char *name, const char *a, const char *b)
{
    CLEANUP(freep) char *path = fixture_build_path(name);
    const char *argv[] = {path, a, b, NULL};
    char *out = NULL;

    CHECK_INT(proc_run(argv, &out), wanted_status);
    return out;
}

static void check_has(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        suite_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, text ? text : "");
}

/* Up and answered by the lamp. */
static void check_controlled(struct desk *d, int brightness)
{
    json_auto_t *response = NULL, *reply = NULL, *report = NULL;
    char values[64], reported[64];

    (void) snprintf(values, sizeof(values), "{\"brightness\":%d}", brightness);
    (void) snprintf(reported, sizeof(reported), "\"brightness\":%d", brightness);
    response = cloud_control(d->cloud, values);
    CHECK(json_object_get(response, "Error") == NULL);
    reply = cloud_wait_method(d->cloud, "up", "control_reply");
    CHECK_INT(json_integer_value(json_object_get(reply, "code")), 0);
    report = cloud_wait(d->cloud, "up", "property", reported);
    CHECK(report != NULL);
}

static void test_shared(void)
{
    CLEANUP(freep) char *status = NULL;
    static const char *const history[] = {NULL};
    json_auto_t *events = NULL, *lamp_report = NULL, *host_report = NULL;
    CLEANUP(freep) char *events_text = NULL;
    struct proc *lamp, *hostmon;
    struct desk d;

    desk_init(&d);
    lamp = start_lamp();
    lamp_report = cloud_wait(d.cloud, "up", "property", "\"brightness\":50");
    hostmon = program("examples/hostmon", NULL, NULL);
    host_report = cloud_wait(d.cloud, "up", "property", "\"uptime\":");
    json_decref(cloud_wait(d.cloud, "up", "property", "\"cpu_load\":"));
    wait_line(lamp, "status_report: done");
    events = cloud_app(d.cloud, "AppListEventHistory", history);
    events_text = json_dumps(events, 0);
    check_has(events_text, "\"status_report\"");
    check_controlled(&d, 71);

    status = run(0, "iotctl", "status", NULL);
    check_has(status, "program   lamp  ");
    check_has(status, "program   hostmon  ");
    check_has(status, "\n          properties: cpu_load memory_used ");
    check_has(status, " 0 reconnects\n");
    lamp = proc_stop(lamp);
    hostmon = proc_stop(hostmon);
    desk_done(&d);
}

static void test_action(void)
{
    static const char *const args[] = {"ActionId=unlock",
                                       "InputParams={\"open\":1,\"user\":\"ann\"}", NULL};
    json_auto_t *response = NULL;
    struct proc *lamp;
    const char *output;
    struct desk d;

    desk_init(&d);
    lamp = start_lamp();
    response = cloud_app(d.cloud, "AppCallDeviceActionSync", args);
    output = json_string_value(json_object_get(response, "OutputParams"));
    check_has(output, "\"user\":\"ann\"");
    check_has(output, "\"state\":1");
    wait_line(lamp, "unlock by \"ann\", light on");
    lamp = proc_stop(lamp);
    desk_done(&d);
}

static void test_low_voltage(void)
{
    struct proc *lamp;
    json_auto_t *event = NULL;
    struct desk d;

    desk_init(&d);
    lamp = program("examples/lamp", "--battery", "2.5");
    event = cloud_wait(d.cloud, "up", "event", "\"low_voltage\"");
    check_has(json_string_value(json_object_get(event, "payload")), "\"voltage\":2.5");
    wait_line(lamp, "low_voltage: done");
    lamp = proc_stop(lamp);
    desk_done(&d);
}

static void test_one_dies(void)
{
    struct proc *lamp, *second, *hostmon;
    struct desk d;

    desk_init(&d);
    lamp = start_lamp();
    hostmon = program("examples/hostmon", NULL, NULL);
    second = program("examples/lamp", NULL, NULL);
    wait_line(second, "serving controls: another program serves this id");
    lamp = proc_kill(lamp);
    /* Free at once, and taken over by the one that waits for them. */
    wait_line(second, "serving controls: done");
    check_controlled(&d, 12);
    wait_line(second, "brightness 12");
    for (int i = 0; i < 2; i++) {
        json_auto_t *report = cloud_wait(d.cloud, "up", "property", "\"uptime\":");

        CHECK(report != NULL);
    }
    second = proc_stop(second);
    hostmon = proc_stop(hostmon);
    desk_done(&d);
}

static void test_iotd_dies(void)
{
    struct proc *lamp, *hostmon;
    json_auto_t *report = NULL;
    struct desk d;

    desk_init(&d);
    lamp = start_lamp();
    wait_line(lamp, "status_report: done"); /* it knows of the link by then */
    hostmon = program("examples/hostmon", NULL, NULL);
    daemon_kill(d.daemon);
    wait_line(lamp, "link absent");
    daemon_start_again(d.daemon);
    wait_line(lamp, "serving unlock: done");
    wait_line(lamp, "link up");
    CHECK(daemon_wait_link(d.daemon, "up"));
    check_controlled(&d, 33);
    report = cloud_wait(d.cloud, "up", "property", "\"uptime\":");
    CHECK(report != NULL);
    lamp = proc_stop(lamp);
    hostmon = proc_stop(hostmon);
    desk_done(&d);
}

static void test_small_programs(void)
{
    CLEANUP(freep) char *hello = NULL, *good = NULL, *bad = NULL, *unknown = NULL, *usage = NULL;
    CLEANUP(freep) char *path = fixture_build_path("examples/own-epoll");
    const char *argv[] = {path, NULL};
    struct proc *watch, *own;
    struct desk d;
    int input;

    desk_init(&d);
    hello = run(0, "examples/hello", NULL, NULL);
    check_has(hello, "hello, iotd. The link is up.\n");
    watch = program("examples/watch", "brightness", NULL);
    wait_line(watch, "brightness has no value yet");
    good = run(0, "examples/report", "brightness", "32");
    CHECK_STR(good, "brightness: done\n");
    wait_line(watch, "brightness = 32");
    bad = run(1, "examples/report", "brightness", "101");
    check_has(bad, "outside of what the thing model allows");
    unknown = run(1, "examples/report", "nothing", "1");
    check_has(unknown, "there is no such id");
    usage = run(64, "examples/report", "brightness", "much");
    CHECK_STR(usage, "");

    own = proc_start_with_stdin(argv, &input);
    wait_line(own, "link up");
    CHECK_INT(write(input, "44\n", 3), 3);
    wait_line(watch, "brightness = 44");
    wait_line(own, "the cloud: done");
    proc_signal(own, SIGTERM);
    CHECK_INT(proc_wait(own), 128 + SIGTERM);
    own = proc_kill(own);
    watch = proc_kill(watch);
    desk_done(&d);
}

static void test_answer_later(void)
{
    static const char *const args[] = {"ActionId=unlock",
                                       "InputParams={\"open\":1,\"user\":\"bo\"}", NULL};
    struct proc *server, *call;
    json_auto_t *response = NULL;
    struct desk d;

    desk_init(&d);
    server = program("examples/action-server", NULL, NULL);
    wait_line(server, "serving unlock: yes");
    call = cloud_app_start(d.cloud, "AppCallDeviceActionSync", args);
    response = cloud_app_finish(call);
    check_has(json_string_value(json_object_get(response, "OutputParams")), "\"user\":\"bo\"");
    server = proc_kill(server);
    desk_done(&d);
}

const char *const suite_name = "12-restart-programs";
const struct suite_test suite_tests[] = {
    {"shared", test_shared},
    {"action", test_action},
    {"low_voltage", test_low_voltage},
    {"one_dies", test_one_dies},
    {"iotd_dies", test_iotd_dies},
    {"small_programs", test_small_programs},
    {"answer_later", test_answer_later},
    {NULL, NULL},
};
