/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/value.h>

#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

static bool is_nested(const struct value *v)
{
    return v->kind == VALUE_KIND_STRUCT || v->kind == VALUE_KIND_ARRAY;
}

void value_done(struct value *v)
{
    if (v->kind == VALUE_KIND_STRING)
        free(v->s);
    else if (is_nested(v))
        iotc_value_free(v->n);
    *v = (struct value){.kind = VALUE_KIND_NONE};
}

static int copy_nested(struct iotc_value **ret_value, const struct iotc_value *from)
{
    struct iotc_value *n = NULL;
    int r = from->kind == VALUE_KIND_ARRAY ? iotc_value_new_array(&n) : iotc_value_new_struct(&n);

    if (r >= 0)
        r = value_list_copy(&n->parts, &from->parts);
    if (r < 0) {
        iotc_value_free(n);
        return r;
    }
    *ret_value = n;
    return 0;
}

int value_copy(struct value *ret_value, const struct value *from)
{
    struct value v = *from;
    int r;

    if (from->kind == VALUE_KIND_STRING) {
        v.s = strdup(from->s);
        if (!v.s)
            return -ENOMEM;
    } else if (is_nested(from)) {
        r = copy_nested(&v.n, from->n);
        if (r < 0)
            return r;
    }
    *ret_value = v;
    return 0;
}

static bool equals_nested(const struct iotc_value *a, const struct iotc_value *b)
{
    const struct value *other;

    if (a->parts.n_items != b->parts.n_items)
        return false;
    for (size_t i = 0; i < a->parts.n_items; i++) {
        const struct value_item *item = &a->parts.items[i];

        other = a->kind == VALUE_KIND_ARRAY ? &b->parts.items[i].value
                                            : value_list_get(&b->parts, item->id);
        if (!other || !value_equals(&item->value, other))
            return false;
    }
    return true;
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
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
        return equals_nested(a->n, b->n);
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return true;
}

size_t value_size(const struct value *v)
{
    size_t size = NUM_DOUBLE_TEXT;

    if (v->kind == VALUE_KIND_STRING)
        return size + strlen(v->s);
    for (size_t i = 0; is_nested(v) && i < v->n->parts.n_items; i++) {
        const struct value_item *item = &v->n->parts.items[i];

        size += strlen(item->id) + value_size(&item->value);
    }
    return size;
}

/* Its parts were checked when they were put in. */
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

struct value value_of_nested(const struct iotc_value *n)
{
    union {
        const struct iotc_value *in;
        struct iotc_value *out;
    } u = {.in = n};

    return (struct value){.kind = n ? n->kind : VALUE_KIND_NONE, .n = u.out};
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

/* With id NULL: a new one without. */
static int put(struct value_list *list, const char *id, const struct value *value, size_t max)
{
    struct value_item *item, *items;
    struct value copy;
    int r;

    r = value_check(value);
    if (r < 0)
        return r;
    item = id ? find(list, id) : NULL;
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
        memset(item->id, 0, sizeof(item->id));
        if (id)
            memcpy(item->id, id, strlen(id)); /* checked by the caller: it fits */
    }
    item->value = copy;
    return 0;
}

int value_list_set(struct value_list *list, const char *id, const struct value *value, size_t max)
{
    return name_is_feature_id(id) ? put(list, id, value, max) : -EINVAL;
}

int value_list_add(struct value_list *list, const struct value *value, size_t max)
{
    return put(list, NULL, value, max);
}

int value_list_copy(struct value_list *ret_list, const struct value_list *from)
{
    CLEANUP(value_list_done) struct value_list list = {NULL, 0};
    int r;

    for (size_t i = 0; i < from->n_items; i++) {
        const char *id = from->items[i].id;

        r = put(&list, *id ? id : NULL, &from->items[i].value, from->n_items);
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

int value_list_want_nested(const struct value_list *list, const char *id,
                           const struct value **ret_value)
{
    int r = value_list_want(list, id, VALUE_KIND_STRUCT, ret_value);

    return r == -EPROTOTYPE ? value_list_want(list, id, VALUE_KIND_ARRAY, ret_value) : r;
}
