/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a definition makes of a value: canonical, or what is wrong with it. */

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/value.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

/* --- what is wrong --- */

void value_fault_set(struct value_fault *fault, const char *fmt, ...)
{
    va_list ap;

    if (!fault)
        return;
    fault->path[0] = '\0';
    va_start(ap, fmt);
    (void) vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
    va_end(ap);
}

/* The fault of a part becomes one of the whole. */
PRINTF_LIKE(2, 3)
static void fault_within(struct value_fault *fault, const char *fmt, ...)
{
    char step[LIMIT_FEATURE_ID + 8], path[sizeof(fault->path)];
    va_list ap;

    if (!fault)
        return;
    va_start(ap, fmt);
    (void) vsnprintf(step, sizeof(step), fmt, ap);
    va_end(ap);
    (void) snprintf(path, sizeof(path), "%s%.54s", step, fault->path);
    memcpy(fault->path, path, sizeof(path));
}

static void fault_range(const struct thing_define *def, struct value_fault *fault)
{
    char min[NUM_DOUBLE_TEXT], max[NUM_DOUBLE_TEXT];

    switch (def->type) {
    case THING_INT:
        value_fault_set(fault, "not within %lld to %lld", (long long) def->i.min,
                        (long long) def->i.max);
        break;
    case THING_FLOAT:
        num_format_double(min, def->f.min);
        num_format_double(max, def->f.max);
        value_fault_set(fault, "not within %s to %s", min, max);
        break;
    case THING_STRING:
        value_fault_set(fault, "not %zu to %zu bytes long", def->s.min, def->s.max);
        break;
    case THING_BOOL:
        value_fault_set(fault, "neither 0 nor 1");
        break;
    case THING_ARRAY:
        value_fault_set(fault, "more than %d elements", LIMIT_ARRAY_ELEMENTS);
        break;
    case THING_ENUM:
    case THING_STRINGENUM:
    case THING_TIMESTAMP:
    case THING_STRUCT:
    case THING_TYPE_COUNT_:
        value_fault_set(fault, "not a value of this %s", thing_type_name(def->type));
        break;
    }
}

/* Returns error. */
static int fault_of(const struct thing_define *def, int error, struct value_fault *fault)
{
    if (error == -ERANGE)
        fault_range(def, fault);
    else if (error == -EPROTOTYPE)
        value_fault_set(fault, "not of type %s", thing_type_name(def->type));
    else if (error == -EMSGSIZE)
        value_fault_set(fault, "more than %d bytes as text", LIMIT_VALUE_TEXT);
    else
        value_fault_set(fault, "%s", strerror(-error));
    return error;
}

void value_explain(const struct value_fault *fault, const char *id, int error, char *buf,
                   size_t len)
{
    if (error == -ENOMEM)
        (void) snprintf(buf, len, "%s: %s", id, strerror(ENOMEM));
    else
        (void) snprintf(buf, len, "%s%s: %s", id, fault->path, fault->text);
}

/* --- one value --- */

/* 2^63 as a double: whole doubles below it in size fit int64_t. */
#define INT64_LIMIT 9223372036854775808.0

static int to_int(const struct value *in, int64_t *ret_value)
{
    if (in->kind == VALUE_INT) {
        *ret_value = in->i;
        return 0;
    }
    if (in->kind != VALUE_FLOAT || !isfinite(in->d) || trunc(in->d) != in->d)
        return -EPROTOTYPE;
    if (in->d >= INT64_LIMIT || in->d < -INT64_LIMIT)
        return -ERANGE;
    *ret_value = (int64_t) in->d;
    return 0;
}

static int fit_bool(const struct value *in, struct value *out)
{
    int64_t i;
    int r;

    if (in->kind == VALUE_BOOL) {
        out->b = in->b;
        return 0;
    }
    r = to_int(in, &i);
    if (r < 0)
        return r;
    if (i != 0 && i != 1)
        return -ERANGE;
    out->b = i != 0;
    return 0;
}

static int fit_int(const struct thing_define *def, const struct value *in, struct value *out)
{
    int r = to_int(in, &out->i);

    if (r < 0)
        return r;
    if (def->type == THING_TIMESTAMP)
        return out->i < 0 ? -ERANGE : 0;
    return out->i < def->i.min || out->i > def->i.max ? -ERANGE : 0;
}

static int fit_enum(const struct thing_define *def, const struct value *in, struct value *out)
{
    int r = to_int(in, &out->i);

    if (r < 0)
        return r;
    for (size_t k = 0; k < def->e.n_keys; k++) {
        if (def->e.keys[k] == out->i)
            return 0;
    }
    return -ERANGE;
}

static int fit_float(const struct thing_define *def, const struct value *in, struct value *out)
{
    if (in->kind == VALUE_INT)
        out->d = (double) in->i;
    else if (in->kind == VALUE_FLOAT)
        out->d = in->d;
    else
        return -EPROTOTYPE;
    if (!isfinite(out->d)) /* JSON has no spelling for them */
        return -ERANGE;
    if (out->d == 0) /* -0 travels as an integer, which has no sign */
        out->d = 0;
    return out->d < def->f.min || out->d > def->f.max ? -ERANGE : 0;
}

static int fit_string(const struct thing_define *def, const struct value *in, struct value *out)
{
    size_t len;

    if (in->kind != VALUE_STRING)
        return -EPROTOTYPE;
    len = strlen(in->s);
    if (len < def->s.min || len > def->s.max)
        return -ERANGE;
    if (!utf8_is_valid(in->s, len))
        return -EPROTOTYPE;
    out->s = strdup(in->s);
    return out->s ? 0 : -ENOMEM;
}

static int fit_stringenum(const struct thing_define *def, const struct value *in, struct value *out)
{
    if (in->kind != VALUE_STRING)
        return -EPROTOTYPE;
    for (size_t k = 0; k < def->se.n_keys; k++) {
        if (strcmp(def->se.keys[k], in->s) == 0) {
            out->s = strdup(in->s);
            return out->s ? 0 : -ENOMEM;
        }
    }
    return -ERANGE;
}

int value_fit(const struct thing_define *def, const struct value *in, struct value *ret_value,
              struct value_fault *reterr_fault)
{
    struct value out = {.kind = thing_type_kind(def->type)};
    int r = -EPROTOTYPE;

    switch (def->type) {
    case THING_BOOL:
        r = fit_bool(in, &out);
        break;
    case THING_INT:
    case THING_TIMESTAMP:
        r = fit_int(def, in, &out);
        break;
    case THING_ENUM:
        r = fit_enum(def, in, &out);
        break;
    case THING_FLOAT:
        r = fit_float(def, in, &out);
        break;
    case THING_STRING:
        r = fit_string(def, in, &out);
        break;
    case THING_STRINGENUM:
        r = fit_stringenum(def, in, &out);
        break;
    case THING_STRUCT:
    case THING_ARRAY:
    case THING_TYPE_COUNT_:
        break;
    }
    if (r < 0)
        return fault_of(def, r, reterr_fault);
    *ret_value = out;
    return 0;
}

/* --- structs and arrays --- */

int value_build_begin(struct value_build *b, const struct thing_define *def, size_t n,
                      struct value_fault *reterr_fault)
{
    *b = (struct value_build){
        .def = def,
        .fault = reterr_fault,
        .value.kind = thing_type_kind(def->type),
    };
    if (def->type == THING_STRUCT)
        n = def->st.n_members;
    else if (n > LIMIT_ARRAY_ELEMENTS)
        return fault_of(def, -ERANGE, reterr_fault);
    if (n == 0)
        return 0;
    b->value.list = calloc(1, sizeof(*b->value.list) + n * sizeof(b->value.list->items[0]));
    if (!b->value.list)
        return fault_of(def, -ENOMEM, reterr_fault);
    b->value.list->n = n;
    return 0;
}

static int member_slot(struct value_build *b, const char *key, struct value_item **ret_item,
                       const struct thing_define **ret_define)
{
    for (size_t i = 0; i < b->def->st.n_members; i++) {
        struct value_item *item = &b->value.list->items[i];

        if (strcmp(b->def->st.members[i].id, key) != 0)
            continue;
        if (item->key) {
            value_fault_set(b->fault, "has %s twice", key);
            return -EPROTOTYPE;
        }
        item->key = strdup(key);
        if (!item->key)
            return fault_of(b->def, -ENOMEM, b->fault);
        *ret_item = item;
        *ret_define = &b->def->st.members[i].define;
        return 0;
    }
    value_fault_set(b->fault, "has no member %.40s", key);
    return -EPROTOTYPE;
}

int value_build_slot(struct value_build *b, const char *key, struct value **ret_slot,
                     const struct thing_define **ret_define)
{
    struct value_item *item;
    int r;

    if (b->def->type == THING_STRUCT) {
        if (!key)
            return fault_of(b->def, -EPROTOTYPE, b->fault);
        r = member_slot(b, key, &item, ret_define);
        if (r < 0)
            return r;
    } else {
        if (key || b->n_filled == value_count(&b->value))
            return fault_of(b->def, -EPROTOTYPE, b->fault);
        item = &b->value.list->items[b->n_filled++];
        *ret_define = b->def->a.element;
    }
    b->slot = &item->value;
    *ret_slot = b->slot;
    return 0;
}

/* What the text of a value has at least; cheap, so that growth ends early. */
static size_t least_of(const struct value *v)
{
    size_t n = 1;

    if (v->kind == VALUE_STRING)
        return strlen(v->s) + 2;
    if (v->kind != VALUE_STRUCT)
        return n;
    for (size_t i = 0; i < value_count(v); i++)
        n += strlen(v->list->items[i].key) + 3 + least_of(&v->list->items[i].value);
    return n;
}

int value_build_filled(struct value_build *b, int result)
{
    const struct value_item *item = CONTAINER_OF(b->slot, struct value_item, value);

    if (result < 0) {
        if (item->key)
            fault_within(b->fault, ".%s", item->key);
        else
            fault_within(b->fault, "[%zu]", b->n_filled - 1);
        return result;
    }
    b->least += least_of(b->slot) + 1;
    return b->least > LIMIT_VALUE_TEXT ? fault_of(b->def, -EMSGSIZE, b->fault) : 0;
}

/* Members that were not given go. */
static void squeeze(struct value_list *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct value_item item = list->items[i];

        if (item.value.kind == VALUE_NONE) {
            free(item.key);
            continue;
        }
        list->items[n++] = item;
    }
    list->n = n;
}

static int check_text_size(const struct value *v)
{
    struct strbuf sb;
    int r;

    strbuf_init(&sb, LIMIT_VALUE_TEXT);
    value_to_json(&sb, v);
    r = sb.error;
    strbuf_done(&sb);
    return r;
}

int value_build_end(struct value_build *b, int result, struct value *ret_value)
{
    int r = result;

    if (b->value.list)
        squeeze(b->value.list);
    if (r == 0) {
        r = check_text_size(&b->value);
        if (r < 0)
            (void) fault_of(b->def, r, b->fault);
    }
    if (r < 0)
        value_done(&b->value);
    else
        *ret_value = b->value;
    return r;
}

/* --- from JSON and text --- */

static int build_from_json(const struct thing_define *def, const json_t *json,
                           struct value *ret_value, struct value_fault *reterr_fault)
{
    bool is_struct = def->type == THING_STRUCT;
    json_t *in = (json_t *) (uintptr_t) json; /* iterated only */
    void *at = is_struct ? json_object_iter(in) : NULL;
    const struct thing_define *part;
    struct value_build b;
    struct value *slot;
    int r;

    if (is_struct ? !json_is_object(json) : !json_is_array(json))
        return fault_of(def, -EPROTOTYPE, reterr_fault);
    r = value_build_begin(&b, def, json_array_size(json), reterr_fault);
    for (; r == 0 && at; at = json_object_iter_next(in, at)) {
        r = value_build_slot(&b, json_object_iter_key(at), &slot, &part);
        if (r == 0)
            r = value_build_filled(
                &b, value_from_json(part, json_object_iter_value(at), slot, reterr_fault));
    }
    for (size_t i = 0; r == 0 && i < json_array_size(json); i++) {
        r = value_build_slot(&b, NULL, &slot, &part);
        if (r == 0)
            r = value_build_filled(
                &b, value_from_json(part, json_array_get(json, i), slot, reterr_fault));
    }
    return value_build_end(&b, r, ret_value);
}

int value_from_json(const struct thing_define *def, const json_t *json, struct value *ret_value,
                    struct value_fault *reterr_fault)
{
    struct value in = {0};

    if (def->type == THING_STRUCT || def->type == THING_ARRAY)
        return build_from_json(def, json, ret_value, reterr_fault);
    switch (json_typeof(json)) {
    case JSON_TRUE:
    case JSON_FALSE:
        in = (struct value){.kind = VALUE_BOOL, .b = json_is_true(json)};
        break;
    case JSON_INTEGER:
        in = (struct value){.kind = VALUE_INT, .i = json_integer_value(json)};
        break;
    case JSON_REAL:
        in = (struct value){.kind = VALUE_FLOAT, .d = json_real_value(json)};
        break;
    case JSON_STRING:
        if (strlen(json_string_value(json)) == json_string_length(json))
            in = value_of_text(json_string_value(json));
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_NULL:
        break;
    }
    return value_fit(def, &in, ret_value, reterr_fault);
}

int value_from_json_text(const struct thing_define *def, const char *text, struct value *ret_value,
                         struct value_fault *reterr_fault)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    int r = jx_parse_any(text, strlen(text), &json);

    if (r < 0)
        return fault_of(def, r == -EBADMSG ? -EPROTOTYPE : r, reterr_fault);
    return value_from_json(def, json, ret_value, reterr_fault);
}

static int number_from_text(const char *text, struct value *ret_value)
{
    int r;

    ret_value->kind = VALUE_INT;
    r = num_parse_i64(text, &ret_value->i);
    if (r < 0) {
        ret_value->kind = VALUE_FLOAT;
        r = num_parse_double(text, &ret_value->d);
    }
    return r == -EINVAL ? -EPROTOTYPE : r;
}

int value_from_text(const struct thing_define *def, const char *text, struct value *ret_value,
                    struct value_fault *reterr_fault)
{
    static const struct {
        const char *text;
        bool value;
    } bools[] = {{"true", true}, {"false", false}, {"on", true}, {"off", false}};
    struct value in = {0};
    int r;

    if (def->type == THING_STRUCT || def->type == THING_ARRAY)
        return value_from_json_text(def, text, ret_value, reterr_fault);
    if (thing_type_kind(def->type) == VALUE_STRING) {
        in = value_of_text(text);
        return value_fit(def, &in, ret_value, reterr_fault);
    }
    for (size_t i = 0; def->type == THING_BOOL && i < ARRAY_SIZE(bools); i++) {
        if (strcmp(bools[i].text, text) == 0) {
            *ret_value = (struct value){.kind = VALUE_BOOL, .b = bools[i].value};
            return 0;
        }
    }
    r = number_from_text(text, &in);
    if (r < 0)
        return fault_of(def, r, reterr_fault);
    return value_fit(def, &in, ret_value, reterr_fault);
}
