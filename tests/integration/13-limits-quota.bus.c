/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of each there may be, and that an end makes room:
 *
 *   256 programs attach; the next: Full; one ends; the next: served; of one user as many as
 *   quota.attachments
 *   100 calls at once of a program that iotd does not know yet: one answer each
 *   64 controls that nobody answers; the next: 429 at once, and the 64 after their deadline; of one
 *   program as many as quota.calls, and another one has its own
 *   reports as fast as quota.rate; then Full, for that program
 *   events of one program until its share of the outbox is used up; another one's are taken
 */

#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/broker-scene.h"

static DBusMessage *attach(struct bus_client *bc)
{
    return scene_call(bc, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "program", 0);
}

static void test_programs(void)
{
    struct bus_client *programs[LIMIT_CLIENTS + 1];
    struct scene s;

    scene_start(&s, "[quota]\nattachments = 256\n");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        programs[i] = bus_client_new();
        CHECK_MSG(attach(programs[i]), i < LIMIT_CLIENTS ? "[] {*" : ERR("Full"));
    }
    /* Who is attached, and who needs not be, is served. */
    CHECK_MSG(scene_register(programs[0], "brightness", "", ""), "");
    CHECK(thing_token(programs[LIMIT_CLIENTS], "ReportValue", "sv", "color", "i", 1) != 0);
    scene_forget(s.bus, "InterfacesAdded");
    programs[7] = bus_client_free(programs[7]);
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesRemoved"), "\"/org/iotd1/client/8\" *");
    CHECK_MSG(attach(programs[LIMIT_CLIENTS]), "[] {*");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        programs[i] = bus_client_free(programs[i]);
    scene_stop(&s);
}

static void test_calls_of_stranger(void)
{
    enum { N = 100 };
    uint32_t serials[N];
    struct bus_client *bc;
    struct scene s;
    unsigned n_served = 0, n_full = 0;

    scene_start(&s, NULL);
    bc = bus_client_new();
    for (int i = 0; i < N; i++) {
        DBusMessage *call = bus_client_new_call(IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach");

        msg_add(call, "sa{sv}", "program", 0);
        serials[i] = bus_client_send(bc, call);
    }
    for (int i = 0; i < N; i++) {
        CLEANUP(msg_unrefp) DBusMessage *reply = bus_client_wait_reply(bc, serials[i]);
        CLEANUP(freep) char *text = msg_text(reply);

        n_served += strncmp(text, "[] {", 4) == 0;
        n_full += strcmp(text, ERR("Full")) == 0;
    }
    CHECK_INT(n_served + n_full, N);
    CHECK(n_served > 0);
    CHECK_MSG(attach(bc), "[] {*");
    bc = bus_client_free(bc);
    scene_stop(&s);
}

static void test_controls(void)
{
    struct bus_client *lamp;
    struct broker_scene b;

    broker_start(&b, "[thing]\ncontrol_timeout = 10\n[quota]\ncalls = 64\n", false);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    for (int i = 0; i < LIMIT_PENDING_CALLS; i++) {
        CLEANUP(freep)
        char *payload = scene_printf(
            "{'method':'control','clientToken':'t-%d','params':{'brightness':%d}}", i, i);

        broker_send(&b, "property", payload);
        msg_unref(bus_client_wait_call(lamp, "Control"));
    }
    broker_send(&b, "property",
                "{'method':'control','clientToken':'more','params':{'brightness':1}}");
    CHECK_REPLY(&b, "property", "control_reply", "more", 429, "");
    for (int i = 0; i < LIMIT_PENDING_CALLS; i++) {
        CLEANUP(freep) char *token = scene_printf("t-%d", i);

        CHECK_REPLY(&b, "property", "control_reply", token, 408, "");
    }
    broker_send(&b, "property",
                "{'method':'control','clientToken':'then','params':{'brightness':1}}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "then", 0, "");
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

/* A program that hangs: the rest of the device is controlled as ever. */
static void test_calls_of_one(void)
{
    struct bus_client *hung, *lamp;
    struct broker_scene b;

    broker_start(&b, "[thing]\ncontrol_timeout = 60\n[quota]\ncalls = 3\n", false);
    hung = bus_client_new();
    lamp = bus_client_new();
    CHECK_MSG(scene_register(hung, "brightness", "", ""), "");
    CHECK_MSG(scene_register(lamp, "color", "", ""), "");
    for (int i = 0; i < 4; i++) {
        CLEANUP(freep)
        char *payload = scene_printf(
            "{'method':'control','clientToken':'t-%d','params':{'brightness':%d}}", i, i);

        broker_send(&b, "property", payload);
    }
    CHECK_REPLY(&b, "property", "control_reply", "t-3", 429, "");
    broker_send(&b, "property", "{'method':'control','clientToken':'c','params':{'color':1}}");
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_REPLY(&b, "property", "control_reply", "c", 0, "");
    hung = bus_client_free(hung); /* its end answers the others */
    CHECK_REPLY(&b, "property", "control_reply", "t-0", 405, "");
    lamp = bus_client_free(lamp);
    broker_stop(&b);
}

static void test_attachments(void)
{
    struct bus_client *programs[3];
    struct scene s;

    scene_start(&s, "[quota]\nattachments = 2\nids = 2\n");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        programs[i] = bus_client_new();
    CHECK_MSG(attach(programs[0]), "[] {*");
    CHECK_MSG(scene_register(programs[1], "brightness", "", "unlock"), "");
    CHECK_ERROR(attach(programs[2]), ERR("Full"), "quota.attachments");
    CHECK_ERROR(scene_register(programs[2], "color", "", ""), ERR("Full"), "quota.attachments");
    CHECK_MSG(attach(programs[0]), "[] {*"); /* again */
    /* What it serves already is no more of it. */
    CHECK_MSG(scene_register(programs[1], "brightness", "", "unlock"), "");
    CHECK_ERROR(scene_register(programs[1], "color", "", ""), ERR("Full"), "quota.ids");
    programs[0] = bus_client_free(programs[0]);
    CHECK_MSG(bus_client_wait_signal(s.bus, "InterfacesRemoved"), "\"/org/iotd1/client/1\" *");
    CHECK_MSG(scene_register(programs[2], "color", "", ""), "");
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
        programs[i] = bus_client_free(programs[i]);
    scene_stop(&s);
}

static void test_rate(void)
{
    struct bus_client *fast, *lamp;
    unsigned n_taken = 0, n_full = 0;
    struct scene s;

    scene_start(&s, "[quota]\nrate = 1\n");
    fast = bus_client_new();
    lamp = bus_client_new();
    for (int i = 0; i < 100; i++) {
        DBusMessage *reply = thing_call(fast, "ReportValue", "sv", "color", "i", i % 2);

        if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR) {
            n_taken++;
            msg_unref(reply);
        } else {
            n_full++;
            CHECK_ERROR(reply, ERR("Full"), "quota.rate");
        }
    }
    CHECK(n_taken >= 10 && n_full > 0); /* a burst of ten seconds' worth */
    CHECK(thing_token(lamp, "ReportValue", "sv", "brightness", "i", 1) != 0);
    CHECK_THING(fast, "x:1 *", "Get", "s", "brightness"); /* reading is something else */
    scene_wait_log(&s, "too fast");
    fast = bus_client_free(fast);
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_share(void)
{
    struct bus_client *greedy, *again, *lamp;
    struct scene s;

    scene_start(&s, "[outbox]\nmax_events = 20\n[quota]\noutbox_share = 50\n");
    CHECK_MSG(scene_call(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Disconnect", ""), "");
    greedy = bus_client_new();
    lamp = bus_client_new();
    CHECK_MSG(
        scene_call(greedy, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "greedy", 0),
        "[] {*");
    CHECK_MSG(scene_call(lamp, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "lamp", 0),
              "[] {*");
    for (int i = 0; i < 10; i++)
        CHECK(thing_token(greedy, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}") != 0);
    CHECK_ERROR(thing_call(greedy, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"),
                ERR("Full"), "quota.outbox_share");
    greedy = bus_client_free(greedy);
    /* The same program on another connection, and after a restart of iotd. */
    for (int round = 0; round < 2; round++) {
        again = bus_client_new();
        CHECK_MSG(
            scene_call(again, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach", "sa{sv}", "greedy", 0),
            "[] {*");
        CHECK_ERROR(thing_call(again, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}"),
                    ERR("Full"), "quota.outbox_share");
        CHECK(thing_token(lamp, "PostEventJson", "ss", "low_voltage", "{\"voltage\":2}") != 0);
        again = bus_client_free(again);
        if (round == 0) {
            s.cloud = cloud_stop(s.cloud); /* nothing may leave */
            daemon_start_again(s.iotd);
        }
    }
    lamp = bus_client_free(lamp);
    s.iotd = daemon_stop(s.iotd);
}

const char *const suite_name = "13-limits-quota";
const struct suite_test suite_tests[] = {
    {"programs", test_programs},
    {"calls-of-stranger", test_calls_of_stranger},
    {"controls", test_controls},
    {"calls-of-one", test_calls_of_one},
    {"attachments", test_attachments},
    {"rate", test_rate},
    {"share", test_share},
    {NULL, NULL},
};
