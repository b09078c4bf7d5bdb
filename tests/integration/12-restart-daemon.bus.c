/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotd ends and comes back, and reads its settings again:
 *
 *   lamp                              iotd                             cloud
 *   Register(brightness)          →
 *                                     ✕ (kill -9)
 *   ← NameOwnerChanged(org.iotd1)
 *                                     starts                         →
 *   ← NameOwnerChanged(org.iotd1)
 *   Register(brightness)          →
 *                                                                    ← control {"brightness":5}
 *                             ← Control
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/scene.h"

static void test_killed(void)
{
    struct bus_client *lamp;
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", "unlock"), "");
    daemon_kill(s.iotd);
    CHECK(bus_client_wait_owner(lamp, IOTD_BUS_NAME, false));
    CHECK_THING(lamp, "org.freedesktop.DBus.Error.ServiceUnknown", "GetAll", "");
    daemon_start_again(s.iotd);
    CHECK(bus_client_wait_owner(lamp, IOTD_BUS_NAME, true));
    CHECK_MSG(scene_register(lamp, "brightness", "", "unlock"), "");
    (void) daemon_wait_link(s.iotd, "up");
    t = thing_token(lamp, "ReportValue", "sv", "brightness", "i", 3);
    CHECK_COMPLETED(lamp, t, 0);
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* Between the answer and the next transaction: the value is in the record of the answer. */
static void test_killed_after_answer(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness name", "", ""), "");
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}"); /* which are saved at once */
    for (int i = 0; i < 3; i++) {
        CLEANUP(freep) char *params = scene_printf("{\"brightness\":%d,\"name\":\"a=%d\"}", i, i);
        CLEANUP(freep) char *want = scene_printf("s:\"a=%d\" *", i);

        json_decref(cloud_control(s.cloud, params));
        scene_reply(lamp, bus_client_wait_call(lamp, "Control"), "is", 0, "");
        CHECK_ANSWER(&s, "control_reply", 0, "");
        daemon_kill(s.iotd);
        daemon_start_again(s.iotd);
        CHECK(bus_client_wait_owner(lamp, IOTD_BUS_NAME, true));
        CHECK_THING(lamp, want, "Get", "s", "name");
        CHECK_MSG(scene_register(lamp, "brightness name", "", ""), "");
        (void) daemon_wait_link(s.iotd, "up");
    }
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* A control that was sent while iotd was dead is in the cloud's session. */
static void test_control_meanwhile(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = bus_client_new();
    daemon_kill(s.iotd);
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    daemon_start_again(s.iotd);
    CHECK_MSG(bus_client_wait_signal(s.bus, "Controlled"), "{\"brightness\":x:5}");
    CHECK_ANSWER(&s, "control_reply", 0, "");
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

static void test_stopped_while_busy(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, "[thing]\ncontrol_timeout = 600\n");
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    msg_unref(bus_client_wait_call(lamp, "Control"));
    cloud_fault(s.cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    (void) thing_token(lamp, "ReportValue", "sv", "brightness", "i", 3);
    (void) thing_token(lamp, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    json_decref(cloud_wait_method(s.cloud, "up", "event_post"));
    s.iotd = daemon_stop(s.iotd); /* checks the exit status, and leaks with the sanitizer */
    lamp = bus_client_free(lamp);
    s.cloud = cloud_stop(s.cloud);
}

/* What cannot be asked, and what can, of a file that is written anew. */
static void write_settings(const char *text)
{
    CLEANUP(freep) char *all = scene_printf("%s%s", SCENE_LINK, text);

    free(fixture_write_file("iotd.conf", 0600, all));
}

static DBusMessage *reload(struct scene *s)
{
    return scene_call(s->bus, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", "");
}

static void test_reload(void)
{
    struct scene s;

    scene_start(&s, "[thing]\nunowned_control = accept\n");
    CHECK_MSG(reload(&s), "[]");
    json_decref(cloud_control(s.cloud, "{\"color\":1}"));
    CHECK_ANSWER(&s, "control_reply", 0, "");

    write_settings("keepalive = 100\n[thing]\nunowned_control = refuse\n");
    CHECK_MSG(reload(&s), "[\"link.keepalive\"]");
    json_decref(cloud_control(s.cloud, "{\"color\":2}"));
    CHECK_ANSWER(&s, "control_reply", 403, "");

    /* A mistake changes nothing at all. */
    write_settings("[thing]\nunowned_control = accept\ncontrol_timeout = 0\n");
    CHECK_ERROR(reload(&s), ERR("Protocol"), "nothing was changed");
    json_decref(cloud_control(s.cloud, "{\"color\":1}"));
    CHECK_ANSWER(&s, "control_reply", 403, "");
    scene_stop(&s);
}

static void test_sighup(void)
{
    struct bus_client *lamp;
    struct scene s;

    scene_start(&s, "[thing]\ncontrol_timeout = 600\n");
    lamp = bus_client_new();
    CHECK_MSG(scene_register(lamp, "brightness", "", ""), "");
    write_settings("probe_max = 2\n[thing]\ncontrol_timeout = 1\n[log]\nlevel = debug\n");
    proc_signal(daemon_proc(s.iotd), SIGHUP);
    scene_wait_log(&s, "given twice"); /* probe_max is in SCENE_LINK */
    scene_wait_log(&s, "nothing was changed");
    write_settings("keepalive = 100\n[thing]\ncontrol_timeout = 1\n[log]\nlevel = debug\n");
    proc_signal(daemon_proc(s.iotd), SIGHUP);
    scene_wait_log(&s, "link.keepalive");
    scene_wait_log(&s, "settings read again");
    json_decref(cloud_control(s.cloud, "{\"brightness\":5}"));
    msg_unref(bus_client_wait_call(lamp, "Control"));
    CHECK_ANSWER(&s, "control_reply", 408, "");
    scene_wait_log(&s, "answer token="); /* debug */
    lamp = bus_client_free(lamp);
    scene_stop(&s);
}

/* report.rate, seen from the cloud: a hundred reports in messages of their own. */
static void test_reload_rate(void)
{
    struct scene s;
    uint64_t begin, t = 0;

    scene_start(&s, "[report]\nrate = 1\n");
    for (int i = 0; i < 2; i++)
        t = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", i);
    CHECK_COMPLETED(s.bus, t, 0);
    write_settings("[report]\nrate = 1000\n");
    CHECK_MSG(reload(&s), "[]");
    begin = fixture_now_ms();
    for (int i = 0; i < 10; i++) {
        t = thing_token(s.bus, "ReportValue", "sv", "brightness", "i", i);
        CHECK_COMPLETED(s.bus, t, 0);
    }
    CHECK(fixture_now_ms() - begin < 5000); /* ten seconds at the old rate */
    scene_stop(&s);
}

const char *const suite_name = "12-restart-daemon";
const struct suite_test suite_tests[] = {
    {"killed", test_killed},
    {"killed_after_answer", test_killed_after_answer},
    {"control-meanwhile", test_control_meanwhile},
    {"stopped-while-busy", test_stopped_while_busy},
    {"reload", test_reload},
    {"sighup", test_sighup},
    {"reload-rate", test_reload_rate},
    {NULL, NULL},
};
