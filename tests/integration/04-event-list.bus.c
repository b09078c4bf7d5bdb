/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several events in one message:
 *
 *   program                         iotd                          cloud
 *   PostEventsJson([a, b])      →
 *                               ←   token (on disk)
 *                                   events_post [a, b]          →
 *                                                               ← events_reply 0
 *   ← Completed(token, 0)
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <iotclient/iotclient.h>

#include "tests/lib/scene.h"

#define TWO                                                                                        \
    "{\"events\":[{\"eventId\":\"low_voltage\",\"params\":{\"voltage\":3.1}},"                     \
    "{\"eventId\":\"status_report\",\"type\":\"info\",\"timestamp\":%llu,"                         \
    "\"params\":{\"status\":0,\"message\":\"on\"}}]}"

static void check_two(struct scene *s, time_t stamp)
{
    CLEANUP(json_decrefp) json_t *post = cloud_wait_method(s->cloud, "up", "events_post");
    json_t *list = json_object_get(post, "events");
    json_t *a = json_array_get(list, 0), *b = json_array_get(list, 1);

    CHECK_INT(json_array_size(list), 2);
    CHECK_STR(scene_text(a, "eventId"), "low_voltage");
    CHECK_STR(scene_text(a, "type"), "alert");
    CHECK(scene_int(a, "timestamp") >= stamp);
    CHECK_JSON(json_object_get(a, "params"), "{'voltage':3.1}");
    CHECK_STR(scene_text(b, "eventId"), "status_report");
    CHECK_INT(scene_int(b, "timestamp"), stamp);
}

static void test_posted(void)
{
    struct scene s;
    uint64_t t;

    scene_start(&s, NULL);
    t = thing_token(s.bus, "PostEvents", "sa{sv}",
                    "{\"events\":[{\"eventId\":\"low_voltage\","
                    "\"params\":{\"voltage\":3.1}}]}",
                    0);
    CHECK_COMPLETED(s.bus, t, 0);
    /* Accepted in an outage, sent by the next iotd. */
    cloud_kill(s.cloud);
    (void) daemon_wait_link(s.iotd, "waiting");
    (void) thing_token(s.bus, "PostEventsJson", "s",
                       "{\"events\":[{\"eventId\":\"low_voltage\",\"params\":{\"voltage\":3}}]}");
    daemon_kill(s.iotd);
    cloud_restart(s.cloud);
    daemon_start_again(s.iotd);
    json_decref(cloud_wait_method(s.cloud, "up", "events_post"));
    json_decref(cloud_wait_method(s.cloud, "down", "events_reply"));
    scene_stop(&s);
}

static void test_refused(void)
{
    static const struct {
        const char *json, *error, *part;
    } cases[] = {
        {"[]", "Protocol", "not a JSON object"},
        {"{}", "Protocol", "1 to 100"},
        {"{\"events\":[]}", "Protocol", "1 to 100"},
        {"{\"events\":[5]}", "UnknownId", ""},
        {"{\"events\":[{\"eventId\":\"nothing\",\"params\":{}}]}", "UnknownId", "nothing"},
        {"{\"events\":[{\"eventId\":\"low_voltage\"}]}", "Protocol", "no params"},
        {"{\"events\":[{\"eventId\":\"low_voltage\",\"params\":{\"voltage\":\"x\"}}]}", "WrongType",
         "voltage"},
        {"{\"events\":[{\"eventId\":\"low_voltage\",\"type\":\"info\",\"params\":{}}]}",
         "WrongType", "alert"},
        {"{\"events\":[{\"eventId\":\"low_voltage\",\"timestamp\":-1,\"params\":{}}]}",
         "OutOfRange", "Unix seconds"},
    };
    struct scene s;

    scene_start(&s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(freep) char *name = scene_printf(ERR("%s"), cases[i].error);

        CHECK_ERROR(thing_call(s.bus, "PostEventsJson", "s", cases[i].json), name, cases[i].part);
    }
    scene_stop(&s);
}

struct outcome {
    bool is_done;
    int result;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct outcome *o = userdata;

    (void) client;
    *o = (struct outcome){true, result};
}

static void wait_done(iotc_client *client, struct outcome *o, int result)
{
    uint64_t deadline = fixture_deadline_ms();

    while (!o->is_done && fixture_left_ms(deadline) > 0)
        CHECK(iotc_client_wait(client, fixture_left_ms(deadline)) >= 0);
    CHECK(o->is_done);
    CHECK_INT(o->result, result);
    o->is_done = false;
}

static void test_client(void)
{
    struct outcome o = {false, 0};
    time_t stamp = time(NULL) - 60;
    CLEANUP(freep) char *two = scene_printf(TWO, (unsigned long long) stamp);
    iotc_client *client;
    iotc_prop *prop;
    struct scene s;
    char text[8];

    scene_start(&s, NULL);
    CHECK_INT(iotc_client_new(&client, "list"), 0);
    CHECK_INT(iotc_events_post_json(client, two, 0, on_done, &o), 0); /* not attached yet */
    wait_done(client, &o, 0);
    check_two(&s, stamp);
    CHECK_INT(iotc_events_post_json(client, "{}", IOTC_POST_STORED, on_done, &o), 0);
    wait_done(client, &o, -EPROTO);
    CHECK_INT(iotc_events_post_json(client, NULL, 0, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_events_post_json(client, "\xff", 0, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_events_post_json(client, "{}", 2, NULL, NULL), -EINVAL);

    CHECK_INT(iotc_report_json(client, "{\"brightness\":7,\"power_switch\":true}", on_done, &o), 0);
    wait_done(client, &o, 0);
    CHECK_INT(iotc_prop_lookup(client, "brightness", &prop), 0);
    CHECK_INT(iotc_prop_get_json(prop, text, sizeof(text), NULL), 1);
    CHECK_STR(text, "7");
    CHECK_INT(iotc_prop_lookup(client, "power_switch", &prop), 0);
    CHECK_INT(iotc_prop_get_json(prop, text, sizeof(text), NULL), 1);
    CHECK_STR(text, "1");
    CHECK_INT(iotc_report_json(client, "{\"brightness\":101}", on_done, &o), 0);
    wait_done(client, &o, -ERANGE);
    client = iotc_client_unref(client);
    scene_stop(&s);
}

const char *const suite_name = "04-event-list";
const struct suite_test suite_tests[] = {
    {"posted", test_posted},
    {"refused", test_refused},
    {"client", test_client},
    {NULL, NULL},
};
