/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * org.iotd1.Thing, part two: reports and events. Values are read, fitted to the model and checked
 * for their owner, all of them before any takes effect.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_thing.h"
#include "daemon/front/bus_value.h"
#include "dbus/msg.h"

/* What a call hands in, and what is wrong with it. */
struct intake {
    struct bus *bus;
    struct core *core; /* = bus->core */
    struct bus_peer *peer;
    const char *sender;
    struct prop_update *updates; /* report */
    size_t n_updates;
    const struct model_event *event; /* event */
    struct value *params;            /* parallel to event->params */
    uint64_t timestamp_s;
    bool text;                      /* values are strings as a person types them */
    char detail[BUS_ACCESS_DETAIL]; /* at least BUS_VALUE_DETAIL */
};

_Static_assert(BUS_ACCESS_DETAIL >= BUS_VALUE_DETAIL, "one place for both kinds of mistakes");

static void intake_done(struct intake *in)
{
    prop_updates_free(in->updates, in->n_updates);
    for (size_t i = 0; in->params && i < in->event->n_params; i++)
        value_done(&in->params[i]);
    free(in->params);
}

static void intake_init(struct intake *in, struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;

    *in = (struct intake){
        .bus = bus,
        .core = bus->core,
        .peer = bus_peer_of(bus, call),
        .sender = tree_call_sender(call),
    };
}

PRINTF_LIKE(3, 4)
static int wrong(struct intake *in, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(in->detail, sizeof(in->detail), fmt, ap);
    va_end(ap);
    return error;
}

/* Answers what is wrong. */
static void refuse(struct tree_call *call, struct intake *in, int r)
{
    if (r == -EDQUOT)
        r = wrong(in, -ENOBUFS, "quota.outbox_share");
    tree_call_error(&call, r, in->detail[0] ? in->detail : NULL);
}

/* Not more of them than quota.rate. */
static int take_rate(struct intake *in)
{
    int r = in->peer ? bus_peer_take_rate(in->peer) : -EACCES;

    return r == -EDQUOT ? wrong(in, -ENOBUFS, "quota.rate") : r;
}

/* Answers with the token, or with what is wrong; samples are answered when they are on disk. */
static void finish(struct tree_call *call, struct intake *in, int r, uint64_t token)
{
    DBusMessageIter it;

    if (r == REPORTS_KEEPING) {
        (void) tree_call_keep(call);
        intake_done(in);
        return;
    }
    if (r == 0)
        r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_append_uint64(&it, token);
    if (r < 0)
        refuse(call, in, r);
    else
        tree_call_reply(&call);
    intake_done(in);
}

/* The end of what was on its way to the disk. */
static void on_posted(int result, uint64_t token, void *userdata)
{
    struct tree_call *call = userdata;
    DBusMessageIter it;
    int r = result;

    if (r == 0)
        r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_append_uint64(&it, token);
    if (result == -ENOSPC)
        tree_call_error(&call, -EIO, "the disk is full; it was not kept");
    else
        tree_call_finish(&call, r);
}

/* Options that Report and PostEvent have; others are for later releases and ignored. */
static int read_options(struct intake *in, DBusMessageIter *it)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "timestamp") == 0)
            r = msg_read_uint64(&value, &in->timestamp_s);
        else if (strcmp(key, "text") == 0)
            r = msg_read_bool(&value, &in->text);
        if (r < 0)
            (void) wrong(in, r, "option %.32s", key);
    }
    if (r == 0 && in->timestamp_s > UINT32_MAX)
        r = wrong(in, -ERANGE, "timestamp is in Unix seconds");
    return r;
}

/* The sender may use the id, and its owner is nobody or the sender. */
static int check_sender(struct intake *in, enum feature f, size_t index, const char *id)
{
    const struct registration *owner = owners_get(&in->core->owners, f, index);
    enum access_verb verb = f == FEATURE_EVENT ? ACCESS_POST : ACCESS_REPORT;
    int r = bus_access_check(in->bus, in->peer, verb, id, in->detail);

    if (r < 0)
        return r;
    if (owner && strcmp(owner->client->peer, in->sender) != 0)
        return wrong(in, -EPERM, "%s is served by %s", id, owner->client->app_id);
    return 0;
}

/* --- reports --- */

static int begin_updates(struct intake *in)
{
    size_t n = in->core->model->n_properties;
    int r = take_rate(in);

    if (r < 0)
        return r;
    in->updates = calloc(n ? n : 1, sizeof(*in->updates));
    return in->updates ? 0 : -ENOMEM;
}

/* Where the value of id is to be stored; each id once. */
static int next_update(struct intake *in, const char *id, struct prop_update **ret_update,
                       const struct thing_define **ret_define)
{
    int index = model_find_property(in->core->model, id);
    int r;

    if (index < 0)
        return wrong(in, -ENOENT, "%.64s", id);
    for (size_t i = 0; i < in->n_updates; i++) {
        if (in->updates[i].index == (size_t) index)
            return wrong(in, -EINVAL, "%s is given twice", id);
    }
    r = check_sender(in, FEATURE_PROPERTY, (size_t) index, id);
    if (r < 0)
        return r;
    *ret_update = &in->updates[in->n_updates];
    (*ret_update)->index = (size_t) index;
    *ret_define = &in->core->model->properties[index].define;
    return 0;
}

static int add_variant(struct intake *in, const char *id, DBusMessageIter *value)
{
    const struct thing_define *def;
    struct prop_update *u;
    int r = next_update(in, id, &u, &def);

    if (r == 0)
        r = bus_value_read(value, def, id, in->text, &u->value, in->detail);
    if (r == 0)
        in->n_updates++;
    return r;
}

static int submit(struct intake *in, struct tree_call *call, uint64_t *ret_token)
{
    if (in->n_updates == 0)
        return wrong(in, -EINVAL, "nothing to report");
    return reports_submit(&in->core->reports, in->sender, in->updates, in->n_updates,
                          in->timestamp_s, on_posted, call, ret_token);
}

void bus_thing_on_report(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it, options, value;
    struct msg_dict dict;
    uint64_t token = 0;
    const char *key;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = begin_updates(&in);
    if (r == 0)
        r = msg_read_dict(&it, &dict);
    options = it;
    if (r == 0)
        r = read_options(&in, &options);
    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = add_variant(&in, key, &value);
    if (r == 0)
        r = submit(&in, call, &token);
    finish(call, &in, r, token);
}

void bus_thing_on_report_value(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it;
    uint64_t token = 0;
    const char *id;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = begin_updates(&in);
    if (r == 0)
        r = msg_read_string(&it, &id);
    if (r == 0)
        r = add_variant(&in, id, &it);
    if (r == 0)
        r = submit(&in, call, &token);
    finish(call, &in, r, token);
}

static int read_json(struct intake *in, DBusMessageIter *it, json_t **ret_json)
{
    struct jx_error error;
    const char *text;
    size_t len;
    int r = msg_read_string(it, &text);

    if (r < 0)
        return r;
    len = strlen(text);
    if (len > LIMIT_DBUS_MESSAGE) /* parsed it takes many times that */
        return wrong(in, -EMSGSIZE, "%zu bytes of JSON", len);
    r = jx_parse_object(text, len, ret_json, &error);
    if (r == -EBADMSG)
        return wrong(in, -EPROTO, "not a JSON object: %s (line %d, column %d)", error.text,
                     error.line, error.column);
    return r;
}

static int add_json(struct intake *in, const char *id, const json_t *json)
{
    const struct thing_define *def;
    struct value_fault fault;
    struct prop_update *u;
    int r = next_update(in, id, &u, &def);

    if (r < 0)
        return r;
    r = value_from_json(def, json, &u->value, &fault);
    if (r < 0)
        value_explain(&fault, id, r, in->detail, sizeof(in->detail));
    else
        in->n_updates++;
    return r;
}

void bus_thing_on_report_json(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    uint64_t token = 0;
    const char *key;
    json_t *value;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = begin_updates(&in);
    if (r == 0)
        r = read_json(&in, &it, &json);
    if (r == 0) {
        json_object_foreach(json, key, value)
        {
            r = add_json(&in, key, value);
            if (r < 0)
                break;
        }
    }
    if (r == 0)
        r = submit(&in, call, &token);
    finish(call, &in, r, token);
}

/* --- events --- */

static int begin_event(struct intake *in, const char *id)
{
    int index = model_find_event(in->core->model, id);
    const struct model_event *event;
    int r;

    r = take_rate(in);
    if (r < 0)
        return r;
    if (index < 0)
        return wrong(in, -ENOENT, "%.64s", id);
    r = check_sender(in, FEATURE_EVENT, (size_t) index, id);
    if (r < 0)
        return r;
    event = &in->core->model->events[index];
    in->params = calloc(event->n_params ? event->n_params : 1, sizeof(*in->params));
    if (!in->params)
        return -ENOMEM;
    in->event = event;
    return 0;
}

static int find_param(struct intake *in, const char *id)
{
    int i = model_find_param(in->event->params, in->event->n_params, id);

    if (i < 0)
        return wrong(in, -ENOENT, "%s.%.64s", in->event->id, id);
    if (in->params[i].kind != VALUE_NONE)
        return wrong(in, -EINVAL, "%s.%s is given twice", in->event->id, id);
    return i;
}

static void add_params(struct strbuf *sb, const struct intake *in)
{
    bool first = true;

    strbuf_addc(sb, '{');
    for (size_t i = 0; i < in->event->n_params; i++) {
        if (in->params[i].kind == VALUE_NONE)
            continue;
        strbuf_addf(sb, "%s\"%s\":", first ? "" : ",", in->event->params[i].id);
        value_to_json(sb, &in->params[i]);
        first = false;
    }
    strbuf_addc(sb, '}');
}

/* The call is answered when the event is on disk. */
static int post(struct intake *in, struct tree_call *call)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    add_params(&sb, in);
    r = strbuf_finish(&sb, &text);
    if (r < 0)
        return r;
    r = events_post(&in->core->events, in->sender, in->event, text, in->timestamp_s, on_posted,
                    call);
    if (r == 0)
        (void) tree_call_keep(call);
    return r;
}

/* Answers what is wrong, if something is. */
static void finish_post(struct tree_call *call, struct intake *in, int r)
{
    if (r < 0)
        refuse(call, in, r);
    intake_done(in);
}

void bus_thing_on_post_event(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it, options, value;
    struct msg_dict dict;
    const char *id, *key;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r == 0)
        r = begin_event(&in, id);
    if (r == 0)
        r = msg_read_dict(&it, &dict);
    options = it;
    if (r == 0)
        r = read_options(&in, &options);
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        int i = find_param(&in, key);

        r = i < 0 ? i
                  : bus_value_read(&value, &in.event->params[i].define, key, in.text, &in.params[i],
                                   in.detail);
    }
    if (r == 0)
        r = post(&in, call);
    finish_post(call, &in, r);
}

static int read_json_params(struct intake *in, const json_t *json)
{
    json_t *object = (json_t *) (uintptr_t) json; /* iterated only */
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        struct value_fault fault;
        int i = find_param(in, key);
        int r;

        if (i < 0)
            return i;
        r = value_from_json(&in->event->params[i].define, value, &in->params[i], &fault);
        if (r < 0) {
            value_explain(&fault, key, r, in->detail, sizeof(in->detail));
            return r;
        }
    }
    return 0;
}

void bus_thing_on_post_event_json(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    const char *id;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r == 0)
        r = begin_event(&in, id);
    if (r == 0)
        r = read_json(&in, &it, &json);
    if (r == 0)
        r = read_json_params(&in, json);
    if (r == 0)
        r = post(&in, call);
    finish_post(call, &in, r);
}

/* --- several events in one message --- */

static int read_item(struct intake *in, const json_t *item)
{
    const char *id = jx_string_or(item, "eventId", ""), *type = jx_string_or(item, "type", "");
    json_t *params;
    int64_t timestamp;
    int r = begin_event(in, id);

    if (r < 0)
        return r;
    if (*type && strcmp(type, model_event_type_name(in->event->type)) != 0)
        return wrong(in, -EPROTOTYPE, "%s is of type %s", id,
                     model_event_type_name(in->event->type));
    if (jx_get_number_or_text(item, "timestamp", &timestamp) == 0) {
        if (timestamp <= 0 || timestamp > UINT32_MAX)
            return wrong(in, -ERANGE, "timestamp is in Unix seconds");
        in->timestamp_s = (uint64_t) timestamp;
    }
    params = jx_object_or_null(item, "params");
    return params ? read_json_params(in, params) : wrong(in, -EPROTO, "%s has no params", id);
}

/* As it travels. all is of the whole call, and hears what is wrong. */
static int add_item(struct intake *all, struct strbuf *sb, const json_t *item, bool *urgent)
{
    struct intake in = {
        .bus = all->bus,
        .core = all->core,
        .peer = all->peer,
        .sender = all->sender,
        .timestamp_s = all->timestamp_s,
    };
    int r = read_item(&in, item);

    if (r == 0) {
        strbuf_addf(sb, "{\"eventId\":\"%s\",\"type\":\"%s\"", in.event->id,
                    model_event_type_name(in.event->type));
        if (in.timestamp_s)
            strbuf_addf(sb, ",\"timestamp\":%" PRIu64, in.timestamp_s);
        strbuf_adds(sb, ",\"params\":");
        add_params(sb, &in);
        strbuf_addc(sb, '}');
        *urgent |= in.event->type != MODEL_EVENT_INFO;
    } else {
        memcpy(all->detail, in.detail, sizeof(all->detail));
    }
    intake_done(&in);
    return r;
}

static int post_list(struct intake *in, const json_t *list, struct tree_call *call)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    bool urgent = false;
    size_t i, n = json_array_size(list);
    json_t *item;
    int r = 0;

    if (n == 0 || n > LIMIT_EVENTS_PER_POST)
        return wrong(in, -EPROTO, "\"events\" is not a list of 1 to %d", LIMIT_EVENTS_PER_POST);
    if (in->timestamp_s == 0)
        in->timestamp_s = ntp_now_s(in->core->ntp);
    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    strbuf_addc(&sb, '[');
    json_array_foreach((json_t *) (uintptr_t) list, i, item)
    {
        if (r == 0 && i > 0)
            strbuf_addc(&sb, ',');
        if (r == 0)
            r = add_item(in, &sb, item, &urgent);
    }
    strbuf_addc(&sb, ']');
    if (r < 0) {
        strbuf_done(&sb);
        return r;
    }
    r = strbuf_finish(&sb, &text);
    if (r == 0)
        r = events_post_list(&in->core->events, in->sender, text, urgent, on_posted, call);
    if (r == 0)
        (void) tree_call_keep(call);
    return r;
}

void bus_thing_on_post_events(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    int r;

    intake_init(&in, call, userdata);
    tree_call_args(call, &it);
    r = read_json(&in, &it, &json);
    if (r == 0 && strcmp(tree_call_member(call), "PostEvents") == 0)
        r = read_options(&in, &it);
    if (r == 0)
        r = post_list(&in, json_object_get(json, "events"), call);
    finish_post(call, &in, r);
}
