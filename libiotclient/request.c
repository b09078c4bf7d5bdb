/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/client.h"

#define MAX_CODE 599
#define MAX_ERRNO 4095 /* as the kernel has it */

static int send_reply(struct request *request, int32_t code, const char *text)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_message_new_method_return(request->msg);
    DBusMessageIter it;
    int r;

    if (!reply)
        return -ENOMEM;
    dbus_message_iter_init_append(reply, &it);
    r = msg_append_int32(&it, code);
    if (r >= 0)
        r = msg_append_string(&it, text);
    if (r >= 0 && request->kind == SERVE_KIND_ACTION)
        r = value_list_append(&it, &request->output);
    return r < 0 ? r : session_send(request->client->session, reply);
}

static void send_error(iotc_client *client, DBusMessage *msg, int error)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    if (dbus_message_get_no_reply(msg) || msg_new_error(&reply, msg, error, NULL) < 0)
        return; /* iotd's deadline answers for us */
    (void) session_send(client->session, reply);
}

/* At most LIMIT_STATUS_TEXT bytes of whole characters. */
static int cut_text(char buf[LIMIT_STATUS_TEXT + 1], const char *text)
{
    size_t len = strnlen(text, LIMIT_STATUS_TEXT + 1);

    if (len > LIMIT_STATUS_TEXT) {
        len = LIMIT_STATUS_TEXT;
        while (len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80)
            len--;
    }
    if (!utf8_is_valid(text, len))
        return -EINVAL;
    memcpy(buf, text, len);
    buf[len] = '\0';
    return 0;
}

static bool is_waited_for(const struct request *request)
{
    iotc_client *client = request->client;

    return client && session_is_attached(client->session) &&
           session_get_epoch(client->session) == request->epoch;
}

int request_answer(struct request *request, int code, const char *text)
{
    char buf[LIMIT_STATUS_TEXT + 1];
    int r;

    if (!request || code > MAX_CODE || code < -MAX_ERRNO)
        return -EINVAL;
    if (request->answered)
        return -EALREADY;
    if (!text)
        text = code < 0 ? errmap_text(code) : "";
    r = cut_text(buf, text);
    if (r < 0)
        return r;
    if (is_waited_for(request)) {
        r = send_reply(request, code < 0 ? errmap_code(code) : code, buf);
        if (r == -ENOMEM)
            return r;
    } else {
        r = -ECONNRESET;
    }
    request->answered = true;
    return r;
}

static void request_free(struct request *request)
{
    list_remove(&request->link);
    if (request->client)
        request->client->serves.n_requests--;
    dbus_message_unref(request->msg);
    value_list_done(&request->input);
    value_list_done(&request->output);
    free(request); /* also as iotc_control or iotc_call: it is their first member */
}

void request_ref(struct request *request)
{
    request->n_ref++;
}

void request_unref(struct request *request)
{
    if (--request->n_ref > 0)
        return;
    if (!request->answered)
        (void) request_answer(request, -ECONNREFUSED, NULL); /* else iotd's deadline does it */
    request_free(request);
}

void request_cut_all(iotc_client *client)
{
    struct list *requests = &client->serves.requests;

    while (!list_is_empty(requests)) {
        struct request *request = LIST_ENTRY(requests->next, struct request, link);

        list_remove(&request->link);
        request->client = NULL;
    }
}

/* Control: a{sv} a{sv}. Invoke: s a{sv} a{sv}. The context is of no use to programs yet. */
static int read_arguments(struct request *request)
{
    DBusMessageIter it;
    const char *id;
    int r;

    if (!dbus_message_iter_init(request->msg, &it))
        return -EINVAL;
    if (request->kind == SERVE_KIND_ACTION) {
        r = msg_read_string(&it, &id);
        if (r < 0 || strlen(id) > LIMIT_FEATURE_ID)
            return -EINVAL;
        memcpy(request->id, id, strlen(id) + 1);
    }
    return value_list_read(&it, &request->input, LIMIT_CLIENT_IDS);
}

static int request_new(struct request **ret_request, iotc_client *client, DBusMessage *msg,
                       enum serve_kind kind)
{
    struct request *request;
    int r;

    if (client->serves.n_requests >= LIMIT_PENDING_CALLS)
        return -ENOBUFS;
    request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->n_ref = 1;
    request->client = client;
    request->epoch = session_get_epoch(client->session);
    request->msg = dbus_message_ref(msg);
    request->kind = kind;
    list_append(&client->serves.requests, &request->link);
    client->serves.n_requests++;
    r = read_arguments(request);
    if (r < 0) {
        request_free(request);
        return r;
    }
    *ret_request = request;
    return 0;
}

static void run_request(iotc_slot *slot, void *arg)
{
    struct request *request = arg;

    slot->client->n_callbacks++;
    if (request->kind == SERVE_KIND_CONTROL)
        ((iotc_control_fn) slot->fn)(slot->client, (iotc_control *) request, slot->userdata);
    else
        ((iotc_call_fn) slot->fn)(slot->client, (iotc_call *) request, slot->userdata);
}

/* Whether the message is for what the slot serves. */
static bool fits(iotc_slot *slot, DBusMessage *msg)
{
    switch (serve_get_kind(slot)) {
    case SERVE_KIND_CONTROL:
        return dbus_message_is_method_call(msg, IOTD_IFACE_HANDLER, "Control");
    case SERVE_KIND_ACTION:
        return dbus_message_is_method_call(msg, IOTD_IFACE_HANDLER, "Invoke");
    case SERVE_KIND_EVENT:
    case SERVE_KIND_COUNT_:
        break;
    }
    return false;
}

void serves_on_call(iotc_client *client, DBusMessage *msg)
{
    iotc_slot *slot = serve_find(client, dbus_message_get_path(msg));
    struct request *request;
    int r;

    if (!slot || !fits(slot, msg) || client->closed) {
        send_error(client, msg, -EPERM); /* given back a moment ago */
        return;
    }
    r = request_new(&request, client, msg, serve_get_kind(slot));
    if (r < 0) {
        send_error(client, msg, r);
        return;
    }
    if (request->kind == SERVE_KIND_ACTION && !serve_owns(slot, request->kind, request->id))
        (void) request_answer(request, -ENOENT, NULL);
    else
        slot_call(slot, run_request, request);
    request_unref(request);
}
