/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as such: types, life, comparison, text. Whether one is allowed: value_fit.c. */

#include "daemon/cloud/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

static const struct {
    const char *name;
    enum value_kind kind;
} types[THING_TYPE_COUNT_] = {
    [THING_BOOL] = {"bool", VALUE_BOOL},          [THING_INT] = {"int", VALUE_INT},
    [THING_FLOAT] = {"float", VALUE_FLOAT},       [THING_STRING] = {"string", VALUE_STRING},
    [THING_ENUM] = {"enum", VALUE_INT},           [THING_STRINGENUM] = {"stringenum", VALUE_STRING},
    [THING_TIMESTAMP] = {"timestamp", VALUE_INT}, [THING_STRUCT] = {"struct", VALUE_STRUCT},
    [THING_ARRAY] = {"array", VALUE_ARRAY},
};

const char *thing_type_name(enum thing_type type)
{
    return types[type].name;
}

enum value_kind thing_type_kind(enum thing_type type)
{
    return types[type].kind;
}

int thing_type_parse(const char *name, enum thing_type *ret_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            *ret_type = (enum thing_type) i;
            return 0;
        }
    }
    return -EINVAL;
}

/* The model has no struct in a struct and no array in an array: three levels at most. */
void thing_define_done(struct thing_define *def)
{
    if (def->type == THING_ENUM)
        free(def->e.keys);
    for (size_t i = 0; def->type == THING_STRINGENUM && i < def->se.n_keys; i++)
        free(def->se.keys[i]);
    if (def->type == THING_STRINGENUM)
        free(def->se.keys);
    for (size_t i = 0; def->type == THING_STRUCT && i < def->st.n_members; i++) {
        free(def->st.members[i].id);
        thing_define_done(&def->st.members[i].define);
    }
    if (def->type == THING_STRUCT)
        free(def->st.members);
    if (def->type == THING_ARRAY && def->a.element) {
        thing_define_done(def->a.element);
        free(def->a.element);
    }
    *def = (struct thing_define){0};
}

static bool is_nested(const struct value *v)
{
    return v->kind == VALUE_STRUCT || v->kind == VALUE_ARRAY;
}

void value_done(struct value *v)
{
    if (v->kind == VALUE_STRING)
        free(v->s);
    if (is_nested(v)) {
        for (size_t i = 0; i < value_count(v); i++) {
            free(v->list->items[i].key);
            value_done(&v->list->items[i].value);
        }
        free(v->list);
    }
    *v = (struct value){0};
}

static int copy_item(struct value_item *to, const struct value_item *from)
{
    if (from->key) {
        to->key = strdup(from->key);
        if (!to->key)
            return -ENOMEM;
    }
    return value_copy(&to->value, &from->value);
}

static int copy_list(struct value *to, const struct value *from)
{
    struct value v = {.kind = from->kind};
    size_t n = value_count(from);

    if (n > 0) {
        v.list = calloc(1, sizeof(*v.list) + n * sizeof(v.list->items[0]));
        if (!v.list)
            return -ENOMEM;
        v.list->n = n;
    }
    for (size_t i = 0; i < n; i++) {
        if (copy_item(&v.list->items[i], &from->list->items[i]) < 0) {
            value_done(&v);
            return -ENOMEM;
        }
    }
    *to = v;
    return 0;
}

int value_copy(struct value *to, const struct value *from)
{
    struct value v = *from;

    if (is_nested(from))
        return copy_list(to, from);
    if (from->kind == VALUE_STRING) {
        v.s = strdup(from->s);
        if (!v.s)
            return -ENOMEM;
    }
    *to = v;
    return 0;
}

static bool list_equal(const struct value *a, const struct value *b)
{
    if (value_count(a) != value_count(b))
        return false;
    for (size_t i = 0; i < value_count(a); i++) {
        const struct value_item *x = &a->list->items[i], *y = &b->list->items[i];

        if (x->key && strcmp(x->key, y->key) != 0)
            return false;
        if (!value_equal(&x->value, &y->value))
            return false;
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case VALUE_NONE:
        return true;
    case VALUE_BOOL:
        return a->b == b->b;
    case VALUE_INT:
        return a->i == b->i;
    case VALUE_FLOAT:
        return memcmp(&a->d, &b->d, sizeof(a->d)) == 0;
    case VALUE_STRING:
        return strcmp(a->s, b->s) == 0;
    case VALUE_STRUCT:
    case VALUE_ARRAY:
        return list_equal(a, b);
    }
    return false;
}

static const struct value_item *find_item(const struct value *v, const char *key)
{
    for (size_t i = 0; v->kind == VALUE_STRUCT && i < value_count(v); i++) {
        if (strcmp(v->list->items[i].key, key) == 0)
            return &v->list->items[i];
    }
    return NULL;
}

bool value_covers(const struct value *whole, const struct value *part)
{
    if (whole->kind != VALUE_STRUCT || part->kind != VALUE_STRUCT)
        return value_equal(whole, part);
    for (size_t i = 0; i < value_count(part); i++) {
        const struct value_item *want = &part->list->items[i];
        const struct value_item *have = find_item(whole, want->key);

        if (!have || !value_equal(&have->value, &want->value))
            return false;
    }
    return true;
}

int value_merge(const struct thing_define *def, const struct value *base, const struct value *part,
                struct value *ret_value)
{
    struct value v = {.kind = VALUE_STRUCT};
    size_t n = 0;

    if (def->type != THING_STRUCT || part->kind != VALUE_STRUCT || base->kind != VALUE_STRUCT)
        return value_copy(ret_value, part);
    v.list = calloc(1, sizeof(*v.list) + def->st.n_members * sizeof(v.list->items[0]));
    if (!v.list)
        return -ENOMEM;
    for (size_t i = 0; i < def->st.n_members; i++) {
        const struct value_item *item = find_item(part, def->st.members[i].id);

        if (!item)
            item = find_item(base, def->st.members[i].id);
        if (!item)
            continue;
        v.list->n = ++n;
        if (copy_item(&v.list->items[n - 1], item) < 0) {
            value_done(&v);
            return -ENOMEM;
        }
    }
    *ret_value = v;
    return 0;
}

static void list_to_json(struct strbuf *sb, const struct value *v)
{
    bool is_struct = v->kind == VALUE_STRUCT;

    strbuf_addc(sb, is_struct ? '{' : '[');
    for (size_t i = 0; i < value_count(v); i++) {
        if (i > 0)
            strbuf_addc(sb, ',');
        if (is_struct)
            strbuf_addf(sb, "\"%s\":", v->list->items[i].key);
        value_to_json(sb, &v->list->items[i].value);
    }
    strbuf_addc(sb, is_struct ? '}' : ']');
}

void value_to_json(struct strbuf *sb, const struct value *v)
{
    char number[NUM_DOUBLE_TEXT];

    switch (v->kind) {
    case VALUE_NONE:
        strbuf_adds(sb, "null");
        break;
    case VALUE_BOOL:
        strbuf_addc(sb, v->b ? '1' : '0');
        break;
    case VALUE_INT:
        strbuf_addf(sb, "%lld", (long long) v->i);
        break;
    case VALUE_FLOAT:
        num_format_double(number, v->d);
        strbuf_adds(sb, number);
        break;
    case VALUE_STRING:
        strbuf_add_json(sb, v->s);
        break;
    case VALUE_STRUCT:
    case VALUE_ARRAY:
        list_to_json(sb, v);
        break;
    }
}

size_t value_json_room(const struct value *v)
{
    struct strbuf sb;
    size_t len;

    if (v->kind == VALUE_STRING) /* each byte may become six */
        return 6 * strlen(v->s) + 2;
    if (!is_nested(v))
        return NUM_DOUBLE_TEXT;
    strbuf_init(&sb, LIMIT_VALUE_TEXT); /* a build has checked that it fits */
    value_to_json(&sb, v);
    len = sb.error ? LIMIT_VALUE_TEXT : sb.len;
    strbuf_done(&sb);
    return len;
}
