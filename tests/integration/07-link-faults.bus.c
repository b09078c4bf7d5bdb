/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection breaks, and what was promised still holds:
 *
 *   program            iotd                                cloud
 *                      CONNECT, clean session 0          →
 *                                                        ← CONNACK, no session
 *                      SUBSCRIBE, one for each topic     →
 *                      …                                 ✕ (closed)
 *                      Link.State waiting, connecting
 *                      CONNECT                           →
 *                                                        ← CONNACK, session present
 *                      Link.State up; no SUBSCRIBE
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define TOPICS 8 /* that iotd subscribes */

static void check_link(struct scene *s, const char *name, const char *want)
{
    CLEANUP(freep) char *value = bus_client_get(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, name);

    if (!value || strcmp(value, want) != 0)
        suite_fail(__FILE__, __LINE__, "%s is %s, wanted %s", name, value ? value : "(none)", want);
}

static unsigned count_subscriptions(struct scene *s)
{
    CLEANUP(json_decrefp) json_t *state = cloud_state(s->cloud);
    const json_t *device = json_array_get(json_object_get(state, "devices"), 0);

    return (unsigned) json_object_size(json_object_get(device, "subscriptions"));
}

static void link_call(struct scene *s, const char *member)
{
    CHECK_MSG(scene_call(s->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
}

static void wait_reconnects(struct scene *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        json_decref(cloud_wait(s->cloud, "event", "connect", NULL));
    (void) daemon_wait_link(s->iotd, "up");
}

static void drop(struct scene *s)
{
    cloud_fault(s->cloud, "{\"fault\":\"drop\"}");
}

/* Reads on to the next connection; how many subscriptions there were before it. */
static unsigned count_subscribed(struct scene *s)
{
    unsigned n = 0;

    for (;;) {
        CLEANUP(json_decrefp) json_t *entry = cloud_wait(s->cloud, "event", NULL, NULL);

        if (!entry || strcmp(scene_text(entry, "event"), "connect") == 0)
            return n;
        n += strcmp(scene_text(entry, "event"), "subscribe") == 0;
    }
}

static void test_dropped(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_INT(count_subscribed(&s), 0);
    check_link(&s, "SessionPresent", "false");
    check_link(&s, "Reconnects", "0");
    check_link(&s, "Reason", "");
    drop(&s);
    CHECK_INT(count_subscribed(&s), TOPICS);
    for (int i = 1; i <= 2; i++) {
        CLEANUP(freep) char *n = scene_printf("%d", i);

        (void) daemon_wait_link(s.iotd, "up");
        CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", i), 0);
        check_link(&s, "SessionPresent", "true");
        check_link(&s, "Reconnects", n);
        drop(&s);
        CHECK_INT(count_subscribed(&s), 0); /* the session has them */
    }
    (void) daemon_wait_link(s.iotd, "up");
    CHECK_INT(count_subscriptions(&s), TOPICS);
    scene_stop(&s);
}

/* The cloud lost all that it knew: subscribed again, and the newest values come. */
static void test_cloud_restarted(void)
{
    struct bus_client *lamp;
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    t = thing_token(lamp, "ReportValue", "sv", "brightness", "i", 77);
    cloud_restart(s.cloud);
    CHECK_COMPLETED(lamp, t, 0);
    check_link(&s, "SessionPresent", "false");
    CHECK_INT(count_subscriptions(&s), TOPICS);
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* The connection breaks after some SUBSCRIBEs: the session that is present then has not all. */
static void test_half_subscribed(void)
{
    for (int kill = 0; kill <= 1; kill++) {
        CLEANUP(freep) char *name = scene_printf("half-%d", kill);
        CLEANUP(freep) char *state_dir = fixture_test_path(name);
        struct scene s = {.cloud = cloud_start(NULL)};

        cloud_fault(s.cloud, "{\"fault\":\"drop\",\"after_packets\":3,\"direction\":\"up\"}");
        s.iotd = daemon_start(&(struct daemon_options){
            .endpoint = cloud_ws_url(s.cloud), .settings = SCENE_LINK, .state_dir = state_dir});
        s.bus = daemon_bus(s.iotd);
        json_decref(cloud_wait(s.cloud, "event", "subscribe", NULL));
        json_decref(cloud_wait(s.cloud, "event", "fault", "drop"));
        if (kill) {
            daemon_kill(s.iotd);
            daemon_start_again(s.iotd);
        }
        (void) daemon_wait_link(s.iotd, "up");
        check_link(&s, "SessionPresent", "true");
        CHECK_INT(count_subscriptions(&s), TOPICS);
        CHECK_COMPLETED(
            s.bus, thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"), 0);
        scene_stop(&s);
    }
}

/* A restart of iotd alone is no reason to subscribe again. */
static void test_iotd_restarted(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 1), 0);
    CHECK_INT(count_subscribed(&s), 0);
    daemon_kill(s.iotd);
    daemon_start_again(s.iotd);
    CHECK_INT(count_subscribed(&s), TOPICS);
    (void) daemon_wait_link(s.iotd, "up");
    check_link(&s, "SessionPresent", "true");
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 2), 0);
    drop(&s);
    CHECK_INT(count_subscribed(&s), 0);
    scene_stop(&s);
}

/* Connect and Disconnect; what the cloud sends meanwhile it keeps in the session. */
static void test_switched_off(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    link_call(&s, "Connect"); /* it is on */
    link_call(&s, "Disconnect");
    link_call(&s, "Disconnect");
    (void) daemon_wait_link(s.iotd, "off");
    json_decref(cloud_wait(s.cloud, "event", "disconnect", "DISCONNECT from the device"));
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    json_decref(cloud_control(s.cloud, "{\"brightness\":6}"));
    check_link(&s, "NextTryUSec", "0");
    link_call(&s, "Connect");
    for (int i = 5; i <= 6; i++) {
        CLEANUP(freep) char *want = scene_printf("{\"brightness\":x:%d} *", i);
        DBusMessage *call = bus_client_wait_call(lamp, "Control");

        CHECK_MSG(call ? dbus_message_ref(call) : NULL, want);
        scene_reply(lamp, call, "is", 0, "");
        CHECK_ANSWER(&s, "control_reply", 0, "");
    }
    check_link(&s, "SessionPresent", "true");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* The program answers while there is no link: the cloud gets it afterwards, once. */
static void test_answer_survives(void)
{
    CLEANUP(json_decrefp) json_t *down = NULL, *up = NULL;
    struct bus_client *lamp;
    DBusMessage *call;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    down = cloud_wait_method(s.cloud, "down", "control");
    call = bus_client_wait_call(lamp, "Control");
    link_call(&s, "Disconnect");
    (void) daemon_wait_link(s.iotd, "off");
    scene_reply(lamp, call, "is", 9, "was it dark?");
    bus_client_round_trip(lamp, IOTD_BUS_NAME);
    link_call(&s, "Connect");
    up = cloud_wait_method(s.cloud, "up", "control_reply");
    CHECK_STR(scene_text(up, "clientToken"), scene_text(down, "clientToken"));
    CHECK_INT(scene_int(up, "code"), 9);
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "control_reply", NULL), 1);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* An event whose reply is lost with the connection goes again, with its token; told once. */
static void test_event_survives(void)
{
    CLEANUP(json_decrefp) json_t *first = NULL, *second = NULL;
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    t = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    first = cloud_wait_method(s.cloud, "up", "event_post");
    drop(&s);
    second = cloud_wait_method(s.cloud, "up", "event_post");
    CHECK_STR(scene_text(second, "clientToken"), scene_text(first, "clientToken"));
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    CHECK_COMPLETED(s.bus, t, 0);
    scene_barrier();
    bus_client_round_trip(s.bus, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    scene_stop(&s);
}

static void test_drops_in_a_row(void)
{
    struct scene s;
    uint64_t t[8];

    scene_start(&s, NULL);
    for (int i = 0; i < 8; i++) {
        t[i] = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", i);
        if (i % 2 == 1)
            drop(&s);
    }
    for (int i = 0; i < 8; i++)
        CHECK_COMPLETED(s.bus, t[i], 0);
    CHECK_THING(s.bus, "x:7 *", "Get", "s", "brightness");
    scene_stop(&s);
}

static void test_sigterm(void)
{
    struct scene s;

    scene_start(&s, NULL);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    s.iotd = daemon_stop(s.iotd);
    json_decref(cloud_wait(s.cloud, "event", "disconnect", "DISCONNECT from the device"));
    s.cloud = cloud_stop(s.cloud);
}

/* The same over TCP. */
static void test_tcp(void)
{
    struct scene s;

    s.cloud = cloud_start(NULL);
    s.iotd = daemon_start(
        &(struct daemon_options){.endpoint = cloud_tcp_url(s.cloud), .settings = SCENE_LINK});
    s.bus = daemon_bus(s.iotd);
    (void) daemon_wait_link(s.iotd, "up");
    check_link(&s, "Endpoint", cloud_tcp_url(s.cloud));
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 5), 0);
    drop(&s);
    wait_reconnects(&s, 2);
    CHECK_COMPLETED(s.bus, thing_token(s.bus, "ReportValue", "sv", "brightness", "i", 6), 0);
    check_link(&s, "SessionPresent", "true");
    s.iotd = daemon_stop(s.iotd);
    json_decref(cloud_wait(s.cloud, "event", "disconnect", "DISCONNECT from the device"));
    s.cloud = cloud_stop(s.cloud);
}

const char *const suite_name = "07-link-faults";
const struct suite_test suite_tests[] = {
    {"dropped", test_dropped},
    {"cloud-restarted", test_cloud_restarted},
    {"half-subscribed", test_half_subscribed},
    {"iotd-restarted", test_iotd_restarted},
    {"switched-off", test_switched_off},
    {"answer-survives", test_answer_survives},
    {"event-survives", test_event_survives},
    {"drops-in-a-row", test_drops_in_a_row},
    {"sigterm", test_sigterm},
    {"tcp", test_tcp},
    {NULL, NULL},
};
