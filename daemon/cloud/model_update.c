/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/model_update.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model_reader.h"
#include "daemon/json/jx.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

static const struct {
    const char *key;
    size_t size;
} kinds[MODEL_KIND_COUNT_] = {
    [MODEL_PROPERTY] = {"properties", sizeof(struct model_property)},
    [MODEL_EVENT] = {"events", sizeof(struct model_event)},
    [MODEL_ACTION] = {"actions", sizeof(struct model_action)},
};

const char *model_kind_key(enum model_kind kind)
{
    return kinds[kind].key;
}

/* --- definitions side by side --- */

static bool is_for_people(const char *key, const json_t *value)
{
    return json_is_string(value) && (strcmp(key, "name") == 0 || strcmp(key, "desc") == 0);
}

static void show(const json_t *value, char *buf, size_t size)
{
    CLEANUP(freep) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    (void) snprintf(buf, size, "%s", !value ? "missing" : text ? text : "another");
    utf8_trim(buf);
}

/* Where the two trees part: path and both sides. Depth is that of jx_parse_object(). */
struct compare {
    char path[64];
    char *difference;
};

static bool compare_values(struct compare *c, const json_t *a, const json_t *b);

static bool part(const struct compare *c, const json_t *a, const json_t *b)
{
    char x[32], y[32];

    show(a, x, sizeof(x));
    show(b, y, sizeof(y));
    (void) snprintf(c->difference, MODEL_DIFFERENCE, "%s is %s, not %s", *c->path ? c->path : "it",
                    x, y);
    utf8_trim(c->difference);
    return false;
}

static bool step(struct compare *c, const char *key, const json_t *a, const json_t *b)
{
    size_t len = strlen(c->path);
    bool same;

    (void) snprintf(c->path + len, sizeof(c->path) - len, "%s%s", len ? "." : "", key);
    utf8_trim(c->path);
    same = a && b ? compare_values(c, a, b) : part(c, a, b);
    c->path[len] = '\0';
    return same;
}

/* The keys of a mapping are values, whatever they are called. */
static bool compare_objects(struct compare *c, const json_t *a, const json_t *b)
{
    size_t len = strlen(c->path);
    bool is_mapping = len >= 7 && strcmp(c->path + len - 7, "mapping") == 0;
    const char *key;
    json_t *v;

    json_object_foreach((json_t *) (uintptr_t) a, key, v)
    {
        if ((is_mapping || !is_for_people(key, v)) && !step(c, key, v, json_object_get(b, key)))
            return false;
    }
    json_object_foreach((json_t *) (uintptr_t) b, key, v)
    {
        if ((is_mapping || !is_for_people(key, v)) && !json_object_get(a, key))
            return step(c, key, NULL, v);
    }
    return true;
}

static bool compare_arrays(struct compare *c, const json_t *a, const json_t *b)
{
    char key[24];

    if (json_array_size(a) != json_array_size(b))
        return part(c, a, b);
    for (size_t i = 0; i < json_array_size(a); i++) {
        (void) snprintf(key, sizeof(key), "[%zu]", i);
        if (!step(c, key, json_array_get(a, i), json_array_get(b, i)))
            return false;
    }
    return true;
}

/* The texts in a mapping are names for people. */
static bool is_label(const struct compare *c, const json_t *a, const json_t *b)
{
    const char *dot = strrchr(c->path, '.');

    return json_is_string(a) && json_is_string(b) && dot && dot - c->path >= 7 &&
           strncmp(dot - 7, "mapping", 7) == 0;
}

static bool compare_values(struct compare *c, const json_t *a, const json_t *b)
{
    if (json_is_object(a) && json_is_object(b))
        return compare_objects(c, a, b);
    if (json_is_array(a) && json_is_array(b))
        return compare_arrays(c, a, b);
    return json_equal(a, b) || is_label(c, a, b) || part(c, a, b);
}

bool model_same_definition(const json_t *a, const json_t *b, char difference[MODEL_DIFFERENCE])
{
    struct compare c = {.difference = difference};

    return compare_values(&c, a, b);
}

json_t *model_items_by_id(const json_t *root, enum model_kind kind)
{
    json_t *items = json_object();
    json_t *list, *item;
    size_t i;

    if (!items || jx_get_array(root, kinds[kind].key, &list) < 0)
        return items;
    json_array_foreach(list, i, item)
    {
        const char *id;

        if (jx_get_string(item, "id", &id) == 0 && json_object_set(items, id, item) < 0) {
            json_decref(items);
            return NULL;
        }
    }
    return items;
}

/* --- the plan --- */

struct side {
    void *items;
    size_t n;
};

static struct side side_of(const struct model *m, enum model_kind kind)
{
    switch (kind) {
    case MODEL_PROPERTY:
        return (struct side){m->properties, m->n_properties};
    case MODEL_EVENT:
        return (struct side){m->events, m->n_events};
    case MODEL_ACTION:
    case MODEL_KIND_COUNT_:
        break;
    }
    return (struct side){m->actions, m->n_actions};
}

static void set_side(struct model *m, enum model_kind kind, void *items, size_t n)
{
    switch (kind) {
    case MODEL_PROPERTY:
        m->properties = items;
        m->n_properties = n;
        break;
    case MODEL_EVENT:
        m->events = items;
        m->n_events = n;
        break;
    case MODEL_ACTION:
    case MODEL_KIND_COUNT_:
        m->actions = items;
        m->n_actions = n;
        break;
    }
}

static struct model_head head_of(const void *items, enum model_kind kind, size_t index)
{
    struct model_head head;

    memcpy(&head, (const char *) items + index * kinds[kind].size, sizeof(head));
    return head;
}

static size_t place_of(const void *items, enum model_kind kind, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(head_of(items, kind, i).id, id) == 0)
            return i;
    }
    return n;
}

static enum model_fate fate_of(const struct model_head *head, const json_t *was, const json_t *is)
{
    char difference[MODEL_DIFFERENCE];
    const json_t *a = json_object_get(was, head->id), *b = json_object_get(is, head->id);

    if (!head->is_gone && a && b && model_same_definition(a, b, difference))
        return MODEL_STAYS;
    return MODEL_DIFFERS;
}

static int plan_kind(struct model_plan *plan, enum model_kind kind, const struct model *m,
                     const struct model *newer, const json_t *was_root, const json_t *is_root)
{
    const struct side old = side_of(m, kind);
    const struct side new = side_of(newer, kind);
    CLEANUP(jx_decrefp) json_t *was = model_items_by_id(was_root, kind);
    CLEANUP(jx_decrefp) json_t *is = model_items_by_id(is_root, kind);

    plan->n_before[kind] = plan->n[kind] = old.n;
    plan->fates[kind] = calloc(old.n ? old.n : 1, sizeof(*plan->fates[kind]));
    plan->to[kind] = calloc(new.n ? new.n : 1, sizeof(*plan->to[kind]));
    if (!was || !is || !plan->fates[kind] || !plan->to[kind])
        return -ENOMEM;
    for (size_t i = 0; i < old.n; i++)
        plan->fates[kind][i] = head_of(old.items, kind, i).is_gone ? MODEL_STAYS : MODEL_GOES;
    for (size_t i = 0; i < new.n; i++) {
        struct model_head head = head_of(new.items, kind, i);
        size_t at = place_of(old.items, kind, old.n, head.id);

        if (at < old.n) {
            head = head_of(old.items, kind, at);
            plan->fates[kind][at] = (uint8_t) fate_of(&head, was, is);
        }
        plan->to[kind][i] = at < old.n ? at : plan->n[kind]++;
    }
    plan->places[kind] = calloc(plan->n[kind] ? plan->n[kind] : 1, kinds[kind].size);
    return plan->places[kind] ? 0 : -ENOMEM;
}

/* The texts were read before: without memory only they cannot be again. */
static int parse(const struct model *m, json_t **ret_root)
{
    return jx_parse_object(m->text, strlen(m->text), ret_root, NULL);
}

int model_plan_make(struct model_plan *plan, const struct model *m, const struct model *newer)
{
    CLEANUP(jx_decrefp) json_t *was = NULL;
    CLEANUP(jx_decrefp) json_t *is = NULL;
    size_t n = 0;
    int r;

    *plan = (struct model_plan){0};
    r = parse(m, &was);
    if (r == 0)
        r = parse(newer, &is);
    for (int k = 0; r == 0 && k < MODEL_KIND_COUNT_; k++) {
        r = plan_kind(plan, (enum model_kind) k, m, newer, was, is);
        n += plan->n[k];
    }
    if (r == 0 && n > LIMIT_MODEL_PLACES)
        r = -E2BIG;
    if (r == 0) {
        plan->sorted = calloc(n ? n : 1, sizeof(*plan->sorted));
        r = plan->sorted ? 0 : -ENOMEM;
    }
    if (r < 0)
        model_plan_done(plan);
    return r;
}

void model_plan_done(struct model_plan *plan)
{
    for (int k = 0; k < MODEL_KIND_COUNT_; k++) {
        free(plan->places[k]);
        free(plan->fates[k]);
        free(plan->to[k]);
    }
    free(plan->sorted);
    *plan = (struct model_plan){0};
}

static void set_gone(void *items, enum model_kind kind, size_t index)
{
    const bool is_gone = true;

    memcpy((char *) items + index * kinds[kind].size + offsetof(struct model_head, is_gone),
           &is_gone, sizeof(is_gone));
}

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = a[i];

        a[i] = b[i];
        b[i] = c;
    }
}

static void carry_out(struct model_plan *plan, enum model_kind kind, struct model *m,
                      const struct model *newer)
{
    const struct side old = side_of(m, kind), new = side_of(newer, kind);
    size_t size = kinds[kind].size;
    char *places = TAKE(plan->places[kind]);

    if (old.n > 0)
        memcpy(places, old.items, old.n * size);
    free(old.items);
    for (size_t i = 0; i < plan->n_before[kind]; i++) {
        if (model_plan_fate(plan, kind, i) == MODEL_GOES)
            set_gone(places, kind, i);
    }
    /* What is new changes places with nothing: that is left to the newer. */
    for (size_t i = 0; i < new.n; i++)
        swap(places + plan->to[kind][i] * size, (char *) new.items + i *size, size);
    set_side(m, kind, places, plan->n[kind]);
}

void model_plan_carry_out(struct model_plan *plan, struct model *m, struct model *newer)
{
    char *text = m->text;

    for (int k = 0; k < MODEL_KIND_COUNT_; k++)
        carry_out(plan, (enum model_kind) k, m, newer);
    m->text = newer->text;
    newer->text = text;
    model_sort_into(m, TAKE(plan->sorted));
}
