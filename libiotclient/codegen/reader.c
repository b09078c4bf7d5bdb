/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the console's file. Goes on after a mistake, so that one run names all of them. */

#include "libiotclient/codegen/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"

void cg_reader_mistake(struct cg_reader *rd, const char *member, const char *fmt, ...)
{
    char path[320], text[256];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void) snprintf(path, sizeof(path), "%s%s%s", rd->path, *member && *rd->path ? "." : "",
                    member);
    rd->n_mistakes++;
    rd->on_mistake(path, text, rd->userdata);
}

size_t cg_reader_push(struct cg_reader *rd, const char *fmt, ...)
{
    size_t len = strlen(rd->path);
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(rd->path + len, sizeof(rd->path) - len, fmt, ap);
    va_end(ap);
    return len;
}

void cg_reader_pop(struct cg_reader *rd, size_t len)
{
    rd->path[len] = '\0';
}

int cg_reader_text(const json_t *object, const char *key, const char **ret_text)
{
    const json_t *v = json_object_get(object, key);

    if (!v)
        return -ENOENT;
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        return -EPROTOTYPE;
    *ret_text = json_string_value(v);
    return 0;
}

const char *cg_reader_words(struct cg_reader *rd, const json_t *object, const char *key)
{
    const char *text = "";

    if (cg_reader_text(object, key, &text) == -EPROTOTYPE)
        cg_reader_mistake(rd, key, "must be a text");
    return text;
}

void cg_reader_names(struct cg_reader *rd, const json_t *item, const char **ret_id,
                     const char **ret_name, const char **ret_desc)
{
    const char *id;

    *ret_name = cg_reader_words(rd, item, "name");
    *ret_desc = cg_reader_words(rd, item, "desc");
    if (cg_reader_text(item, "id", &id) < 0)
        cg_reader_mistake(rd, "id", "must be a text");
    else if (!name_is_feature_id(id))
        cg_reader_mistake(rd, "id", "\"%.40s\" is not an id: 1 to %d letters, digits, underscores",
                          id, LIMIT_FEATURE_ID);
    else
        *ret_id = id;
}

void *cg_reader_list(struct cg_reader *rd, const json_t *parent, const char *key, size_t max,
                     size_t slot_size, cg_reader_fn fn, size_t *ret_n)
{
    const json_t *list = json_object_get(parent, key);
    size_t n = json_array_size(list);
    char *slots;

    *ret_n = 0;
    if (!list)
        return NULL;
    if (!json_is_array(list)) {
        cg_reader_mistake(rd, key, "must be a list");
        return NULL;
    }
    if (n > max) {
        cg_reader_mistake(rd, key, "has more than %zu entries", max);
        return NULL;
    }
    slots = pool_alloc(&rd->model->pool, n, slot_size);
    if (!slots) {
        rd->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        size_t len = cg_reader_push(rd, "%s%s[%zu]", *rd->path ? "." : "", key, i);

        if (json_is_object(item))
            fn(rd, item, slots + i * slot_size);
        else
            cg_reader_mistake(rd, "", "must be an object");
        cg_reader_pop(rd, len);
    }
    *ret_n = n;
    return slots;
}

void cg_reader_unique(struct cg_reader *rd, const char *key, const struct cg_field *fields,
                      size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; fields[i].id && k < i; k++) {
            if (fields[k].id && strcmp(fields[k].id, fields[i].id) == 0)
                cg_reader_mistake(rd, key, "has the id \"%s\" twice", fields[i].id);
        }
    }
}

static void check_required(struct cg_reader *rd, const json_t *item)
{
    const json_t *required = json_object_get(item, "required");

    if (required && !json_is_boolean(required))
        cg_reader_mistake(rd, "required", "must be true or false");
}

static void read_property(struct cg_reader *rd, const json_t *item, void *slot)
{
    struct cg_field *p = slot;
    const char *mode = "";

    cg_reader_names(rd, item, &p->id, &p->name, &p->desc);
    check_required(rd, item);
    if (cg_reader_text(item, "mode", &mode) < 0 || (strcmp(mode, "rw") && strcmp(mode, "r")))
        cg_reader_mistake(rd, "mode", "must be \"rw\" or \"r\"");
    p->is_writable = strcmp(mode, "rw") == 0;
    cg_reader_define(rd, item, "define", p);
}

static void read_param(struct cg_reader *rd, const json_t *item, void *slot)
{
    struct cg_field *p = slot;

    cg_reader_names(rd, item, &p->id, &p->name, &p->desc);
    cg_reader_define(rd, item, "define", p);
}

static void read_set(struct cg_reader *rd, const json_t *item, const char *key, struct cg_set *set)
{
    set->fields = cg_reader_list(rd, item, key, LIMIT_EVENT_PARAMS, sizeof(*set->fields),
                                 read_param, &set->n_fields);
    cg_reader_unique(rd, key, set->fields, set->n_fields);
}

static void read_event(struct cg_reader *rd, const json_t *item, void *slot)
{
    struct cg_feature *e = slot;

    cg_reader_names(rd, item, &e->id, &e->name, &e->desc);
    check_required(rd, item);
    if (cg_reader_text(item, "type", &e->kind) < 0 ||
        (strcmp(e->kind, "info") && strcmp(e->kind, "alert") && strcmp(e->kind, "fault")))
        cg_reader_mistake(rd, "type", "must be \"info\", \"alert\" or \"fault\"");
    read_set(rd, item, "params", &e->in);
}

static void read_action(struct cg_reader *rd, const json_t *item, void *slot)
{
    struct cg_feature *a = slot;

    cg_reader_names(rd, item, &a->id, &a->name, &a->desc);
    check_required(rd, item);
    read_set(rd, item, "input", &a->in);
    read_set(rd, item, "output", &a->out);
}

/* Those that differ in case only lie together, equal ones next to each other. */
static int compare_text(const void *a, const void *b)
{
    const char *x = *(const char *const *) a, *y = *(const char *const *) b;
    int r = strcasecmp(x, y);

    return r ? r : strcmp(x, y);
}

/* Ids are unique over all features of a product, also without their case. */
static void check_unique(struct cg_reader *rd)
{
    const struct cg_model *m = rd->model;
    size_t n = 0, total = m->properties.n_fields + m->n_events + m->n_actions;
    const char **ids;

    if (total > LIMIT_MODEL_IDS) {
        cg_reader_mistake(rd, "", "has more than %d properties, events and actions",
                          LIMIT_MODEL_IDS);
        return;
    }
    ids = pool_alloc(&rd->model->pool, total, sizeof(*ids));
    if (!ids) {
        rd->no_memory = true;
        return;
    }
    for (size_t i = 0; i < m->properties.n_fields; i++)
        ids[n++] = m->properties.fields[i].id;
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
            cg_reader_mistake(rd, "", "the id \"%s\" is used more than once", ids[i]);
        else if (strcasecmp(ids[i - 1], ids[i]) == 0)
            cg_reader_mistake(rd, "", "the ids \"%s\" and \"%s\" differ in case only", ids[i - 1],
                              ids[i]);
    }
}

static void read_root(struct cg_reader *rd, const json_t *root)
{
    struct cg_model *m = rd->model;

    if (cg_reader_text(json_object_get(root, "profile"), "ProductId", &m->product_id) < 0)
        m->product_id = NULL; /* not all files have it, and only a comment does */
    m->properties.fields =
        cg_reader_list(rd, root, "properties", LIMIT_MODEL_IDS, sizeof(*m->properties.fields),
                       read_property, &m->properties.n_fields);
    m->events = cg_reader_list(rd, root, "events", LIMIT_MODEL_IDS, sizeof(*m->events), read_event,
                               &m->n_events);
    m->actions = cg_reader_list(rd, root, "actions", LIMIT_MODEL_IDS, sizeof(*m->actions),
                                read_action, &m->n_actions);
    if (!m->properties.fields && !m->events && !m->actions && rd->n_mistakes == 0)
        cg_reader_mistake(rd, "", "has neither properties nor events nor actions");
    check_unique(rd);
}

/* Depth of brackets outside of strings. */
static bool is_too_deep(const char *text, size_t len)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
            continue;
        }
        in_string = text[i] == '"';
        depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
        if (depth > LIMIT_JSON_DEPTH)
            return true;
    }
    return false;
}

static int load(struct cg_reader *rd, const char *text, size_t len)
{
    json_error_t error;

    if (is_too_deep(text, len)) {
        cg_reader_mistake(rd, "", "not JSON: nested too deep");
        return -EINVAL;
    }
    rd->model->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!rd->model->root) {
        if (json_error_code(&error) == json_error_out_of_memory || !error.text[0])
            return -ENOMEM;
        cg_reader_mistake(rd, "", "not JSON: %s (line %d, column %d)", error.text, error.line,
                          error.column);
        return -EINVAL;
    }
    if (!json_is_object(rd->model->root)) {
        cg_reader_mistake(rd, "", "not JSON: not an object");
        return -EINVAL;
    }
    return 0;
}

int cg_model_parse(struct cg_model **ret_model, const char *text, size_t len,
                   cg_mistake_fn on_mistake, void *userdata)
{
    CLEANUP(cg_model_freep) struct cg_model *m = calloc(1, sizeof(*m));
    struct cg_reader rd = {.model = m, .on_mistake = on_mistake, .userdata = userdata};
    int r;

    if (!m)
        return -ENOMEM;
    r = load(&rd, text, len);
    if (r < 0)
        return r;
    read_root(&rd, m->root);
    if (rd.no_memory)
        return -ENOMEM;
    if (rd.n_mistakes > 0)
        return -EINVAL;
    *ret_model = TAKE(m);
    return 0;
}

struct cg_model *cg_model_free(struct cg_model *model)
{
    if (!model)
        return NULL;
    json_decref(model->root);
    pool_done(&model->pool);
    free(model);
    return NULL;
}
