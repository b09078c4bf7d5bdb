/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values in shared memory: the items of libiotclient/ipc/pack.h. */

#include <errno.h>
#include <string.h>

#include <iotclient/value.h>

#include "libiotclient/ipc/pack.h"
#include "libiotclient/value.h"

/* An array of structs of simple values. */
#define DEPTH_MAX 2

void value_pack_parts(struct pack_writer *w, const struct value_list *parts)
{
    for (size_t i = 0; i < parts->n_items; i++)
        value_pack(w, parts->items[i].id, &parts->items[i].value);
}

void value_pack(struct pack_writer *w, const char *key, const struct value *v)
{
    size_t opened;

    switch (v->kind) {
    case VALUE_KIND_BOOL:
        pack_put_bool(w, key, v->b);
        return;
    case VALUE_KIND_INT:
        pack_put_int(w, key, v->i);
        return;
    case VALUE_KIND_DOUBLE:
        pack_put_float(w, key, v->d);
        return;
    case VALUE_KIND_STRING:
        pack_put_string(w, key, v->s, strlen(v->s));
        return;
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
        opened = pack_open(w, key, v->kind == VALUE_KIND_ARRAY ? PACK_ARRAY : PACK_STRUCT);
        value_pack_parts(w, &v->n->parts);
        pack_close(w, opened);
        return;
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        return;
    }
}

static int unpack_any(const struct pack_item *item, int depth, struct value *ret_value);

static int unpack_nested(struct pack_reader items, enum value_kind kind, int depth,
                         struct value *ret_value)
{
    bool is_struct = kind == VALUE_KIND_STRUCT;
    struct value v = {.kind = kind};
    struct pack_item item;
    int r;

    if (depth >= DEPTH_MAX)
        return -EPROTOTYPE;
    r = is_struct ? iotc_value_new_struct(&v.n) : iotc_value_new_array(&v.n);
    if (r < 0)
        return r;
    while ((r = pack_next(&items, &item)) > 0) {
        struct value part = {.kind = VALUE_KIND_NONE};

        r = unpack_any(&item, depth + 1, &part);
        if (r >= 0)
            r = is_struct ? value_list_set(&v.n->parts, item.key, &part, LIMIT_STRUCT_MEMBERS)
                          : value_list_add(&v.n->parts, &part, LIMIT_ARRAY_ELEMENTS);
        value_done(&part);
        if (r < 0)
            break;
    }
    if (r < 0)
        value_done(&v);
    else
        *ret_value = v;
    return r;
}

static int unpack_any(const struct pack_item *item, int depth, struct value *ret_value)
{
    struct value view = {.kind = VALUE_KIND_NONE};
    int r;

    switch (item->kind) {
    case PACK_BOOL:
        view = value_of_bool(item->b);
        break;
    case PACK_INT:
        view = value_of_int(item->i);
        break;
    case PACK_FLOAT:
        view = value_of_double(item->d);
        break;
    case PACK_STRING:
        view = value_of_string(item->s.text);
        break;
    case PACK_STRUCT:
        return unpack_nested(item->items, VALUE_KIND_STRUCT, depth, ret_value);
    case PACK_ARRAY:
        return unpack_nested(item->items, VALUE_KIND_ARRAY, depth, ret_value);
    case PACK_NONE:
    case PACK_KIND_COUNT_:
        return -EBADMSG;
    }
    r = value_check(&view);
    return r < 0 ? r : value_copy(ret_value, &view);
}

int value_unpack(const struct pack_item *item, struct value *ret_value)
{
    return unpack_any(item, 0, ret_value);
}

int value_unpack_parts(struct pack_reader items, enum value_kind kind, struct value *ret_value)
{
    return unpack_nested(items, kind, 0, ret_value);
}

int value_list_unpack(struct pack_reader items, struct value_list *ret_list, size_t max)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    struct pack_item item;
    int r;

    while ((r = pack_next(&items, &item)) > 0) {
        struct value v = {.kind = VALUE_KIND_NONE};

        r = value_unpack(&item, &v);
        if (r >= 0)
            r = value_list_set(&list, item.key, &v, max);
        value_done(&v);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret_list = list;
    list = (struct value_list){NULL, 0};
    return 0;
}
