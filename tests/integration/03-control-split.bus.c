/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One control, several programs, or none:
 *
 *   cloud                              iotd                       lamp      switch
 *   control {"brightness":50,
 *            "power_switch":1}     →
 *                                      Control {"brightness":50} →
 *                                      Control {"power_switch":1}        →
 *                                                                ← 0     ← 0
 *                                    ← control_reply 0
 *
 * The answer waits for all; the first that fails makes it. What nobody serves is accepted and told
 * with Controlled, or makes all of it fail (thing.unowned_control).
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"

#define BOTH "{\"brightness\":50,\"power_switch\":1}"

struct programs {
    struct bus_client *lamp; /* brightness */
    struct bus_client *key;  /* power_switch */
};

static void setup(struct scene *s, struct programs *p, const char *settings)
{
    scene_start(s, settings);
    p->lamp = bus_client_new();
    p->key = bus_client_new();
    CHECK_MSG(scene_register(p->lamp, "brightness", "", ""), "");
    CHECK_MSG(scene_register(p->key, "power_switch", "", ""), "");
}

static void finish(struct scene *s, struct programs *p, unsigned n_replies)
{
    scene_barrier();
    CHECK_INT(scene_count(s, "up", "control_reply", NULL), n_replies);
    p->lamp = bus_client_free(p->lamp);
    p->key = bus_client_free(p->key);
    scene_stop(s);
}

static DBusMessage *take_call(struct bus_client *bc, const char *values)
{
    DBusMessage *call = bus_client_wait_call(bc, "Control");
    CLEANUP(freep) char *want = scene_printf("%s *", values);

    CHECK_MSG(call ? dbus_message_ref(call) : NULL, want);
    return call;
}

static void test_both_accept(void)
{
    struct programs p;
    struct scene s;

    setup(&s, &p, NULL);
    json_decref(cloud_control(s.cloud, BOTH));
    scene_reply(p.lamp, take_call(p.lamp, "{\"brightness\":x:50}"), "is", 0, "");
    scene_barrier();
    CHECK_INT(scene_count(&s, "up", "control_reply", NULL), 0); /* not before the other's */
    scene_reply(p.key, take_call(p.key, "{\"power_switch\":b:true}"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_THING(s.bus, "x:50 *", "Get", "s", "brightness");
    CHECK_THING(s.bus, "b:true *", "Get", "s", "power_switch");
    finish(&s, &p, 1);
}

static void test_one_refuses(void)
{
    struct programs p;
    struct scene s;

    setup(&s, &p, NULL);
    json_decref(cloud_control(s.cloud, BOTH));
    scene_reply(p.lamp, take_call(p.lamp, "{\"brightness\":x:50}"), "is", 0, "fine");
    scene_reply(p.key, take_call(p.key, "{\"power_switch\":b:true}"), "is", 7, "stuck");
    CHECK_ANSWER(&s, "control_reply", 7, "stuck");
    CHECK_THING(s.bus, "x:50 *", "Get", "s", "brightness"); /* so it is */
    CHECK_THING(s.bus, ERR("NotReady"), "Get", "s", "power_switch");

    json_decref(cloud_control(s.cloud, BOTH));
    scene_reply(p.key, take_call(p.key, "{\"power_switch\":b:true}"), "is", 8, "still stuck");
    scene_reply(p.lamp, take_call(p.lamp, "{\"brightness\":x:50}"), "is", 9, "and I am dark");
    CHECK_ANSWER(&s, "control_reply", 8, "still stuck");
    finish(&s, &p, 2);
}

static void test_one_hangs_one_dies(void)
{
    struct programs p;
    struct scene s;

    setup(&s, &p, "[thing]\ncontrol_timeout = 1\n");
    json_decref(cloud_control(s.cloud, BOTH));
    msg_unref(take_call(p.lamp, "{\"brightness\":x:50}"));
    scene_reply(p.key, take_call(p.key, "{\"power_switch\":b:true}"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 408, "");
    CHECK_THING(s.bus, "b:true *", "Get", "s", "power_switch");

    json_decref(cloud_control(s.cloud, BOTH));
    msg_unref(take_call(p.lamp, "{\"brightness\":x:50}"));
    msg_unref(take_call(p.key, "{\"power_switch\":b:true}"));
    p.lamp = bus_client_free(p.lamp);
    CHECK_ANSWER(&s, "control_reply", 405, "ended"); /* the other is late: one answer, the first */
    finish(&s, &p, 2);
}

/* A program may have a handler for each part of it. */
static void test_two_handlers(void)
{
    struct programs p;
    DBusMessage *call;
    struct scene s;

    setup(&s, &p, NULL);
    CHECK_THING(p.key, "", "Unregister", "asasas", 0, 0, 0);
    CHECK_THING(p.lamp, "", "Register", "asasasoa{sv}", 1, "power_switch", 0, 0, "/other", 0);
    json_decref(cloud_control(s.cloud, BOTH));
    for (int i = 0; i < 2; i++) {
        call = bus_client_wait_call(p.lamp, "Control");
        CHECK_MSG(dbus_message_ref(call), strcmp(dbus_message_get_path(call), "/other") == 0
                                              ? "{\"power_switch\":b:true} *"
                                              : "{\"brightness\":x:50} *");
        scene_reply(p.lamp, call, "is", 0, "");
    }
    CHECK_ANSWER(&s, "control_reply", 0, "");
    finish(&s, &p, 1);
}

static void test_unowned_accepted(void)
{
    struct programs p;
    struct scene s;

    setup(&s, &p, NULL);
    json_decref(cloud_control(s.cloud, "{\"color\":2,\"name\":\"hall\"}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_MSG(bus_client_wait_signal(s.bus, "Controlled"), "{\"color\":x:2,\"name\":s:\"hall\"}");
    /* A wish, not yet a fact. */
    CHECK_THING(s.bus, ERR("NotReady"), "Get", "s", "color");

    json_decref(cloud_control(s.cloud, "{\"color\":1,\"brightness\":5}"));
    CHECK_MSG(bus_client_wait_signal(s.bus, "Controlled"), "{\"color\":x:1}");
    scene_reply(p.lamp, take_call(p.lamp, "{\"brightness\":x:5}"), "is", 4, "no");
    CHECK_ANSWER(&s, "control_reply", 4, "no");
    CHECK(bus_client_take_signal(s.bus, "Controlled") == NULL);
    finish(&s, &p, 2);
}

static void test_unowned_refused(void)
{
    struct programs p;
    struct scene s;

    setup(&s, &p, "[thing]\nunowned_control = refuse\n");
    json_decref(cloud_control(s.cloud, "{\"color\":2}"));
    CHECK_ANSWER(&s, "control_reply", 403, "color");
    json_decref(cloud_control(s.cloud, "{\"brightness\":5,\"color\":2}"));
    CHECK_ANSWER(&s, "control_reply", 403, "color");
    scene_barrier();
    bus_client_round_trip(p.lamp, IOTD_BUS_NAME);
    CHECK(bus_client_take_signal(s.bus, "Controlled") == NULL);
    json_decref(cloud_control(s.cloud, "{\"brightness\":6}"));
    scene_reply(p.lamp, take_call(p.lamp, "{\"brightness\":x:6}"), "is", 0, ""); /* the first */
    CHECK_ANSWER(&s, "control_reply", 0, "");
    finish(&s, &p, 3);
}

const char *const suite_name = "03-control-split";
const struct suite_test suite_tests[] = {
    {"both-accept", test_both_accept},
    {"one-refuses", test_one_refuses},
    {"one-hangs-one-dies", test_one_hangs_one_dies},
    {"two-handlers", test_two_handlers},
    {"unowned-accepted", test_unowned_accepted},
    {"unowned-refused", test_unowned_refused},
    {NULL, NULL},
};
