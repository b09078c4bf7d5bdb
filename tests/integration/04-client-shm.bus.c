/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of a program that shares memory with iotd:
 *
 *   meter                       iotd                        cloud
 *   ring: event ×n          →   on disk
 *   done (stored)           ←                               (dead)
 *                               ✕ kill -9, starts again     (starts)
 *   Attach(tokens)          →   event_post ×n, in order →
 *   done                    ←                           ←   event_reply 0
 *
 * -ENOBUFS when 64 are on their way, and word when there is room. What is larger than a record goes
 * over the bus, in its place.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "tests/lib/scene.h"
#include "tests/lib/world.h"

#define FAST "[outbox]\nrate = 0\n"

struct meter {
    struct scene scene;
    struct world world;
    unsigned want; /* completions */
    int n_next;    /* the number of the next event */
    int n_all;
    unsigned n_full, n_writable;
};

static bool are_done(void *userdata)
{
    const struct meter *m = userdata;

    return m->world.n_done >= m->want;
}

static void wait_done(struct meter *m)
{
    world_until(&m->world, are_done, m, "done");
    CHECK_INT(m->world.n_done, m->want);
    CHECK_INT(m->world.done_result, 0);
}

/* A cloud that takes as many as there are. */
static void begin(struct meter *m)
{
    CLEANUP(freep) char *model = fixture_source_path("examples/smart-light.json");
    CLEANUP(freep)
    char *text = scene_printf(
        "{\"products\":[{\"product_id\":\"" CLOUD_PRODUCT "\",\"product_secret\":\"x\","
        "\"name\":\"Lamp\",\"model\":\"%s\",\"devices\":[{\"device_name\":\"" CLOUD_DEVICE
        "\",\"secret\":\"ZGVzay1vbmx5LXNlY3JldA==\"}]}],\"apps\":[{\"app_key\":\"deskappkey\","
        "\"app_secret\":\"desk-only-app-secret\"}],\"limits\":{\"up_rate\":0}}",
        model);
    CLEANUP(freep) char *config = fixture_write_file("cloud.json", 0600, text);

    *m = (struct meter){.want = 0};
    scene_start_with(&m->scene, FAST, config, NULL);
    world_init(&m->world);
    WORLD_UNTIL(&m->world, world_is_up);
    CHECK(shm_is_active(m->world.client));
}

static void end(struct meter *m)
{
    world_fini(&m->world);
    scene_stop(&m->scene);
}

/* The name says which it is. */
static int post(struct meter *m, int number, uint32_t flags)
{
    char name[16];
    iotc_event *event = NULL;
    int r;

    (void) snprintf(name, sizeof(name), "n%d.", number);
    CHECK_INT(iotc_event_new(m->world.client, &event, "hardware_fault"), 0);
    CHECK_INT(iotc_event_set_string(event, "name", name), 0);
    CHECK_INT(iotc_event_set_int(event, "error_code", 1), 0);
    r = iotc_event_post(event, flags, world_done, &m->world);
    iotc_event_free(event);
    m->want += r == 0;
    return r;
}

/* The cloud gets them in this order, each at least once. */
static void check_order(struct meter *m, int from, int to)
{
    for (int i = from; i <= to; i++) {
        CLEANUP(freep) char *text = scene_printf("\"n%d.\"", i);

        json_decref(cloud_wait(m->scene.cloud, "up", "event", text));
    }
}

/* Accepted means kept, also when nobody comes to say goodbye. */
static void test_kept(void)
{
    struct meter m;

    begin(&m);
    cloud_kill(m.scene.cloud);
    (void) daemon_wait_link(m.scene.iotd, "waiting");
    for (int i = 0; i < 20; i++)
        CHECK_INT(post(&m, i, IOTC_POST_STORED), 0);
    wait_done(&m);
    for (int i = 20; i < 30; i++)
        CHECK_INT(post(&m, i, 0), 0); /* some of these may be accepted, or not */
    test_loop_turn(&m.world.tl, 0);
    daemon_kill(m.scene.iotd);
    world_until(&m.world, world_is_absent, &m.world, "absent");
    CHECK_INT(post(&m, 30, 0), 0);
    cloud_restart(m.scene.cloud);
    daemon_start_again(m.scene.iotd);
    wait_done(&m);
    check_order(&m, 0, 30);
    end(&m);
}

static int fill(struct meter *m)
{
    int r = 0;

    while (m->n_next < m->n_all && r == 0) {
        r = post(m, m->n_next, 0);
        m->n_next += r == 0;
    }
    m->n_full += r == -ENOBUFS;
    return r;
}

static void on_writable(iotc_client *client, void *userdata)
{
    struct meter *m = userdata;

    (void) client;
    m->n_writable++;
    (void) fill(m);
}

static bool is_all_posted(void *userdata)
{
    const struct meter *m = userdata;

    return m->n_next == m->n_all;
}

/* Far more than there is room for, by who waits for room: all of them, in order. */
static void test_full(void)
{
    struct meter m;

    begin(&m);
    m.n_all = 300;
    CHECK_INT(iotc_client_watch_writable(m.world.client, NULL, on_writable, &m, NULL), 0);
    CHECK_INT(fill(&m), -ENOBUFS);
    CHECK_INT(m.n_next, LIMIT_CLIENT_POSTS);
    world_until(&m.world, is_all_posted, &m, "all posted");
    wait_done(&m);
    CHECK(m.n_full > 1);
    CHECK(m.n_writable >= m.n_full);
    check_order(&m, 0, m.n_all - 1);
    end(&m);
}

struct outcome {
    unsigned n;
    int result;
};

static void on_outcome(iotc_client *client, int result, void *userdata)
{
    struct outcome *o = userdata;

    (void) client;
    o->n++;
    o->result = result;
}

static bool has_ended(void *userdata)
{
    const struct outcome *o = userdata;

    return o->n > 0;
}

/* What iotd refuses: its code, and nothing else is held up. */
static void test_refused(void)
{
    struct outcome unknown = {.n = 0}, range = {.n = 0};
    iotc_event *event = NULL;
    struct meter m;

    begin(&m);
    CHECK_INT(iotc_event_new(m.world.client, &event, "nowhere"), 0);
    CHECK_INT(iotc_event_post(event, 0, on_outcome, &unknown), 0);
    iotc_event_free(event);
    CHECK_INT(iotc_event_new(m.world.client, &event, "low_voltage"), 0);
    CHECK_INT(iotc_event_set_double(event, "voltage", 1000), 0);
    CHECK_INT(iotc_event_post(event, 0, on_outcome, &range), 0);
    iotc_event_free(event);
    CHECK_INT(post(&m, 1, 0), 0);
    wait_done(&m);
    world_until(&m.world, has_ended, &unknown, "the unknown one");
    world_until(&m.world, has_ended, &range, "the one out of range");
    CHECK_INT(unknown.result, -ENOENT);
    CHECK_INT(range.result, -ERANGE);
    end(&m);
}

#define N_PARAMS 255

/* More than a record, and more than iotd takes: refused by it, in its place. */
static void post_large(struct meter *m, struct outcome *o)
{
    static char text[LIMIT_STRING_VALUE + 1];
    iotc_event *event = NULL;
    char param[16];

    memset(text, 'z', sizeof(text) - 1);
    CHECK_INT(iotc_event_new(m->world.client, &event, "hardware_fault"), 0);
    for (int i = 0; i < N_PARAMS; i++) {
        (void) snprintf(param, sizeof(param), "p%d", i);
        CHECK_INT(iotc_event_set_string(event, param, text), 0);
    }
    CHECK_INT(iotc_event_post(event, 0, on_outcome, o), 0);
    iotc_event_free(event);
}

static void test_large(void)
{
    struct outcome large[3] = {{.n = 0}};
    struct meter m;

    begin(&m);
    for (int i = 0; i < 9; i++) {
        CHECK_INT(post(&m, i, 0), 0);
        if (i % 3 == 1)
            post_large(&m, &large[i / 3]);
    }
    wait_done(&m);
    check_order(&m, 0, 8);
    for (int i = 0; i < 3; i++) {
        world_until(&m.world, has_ended, &large[i], "the large one");
        CHECK_INT(large[i].n, 1);
        CHECK(large[i].result < 0);
    }
    CHECK_INT(m.world.client->rings.n_by_bus, 0);
    CHECK_INT(m.world.client->rings.n_sent, 0);
    end(&m);
}

/* JSON goes the same way, in the order of the posts. */
static void test_json(void)
{
    struct meter m;

    begin(&m);
    CHECK_INT(post(&m, 1, 0), 0);
    CHECK_INT(iotc_events_post_json(m.world.client,
                                    "{\"events\":[{\"eventId\":\"low_voltage\",\"params\":"
                                    "{\"voltage\":3.5}}]}",
                                    0, world_done, &m.world),
              0);
    CHECK_INT(iotc_report_json(m.world.client, "{\"brightness\":7}", world_done, &m.world), 0);
    m.want += 2;
    wait_done(&m);
    check_order(&m, 1, 1);
    json_decref(cloud_wait(m.scene.cloud, "up", "event", "3.5"));
    CHECK_THING(m.scene.bus, "x:7 *", "Get", "s", "brightness");
    end(&m);
}

const char *const suite_name = "client-shm-events";
const struct suite_test suite_tests[] = {
    {"kept", test_kept},   {"full", test_full}, {"refused", test_refused},
    {"large", test_large}, {"json", test_json}, {NULL, NULL},
};
