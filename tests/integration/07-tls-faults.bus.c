/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection in TLS that goes wrong, over wss:// and mqtts://, at each stage:
 *
 *   iotd                              cloud
 *   ClientHello                    →
 *                                     silence, or dies
 *   the handshake, CONNECT         →
 *                                  ←  garbage, half of a packet, a reset, or nothing more
 *   closes; a new one              →
 *                                     all is well
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

typedef const char *(*url_fn)(const struct cloud_fixture *c);

static void start(struct scene *s, url_fn way)
{
    const struct cloud_tls tls = {.cert = "right"};

    certs_make();
    s->cloud = cloud_start_tls(NULL, &tls);
    s->iotd = tls_start_iotd(way(s->cloud), "ca", NULL);
    s->bus = daemon_bus(s->iotd);
    CHECK(daemon_wait_link(s->iotd, "up"));
    json_decref(cloud_wait(s->cloud, "event", "connect", NULL));
}

/* Up, and an event that is posted now arrives. */
static void check_works(struct scene *s)
{
    CHECK(daemon_wait_link(s->iotd, "up"));
    CHECK_COMPLETED(
        s->bus, thing_token(s->bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"), 0);
}

static void call_link(struct scene *s, const char *member)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
}

static void check_faults(url_fn way)
{
    static const struct {
        const char *fault;
        bool needs_traffic; /* it shows with the next message only */
        bool websocket;
    } cases[] = {
        {"{\"fault\":\"drop\"}", false, false},
        {"{\"fault\":\"drop\",\"after_bytes\":20,\"direction\":\"down\"}", true, false},
        {"{\"fault\":\"drop\",\"after_bytes\":20,\"direction\":\"up\"}", true, false},
        {"{\"fault\":\"garbage\",\"bytes\":200}", false, false},
        {"{\"fault\":\"garbage\",\"layer\":\"websocket\"}", false, true},
    };
    struct scene s = {0};

    start(&s, way);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t t = 0;

        if (cases[i].websocket && way != cloud_wss_url)
            continue;
        cloud_fault(s.cloud, cases[i].fault);
        if (cases[i].needs_traffic)
            t = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":2}");
        json_decref(cloud_wait(s.cloud, "event", "connect", NULL));
        if (cases[i].needs_traffic)
            CHECK_COMPLETED(s.bus, t, 0);
        check_works(&s);
    }
    scene_stop(&s);
}

static void test_wss(void)
{
    check_faults(cloud_wss_url);
}

static void test_mqtts(void)
{
    check_faults(cloud_tls_url);
}

/* Nothing is read and nothing is sent, and nobody closes: iotd asks, and then believes it. */
static void check_half_open(url_fn way)
{
    struct scene s = {0};
    uint64_t t;

    start(&s, way);
    cloud_fault(s.cloud, "{\"fault\":\"half_open\",\"on\":true}");
    t = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":2}");
    CHECK(daemon_wait_link(s.iotd, "waiting"));
    cloud_fault(s.cloud, "{\"fault\":\"half_open\",\"on\":false}");
    CHECK_COMPLETED(s.bus, t, 0);
    check_works(&s);
    scene_stop(&s);
}

static void test_half_open_wss(void)
{
    check_half_open(cloud_wss_url);
}

static void test_half_open_mqtts(void)
{
    check_half_open(cloud_tls_url);
}

/* A connection whose handshake gets no answer. */
static void begin_handshake(struct scene *s)
{
    proc_signal(daemon_proc(s->iotd), SIGUSR2); /* debug messages */
    cloud_signal(s->cloud, SIGSTOP);
    call_link(s, "Disconnect");
    call_link(s, "Connect");
    free(proc_wait_line(daemon_proc(s->iotd), PROC_STDERR, "resolving -> opening"));
}

static void check_dies_in_handshake(url_fn way)
{
    struct scene s = {0};

    start(&s, way);
    begin_handshake(&s);
    cloud_kill(s.cloud);
    free(proc_wait_line(daemon_proc(s.iotd), PROC_STDERR, "opening -> waiting"));
    cloud_restart(s.cloud);
    check_works(&s);
    scene_stop(&s);
}

static void test_dies_in_handshake(void)
{
    check_dies_in_handshake(cloud_wss_url);
    check_dies_in_handshake(cloud_tls_url);
}

static void check_silent_in_handshake(url_fn way)
{
    struct scene s = {0};

    start(&s, way);
    begin_handshake(&s);
    free(proc_wait_line(daemon_proc(s.iotd), PROC_STDERR, "opening -> waiting"));
    cloud_signal(s.cloud, SIGCONT);
    check_works(&s);
    scene_stop(&s);
}

static void test_silent_in_handshake(void)
{
    check_silent_in_handshake(cloud_wss_url);
    check_silent_in_handshake(cloud_tls_url);
}

const char *const suite_name = "07-tls-faults";
const struct suite_test suite_tests[] = {
    {"wss", test_wss},
    {"mqtts", test_mqtts},
    {"half-open-wss", test_half_open_wss},
    {"half-open-mqtts", test_half_open_mqtts},
    {"dies-in-handshake", test_dies_in_handshake},
    {"silent-in-handshake", test_silent_in_handshake},
    {NULL, NULL},
};
