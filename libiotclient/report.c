/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/prop.h"

struct report_done {
    struct list link;
    iotc_done_fn done;
    void *userdata;
};

struct report {
    struct list link; /* in reports->pending or batch->reports */
    iotc_prop *prop;
    struct value value;
    struct list dones;
    bool alone; /* iotd refused a batch with it: it may not take others down again */
};

struct batch {
    struct list link;
    iotc_client *client;
    struct list reports;
    struct call *call; /* NULL once iotd gave the token */
    uint64_t token;
};

void reports_init(struct reports *reports)
{
    list_init(&reports->pending);
    list_init(&reports->batches);
}

static struct report *report_at(struct list *n)
{
    return LIST_ENTRY(n, struct report, link);
}

static struct batch *batch_at(struct list *n)
{
    return LIST_ENTRY(n, struct batch, link);
}

/* Its dones must have moved on. */
static void report_free(struct report *report)
{
    if (report->prop->pending == report)
        report->prop->pending = NULL;
    list_remove(&report->link);
    value_done(&report->value);
    free(report);
}

static void batch_free(struct batch *batch)
{
    call_cancel(batch->call);
    list_remove(&batch->link);
    batch->client->reports.n_batches--;
    free(batch);
}

/* Runs and frees the dones of a detached list. */
static void run_dones(iotc_client *client, struct list *dones, int result)
{
    while (!list_is_empty(dones)) {
        struct report_done *d = LIST_ENTRY(dones->next, struct report_done, link);
        iotc_done_fn done = d->done;
        void *userdata = d->userdata;

        list_remove(&d->link);
        free(d);
        client->reports.n_dones--;
        client_run_done(client, done, userdata, result);
    }
}

/* Ends all reports of a detached list. */
static void complete(iotc_client *client, struct list *reports, int result)
{
    struct list dones;

    list_init(&dones);
    while (!list_is_empty(reports)) {
        struct report *report = report_at(reports->next);

        list_splice(&dones, &report->dones);
        report_free(report);
    }
    run_dones(client, &dones, result);
}

static void complete_batch(struct batch *batch, int result)
{
    iotc_client *client = batch->client;
    struct list reports;

    list_init(&reports);
    list_splice(&reports, &batch->reports);
    batch_free(batch);
    client_flush_later(client, 0); /* there may be room now */
    complete(client, &reports, result);
}

void reports_done(iotc_client *client)
{
    struct list all;

    if (!client->reports.pending.next)
        return; /* never initialised */
    list_init(&all);
    list_splice(&all, &client->reports.pending);
    while (!list_is_empty(&client->reports.batches)) {
        struct batch *batch = batch_at(client->reports.batches.next);

        list_splice(&all, &batch->reports);
        batch_free(batch);
    }
    complete(client, &all, -ECANCELED);
}

/* Back to pending, unless something newer is there: then only its dones wait on with that. */
static void requeue(struct report *report)
{
    iotc_prop *prop = report->prop;
    struct list *pending = &prop->client->reports.pending;

    if (prop->pending) {
        list_splice(&prop->pending->dones, &report->dones);
        report_free(report);
        return;
    }
    list_remove(&report->link);
    list_insert_before(pending->next, &report->link);
    prop->pending = report;
}

static void requeue_batch(struct batch *batch, bool alone)
{
    while (!list_is_empty(&batch->reports)) {
        struct report *report = report_at(batch->reports.prev);

        report->alone = alone;
        requeue(report);
    }
    batch_free(batch);
}

void reports_on_detached(iotc_client *client)
{
    /* The youngest batch first: its values overtake older ones. */
    while (!list_is_empty(&client->reports.batches))
        requeue_batch(batch_at(client->reports.batches.prev), false);
}

static void split_batch(struct batch *batch)
{
    client_flush_later(batch->client, 0);
    requeue_batch(batch, true);
}

static void on_token(DBusMessage *reply, int error, void *userdata)
{
    struct batch *batch = userdata;
    DBusMessageIter it;
    int r = error;

    batch->call = NULL;
    if (r == -ECONNRESET)
        return; /* reports_on_detached() comes */
    if (reply && (!dbus_message_iter_init(reply, &it) || msg_read_uint64(&it, &batch->token) < 0))
        r = -EPROTO;
    if (r >= 0)
        return;
    client_debug(batch->client, "Report: %s", iotc_strerror(r));
    /* All or nothing, says iotd: find out one by one what it does not like. */
    if (batch->reports.next != batch->reports.prev && r != -ETIMEDOUT)
        split_batch(batch);
    else
        complete_batch(batch, r);
}

static int send_batch(struct batch *batch)
{
    struct session *session = batch->client->session;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, dict;
    int r;

    r = session_new_call(session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Report");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &batch->reports) {
        if (r >= 0)
            r = value_append_entry(&dict, report_at(n)->prop->id, &report_at(n)->value);
    }
    r = msg_close(&it, &dict, r);
    if (r >= 0)
        r = msg_open_dict(&it, &dict);
    if (r >= 0)
        r = msg_close(&it, &dict, 0);
    if (r < 0)
        return r;
    return call_start(session, msg, CALL_TIMEOUT_MS, on_token, batch, &batch->call);
}

static size_t size_of(const struct report *report)
{
    return sizeof(report->prop->id) + value_size(&report->value);
}

/* Moves what may travel together: half a payload, since text grows when it becomes JSON. */
static void fill_batch(struct batch *batch, struct list *pending)
{
    size_t size = 0;

    while (!list_is_empty(pending)) {
        struct report *report = report_at(pending->next);
        bool is_first = list_is_empty(&batch->reports);

        size += size_of(report);
        if (!is_first && (report->alone || size > LIMIT_MQTT_PAYLOAD / 2))
            return;
        list_remove(&report->link);
        list_append(&batch->reports, &report->link);
        report->prop->pending = NULL;
        if (report->alone)
            return;
    }
}

void reports_flush(iotc_client *client)
{
    struct reports *reports = &client->reports;

    while (!list_is_empty(&reports->pending) && reports->n_batches < LIMIT_CLIENT_BATCHES) {
        struct batch *batch = calloc(1, sizeof(*batch));

        if (!batch) {
            client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
            return;
        }
        batch->client = client;
        list_init(&batch->reports);
        list_append(&reports->batches, &batch->link);
        reports->n_batches++;
        fill_batch(batch, &reports->pending);
        if (send_batch(batch) < 0) {
            /* Lack of memory, or iotd went away: its values wait. */
            requeue_batch(batch, false);
            client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
            return;
        }
    }
}

bool reports_on_completed(iotc_client *client, uint64_t token, int result)
{
    LIST_FOR_EACH (n, &client->reports.batches) {
        struct batch *batch = batch_at(n);

        if (batch->call || batch->token != token)
            continue;
        complete_batch(batch, result);
        return true;
    }
    return false;
}

static int add_done(struct report *report, iotc_done_fn done, void *userdata)
{
    struct report_done *d;

    if (!done)
        return 0;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->done = done;
    d->userdata = userdata;
    list_append(&report->dones, &d->link);
    report->prop->client->reports.n_dones++;
    return 0;
}

static int new_pending(iotc_prop *prop, struct value *v, iotc_done_fn done, void *userdata)
{
    struct report *report = calloc(1, sizeof(*report));
    int r;

    if (!report)
        return -ENOMEM;
    list_init(&report->link);
    list_init(&report->dones);
    report->prop = prop;
    r = add_done(report, done, userdata);
    if (r < 0) {
        report_free(report);
        return r;
    }
    report->value = *v;
    list_append(&prop->client->reports.pending, &report->link);
    prop->pending = report;
    return 0;
}

static int report(iotc_prop *prop, const struct value *value, iotc_done_fn done, void *userdata)
{
    enum value_kind kind;
    struct value v;
    int r;

    if (!prop)
        return -EINVAL;
    r = client_check(prop->client);
    if (r < 0)
        return r;
    if (prop_kind(prop->type, &kind) < 0 || kind != value->kind)
        return -EPROTOTYPE;
    r = value_check(value);
    if (r < 0)
        return r;
    if (serves_history(prop->client, prop->id))
        return events_post_sample(prop->client, prop->id, value, done, userdata);
    if (done && prop->client->reports.n_dones >= LIMIT_CLIENT_DONES)
        return -ENOBUFS;
    r = value_copy(&v, value);
    if (r < 0)
        return r;

    if (!prop->pending) {
        r = new_pending(prop, &v, done, userdata);
    } else {
        r = add_done(prop->pending, done, userdata);
        if (r >= 0) {
            value_done(&prop->pending->value);
            prop->pending->value = v;
            prop->pending->alone = false;
        }
    }
    if (r < 0) {
        value_done(&v);
        return r;
    }
    client_flush_later(prop->client, 0);
    return 0;
}

int iotc_prop_report_bool(iotc_prop *prop, bool value, iotc_done_fn done, void *userdata)
{
    struct value v = value_of_bool(value);

    return report(prop, &v, done, userdata);
}

int iotc_prop_report_int(iotc_prop *prop, int64_t value, iotc_done_fn done, void *userdata)
{
    struct value v = value_of_int(value);

    return report(prop, &v, done, userdata);
}

int iotc_prop_report_double(iotc_prop *prop, double value, iotc_done_fn done, void *userdata)
{
    struct value v = value_of_double(value);

    return report(prop, &v, done, userdata);
}

int iotc_prop_report_string(iotc_prop *prop, const char *value, iotc_done_fn done, void *userdata)
{
    struct value v = value_of_string(value);

    return report(prop, &v, done, userdata);
}

int iotc_prop_report_value(iotc_prop *prop, const iotc_value *value, iotc_done_fn done,
                           void *userdata)
{
    struct value v = value_of_nested(value);

    return value ? report(prop, &v, done, userdata) : -EINVAL;
}
