/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Thing of the fake: a small model, claims of ids, tokens. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "dbus/iface-gen.h"
#include "dbus/names.h"
#include "libiotclient/base/num.h"
#include "tests/lib/fake-iotd-impl.h"

static const struct {
    const char *id;
    const char *type;
    const char *mode;
    enum value_kind kind;
    int64_t max; /* of integers */
} model[FAKE_N_PROPS] = {
    {"power_switch", "bool", "rw", VALUE_KIND_BOOL, 0},
    {"color", "enum", "rw", VALUE_KIND_INT, 2},
    {"brightness", "int", "rw", VALUE_KIND_INT, 100},
    {"name", "string", "rw", VALUE_KIND_STRING, 0},
    {"cpu_load", "float", "r", VALUE_KIND_DOUBLE, 0},
    {"boot_time", "timestamp", "r", VALUE_KIND_INT, INT64_MAX},
};

static uint64_t real_us(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

int fake_find_prop(const struct fake *f, const char *id)
{
    for (int i = 0; i < FAKE_N_PROPS; i++) {
        if (strcmp(model[i].id, id) == 0 && (!f->without_prop || strcmp(f->without_prop, id) != 0))
            return i;
    }
    return -ENOENT;
}

/* What a person typed, as the model means it. */
static int parse_text(enum value_kind kind, const char *text, struct value *ret_value)
{
    int64_t i;
    double d;

    switch (kind) {
    case VALUE_KIND_BOOL:
        if (strcmp(text, "1") != 0 && strcmp(text, "0") != 0)
            return -EPROTOTYPE;
        *ret_value = value_of_bool(text[0] == '1');
        return 0;
    case VALUE_KIND_INT:
        if (num_parse_i64(text, &i) < 0)
            return -EPROTOTYPE;
        *ret_value = value_of_int(i);
        return 0;
    case VALUE_KIND_DOUBLE:
        if (num_parse_double(text, &d) < 0)
            return -EPROTOTYPE;
        *ret_value = value_of_double(d);
        return 0;
    case VALUE_KIND_STRING:
        *ret_value = value_of_string(text);
        return 0;
    case VALUE_KIND_STRUCT: /* not in this model */
    case VALUE_KIND_ARRAY:
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return -EPROTOTYPE;
}

static int check_item(const struct fake *f, const struct value_item *item, bool is_text,
                      struct value *ret_value)
{
    struct value v = item->value;
    int r, i = fake_find_prop(f, item->id);

    if (i < 0)
        return i;
    if (is_text && v.kind == VALUE_KIND_STRING) {
        r = parse_text(model[i].kind, v.s, &v);
        if (r < 0)
            return r;
    }
    if (v.kind != model[i].kind)
        return -EPROTOTYPE;
    if (v.kind == VALUE_KIND_INT && (v.i < 0 || v.i > model[i].max))
        return -ERANGE;
    *ret_value = v;
    return 0;
}

static int append_one(DBusMessageIter *it, void *userdata)
{
    return value_list_append(it, userdata);
}

static void emit_changed(struct fake *f, struct value_list *values)
{
    if (tree_emit_signal(f->device, &iface_thing, "Changed", NULL, append_one, values) < 0)
        fprintf(stderr, "fake iotd: Changed failed\n");
}

static int store(struct fake *f, const char *id, const struct value *v)
{
    struct fake_prop *prop = &f->props[fake_find_prop(f, id)];
    struct value copy;
    int r = value_copy(&copy, v);

    if (r < 0)
        return r;
    value_done(&prop->value);
    prop->value = copy;
    prop->stamp_us = real_us();
    return 0;
}

void fake_change(struct fake *f, const char *id, struct value v)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};

    if (store(f, id, &v) >= 0 && value_list_set(&list, id, &v, 1) >= 0)
        emit_changed(f, &list);
}

struct completed {
    uint64_t token;
    int32_t code;
};

static int append_completed(DBusMessageIter *it, void *userdata)
{
    const struct completed *c = userdata;
    int r = msg_append_uint64(it, c->token);

    if (r >= 0)
        r = msg_append_int32(it, c->code);
    return r < 0 ? r : msg_append_string(it, c->code ? "the cloud says no" : "");
}

void fake_complete(struct fake *f, int code)
{
    for (size_t i = 0; i < f->n_tokens; i++) {
        struct completed c = {f->tokens[i].token, code};

        if (tree_emit_signal(f->device, &iface_thing, "Completed", f->tokens[i].sender,
                             append_completed, &c) < 0)
            fprintf(stderr, "fake iotd: Completed failed\n");
    }
    f->n_tokens = 0;
}

/* Answers with a token, and completes it unless the test wants to. */
static int give_token(struct fake *f, struct tree_call *call)
{
    struct fake_token *t = &f->tokens[f->n_tokens];
    DBusMessageIter it;
    int r;

    if (f->n_tokens >= FAKE_MAX_TOKENS)
        return -ENOBUFS;
    r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_append_uint64(&it, ++f->next_token);
    if (r < 0)
        return r;
    t->token = f->next_token;
    (void) snprintf(t->sender, sizeof(t->sender), "%s", tree_call_sender(call));
    f->n_tokens++;
    tree_call_reply(&call);
    if (!f->hold_completed)
        fake_complete(f, f->completed_code);
    return 0;
}

/* Ends the call in any case. */
static void take_report(struct fake *f, struct tree_call *call, struct value_list *values,
                        bool is_text)
{
    CLEANUP(value_list_done) struct value_list good = {NULL, 0};
    int r = 0;

    f->n_report++;
    for (size_t i = 0; i < values->n_items && r >= 0; i++) {
        struct value v = {.kind = VALUE_KIND_NONE};

        r = check_item(f, &values->items[i], is_text, &v);
        if (r >= 0)
            r = value_list_set(&good, values->items[i].id, &v, FAKE_N_PROPS);
    }
    for (size_t i = 0; i < good.n_items && r >= 0; i++)
        r = store(f, good.items[i].id, &good.items[i].value);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    emit_changed(f, &good);
    value_list_done(&f->last_report);
    f->last_report = good;
    good = (struct value_list){NULL, 0};
    if (f->hold_report) {
        if (f->held)
            tree_call_error(&f->held, -EIO, NULL);
        f->held = tree_call_keep(call);
        return;
    }
    r = give_token(f, call);
    if (r < 0)
        tree_call_error(&call, r, NULL);
}

/* Options: text and timestamp are all that the fake knows. */
static void read_options(DBusMessageIter *it, bool *ret_text, uint64_t *ret_timestamp)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;

    *ret_text = false;
    *ret_timestamp = 0;
    if (msg_read_dict(it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &value)) {
        int r = strcmp(key, "text") == 0        ? msg_read_bool(&value, ret_text)
                : strcmp(key, "timestamp") == 0 ? msg_read_uint64(&value, ret_timestamp)
                                                : -ENOENT;

        if (r < 0)
            fprintf(stderr, "fake iotd: option %s is not understood\n", key);
    }
}

static void on_report(struct tree_call *call, void *userdata)
{
    CLEANUP(value_list_done) struct value_list values = {NULL, 0};
    uint64_t timestamp;
    DBusMessageIter it;
    bool is_text;
    int r;

    tree_call_args(call, &it);
    r = value_list_read(&it, &values, LIMIT_CLIENT_IDS);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    read_options(&it, &is_text, &timestamp);
    take_report(userdata, call, &values, is_text);
}

static void on_report_value(struct tree_call *call, void *userdata)
{
    CLEANUP(value_list_done) struct value_list values = {NULL, 0};
    struct value v = {.kind = VALUE_KIND_NONE};
    DBusMessageIter it;
    const char *id;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r >= 0)
        r = value_read(&it, &v);
    if (r >= 0)
        r = value_list_set(&values, id, &v, 1);
    value_done(&v);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    take_report(userdata, call, &values, false);
}

static int of_json(const json_t *json, struct value *ret_value)
{
    if (json_is_boolean(json))
        *ret_value = value_of_bool(json_is_true(json));
    else if (json_is_integer(json))
        *ret_value = value_of_int(json_integer_value(json));
    else if (json_is_real(json))
        *ret_value = value_of_double(json_real_value(json));
    else if (json_is_string(json))
        *ret_value = value_of_string(json_string_value(json));
    else
        return -EPROTOTYPE;
    return 0;
}

static int parse_json(const char *text, struct value_list *ret_list)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *key;
    json_t *value;
    int r = json_is_object(root) ? 0 : -EPROTO;

    json_object_foreach(root, key, value)
    {
        struct value v;

        if (r >= 0)
            r = of_json(value, &v);
        if (r >= 0)
            r = value_list_set(&list, key, &v, LIMIT_CLIENT_IDS);
    }
    json_decref(root);
    if (r < 0)
        return r;
    *ret_list = list;
    list = (struct value_list){NULL, 0};
    return 0;
}

static void on_report_json(struct tree_call *call, void *userdata)
{
    CLEANUP(value_list_done) struct value_list values = {NULL, 0};
    DBusMessageIter it;
    const char *text;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &text);
    if (r >= 0)
        r = parse_json(text, &values);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    take_report(userdata, call, &values, false);
}

static void take_event(struct fake *f, struct tree_call *call, const char *id,
                       struct value_list *params)
{
    int r = f->post_error;

    f->n_post++;
    (void) snprintf(f->event_id, sizeof(f->event_id), "%s", id);
    value_list_done(&f->event);
    f->event = *params;
    *params = (struct value_list){NULL, 0};
    if (r >= 0 && strcmp(id, "low_voltage") != 0 && strcmp(id, "status_report") != 0)
        r = -ENOENT;
    if (r >= 0)
        r = give_token(f, call);
    if (r < 0)
        tree_call_error(&call, r, NULL);
}

static void on_post(struct tree_call *call, void *userdata)
{
    CLEANUP(value_list_done) struct value_list params = {NULL, 0};
    struct fake *f = userdata;
    DBusMessageIter it;
    const char *id;
    bool is_text;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r >= 0)
        r = value_list_read(&it, &params, LIMIT_EVENT_PARAMS);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    read_options(&it, &is_text, &f->event_timestamp_s);
    take_event(f, call, id, &params);
}

static void on_post_json(struct tree_call *call, void *userdata)
{
    CLEANUP(value_list_done) struct value_list params = {NULL, 0};
    const char *id, *text;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r >= 0)
        r = msg_read_string(&it, &text);
    if (r >= 0)
        r = parse_json(text, &params);
    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    take_event(userdata, call, id, &params);
}

/* NULL for no value: a zero of the type. */
static int append_variant(DBusMessageIter *it, enum value_kind kind, const struct value *v)
{
    switch (kind) {
    case VALUE_KIND_BOOL:
        return msg_append_variant_bool(it, v && v->b);
    case VALUE_KIND_DOUBLE:
        return msg_append_variant_double(it, v ? v->d : 0);
    case VALUE_KIND_STRING:
        return msg_append_variant_string(it, v ? v->s : "");
    case VALUE_KIND_STRUCT: /* not in this model */
    case VALUE_KIND_ARRAY:
    case VALUE_KIND_INT:
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return msg_append_variant_int64(it, v ? v->i : 0);
}

static int append_row(const struct fake *f, DBusMessageIter *list, int i)
{
    const struct fake_prop *prop = &f->props[i];
    DBusMessageIter row;
    int r = msg_open(list, DBUS_TYPE_STRUCT, NULL, &row);

    if (r < 0)
        return r;
    r = msg_append_string(&row, model[i].id);
    if (r >= 0)
        r = msg_append_string(&row, model[i].type);
    if (r >= 0)
        r = msg_append_string(&row, model[i].mode);
    if (r >= 0)
        r = append_variant(&row, model[i].kind, prop->stamp_us ? &prop->value : NULL);
    if (r >= 0)
        r = msg_append_uint64(&row, prop->stamp_us);
    return msg_close(list, &row, r);
}

static void on_list(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;
    DBusMessageIter it, list;
    int r = f->list_error;

    if (r >= 0)
        r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "(sssvt)", &list);
    if (r >= 0) {
        for (int i = 0; i < FAKE_N_PROPS && r >= 0; i++) {
            if (fake_find_prop(f, model[i].id) == i)
                r = append_row(f, &list, i);
        }
        r = msg_close(&it, &list, r);
    }
    tree_call_finish(&call, r);
}

static void on_get(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;
    DBusMessageIter args, it;
    const char *id;
    int r, i = -ENOENT;

    tree_call_args(call, &args);
    r = msg_read_string(&args, &id);
    if (r >= 0)
        r = i = fake_find_prop(f, id);
    if (r >= 0)
        r = f->props[i].stamp_us ? tree_call_open(call, &it) : -EAGAIN;
    if (r >= 0)
        r = append_variant(&it, model[i].kind, &f->props[i].value);
    if (r >= 0)
        r = msg_append_uint64(&it, f->props[i].stamp_us);
    tree_call_finish(&call, r);
}

static void on_unsupported(struct tree_call *call, void *userdata)
{
    (void) userdata;
    tree_call_error(&call, -EOPNOTSUPP, NULL);
}

static const struct tree_method_impl thing_methods[] = {
    {"Register", fake_on_register},
    {"Unregister", fake_on_unregister},
    {"Report", on_report},
    {"ReportValue", on_report_value},
    {"ReportJson", on_report_json},
    {"PostEvent", on_post},
    {"PostEventJson", on_post_json},
    {"Get", on_get},
    {"GetAll", on_unsupported},
    {"GetModel", on_unsupported},
    {"ListProperties", on_list},
    {"Control", on_unsupported},
    {"ControlJson", on_unsupported},
    {"Invoke", on_unsupported},
    {"InvokeJson", on_unsupported},
    {"PostEvents", on_unsupported},
    {"PostEventsJson", on_unsupported},
};

int fake_add_thing(struct fake *f, const char **reterr_member)
{
    return tree_add_interface(f->device, &iface_thing, thing_methods, ARRAY_SIZE(thing_methods),
                              NULL, 0, f, reterr_member);
}
