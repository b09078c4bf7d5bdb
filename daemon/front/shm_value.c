/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/shm_value.h"

#include <errno.h>
#include <string.h>

#include "libiotclient/base/utf8.h"

void shm_value_put_content(struct pack_writer *w, const struct value *v)
{
    for (size_t i = 0; i < value_count(v); i++) {
        const struct value_item *item = &v->list->items[i];

        shm_value_put(w, item->key ? item->key : "", &item->value);
    }
}

static void put_items(struct pack_writer *w, const char *key, enum pack_kind kind,
                      const struct value *v)
{
    size_t opened = pack_open(w, key, kind);

    shm_value_put_content(w, v);
    pack_close(w, opened);
}

void shm_value_put(struct pack_writer *w, const char *key, const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL:
        pack_put_bool(w, key, v->b);
        break;
    case VALUE_INT:
        pack_put_int(w, key, v->i);
        break;
    case VALUE_FLOAT:
        pack_put_float(w, key, v->d);
        break;
    case VALUE_STRING:
        pack_put_string(w, key, v->s, strlen(v->s));
        break;
    case VALUE_STRUCT:
        put_items(w, key, PACK_STRUCT, v);
        break;
    case VALUE_ARRAY:
        put_items(w, key, PACK_ARRAY, v);
        break;
    case VALUE_NONE:
        break; /* is left out */
    }
}

void shm_value_put_updates(struct pack_writer *w, const char *key, const struct model *model,
                           const struct prop_update *updates, size_t n)
{
    size_t opened = pack_open(w, key, PACK_STRUCT);

    for (size_t i = 0; i < n; i++)
        shm_value_put(w, model->properties[updates[i].index].id, &updates[i].value);
    pack_close(w, opened);
}

int shm_value_next(struct pack_reader *r, struct pack_item *ret_item)
{
    int e = pack_next(r, ret_item);

    return e > 0 && !utf8_is_valid(ret_item->key, strlen(ret_item->key)) ? -EPROTO : e;
}

/* Kinds of items as kinds of the thing model; texts stay borrowed. */
static struct value to_value(const struct pack_item *item)
{
    switch (item->kind) {
    case PACK_BOOL:
        return (struct value){.kind = VALUE_BOOL, .b = item->b};
    case PACK_INT:
        return (struct value){.kind = VALUE_INT, .i = item->i};
    case PACK_FLOAT:
        return (struct value){.kind = VALUE_FLOAT, .d = item->d};
    case PACK_STRING:
        return value_of_text(item->s.text);
    case PACK_NONE:
    case PACK_STRUCT:
    case PACK_ARRAY:
    case PACK_KIND_COUNT_:
        break;
    }
    return (struct value){.kind = VALUE_NONE};
}

static int read_any(const struct pack_item *item, const struct thing_define *def,
                    struct value *ret_value, struct value_fault *fault);

static int read_parts(struct value_build *b, struct pack_reader items, bool has_keys)
{
    const struct thing_define *part;
    struct pack_item item;
    struct value *slot;
    int r;

    while ((r = shm_value_next(&items, &item)) > 0) {
        r = value_build_slot(b, has_keys ? item.key : NULL, &slot, &part);
        if (r == 0)
            r = value_build_filled(b, read_any(&item, part, slot, b->fault));
        if (r < 0)
            break;
    }
    return r;
}

static int read_items(const struct pack_item *item, const struct thing_define *def,
                      struct value *ret_value, struct value_fault *fault)
{
    bool is_struct = def->type == THING_STRUCT;
    struct pack_reader items;
    struct value_build b;
    struct pack_item one;
    size_t n = 0;
    int r;

    if (item->kind != (is_struct ? PACK_STRUCT : PACK_ARRAY)) {
        value_fault_set(fault, "not of type %s", thing_type_name(def->type));
        return -EPROTOTYPE;
    }
    items = item->items;
    while ((r = pack_next(&items, &one)) > 0)
        n++;
    if (r < 0)
        return r;
    r = value_build_begin(&b, def, n, fault);
    if (r == 0)
        r = read_parts(&b, item->items, is_struct);
    return value_build_end(&b, r, ret_value);
}

/* As deep as the definition: an array of structs of simple types at most. */
static int read_any(const struct pack_item *item, const struct thing_define *def,
                    struct value *ret_value, struct value_fault *fault)
{
    struct value v;

    if (def->type == THING_STRUCT || def->type == THING_ARRAY)
        return read_items(item, def, ret_value, fault);
    v = to_value(item);
    return value_fit(def, &v, ret_value, fault);
}

int shm_value_read(const struct pack_item *item, const struct thing_define *def, const char *id,
                   struct value *ret_value, char reterr_detail[BUS_VALUE_DETAIL])
{
    struct value_fault fault = {.path = "", .text = "no items"};
    int r = read_any(item, def, ret_value, &fault);

    if (r < 0)
        value_explain(&fault, id, r, reterr_detail, BUS_VALUE_DETAIL);
    return r;
}
