/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control or an action goes to the program that serves it: through its shared memory, or else as
 * a call of org.iotd1.Handler. The deadline is that of core/calls.c, which gives the part up; what
 * a program answers is checked.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_value.h"
#include "daemon/front/handler_answer.h"
#include "dbus/errmap.h"
#include "dbus/msg.h"
#include "dbus/names.h"

/* One outstanding call; the part points to its bus_call. */
struct handler_call {
    struct bus *bus;
    struct call_part *part;
    struct bus_call *call;
};

/* output of Invoke: a{sv} of declared outputs. */
static int read_outputs(DBusMessageIter *it, struct handler_answer *a)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        const struct thing_define *def;
        struct value *v;

        r = handler_answer_output(a, key, &v, &def);
        if (r == 0)
            r = bus_value_read(&value, def, key, false, v, a->detail);
    }
    return r;
}

static void take_answer(struct call_part *part, DBusMessage *reply)
{
    bool is_action = call_action(part->call) != NULL;
    const char *text = "";
    DBusMessageIter it;
    struct handler_answer a;
    int64_t code = 0;
    int r = handler_answer_begin(&a, part);

    if (r == 0 && (!dbus_message_has_signature(reply, is_action ? "isa{sv}" : "is") ||
                   !dbus_message_iter_init(reply, &it)))
        r = -EPROTO;
    if (r == 0)
        r = msg_read_int64(&it, &code);
    if (r == 0)
        r = msg_read_string(&it, &text);
    if (r == 0 && is_action)
        r = read_outputs(&it, &a);
    handler_answer_end(&a, r, code, text);
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
    struct shm_program *shm = bus_client_shm(part->client);
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = shm ? shm_program_control(shm, part) : -EMSGSIZE;

    if (r != -EMSGSIZE)
        return r;
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
    struct shm_program *shm = bus_client_shm(part->client);
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = shm ? shm_program_invoke(shm, part, action, inputs) : -EMSGSIZE;

    if (r != -EMSGSIZE)
        return r;
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
    struct shm_program *shm = bus_client_shm(part->client);
    struct handler_call *h = TAKE(part->front);

    (void) userdata;
    if (!h) {
        if (shm)
            (void) shm_program_cancel(shm, part);
        return;
    }
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
