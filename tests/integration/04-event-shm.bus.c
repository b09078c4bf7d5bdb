/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events and reports of a program with shared memory:
 *
 *   program                              iotd                               cloud
 *   EVENT in the ring, bell       →
 *                                 ← TOKEN (it is on disk)
 *                                        event_post                     →
 *                                                                       ← event_reply 0
 *                                 ← COMPLETED
 *   a slot, again and again       →      report, once per report turn   →
 *                                 ← its done word
 */

#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"
#include "tests/lib/shm-talk.h"

static void post_voltage(struct shm_talk *t, uint32_t id, double voltage)
{
    struct pack_writer *w = shm_talk_items(t);
    size_t opened;

    pack_put_string(w, "id", "low_voltage", strlen("low_voltage"));
    opened = pack_open(w, "params", PACK_STRUCT);
    pack_put_float(w, "voltage", voltage);
    pack_close(w, opened);
    shm_talk_send(t, LAYOUT_UP_EVENT, id, 0);
}

static void check_voltage(struct scene *s, const char *params)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "event_post");

    CHECK_JSON(json_object_get(message, "params"), params);
}

static void check_report(struct scene *s, const char *params)
{
    CLEANUP(json_decrefp) json_t *message = cloud_wait_method(s->cloud, "up", "report");

    CHECK_JSON(json_object_get(message, "params"), params);
}

static void test_event(void)
{
    struct shm_talk *t;
    struct scene s;
    uint64_t token;

    scene_start(&s, NULL);
    t = shm_talk_new(s.bus, "meter");
    post_voltage(t, 7, 3.25);
    CHECK_NEXT(t, "TOKEN 7 0 token=*");
    token = shm_text_token(t->text);
    check_voltage(&s, "{'voltage':3.25}");
    CHECK_NEXT(t, "COMPLETED 0 0 token=*");
    CHECK_INT(shm_text_token(t->text), token);

    post_voltage(t, 8, 1000);
    CHECK_NEXT(t, "TOKEN 8 406 text=\"voltage: *");
    t = shm_talk_free(t);
    scene_stop(&s);
}

/* Who dies right after: what it handed in reaches the cloud. */
static void test_last_words(void)
{
    struct bus_client *bus;
    struct shm_talk *t;
    struct scene s;

    scene_start(&s, NULL);
    bus = bus_client_new();
    t = shm_talk_new(bus, "meter");
    post_voltage(t, 1, 3.5);
    (void) shm_talk_slot(t, 0, "brightness", 44);
    t = shm_talk_free(t);
    bus = bus_client_free(bus);
    check_voltage(&s, "{'voltage':3.5}");
    CHECK(bus_client_wait_property(s.bus, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "QueuedEvents", "0"));
    CHECK_THING(s.bus, "x:44 *", "Get", "s", "brightness");
    scene_stop(&s);
}

static void test_slots(void)
{
    struct shm_talk *t;
    struct scene s;
    uint32_t seq = 0;

    scene_start(&s, NULL);
    t = shm_talk_new(s.bus, "meter");
    seq = shm_talk_slot(t, 3, "brightness", 1);
    check_report(&s, "{'brightness':1}");
    CHECK_INT(shm_talk_done(t, 3, seq), 0);

    for (int i = 0; i < 10000; i++)
        seq = shm_talk_slot(t, 3, "brightness", i % 101);
    CHECK_INT(shm_talk_done(t, 3, seq), 0);
    CHECK_THING(s.bus, "x:0 *", "Get", "s", "brightness"); /* 9999 % 101 */

    seq = shm_talk_slot(t, 3, "brightness", 101);
    CHECK_INT(shm_talk_done(t, 3, seq), 406);
    t = shm_talk_free(t);
    scene_stop(&s);
}

/* What went over the bus ends in the ring, too. */
static void test_completion(void)
{
    struct shm_talk *t;
    struct scene s;
    uint64_t token;

    scene_start(&s, NULL);
    t = shm_talk_new(s.bus, "meter");
    token = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":3}");
    CHECK_NEXT(t, "COMPLETED 0 0 token=*");
    CHECK_INT(shm_text_token(t->text), token);
    CHECK(bus_client_take_signal(s.bus, "Completed") == NULL);
    t = shm_talk_free(t);
    token = thing_token(s.bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":4}");
    CHECK_COMPLETED(s.bus, token, 0);
    scene_stop(&s);
}

const char *const suite_name = "04-event-shm";
const struct suite_test suite_tests[] = {
    {"event", test_event}, {"last-words", test_last_words},
    {"slots", test_slots}, {"completion", test_completion},
    {NULL, NULL},
};
