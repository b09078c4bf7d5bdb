/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"

void value_done(struct value *v)
{
    if (v->kind == VALUE_KIND_STRING)
        free(v->s);
    *v = (struct value){.kind = VALUE_KIND_NONE};
}

int value_copy(struct value *ret_value, const struct value *from)
{
    struct value v = *from;

    if (from->kind == VALUE_KIND_STRING) {
        v.s = strdup(from->s);
        if (!v.s)
            return -ENOMEM;
    }
    *ret_value = v;
    return 0;
}

bool value_equals(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_KIND_BOOL:
        return a->b == b->b;
    case VALUE_KIND_INT:
        return a->i == b->i;
    case VALUE_KIND_DOUBLE:
        return memcmp(&a->d, &b->d, sizeof(a->d)) == 0;
    case VALUE_KIND_STRING:
        return strcmp(a->s, b->s) == 0;
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return true;
}

int value_check(const struct value *v)
{
    size_t len;

    if (v->kind == VALUE_KIND_DOUBLE && !isfinite(v->d))
        return -ERANGE;
    if (v->kind != VALUE_KIND_STRING)
        return 0;
    if (!v->s)
        return -EINVAL;
    len = strnlen(v->s, LIMIT_STRING_VALUE + 1);
    if (len > LIMIT_STRING_VALUE)
        return -EMSGSIZE;
    return utf8_is_valid(v->s, len) ? 0 : -EINVAL;
}

struct value value_of_bool(bool b)
{
    return (struct value){.kind = VALUE_KIND_BOOL, .b = b};
}

struct value value_of_int(int64_t i)
{
    return (struct value){.kind = VALUE_KIND_INT, .i = i};
}

struct value value_of_double(double d)
{
    return (struct value){.kind = VALUE_KIND_DOUBLE, .d = d};
}

struct value value_of_string(const char *s)
{
    /* The const comes back with value_copy(): a view is never freed. */
    union {
        const char *in;
        char *out;
    } u = {.in = s};

    return (struct value){.kind = VALUE_KIND_STRING, .s = u.out};
}

void value_list_done(struct value_list *list)
{
    for (size_t i = 0; i < list->n_items; i++)
        value_done(&list->items[i].value);
    free(list->items);
    *list = (struct value_list){NULL, 0};
}

static struct value_item *find(const struct value_list *list, const char *id)
{
    for (size_t i = 0; i < list->n_items; i++) {
        if (strcmp(list->items[i].id, id) == 0)
            return &list->items[i];
    }
    return NULL;
}

const struct value *value_list_get(const struct value_list *list, const char *id)
{
    struct value_item *item = find(list, id);

    return item ? &item->value : NULL;
}

int value_list_set(struct value_list *list, const char *id, const struct value *value, size_t max)
{
    struct value_item *item, *items;
    struct value copy;
    int r;

    if (!name_is_feature_id(id))
        return -EINVAL;
    r = value_check(value);
    if (r < 0)
        return r;
    item = find(list, id);
    if (!item && list->n_items >= max)
        return -EMSGSIZE;
    r = value_copy(&copy, value);
    if (r < 0)
        return r;

    if (item) {
        value_done(&item->value);
    } else {
        items = reallocarray(list->items, list->n_items + 1, sizeof(*items));
        if (!items) {
            value_done(&copy);
            return -ENOMEM;
        }
        list->items = items;
        item = &items[list->n_items++];
        memcpy(item->id, id, strlen(id) + 1); /* checked above: it fits */
    }
    item->value = copy;
    return 0;
}

int value_list_copy(struct value_list *ret_list, const struct value_list *from)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    int r;

    for (size_t i = 0; i < from->n_items; i++) {
        r = value_list_set(&list, from->items[i].id, &from->items[i].value, from->n_items);
        if (r < 0)
            return r;
    }
    *ret_list = list;
    list = (struct value_list){NULL, 0};
    return 0;
}

int value_list_want(const struct value_list *list, const char *id, enum value_kind kind,
                    const struct value **ret_value)
{
    const struct value *v;

    if (!id)
        return -EINVAL;
    v = value_list_get(list, id);
    if (!v)
        return -ENOENT;
    if (v->kind != kind)
        return -EPROTOTYPE;
    *ret_value = v;
    return 0;
}

int value_read(DBusMessageIter *it, struct value *ret_value)
{
    struct msg_value mv;
    struct value view = {.kind = VALUE_KIND_NONE};
    int r;

    r = msg_read_value(it, &mv);
    if (r < 0)
        return r;
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

int value_append_entry(DBusMessageIter *dict, const char *id, const struct value *v)
{
    switch (v->kind) {
    case VALUE_KIND_BOOL:
        return msg_dict_bool(dict, id, v->b);
    case VALUE_KIND_INT:
        return msg_dict_int64(dict, id, v->i);
    case VALUE_KIND_DOUBLE:
        return msg_dict_double(dict, id, v->d);
    case VALUE_KIND_STRING:
        return msg_dict_string(dict, id, v->s);
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
