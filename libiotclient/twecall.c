/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/twecall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"

#define NAME_MAX_BYTES 128 /* as iotd has it */

struct twecall {
    struct list link;
    iotc_client *client; /* borrowed: ends its requests before it goes */
    struct call *call;
    /* One of them. */
    iotc_twecall_ticket_fn on_ticket;
    iotc_twecall_activate_fn on_activated;
    iotc_twecall_state_fn on_state;
    void *userdata;
};

void twecalls_init(struct twecalls *twecalls)
{
    list_init(&twecalls->pending);
}

static void twecall_free(struct twecall *t)
{
    list_remove(&t->link);
    t->client->twecalls.n_pending--;
    (void) call_cancel(t->call);
    free(t);
}

static void run_ticket(const struct twecall *t, DBusMessageIter *it, int result)
{
    const char *ticket = NULL;

    if (result == 0 && msg_read_string(it, &ticket) < 0)
        result = -EPROTO;
    t->on_ticket(t->client, result, result == 0 ? ticket : NULL, t->userdata);
}

static void run_activated(const struct twecall *t, DBusMessageIter *it, int result)
{
    const char *text = "";
    int64_t code = -1;

    if (result == 0 && (msg_read_int64(it, &code) < 0 || code < 0 || code > INT32_MAX ||
                        msg_read_string(it, &text) < 0))
        result = -EPROTO;
    t->on_activated(t->client, result, result == 0 ? (int) code : -1, result == 0 ? text : "",
                    t->userdata);
}

static void run_state(const struct twecall *t, DBusMessageIter *it, int result)
{
    const char *sn = NULL;
    int64_t expire_s = 0;

    if (result == 0 && (msg_read_string(it, &sn) < 0 || msg_read_int64(it, &expire_s) < 0))
        result = -EPROTO;
    t->on_state(t->client, result, result == 0 ? sn : NULL, result == 0 ? expire_s : 0,
                t->userdata);
}

/* Frees it first: the function may do anything with the client. */
static void complete(struct twecall *t, DBusMessageIter *it, int result)
{
    const struct twecall copy = *t;

    twecall_free(t);
    copy.client->n_callbacks++;
    if (copy.on_ticket)
        run_ticket(&copy, it, result);
    else if (copy.on_activated)
        run_activated(&copy, it, result);
    else
        run_state(&copy, it, result);
}

static void on_reply(DBusMessage *reply, int error, void *userdata)
{
    struct twecall *t = userdata;
    DBusMessageIter it;

    t->call = NULL;
    if (reply && !dbus_message_iter_init(reply, &it))
        error = -EPROTO;
    complete(t, &it, error);
}

void twecalls_done(iotc_client *client)
{
    struct twecalls *ts = &client->twecalls;

    if (!ts->pending.next)
        return; /* never initialised */
    while (!list_is_empty(&ts->pending))
        complete(LIST_ENTRY(ts->pending.next, struct twecall, link), NULL, -ECANCELED);
}

static bool is_name(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return len > 0 && len <= NAME_MAX_BYTES && utf8_is_valid(text, len);
}

static int send(struct twecall *t, DBusMessage *msg)
{
    iotc_client *client = t->client;
    int r;

    r = call_start(client->session, msg, CALL_TIMEOUT_MS, on_reply, t, &t->call);
    if (r < 0)
        return r;
    list_append(&client->twecalls.pending, &t->link);
    client->twecalls.n_pending++;
    return 0;
}

/* package NULL: the method has none. */
static int make_call(iotc_client *client, const char *member, const char *model_id,
                     const char *app_id, const uint32_t *package, DBusMessage **ret_msg)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_CALL, member);
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, model_id);
    if (r >= 0)
        r = msg_append_string(&it, app_id);
    if (r >= 0 && package)
        r = msg_append_uint32(&it, *package);
    if (r < 0)
        return r;
    *ret_msg = TAKE(msg);
    return 0;
}

static int ask(const struct twecall *template, const char *member, const char *model_id,
               const char *app_id, const uint32_t *package)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) struct twecall *t = NULL;
    iotc_client *client = template->client;
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!is_name(model_id) || !is_name(app_id) ||
        (!template->on_ticket && !template->on_activated && !template->on_state))
        return -EINVAL;
    if (!session_is_attached(client->session))
        return -ENOTCONN;
    if (client->twecalls.n_pending >= LIMIT_PENDING_CALLS)
        return -ENOBUFS;
    t = malloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    *t = *template;
    r = make_call(client, member, model_id, app_id, package, &msg);
    if (r >= 0)
        r = send(t, msg);
    if (r < 0)
        return r == -ECONNRESET ? -ENOTCONN : r;
    (void) TAKE(t);
    return 0;
}

int iotc_twecall_get_ticket(iotc_client *client, const char *model_id, const char *app_id,
                            iotc_twecall_ticket_fn fn, void *userdata)
{
    const struct twecall t = {.client = client, .on_ticket = fn, .userdata = userdata};

    return ask(&t, "GetTicket", model_id, app_id, NULL);
}

int iotc_twecall_activate(iotc_client *client, const char *model_id, const char *app_id,
                          uint32_t package, iotc_twecall_activate_fn fn, void *userdata)
{
    const struct twecall t = {.client = client, .on_activated = fn, .userdata = userdata};

    if (package > IOTC_TWECALL_INTERCOM)
        return -EINVAL;
    return ask(&t, "Activate", model_id, app_id, &package);
}

int iotc_twecall_get_state(iotc_client *client, const char *model_id, const char *app_id,
                           iotc_twecall_state_fn fn, void *userdata)
{
    const struct twecall t = {.client = client, .on_state = fn, .userdata = userdata};

    return ask(&t, "GetState", model_id, app_id, NULL);
}
