/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands for a program with shared memory:
 *
 *   cloud                                 iotd                              lamp
 *   control {"brightness":60}         →
 *                                         CONTROL in its ring, bell     →
 *                                                                       ← ANSWER 0, bell
 *                                     ← control_reply 0
 *
 * One that closes its end is asked over the bus, one that dies is answered for.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"
#include "tests/lib/shm-talk.h"

static void answer(struct shm_talk *t, uint32_t id, int32_t code, const char *text)
{
    pack_put_string(shm_talk_items(t), "text", text, strlen(text));
    shm_talk_send(t, LAYOUT_UP_ANSWER, id, code);
}

static void check_reply(struct scene *s, const char *method, int code, const char *text)
{
    CLEANUP(json_decrefp) json_t *reply = cloud_wait_method(s->cloud, "up", method);

    CHECK_INT(scene_int(reply, "code"), code);
    if (text)
        CHECK_STR(scene_text(reply, "status"), text);
}

static void test_control(void)
{
    struct shm_talk *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = shm_talk_new(s.bus, "lamp");
    CHECK_MSG(scene_register(s.bus, "brightness color", "", ""), "");
    for (uint32_t i = 1; lamp && i <= 5; i++) {
        CLEANUP(freep) char *values = scene_printf("{\"brightness\":%u}", i);
        CLEANUP(freep)
        char *want = scene_printf("CONTROL %u 0 handler=\"/handler\" values={brightness=%u}", i, i);

        json_decref(cloud_control(s.cloud, values));
        CHECK_NEXT(lamp, want);
        answer(lamp, i, i == 3 ? 405 : 0, i == 3 ? "not now" : "");
        check_reply(&s, "control_reply", i == 3 ? 405 : 0, i == 3 ? "not now" : NULL);
    }
    CHECK_THING(s.bus, "x:5 *", "Get", "s", "brightness");
    lamp = shm_talk_free(lamp);
    scene_stop(&s);
}

static void test_action(void)
{
    const char *const args[] = {"ActionId=unlock", "InputParams={\"open\":1,\"user\":\"me\"}",
                                NULL};
    struct pack_writer *w;
    struct shm_talk *lamp;
    struct proc *app;
    struct scene s;
    size_t opened;

    scene_start(&s, NULL);
    lamp = shm_talk_new(s.bus, "lamp");
    CHECK_MSG(scene_register(s.bus, "", "", "unlock"), "");
    app = cloud_app_start(s.cloud, "AppCallDeviceActionSync", args);
    CHECK_NEXT(lamp, "INVOKE 1 0 handler=\"/handler\" action=\"unlock\" input={*");
    w = shm_talk_items(lamp);
    opened = pack_open(w, "output", PACK_STRUCT);
    pack_put_bool(w, "state", true);
    pack_close(w, opened);
    shm_talk_send(lamp, LAYOUT_UP_ANSWER, 1, 0);
    check_reply(&s, "action_reply", 0, NULL);
    json_decref(cloud_app_finish(app));
    lamp = shm_talk_free(lamp);
    scene_stop(&s);
}

/* Two programs serve one control: one through its ring, the other over the bus. */
static void test_split(void)
{
    struct bus_client *other;
    struct shm_talk *lamp;
    struct scene s;

    scene_start(&s, NULL);
    lamp = shm_talk_new(s.bus, "lamp");
    other = bus_client_new();
    CHECK_MSG(scene_register(s.bus, "brightness", "", ""), "");
    CHECK_MSG(scene_register(other, "color", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":60,\"color\":2}"));
    CHECK_NEXT(lamp, "CONTROL 1 0 handler=\"/handler\" values={brightness=60}");
    scene_reply(other, bus_client_wait_call(other, "Control"), "is", 0, "");
    answer(lamp, 1, 0, "");
    check_reply(&s, "control_reply", 0, NULL);
    other = bus_client_free(other);
    lamp = shm_talk_free(lamp);
    scene_stop(&s);
}

/* It ends, and does not answer: the cloud hears of it at once. */
static void test_death(void)
{
    struct bus_client *bus;
    struct shm_talk *lamp;
    struct scene s;

    scene_start(&s, "[thing]\ncontrol_timeout = 600\n");
    bus = bus_client_new();
    lamp = shm_talk_new(bus, "lamp");
    CHECK_MSG(scene_register(bus, "brightness", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":60}"));
    CHECK_NEXT(lamp, "CONTROL 1 0*");
    lamp = shm_talk_free(lamp);
    bus = bus_client_free(bus);
    check_reply(&s, "control_reply", 405, "the program that served it has ended");
    scene_stop(&s);
}

/* The answer is in the ring, then it dies: what it said counts. */
static void test_last_words(void)
{
    struct bus_client *bus;
    struct shm_talk *lamp;
    struct scene s;

    scene_start(&s, NULL);
    bus = bus_client_new();
    lamp = shm_talk_new(bus, "lamp");
    CHECK_MSG(scene_register(bus, "brightness", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":60}"));
    CHECK_NEXT(lamp, "CONTROL 1 0*");
    answer(lamp, 1, 0, "");
    lamp = shm_talk_free(lamp);
    bus = bus_client_free(bus);
    check_reply(&s, "control_reply", 0, NULL);
    scene_stop(&s);
}

/* It wants no shared memory any more: over the bus then, as before. */
static void test_closed(void)
{
    struct shm_talk *lamp;
    struct scene s;

    scene_start(&s, "[thing]\ncontrol_timeout = 600\n");
    lamp = shm_talk_new(s.bus, "lamp");
    CHECK_MSG(scene_register(s.bus, "brightness", "", ""), "");
    json_decref(cloud_control(s.cloud, "{\"brightness\":60}"));
    CHECK_NEXT(lamp, "CONTROL 1 0*");
    lamp = shm_talk_free(lamp);
    check_reply(&s, "control_reply", 405, "the program that served it has ended");
    json_decref(cloud_control(s.cloud, "{\"brightness\":61}"));
    scene_reply(s.bus, bus_client_wait_call(s.bus, "Control"), "is", 0, "");
    check_reply(&s, "control_reply", 0, NULL);
    scene_stop(&s);
}

const char *const suite_name = "03-control-shm";
const struct suite_test suite_tests[] = {
    {"control", test_control},
    {"action", test_action},
    {"split", test_split},
    {"death", test_death},
    {"last-words", test_last_words},
    {"closed", test_closed},
    {NULL, NULL},
};
