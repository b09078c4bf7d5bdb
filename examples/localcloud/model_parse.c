/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thing-model JSON to struct model. Every mistake is named with its JSON path. */

#include "examples/localcloud/model_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"

int model_at_fail(const struct model_at *at, const char *fmt, ...)
{
    char text[MODEL_PATH_MAX + 256];
    va_list ap;
    int n = snprintf(text, sizeof(text), "%s: ", at->path);

    va_start(ap, fmt);
    (void) vsnprintf(text + n, sizeof(text) - (size_t) n, fmt, ap);
    va_end(ap);
    if (!*at->error)
        *at->error = strdup(text);
    return *at->error ? -EINVAL : -ENOMEM;
}

struct model_at model_at_below(const struct model_at *at, const char *key)
{
    struct model_at sub = {.error = at->error};

    if (snprintf(sub.path, sizeof(sub.path), "%s.%s", at->path, key) >= (int) sizeof(sub.path))
        memcpy(sub.path + sizeof(sub.path) - 4, "...", 4);
    return sub;
}

static struct model_at element(const struct model_at *at, size_t i)
{
    struct model_at sub = {.error = at->error};

    if (snprintf(sub.path, sizeof(sub.path), "%s[%zu]", at->path, i) >= (int) sizeof(sub.path))
        memcpy(sub.path + sizeof(sub.path) - 4, "...", 4);
    return sub;
}

static int get_id(const struct model_at *at, const json_t *object, const char **ret_id)
{
    const char *id = json_string_value(json_object_get(object, "id"));

    if (!name_is_feature_id(id))
        return model_at_fail(at, "needs an id of at most %d letters, digits and '_'",
                             LIMIT_FEATURE_ID);
    *ret_id = id;
    return 0;
}

/* Of properties, events and actions; carried only. */
static int check_required(const struct model_at *at, const json_t *object)
{
    const json_t *required = json_object_get(object, "required");

    return required && !json_is_boolean(required)
               ? model_at_fail(at, "required must be true or false")
               : 0;
}

/* A missing list is an empty one. */
static int check_list(const struct model_at *at, const json_t *list, size_t max)
{
    if (list && !json_is_array(list))
        return model_at_fail(at, "must be a list");
    if (json_array_size(list) > max)
        return model_at_fail(at, "more than %zu entries", max);
    return 0;
}

int model_at_fields(const struct model_at *at, json_t *list, const char *define_key, bool scalar,
                    size_t max, struct model_fields *ret_fields)
{
    size_t n = json_array_size(list);
    int e = check_list(at, list, max);

    if (e < 0 || n == 0)
        return e;
    ret_fields->items = calloc(n, sizeof(*ret_fields->items));
    if (!ret_fields->items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct model_field *f = &ret_fields->items[i];
        json_t *object = json_array_get(list, i);
        struct model_at sub = element(at, i);
        struct model_at define = model_at_below(&sub, define_key);

        ret_fields->n++;
        e = get_id(&sub, object, &f->id);
        if (e == 0)
            e = model_at_define(&define, json_object_get(object, define_key), scalar, &f->define);
        if (e < 0)
            return e;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ret_fields->items[k].id, f->id) == 0)
                return model_at_fail(&sub, "id \"%s\" is there twice", f->id);
        }
    }
    return 0;
}

static int parse_event(const struct model_at *at, json_t *object, struct model_event *event)
{
    struct model_at params = model_at_below(at, "params");
    int e = get_id(at, object, &event->id);

    if (e == 0)
        e = check_required(at, object);
    if (e < 0)
        return e;
    event->type = json_string_value(json_object_get(object, "type"));
    if (!event->type || (strcmp(event->type, "info") != 0 && strcmp(event->type, "alert") != 0 &&
                         strcmp(event->type, "fault") != 0))
        return model_at_fail(at, "type must be info, alert or fault");
    return model_at_fields(&params, json_object_get(object, "params"), "define", false,
                           LIMIT_EVENT_PARAMS, &event->params);
}

static int parse_action(const struct model_at *at, json_t *object, struct model_action *action)
{
    struct model_at input = model_at_below(at, "input"), output = model_at_below(at, "output");
    int e = get_id(at, object, &action->id);

    if (e == 0)
        e = check_required(at, object);
    if (e == 0)
        e = model_at_fields(&input, json_object_get(object, "input"), "define", false,
                            LIMIT_EVENT_PARAMS, &action->input);
    if (e == 0)
        e = model_at_fields(&output, json_object_get(object, "output"), "define", false,
                            LIMIT_EVENT_PARAMS, &action->output);
    return e;
}

static const char *id_at(const struct model *m, size_t i)
{
    if (i < m->properties.n)
        return m->properties.items[i].id;
    i -= m->properties.n;
    return i < m->n_events ? m->events[i].id : m->actions[i - m->n_events].id;
}

/* Ids are unique among all features of a product (console guide); the case makes no difference. */
static int check_unique(const struct model_at *at, const struct model *m)
{
    size_t n_ids = m->properties.n + m->n_events + m->n_actions;
    json_t *seen = json_object();
    int e = seen ? 0 : -ENOMEM;

    if (e == 0 && n_ids > LIMIT_MODEL_IDS)
        e = model_at_fail(at, "more than %d properties, events and actions", LIMIT_MODEL_IDS);
    for (size_t i = 0; e == 0 && i < n_ids; i++) {
        char id[LIMIT_FEATURE_ID + 1] = "";

        for (size_t k = 0; k < sizeof(id) - 1 && id_at(m, i)[k]; k++)
            id[k] = (char) tolower((unsigned char) id_at(m, i)[k]);
        if (json_object_get(seen, id))
            e = model_at_fail(at, "id \"%s\" is there twice", id_at(m, i));
        else if (json_object_set_new(seen, id, json_true()) < 0)
            e = -ENOMEM;
    }
    json_decref(seen);
    return e;
}

static int parse_properties(const struct model_at *at, struct model *m)
{
    struct model_at sub = model_at_below(at, "properties");
    json_t *list = json_object_get(m->doc, "properties");
    int e = model_at_fields(&sub, list, "define", false, LIMIT_MODEL_IDS, &m->properties);

    for (size_t i = 0; e == 0 && i < m->properties.n; i++) {
        json_t *object = json_array_get(list, i);
        const char *mode = json_string_value(json_object_get(object, "mode"));
        struct model_at item = element(&sub, i);

        m->properties.items[i].writable = mode && strcmp(mode, "rw") == 0;
        if (!mode || (strcmp(mode, "rw") != 0 && strcmp(mode, "r") != 0))
            e = model_at_fail(&item, "mode must be rw or r");
        else
            e = check_required(&item, object);
    }
    return e;
}

static int parse_document(const struct model_at *at, struct model *m)
{
    json_t *events = json_object_get(m->doc, "events");
    json_t *actions = json_object_get(m->doc, "actions");
    struct model_at sub = model_at_below(at, "events");
    int e;

    if (!json_object_get(m->doc, "properties") && !events && !actions)
        return model_at_fail(at, "has neither properties nor events nor actions");
    e = parse_properties(at, m);
    if (e < 0)
        return e;
    e = check_list(&sub, events, LIMIT_MODEL_IDS);
    if (e < 0)
        return e;
    m->events = calloc(json_array_size(events) + 1, sizeof(*m->events));
    if (!m->events)
        return -ENOMEM;
    for (; e == 0 && m->n_events < json_array_size(events); m->n_events++) {
        struct model_at item = element(&sub, m->n_events);

        e = parse_event(&item, json_array_get(events, m->n_events), &m->events[m->n_events]);
    }
    if (e < 0)
        return e;

    sub = model_at_below(at, "actions");
    e = check_list(&sub, actions, LIMIT_MODEL_IDS);
    if (e < 0)
        return e;
    m->actions = calloc(json_array_size(actions) + 1, sizeof(*m->actions));
    if (!m->actions)
        return -ENOMEM;
    for (; e == 0 && m->n_actions < json_array_size(actions); m->n_actions++) {
        struct model_at item = element(&sub, m->n_actions);

        e = parse_action(&item, json_array_get(actions, m->n_actions), &m->actions[m->n_actions]);
    }
    return e < 0 ? e : check_unique(at, m);
}

int model_new(struct model **ret_model, json_t *doc, char **ret_error)
{
    CLEANUP(model_freep) struct model *m = NULL;
    CLEANUP(freep) char *error = NULL;
    struct model_at at = {.path = "$", .error = &error};
    int e;

    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->doc = json_incref(doc);
    e = json_is_object(doc) ? parse_document(&at, m) : model_at_fail(&at, "must be an object");
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
