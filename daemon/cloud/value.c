/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/num.h"
#include "libiotclient/base/utf8.h"

static const struct {
    const char *name;
    enum value_kind kind;
} types[THING_TYPE_COUNT_] = {
    [THING_BOOL] = {"bool", VALUE_BOOL},    [THING_INT] = {"int", VALUE_INT},
    [THING_FLOAT] = {"float", VALUE_FLOAT}, [THING_STRING] = {"string", VALUE_STRING},
    [THING_ENUM] = {"enum", VALUE_INT},     [THING_TIMESTAMP] = {"timestamp", VALUE_INT},
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

void thing_define_done(struct thing_define *def)
{
    if (def->type == THING_ENUM)
        free(def->e.keys);
    *def = (struct thing_define){0};
}

void value_done(struct value *v)
{
    if (v->kind == VALUE_STRING)
        free(v->s);
    *v = (struct value){0};
}

int value_copy(struct value *to, const struct value *from)
{
    struct value v = *from;

    if (from->kind == VALUE_STRING) {
        v.s = strdup(from->s);
        if (!v.s)
            return -ENOMEM;
    }
    *to = v;
    return 0;
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
    }
    return false;
}

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

int value_fit(const struct thing_define *def, const struct value *in, struct value *ret_value)
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
    case THING_TYPE_COUNT_:
        break;
    }
    if (r < 0)
        return r;
    *ret_value = out;
    return 0;
}

int value_from_json(const struct thing_define *def, const json_t *json, struct value *ret_value)
{
    struct value in = {0};

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
        if (strlen(json_string_value(json)) != json_string_length(json))
            return -EPROTOTYPE;
        in = value_of_text(json_string_value(json));
        break;
    case JSON_OBJECT:
    case JSON_ARRAY:
    case JSON_NULL:
        return -EPROTOTYPE;
    }
    return value_fit(def, &in, ret_value);
}

int value_from_json_text(const struct thing_define *def, const char *text, struct value *ret_value)
{
    CLEANUP(jx_decrefp) json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    return json ? value_from_json(def, json, ret_value) : -EPROTOTYPE;
}

int value_from_text(const struct thing_define *def, const char *text, struct value *ret_value)
{
    static const struct {
        const char *text;
        bool value;
    } bools[] = {{"true", true}, {"false", false}, {"on", true}, {"off", false}};
    struct value in = {0};
    int r;

    if (def->type == THING_STRING) {
        in = value_of_text(text);
        return value_fit(def, &in, ret_value);
    }
    for (size_t i = 0; def->type == THING_BOOL && i < ARRAY_SIZE(bools); i++) {
        if (strcmp(bools[i].text, text) == 0) {
            *ret_value = (struct value){.kind = VALUE_BOOL, .b = bools[i].value};
            return 0;
        }
    }
    in.kind = VALUE_INT;
    r = num_parse_i64(text, &in.i);
    if (r < 0) {
        in.kind = VALUE_FLOAT;
        r = num_parse_double(text, &in.d);
    }
    if (r < 0)
        return r == -EINVAL ? -EPROTOTYPE : r;
    return value_fit(def, &in, ret_value);
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
    }
}

static void explain_range(const struct thing_define *def, char *buf, size_t len)
{
    char min[NUM_DOUBLE_TEXT], max[NUM_DOUBLE_TEXT];

    switch (def->type) {
    case THING_INT:
        (void) snprintf(buf, len, "not within %lld to %lld", (long long) def->i.min,
                        (long long) def->i.max);
        break;
    case THING_FLOAT:
        num_format_double(min, def->f.min);
        num_format_double(max, def->f.max);
        (void) snprintf(buf, len, "not within %s to %s", min, max);
        break;
    case THING_STRING:
        (void) snprintf(buf, len, "not %zu to %zu bytes long", def->s.min, def->s.max);
        break;
    case THING_BOOL:
        (void) snprintf(buf, len, "neither 0 nor 1");
        break;
    case THING_ENUM:
    case THING_TIMESTAMP:
    case THING_TYPE_COUNT_:
        (void) snprintf(buf, len, "not a value of this %s", thing_type_name(def->type));
        break;
    }
}

void value_explain(const struct thing_define *def, const char *id, int error, char *buf, size_t len)
{
    char range[96];

    if (error == -ERANGE) {
        explain_range(def, range, sizeof(range));
        (void) snprintf(buf, len, "%s: %s", id, range);
    } else if (error == -EPROTOTYPE) {
        (void) snprintf(buf, len, "%s: not of type %s", id, thing_type_name(def->type));
    } else {
        (void) snprintf(buf, len, "%s: %s", id, strerror(-error));
    }
}
