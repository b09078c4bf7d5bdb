/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(BUS_ACCESS_DETAIL >= BUS_VALUE_DETAIL, "one place for both kinds of mistakes");

void intake_init(struct intake *in, struct bus *bus, struct bus_peer *peer, const char *sender)
{
    *in = (struct intake){.bus = bus, .core = bus->core, .peer = peer, .sender = sender};
}

void intake_done(struct intake *in)
{
    prop_updates_free(in->updates, in->n_updates);
    for (size_t i = 0; in->params && i < in->event->n_params; i++)
        value_done(&in->params[i]);
    free(in->params);
}

int intake_wrong(struct intake *in, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(in->detail, sizeof(in->detail), fmt, ap);
    va_end(ap);
    return error;
}

int intake_error(struct intake *in, int r)
{
    return r == -EDQUOT ? intake_wrong(in, -ENOBUFS, "quota.outbox_share") : r;
}

const char *intake_posted_text(int result)
{
    return result == -ENOSPC ? "the disk is full; it was not kept" : NULL;
}

int intake_take_rate(struct intake *in)
{
    int r = in->peer ? bus_peer_take_rate(in->peer) : -EACCES;

    if (r != -EDQUOT)
        return r;
    in->is_over_rate = true;
    return intake_wrong(in, -ENOBUFS, "quota.rate");
}

int intake_set_timestamp(struct intake *in, uint64_t timestamp_s)
{
    if (timestamp_s > UINT32_MAX)
        return intake_wrong(in, -ERANGE, "timestamp is in Unix seconds");
    in->timestamp_s = timestamp_s;
    return 0;
}

int intake_parse(struct intake *in, const char *text, size_t len, json_t **ret_json)
{
    struct jx_error error;
    int r;

    if (len > LIMIT_DBUS_MESSAGE) /* parsed it takes many times that */
        return intake_wrong(in, -EMSGSIZE, "%zu bytes of JSON", len);
    r = jx_parse_object(text, len, ret_json, &error);
    if (r == -EBADMSG)
        return intake_wrong(in, -EPROTO, "not a JSON object: %s (line %d, column %d)", error.text,
                            error.line, error.column);
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
        return intake_wrong(in, -EPERM, "%s is served by %s", id, owner->client->app_id);
    return 0;
}

static int read_json_value(struct intake *in, const char *id, const struct thing_define *def,
                           const json_t *json, struct value *ret_value)
{
    struct value_fault fault;
    int r = value_from_json(def, json, ret_value, &fault);

    if (r < 0)
        value_explain(&fault, id, r, in->detail, sizeof(in->detail));
    return r;
}

/* --- reports --- */

int intake_begin_updates(struct intake *in)
{
    size_t n = in->core->model->n_properties;
    int r = intake_take_rate(in);

    if (r < 0)
        return r;
    in->updates = calloc(n ? n : 1, sizeof(*in->updates));
    return in->updates ? 0 : -ENOMEM;
}

int intake_update_at(struct intake *in, size_t index, struct value **ret_value,
                     const struct thing_define **ret_define)
{
    const struct model_property *mp = &in->core->model->properties[index];
    struct prop_update *u = &in->updates[in->n_updates];
    int r;

    for (size_t i = 0; i < in->n_updates; i++) {
        if (in->updates[i].index == index)
            return intake_wrong(in, -EINVAL, "%s is given twice", mp->id);
    }
    r = check_sender(in, FEATURE_PROPERTY, index, mp->id);
    if (r < 0)
        return r;
    u->index = index;
    *ret_value = &u->value;
    *ret_define = &mp->define;
    return 0;
}

int intake_update(struct intake *in, const char *id, struct value **ret_value,
                  const struct thing_define **ret_define)
{
    int index = model_find_property(in->core->model, id);

    if (index < 0)
        return intake_wrong(in, -ENOENT, "%.64s", id);
    return intake_update_at(in, (size_t) index, ret_value, ret_define);
}

int intake_updated(struct intake *in, int r)
{
    if (r == 0)
        in->n_updates++;
    return r;
}

int intake_update_json(struct intake *in, const json_t *object)
{
    const char *key;
    json_t *json;

    json_object_foreach((json_t *) (uintptr_t) object, key, json)
    {
        const struct thing_define *def;
        struct value *v;
        int r = intake_update(in, key, &v, &def);

        if (r == 0)
            r = intake_updated(in, read_json_value(in, key, def, json, v));
        if (r < 0)
            return r;
    }
    return 0;
}

int intake_submit(struct intake *in, events_posted_fn fn, void *userdata, uint64_t *ret_token)
{
    if (in->n_updates == 0)
        return intake_wrong(in, -EINVAL, "nothing to report");
    return reports_submit(&in->core->reports, in->sender, in->updates, in->n_updates,
                          in->timestamp_s, fn, userdata, ret_token);
}

/* --- events --- */

int intake_begin_event(struct intake *in, const char *id)
{
    int index = model_find_event(in->core->model, id);
    const struct model_event *event;
    int r;

    r = intake_take_rate(in);
    if (r < 0)
        return r;
    if (index < 0)
        return intake_wrong(in, -ENOENT, "%.64s", id);
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

int intake_param(struct intake *in, const char *id, struct value **ret_value,
                 const struct thing_define **ret_define)
{
    int i = model_find_param(in->event->params, in->event->n_params, id);

    if (i < 0)
        return intake_wrong(in, -ENOENT, "%s.%.64s", in->event->id, id);
    if (in->params[i].kind != VALUE_NONE)
        return intake_wrong(in, -EINVAL, "%s.%s is given twice", in->event->id, id);
    *ret_value = &in->params[i];
    *ret_define = &in->event->params[i].define;
    return 0;
}

int intake_params_json(struct intake *in, const json_t *object)
{
    const char *key;
    json_t *json;

    json_object_foreach((json_t *) (uintptr_t) object, key, json)
    {
        const struct thing_define *def;
        struct value *v;
        int r = intake_param(in, key, &v, &def);

        if (r == 0)
            r = read_json_value(in, key, def, json, v);
        if (r < 0)
            return r;
    }
    return 0;
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

int intake_post(struct intake *in, events_posted_fn fn, void *userdata)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    add_params(&sb, in);
    r = strbuf_finish(&sb, &text);
    if (r < 0)
        return r;
    return events_post(&in->core->events, in->sender, in->event, text, in->timestamp_s, fn,
                       userdata);
}

/* --- several events in one message --- */

static int read_item(struct intake *in, const json_t *item)
{
    const char *id = jx_string_or(item, "eventId", ""), *type = jx_string_or(item, "type", "");
    json_t *params;
    int64_t timestamp;
    int r = intake_begin_event(in, id);

    if (r < 0)
        return r;
    if (*type && strcmp(type, model_event_type_name(in->event->type)) != 0)
        return intake_wrong(in, -EPROTOTYPE, "%s is of type %s", id,
                            model_event_type_name(in->event->type));
    if (jx_get_number_or_text(item, "timestamp", &timestamp) == 0) {
        r = intake_set_timestamp(in, timestamp <= 0 ? UINT64_MAX : (uint64_t) timestamp);
        if (r < 0)
            return r;
    }
    params = jx_object_or_null(item, "params");
    return params ? intake_params_json(in, params)
                  : intake_wrong(in, -EPROTO, "%s has no params", id);
}

/* As it travels. all is of the whole call, and hears what is wrong. */
static int add_item(struct intake *all, struct strbuf *sb, const json_t *item, bool *urgent)
{
    struct intake in;
    int r;

    intake_init(&in, all->bus, all->peer, all->sender);
    in.timestamp_s = all->timestamp_s;
    r = read_item(&in, item);
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
        all->is_over_rate = in.is_over_rate;
        memcpy(all->detail, in.detail, sizeof(all->detail));
    }
    intake_done(&in);
    return r;
}

int intake_post_list(struct intake *in, const json_t *list, events_posted_fn fn, void *userdata)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    bool urgent = false;
    size_t i, n = json_array_size(list);
    json_t *item;
    int r = 0;

    if (n == 0 || n > LIMIT_EVENTS_PER_POST)
        return intake_wrong(in, -EPROTO, "\"events\" is not a list of 1 to %d",
                            LIMIT_EVENTS_PER_POST);
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
    if (r < 0)
        return r;
    return events_post_list(&in->core->events, in->sender, text, urgent, fn, userdata);
}
