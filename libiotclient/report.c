/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports of programs, in any thread, until they leave. */

#include "libiotclient/report.h"

#include <errno.h>
#include <stdlib.h>

#include "libiotclient/client.h"
#include "libiotclient/done.h"
#include "libiotclient/prop.h"

void reports_init(struct reports *reports)
{
    list_init(&reports->pending);
    list_init(&reports->batches);
}

void report_free(struct report *report)
{
    struct prop_report *pr = &report->prop->report;

    if (pr->pending == report)
        pr->pending = NULL;
    list_remove(&report->link);
    value_done(&report->value);
    free(report);
}

void reports_done(iotc_client *client)
{
    struct list all, dones;

    if (!client->reports.pending.next || !client->shm.is_lock_made)
        return; /* never initialised */
    list_init(&all);
    list_init(&dones);
    client_lock(client);
    list_splice(&all, &client->reports.pending);
    batches_drain(client, &all);
    while (!list_is_empty(&all)) {
        struct report *report = LIST_ENTRY(all.next, struct report, link);

        list_splice(&dones, &report->dones);
        report_free(report);
    }
    client_unlock(client);
    dones_run(client, &dones, -ECANCELED);
}

/* The younger of the two takes the place of the older, whose dones wait on with it. */
static void merge(struct report *pending, struct report *report)
{
    struct value older = pending->value;

    list_splice(&pending->dones, &report->dones);
    if (report->number < pending->number)
        return;
    pending->value = report->value;
    pending->number = report->number;
    pending->alone = report->alone;
    report->value = older;
}

void report_requeue(struct report *report, struct list *ret_ended)
{
    struct prop_report *pr = &report->prop->report;

    if (pr->pending) {
        merge(pr->pending, report);
        report_free(report);
    } else if (report->number < pr->confirmed) {
        list_splice(ret_ended, &report->dones); /* the cloud has one that overtook it */
        report_free(report);
    } else {
        list_remove(&report->link);
        list_insert_before(report->prop->client->reports.pending.next, &report->link);
        pr->pending = report;
    }
}

void reports_on_detached(iotc_client *client)
{
    struct list ended;

    list_init(&ended);
    client_lock(client);
    batches_requeue(client, &ended);
    client_unlock(client);
    dones_run(client, &ended, 0);
}

void reports_set_history(iotc_client *client, const char *id, bool keeps_all)
{
    iotc_prop *prop = props_find(&client->props, id);

    if (!prop)
        return; /* told again when the model has it */
    client_lock(client);
    prop->report.keeps_all = keeps_all;
    client_unlock(client);
}

static int new_pending(iotc_prop *prop, const struct value *value, iotc_done_fn done,
                       void *userdata)
{
    struct reports *reports = &prop->client->reports;
    struct report *report = calloc(1, sizeof(*report));
    int r;

    if (!report)
        return -ENOMEM;
    list_init(&report->link);
    list_init(&report->dones);
    report->prop = prop;
    r = value_copy(&report->value, value);
    if (r >= 0)
        r = done_add(prop->client, &report->dones, done, userdata);
    if (r < 0) {
        report_free(report);
        return r;
    }
    report->number = ++reports->next_number;
    list_append(&reports->pending, &report->link);
    prop->report.pending = report;
    return 0;
}

static int renew_pending(struct report *pending, const struct value *value, iotc_done_fn done,
                         void *userdata)
{
    iotc_client *client = pending->prop->client;
    struct value v;
    int r;

    r = value_copy(&v, value);
    if (r < 0)
        return r;
    r = done_add(client, &pending->dones, done, userdata);
    if (r < 0) {
        value_done(&v);
        return r;
    }
    value_done(&pending->value);
    pending->value = v;
    pending->number = ++client->reports.next_number;
    pending->alone = false;
    return 0;
}

/* Every value counts from now on; what waits here is overtaken, as by any newer value. */
static int add_sample(iotc_prop *prop, const struct value *value, iotc_done_fn done, void *userdata)
{
    struct report *pending = prop->report.pending;
    struct list dones;
    int r;

    list_init(&dones);
    if (pending)
        list_splice(&dones, &pending->dones);
    r = done_add(prop->client, &dones, done, userdata);
    if (r >= 0) {
        r = posts_add_sample(prop, value, &dones);
        if (r < 0 && done)
            done_drop_last(prop->client, &dones);
    }
    if (pending)
        list_splice(&pending->dones, &dones); /* empty if they have moved on */
    if (r >= 0 && pending)
        report_free(pending);
    return r;
}

/* With the lock. */
static int submit(iotc_prop *prop, const struct value *value, iotc_done_fn done, void *userdata)
{
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;

    if (done && reports->n_dones >= LIMIT_CLIENT_DONES) {
        prop->client->posts.was_full = true;
        return -ENOBUFS;
    }
    if (pr->keeps_all)
        return add_sample(prop, value, done, userdata);
    if (pr->pending)
        return renew_pending(pr->pending, value, done, userdata);
    return new_pending(prop, value, done, userdata);
}

static int report(iotc_prop *prop, const struct value *value, iotc_done_fn done, void *userdata)
{
    enum value_kind kind;
    iotc_client *client;
    iotc_type type;
    int r;

    if (!prop)
        return -EINVAL;
    client = prop->client;
    r = client_check(client);
    if (r < 0)
        return r;
    type = __atomic_load_n(&prop->type, __ATOMIC_RELAXED);
    if (prop_kind(type, &kind) < 0 || kind != value->kind)
        return -EPROTOTYPE;
    r = value_check(value);
    if (r < 0)
        return r;
    client_lock(client);
    r = submit(prop, value, done, userdata);
    client_unlock(client);
    if (r >= 0)
        wake_ring(&client->wake);
    return r;
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
