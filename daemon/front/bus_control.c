/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.iotd1.Thing, part three: controls and actions that come from this device itself. They are
 * turned into the JSON of the cloud's messages and go the same way.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_thing.h"
#include "daemon/front/bus_value.h"
#include "dbus/msg.h"

/* An invocation whose outputs are wanted as D-Bus values. */
struct invocation {
    struct tree_call *call;
    const struct core *core;
    size_t action; /* its index, which stays when the model is replaced meanwhile */
};

static int add_value(json_t *object, const char *id, const struct value *v)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    json_t *json;
    int r;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    value_to_json(&sb, v);
    r = strbuf_finish(&sb, &text);
    if (r < 0)
        return r;
    json = json_loads(text, JSON_DECODE_ANY, NULL);
    return json && json_object_set_new(object, id, json) == 0 ? 0 : -ENOMEM;
}

/* The definition of a member; NULL: there is none. */
typedef const struct thing_define *(*find_fn)(const struct model *m, const void *of,
                                              const char *id);

static const struct thing_define *find_property(const struct model *m, const void *of,
                                                const char *id)
{
    int i = model_find_property(m, id);

    (void) of;
    return i < 0 ? NULL : &m->properties[i].define;
}

static const struct thing_define *find_input(const struct model *m, const void *of, const char *id)
{
    const struct model_action *a = of;
    int i = model_find_param(a->inputs, a->n_inputs, id);

    (void) m;
    return i < 0 ? NULL : &a->inputs[i].define;
}

/* a{sv} of values, then a{sv} of options: "text" b, as in Report. */
static int read_values(DBusMessageIter *it, const struct model *m, find_fn find, const void *of,
                       json_t *object, char detail[BUS_ACCESS_DETAIL])
{
    DBusMessageIter at;
    struct msg_dict dict, options;
    const char *key;
    bool text = false;
    int r = msg_read_dict(it, &dict);

    if (r == 0)
        r = msg_read_dict(it, &options);
    while (r == 0 && msg_dict_next(&options, &key, &at)) {
        if (strcmp(key, "text") == 0)
            r = msg_read_bool(&at, &text);
    }
    while (r == 0 && msg_dict_next(&dict, &key, &at)) {
        const struct thing_define *def = find(m, of, key);
        struct value v;

        if (!def) {
            (void) snprintf(detail, BUS_ACCESS_DETAIL, "%.64s", key);
            return -ENOENT;
        }
        r = bus_value_read(&at, def, key, text, &v, detail);
        if (r == 0) {
            r = add_value(object, key, &v);
            value_done(&v);
        }
    }
    return r;
}

static int read_json(DBusMessageIter *it, json_t **ret_json, char detail[BUS_ACCESS_DETAIL])
{
    struct jx_error error;
    const char *text;
    int r = msg_read_string(it, &text);

    if (r < 0)
        return r;
    if (strlen(text) > LIMIT_MQTT_PAYLOAD) /* as the cloud's */
        return -EMSGSIZE;
    r = jx_parse_object(text, strlen(text), ret_json, &error);
    if (r != -EBADMSG)
        return r;
    (void) snprintf(detail, BUS_ACCESS_DETAIL, "not a JSON object: %s", error.text);
    return -EPROTO;
}

static void refuse(struct tree_call *call, int r, const char *detail)
{
    tree_call_error(&call, r, *detail ? detail : NULL);
}

/* --- answers --- */

static int begin_answer(struct tree_call *call, int code, const char *text, DBusMessageIter *it)
{
    int r = tree_call_open(call, it);

    if (r == 0)
        r = msg_append_int32(it, code);
    return r == 0 ? msg_append_string(it, text) : r;
}

static void on_controlled(int code, const char *text, const char *response, void *userdata)
{
    struct tree_call *call = userdata;
    DBusMessageIter it;

    (void) response;
    tree_call_finish(&call, begin_answer(call, code, text, &it));
}

static void on_invoked_json(int code, const char *text, const char *response, void *userdata)
{
    struct tree_call *call = userdata;
    DBusMessageIter it;
    int r = begin_answer(call, code, text, &it);

    if (r == 0)
        r = msg_append_string(&it, response ? response : "{}");
    tree_call_finish(&call, r);
}

/* The outputs were checked when the program answered. */
static int append_outputs(DBusMessageIter *it, const struct model_action *a, const char *response)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    DBusMessageIter dict;
    int r = 0;

    if (response)
        r = jx_parse_object(response, strlen(response), &json, NULL);
    if (r == 0)
        r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < a->n_outputs; i++) {
        const json_t *output = json_object_get(json, a->outputs[i].id);
        struct value v;

        if (!output)
            continue;
        r = value_from_json(&a->outputs[i].define, output, &v, NULL);
        if (r == 0) {
            r = bus_value_append_entry(&dict, a->outputs[i].id, &v);
            value_done(&v);
        }
    }
    return msg_close(it, &dict, r);
}

static void on_invoked(int code, const char *text, const char *response, void *userdata)
{
    struct invocation *in = userdata;
    DBusMessageIter it;
    int r = begin_answer(in->call, code, text, &it);

    if (r == 0)
        r = append_outputs(&it, &in->core->model->actions[in->action], response);
    tree_call_finish(&in->call, r);
    free(in);
}

/* --- methods --- */

/* A command does what only a manager of the id may. What is no id is not asked about. */
static int check_ids(struct bus *bus, const struct tree_call *call, const json_t *params,
                     char detail[BUS_ACCESS_DETAIL])
{
    struct bus_peer *peer = bus_peer_of(bus, call);
    const char *id;
    json_t *value;
    int r = 0;

    json_object_foreach((json_t *) (uintptr_t) params, id, value)
    {
        if (model_find_property(bus->core->model, id) < 0) {
            (void) snprintf(detail, BUS_ACCESS_DETAIL, "%.64s", id);
            return -ENOENT;
        }
        r = bus_access_check(bus, peer, ACCESS_MANAGE, id, detail);
        if (r < 0)
            break;
    }
    return r;
}

void bus_thing_on_control(struct tree_call *call, void *userdata)
{
    struct core *core = ((struct bus *) userdata)->core;
    CLEANUP(jx_decrefp) json_t *params = json_object();
    char detail[BUS_ACCESS_DETAIL] = "";
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = params ? read_values(&it, core->model, find_property, NULL, params, detail) : -ENOMEM;
    if (r == 0)
        r = check_ids(userdata, call, params, detail);
    if (r < 0)
        refuse(call, r, detail);
    else
        calls_control(&core->calls, params, on_controlled, tree_call_keep(call));
}

void bus_thing_on_control_json(struct tree_call *call, void *userdata)
{
    struct core *core = ((struct bus *) userdata)->core;
    CLEANUP(jx_decrefp) json_t *params = NULL;
    char detail[BUS_ACCESS_DETAIL] = "";
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = read_json(&it, &params, detail);
    if (r == 0)
        r = check_ids(userdata, call, params, detail);
    if (r < 0)
        refuse(call, r, detail);
    else
        calls_control(&core->calls, params, on_controlled, tree_call_keep(call));
}

static const struct model_action *find_action(const struct core *core, const char *id)
{
    int i = model_find_action(core->model, id);

    return i < 0 ? NULL : &core->model->actions[i];
}

void bus_thing_on_invoke(struct tree_call *call, void *userdata)
{
    struct core *core = ((struct bus *) userdata)->core;
    CLEANUP(jx_decrefp) json_t *params = json_object();
    char detail[BUS_ACCESS_DETAIL] = "";
    const struct model_action *action = NULL;
    struct invocation *in = NULL;
    DBusMessageIter it;
    const char *id = "";
    int r;

    tree_call_args(call, &it);
    r = params ? msg_read_string(&it, &id) : -ENOMEM;
    if (r == 0) {
        action = find_action(core, id);
        (void) snprintf(detail, sizeof(detail), "%.64s", action ? "" : id);
        r = action ? read_values(&it, core->model, find_input, action, params, detail) : -ENOENT;
    }
    if (r == 0)
        r = bus_access_check(userdata, bus_peer_of(userdata, call), ACCESS_MANAGE, id, detail);
    if (r == 0) {
        in = malloc(sizeof(*in));
        r = in ? 0 : -ENOMEM;
    }
    if (r < 0) {
        refuse(call, r, detail);
        return;
    }
    *in = (struct invocation){
        .call = tree_call_keep(call),
        .core = core,
        .action = (size_t) (action - core->model->actions),
    };
    calls_invoke(&core->calls, id, params, on_invoked, in);
}

void bus_thing_on_invoke_json(struct tree_call *call, void *userdata)
{
    struct core *core = ((struct bus *) userdata)->core;
    CLEANUP(jx_decrefp) json_t *params = NULL;
    char detail[BUS_ACCESS_DETAIL] = "";
    DBusMessageIter it;
    const char *id = "";
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r == 0 && !find_action(core, id)) {
        (void) snprintf(detail, sizeof(detail), "%.64s", id);
        r = -ENOENT;
    }
    if (r == 0)
        r = bus_access_check(userdata, bus_peer_of(userdata, call), ACCESS_MANAGE, id, detail);
    if (r == 0)
        r = read_json(&it, &params, detail);
    if (r < 0)
        refuse(call, r, detail);
    else
        calls_invoke(&core->calls, id, params, on_invoked_json, tree_call_keep(call));
}
