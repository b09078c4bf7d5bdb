/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports of programs, in any thread, until they leave. */

#include "libiotclient/report.h"

#include <errno.h>
#include <stdlib.h>

#include "libiotclient/client.h"
#include "libiotclient/done.h"
#include "libiotclient/prop.h"
#include "libiotclient/shm_report.h"

void reports_init(struct reports *reports)
{
    list_init(&reports->pending);
    list_init(&reports->batches);
    list_init(&reports->waiting);
}

void prop_report_init(struct prop_report *pr)
{
    list_init(&pr->dones);
    list_init(&pr->waiting);
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
    shm_reports_done(client, &dones);
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

void reports_on_model(iotc_client *client)
{
    client_lock(client);
    client->reports.is_open = shm_is_active(client);
    for (size_t i = 0; i < client->props.n_items; i++) {
        const iotc_prop *prop = client->props.items[i];
        struct prop_report *pr = &client->props.items[i]->report;

        pr->has_place = prop->slot != NULL;
        pr->place = (uint32_t) prop->place;
    }
    client_unlock(client);
}

void reports_on_detached(iotc_client *client)
{
    struct list ended;

    list_init(&ended);
    client_lock(client);
    client->reports.is_open = false;
    batches_requeue(client, &ended);
    shm_reports_requeue(client, &ended);
    client_unlock(client);
    dones_run_own(client, &ended);
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

/* What waits of the property, or was not taken yet, is overtaken: its dones come with dones. */
static void overtake(iotc_prop *prop, struct report *pending, struct list *dones)
{
    struct list older;

    list_init(&older);
    shm_report_take_back(prop, &older);
    if (pending) {
        list_splice(&older, &pending->dones);
        report_free(pending);
    }
    dones_prepend(dones, &older);
}

/* Every value counts from now on. */
static int add_sample(iotc_prop *prop, const struct value *value, iotc_done_fn done, void *userdata)
{
    struct list dones, *all;
    int r;

    list_init(&dones);
    r = done_add(prop->client, &dones, done, userdata);
    if (r < 0)
        return r;
    r = posts_add_sample(prop, value, &dones, &all);
    if (r >= 0)
        overtake(prop, prop->report.pending, all);
    else if (done)
        done_drop_last(prop->client, &dones);
    return r;
}

enum { SUBMIT_DONE = 0, SUBMIT_WAITS = 1 }; /* for the client's thread */

static int add_pending(iotc_prop *prop, const struct value *value, iotc_done_fn done,
                       void *userdata)
{
    struct prop_report *pr = &prop->report;
    int r;

    if (pr->pending)
        r = renew_pending(pr->pending, value, done, userdata);
    else
        r = new_pending(prop, value, done, userdata);
    if (r < 0)
        return r;
    overtake(prop, NULL, &pr->pending->dones);
    return SUBMIT_WAITS;
}

/* With the lock. */
static int submit(iotc_prop *prop, iotc_type type, const struct value *value, iotc_done_fn done,
                  void *userdata)
{
    struct reports *reports = &prop->client->reports;
    struct prop_report *pr = &prop->report;
    int r = -EXFULL;

    if (done && reports->n_dones >= LIMIT_CLIENT_DONES) {
        prop->client->posts.was_full = true;
        return -ENOBUFS;
    }
    if (pr->keeps_all || shm_report_keeps_all(prop)) {
        r = add_sample(prop, value, done, userdata);
        return r < 0 ? r : SUBMIT_WAITS;
    }
    /* Nothing of it is on another way, which could be overtaken. */
    if (!pr->pending && !pr->n_elsewhere && !reports->n_json)
        r = shm_report_write(prop, type, value, done, userdata);
    return r == -EXFULL ? add_pending(prop, value, done, userdata) : r;
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
    r = submit(prop, type, value, done, userdata);
    client_unlock(client);
    if (r == SUBMIT_WAITS)
        wake_ring(&client->wake);
    return r < 0 ? r : 0;
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
