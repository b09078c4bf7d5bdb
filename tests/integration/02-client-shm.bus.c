/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports of a program that shares memory with iotd, to the cloud and back:
 *
 *   meter                              iotd                          cloud
 *   slot: brightness 1, 2 … 50     →
 *   slot: name "study"             →   report {"brightness":50,…} →
 *   done × n                       ←                               ← report_reply 0
 *   slot: brightness 101           →
 *   done -ERANGE                   ←   (the others of the turn go on)
 *                                      ✕ starts again
 *   Attach; ring: all that was     →   report                      →
 *   not confirmed
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "tests/lib/scene.h"
#include "tests/lib/world.h"

#define FAST "[report]\nrate = 1000\n"

struct meter {
    struct scene scene;
    struct world world;
    unsigned want; /* completions */
};

static bool are_done(void *userdata)
{
    const struct meter *m = userdata;

    return m->world.n_done >= m->want;
}

static void wait_done(struct meter *m, int result)
{
    world_until(&m->world, are_done, m, "done");
    CHECK_INT(m->world.n_done, m->want);
    CHECK_INT(m->world.done_result, result);
}

static void begin_with(struct meter *m, const char *settings, const char *config, const char *model)
{
    *m = (struct meter){.want = 0};
    scene_start_with(&m->scene, settings, config, model);
    world_init(&m->world);
    WORLD_UNTIL(&m->world, world_is_up);
    CHECK(shm_is_active(m->world.client));
}

static void begin(struct meter *m, const char *settings)
{
    begin_with(m, settings, NULL, NULL);
}

static void end(struct meter *m)
{
    world_fini(&m->world);
    scene_stop(&m->scene);
}

static iotc_prop *prop_of(struct meter *m, const char *id)
{
    return world_prop(&m->world, id);
}

static void report_int(struct meter *m, const char *id, int64_t value)
{
    CHECK_INT(iotc_prop_report_int(prop_of(m, id), value, world_done, &m->world), 0);
    m->want++;
}

static void report_text(struct meter *m, const char *id, const char *text)
{
    CHECK_INT(iotc_prop_report_string(prop_of(m, id), text, world_done, &m->world), 0);
    m->want++;
}

/* The value that the cloud has of the property, when it has that one. */
static void wait_cloud(struct meter *m, const char *text)
{
    json_decref(cloud_wait(m->scene.cloud, "up", "property", text));
}

static void test_newest_wins(void)
{
    struct meter m;

    begin(&m, "[report]\nrate = 1\n");
    report_int(&m, "brightness", 1); /* opens the turn of iotd; what follows is of the next */
    wait_done(&m, 0);
    for (int i = 2; i <= 50; i++)
        report_int(&m, "brightness", i);
    CHECK_INT(iotc_prop_report_bool(prop_of(&m, "power_switch"), true, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_double(prop_of(&m, "cpu_load"), 12.5, NULL, NULL), 0);
    report_text(&m, "name", "study");
    wait_done(&m, 0);
    wait_cloud(&m, "\"brightness\":50");
    scene_barrier();
    CHECK_INT(scene_count(&m.scene, "up", "report", "brightness"), 2);
    CHECK_INT(scene_count(&m.scene, "up", "report", "\"name\":\"study\""), 1);
    CHECK_INT(scene_count(&m.scene, "up", "report", "\"power_switch\":1"), 1);
    CHECK_INT(scene_count(&m.scene, "up", "report", "\"cpu_load\":12.5"), 1);
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

/* What is wrong with one takes no other down; who owns the property of another program hears it. */
static void test_refused(void)
{
    struct outcome bad = {.n = 0}, owned = {.n = 0};
    struct bus_client *owner;
    struct meter m;

    begin(&m, FAST);
    owner = bus_client_new();
    CHECK_MSG(scene_register(owner, "color", "", ""), "");
    CHECK_INT(iotc_prop_report_int(prop_of(&m, "brightness"), 101, on_outcome, &bad), 0);
    CHECK_INT(iotc_prop_report_int(prop_of(&m, "color"), 1, on_outcome, &owned), 0);
    report_text(&m, "name", "good");
    wait_done(&m, 0);
    world_until(&m.world, has_ended, &bad, "the bad one");
    world_until(&m.world, has_ended, &owned, "that of another program");
    CHECK_INT(bad.result, -ERANGE);
    CHECK_INT(owned.result, -EPERM);
    wait_cloud(&m, "{\"name\":\"good\"}");
    owner = bus_client_free(owner);
    end(&m);
}

/* Long after short after long: the last one stays. */
static void test_order_of_ways(void)
{
    static char text[2001];
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    char last[32];
    struct meter m;

    begin_with(&m, FAST, config, model);
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 20; i++) {
        report_text(&m, "t_long", text);
        report_text(&m, "t_long", "short");
        test_loop_turn(&m.world.tl, 0);
        (void) snprintf(last, sizeof(last), "last %d", i);
        report_text(&m, "t_long", last);
        if (i % 3 == 0)
            wait_done(&m, 0);
    }
    wait_done(&m, 0);
    CHECK_THING(m.scene.bus, "s:\"last 19\" *", "Get", "s", "t_long");
    wait_cloud(&m, "last 19");
    end(&m);
}

/* JSON does not pass by what waits in a slot for the next turn of iotd. */
static void test_json_is_newer(void)
{
    struct meter m;

    begin(&m, "[report]\nrate = 1\n");
    report_int(&m, "brightness", 1);
    wait_done(&m, 0);
    report_int(&m, "brightness", 2);
    CHECK_INT(iotc_report_json(m.world.client, "{\"brightness\":3}", world_done, &m.world), 0);
    m.want++;
    wait_done(&m, 0);
    CHECK_THING(m.scene.bus, "x:3 *", "Get", "s", "brightness");
    CHECK_INT(iotc_report_json(m.world.client, "{\"brightness\":4}", world_done, &m.world), 0);
    m.want++;
    report_int(&m, "brightness", 5);
    wait_done(&m, 0);
    CHECK_THING(m.scene.bus, "x:5 *", "Get", "s", "brightness");
    end(&m);
}

#define N_LARGE 600 /* elements: more than a record, less than a message */

static iotc_value *new_large(void)
{
    iotc_value *all = NULL, *one = NULL;

    CHECK_INT(iotc_value_new_array(&all), 0);
    for (int i = 0; i < N_LARGE; i++) {
        CHECK_INT(iotc_value_new_struct(&one), 0);
        CHECK_INT(iotc_value_set_string(one, "id", "a"), 0);
        CHECK_INT(iotc_value_set_int(one, "level", i % 10), 0);
        CHECK_INT(iotc_value_add_value(all, one), 0);
        one = iotc_value_free(one);
    }
    return all;
}

/* What no record holds goes over the bus, between the others. */
static void test_large(void)
{
    CLEANUP(freep) char *config = fixture_source_path("tests/data/types-cloud.json");
    CLEANUP(freep) char *model = fixture_source_path("tests/data/types.json");
    iotc_value *large, *back = NULL;
    static char text[200];
    struct meter m;

    begin_with(&m, FAST, config, model);
    large = new_large();
    memset(text, 'y', sizeof(text) - 1);
    for (int i = 0; i < 3; i++) {
        report_text(&m, "t_long", text);
        CHECK_INT(iotc_prop_report_value(prop_of(&m, "t_structs"), large, world_done, &m.world), 0);
        m.want++;
        report_int(&m, "t_int", i);
        test_loop_turn(&m.world.tl, 0);
    }
    wait_done(&m, 0);
    world_settle(&m.world);
    CHECK_INT(iotc_prop_get_value(prop_of(&m, "t_structs"), &back, NULL), 0);
    CHECK_INT(iotc_value_get_count(back), N_LARGE);
    CHECK_INT(m.world.client->rings.n_by_bus, 0);
    iotc_value_free(back);
    iotc_value_free(large);
    end(&m);
}

/* Not confirmed when iotd is killed: reported again; newer values of the time without it win. */
static void test_killed(void)
{
    struct meter m;

    begin(&m, FAST);
    cloud_kill(m.scene.cloud);
    (void) daemon_wait_link(m.scene.iotd, "waiting");
    report_int(&m, "brightness", 41);
    report_text(&m, "name", "kept");
    test_loop_turn(&m.world.tl, 1000);
    daemon_kill(m.scene.iotd);
    world_until(&m.world, world_is_absent, &m.world, "absent");
    report_int(&m, "brightness", 42);
    CHECK_INT(m.world.n_done, 0);
    cloud_restart(m.scene.cloud);
    daemon_start_again(m.scene.iotd);
    wait_done(&m, 0);
    wait_cloud(&m, "\"brightness\":42");
    CHECK_THING(m.scene.bus, "s:\"kept\" *", "Get", "s", "name");
    CHECK(shm_is_active(m.world.client));
    report_int(&m, "brightness", 43); /* through the slots of the new one */
    wait_done(&m, 0);
    end(&m);
}

#define N_THREADS 4
#define N_REPORTS 2000

struct reporter {
    pthread_t thread;
    iotc_prop *prop;
    unsigned n_done; /* the client's thread only */
    int result;
    int refused;
};

static void on_reported(iotc_client *client, int result, void *userdata)
{
    struct reporter *r = userdata;

    (void) client;
    r->n_done++;
    if (result < 0)
        r->result = result;
}

static void *report_many(void *userdata)
{
    struct reporter *r = userdata;

    for (int i = 1; i <= N_REPORTS; i++) {
        if (iotc_prop_report_int(r->prop, i % 100, i % 20 ? NULL : on_reported, r) < 0)
            r->refused++;
    }
    return NULL;
}

static bool are_reported(void *userdata)
{
    const struct reporter *reporters = userdata;
    unsigned n = 0;

    for (int i = 0; i < N_THREADS; i++)
        n += reporters[i].n_done;
    return n == N_THREADS * N_REPORTS / 20;
}

/* In the middle of it iotd is killed. */
static void test_threads(void)
{
    static const char *const ids[N_THREADS] = {"brightness", "uptime", "boot_time", "boot_time"};
    struct reporter reporters[N_THREADS];
    struct meter m;

    begin(&m, FAST);
    for (int i = 0; i < N_THREADS; i++)
        reporters[i] = (struct reporter){.prop = prop_of(&m, ids[i])};
    for (int i = 0; i < N_THREADS; i++)
        CHECK_INT(pthread_create(&reporters[i].thread, NULL, report_many, &reporters[i]), 0);
    daemon_kill(m.scene.iotd);
    world_until(&m.world, world_is_absent, &m.world, "absent");
    daemon_start_again(m.scene.iotd);
    world_until(&m.world, are_reported, reporters, "all done");
    for (int i = 0; i < N_THREADS; i++) {
        CHECK_INT(pthread_join(reporters[i].thread, NULL), 0);
        CHECK_INT(reporters[i].n_done, N_REPORTS / 20);
        CHECK_INT(reporters[i].result, 0);
        CHECK_INT(reporters[i].refused, 0);
        CHECK_THING(m.scene.bus, "x:0 *", "Get", "s", ids[i]); /* the last one */
    }
    end(&m);
}

const char *const suite_name = "client-shm-reports";
const struct suite_test suite_tests[] = {
    {"newest_wins", test_newest_wins},
    {"refused", test_refused},
    {"order_of_ways", test_order_of_ways},
    {"json_is_newer", test_json_is_newer},
    {"large", test_large},
    {"killed", test_killed},
    {"threads", test_threads},
    {NULL, NULL},
};
