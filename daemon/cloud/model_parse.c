/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the console's JSON. Goes on after a mistake, so that one run names all of them. */

#include "daemon/cloud/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/num.h"

struct reader {
    struct model *model;
    model_mistake_fn on_mistake;
    void *userdata;
    unsigned n_mistakes;
    bool no_memory;
    char path[256];
};

PRINTF_LIKE(3, 4)
static void mistake(struct reader *rd, const char *member, const char *fmt, ...)
{
    char path[320], text[200];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void) snprintf(path, sizeof(path), "%s%s%s", rd->path, *member && *rd->path ? "." : "",
                    member);
    rd->n_mistakes++;
    rd->on_mistake(path, text, rd->userdata);
}

/* Extends the path; the length before is given back to path_pop(). */
PRINTF_LIKE(2, 3)
static size_t path_push(struct reader *rd, const char *fmt, ...)
{
    size_t len = strlen(rd->path);
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(rd->path + len, sizeof(rd->path) - len, fmt, ap);
    va_end(ap);
    return len;
}

static void path_pop(struct reader *rd, size_t len)
{
    rd->path[len] = '\0';
}

/* A limit: text as the console writes it, or a number as people do. Missing keeps *value. */
static void read_limit_int(struct reader *rd, const json_t *def, const char *key, int64_t *value)
{
    int r = jx_get_number_or_text(def, key, value);

    if (r < 0 && r != -ENOENT)
        mistake(rd, key, "must be a whole number within 64 bits");
}

static void read_limit_float(struct reader *rd, const json_t *def, const char *key, double *value)
{
    const json_t *v = json_object_get(def, key);

    if (!v)
        return;
    if (json_is_number(v))
        *value = json_number_value(v);
    else if (!json_is_string(v) || num_parse_double(json_string_value(v), value) < 0)
        mistake(rd, key, "must be a number");
}

static void read_int(struct reader *rd, const json_t *def, struct thing_define *d)
{
    d->i.min = INT64_MIN;
    d->i.max = INT64_MAX;
    read_limit_int(rd, def, "min", &d->i.min);
    read_limit_int(rd, def, "max", &d->i.max);
    if (d->i.min > d->i.max)
        mistake(rd, "max", "is below min");
}

static void read_float(struct reader *rd, const json_t *def, struct thing_define *d)
{
    d->f.min = -1.7976931348623157e308;
    d->f.max = 1.7976931348623157e308;
    read_limit_float(rd, def, "min", &d->f.min);
    read_limit_float(rd, def, "max", &d->f.max);
    if (d->f.min > d->f.max)
        mistake(rd, "max", "is below min");
}

static void read_string(struct reader *rd, const json_t *def, struct thing_define *d)
{
    int64_t min = 0, max = LIMIT_STRING_VALUE;

    read_limit_int(rd, def, "min", &min);
    read_limit_int(rd, def, "max", &max);
    if (min < 0 || min > max)
        mistake(rd, "min", "must be from 0 to max");
    else if (max > LIMIT_STRING_VALUE)
        mistake(rd, "max", "is above %d, the platform's limit", LIMIT_STRING_VALUE);
    d->s.min = (size_t) min;
    d->s.max = (size_t) max;
}

static int compare_i64(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void read_enum(struct reader *rd, json_t *def, struct thing_define *d)
{
    json_t *mapping, *text;
    const char *key;
    size_t len;

    if (jx_get_object(def, "mapping", &mapping) < 0 || json_object_size(mapping) == 0) {
        mistake(rd, "mapping", "must be an object with at least one value");
        return;
    }
    len = path_push(rd, ".mapping");
    d->e.keys = calloc(json_object_size(mapping), sizeof(*d->e.keys));
    if (!d->e.keys) {
        rd->no_memory = true;
        path_pop(rd, len);
        return;
    }
    json_object_foreach(mapping, key, text)
    {
        if (num_parse_i64(key, &d->e.keys[d->e.n_keys]) < 0)
            mistake(rd, key, "must be a whole number");
        else if (!json_is_string(text))
            mistake(rd, key, "must have a text");
        else
            d->e.n_keys++;
    }
    path_pop(rd, len);
    qsort(d->e.keys, d->e.n_keys, sizeof(*d->e.keys), compare_i64);
    for (size_t i = 1; i < d->e.n_keys; i++) {
        if (d->e.keys[i - 1] == d->e.keys[i]) /* "1" and "01" */
            mistake(rd, "mapping", "has the value %lld twice", (long long) d->e.keys[i]);
    }
}

static void read_define(struct reader *rd, const json_t *item, struct thing_define *d)
{
    const char *type;
    json_t *def;
    size_t len;

    if (jx_get_object(item, "define", &def) < 0) {
        mistake(rd, "define", "must be an object");
        return;
    }
    len = path_push(rd, ".define");
    if (jx_get_string(def, "type", &type) < 0) {
        mistake(rd, "type", "must be a text");
    } else if (thing_type_parse(type, &d->type) < 0) {
        mistake(rd, "type", "\"%.32s\" is not a type that this release knows", type);
    } else {
        switch (d->type) {
        case THING_INT:
            read_int(rd, def, d);
            break;
        case THING_FLOAT:
            read_float(rd, def, d);
            break;
        case THING_STRING:
            read_string(rd, def, d);
            break;
        case THING_ENUM:
            read_enum(rd, def, d);
            break;
        case THING_BOOL:
        case THING_TIMESTAMP:
        case THING_TYPE_COUNT_:
            break;
        }
    }
    path_pop(rd, len);
}

static void read_id(struct reader *rd, const json_t *item, char **ret_id)
{
    const char *id;

    if (jx_get_string(item, "id", &id) < 0) {
        mistake(rd, "id", "must be a text");
        return;
    }
    if (!name_is_feature_id(id)) {
        mistake(rd, "id", "\"%.40s\" is not an id: 1 to %d letters, digits, underscores", id,
                LIMIT_FEATURE_ID);
        return;
    }
    *ret_id = strdup(id);
    if (!*ret_id)
        rd->no_memory = true;
}

static void read_property(struct reader *rd, const json_t *item, void *slot)
{
    struct model_property *p = slot;
    const char *mode;

    read_id(rd, item, &p->id);
    if (jx_get_string(item, "mode", &mode) < 0 || (strcmp(mode, "rw") != 0 && strcmp(mode, "r")))
        mistake(rd, "mode", "must be \"rw\" or \"r\"");
    else
        p->writable = mode[1] == 'w';
    read_define(rd, item, &p->define);
}

static void read_param(struct reader *rd, const json_t *item, void *slot)
{
    struct model_param *p = slot;

    read_id(rd, item, &p->id);
    read_define(rd, item, &p->define);
}

/*
 * Reads one array of the file into a new array of slots of the given size.
 * *items and *n are set only when the whole was allocated; content may be partial then.
 */
static void read_list(struct reader *rd, const json_t *parent, const char *key, size_t max,
                      size_t slot_size, void (*read_one)(struct reader *, const json_t *, void *),
                      void **items, size_t *n)
{
    json_t *list;
    size_t n_items;
    char *slots;
    int r = jx_get_array(parent, key, &list);

    if (r == -ENOENT)
        return;
    if (r < 0) {
        mistake(rd, key, "must be a list");
        return;
    }
    n_items = json_array_size(list);
    if (n_items > max) {
        mistake(rd, key, "has more than %zu entries", max);
        return;
    }
    slots = calloc(n_items ? n_items : 1, slot_size);
    if (!slots) {
        rd->no_memory = true;
        return;
    }
    *items = slots;
    *n = n_items;
    for (size_t i = 0; i < n_items; i++) {
        const json_t *item = json_array_get(list, i);
        size_t len = path_push(rd, "%s%s[%zu]", *rd->path ? "." : "", key, i);

        if (json_is_object(item))
            read_one(rd, item, slots + i * slot_size);
        else
            mistake(rd, "", "must be an object");
        path_pop(rd, len);
    }
}

static void check_unique_params(struct reader *rd, const char *key, const struct model_param *p,
                                size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; p[i].id && k < i; k++) {
            if (p[k].id && strcmp(p[k].id, p[i].id) == 0)
                mistake(rd, key, "has the id \"%s\" twice", p[i].id);
        }
    }
}

static void read_event(struct reader *rd, const json_t *item, void *slot)
{
    struct model_event *e = slot;
    void *params = NULL;
    const char *type;
    bool known = false;

    read_id(rd, item, &e->id);
    if (jx_get_string(item, "type", &type) == 0) {
        for (int i = 0; i < MODEL_EVENT_TYPE_COUNT_; i++) {
            if (strcmp(type, model_event_type_name((enum model_event_type) i)) == 0) {
                e->type = (enum model_event_type) i;
                known = true;
            }
        }
    }
    if (!known)
        mistake(rd, "type", "must be \"info\", \"alert\" or \"fault\"");
    read_list(rd, item, "params", LIMIT_EVENT_PARAMS, sizeof(*e->params), read_param, &params,
              &e->n_params);
    e->params = params;
    check_unique_params(rd, "params", e->params, e->n_params);
}

static void read_action(struct reader *rd, const json_t *item, void *slot)
{
    struct model_action *a = slot;
    void *inputs = NULL, *outputs = NULL;

    read_id(rd, item, &a->id);
    read_list(rd, item, "input", LIMIT_EVENT_PARAMS, sizeof(*a->inputs), read_param, &inputs,
              &a->n_inputs);
    a->inputs = inputs;
    check_unique_params(rd, "input", a->inputs, a->n_inputs);
    read_list(rd, item, "output", LIMIT_EVENT_PARAMS, sizeof(*a->outputs), read_param, &outputs,
              &a->n_outputs);
    a->outputs = outputs;
    check_unique_params(rd, "output", a->outputs, a->n_outputs);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Ids are unique over all features of a product (console guide). */
static void check_unique(struct reader *rd)
{
    const struct model *m = rd->model;
    size_t n = 0, total = m->n_properties + m->n_events + m->n_actions;
    CLEANUP(freep) char **ids = NULL;

    if (total > LIMIT_MODEL_IDS) {
        mistake(rd, "", "has more than %d properties, events and actions", LIMIT_MODEL_IDS);
        return;
    }
    ids = calloc(total ? total : 1, sizeof(*ids));
    if (!ids) {
        rd->no_memory = true;
        return;
    }
    for (size_t i = 0; i < m->n_properties; i++)
        ids[n++] = m->properties[i].id;
    for (size_t i = 0; i < m->n_events; i++)
        ids[n++] = m->events[i].id;
    for (size_t i = 0; i < m->n_actions; i++)
        ids[n++] = m->actions[i].id;
    for (size_t i = 0; i < n; i++) {
        if (!ids[i])
            return; /* told already */
    }
    qsort(ids, n, sizeof(*ids), compare_text);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0)
            mistake(rd, "", "the id \"%s\" is used more than once", ids[i]);
    }
}

static void check_profile(struct reader *rd, const json_t *root, const char *product_id)
{
    const char *have;
    json_t *profile;

    if (!product_id || jx_get_object(root, "profile", &profile) < 0 ||
        jx_get_string(profile, "ProductId", &have) < 0)
        return;
    if (strcmp(have, product_id) != 0)
        mistake(rd, "profile.ProductId", "is \"%.32s\", the credentials say \"%s\"", have,
                product_id);
}

static void read_root(struct reader *rd, const json_t *root, const char *product_id)
{
    struct model *m = rd->model;
    void *properties = NULL, *events = NULL, *actions = NULL;

    check_profile(rd, root, product_id);
    read_list(rd, root, "properties", LIMIT_MODEL_IDS, sizeof(*m->properties), read_property,
              &properties, &m->n_properties);
    m->properties = properties;
    read_list(rd, root, "events", LIMIT_MODEL_IDS, sizeof(*m->events), read_event, &events,
              &m->n_events);
    m->events = events;
    read_list(rd, root, "actions", LIMIT_MODEL_IDS, sizeof(*m->actions), read_action, &actions,
              &m->n_actions);
    m->actions = actions;
    if (!properties && !events && !actions && rd->n_mistakes == 0)
        mistake(rd, "", "has neither properties nor events nor actions");
    check_unique(rd);
}

int model_parse(struct model **ret_model, const char *text, size_t len, const char *product_id,
                model_mistake_fn on_mistake, void *userdata)
{
    CLEANUP(model_freep) struct model *m = NULL;
    CLEANUP(jx_decrefp) json_t *root = NULL;
    struct reader rd = {.on_mistake = on_mistake, .userdata = userdata};
    struct jx_error error;
    int r;

    r = jx_parse_object(text, len, &root, &error);
    if (r == -EBADMSG) {
        mistake(&rd, "", "not JSON: %s (line %d, column %d)", error.text, error.line, error.column);
        return -EINVAL;
    }
    if (r < 0)
        return r;
    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->text = strndup(text, len);
    if (!m->text)
        return -ENOMEM;

    rd.model = m;
    read_root(&rd, root, product_id);
    if (rd.no_memory)
        return -ENOMEM;
    if (rd.n_mistakes > 0)
        return -EINVAL;
    *ret_model = TAKE(m);
    return 0;
}
