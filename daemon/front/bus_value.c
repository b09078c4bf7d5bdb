/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_value.h"

#include <errno.h>
#include <stdio.h>

#include "dbus/msg.h"

int bus_value_append(DBusMessageIter *it, const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL:
        return msg_append_variant_bool(it, v->b);
    case VALUE_INT:
        return msg_append_variant_int64(it, v->i);
    case VALUE_FLOAT:
        return msg_append_variant_double(it, v->d);
    case VALUE_STRING:
        return msg_append_variant_string(it, v->s);
    case VALUE_NONE:
        break;
    }
    return -EINVAL;
}

int bus_value_append_entry(DBusMessageIter *dict, const char *key, const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL:
        return msg_dict_bool(dict, key, v->b);
    case VALUE_INT:
        return msg_dict_int64(dict, key, v->i);
    case VALUE_FLOAT:
        return msg_dict_double(dict, key, v->d);
    case VALUE_STRING:
        return msg_dict_string(dict, key, v->s);
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
static int to_value(const struct msg_value *in, struct value *ret_value)
{
    switch (in->kind) {
    case MSG_KIND_BOOL:
        *ret_value = (struct value){.kind = VALUE_BOOL, .b = in->b};
        return 0;
    case MSG_KIND_INT:
        *ret_value = (struct value){.kind = VALUE_INT, .i = in->i};
        return 0;
    case MSG_KIND_DOUBLE:
        *ret_value = (struct value){.kind = VALUE_FLOAT, .d = in->d};
        return 0;
    case MSG_KIND_STRING:
        *ret_value = value_of_text(in->s);
        return 0;
    case MSG_KIND_OTHER:
    case MSG_KIND_COUNT_:
        break;
    }
    return -EPROTOTYPE;
}

int bus_value_read(DBusMessageIter *it, const struct thing_define *def, const char *id, bool text,
                   struct value *ret_value, char reterr_detail[BUS_VALUE_DETAIL])
{
    struct msg_value in;
    struct value v;
    int r;

    r = msg_read_value(it, &in);
    if (r == 0)
        r = to_value(&in, &v);
    if (r == 0 && text)
        r = in.kind == MSG_KIND_STRING ? value_from_text(def, in.s, ret_value) : -EPROTOTYPE;
    else if (r == 0)
        r = value_fit(def, &v, ret_value);
    if (r < 0)
        value_explain(def, id, r, reterr_detail, BUS_VALUE_DETAIL);
    return r;
}
