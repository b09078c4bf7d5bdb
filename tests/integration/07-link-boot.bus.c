/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotd starts where there is nothing to connect to: it is there for its programs all the same, and
 * what they post leaves as soon as there is a cloud.
 *
 *   program                       iotd                            cloud
 *                                 (starts)                        (not there)
 *   PostEvent, ReportValue    →
 *                             ← tokens
 *                                                                 (starts)
 *                                 event_post, report          →
 *                             ← Completed(…, 0, …) twice
 *
 * And a thousand connections later it is no larger than before.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define LOW "{\"voltage\":20}"
#define RECONNECTS (PROC_RSS_IS_TELLING ? 1000 : 150)
#define WARM_UP 50
#define GROWTH_KIB 512

static struct daemon_fixture *start_at(const char *endpoint)
{
    return daemon_start(&(struct daemon_options){
        .endpoint = endpoint,
        .settings = SCENE_LINK,
    });
}

/* Nobody answers; programs are served. */
static void check_alone(const char *endpoint, const char *reason)
{
    struct daemon_fixture *iotd = start_at(endpoint);
    struct bus_client *bus = daemon_bus(iotd);
    CLEANUP(freep) char *state = NULL, *queued = NULL, *why = NULL;

    (void) thing_token(bus, "PostEventJson", "ss", "low_voltage", LOW);
    (void) thing_token(bus, "ReportValue", "sv", "brightness", "i", 5);
    CHECK_MSG(thing_call(bus, "Get", "s", "brightness"), "x:5 *");
    if (reason)
        (void) daemon_wait_link(iotd, "waiting");
    state = bus_client_get(bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "State");
    CHECK(state && strcmp(state, "up") != 0);
    why = bus_client_get(bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reason");
    if (reason && (!why || !strstr(why, reason)))
        suite_fail(__FILE__, __LINE__, "\"%s\" does not tell of \"%s\"", why ? why : "", reason);
    queued = bus_client_get(bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents");
    CHECK_STR(queued, "1");
    iotd = daemon_stop(iotd);
}

static void test_no_network(void)
{
    check_alone("ws://192.0.2.1:81/mqtt", NULL); /* RFC 5737: nobody's; refused or silent */
    check_alone("ws://iotd-test.invalid/mqtt", "iotd-test.invalid"); /* RFC 2606: no such name */
    check_alone("mqtt://127.0.0.1:1", "127.0.0.1");
}

static void test_no_cloud(void)
{
    uint64_t event, report;
    struct scene s;

    s.cloud = cloud_start(NULL);
    cloud_kill(s.cloud); /* its port is known, and closed */
    s.iotd = start_at(cloud_ws_url(s.cloud));
    s.bus = daemon_bus(s.iotd);
    event = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", LOW);
    report = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5);
    (void) daemon_wait_link(s.iotd, "waiting");
    daemon_start_again(s.iotd); /* once more without */
    (void) daemon_wait_link(s.iotd, "waiting");
    cloud_restart(s.cloud);
    CHECK_COMPLETED(s.bus, event, 0);
    (void) report; /* of an iotd that is gone: the value is sent, nobody is told */
    json_decref(cloud_wait(s.cloud, "up", "property", "\"brightness\":5"));
    scene_stop(&s);
}

static void connect_again(struct scene *s, int n)
{
    CLEANUP(freep) char *want = scene_printf("%d", n);

    cloud_fault(s->cloud, "{\"fault\":\"drop\"}");
    json_decref(cloud_wait(s->cloud, "event", "fault", NULL));
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Connect", ""), "");
    (void) bus_client_wait_property(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Reconnects", want);
    (void) daemon_wait_link(s->iotd, "up");
    scene_forget(s->bus, "PropertiesChanged");
}

static void test_reconnects(void)
{
    struct proc *iotd;
    struct scene s;
    long rss = 0;
    int fds = 0;

    scene_start(&s, NULL);
    iotd = daemon_proc(s.iotd);
    for (int i = 1; i <= RECONNECTS; i++) {
        connect_again(&s, i);
        if (i == WARM_UP) {
            fds = proc_n_fds(iotd);
            rss = proc_rss_kib(iotd);
        }
    }
    CHECK_INT(proc_n_fds(iotd), fds);
    rss = proc_rss_kib(iotd) - rss;
    printf("%d reconnects, %d descriptors, RSS %+ld KiB\n", RECONNECTS, fds, rss);
    if (PROC_RSS_IS_TELLING)
        CHECK(rss <= GROWTH_KIB);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "PostEventJson", "ss", "low_voltage", LOW), 0);
    scene_stop(&s);
}

const char *const suite_name = "07-link-boot";
const struct suite_test suite_tests[] = {
    {"no-network", test_no_network},
    {"no-cloud", test_no_cloud},
    {"reconnects", test_reconnects},
    {NULL, NULL},
};
