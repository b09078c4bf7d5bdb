/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values on the bus. */

#include <errno.h>

#include <iotclient/value.h>

#include "libiotclient/value.h"

/* An array of structs of simple values. */
#define DEPTH_MAX 2

static int read_any(DBusMessageIter *it, int depth, struct value *ret_value);

/* One part of what is being read; a part that cannot be one is as for value_list_read(). */
static int read_part(DBusMessageIter *at, const char *id, int depth, struct iotc_value *n)
{
    struct value v = {.kind = VALUE_KIND_NONE};
    int r = read_any(at, depth, &v);

    if (r < 0)
        return r;
    r = id ? value_list_set(&n->parts, id, &v, LIMIT_STRUCT_MEMBERS)
           : value_list_add(&n->parts, &v, LIMIT_ARRAY_ELEMENTS);
    value_done(&v);
    return r;
}

static int read_struct(DBusMessageIter *it, int depth, struct value *ret_value)
{
    struct value v = {.kind = VALUE_KIND_STRUCT};
    struct msg_dict dict;
    DBusMessageIter at;
    const char *id;
    int r = iotc_value_new_struct(&v.n);

    if (r >= 0)
        r = msg_read_map(it, &dict);
    while (r >= 0 && msg_dict_next(&dict, &id, &at))
        r = read_part(&at, id, depth, v.n);
    if (r < 0)
        iotc_value_free(v.n);
    else
        *ret_value = v;
    return r;
}

static int read_array(DBusMessageIter *it, int depth, struct value *ret_value)
{
    struct value v = {.kind = VALUE_KIND_ARRAY};
    DBusMessageIter elements;
    size_t n = 0;
    int r = iotc_value_new_array(&v.n);

    if (r >= 0)
        r = msg_read_array(it, &elements, &n);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        DBusMessageIter at = elements;

        r = read_part(&at, NULL, depth, v.n);
        dbus_message_iter_next(&elements);
    }
    if (r < 0)
        iotc_value_free(v.n);
    else
        *ret_value = v;
    return r;
}

static int read_nested(DBusMessageIter *it, int depth, struct value *ret_value)
{
    DBusMessageIter as_struct = *it;
    int r;

    if (depth >= DEPTH_MAX)
        return -EPROTOTYPE;
    r = read_struct(&as_struct, depth + 1, ret_value);
    if (r == -EPROTOTYPE && depth == 0)
        r = read_array(it, depth + 1, ret_value);
    return r;
}

static int read_any(DBusMessageIter *it, int depth, struct value *ret_value)
{
    DBusMessageIter simple = *it;
    struct msg_value mv;
    struct value view = {.kind = VALUE_KIND_NONE};
    int r;

    r = msg_read_value(&simple, &mv);
    if (r < 0)
        return r;
    if (mv.kind == MSG_KIND_OTHER)
        return read_nested(it, depth, ret_value);
    *it = simple;
    switch (mv.kind) {
    case MSG_KIND_BOOL:
        view = value_of_bool(mv.b);
        break;
    case MSG_KIND_INT:
        view = value_of_int(mv.i);
        break;
    case MSG_KIND_DOUBLE:
        view = value_of_double(mv.d);
        break;
    case MSG_KIND_STRING:
        view = value_of_string(mv.s);
        break;
    case MSG_KIND_OTHER:
    case MSG_KIND_COUNT_:
        return -EPROTOTYPE;
    }
    return value_copy(ret_value, &view);
}

int value_read(DBusMessageIter *it, struct value *ret_value)
{
    return read_any(it, 0, ret_value);
}

int value_list_read(DBusMessageIter *it, struct value_list *ret_list, size_t max)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    DBusMessageIter at;
    struct msg_dict dict;
    const char *id;
    int r;

    r = msg_read_dict(it, &dict);
    if (r < 0)
        return r;
    while (msg_dict_next(&dict, &id, &at)) {
        struct value v = {.kind = VALUE_KIND_NONE};

        r = value_read(&at, &v);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        r = value_list_set(&list, id, &v, max);
        value_done(&v);
        if (r == -ENOMEM || (r == -EMSGSIZE && list.n_items >= max))
            return r;
    }
    *ret_list = list;
    list = (struct value_list){NULL, 0};
    return 0;
}

static const char *signature_of(const struct value *v)
{
    return v->kind == VALUE_KIND_STRUCT ? "a{sv}" : "av";
}

static int append_variant(DBusMessageIter *it, const struct value *v);

/* What stands in the variant of a struct or an array. */
static int append_content(DBusMessageIter *variant, const struct iotc_value *n)
{
    bool is_struct = n->kind == VALUE_KIND_STRUCT;
    DBusMessageIter sub;
    int r = msg_open(variant, DBUS_TYPE_ARRAY, is_struct ? "{sv}" : "v", &sub);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n->parts.n_items && r >= 0; i++) {
        const struct value_item *item = &n->parts.items[i];

        r = is_struct ? value_append_entry(&sub, item->id, &item->value)
                      : append_variant(&sub, &item->value);
    }
    return msg_close(variant, &sub, r);
}

/* An element of an array. */
static int append_variant(DBusMessageIter *it, const struct value *v)
{
    DBusMessageIter variant;
    int r;

    switch (v->kind) {
    case VALUE_KIND_BOOL:
        return msg_append_variant_bool(it, v->b);
    case VALUE_KIND_INT:
        return msg_append_variant_int64(it, v->i);
    case VALUE_KIND_DOUBLE:
        return msg_append_variant_double(it, v->d);
    case VALUE_KIND_STRING:
        return msg_append_variant_string(it, v->s);
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
        r = msg_open(it, DBUS_TYPE_VARIANT, signature_of(v), &variant);
        return r < 0 ? r : msg_close(it, &variant, append_content(&variant, v->n));
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return -EINVAL;
}

int value_append_entry(DBusMessageIter *dict, const char *id, const struct value *v)
{
    struct msg_entry entry;
    int r;

    switch (v->kind) {
    case VALUE_KIND_BOOL:
        return msg_dict_bool(dict, id, v->b);
    case VALUE_KIND_INT:
        return msg_dict_int64(dict, id, v->i);
    case VALUE_KIND_DOUBLE:
        return msg_dict_double(dict, id, v->d);
    case VALUE_KIND_STRING:
        return msg_dict_string(dict, id, v->s);
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
        r = msg_dict_open_entry(dict, id, signature_of(v), &entry);
        if (r < 0)
            return r;
        return msg_dict_close_entry(dict, &entry, append_content(&entry.variant, v->n));
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return -EINVAL;
}

int value_list_append(DBusMessageIter *it, const struct value_list *list)
{
    DBusMessageIter dict;
    int r;

    r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    for (size_t i = 0; i < list->n_items && r >= 0; i++)
        r = value_append_entry(&dict, list->items[i].id, &list->items[i].value);
    return msg_close(it, &dict, r);
}
