/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program of the library says how its properties are reported:
 *
 *   meter                            iotd                             cloud
 *   Register(uptime, policy)     →
 *   Report(uptime 1), (2), (3)   →   report {"uptime":1} … 3, QoS 1 →
 *   done × 3                     ←
 *                                                                     (dead)
 *   Report(uptime 4)             →
 *                                    ✕, starts again                  (starts)
 *   Attach(tokens)               →   report {"uptime":4}            →
 *   done                         ←
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/scene.h"
#include "tests/lib/world.h"

#define FAST "[report]\nrate = 1000\n[outbox]\nrate = 0\n"

#define N_NEWEST 50 /* values at once; at least two of them go in one message */

static const char *const ids[] = {"uptime", "cpu_load", "name"};

struct meter {
    struct scene scene;
    struct world world;
    iotc_slot *slot;
    unsigned want;  /* completions */
    int want_error; /* of the slot */
};

static void on_control(iotc_client *client, iotc_control *control, void *userdata)
{
    (void) client;
    (void) control;
    (void) userdata;
}

static bool is_settled(void *userdata)
{
    const struct meter *m = userdata;

    return iotc_slot_get_error(m->slot) != -EINPROGRESS &&
           iotc_client_get_link_state(m->world.client) == IOTC_LINK_UP;
}

static bool has_error(void *userdata)
{
    const struct meter *m = userdata;

    return iotc_slot_get_error(m->slot) == m->want_error;
}

static void wait_error(struct meter *m, int error)
{
    m->want_error = error;
    world_until(&m->world, has_error, m, "the state of the slot");
}

static bool are_done(void *userdata)
{
    const struct meter *m = userdata;

    return m->world.n_done >= m->want;
}

static void set_policy(struct meter *m, const char *id, const iotc_policy *policy)
{
    CHECK_INT(iotc_slot_set_policy(m->slot, id, policy), 0);
}

/* iotd has them: it has refused one that came later, and taken that back. */
static void wait_for_policies(struct meter *m)
{
    const iotc_policy bad = {.given = IOTC_POLICY_DEAD_BAND, .dead_band = 1};

    set_policy(m, "name", &bad);
    wait_error(m, -EPROTOTYPE);
    set_policy(m, "name", NULL);
    wait_error(m, 0);
}

static void begin(struct meter *m, const char *settings)
{
    *m = (struct meter){0};
    scene_start(&m->scene, settings);
    world_init(&m->world);
    CHECK_INT(
        iotc_serve_control(m->world.client, &m->slot, ids, ARRAY_SIZE(ids), on_control, NULL, NULL),
        0);
}

static void end(struct meter *m)
{
    iotc_slot_unref(m->slot);
    world_fini(&m->world);
    scene_stop(&m->scene);
}

static void report(struct meter *m, int64_t value)
{
    CHECK_INT(iotc_prop_report_int(world_prop(&m->world, "uptime"), value, world_done, &m->world),
              0);
    m->want++;
}

static void wait_done(struct meter *m)
{
    world_until(&m->world, are_done, m, "done");
    CHECK_INT(m->world.done_result, 0);
}

static void store_event(struct meter *m)
{
    iotc_event *event = NULL;

    CHECK_INT(iotc_event_new(m->world.client, &event, "low_voltage"), 0);
    CHECK_INT(iotc_event_set_double(event, "voltage", 3), 0);
    m->want = m->world.n_done + 1;
    CHECK_INT(iotc_event_post(event, IOTC_POST_STORED, world_done, &m->world), 0);
    iotc_event_free(event);
    wait_done(m);
    m->want++; /* the sample that waits for the cloud */
}

static void check_sample(struct meter *m, int value)
{
    CLEANUP(freep) char *text = scene_printf("{\"uptime\":%d}", value);
    CLEANUP(json_decrefp) json_t *entry = cloud_wait(m->scene.cloud, "up", "property", text);

    CHECK_INT(scene_int(entry, "qos"), 1);
}

static void test_history(void)
{
    const iotc_policy policy = {.given = IOTC_POLICY_HISTORY, .history = true};
    struct meter m;

    begin(&m, FAST);
    set_policy(&m, "uptime", &policy);
    world_until(&m.world, is_settled, &m, "registered");
    CHECK_INT(iotc_slot_get_error(m.slot), 0);
    for (int i = 1; i <= 3; i++) /* of one turn */
        report(&m, i);
    wait_done(&m);
    for (int i = 1; i <= 3; i++)
        check_sample(&m, i);

    /* Taken by an iotd that dies before the cloud comes back, and made while there is none. */
    cloud_kill(m.scene.cloud);
    (void) daemon_wait_link(m.scene.iotd, "waiting");
    report(&m, 4);
    store_event(&m); /* behind it, so it is on disk, and the program knows */
    daemon_kill(m.scene.iotd);
    world_until(&m.world, world_is_absent, &m.world, "absent");
    report(&m, 5);
    report(&m, 6);
    cloud_restart(m.scene.cloud);
    daemon_start_again(m.scene.iotd);
    wait_done(&m);
    for (int i = 4; i <= 6; i++)
        check_sample(&m, i);
    scene_barrier();
    CHECK_INT(scene_count(&m.scene, "up", "report", "uptime"), 3); /* of this cloud; once each */

    set_policy(&m, "uptime", NULL); /* and no more: the newest counts */
    wait_for_policies(&m);
    for (int i = 0; i < N_NEWEST; i++)
        report(&m, i);
    wait_done(&m);
    CHECK(scene_count(&m.scene, "up", "report", "uptime") < 3 + N_NEWEST);

    set_policy(&m, "uptime", &policy); /* and again, with the next value on */
    for (int i = 1001; i <= 1003; i++)
        report(&m, i);
    wait_done(&m);
    for (int i = 1001; i <= 1003; i++)
        check_sample(&m, i);
    end(&m);
}

static void test_dead_band(void)
{
    const iotc_policy policy = {
        .given = IOTC_POLICY_DEAD_BAND | IOTC_POLICY_MAX_INTERVAL | IOTC_POLICY_QOS,
        .dead_band = 5,
        .max_interval_ms = 86400000,
        .qos = 1,
    };
    struct meter m;
    iotc_prop *load;

    begin(&m, FAST);
    world_until(&m.world, is_settled, &m, "registered");
    set_policy(&m, "cpu_load", &policy); /* registers again */
    wait_for_policies(&m);
    load = world_prop(&m.world, "cpu_load");
    for (double d = 10; d <= 20; d++) {
        CHECK_INT(iotc_prop_report_double(load, d, world_done, &m.world), 0);
        m.want++;
        wait_done(&m);
    }
    json_decref(cloud_wait(m.scene.cloud, "up", "property", "{\"cpu_load\":10}"));
    json_decref(cloud_wait(m.scene.cloud, "up", "property", "{\"cpu_load\":16}"));
    scene_barrier();
    CHECK_INT(scene_count(&m.scene, "up", "report", "cpu_load"), 2);
    end(&m);
}

static void test_refused(void)
{
    iotc_policy policy = {.given = IOTC_POLICY_DEAD_BAND, .dead_band = 1};
    static const iotc_policy bad[] = {
        {.given = 1U << 31},
        {.given = IOTC_POLICY_DEAD_BAND, .dead_band = -1},
        {.given = IOTC_POLICY_DEAD_BAND, .dead_band = NAN},
        {.given = IOTC_POLICY_DEAD_BAND_PERCENT, .dead_band_percent = -1},
        {.given = IOTC_POLICY_QOS, .qos = 2},
    };
    iotc_slot *watch = NULL;
    struct meter m;

    begin(&m, FAST);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_INT(iotc_slot_set_policy(m.slot, "uptime", &bad[i]), -EINVAL);
    CHECK_INT(iotc_slot_set_policy(m.slot, "color", &policy), -ENOENT);
    CHECK_INT(iotc_slot_set_policy(m.slot, NULL, &policy), -EINVAL);
    CHECK_INT(iotc_slot_set_policy(NULL, "uptime", &policy), -EINVAL);
    world_until(&m.world, is_settled, &m, "registered");
    CHECK_INT(iotc_prop_watch(world_prop(&m.world, "uptime"), &watch, NULL, NULL, NULL), -EINVAL);

    /* What iotd does not like is the state of the slot, until it is taken back. */
    wait_for_policies(&m);
    policy.given = IOTC_POLICY_MIN_INTERVAL;
    policy.min_interval_ms = 86400001;
    set_policy(&m, "uptime", &policy);
    wait_error(&m, -ERANGE);
    end(&m);
}

const char *const suite_name = "client-policy";
const struct suite_test suite_tests[] = {
    {"history", test_history},
    {"dead_band", test_dead_band},
    {"refused", test_refused},
    {NULL, NULL},
};
