/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thousand connections, dropped by the cloud and ended by iotd in turns, with a report, an event
 * and a control now and then: neither memory nor descriptors grow.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/certs.h"
#include "tests/lib/scene.h"

#define RSS_GROWTH_KIB 512

/* Under a sanitizer it is slow, and tells of leaks at its end. */
#define CONNECTIONS (PROC_RSS_IS_TELLING ? 1000 : 100)
#define TLS_CONNECTIONS (PROC_RSS_IS_TELLING ? 300 : 50)

static void call_link(struct scene *s, const char *member)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
}

static bool reconnect(struct scene *s, bool by_the_cloud)
{
    if (by_the_cloud) {
        cloud_fault(s->cloud, "{\"fault\":\"drop\"}");
        json_decref(cloud_wait(s->cloud, "event", "fault", "drop"));
    } else {
        call_link(s, "Disconnect");
        (void) daemon_wait_link(s->iotd, "off");
    }
    call_link(s, "Connect"); /* at once, and not after a pause */
    json_decref(cloud_wait(s->cloud, "event", "connect", NULL));
    return daemon_wait_link(s->iotd, "up");
}

static void do_business(struct scene *s, int i)
{
    CLEANUP(freep) char *values = scene_printf("{\"color\":%d}", i % 3);
    DBusMessage *msg;

    CHECK_COMPLETED(s->bus, thing_token(s->bus, "ReportValue", "sv", "brightness", "i", i % 100),
                    0);
    CHECK_COMPLETED(
        s->bus, thing_token(s->bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"), 0);
    json_decref(cloud_control(s->cloud, values));
    CHECK_ANSWER(s, "control_reply", 0, "");
    while ((msg = bus_client_next(s->bus))) /* the signals of all that */
        dbus_message_unref(msg);
}

static void check_flat(struct scene *s, int connections)
{
    struct proc *iotd = daemon_proc(s->iotd);
    long rss = 0;
    int fds = 0;

    json_decref(cloud_wait(s->cloud, "event", "connect", NULL));
    for (int i = 1; i <= connections + connections / 5; i++) {
        if (!reconnect(s, i % 4 == 0))
            return;
        if (i % 20 == 0)
            do_business(s, i);
        if (i == connections / 5) { /* it is warm now */
            rss = proc_rss_kib(iotd);
            fds = proc_n_fds(iotd);
        }
    }
    rss = proc_rss_kib(iotd) - rss;
    printf("%d connections: %d descriptors, RSS %+ld KiB\n", connections, fds, rss);
    CHECK_INT(proc_n_fds(iotd), fds);
    if (PROC_RSS_IS_TELLING && rss > RSS_GROWTH_KIB)
        suite_fail(__FILE__, __LINE__, "iotd grew by %ld KiB", rss);
}

static void test_ws(void)
{
    struct scene s;

    scene_start(&s, NULL);
    check_flat(&s, CONNECTIONS);
    scene_stop(&s);
}

static void flat_over_tls(const char *(*url)(const struct cloud_fixture *c))
{
    const struct cloud_tls tls = {.cert = "right"};
    CLEANUP(freep) char *ca = NULL, *settings = NULL;
    struct scene s;

    certs_make();
    ca = certs_pem("ca");
    settings = scene_printf(SCENE_LINK "ca_file = %s\n", ca);
    s.cloud = cloud_start_tls(NULL, &tls);
    s.iotd = daemon_start(&(struct daemon_options){.endpoint = url(s.cloud), .settings = settings});
    s.bus = daemon_bus(s.iotd);
    (void) daemon_wait_link(s.iotd, "up");
    check_flat(&s, TLS_CONNECTIONS);
    scene_stop(&s);
}

static void test_wss(void)
{
    flat_over_tls(cloud_wss_url);
}

static void test_mqtts(void)
{
    flat_over_tls(cloud_tls_url);
}

const char *const suite_name = "07-link-flat";
const struct suite_test suite_tests[] = {
    {"ws", test_ws},
    {"wss", test_wss},
    {"mqtts", test_mqtts},
    {NULL, NULL},
};
