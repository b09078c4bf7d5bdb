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

static int send_by_bus(struct request *request, int32_t code, const char *text)
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

struct answer {
    const char *text;
    const struct value_list *output; /* NULL: of a control */
    const char *json;                /* instead */
};

static void fill_answer(struct pack_writer *w, const void *data)
{
    const struct answer *a = data;
    size_t opened;

    pack_put_string(w, "text", a->text, strlen(a->text));
    if (a->json)
        pack_put_string(w, "json", a->json, strlen(a->json));
    if (!a->output)
        return;
    opened = pack_open(w, "output", PACK_STRUCT);
    value_pack_parts(w, a->output);
    pack_close(w, opened);
}

/* More than a record as items; as JSON it fits, or it would not fit into a message either. */
static int send_as_json(struct request *request, int32_t code, const char *text)
{
    struct iotc_value output = {.kind = VALUE_KIND_STRUCT, .parts = request->output};
    const struct value v = {.kind = VALUE_KIND_STRUCT, .n = &output};
    CLEANUP(freep) char *json = NULL;
    struct answer a = {.text = text};
    struct strbuf sb;
    int r;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    value_add_json(&sb, &v);
    r = strbuf_finish(&sb, &json);
    if (r < 0)
        return r;
    a.json = json;
    return shm_ring_answer(request->client, request->record, code, fill_answer, &a);
}

static void refuse_record(iotc_client *client, uint32_t id, int error)
{
    const struct answer a = {.text = errmap_text(error)};

    if (shm_ring_answer(client, id, errmap_code(error), fill_answer, &a) < 0)
        client_debug(client, "no memory for an answer: iotd's deadline answers for us");
}

static int send_by_ring(struct request *request, int32_t code, const char *text)
{
    bool is_action = request->kind == SERVE_KIND_ACTION;
    const struct answer a = {.text = text, .output = is_action ? &request->output : NULL};
    int r = shm_ring_answer(request->client, request->record, code, fill_answer, &a);

    if (r == -EMSGSIZE)
        r = send_as_json(request, code, text);
    if (r == -EMSGSIZE)
        refuse_record(request->client, request->record, r);
    return r;
}

static int send_reply(struct request *request, int32_t code, const char *text)
{
    return request->msg ? send_by_bus(request, code, text) : send_by_ring(request, code, text);
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
    if (request->msg)
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

static int set_action(struct request *request, const char *id)
{
    size_t len = strlen(id);

    if (len > LIMIT_FEATURE_ID)
        return -EINVAL;
    memcpy(request->id, id, len + 1);
    return 0;
}

/* Control: a{sv} a{sv}. Invoke: s a{sv} a{sv}. The context is of no use to programs yet. */
static int read_arguments(struct request *request)
{
    DBusMessageIter it;
    const char *id;
    int r = 0;

    if (!dbus_message_iter_init(request->msg, &it))
        return -EINVAL;
    if (request->kind == SERVE_KIND_ACTION) {
        if (msg_read_string(&it, &id) < 0)
            return -EINVAL;
        r = set_action(request, id);
    }
    return r < 0 ? r : value_list_read(&it, &request->input, LIMIT_CLIENT_IDS);
}

static int request_new(struct request **ret_request, iotc_client *client, enum serve_kind kind)
{
    struct request *request;

    if (client->serves.n_requests >= LIMIT_PENDING_CALLS)
        return -ENOBUFS;
    request = calloc(1, sizeof(*request));
    if (!request)
        return -ENOMEM;
    request->n_ref = 1;
    request->client = client;
    request->epoch = session_get_epoch(client->session);
    request->kind = kind;
    list_append(&client->serves.requests, &request->link);
    client->serves.n_requests++;
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

/* Runs and drops it. */
static void serve(iotc_slot *slot, struct request *request)
{
    if (request->kind == SERVE_KIND_ACTION && !serve_owns(slot, request->kind, request->id))
        (void) request_answer(request, -ENOENT, NULL);
    else
        slot_call(slot, run_request, request);
    request_unref(request);
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
    r = request_new(&request, client, serve_get_kind(slot));
    if (r < 0) {
        send_error(client, msg, r);
        return;
    }
    request->msg = dbus_message_ref(msg);
    r = read_arguments(request);
    if (r < 0) {
        send_error(client, msg, r);
        request_free(request);
        return;
    }
    serve(slot, request);
}

int serves_on_record(iotc_client *client, enum serve_kind kind, uint32_t id,
                     struct pack_reader items)
{
    bool is_action = kind == SERVE_KIND_ACTION;
    struct pack_item handler, input, action = {.s.text = ""};
    struct request *request;
    iotc_slot *slot;
    int r;

    r = pack_find(items, "handler", PACK_STRING, &handler);
    if (r >= 0)
        r = pack_find(items, is_action ? "input" : "values", PACK_STRUCT, &input);
    if (r >= 0 && is_action)
        r = pack_find(items, "action", PACK_STRING, &action);
    if (r < 0)
        return r;
    slot = serve_find(client, handler.s.text);
    if (!slot || serve_get_kind(slot) != kind) {
        refuse_record(client, id, -EPERM); /* given back a moment ago */
        return 0;
    }
    r = request_new(&request, client, kind);
    if (r < 0) {
        refuse_record(client, id, r);
        return 0;
    }
    request->record = id;
    r = set_action(request, action.s.text);
    if (r >= 0)
        r = value_list_unpack(input.items, &request->input, LIMIT_CLIENT_IDS);
    if (r < 0) {
        refuse_record(client, id, r);
        request_free(request);
        return r == -EBADMSG ? r : 0;
    }
    serve(slot, request);
    return 0;
}
