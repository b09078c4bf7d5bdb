/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Structs and arrays, as programs see them. */

#include <errno.h>
#include <stdlib.h>

#include <iotclient/value.h>

#include "libiotclient/value.h"

static int new_value(iotc_value **ret_value, enum value_kind kind)
{
    iotc_value *value;

    if (!ret_value)
        return -EINVAL;
    value = calloc(1, sizeof(*value));
    if (!value)
        return -ENOMEM;
    value->kind = kind;
    *ret_value = value;
    return 0;
}

int iotc_value_new_struct(iotc_value **ret_value)
{
    return new_value(ret_value, VALUE_KIND_STRUCT);
}

int iotc_value_new_array(iotc_value **ret_value)
{
    return new_value(ret_value, VALUE_KIND_ARRAY);
}

iotc_value *iotc_value_free(iotc_value *value)
{
    if (!value)
        return NULL;
    value_list_done(&value->parts);
    free(value);
    return NULL;
}

bool iotc_value_is_array(const iotc_value *value)
{
    return value && value->kind == VALUE_KIND_ARRAY;
}

size_t iotc_value_get_count(const iotc_value *value)
{
    return value ? value->parts.n_items : 0;
}

bool iotc_value_has(const iotc_value *value, const char *member)
{
    return value && member && value->kind == VALUE_KIND_STRUCT &&
           value_list_get(&value->parts, member);
}

static int get(const iotc_value *value, const char *member, enum value_kind kind,
               const struct value **ret_part)
{
    if (!value || value->kind != VALUE_KIND_STRUCT)
        return -EINVAL;
    return value_list_want(&value->parts, member, kind, ret_part);
}

int iotc_value_get_bool(const iotc_value *value, const char *member, bool *ret_value)
{
    const struct value *v;
    int r = ret_value ? get(value, member, VALUE_KIND_BOOL, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->b;
    return r;
}

int iotc_value_get_int(const iotc_value *value, const char *member, int64_t *ret_value)
{
    const struct value *v;
    int r = ret_value ? get(value, member, VALUE_KIND_INT, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->i;
    return r;
}

int iotc_value_get_double(const iotc_value *value, const char *member, double *ret_value)
{
    const struct value *v;
    int r = ret_value ? get(value, member, VALUE_KIND_DOUBLE, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->d;
    return r;
}

int iotc_value_get_string(const iotc_value *value, const char *member, const char **ret_value)
{
    const struct value *v;
    int r = ret_value ? get(value, member, VALUE_KIND_STRING, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->s;
    return r;
}

static int set(iotc_value *value, const char *member, struct value v)
{
    if (!value || value->kind != VALUE_KIND_STRUCT)
        return -EINVAL;
    return value_list_set(&value->parts, member, &v, LIMIT_STRUCT_MEMBERS);
}

int iotc_value_set_bool(iotc_value *value, const char *member, bool member_value)
{
    return set(value, member, value_of_bool(member_value));
}

int iotc_value_set_int(iotc_value *value, const char *member, int64_t member_value)
{
    return set(value, member, value_of_int(member_value));
}

int iotc_value_set_double(iotc_value *value, const char *member, double member_value)
{
    return set(value, member, value_of_double(member_value));
}

int iotc_value_set_string(iotc_value *value, const char *member, const char *member_value)
{
    return set(value, member, value_of_string(member_value));
}

static int at(const iotc_value *value, size_t index, enum value_kind kind,
              const struct value **ret_part)
{
    const struct value *v;

    if (!value || value->kind != VALUE_KIND_ARRAY)
        return -EINVAL;
    if (index >= value->parts.n_items)
        return -ENOENT;
    v = &value->parts.items[index].value;
    if (v->kind != kind)
        return -EPROTOTYPE;
    *ret_part = v;
    return 0;
}

int iotc_value_at_int(const iotc_value *value, size_t index, int64_t *ret_value)
{
    const struct value *v;
    int r = ret_value ? at(value, index, VALUE_KIND_INT, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->i;
    return r;
}

int iotc_value_at_double(const iotc_value *value, size_t index, double *ret_value)
{
    const struct value *v;
    int r = ret_value ? at(value, index, VALUE_KIND_DOUBLE, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->d;
    return r;
}

int iotc_value_at_string(const iotc_value *value, size_t index, const char **ret_value)
{
    const struct value *v;
    int r = ret_value ? at(value, index, VALUE_KIND_STRING, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->s;
    return r;
}

int iotc_value_at_value(const iotc_value *value, size_t index, const iotc_value **ret_value)
{
    const struct value *v;
    int r = ret_value ? at(value, index, VALUE_KIND_STRUCT, &v) : -EINVAL;

    if (r >= 0)
        *ret_value = v->n;
    return r;
}

static int add(iotc_value *value, struct value v)
{
    if (!value || value->kind != VALUE_KIND_ARRAY)
        return -EINVAL;
    return value_list_add(&value->parts, &v, LIMIT_ARRAY_ELEMENTS);
}

int iotc_value_add_int(iotc_value *value, int64_t element)
{
    return add(value, value_of_int(element));
}

int iotc_value_add_double(iotc_value *value, double element)
{
    return add(value, value_of_double(element));
}

int iotc_value_add_string(iotc_value *value, const char *element)
{
    return add(value, value_of_string(element));
}

int iotc_value_add_value(iotc_value *value, const iotc_value *element)
{
    if (!element || element->kind != VALUE_KIND_STRUCT)
        return -EINVAL;
    return add(value, value_of_nested(element));
}
