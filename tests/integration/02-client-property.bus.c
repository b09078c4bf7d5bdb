/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reports of one turn → Thing.Report(a{sv}) once, newest values; iotd: token, Changed, Completed
 * Changed → watchers; values are read without the bus
 */

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tests/lib/suite.h"
#include "tests/lib/world.h"

static uint64_t boot_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static bool is_done(void *userdata)
{
    struct world *w = userdata;

    return w->n_done > 0;
}

static bool are_done_three(void *userdata)
{
    struct world *w = userdata;

    return w->n_done == 3;
}

static const struct value *reported(struct world *w, const char *id)
{
    static const struct value none = {.kind = VALUE_KIND_NONE};
    const struct value *v = value_list_get(&w->fake->last_report, id);

    return v ? v : &none;
}

static void test_each_type(void)
{
    struct world w;
    uint64_t before = boot_us(), stamp = 0;
    char text[8];
    int64_t i;
    double d;
    bool b;

    world_init_attached(&w);
    CHECK_INT(iotc_prop_get_bool(world_prop(&w, "power_switch"), &b, NULL), -ENODATA);
    CHECK_INT(iotc_prop_report_bool(world_prop(&w, "power_switch"), true, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 2, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "brightness"), 32, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_string(world_prop(&w, "name"), "study \xe7\x81\xaf", NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_double(world_prop(&w, "cpu_load"), 12.5, NULL, NULL), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "boot_time"), 1700000000, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, 0);
    CHECK_INT(w.fake->n_report, 1);
    CHECK_INT(w.fake->last_report.n_items, 6);
    CHECK(reported(&w, "power_switch")->kind == VALUE_KIND_BOOL);
    CHECK(reported(&w, "cpu_load")->kind == VALUE_KIND_DOUBLE);
    CHECK_INT(reported(&w, "boot_time")->i, 1700000000);

    /* And back: Changed has filled the cache. */
    CHECK_INT(iotc_prop_get_bool(world_prop(&w, "power_switch"), &b, &stamp), 0);
    CHECK(b);
    CHECK(stamp >= before && stamp <= boot_us());
    CHECK_INT(iotc_prop_get_int(world_prop(&w, "color"), &i, NULL), 0);
    CHECK_INT(i, 2);
    CHECK_INT(iotc_prop_get_double(world_prop(&w, "cpu_load"), &d, NULL), 0);
    CHECK(d > 12.4 && d < 12.6);
    CHECK_INT(iotc_prop_get_string(world_prop(&w, "name"), text, sizeof(text), NULL), 9);
    CHECK_STR(text, "study \xe7"); /* cut by bytes, as snprintf() does */
    CHECK_INT(iotc_prop_get_string(world_prop(&w, "name"), NULL, 0, NULL), 9);
    CHECK_INT(iotc_prop_get_int(world_prop(&w, "name"), &i, NULL), -EPROTOTYPE);
    CHECK_INT(iotc_prop_get_int(NULL, &i, NULL), -EINVAL);
    CHECK_INT(iotc_prop_get_string(world_prop(&w, "name"), NULL, 5, NULL), -EINVAL);
    world_fini(&w);
}

static void test_checked_here(void)
{
    static char huge[LIMIT_STRING_VALUE + 2];
    struct world w;
    iotc_prop *name, *load;

    world_init_attached(&w);
    name = world_prop(&w, "name");
    load = world_prop(&w, "cpu_load");
    memset(huge, 'x', sizeof(huge) - 1);
    CHECK_INT(iotc_prop_report_int(name, 1, world_done, &w), -EPROTOTYPE);
    CHECK_INT(iotc_prop_report_bool(load, true, world_done, &w), -EPROTOTYPE);
    CHECK_INT(iotc_prop_report_int(load, 1, world_done, &w), -EPROTOTYPE);
    CHECK_INT(iotc_prop_report_double(load, NAN, world_done, &w), -ERANGE);
    CHECK_INT(iotc_prop_report_double(load, INFINITY, world_done, &w), -ERANGE);
    CHECK_INT(iotc_prop_report_string(name, huge, world_done, &w), -EMSGSIZE);
    CHECK_INT(iotc_prop_report_string(name, "\xff", world_done, &w), -EINVAL);
    CHECK_INT(iotc_prop_report_string(name, NULL, world_done, &w), -EINVAL);
    CHECK_INT(iotc_prop_report_string(NULL, "x", world_done, &w), -EINVAL);
    world_settle(&w);
    CHECK_INT(w.n_done, 0);
    CHECK_INT(w.fake->n_report, 0);
    huge[LIMIT_STRING_VALUE] = '\0';
    CHECK_INT(iotc_prop_report_string(name, huge, world_done, &w), 0);
    WORLD_UNTIL(&w, is_done);
    CHECK_INT(w.done_result, 0);
    world_fini(&w);
}

static void test_newest_wins(void)
{
    struct world w;
    iotc_prop *prop;

    world_init_attached(&w);
    prop = world_prop(&w, "brightness");
    for (int i = 1; i <= 3; i++)
        CHECK_INT(iotc_prop_report_int(prop, i, world_done, &w), 0);
    WORLD_UNTIL(&w, are_done_three);
    CHECK_INT(w.done_result, 0);
    CHECK_INT(w.fake->n_report, 1);
    CHECK_INT(reported(&w, "brightness")->i, 3);
    world_fini(&w);
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

/* One bad value may not take the good ones of the same turn down. */
static void test_bad_value_alone(void)
{
    struct outcome good = {0, 1}, bad = {0, 1}, color = {0, 1};
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_prop_report_bool(world_prop(&w, "power_switch"), true, on_outcome, &good), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "brightness"), 101, on_outcome, &bad), 0);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 1, on_outcome, &color), 0);
    world_settle(&w);
    CHECK_INT(good.n, 1);
    CHECK_INT(good.result, 0);
    CHECK_INT(color.n, 1);
    CHECK_INT(color.result, 0);
    CHECK_INT(bad.n, 1);
    CHECK_INT(bad.result, -ERANGE);
    CHECK_INT(w.fake->n_report, 4);
    world_fini(&w);
}

static void test_cloud_refuses(void)
{
    static const struct {
        int code;
        int result;
    } cases[] = {
        {400, -EPROTO}, {403, -ENOENT},    {405, -ECONNREFUSED}, {406, -ERANGE},
        {503, -EIO},    {408, -ETIMEDOUT}, {999, -ECONNREFUSED},
    };
    struct world w;

    world_init_attached(&w);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        w.fake->completed_code = cases[i].code;
        w.n_done = 0;
        CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 1, world_done, &w), 0);
        WORLD_UNTIL(&w, is_done);
        CHECK_INT(w.done_result, cases[i].result);
        CHECK_INT(w.n_done, 1);
    }
    world_fini(&w);
}

/* While the cloud is slow, values merge here instead of piling up. */
static void test_backpressure(void)
{
    struct world w;
    iotc_prop *prop;
    unsigned sent;
    int r = 0;

    world_init_attached(&w);
    prop = world_prop(&w, "brightness");
    w.fake->hold_completed = true;
    for (int i = 0; i < 2 * LIMIT_CLIENT_BATCHES; i++) {
        CHECK_INT(iotc_prop_report_int(prop, i % 100, NULL, NULL), 0);
        CHECK(iotc_client_dispatch(w.client) >= 0);
        test_loop_settle(&w.tl);
    }
    world_settle(&w);
    sent = w.fake->n_report;
    CHECK_INT(sent, LIMIT_CLIENT_BATCHES);
    for (int i = 0; i < 2 * LIMIT_CLIENT_DONES && r == 0; i++)
        r = iotc_prop_report_int(prop, 99, world_done, &w);
    CHECK_INT(r, -ENOBUFS);
    CHECK_INT(w.n_done, 0);
    fake_complete(w.fake, 0);
    world_settle(&w);
    CHECK_INT(w.fake->n_report, sent + 1);
    CHECK_INT(reported(&w, "brightness")->i, 99);
    fake_complete(w.fake, 0);
    world_settle(&w);
    CHECK_INT(w.n_done, LIMIT_CLIENT_DONES);
    world_fini(&w);
}

struct watch_log {
    int n;
    int64_t last;
    iotc_slot *end; /* ended in the callback */
    int n_freed;
};

static void on_change(iotc_client *client, iotc_prop *prop, void *userdata)
{
    struct watch_log *log = userdata;

    (void) client;
    log->n++;
    CHECK_INT(iotc_prop_get_int(prop, &log->last, NULL), 0);
    log->end = iotc_slot_unref(log->end);
}

static void on_free(void *userdata)
{
    struct watch_log *log = userdata;

    log->n_freed++;
}

static void test_watch(void)
{
    struct watch_log log = {.n = 0}, once = {.n = 0};
    iotc_slot *slot = NULL;
    struct world w;
    iotc_prop *prop;

    world_init_attached(&w);
    prop = world_prop(&w, "brightness");
    CHECK_INT(iotc_prop_watch(prop, &slot, NULL, NULL, NULL), -EINVAL);
    CHECK_INT(iotc_prop_watch(prop, &slot, on_change, &log, on_free), 0);
    CHECK_INT(iotc_prop_watch(prop, &once.end, on_change, &once, on_free), 0);
    CHECK_INT(iotc_slot_get_error(slot), 0);
    CHECK_INT(iotc_slot_watch(slot, NULL, NULL), -EINVAL); /* it serves nothing */
    fake_change(w.fake, "brightness", value_of_int(5));
    world_settle(&w);
    CHECK_INT(log.n, 1);
    CHECK_INT(log.last, 5);
    CHECK_INT(once.n, 1);
    CHECK_INT(once.n_freed, 1);
    fake_change(w.fake, "brightness", value_of_int(5)); /* no change */
    fake_change(w.fake, "color", value_of_int(1));      /* another one */
    world_settle(&w);
    CHECK_INT(log.n, 1);
    fake_change(w.fake, "brightness", value_of_int(6));
    world_settle(&w);
    CHECK_INT(log.n, 2);
    CHECK_INT(once.n, 1);
    slot = iotc_slot_unref(slot);
    CHECK_INT(log.n_freed, 1);
    fake_change(w.fake, "brightness", value_of_int(7));
    world_settle(&w);
    CHECK_INT(log.n, 2);

    /* A value that changed while iotd was away is told after the attach. */
    CHECK_INT(iotc_prop_watch(prop, NULL, on_change, &log, on_free), 0);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    world_start_fake(&w);
    fake_change(w.fake, "brightness", value_of_int(8));
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(log.n, 3);
    CHECK_INT(log.last, 8);
    world_fini(&w);
    CHECK_INT(log.n_freed, 2);
}

/* Signals and answers of anyone but iotd are not believed. */
static void test_impostor(void)
{
    DBusMessage *msg = dbus_message_new_signal("/org/iotd1/device", "org.iotd1.Thing", "Changed");
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    struct value v = value_of_int(66);
    DBusConnection *other;
    DBusMessageIter it;
    struct world w;
    int64_t value;

    world_init_attached(&w);
    fake_change(w.fake, "brightness", value_of_int(5));
    world_settle(&w);
    other = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
    CHECK(other != NULL);
    CHECK_INT(value_list_set(&list, "brightness", &v, 1), 0);
    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(value_list_append(&it, &list), 0);
    /* Straight to the client, past its match rules. */
    CHECK(dbus_message_set_destination(msg, w.fake->sender));
    CHECK(dbus_connection_send(other, msg, NULL));
    dbus_connection_flush(other);
    world_settle(&w);
    CHECK_INT(iotc_prop_get_int(world_prop(&w, "brightness"), &value, NULL), 0);
    CHECK_INT(value, 5);
    dbus_message_unref(msg);
    dbus_connection_close(other);
    dbus_connection_unref(other);
    world_fini(&w);
}

struct reader {
    iotc_prop *prop;
    atomic_bool stop;
    atomic_uint n;
    bool torn;
};

/* Each value is one letter, many times. */
static void *read_all(void *userdata)
{
    struct reader *r = userdata;
    char text[LIMIT_STRING_VALUE + 1];

    while (!r->stop) {
        int len = iotc_prop_get_string(r->prop, text, sizeof(text), NULL);

        for (int i = 1; i < len; i++)
            r->torn |= text[i] != text[0];
        r->torn |= len > 0 && (size_t) len != strlen(text);
        r->n++;
    }
    return NULL;
}

static bool has_read(void *userdata)
{
    const struct reader *r = userdata;

    return r->n > 0;
}

static void test_any_thread(void)
{
    struct reader reader = {.n = 0};
    char text[LIMIT_STRING_VALUE + 1];
    pthread_t thread;
    struct world w;

    world_init_attached(&w);
    reader.prop = world_prop(&w, "name");
    CHECK_INT(pthread_create(&thread, NULL, read_all, &reader), 0);
    for (int i = 0; i < 200; i++) {
        size_t len = (size_t) (i * 37 % LIMIT_STRING_VALUE) + 1;

        memset(text, 'a' + i % 26, len);
        text[len] = '\0';
        fake_change(w.fake, "name", value_of_string(text));
        test_loop_turn(&w.tl, 1000);
    }
    world_settle(&w);
    (void) world_until(&w, has_read, &reader, "the other thread reads");
    reader.stop = true;
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(!reader.torn);
    world_fini(&w);
}

#define N_REPORTERS 4
#define N_REPORTS 500

struct reporter {
    iotc_prop *prop;
    pthread_t thread;
    unsigned n_done; /* the client's thread only */
    int result;
    atomic_int n_refused;
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
        if (iotc_prop_report_int(r->prop, 1 + i % 2, i % 5 ? NULL : on_reported, r) < 0)
            r->n_refused++;
    }
    return NULL;
}

static bool are_reported(void *userdata)
{
    struct reporter *reporters = userdata;
    unsigned n = 0;

    for (int i = 0; i < N_REPORTERS; i++)
        n += reporters[i].n_done;
    return n == N_REPORTERS * N_REPORTS / 5;
}

/* Several threads, two of them with the same property: each done once, the last values arrive. */
static void test_reports_of_threads(void)
{
    static const char *const prop_ids[N_REPORTERS] = {"brightness", "boot_time", "color", "color"};
    struct reporter reporters[N_REPORTERS];
    struct world w;

    world_init_attached(&w);
    for (int i = 0; i < N_REPORTERS; i++) {
        reporters[i] = (struct reporter){.n_done = 0};
        reporters[i].prop = world_prop(&w, prop_ids[i]);
        CHECK_INT(pthread_create(&reporters[i].thread, NULL, report_many, &reporters[i]), 0);
    }
    world_until(&w, are_reported, reporters, "all done");
    for (int i = 0; i < N_REPORTERS; i++) {
        CHECK_INT(pthread_join(reporters[i].thread, NULL), 0);
        CHECK_INT(reporters[i].n_done, N_REPORTS / 5);
        CHECK_INT(reporters[i].result, 0);
        CHECK_INT(reporters[i].n_refused, 0);
    }
    world_settle(&w);
    for (size_t i = 0; i < ARRAY_SIZE(prop_ids); i++) {
        int64_t value = 0;

        CHECK_INT(iotc_prop_get_int(world_prop(&w, prop_ids[i]), &value, NULL), 0);
        CHECK_INT(value, 1); /* that of the last round */
    }
    CHECK_INT(w.fake->n_ignored_values, 0);
    world_fini(&w);
}

/* A watcher that looks another property up finds the whole new model. */
static void on_change_lookup(iotc_client *client, iotc_prop *prop, void *userdata)
{
    static const char *const ids[] = {"power_switch", "brightness", "boot_time"};
    struct world *w = userdata;
    iotc_prop *other = NULL;

    (void) prop;
    w->n_done++;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        CHECK_INT(iotc_prop_lookup(client, ids[i], &other), 0);
}

static void test_lookup_in_watch(void)
{
    struct world w;

    world_init_attached(&w);
    CHECK_INT(iotc_prop_watch(world_prop(&w, "brightness"), NULL, on_change_lookup, &w, NULL), 0);
    world_kill_fake(&w);
    WORLD_UNTIL(&w, world_is_absent);
    world_start_fake(&w);
    fake_change(w.fake, "brightness", value_of_int(8));
    WORLD_UNTIL(&w, world_is_up);
    CHECK_INT(w.n_done, 1);
    world_fini(&w);
}

static void test_cancelled(void)
{
    struct world w;

    world_init_attached(&w);
    w.fake->hold_completed = true;
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 1, world_done, &w), 0);
    world_settle(&w);
    CHECK_INT(iotc_prop_report_int(world_prop(&w, "color"), 2, world_done, &w), 0);
    world_drop_client(&w); /* one sent, one queued */
    CHECK_INT(w.n_done, 2);
    CHECK_INT(w.done_result, -ECANCELED);
    world_fini(&w);
}

const char *const suite_name = "client-property";
const struct suite_test suite_tests[] = {
    {"each_type", test_each_type},
    {"checked_here", test_checked_here},
    {"newest_wins", test_newest_wins},
    {"bad_value_alone", test_bad_value_alone},
    {"cloud_refuses", test_cloud_refuses},
    {"backpressure", test_backpressure},
    {"watch", test_watch},
    {"impostor", test_impostor},
    {"any_thread", test_any_thread},
    {"reports_of_threads", test_reports_of_threads},
    {"lookup_in_watch", test_lookup_in_watch},
    {"cancelled", test_cancelled},
    {NULL, NULL},
};
