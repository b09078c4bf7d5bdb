/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of values against the parsed thing model. */

#include "examples/localcloud/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/model_parse.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

void model_verdict_set(struct model_verdict *v, enum model_code code, const char *fmt, ...)
{
    va_list ap;

    v->code = code;
    va_start(ap, fmt);
    (void) vsnprintf(v->text, sizeof(v->text), fmt, ap); /* a cut text is still a text */
    va_end(ap);
}

json_t *model_json(const struct model *m)
{
    return m->doc;
}

static const struct model_field *field_find(const struct model_fields *fields, const char *id)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (strcmp(fields->items[i].id, id) == 0)
            return &fields->items[i];
    }
    return NULL;
}

static const struct model_event *event_find(const struct model *m, const char *id)
{
    for (size_t i = 0; i < m->n_events; i++) {
        if (strcmp(m->events[i].id, id) == 0)
            return &m->events[i];
    }
    return NULL;
}

static const struct model_action *action_find(const struct model *m, const char *id)
{
    for (size_t i = 0; i < m->n_actions; i++) {
        if (strcmp(m->actions[i].id, id) == 0)
            return &m->actions[i];
    }
    return NULL;
}

bool model_has_property(const struct model *m, const char *id)
{
    return field_find(&m->properties, id) != NULL;
}

static bool value_is_wrong(struct model_verdict *v, const char *id, const char *wanted)
{
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: must be %s", id, wanted);
    return false;
}

static bool check_int(const struct model_define *d, const char *id, const json_t *value,
                      struct model_verdict *v)
{
    if (!json_is_integer(value))
        return value_is_wrong(v, id, "an integer");
    if (json_integer_value(value) >= d->int_min && json_integer_value(value) <= d->int_max)
        return true;
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: %" JSON_INTEGER_FORMAT " is not in %lld..%lld", id,
                      json_integer_value(value), (long long) d->int_min, (long long) d->int_max);
    return false;
}

static bool check_float(const struct model_define *d, const char *id, const json_t *value,
                        struct model_verdict *v)
{
    char given[NUM_DOUBLE_TEXT], min[NUM_DOUBLE_TEXT], max[NUM_DOUBLE_TEXT];

    if (!json_is_number(value))
        return value_is_wrong(v, id, "a number");
    if (json_number_value(value) >= d->float_min && json_number_value(value) <= d->float_max)
        return true;
    num_format_double(given, json_number_value(value));
    num_format_double(min, d->float_min);
    num_format_double(max, d->float_max);
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: %s is not in %s..%s", id, given, min, max);
    return false;
}

static bool check_string(const struct model_define *d, const char *id, const json_t *value,
                         struct model_verdict *v)
{
    int64_t n;

    if (!json_is_string(value))
        return value_is_wrong(v, id, "a string");
    n = (int64_t) json_string_length(value); /* bytes, as the console's limits */
    if (n >= d->int_min && n <= d->int_max)
        return true;
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: length %lld is not in %lld..%lld", id,
                      (long long) n, (long long) d->int_min, (long long) d->int_max);
    return false;
}

static bool check_enum(const struct model_define *d, const char *id, const json_t *value,
                       struct model_verdict *v)
{
    const char *key;
    json_t *text;
    int64_t number;

    if (!json_is_integer(value))
        return value_is_wrong(v, id, "an integer of its list");
    json_object_foreach(d->mapping, key, text)
    {
        if (num_parse_i64(key, &number) == 0 && number == json_integer_value(value))
            return true;
    }
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: %" JSON_INTEGER_FORMAT " is not in its list", id,
                      json_integer_value(value));
    return false;
}

static bool check_stringenum(const struct model_define *d, const char *id, const json_t *value,
                             struct model_verdict *v)
{
    if (!json_is_string(value))
        return value_is_wrong(v, id, "a string of its list");
    if (json_object_get(d->mapping, json_string_value(value)))
        return true;
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: %.64s is not in its list", id,
                      json_string_value(value));
    return false;
}

static bool check_value(const struct model_define *d, const char *id, const json_t *value,
                        struct model_verdict *v);

static bool check_struct(const struct model_define *d, const char *id, const json_t *value,
                         struct model_verdict *v)
{
    const char *key;
    json_t *member;

    if (!json_is_object(value))
        return value_is_wrong(v, id, "an object");
    json_object_foreach((json_t *) (uintptr_t) value, key, member)
    {
        const struct model_field *f = field_find(&d->specs, key);

        if (!f) {
            model_verdict_set(v, MODEL_CODE_VALUE, "%s: has no member %.64s", id, key);
            return false;
        }
        if (!check_value(&f->define, key, member, v))
            return false;
    }
    return true;
}

static bool check_array(const struct model_define *d, const char *id, const json_t *value,
                        struct model_verdict *v)
{
    if (!json_is_array(value))
        return value_is_wrong(v, id, "an array");
    if (json_array_size(value) > LIMIT_ARRAY_ELEMENTS) {
        model_verdict_set(v, MODEL_CODE_VALUE, "%s: has more than %d elements", id,
                          LIMIT_ARRAY_ELEMENTS);
        return false;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!check_value(d->item, id, json_array_get(value, i), v))
            return false;
    }
    return true;
}

static bool check_value(const struct model_define *d, const char *id, const json_t *value,
                        struct model_verdict *v)
{
    switch (d->type) {
    case MODEL_TYPE_BOOL:
        /* the numbers 0 and 1, never true and false */
        if (json_is_integer(value) &&
            (json_integer_value(value) == 0 || json_integer_value(value) == 1))
            return true;
        return value_is_wrong(v, id, "0 or 1");
    case MODEL_TYPE_INT:
        return check_int(d, id, value, v);
    case MODEL_TYPE_FLOAT:
        return check_float(d, id, value, v);
    case MODEL_TYPE_STRING:
        return check_string(d, id, value, v);
    case MODEL_TYPE_ENUM:
        return check_enum(d, id, value, v);
    case MODEL_TYPE_STRINGENUM:
        return check_stringenum(d, id, value, v);
    case MODEL_TYPE_TIMESTAMP:
        if (json_is_integer(value) && json_integer_value(value) >= 0)
            return true;
        return value_is_wrong(v, id, "a time as a positive integer");
    case MODEL_TYPE_STRUCT:
        return check_struct(d, id, value, v);
    case MODEL_TYPE_ARRAY:
        return check_array(d, id, value, v);
    case MODEL_TYPE_COUNT_:
        break;
    }
    return value_is_wrong(v, id, "of a known type");
}

/* What does not fit into a message by itself, the platform never sees. */
static bool check_size(const char *id, const json_t *value, struct model_verdict *v)
{
    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (json_dumpb(value, NULL, 0, JSON_COMPACT) <= LIMIT_VALUE_TEXT)
        return true;
    model_verdict_set(v, MODEL_CODE_VALUE, "%s: is longer than %d bytes", id, LIMIT_VALUE_TEXT);
    return false;
}

/* The vendor's C client sends the arrays of events and outputs as JSON in a string. */
static bool check_field(const struct model_field *f, const json_t *value, bool quoted,
                        struct model_verdict *v)
{
    json_t *array = NULL;
    bool ok;

    if (quoted && f->define.type == MODEL_TYPE_ARRAY && json_is_string(value))
        array = json_loads(json_string_value(value), 0, NULL);
    if (array)
        value = array;
    ok = check_value(&f->define, f->id, value, v) && check_size(f->id, value, v);
    json_decref(array);
    return ok;
}

/* How params are checked, and what their ids are called in the text. */
struct params_kind {
    const char *what;
    bool writable_only;
    bool quoted_arrays;
};

static void check_params(const struct model_fields *fields, struct params_kind kind,
                         const json_t *params, struct model_verdict *v)
{
    const char *key;
    json_t *value;

    if (!json_is_object(params)) {
        model_verdict_set(v, MODEL_CODE_VALUE, "params must be an object");
        return;
    }
    json_object_foreach((json_t *) (uintptr_t) params, key, value)
    {
        const struct model_field *f = field_find(fields, key);

        if (!f) {
            model_verdict_set(v, MODEL_CODE_UNKNOWN, "no %s \"%.64s\" in the thing model",
                              kind.what, key);
            return;
        }
        if (kind.writable_only && !f->writable) {
            model_verdict_set(v, MODEL_CODE_VALUE, "%s: is read only", key);
            return;
        }
        if (!check_field(f, value, kind.quoted_arrays, v))
            return;
    }
    model_verdict_set(v, MODEL_CODE_OK, "success");
}

void model_check_properties(const struct model *m, const json_t *params, bool writable_only,
                            struct model_verdict *ret_verdict)
{
    check_params(&m->properties, (struct params_kind){"property", writable_only, false}, params,
                 ret_verdict);
}

const char *model_event_type(const struct model *m, const char *id)
{
    const struct model_event *event = event_find(m, id);

    return event ? event->type : NULL;
}

void model_check_event(const struct model *m, const char *id, const char *type,
                       const json_t *params, struct model_verdict *ret_verdict)
{
    const struct model_event *event = event_find(m, id);

    if (!event) {
        model_verdict_set(ret_verdict, MODEL_CODE_UNKNOWN, "no event \"%.64s\" in the thing model",
                          id);
        return;
    }
    if (type && strcmp(type, event->type) != 0) {
        model_verdict_set(ret_verdict, MODEL_CODE_VALUE, "type of %s is %s, not %.16s", id,
                          event->type, type);
        return;
    }
    check_params(&event->params, (struct params_kind){"parameter", false, true}, params,
                 ret_verdict);
}

void model_check_action_input(const struct model *m, const char *id, const json_t *params,
                              struct model_verdict *ret_verdict)
{
    const struct model_action *action = action_find(m, id);

    if (!action) {
        model_verdict_set(ret_verdict, MODEL_CODE_UNKNOWN, "no action \"%.64s\" in the thing model",
                          id);
        return;
    }
    check_params(&action->input, (struct params_kind){"input", false, false}, params, ret_verdict);
    for (size_t i = 0; i < action->input.n && ret_verdict->code == MODEL_CODE_OK; i++) {
        if (!json_object_get(params, action->input.items[i].id))
            model_verdict_set(ret_verdict, MODEL_CODE_VALUE, "input %s is missing",
                              action->input.items[i].id);
    }
}

void model_check_action_output(const struct model *m, const char *id, const json_t *params,
                               struct model_verdict *ret_verdict)
{
    const struct model_action *action = action_find(m, id);

    if (!action) {
        model_verdict_set(ret_verdict, MODEL_CODE_UNKNOWN, "no action \"%.64s\" in the thing model",
                          id);
        return;
    }
    check_params(&action->output, (struct params_kind){"output", false, true}, params, ret_verdict);
}
