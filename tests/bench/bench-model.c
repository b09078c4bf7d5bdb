/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A product as large as they get (tests/lib/big-model.h): reading its model, against jansson
 * reading the same JSON; one new program that attaches and registers all of it, against the same
 * messages refused at iotd's door; what iotd's memory grows by for each property with a value,
 * which is in a table for programs, too.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dbus/dbus.h>

#include "daemon/cloud/model.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/ipc/layout.h"
#include "tests/bench/bench.h"
#include "tests/lib/big-model.h"
#include "tests/lib/daemon-fixture.h"

#define ROUNDS 30
#define MEMORY_ROUNDS 3
#define PRODUCT "IOTDLIGHT1"

static void on_mistake(const char *path, const char *what, void *userdata)
{
    (void) userdata;
    bench_fatal("thing model: %s: %s", path, what);
}

static double ms_since(uint64_t start_ns)
{
    return (double) (bench_now_ns() - start_ns) / 1e6;
}

static void measure_load(const char *text)
{
    struct bench_series ours = {.name = "model.load", .unit = "ms"};
    struct bench_series bare = {.name = "model.json", .unit = "ms"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = bench_now_ns();
        struct model *m = NULL;
        json_t *json;

        bench_must(model_parse(&m, text, strlen(text), PRODUCT, on_mistake, NULL), "model");
        bench_add(&ours, ms_since(start));
        model_free(m);
        start = bench_now_ns();
        json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        bench_add(&bare, ms_since(start));
        json_decref(json);
    }
    bench_print_pairs(&ours, &bare);
    bench_print(&bare, NULL);
    bench_clear(&ours);
    bench_clear(&bare);
}

static DBusMessage *new_call(const char *path, const char *iface, const char *member,
                             DBusMessageIter *ret_args)
{
    DBusMessage *msg = bus_client_new_call(path, iface, member);

    dbus_message_iter_init_append(msg, ret_args);
    return msg;
}

/* layout: NULL or that option. */
static void append_options(DBusMessageIter *args, const char *layout)
{
    DBusMessageIter options;

    bench_must(msg_open_dict(args, &options), "append");
    if (layout)
        bench_must(msg_dict_string(&options, "layout", layout), "append");
    bench_must(msg_close(args, &options, 0), "append");
}

/* With shared memory, as the library does. */
static DBusMessage *new_attach(const char *member)
{
    DBusMessageIter args;
    DBusMessage *msg = new_call(IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, member, &args);

    bench_must(msg_append_string(&args, "program"), "append");
    append_options(&args, LAYOUT_VERSION_TEXT);
    return msg;
}

static void append_ids(DBusMessageIter *args, char kind, unsigned n)
{
    DBusMessageIter list;
    char id[BIG_MODEL_ID];

    bench_must(msg_open(args, DBUS_TYPE_ARRAY, "s", &list), "append");
    for (unsigned i = 0; i < n; i++)
        bench_must(msg_append_string(&list, big_model_id(id, kind, i)), "append");
    bench_must(msg_close(args, &list, 0), "append");
}

static void call(struct bus_client *bc, DBusMessage *msg, bool want_good)
{
    DBusMessage *reply = bus_client_call(bc, msg);

    if (!reply || (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR) == want_good)
        bench_fatal("unexpected answer: %s", reply ? dbus_message_get_signature(reply) : "none");
    dbus_message_unref(reply);
}

/* real: served; else members that iotd does not have. */
static double time_register(bool real)
{
    struct bus_client *bc = bus_client_new();
    DBusMessageIter args;
    DBusMessage *attach, *all;
    uint64_t start;
    double ms;

    attach = new_attach(real ? "Attach" : "NoAttach");
    all = new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, real ? "Register" : "NoRegister", &args);
    append_ids(&args, 'p', BIG_PROPERTIES);
    append_ids(&args, 'e', BIG_EVENTS);
    append_ids(&args, 'a', BIG_ACTIONS);
    bench_must(msg_append_path(&args, "/handler"), "append");
    append_options(&args, NULL);
    start = bench_now_ns();
    call(bc, attach, real);
    call(bc, all, real);
    ms = ms_since(start);
    bus_client_free(bc);
    return ms;
}

static struct daemon_fixture *start(const char *text)
{
    CLEANUP(freep) char *path = fixture_write_file("model.json", 0600, text);

    return daemon_start(
        &(struct daemon_options){.endpoint = "ws://127.0.0.1:9/mqtt", .model = path});
}

static void measure_register(const char *text)
{
    struct bench_series ours = {.name = "model.register", .unit = "ms"};
    struct bench_series bare = {.name = "model.refused", .unit = "ms"};
    struct daemon_fixture *iotd = start(text);

    for (unsigned i = 0; i < ROUNDS; i++) {
        bench_add(&ours, time_register(true));
        /* The ids are free again when iotd has heard of the end: before it answers the next. */
        bench_add(&bare, time_register(false));
    }
    bench_print_pairs(&ours, &bare);
    bench_print(&bare, NULL);
    bench_clear(&ours);
    bench_clear(&bare);
    daemon_stop(iotd);
}

static long rss_with(unsigned n_properties)
{
    CLEANUP(freep) char *text = big_model_text(PRODUCT, n_properties, 1, 1);
    CLEANUP(freep) char *values = big_model_values(n_properties);
    struct daemon_fixture *iotd = start(text);
    DBusMessageIter args;
    DBusMessage *msg = new_call(IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ReportJson", &args);
    long kib;

    bench_must(msg_append_string(&args, values), "append");
    call(daemon_bus(iotd), new_attach("Attach"), true);
    call(daemon_bus(iotd), msg, true);
    kib = proc_rss_kib(daemon_proc(iotd));
    daemon_stop(iotd);
    return kib;
}

static void measure_memory(void)
{
    struct bench_series bytes = {.name = "model.memory", .unit = "B/prop"};

    for (unsigned i = 0; i < MEMORY_ROUNDS; i++)
        bench_add(&bytes,
                  (double) (rss_with(BIG_PROPERTIES) - rss_with(1)) * 1024 / (BIG_PROPERTIES - 1));
    bench_print(&bytes, NULL);
    bench_clear(&bytes);
}

int main(void)
{
    CLEANUP(freep) char *text = big_model_text(PRODUCT, BIG_PROPERTIES, BIG_EVENTS, BIG_ACTIONS);

    measure_load(text);
    measure_register(text);
    measure_memory();
    return 0;
}
