/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the console's JSON. Goes on after a mistake, so that one run names all of them. */

#include "daemon/cloud/model_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"

void model_reader_mistake(struct model_reader *rd, const char *member, const char *fmt, ...)
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

size_t model_reader_push(struct model_reader *rd, const char *fmt, ...)
{
    size_t len = strlen(rd->path);
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(rd->path + len, sizeof(rd->path) - len, fmt, ap);
    va_end(ap);
    return len;
}

void model_reader_pop(struct model_reader *rd, size_t len)
{
    rd->path[len] = '\0';
}

void model_reader_id(struct model_reader *rd, const json_t *item, char **ret_id)
{
    const char *id;

    if (jx_get_string(item, "id", &id) < 0) {
        model_reader_mistake(rd, "id", "must be a text");
        return;
    }
    if (!name_is_feature_id(id)) {
        model_reader_mistake(rd, "id",
                             "\"%.40s\" is not an id: 1 to %d letters, digits, underscores", id,
                             LIMIT_FEATURE_ID);
        return;
    }
    *ret_id = strdup(id);
    if (!*ret_id)
        rd->no_memory = true;
}

/* Carried only: the documents give no rule for it. */
static void check_required(struct model_reader *rd, const json_t *item)
{
    const json_t *required = json_object_get(item, "required");

    if (required && !json_is_boolean(required))
        model_reader_mistake(rd, "required", "must be true or false");
}

static void read_property(struct model_reader *rd, const json_t *item, void *slot)
{
    struct model_property *p = slot;
    unsigned n_mistakes = rd->n_mistakes;
    const char *mode;

    model_reader_id(rd, item, &p->id);
    check_required(rd, item);
    if (jx_get_string(item, "mode", &mode) < 0 || (strcmp(mode, "rw") != 0 && strcmp(mode, "r")))
        model_reader_mistake(rd, "mode", "must be \"rw\" or \"r\"");
    else
        p->writable = mode[1] == 'w';
    model_reader_define(rd, item, "define", &p->define);
    if (rd->n_mistakes == n_mistakes && !rd->no_memory)
        model_reader_platform_property(rd, p);
}

static void read_param(struct model_reader *rd, const json_t *item, void *slot)
{
    struct model_param *p = slot;

    model_reader_id(rd, item, &p->id);
    model_reader_define(rd, item, "define", &p->define);
}

void model_reader_list(struct model_reader *rd, const json_t *parent, const char *key, size_t max,
                       size_t slot_size, model_reader_fn read_one, void **items, size_t *n)
{
    json_t *list;
    size_t n_items;
    char *slots;
    int r = jx_get_array(parent, key, &list);

    if (r == -ENOENT)
        return;
    if (r < 0) {
        model_reader_mistake(rd, key, "must be a list");
        return;
    }
    n_items = json_array_size(list);
    if (n_items > max) {
        model_reader_mistake(rd, key, "has more than %zu entries", max);
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
        size_t len = model_reader_push(rd, "%s%s[%zu]", *rd->path ? "." : "", key, i);

        if (json_is_object(item))
            read_one(rd, item, slots + i * slot_size);
        else
            model_reader_mistake(rd, "", "must be an object");
        model_reader_pop(rd, len);
    }
}

static void check_unique_params(struct model_reader *rd, const char *key,
                                const struct model_param *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; p[i].id && k < i; k++) {
            if (p[k].id && strcmp(p[k].id, p[i].id) == 0)
                model_reader_mistake(rd, key, "has the id \"%s\" twice", p[i].id);
        }
    }
}

static void read_event(struct model_reader *rd, const json_t *item, void *slot)
{
    struct model_event *e = slot;
    void *params = NULL;
    const char *type;
    bool known = false;

    model_reader_id(rd, item, &e->id);
    model_reader_platform_other(rd, e->id);
    check_required(rd, item);
    if (jx_get_string(item, "type", &type) == 0) {
        for (int i = 0; i < MODEL_EVENT_TYPE_COUNT_; i++) {
            if (strcmp(type, model_event_type_name((enum model_event_type) i)) == 0) {
                e->type = (enum model_event_type) i;
                known = true;
            }
        }
    }
    if (!known)
        model_reader_mistake(rd, "type", "must be \"info\", \"alert\" or \"fault\"");
    model_reader_list(rd, item, "params", LIMIT_EVENT_PARAMS, sizeof(*e->params), read_param,
                      &params, &e->n_params);
    e->params = params;
    check_unique_params(rd, "params", e->params, e->n_params);
}

static void read_action(struct model_reader *rd, const json_t *item, void *slot)
{
    struct model_action *a = slot;
    void *inputs = NULL, *outputs = NULL;

    model_reader_id(rd, item, &a->id);
    model_reader_platform_other(rd, a->id);
    check_required(rd, item);
    model_reader_list(rd, item, "input", LIMIT_EVENT_PARAMS, sizeof(*a->inputs), read_param,
                      &inputs, &a->n_inputs);
    a->inputs = inputs;
    check_unique_params(rd, "input", a->inputs, a->n_inputs);
    model_reader_list(rd, item, "output", LIMIT_EVENT_PARAMS, sizeof(*a->outputs), read_param,
                      &outputs, &a->n_outputs);
    a->outputs = outputs;
    check_unique_params(rd, "output", a->outputs, a->n_outputs);
}

/* An id and where it is. */
struct place {
    const char *id;
    const char *list;
    size_t index;
    size_t rank; /* in the file */
};

/* Ids that differ in case only lie together, in the order of the file. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int r = strcasecmp(x->id, y->id);

    return r ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

static void add_place(struct place *places, size_t *n, const char *id, const char *list,
                      size_t index)
{
    if (!id)
        return; /* told already */
    places[*n] = (struct place){id, list, index, *n};
    ++*n;
}

static void tell_repeated(struct model_reader *rd, const struct place *first,
                          const struct place *again)
{
    size_t len = model_reader_push(rd, "%s[%zu]", again->list, again->index);

    if (strcmp(first->id, again->id) == 0)
        model_reader_mistake(rd, "id", "\"%s\" is the id of %s[%zu], too", again->id, first->list,
                             first->index);
    else
        model_reader_mistake(rd, "id", "\"%s\" and \"%s\" of %s[%zu] differ in case only",
                             again->id, first->id, first->list, first->index);
    model_reader_pop(rd, len);
}

/*
 * Ids are unique over all features of a product (console guide); also without their case, since
 * the vendor's generated code has them in capitals.
 */
static void check_unique(struct model_reader *rd)
{
    const struct model *m = rd->model;
    size_t n = 0, total = m->n_properties + m->n_events + m->n_actions;
    CLEANUP(freep) struct place *places = NULL;

    if (total > LIMIT_MODEL_IDS) {
        model_reader_mistake(rd, "", "has more than %d properties, events and actions",
                             LIMIT_MODEL_IDS);
        return;
    }
    places = calloc(total ? total : 1, sizeof(*places));
    if (!places) {
        rd->no_memory = true;
        return;
    }
    for (size_t i = 0; i < m->n_properties; i++)
        add_place(places, &n, m->properties[i].id, "properties", i);
    for (size_t i = 0; i < m->n_events; i++)
        add_place(places, &n, m->events[i].id, "events", i);
    for (size_t i = 0; i < m->n_actions; i++)
        add_place(places, &n, m->actions[i].id, "actions", i);
    qsort(places, n, sizeof(*places), compare_places);
    for (size_t i = 1; i < n; i++) {
        if (strcasecmp(places[i - 1].id, places[i].id) == 0)
            tell_repeated(rd, &places[i - 1], &places[i]);
    }
}

static void check_profile(struct model_reader *rd, const json_t *root, const char *product_id)
{
    const char *have;
    json_t *profile;

    if (!product_id || jx_get_object(root, "profile", &profile) < 0 ||
        jx_get_string(profile, "ProductId", &have) < 0)
        return;
    if (strcmp(have, product_id) != 0)
        model_reader_mistake(rd, "profile.ProductId", "is \"%.32s\", the credentials say \"%s\"",
                             have, product_id);
}

static void read_root(struct model_reader *rd, const json_t *root, const char *product_id)
{
    struct model *m = rd->model;
    void *properties = NULL, *events = NULL, *actions = NULL;

    check_profile(rd, root, product_id);
    model_reader_list(rd, root, "properties", LIMIT_MODEL_IDS, sizeof(*m->properties),
                      read_property, &properties, &m->n_properties);
    m->properties = properties;
    model_reader_list(rd, root, "events", LIMIT_MODEL_IDS, sizeof(*m->events), read_event, &events,
                      &m->n_events);
    m->events = events;
    model_reader_list(rd, root, "actions", LIMIT_MODEL_IDS, sizeof(*m->actions), read_action,
                      &actions, &m->n_actions);
    m->actions = actions;
    if (!properties && !events && !actions && rd->n_mistakes == 0 && !rd->no_memory)
        model_reader_mistake(rd, "", "has neither properties nor events nor actions");
    check_unique(rd);
}

int model_parse(struct model **ret_model, const char *text, size_t len, const char *product_id,
                model_mistake_fn on_mistake, void *userdata)
{
    CLEANUP(model_freep) struct model *m = NULL;
    CLEANUP(jx_decrefp) json_t *root = NULL;
    struct model_reader rd = {.on_mistake = on_mistake, .userdata = userdata};
    struct jx_error error;
    int r;

    r = jx_parse_object(text, len, &root, &error);
    if (r == -EBADMSG) {
        model_reader_mistake(&rd, "", "not JSON: %s (line %d, column %d)", error.text, error.line,
                             error.column);
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
    r = model_sort(m);
    if (r < 0)
        return r;
    *ret_model = TAKE(m);
    return 0;
}
