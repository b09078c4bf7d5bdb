/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of org.iotd1.Handler: a control or an action goes to the program that serves it. The
 * deadline is that of core/calls.c, which gives the part up; what a program answers is checked.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_value.h"
#include "daemon/sys/log.h"
#include "dbus/errmap.h"
#include "dbus/msg.h"
#include "dbus/names.h"

LOG_AREA("bus");

#define CODE_BAD_ANSWER 503
#define CODE_MAX 599 /* org.iotd1.Handler.xml */

/* One outstanding call; the part points to its bus_call. */
struct handler_call {
    struct bus *bus;
    struct call_part *part;
    struct bus_call *call;
};

static void log_bad(const struct call_part *part, const char *what)
{
    log_warn("bad answer app=%s what=\"%s\"", part->client->app_id, what);
}

static void free_outputs(struct value *outputs, size_t n)
{
    for (size_t i = 0; outputs && i < n; i++)
        value_done(&outputs[i]);
    free(outputs);
}

/* output of Invoke: a{sv} of declared outputs. */
static int read_outputs(DBusMessageIter *it, const struct model_action *a, struct value *outputs,
                        char detail[BUS_VALUE_DETAIL])
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;

    if (msg_read_dict(it, &dict) < 0)
        return -EPROTO;
    while (msg_dict_next(&dict, &key, &value)) {
        int i = model_find_param(a->outputs, a->n_outputs, key);
        int r;

        if (i < 0) {
            (void) snprintf(detail, BUS_VALUE_DETAIL, "unknown output %.32s", key);
            return i;
        }
        value_done(&outputs[i]);
        r = bus_value_read(&value, &a->outputs[i].define, key, false, &outputs[i], detail);
        if (r < 0)
            return r;
    }
    return 0;
}

static void take_answer(struct call_part *part, DBusMessage *reply)
{
    const struct model_action *a = call_action(part->call);
    struct value *outputs = NULL;
    char detail[BUS_VALUE_DETAIL] = "wrong signature";
    DBusMessageIter it;
    const char *text;
    int64_t code;
    int r = -EPROTO;

    if (dbus_message_has_signature(reply, a ? "isa{sv}" : "is") &&
        dbus_message_iter_init(reply, &it) && msg_read_int64(&it, &code) == 0 &&
        msg_read_string(&it, &text) == 0)
        r = code < 0 || code > CODE_MAX ? -ERANGE : 0;
    if (r == -ERANGE)
        (void) snprintf(detail, sizeof(detail), "code %lld", (long long) code);
    if (r == 0 && a) {
        outputs = calloc(a->n_outputs ? a->n_outputs : 1, sizeof(*outputs));
        r = outputs ? read_outputs(&it, a, outputs, detail) : -ENOMEM;
    }
    if (r < 0) {
        log_bad(part, detail);
        calls_answer(part, CODE_BAD_ANSWER, "the program answered badly", NULL);
    } else {
        calls_answer(part, (int) code, text, outputs);
    }
    free_outputs(outputs, a ? a->n_outputs : 0);
}

/* Our error names have their code; whatever else a program says is a refusal. */
static int error_code(DBusMessage *reply, int e)
{
    const char *name = dbus_message_get_error_name(reply);
    bool ours = strncmp(name, IOTD_ERROR_PREFIX, sizeof(IOTD_ERROR_PREFIX) - 1) == 0;

    return errmap_code(ours ? e : -ECONNREFUSED);
}

static void on_reply(DBusMessage *reply, void *userdata)
{
    struct handler_call *h = userdata;
    struct call_part *part = h->part;
    const char *text = "";
    int e = msg_get_error(reply, &text);

    part->front = NULL;
    free(h);
    if (e < 0)
        calls_answer(part, error_code(reply, e), *text ? text : errmap_text(e), NULL);
    else
        take_answer(part, reply);
}

static int append_context(DBusMessageIter *it, const struct call *call)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    r = msg_dict_string(&dict, "token", call_token(call));
    if (r == 0 && call_timestamp_s(call))
        r = msg_dict_uint64(&dict, "timestamp", call_timestamp_s(call));
    return msg_close(it, &dict, r);
}

static int send_call(struct bus *bus, struct call_part *part, DBusMessage *msg)
{
    struct handler_call *h = calloc(1, sizeof(*h));
    int r;

    if (!h)
        return -ENOMEM;
    h->bus = bus;
    h->part = part;
    tree_flush(bus->tree); /* the program sees the state before the call */
    r = bus_call_send(&bus->calls, bus->conn, msg, INT_MAX, on_reply, h, &h->call);
    if (r < 0) {
        free(h);
        return r;
    }
    part->front = h;
    return 0;
}

static int new_call(struct bus *bus, struct call_part *part, const char *member,
                    DBusMessage **ret_msg, DBusMessageIter *ret_it)
{
    DBusMessage *msg;

    if (!bus->conn || !bus->tree)
        return -ENOTCONN;
    msg = dbus_message_new_method_call(part->client->peer, part->owner->handler, IOTD_IFACE_HANDLER,
                                       member);
    if (!msg)
        return -ENOMEM;
    dbus_message_set_auto_start(msg, false);
    dbus_message_iter_init_append(msg, ret_it);
    *ret_msg = msg;
    return 0;
}

static int handler_control(struct call_part *part, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = new_call(bus, part, "Control", &msg, &it);
    if (r == 0)
        r = bus_value_append_updates(&it, bus->core->model, part->updates, part->n_updates);
    if (r == 0)
        r = append_context(&it, part->call);
    return r < 0 ? r : send_call(bus, part, msg);
}

static int append_inputs(DBusMessageIter *it, const struct model_action *a,
                         const struct value *inputs)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < a->n_inputs; i++)
        r = bus_value_append_entry(&dict, a->inputs[i].id, &inputs[i]);
    return msg_close(it, &dict, r);
}

static int handler_invoke(struct call_part *part, const struct model_action *action,
                          const struct value *inputs, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = new_call(bus, part, "Invoke", &msg, &it);
    if (r == 0)
        r = msg_append_string(&it, action->id);
    if (r == 0)
        r = append_inputs(&it, action, inputs);
    if (r == 0)
        r = append_context(&it, part->call);
    return r < 0 ? r : send_call(bus, part, msg);
}

static void handler_cancel(struct call_part *part, void *userdata)
{
    struct handler_call *h = TAKE(part->front);

    (void) userdata;
    if (!h)
        return;
    bus_call_free(h->call);
    free(h);
}

static void handler_controlled(const struct prop_update *updates, size_t n, void *userdata)
{
    bus_thing_controlled(userdata, updates, n);
}

static void handler_fence(const struct fence_alarm *alarm, void *userdata)
{
    bus_bind_fence(userdata, alarm);
}

const struct calls_front bus_handler_ops = {
    .control = handler_control,
    .invoke = handler_invoke,
    .cancel = handler_cancel,
    .start = bus_start_program,
    .controlled = handler_controlled,
    .fence = handler_fence,
};
