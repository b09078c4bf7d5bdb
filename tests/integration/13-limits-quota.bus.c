/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of each there may be, and that an end makes room:
 *
 *   256 programs attach; the next: Full; one ends; the next: served
 *   100 calls at once of a program that iotd does not know yet: one answer each
 *   64 controls that nobody answers; the next: 429 at once, and the 64 after their deadline
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

    scene_start(&s, NULL);
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

    broker_start(&b, "[thing]\ncontrol_timeout = 10\n", false);
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

const char *const suite_name = "13-limits-quota";
const struct suite_test suite_tests[] = {
    {"programs", test_programs},
    {"calls-of-stranger", test_calls_of_stranger},
    {"controls", test_controls},
    {NULL, NULL},
};
