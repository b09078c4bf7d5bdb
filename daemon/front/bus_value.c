/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_value.h"

#include <errno.h>

#include "dbus/msg.h"

/* The content of a variant that holds a struct or an array. */
static int append_content(DBusMessageIter *variant, const struct value *v)
{
    bool is_struct = v->kind == VALUE_STRUCT;
    DBusMessageIter sub;
    int r = msg_open(variant, DBUS_TYPE_ARRAY, is_struct ? "{sv}" : "v", &sub);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < value_count(v); i++) {
        const struct value_item *item = &v->list->items[i];

        r = is_struct ? bus_value_append_entry(&sub, item->key, &item->value)
                      : bus_value_append(&sub, &item->value);
    }
    return msg_close(variant, &sub, r);
}

static const char *signature_of(const struct value *v)
{
    return v->kind == VALUE_STRUCT ? "a{sv}" : "av";
}

int bus_value_append(DBusMessageIter *it, const struct value *v)
{
    DBusMessageIter variant;
    int r;

    switch (v->kind) {
    case VALUE_BOOL:
        return msg_append_variant_bool(it, v->b);
    case VALUE_INT:
        return msg_append_variant_int64(it, v->i);
    case VALUE_FLOAT:
        return msg_append_variant_double(it, v->d);
    case VALUE_STRING:
        return msg_append_variant_string(it, v->s);
    case VALUE_STRUCT:
    case VALUE_ARRAY:
        r = msg_open(it, DBUS_TYPE_VARIANT, signature_of(v), &variant);
        return r < 0 ? r : msg_close(it, &variant, append_content(&variant, v));
    case VALUE_NONE:
        break;
    }
    return -EINVAL;
}

int bus_value_append_entry(DBusMessageIter *dict, const char *key, const struct value *v)
{
    struct msg_entry entry;
    int r;

    switch (v->kind) {
    case VALUE_BOOL:
        return msg_dict_bool(dict, key, v->b);
    case VALUE_INT:
        return msg_dict_int64(dict, key, v->i);
    case VALUE_FLOAT:
        return msg_dict_double(dict, key, v->d);
    case VALUE_STRING:
        return msg_dict_string(dict, key, v->s);
    case VALUE_STRUCT:
    case VALUE_ARRAY:
        r = msg_dict_open_entry(dict, key, signature_of(v), &entry);
        if (r < 0)
            return r;
        return msg_dict_close_entry(dict, &entry, append_content(&entry.variant, v));
    case VALUE_NONE:
        break;
    }
    return -EINVAL;
}

int bus_value_append_updates(DBusMessageIter *it, const struct model *model,
                             const struct prop_update *updates, size_t n)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = bus_value_append_entry(&dict, model->properties[updates[i].index].id,
                                   &updates[i].value);
    return msg_close(it, &dict, r);
}

/* Kinds of D-Bus values as kinds of the thing model; texts stay borrowed. */
static struct value to_value(const struct msg_value *in)
{
    switch (in->kind) {
    case MSG_KIND_BOOL:
        return (struct value){.kind = VALUE_BOOL, .b = in->b};
    case MSG_KIND_INT:
        return (struct value){.kind = VALUE_INT, .i = in->i};
    case MSG_KIND_DOUBLE:
        return (struct value){.kind = VALUE_FLOAT, .d = in->d};
    case MSG_KIND_STRING:
        return value_of_text(in->s);
    case MSG_KIND_OTHER:
    case MSG_KIND_COUNT_:
        break;
    }
    return (struct value){.kind = VALUE_NONE};
}

static int read_one(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                    struct value_fault *fault)
{
    struct msg_value in;
    struct value v;
    int r = msg_read_value(it, &in);

    if (r < 0) {
        value_fault_set(fault, "not within 64 bits");
        return r;
    }
    v = to_value(&in);
    return value_fit(def, &v, ret_value, fault);
}

static int read_any(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                    struct value_fault *fault);

static int read_struct(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                       struct value_fault *fault)
{
    const struct thing_define *part;
    struct value_build b;
    struct msg_dict dict;
    DBusMessageIter at;
    struct value *slot;
    const char *key;
    int r = msg_read_map(it, &dict);

    if (r < 0) {
        value_fault_set(fault, "not of type %s", thing_type_name(def->type));
        return r;
    }
    r = value_build_begin(&b, def, 0, fault);
    while (r == 0 && msg_dict_next(&dict, &key, &at)) {
        r = value_build_slot(&b, key, &slot, &part);
        if (r == 0)
            r = value_build_filled(&b, read_any(&at, part, slot, fault));
    }
    return value_build_end(&b, r, ret_value);
}

static int read_array(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                      struct value_fault *fault)
{
    const struct thing_define *part;
    struct value_build b;
    DBusMessageIter elements;
    struct value *slot;
    size_t n;
    int r = msg_read_array(it, &elements, &n);

    if (r < 0) {
        value_fault_set(fault, "not of type %s", thing_type_name(def->type));
        return r;
    }
    r = value_build_begin(&b, def, n, fault);
    for (size_t i = 0; r == 0 && i < n; i++) {
        DBusMessageIter at = elements;

        r = value_build_slot(&b, NULL, &slot, &part);
        if (r == 0)
            r = value_build_filled(&b, read_any(&at, part, slot, fault));
        dbus_message_iter_next(&elements);
    }
    return value_build_end(&b, r, ret_value);
}

/* As deep as the definition: an array of structs of simple types at most. */
static int read_any(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                    struct value_fault *fault)
{
    if (def->type == THING_STRUCT)
        return read_struct(it, def, ret_value, fault);
    if (def->type == THING_ARRAY)
        return read_array(it, def, ret_value, fault);
    return read_one(it, def, ret_value, fault);
}

static int read_text(DBusMessageIter *it, const struct thing_define *def, struct value *ret_value,
                     struct value_fault *fault)
{
    const char *text;
    int r = msg_read_string(it, &text);

    if (r < 0) {
        value_fault_set(fault, "not given as text");
        return r;
    }
    return value_from_text(def, text, ret_value, fault);
}

int bus_value_read(DBusMessageIter *it, const struct thing_define *def, const char *id, bool text,
                   struct value *ret_value, char reterr_detail[BUS_VALUE_DETAIL])
{
    struct value_fault fault = {.path = ""};
    int r = text ? read_text(it, def, ret_value, &fault) : read_any(it, def, ret_value, &fault);

    if (r < 0)
        value_explain(&fault, id, r, reterr_detail, BUS_VALUE_DETAIL);
    return r;
}
