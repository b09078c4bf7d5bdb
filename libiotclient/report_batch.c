/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports on their way to iotd, many in one message. The client's thread only. */

#include <errno.h>
#include <stdlib.h>

#include "dbus/names.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/done.h"
#include "libiotclient/prop.h"
#include "libiotclient/report.h"

struct batch {
    struct list link;
    iotc_client *client;
    struct list reports;
    struct call *call; /* NULL once iotd gave the token */
    bool is_beside;    /* the call is too large for a record */
    uint32_t record;   /* that waits for its token; 0: none */
    bool is_answered;
    uint64_t token;
};

static struct report *report_at(struct list *n)
{
    return LIST_ENTRY(n, struct report, link);
}

static struct batch *batch_at(struct list *n)
{
    return LIST_ENTRY(n, struct batch, link);
}

/* With the lock: nothing of it is on its way any more. */
static void set_answered(struct batch *batch)
{
    if (batch->is_answered)
        return;
    batch->is_answered = true;
    LIST_FOR_EACH (n, &batch->reports)
        report_at(n)->prop->report.n_elsewhere--;
}

/* Its reports must have moved on. */
static void batch_free(struct batch *batch)
{
    call_cancel(batch->call);
    list_remove(&batch->link);
    batch->client->reports.n_batches--;
    free(batch);
}

static void complete_batch(struct batch *batch, int result)
{
    iotc_client *client = batch->client;
    struct list dones;

    list_init(&dones);
    client_lock(client);
    set_answered(batch);
    while (!list_is_empty(&batch->reports)) {
        struct report *report = report_at(batch->reports.next);
        struct prop_report *pr = &report->prop->report;

        if (result == 0 && report->number > pr->confirmed)
            pr->confirmed = report->number;
        list_splice(&dones, &report->dones);
        report_free(report);
    }
    client_unlock(client);
    batch_free(batch);
    client_flush_later(client, 0); /* there may be room now */
    dones_run(client, &dones, result);
}

/* With the lock. */
static void requeue_batch(struct batch *batch, bool alone, struct list *ret_ended)
{
    set_answered(batch);
    while (!list_is_empty(&batch->reports)) {
        struct report *report = report_at(batch->reports.prev);

        report->alone = alone;
        report_requeue(report, ret_ended);
    }
    batch_free(batch);
}

void batches_requeue(iotc_client *client, struct list *ret_ended)
{
    /* The youngest batch first: so they are in their old order again. */
    while (!list_is_empty(&client->reports.batches))
        requeue_batch(batch_at(client->reports.batches.prev), false, ret_ended);
}

void batches_drain(iotc_client *client, struct list *ret_reports)
{
    while (!list_is_empty(&client->reports.batches)) {
        struct batch *batch = batch_at(client->reports.batches.next);

        set_answered(batch);
        list_splice(ret_reports, &batch->reports);
        batch_free(batch);
    }
}

static void give_back(struct batch *batch, bool alone)
{
    iotc_client *client = batch->client;
    struct list ended;

    list_init(&ended);
    client_lock(client);
    requeue_batch(batch, alone, &ended);
    client_unlock(client);
    dones_run(client, &ended, 0);
}

static void on_answer(struct batch *batch, int error)
{
    bool is_single = batch->reports.next == batch->reports.prev;
    iotc_client *client = batch->client;

    if (error == 0) {
        client_lock(client);
        set_answered(batch);
        client_unlock(client);
        return;
    }
    client_debug(client, "Report: %s", iotc_strerror(error));
    if (is_single || error == -ETIMEDOUT) {
        complete_batch(batch, error);
        return;
    }
    /* All or nothing, says iotd: find out one by one what it does not like. */
    client_flush_later(client, 0);
    give_back(batch, true);
}

bool reports_on_token(iotc_client *client, uint32_t id, int result, uint64_t token)
{
    LIST_FOR_EACH (n, &client->reports.batches) {
        struct batch *batch = batch_at(n);

        if (batch->record != id)
            continue;
        batch->record = 0;
        batch->token = token;
        shm_ring_answered(client);
        on_answer(batch, result);
        return true;
    }
    return false;
}

static void on_token(DBusMessage *reply, int error, void *userdata)
{
    struct batch *batch = userdata;
    iotc_client *client = batch->client;
    bool has_ended = false;
    DBusMessageIter it;
    uint64_t token = 0;
    int r = error, result;

    batch->call = NULL;
    if (r == -ECONNRESET)
        return; /* reports_on_detached() comes */
    if (reply && (!dbus_message_iter_init(reply, &it) || msg_read_uint64(&it, &token) < 0))
        r = -EPROTO;
    batch->token = token;
    if (batch->is_beside)
        has_ended = shm_ring_bus_answered(client, token, &result);
    batch->is_beside = false;
    on_answer(batch, r);
    if (has_ended)
        (void) reports_on_completed(client, token, result);
}

static int send_by_bus(struct batch *batch)
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

static void fill_batch_record(struct pack_writer *w, const void *data)
{
    const struct batch *batch = data;
    size_t opened = pack_open(w, "values", PACK_STRUCT);

    for (const struct list *n = batch->reports.next; n != &batch->reports; n = n->next) {
        const struct report *report = LIST_ENTRY((struct list *) n, struct report, link);

        value_pack(w, report->prop->id, &report->value);
    }
    pack_close(w, opened);
}

/* -EBUSY: not now; the client is flushed when it is time. */
static int send_batch(struct batch *batch)
{
    iotc_client *client = batch->client;
    int r;

    if (!shm_is_active(client))
        return send_by_bus(batch);
    r = shm_ring_send(client, LAYOUT_UP_REPORT, fill_batch_record, batch, &batch->record);
    if (r != -EMSGSIZE)
        return r;
    if (!shm_ring_may_bus(client, true))
        return -EBUSY;
    r = send_by_bus(batch);
    if (r < 0)
        return r;
    batch->is_beside = true;
    shm_ring_by_bus(client);
    return 0;
}

static size_t size_of(const struct report *report)
{
    return sizeof(report->prop->id) + value_size(&report->value);
}

/* With the lock: moves what may travel together: half a payload, as text grows when it is JSON. */
static void fill_batch(struct batch *batch)
{
    struct list *pending = &batch->client->reports.pending;
    size_t size = 0;

    while (!list_is_empty(pending)) {
        struct report *report = report_at(pending->next);
        bool is_first = list_is_empty(&batch->reports);

        size += size_of(report);
        if (!is_first && (report->alone || size > LIMIT_MQTT_PAYLOAD / 2))
            return;
        list_remove(&report->link);
        list_append(&batch->reports, &report->link);
        report->prop->report.pending = NULL;
        report->prop->report.n_elsewhere++;
        if (report->alone)
            return;
    }
}

/* NULL: no memory for it. */
static struct batch *new_batch(iotc_client *client)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (!batch)
        return NULL;
    batch->client = client;
    list_init(&batch->reports);
    client_lock(client);
    fill_batch(batch);
    client_unlock(client);
    list_append(&client->reports.batches, &batch->link);
    client->reports.n_batches++;
    return batch;
}

static bool may_send(iotc_client *client)
{
    bool any;

    client_lock(client);
    any = !list_is_empty(&client->reports.pending);
    client_unlock(client);
    return any && client->reports.n_batches < LIMIT_CLIENT_BATCHES;
}

void reports_flush(iotc_client *client)
{
    while (may_send(client)) {
        struct batch *batch = new_batch(client);
        int r = batch ? send_batch(batch) : -ENOMEM;

        if (r >= 0)
            continue;
        /* There is no room, or no memory, or iotd went away: its values wait. */
        if (batch)
            give_back(batch, false);
        if (r != -EBUSY)
            client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
        return;
    }
}

bool reports_on_completed(iotc_client *client, uint64_t token, int result)
{
    LIST_FOR_EACH (n, &client->reports.batches) {
        struct batch *batch = batch_at(n);

        if (!batch->is_answered || batch->token != token)
            continue;
        complete_batch(batch, result);
        return true;
    }
    return false;
}
