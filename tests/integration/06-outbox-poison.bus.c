/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that nobody can do anything with, either way; none of them comes again and again:
 *
 *   program            iotd                                cloud
 *   PostEvent        →
 *                ←     token
 *                      event_post                        →
 *                                                        ✕ (closes, each time)
 *                      … five times, the last three alone on a connection that held without it
 *   Completed 400  ←
 *                      the events behind it              →
 *
 *                                                        ← garbage, QoS 1
 *                      PUBACK, a line in the log         →
 *                      (the next connection)             →
 *                                                          nothing of it again
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/broker-scene.h"

#define CLOSINGS 5

static uint64_t post(struct bus_client *bus, int voltage)
{
    CLEANUP(freep) char *params = scene_printf("{\"voltage\":%d}", voltage);

    return thing_token(bus, "PostEventJson", "ss", "low_voltage", params);
}

/* Every message is worked on, and nothing that iotd hears tells of it. */
static void hold(struct scene *s, const char *on)
{
    static const char *const faults[] = {"hold_puback", "hold_replies"};

    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        CLEANUP(freep) char *json = scene_printf("{\"fault\":\"%s\",\"on\":%s}", faults[i], on);

        cloud_fault(s->cloud, json);
    }
}

static void test_closed_each_time(void)
{
    uint64_t poison, good[3];
    struct scene s;

    scene_start(&s, NULL);
    hold(&s, "true");
    poison = post(s.bus, 1);
    for (int i = 0; i < 3; i++)
        good[i] = post(s.bus, 2);
    for (int i = 0; i < CLOSINGS; i++) {
        json_decref(cloud_wait(s.cloud, "up", "event", "{\"voltage\":1}"));
        CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
        cloud_fault(s.cloud, "{\"fault\":\"drop\"}");
    }
    hold(&s, "false"); /* what was held back ended with the connection */
    CHECK_COMPLETED(s.bus, poison, 400);
    for (int i = 0; i < 3; i++)
        CHECK_COMPLETED(s.bus, good[i], 0);
    scene_wait_log(&s, "the cloud closes the connection whenever this event is sent");
    scene_barrier();
    CHECK(scene_count(&s, "up", "event_post", "{\"voltage\":1}") == CLOSINGS);
    scene_stop(&s);
}

/* What the cloud refuses for good is told and not sent again; those behind it arrive. */
static void test_refused(void)
{
    static const int codes[] = {400, 403, 405, 406};
    uint64_t refused, good;
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        CLEANUP(freep)
        char *fault = scene_printf(
            "{\"fault\":\"wrong_code\",\"method\":\"event_reply\",\"code\":%d,\"count\":1}",
            codes[i]);
        CLEANUP(freep) char *params = scene_printf("{\"voltage\":%zu}", i + 1);

        cloud_fault(s.cloud, fault);
        refused = post(s.bus, (int) i + 1);
        good = post(s.bus, 9);
        CHECK_COMPLETED(s.bus, refused, codes[i]);
        CHECK_COMPLETED(s.bus, good, 0);
        scene_barrier();
        CHECK_INT(scene_count(&s, "up", "event_post", params), 1);
    }
    scene_stop(&s);
}

static const char *const channels[] = {"property", "event", "action", "service"};

static const char *const poison[] = {
    "not JSON",
    "[1,2,3]",
    "{\"method\":\"no_such_method\",\"clientToken\":\"p\"}",
    "{\"method\":[],\"clientToken\":\"p\"}",
    "{\"method\":\"report_reply\",\"clientToken\":\"p\",\"code\":\"zero\"}",
    "{\"method\":\"control\",\"clientToken\":{},\"params\":{\"color\":1}}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"method\":\"control\",\"clientToken\":\"\xff\"}",
};

static unsigned number_of(struct broker_scene *b, const char *property)
{
    CLEANUP(freep)
    char *text = bus_client_get(b->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, property);

    return text ? (unsigned) strtoul(text, NULL, 10) : 0;
}

static void call_link(struct broker_scene *b, const char *member)
{
    CHECK_MSG(scene_call(b->bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, ""), "");
}

static void test_from_the_cloud(void)
{
    struct broker_scene b;
    unsigned n;

    broker_start(&b, NULL, false);
    for (size_t c = 0; c < ARRAY_SIZE(channels); c++) {
        for (size_t i = 0; i < ARRAY_SIZE(poison); i++)
            broker_send_raw(&b, channels[c], poison[i]);
    }
    broker_barrier(&b);
    CHECK_INT(number_of(&b, "Reconnects"), 0);
    n = number_of(&b, "ReceivedMessages");
    CHECK(n >= ARRAY_SIZE(channels) * ARRAY_SIZE(poison));
    for (int i = 1; i <= 2; i++) {
        call_link(&b, "Disconnect");
        (void) daemon_wait_link(b.iotd, "off");
        call_link(&b, "Connect");
        (void) daemon_wait_link(b.iotd, "up");
        broker_barrier(&b);
        CHECK_INT(number_of(&b, "ReceivedMessages"), n + (unsigned) i);
    }
    CHECK_INT(broker_count(&b, "property", "\"p\""), 0);
    broker_stop(&b);
}

/* The same while the device is off: they come with the session, once. */
static void test_from_the_session(void)
{
    struct broker_scene b;
    unsigned n;

    broker_start(&b, NULL, false);
    call_link(&b, "Disconnect");
    (void) daemon_wait_link(b.iotd, "off");
    n = number_of(&b, "ReceivedMessages");
    for (size_t c = 0; c < ARRAY_SIZE(channels); c++) {
        for (size_t i = 0; i < ARRAY_SIZE(poison); i++)
            broker_send_raw(&b, channels[c], poison[i]);
    }
    for (int i = 1; i <= 2; i++) {
        call_link(&b, "Connect");
        (void) daemon_wait_link(b.iotd, "up");
        broker_barrier(&b);
        CHECK_INT(number_of(&b, "ReceivedMessages"),
                  n + ARRAY_SIZE(channels) * ARRAY_SIZE(poison) + (unsigned) i);
        call_link(&b, "Disconnect");
        (void) daemon_wait_link(b.iotd, "off");
    }
    broker_stop(&b);
}

const char *const suite_name = "06-outbox-poison";
const struct suite_test suite_tests[] = {
    {"closed-each-time", test_closed_each_time},
    {"refused", test_refused},
    {"from-the-cloud", test_from_the_cloud},
    {"from-the-session", test_from_the_session},
    {NULL, NULL},
};
