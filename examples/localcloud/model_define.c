/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console's layouts of definitions: "define", "dataType" of a struct, "arrayInfo". */

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/model_parse.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

#define NUMBER_TEXT (NUM_DOUBLE_TEXT + 16)
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static const char *const type_names[MODEL_TYPE_COUNT_] = {
    [MODEL_TYPE_BOOL] = "bool",           [MODEL_TYPE_INT] = "int",
    [MODEL_TYPE_FLOAT] = "float",         [MODEL_TYPE_STRING] = "string",
    [MODEL_TYPE_ENUM] = "enum",           [MODEL_TYPE_STRINGENUM] = "stringenum",
    [MODEL_TYPE_TIMESTAMP] = "timestamp", [MODEL_TYPE_STRUCT] = "struct",
    [MODEL_TYPE_ARRAY] = "array",
};

/* Limits are strings in the console's files; numbers are taken as well. 1: missing */
static int get_number_text(const struct model_at *at, const json_t *v, char buf[NUMBER_TEXT])
{
    if (!v)
        return 1;
    if (json_is_string(v) && json_string_length(v) < NUMBER_TEXT) {
        memcpy(buf, json_string_value(v), json_string_length(v) + 1);
        return 0;
    }
    if (json_is_integer(v)) {
        (void) snprintf(buf, NUMBER_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return 0;
    }
    if (json_is_real(v)) {
        num_format_double(buf, json_real_value(v));
        return 0;
    }
    return model_at_fail(at, "must be a number, in a string");
}

/* Missing keeps *number. */
static int parse_int(const struct model_at *at, const json_t *define, const char *key,
                     int64_t *number)
{
    struct model_at sub = model_at_below(at, key);
    char text[NUMBER_TEXT];
    double d;
    int e;

    e = get_number_text(&sub, json_object_get(define, key), text);
    if (e != 0)
        return e < 0 ? e : 0;
    if (num_parse_i64(text, number) == 0)
        return 0;
    /* "10.0" is seen for integers */
    if (num_parse_double(text, &d) < 0 || d < -WHOLE_MAX || d > WHOLE_MAX ||
        (double) (int64_t) d != d)
        return model_at_fail(&sub, "\"%s\" is not an integer", text);
    *number = (int64_t) d;
    return 0;
}

static int parse_float(const struct model_at *at, const json_t *define, const char *key,
                       double *number)
{
    struct model_at sub = model_at_below(at, key);
    char text[NUMBER_TEXT];
    int e;

    e = get_number_text(&sub, json_object_get(define, key), text);
    if (e != 0)
        return e < 0 ? e : 0;
    if (num_parse_double(text, number) < 0)
        return model_at_fail(&sub, "\"%s\" is not a number", text);
    return 0;
}

static int parse_int_range(const struct model_at *at, const json_t *define, struct model_define *d)
{
    int64_t start, step = 0;
    int e;

    d->int_min = INT64_MIN;
    d->int_max = INT64_MAX;
    e = parse_int(at, define, "min", &d->int_min);
    if (e == 0)
        e = parse_int(at, define, "max", &d->int_max);
    if (e == 0 && d->int_min > d->int_max)
        e = model_at_fail(at, "min is above max");
    start = d->int_min;
    if (e == 0)
        e = parse_int(at, define, "start", &start);
    if (e == 0 && (start < d->int_min || start > d->int_max))
        e = model_at_fail(at, "start is not in min..max");
    if (e == 0)
        e = parse_int(at, define, "step", &step);
    return e == 0 && step < 0 ? model_at_fail(at, "step is negative") : e;
}

static int parse_float_range(const struct model_at *at, const json_t *define,
                             struct model_define *d)
{
    double start, step = 0;
    int e;

    d->float_min = -DBL_MAX;
    d->float_max = DBL_MAX;
    e = parse_float(at, define, "min", &d->float_min);
    if (e == 0)
        e = parse_float(at, define, "max", &d->float_max);
    if (e == 0 && d->float_min > d->float_max)
        e = model_at_fail(at, "min is above max");
    start = d->float_min;
    if (e == 0)
        e = parse_float(at, define, "start", &start);
    if (e == 0 && (start < d->float_min || start > d->float_max))
        e = model_at_fail(at, "start is not in min..max");
    if (e == 0)
        e = parse_float(at, define, "step", &step);
    return e == 0 && step < 0 ? model_at_fail(at, "step is negative") : e;
}

static int parse_length(const struct model_at *at, const json_t *define, struct model_define *d)
{
    int e;

    d->int_max = LIMIT_STRING_VALUE;
    e = parse_int(at, define, "min", &d->int_min);
    if (e == 0)
        e = parse_int(at, define, "max", &d->int_max);
    if (e == 0 && (d->int_min < 0 || d->int_min > d->int_max || d->int_max > LIMIT_STRING_VALUE))
        e = model_at_fail(at, "min and max must be in 0..%d", LIMIT_STRING_VALUE);
    return e;
}

/* "1" and "01" are one key. */
static int check_enum_keys(const struct model_at *at, json_t *mapping)
{
    const char *key, *other;
    json_t *text, *other_text;

    json_object_foreach(mapping, key, text)
    {
        int64_t a, b;

        if (num_parse_i64(key, &a) < 0)
            return model_at_fail(at, "\"%.64s\" is not an integer", key);
        json_object_foreach(mapping, other, other_text)
        {
            if (strcmp(key, other) != 0 && num_parse_i64(other, &b) == 0 && a == b)
                return model_at_fail(at, "has %lld twice", (long long) a);
        }
    }
    return 0;
}

/* Of bool (where it may be missing), enum and stringenum. */
static int parse_mapping(const struct model_at *at, json_t *define, struct model_define *d)
{
    struct model_at sub = model_at_below(at, "mapping");
    const char *key;
    json_t *text;

    d->mapping = json_object_get(define, "mapping");
    if (d->type == MODEL_TYPE_BOOL && !d->mapping)
        return 0;
    if (!json_is_object(d->mapping) ||
        (json_object_size(d->mapping) == 0 && d->type != MODEL_TYPE_BOOL))
        return model_at_fail(&sub, "the values of this %s must be an object", type_names[d->type]);
    if (json_object_size(d->mapping) > LIMIT_ENUM_VALUES)
        return model_at_fail(&sub, "more than %d values", LIMIT_ENUM_VALUES);
    json_object_foreach(d->mapping, key, text)
    {
        if (!json_is_string(text))
            return model_at_fail(&sub, "\"%.64s\" needs a text", key);
        if (d->type == MODEL_TYPE_BOOL && strcmp(key, "0") != 0 && strcmp(key, "1") != 0)
            return model_at_fail(&sub, "\"%.64s\" is neither 0 nor 1", key);
        if (d->type == MODEL_TYPE_STRINGENUM && (!*key || strlen(key) > LIMIT_STRINGENUM_KEY))
            return model_at_fail(&sub, "a key must have 1 to %d bytes", LIMIT_STRINGENUM_KEY);
    }
    return d->type == MODEL_TYPE_ENUM ? check_enum_keys(&sub, d->mapping) : 0;
}

static int parse_struct(const struct model_at *at, json_t *define, struct model_define *d)
{
    struct model_at sub = model_at_below(at, "specs");
    json_t *specs = json_object_get(define, "specs");

    if (json_array_size(specs) == 0)
        return model_at_fail(&sub, "must be a list of at least one member");
    return model_at_fields(&sub, specs, "dataType", true, LIMIT_STRUCT_MEMBERS, &d->specs);
}

static int parse_array(const struct model_at *at, json_t *define, struct model_define *d)
{
    struct model_at sub = model_at_below(at, "arrayInfo");
    json_t *info = json_object_get(define, "arrayInfo");
    const char *type = json_string_value(json_object_get(info, "type"));
    int e;

    if (type && strcmp(type, type_names[MODEL_TYPE_ARRAY]) == 0)
        return model_at_fail(&sub, "no array inside an array");
    d->item = calloc(1, sizeof(*d->item));
    if (!d->item)
        return -ENOMEM;
    e = model_at_define(&sub, info, false, d->item);
    if (e < 0)
        return e;
    switch (d->item->type) {
    case MODEL_TYPE_INT:
    case MODEL_TYPE_FLOAT:
    case MODEL_TYPE_STRING:
    case MODEL_TYPE_STRUCT:
        return 0;
    case MODEL_TYPE_BOOL:
    case MODEL_TYPE_ENUM:
    case MODEL_TYPE_STRINGENUM:
    case MODEL_TYPE_TIMESTAMP:
    case MODEL_TYPE_ARRAY:
    case MODEL_TYPE_COUNT_:
        break;
    }
    return model_at_fail(&sub, "elements are int, float, string or struct, not %s",
                         type_names[d->item->type]);
}

int model_at_define(const struct model_at *at, json_t *define, bool scalar, struct model_define *d)
{
    const char *type = json_string_value(json_object_get(define, "type"));

    if (!json_is_object(define) || !type)
        return model_at_fail(at, "must be an object with a type");
    for (d->type = 0; d->type < MODEL_TYPE_COUNT_; d->type++) {
        if (strcmp(type, type_names[d->type]) == 0)
            break;
    }
    if (scalar && (d->type == MODEL_TYPE_STRUCT || d->type == MODEL_TYPE_ARRAY))
        return model_at_fail(at, "no %s inside a struct", type);

    switch (d->type) {
    case MODEL_TYPE_INT:
        return parse_int_range(at, define, d);
    case MODEL_TYPE_FLOAT:
        return parse_float_range(at, define, d);
    case MODEL_TYPE_STRING:
        return parse_length(at, define, d);
    case MODEL_TYPE_BOOL:
    case MODEL_TYPE_ENUM:
    case MODEL_TYPE_STRINGENUM:
        return parse_mapping(at, define, d);
    case MODEL_TYPE_STRUCT:
        return parse_struct(at, define, d);
    case MODEL_TYPE_ARRAY:
        return parse_array(at, define, d);
    case MODEL_TYPE_TIMESTAMP:
        return 0;
    case MODEL_TYPE_COUNT_:
        break;
    }
    return model_at_fail(at, "unknown type \"%.32s\"", type);
}
