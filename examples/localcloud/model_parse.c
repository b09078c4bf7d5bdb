/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thing-model JSON to struct model. Every mistake is named with its JSON path. */

#include "examples/localcloud/model_parse.h"

#include <errno.h>
#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"

#define PATH_MAX_LEN 200

/* Where the parser stands in the document; every level has its own copy of the path. */
struct at {
    char path[PATH_MAX_LEN];
    char **error;
};

static const char *const type_names[MODEL_TYPE_COUNT_] = {
    [MODEL_TYPE_BOOL] = "bool",           [MODEL_TYPE_INT] = "int",
    [MODEL_TYPE_FLOAT] = "float",         [MODEL_TYPE_STRING] = "string",
    [MODEL_TYPE_ENUM] = "enum",           [MODEL_TYPE_STRINGENUM] = "stringenum",
    [MODEL_TYPE_TIMESTAMP] = "timestamp", [MODEL_TYPE_STRUCT] = "struct",
    [MODEL_TYPE_ARRAY] = "array",
};

static int PRINTF_LIKE(2, 3) fail(const struct at *at, const char *fmt, ...)
{
    char text[PATH_MAX_LEN + 256];
    va_list ap;
    int n = snprintf(text, sizeof(text), "%s: ", at->path);

    va_start(ap, fmt);
    (void) vsnprintf(text + n, sizeof(text) - (size_t) n, fmt, ap);
    va_end(ap);
    if (!*at->error)
        *at->error = strdup(text);
    return *at->error ? -EINVAL : -ENOMEM;
}

static struct at below(const struct at *at, const char *key)
{
    struct at sub = {.error = at->error};

    if (snprintf(sub.path, sizeof(sub.path), "%s.%s", at->path, key) >= (int) sizeof(sub.path))
        memcpy(sub.path + sizeof(sub.path) - 4, "...", 4);
    return sub;
}

static struct at element(const struct at *at, size_t i)
{
    struct at sub = {.error = at->error};

    if (snprintf(sub.path, sizeof(sub.path), "%s[%zu]", at->path, i) >= (int) sizeof(sub.path))
        memcpy(sub.path + sizeof(sub.path) - 4, "...", 4);
    return sub;
}

/* Limits are strings in the console's files; numbers are taken as well. */
static int get_number_text(const struct at *at, const json_t *define, const char *key, char *buf,
                           size_t size, bool *ret_present)
{
    const json_t *v = json_object_get(define, key);
    struct at sub = below(at, key);

    *ret_present = v != NULL;
    if (!v)
        return 0;
    if (json_is_string(v) && json_string_length(v) < size) {
        memcpy(buf, json_string_value(v), json_string_length(v) + 1);
        return 0;
    }
    if (json_is_integer(v)) {
        (void) snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return 0;
    }
    if (json_is_real(v) && size >= NUM_DOUBLE_TEXT) {
        num_format_double(buf, json_real_value(v));
        return 0;
    }
    return fail(&sub, "must be a number, in a string");
}

static int parse_int_limit(const struct at *at, const json_t *define, const char *key,
                           int64_t *limit)
{
    char text[NUM_DOUBLE_TEXT + 16];
    struct at sub = below(at, key);
    bool present;
    double d;
    int e;

    e = get_number_text(at, define, key, text, sizeof(text), &present);
    if (e < 0 || !present)
        return e;
    if (num_parse_i64(text, limit) == 0)
        return 0;
    /* "10.0" is seen for integers */
    if (num_parse_double(text, &d) < 0 || d < -9007199254740992.0 || d > 9007199254740992.0)
        return fail(&sub, "\"%s\" is not an integer", text);
    *limit = (int64_t) d;
    return 0;
}

static int parse_float_limit(const struct at *at, const json_t *define, const char *key,
                             double *limit)
{
    char text[NUM_DOUBLE_TEXT + 16];
    struct at sub = below(at, key);
    bool present;
    int e;

    e = get_number_text(at, define, key, text, sizeof(text), &present);
    if (e < 0 || !present)
        return e;
    return num_parse_double(text, limit) < 0 ? fail(&sub, "\"%s\" is not a number", text) : 0;
}

static int parse_range(const struct at *at, const json_t *define, struct model_define *d)
{
    int e;

    switch (d->type) {
    case MODEL_TYPE_INT:
        d->int_min = INT64_MIN;
        d->int_max = INT64_MAX;
        break;
    case MODEL_TYPE_STRING:
        d->int_max = LIMIT_STRING_VALUE;
        break;
    case MODEL_TYPE_FLOAT:
        d->float_min = -DBL_MAX;
        d->float_max = DBL_MAX;
        e = parse_float_limit(at, define, "min", &d->float_min);
        if (e == 0)
            e = parse_float_limit(at, define, "max", &d->float_max);
        if (e == 0 && d->float_min > d->float_max)
            e = fail(at, "min is above max");
        return e;
    case MODEL_TYPE_BOOL:
    case MODEL_TYPE_ENUM:
    case MODEL_TYPE_STRINGENUM:
    case MODEL_TYPE_TIMESTAMP:
    case MODEL_TYPE_STRUCT:
    case MODEL_TYPE_ARRAY:
    case MODEL_TYPE_COUNT_:
        return 0;
    }
    e = parse_int_limit(at, define, "min", &d->int_min);
    if (e == 0)
        e = parse_int_limit(at, define, "max", &d->int_max);
    if (e == 0 && d->int_min > d->int_max)
        e = fail(at, "min is above max");
    return e;
}

static int parse_mapping(const struct at *at, json_t *define, struct model_define *d)
{
    struct at sub = below(at, "mapping");
    const char *key;
    json_t *value;
    int64_t number;

    d->mapping = json_object_get(define, "mapping");
    if (!json_is_object(d->mapping) || json_object_size(d->mapping) == 0)
        return fail(&sub, "an %s needs its values here", type_names[d->type]);
    json_object_foreach(d->mapping, key, value)
    {
        if (d->type == MODEL_TYPE_ENUM && num_parse_i64(key, &number) < 0)
            return fail(&sub, "\"%s\" is not an integer", key);
    }
    return 0;
}

static int parse_fields(const struct at *at, json_t *list, const char *define_key, bool scalar,
                        struct model_fields *ret_fields);

static int parse_define(const struct at *at, json_t *define, bool scalar, struct model_define *d);

static int parse_item(const struct at *at, json_t *define, struct model_define *d)
{
    const char *type = json_string_value(json_object_get(define, "type"));

    if (type && strcmp(type, type_names[MODEL_TYPE_ARRAY]) == 0)
        return fail(at, "no array inside an array");
    d->item = calloc(1, sizeof(*d->item));
    if (!d->item)
        return -ENOMEM;
    return parse_define(at, define, false, d->item);
}

static int parse_define(const struct at *at, json_t *define, bool scalar, struct model_define *d)
{
    const char *type = json_string_value(json_object_get(define, "type"));
    struct at sub;

    if (!json_is_object(define) || !type)
        return fail(at, "must be an object with a type");
    for (d->type = 0; d->type < MODEL_TYPE_COUNT_; d->type++) {
        if (strcmp(type, type_names[d->type]) == 0)
            break;
    }
    if (d->type == MODEL_TYPE_COUNT_)
        return fail(at, "unknown type \"%s\"", type);
    if (scalar && (d->type == MODEL_TYPE_STRUCT || d->type == MODEL_TYPE_ARRAY))
        return fail(at, "no %s inside a struct", type);

    switch (d->type) {
    case MODEL_TYPE_ENUM:
    case MODEL_TYPE_STRINGENUM:
        return parse_mapping(at, define, d);
    case MODEL_TYPE_STRUCT:
        sub = below(at, "specs");
        return parse_fields(&sub, json_object_get(define, "specs"), "dataType", true, &d->specs);
    case MODEL_TYPE_ARRAY:
        sub = below(at, "arrayInfo");
        return parse_item(&sub, json_object_get(define, "arrayInfo"), d);
    case MODEL_TYPE_BOOL:
    case MODEL_TYPE_INT:
    case MODEL_TYPE_FLOAT:
    case MODEL_TYPE_STRING:
    case MODEL_TYPE_TIMESTAMP:
    case MODEL_TYPE_COUNT_:
        break;
    }
    return parse_range(at, define, d);
}

static int get_id(const struct at *at, const json_t *object, const char **ret_id)
{
    const char *id = json_string_value(json_object_get(object, "id"));

    if (!name_is_feature_id(id))
        return fail(at, "needs an id of at most %d letters, digits and '_'", LIMIT_FEATURE_ID);
    *ret_id = id;
    return 0;
}

/* A missing list is an empty one. */
static int check_list(const struct at *at, const json_t *list)
{
    if (list && !json_is_array(list))
        return fail(at, "must be a list");
    if (json_array_size(list) > LIMIT_MODEL_IDS)
        return fail(at, "more than %d entries", LIMIT_MODEL_IDS);
    return 0;
}

static int parse_fields(const struct at *at, json_t *list, const char *define_key, bool scalar,
                        struct model_fields *ret_fields)
{
    size_t n = json_array_size(list);
    int e = check_list(at, list);

    if (e < 0 || n == 0)
        return e;
    ret_fields->items = calloc(n, sizeof(*ret_fields->items));
    if (!ret_fields->items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct model_field *f = &ret_fields->items[i];
        json_t *object = json_array_get(list, i);
        const char *mode = json_string_value(json_object_get(object, "mode"));
        struct at sub = element(at, i);
        struct at define = below(&sub, define_key);

        ret_fields->n++;
        f->writable = mode && strcmp(mode, "rw") == 0;
        e = get_id(&sub, object, &f->id);
        if (e == 0)
            e = parse_define(&define, json_object_get(object, define_key), scalar, &f->define);
        if (e < 0)
            return e;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ret_fields->items[k].id, f->id) == 0)
                return fail(&sub, "id \"%s\" is there twice", f->id);
        }
    }
    return 0;
}

static int parse_event(const struct at *at, json_t *object, struct model_event *event)
{
    struct at params = below(at, "params");
    int e = get_id(at, object, &event->id);

    if (e < 0)
        return e;
    event->type = json_string_value(json_object_get(object, "type"));
    if (!event->type || (strcmp(event->type, "info") != 0 && strcmp(event->type, "alert") != 0 &&
                         strcmp(event->type, "fault") != 0))
        return fail(at, "type must be info, alert or fault");
    return parse_fields(&params, json_object_get(object, "params"), "define", false,
                        &event->params);
}

static int parse_action(const struct at *at, json_t *object, struct model_action *action)
{
    struct at input = below(at, "input"), output = below(at, "output");
    int e = get_id(at, object, &action->id);

    if (e == 0)
        e = parse_fields(&input, json_object_get(object, "input"), "define", false, &action->input);
    if (e == 0)
        e = parse_fields(&output, json_object_get(object, "output"), "define", false,
                         &action->output);
    return e;
}

/* Ids are unique among all features of a product (console guide). */
static int check_unique(const struct at *at, const struct model *m)
{
    CLEANUP(freep) char *dup = NULL;
    json_t *seen = json_object();
    size_t n_ids = m->properties.n + m->n_events + m->n_actions;

    if (!seen)
        return -ENOMEM;
    for (size_t i = 0; i < n_ids && !dup; i++) {
        const char *id = i < m->properties.n ? m->properties.items[i].id
                         : i < m->properties.n + m->n_events
                             ? m->events[i - m->properties.n].id
                             : m->actions[i - m->properties.n - m->n_events].id;

        if (json_object_get(seen, id))
            dup = strdup(id);
        else
            (void) json_object_set_new(seen, id, json_true()); /* at worst a dup goes unseen */
    }
    json_decref(seen);
    return dup ? fail(at, "id \"%s\" is there twice", dup) : 0;
}

static int parse_document(const struct at *at, struct model *m)
{
    json_t *events = json_object_get(m->doc, "events");
    json_t *actions = json_object_get(m->doc, "actions");
    struct at sub = below(at, "properties");
    int e;

    e = parse_fields(&sub, json_object_get(m->doc, "properties"), "define", false, &m->properties);
    if (e < 0)
        return e;

    sub = below(at, "events");
    e = check_list(&sub, events);
    if (e < 0)
        return e;
    m->events = calloc(json_array_size(events) + 1, sizeof(*m->events));
    if (!m->events)
        return -ENOMEM;
    for (; e == 0 && m->n_events < json_array_size(events); m->n_events++) {
        struct at item = element(&sub, m->n_events);

        e = parse_event(&item, json_array_get(events, m->n_events), &m->events[m->n_events]);
    }
    if (e < 0)
        return e;

    sub = below(at, "actions");
    e = check_list(&sub, actions);
    if (e < 0)
        return e;
    m->actions = calloc(json_array_size(actions) + 1, sizeof(*m->actions));
    if (!m->actions)
        return -ENOMEM;
    for (; e == 0 && m->n_actions < json_array_size(actions); m->n_actions++) {
        struct at item = element(&sub, m->n_actions);

        e = parse_action(&item, json_array_get(actions, m->n_actions), &m->actions[m->n_actions]);
    }
    return e < 0 ? e : check_unique(at, m);
}

int model_new(struct model **ret_model, json_t *doc, char **ret_error)
{
    CLEANUP(model_freep) struct model *m = NULL;
    CLEANUP(freep) char *error = NULL;
    struct at at = {.path = "$", .error = &error};
    int e;

    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->doc = json_incref(doc);
    e = json_is_object(doc) ? parse_document(&at, m) : fail(&at, "must be an object");
    if (e < 0) {
        if (e == -EINVAL)
            *ret_error = TAKE(error);
        return e;
    }

    *ret_model = TAKE(m);
    return 0;
}

static void fields_done(struct model_fields *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct model_define *d = &f->items[i].define;

        fields_done(&d->specs);
        if (d->item)
            fields_done(&d->item->specs);
        free(d->item);
    }
    free(f->items);
}

struct model *model_free(struct model *m)
{
    if (!m)
        return NULL;

    fields_done(&m->properties);
    /* An entry that failed to parse is one behind the count. */
    for (size_t i = 0; m->events && i < json_array_size(json_object_get(m->doc, "events")); i++)
        fields_done(&m->events[i].params);
    for (size_t i = 0; m->actions && i < json_array_size(json_object_get(m->doc, "actions")); i++) {
        fields_done(&m->actions[i].input);
        fields_done(&m->actions[i].output);
    }
    free(m->events);
    free(m->actions);
    json_decref(m->doc);
    free(m);
    return NULL;
}
