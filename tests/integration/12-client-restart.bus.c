/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iotd is killed and starts again: what was not confirmed is sent again, newest values only, and
 * of events that it had accepted the next iotd tells the outcome;
 * the bus is killed and starts again: the client comes back by itself
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/proc.h"
#include "tests/lib/suite.h"
#include "tests/lib/world.h"

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

static bool is_reported(void *userdata)
{
    struct world *w = userdata;

    return w->fake->n_report > 0;
}

static void restart(struct world *w)
{
    world_kill_fake(w);
    WORLD_UNTIL(w, world_is_absent);
    world_start_fake(w);
    WORLD_UNTIL(w, world_is_up);
}

static void test_unconfirmed_again(void)
{
    struct outcome old = {0, 1}, newest = {0, 1}, color = {0, 1};
    iotc_prop *prop;
    struct world w;

    world_init_attached(&w);
    prop = world_prop(&w, "brightness");
    w.fake->hold_completed = true;
    CHECK_INT(iotc_prop_report_int(prop, 10, on_outcome, &old), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 2, on_outcome, &color), 0);
    world_settle(&w);
    CHECK_INT(iotc_prop_report_int(prop, 20, on_outcome, &newest), 0);
    world_settle(&w);
    CHECK_INT(w.fake->n_report, 2);
    restart(&w);
    WORLD_UNTIL(&w, is_reported);
    world_settle(&w);
    CHECK_INT(w.fake->n_report, 1);
    CHECK_INT(w.fake->last_report.n_items, 2);
    CHECK_INT(value_list_get(&w.fake->last_report, "brightness")->i, 20);
    CHECK_INT(value_list_get(&w.fake->last_report, "color")->i, 2);
    CHECK_INT(old.n, 1);
    CHECK_INT(old.result, 0);
    CHECK_INT(newest.n, 1);
    CHECK_INT(newest.result, 0);
    CHECK_INT(color.n, 1);
    CHECK_INT(color.result, 0);
    world_fini(&w);
}

static void test_unanswered_again(void)
{
    struct outcome o = {0, 1};
    struct world w;

    world_init_attached(&w);
    w.fake->hold_report = true;
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "brightness"), 10, on_outcome, &o), 0);
    WORLD_UNTIL(&w, is_reported);
    restart(&w);
    WORLD_UNTIL(&w, is_reported);
    world_settle(&w);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, 0);
    world_fini(&w);
}

static void test_reported_while_away(void)
{
    struct outcome o = {0, 1};
    iotc_prop *prop;
    struct world w;

    world_init_attached(&w);
    prop = world_prop(&w, "brightness");
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(iotc_prop_report_int(prop, i, on_outcome, &o), 0);
        world_settle(&w);
    }
    CHECK_INT(o.n, 0);
    world_start_fake(&w);
    WORLD_UNTIL(&w, is_reported);
    world_settle(&w);
    CHECK_INT(w.fake->n_report, 1);
    CHECK_INT(value_list_get(&w.fake->last_report, "brightness")->i, 4);
    CHECK_INT(o.n, 5);
    world_fini(&w);
}

static bool is_posted(void *userdata)
{
    struct world *w = userdata;

    return w->fake->n_post > 0;
}

/* Accepted by iotd, iotd died, and the next one knows nothing of it: nobody will tell the end. */
static void test_event_forgotten(void)
{
    struct outcome o = {0, 1};
    iotc_event *event = NULL;
    struct world w;

    world_init_attached(&w);
    w.fake->hold_completed = true;
    CHECK_INT(iotc_event_new(w.client, &event, "low_voltage"), 0);
    CHECK_INT(iotc_event_post(event, 0, on_outcome, &o), 0);
    WORLD_UNTIL(&w, is_posted);
    world_settle(&w);
    restart(&w);
    world_settle(&w);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, -ECONNRESET);
    CHECK_INT(w.fake->n_post, 0);
    iotc_event_free(event);
    world_fini(&w);
}

static void post(struct world *w, struct outcome *o)
{
    iotc_event *event = NULL;

    *o = (struct outcome){0, 1};
    CHECK_INT(iotc_event_new(w->client, &event, "low_voltage"), 0);
    CHECK_INT(iotc_event_post(event, 0, on_outcome, o), 0);
    iotc_event_free(event);
    world_settle(w);
}

/* The next iotd has the event on its disk: its outcome is the event's, over any restarts. */
static void test_event_known(void)
{
    struct outcome old[2], new;
    struct world w;

    world_init_attached(&w);
    w.fake->hold_completed = true;
    post(&w, &old[0]);
    post(&w, &old[1]);
    CHECK_INT(w.fake->n_post, 2);
    for (int i = 0; i < 2; i++) {
        world_kill_fake(&w);
        WORLD_UNTIL(&w, world_is_absent);
        world_start_fake(&w);
        w.fake->knows_tokens = true;
        w.fake->hold_completed = true;
        w.fake->next_token = 10;
        WORLD_UNTIL(&w, world_is_up);
        CHECK_INT(w.fake->n_tokens, 2);
    }
    post(&w, &new);
    CHECK_INT(w.fake->n_post, 1);
    CHECK_INT(old[0].n + old[1].n + new.n, 0);
    fake_complete(w.fake, 406);
    world_settle(&w);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(old[i].n, 1);
        CHECK_INT(old[i].result, -ERANGE);
    }
    CHECK_INT(new.n, 1);
    world_fini(&w);
}

static bool is_refused(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_error(w->client) == -EACCES;
}

/* The outcome may come before Attach is through. */
static void test_event_told_early(void)
{
    struct outcome o;
    struct world w;

    world_init_attached(&w);
    w.fake->hold_completed = true;
    post(&w, &o);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    world_start_fake(&w);
    w.fake->attach_error = -EACCES;
    WORLD_UNTIL(&w, is_refused);
    w.fake->tokens[0].token = 1;
    (void) snprintf(w.fake->tokens[0].sender, sizeof(w.fake->tokens[0].sender), "%s",
                    w.fake->sender);
    w.fake->n_tokens = 1;
    fake_complete(w.fake, 0);
    world_settle(&w);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, 0);
    w.fake->attach_error = 0;
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(o.n, 1);
    world_fini(&w);
}

/* The bus of this test alone; DBUS_SYSTEM_BUS_ADDRESS names its socket. */
static struct proc *start_bus(const char *address)
{
    const char *argv[] = {"dbus-daemon", "--session",         "--nofork",
                          "--nopidfile", "--nosyslog",        "--address",
                          address,       "--print-address=1", NULL};
    struct proc *p = proc_start(argv);

    free(proc_wait_line(p, PROC_STDOUT, "unix:"));
    return p;
}

static bool is_without_bus(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_error(w->client) == -EHOSTDOWN;
}

static bool is_without_iotd(void *userdata)
{
    struct world *w = userdata;

    return iotc_client_get_error(w->client) == -ENOENT;
}

static void test_bus_restart(void)
{
    char *path = fixture_test_path("bus");
    char *saved = strdup(getenv("DBUS_SYSTEM_BUS_ADDRESS"));
    struct outcome o = {0, 1};
    char address[512];
    struct proc *bus;
    iotc_prop *prop;
    struct world w;

    (void) snprintf(address, sizeof(address), "unix:path=%s", path);
    CHECK_INT(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
    /* No bus at all. */
    world_init(&w);
    WORLD_UNTIL(&w, is_without_bus);
    bus = start_bus(address);
    WORLD_UNTIL(&w, is_without_iotd);
    world_start_fake_at(&w, address);
    WORLD_UNTIL(&w, world_is_up);
    prop = world_prop(&w, "brightness");
    w.fake->hold_completed = true;
    CHECK_INT(iotc_prop_report_int(prop, 33, on_outcome, &o), 0);
    world_settle(&w);

    bus = proc_kill(bus);
    WORLD_UNTIL(&w, world_is_absent);
    CHECK_INT(iotc_client_get_error(w.client), -EHOSTDOWN);
    world_kill_fake(&w);
    CHECK_INT(unlink(path), 0);
    bus = start_bus(address);
    world_start_fake_at(&w, address);
    WORLD_UNTIL(&w, is_reported);
    world_settle(&w);
    CHECK_INT(value_list_get(&w.fake->last_report, "brightness")->i, 33);
    CHECK_INT(o.n, 1);
    CHECK_INT(o.result, 0);
    world_fini(&w);
    bus = proc_stop(bus);
    CHECK_INT(setenv("DBUS_SYSTEM_BUS_ADDRESS", saved, 1), 0);
    free(saved);
    free(path);
}

const char *const suite_name = "client-restart";
const struct suite_test suite_tests[] = {
    {"unconfirmed_again", test_unconfirmed_again},
    {"unanswered_again", test_unanswered_again},
    {"reported_while_away", test_reported_while_away},
    {"event_forgotten", test_event_forgotten},
    {"event_known", test_event_known},
    {"event_told_early", test_event_told_early},
    {"bus_restart", test_bus_restart},
    {NULL, NULL},
};
