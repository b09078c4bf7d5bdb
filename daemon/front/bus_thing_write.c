/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Thing, part two: reports and events. What they hold is checked by intake.h. */

#include <errno.h>
#include <string.h>

#include "daemon/front/bus_thing.h"
#include "daemon/front/intake.h"
#include "dbus/msg.h"

static void begin(struct intake *in, struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;

    intake_init(in, bus, bus_peer_of(bus, call), tree_call_sender(call));
}

/* Answers what is wrong. */
static void refuse(struct tree_call *call, struct intake *in, int r)
{
    r = intake_error(in, r);
    tree_call_error(&call, r, in->detail[0] ? in->detail : NULL);
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
    if (result < 0)
        tree_call_error(&call, result, intake_posted_text(result));
    else
        tree_call_finish(&call, r);
}

/* Options that Report and PostEvent have; others are for later releases and ignored. */
static int read_options(struct intake *in, DBusMessageIter *it, bool *ret_text)
{
    DBusMessageIter value;
    struct msg_dict dict;
    uint64_t timestamp_s = 0;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "timestamp") == 0)
            r = msg_read_uint64(&value, &timestamp_s);
        else if (strcmp(key, "text") == 0)
            r = msg_read_bool(&value, ret_text);
        if (r < 0)
            (void) intake_wrong(in, r, "option %.32s", key);
    }
    return r == 0 ? intake_set_timestamp(in, timestamp_s) : r;
}

/* --- reports --- */

/* text: the value is a string as a person types it. */
static int add_variant(struct intake *in, const char *id, DBusMessageIter *value, bool text)
{
    const struct thing_define *def;
    struct value *v;
    int r = intake_update(in, id, &v, &def);

    if (r < 0)
        return r;
    return intake_updated(in, bus_value_read(value, def, id, text, v, in->detail));
}

void bus_thing_on_report(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it, options, value;
    struct msg_dict dict;
    uint64_t token = 0;
    bool text = false;
    const char *key;
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = intake_begin_updates(&in);
    if (r == 0)
        r = msg_read_dict(&it, &dict);
    options = it;
    if (r == 0)
        r = read_options(&in, &options, &text);
    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = add_variant(&in, key, &value, text);
    if (r == 0)
        r = intake_submit(&in, on_posted, call, &token);
    finish(call, &in, r, token);
}

void bus_thing_on_report_value(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it;
    uint64_t token = 0;
    const char *id;
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = intake_begin_updates(&in);
    if (r == 0)
        r = msg_read_string(&it, &id);
    if (r == 0)
        r = add_variant(&in, id, &it, false);
    if (r == 0)
        r = intake_submit(&in, on_posted, call, &token);
    finish(call, &in, r, token);
}

static int read_json(struct intake *in, DBusMessageIter *it, json_t **ret_json)
{
    const char *text;
    int r = msg_read_string(it, &text);

    return r < 0 ? r : intake_parse(in, text, strlen(text), ret_json);
}

void bus_thing_on_report_json(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    uint64_t token = 0;
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = intake_begin_updates(&in);
    if (r == 0)
        r = read_json(&in, &it, &json);
    if (r == 0)
        r = intake_update_json(&in, json);
    if (r == 0)
        r = intake_submit(&in, on_posted, call, &token);
    finish(call, &in, r, token);
}

/* --- events --- */

/* The call is answered when the event is on disk, or now with what is wrong. */
static void finish_post(struct tree_call *call, struct intake *in, int r)
{
    if (r < 0)
        refuse(call, in, r);
    else
        (void) tree_call_keep(call);
    intake_done(in);
}

static int add_param(struct intake *in, const char *id, DBusMessageIter *value, bool text)
{
    const struct thing_define *def;
    struct value *v;
    int r = intake_param(in, id, &v, &def);

    return r < 0 ? r : bus_value_read(value, def, id, text, v, in->detail);
}

void bus_thing_on_post_event(struct tree_call *call, void *userdata)
{
    struct intake in;
    DBusMessageIter it, options, value;
    struct msg_dict dict;
    const char *id, *key;
    bool text = false;
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r == 0)
        r = intake_begin_event(&in, id);
    if (r == 0)
        r = msg_read_dict(&it, &dict);
    options = it;
    if (r == 0)
        r = read_options(&in, &options, &text);
    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = add_param(&in, key, &value, text);
    if (r == 0)
        r = intake_post(&in, on_posted, call);
    finish_post(call, &in, r);
}

void bus_thing_on_post_event_json(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    const char *id;
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r == 0)
        r = intake_begin_event(&in, id);
    if (r == 0)
        r = read_json(&in, &it, &json);
    if (r == 0)
        r = intake_params_json(&in, json);
    if (r == 0)
        r = intake_post(&in, on_posted, call);
    finish_post(call, &in, r);
}

void bus_thing_on_post_events(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct intake in;
    DBusMessageIter it;
    bool text = false; /* says nothing about JSON */
    int r;

    begin(&in, call, userdata);
    tree_call_args(call, &it);
    r = read_json(&in, &it, &json);
    if (r == 0 && strcmp(tree_call_member(call), "PostEvents") == 0)
        r = read_options(&in, &it, &text);
    if (r == 0)
        r = intake_post_list(&in, json_object_get(json, "events"), on_posted, call);
    finish_post(call, &in, r);
}
