/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of a product is frozen when the product is released (console guide): devices in the
 * field have it. A later one may add, and may allow more; it may take nothing away.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/model.h"

struct comparison {
    model_mistake_fn on_mistake;
    void *userdata;
    unsigned n_mistakes;
};

PRINTF_LIKE(3, 4)
static void mistake(struct comparison *c, const char *path, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    c->n_mistakes++;
    c->on_mistake(path, text, c->userdata);
}

static void compare_define(struct comparison *c, const char *path, const struct thing_define *old,
                           const struct thing_define *now);

static void compare_members(struct comparison *c, const char *path, const struct thing_define *old,
                            const struct thing_define *now)
{
    for (size_t i = 0; i < old->st.n_members; i++) {
        const struct thing_member *m = &old->st.members[i];
        char below[256];
        size_t k = 0;

        while (k < now->st.n_members && strcmp(now->st.members[k].id, m->id) != 0)
            k++;
        (void) snprintf(below, sizeof(below), "%.180s.specs[%zu].dataType", path, k);
        if (k == now->st.n_members)
            mistake(c, path, "the released model has the member \"%s\"", m->id);
        else
            compare_define(c, below, &m->define, &now->st.members[k].define);
    }
}

static bool has_key(const struct thing_define *d, const char *key)
{
    for (size_t i = 0; i < d->se.n_keys; i++) {
        if (strcmp(d->se.keys[i], key) == 0)
            return true;
    }
    return false;
}

static void compare_stringenum(struct comparison *c, const char *path,
                               const struct thing_define *old, const struct thing_define *now)
{
    for (size_t i = 0; i < old->se.n_keys; i++) {
        if (!has_key(now, old->se.keys[i]))
            mistake(c, path, "the released model has the value \"%s\"", old->se.keys[i]);
    }
}

static void compare_enum(struct comparison *c, const char *path, const struct thing_define *old,
                         const struct thing_define *now)
{
    size_t k = 0;

    for (size_t i = 0; i < old->e.n_keys; i++) { /* both ascend */
        while (k < now->e.n_keys && now->e.keys[k] < old->e.keys[i])
            k++;
        if (k == now->e.n_keys || now->e.keys[k] != old->e.keys[i])
            mistake(c, path, "the released model has the value %lld", (long long) old->e.keys[i]);
    }
}

/* Whether values that were good are not any more. */
static bool is_narrower(const struct thing_define *old, const struct thing_define *now)
{
    if (old->type == THING_INT)
        return now->i.min > old->i.min || now->i.max < old->i.max;
    if (old->type == THING_FLOAT)
        return now->f.min > old->f.min || now->f.max < old->f.max;
    if (old->type == THING_STRING)
        return now->s.min > old->s.min || now->s.max < old->s.max;
    return false;
}

static void compare_define(struct comparison *c, const char *path, const struct thing_define *old,
                           const struct thing_define *now)
{
    char below[256];

    if (old->type != now->type) {
        mistake(c, path, "is of type %s in the released model", thing_type_name(old->type));
        return;
    }
    if (is_narrower(old, now))
        mistake(c, path, "the released model allows more");
    if (old->type == THING_ENUM)
        compare_enum(c, path, old, now);
    else if (old->type == THING_STRINGENUM)
        compare_stringenum(c, path, old, now);
    else if (old->type == THING_STRUCT)
        compare_members(c, path, old, now);
    else if (old->type == THING_ARRAY) {
        (void) snprintf(below, sizeof(below), "%.200s.arrayInfo", path);
        compare_define(c, below, old->a.element, now->a.element);
    }
}

static void compare_params(struct comparison *c, const char *path, const struct model_param *old,
                           size_t n_old, const struct model_param *now, size_t n_now)
{
    for (size_t i = 0; i < n_old; i++) {
        int k = model_find_param(now, n_now, old[i].id);
        char below[128];

        (void) snprintf(below, sizeof(below), "%.90s[%d].define", path, k);
        if (k < 0)
            mistake(c, path, "the released model has the parameter \"%s\"", old[i].id);
        else
            compare_define(c, below, &old[i].define, &now[k].define);
    }
}

static void compare_properties(struct comparison *c, const struct model *old,
                               const struct model *now)
{
    for (size_t i = 0; i < old->n_properties; i++) {
        const struct model_property *p = &old->properties[i];
        int k = model_find_property(now, p->id);
        char path[64];

        if (k < 0) {
            mistake(c, "properties", "the released model has \"%s\"", p->id);
            continue;
        }
        (void) snprintf(path, sizeof(path), "properties[%d].mode", k);
        if (p->writable != now->properties[k].writable)
            mistake(c, path, "is \"%s\" in the released model", p->writable ? "rw" : "r");
        (void) snprintf(path, sizeof(path), "properties[%d].define", k);
        compare_define(c, path, &p->define, &now->properties[k].define);
    }
}

static void compare_events(struct comparison *c, const struct model *old, const struct model *now)
{
    for (size_t i = 0; i < old->n_events; i++) {
        const struct model_event *e = &old->events[i];
        int k = model_find_event(now, e->id);
        char path[64];

        if (k < 0) {
            mistake(c, "events", "the released model has \"%s\"", e->id);
            continue;
        }
        (void) snprintf(path, sizeof(path), "events[%d].type", k);
        if (e->type != now->events[k].type)
            mistake(c, path, "is \"%s\" in the released model", model_event_type_name(e->type));
        (void) snprintf(path, sizeof(path), "events[%d].params", k);
        compare_params(c, path, e->params, e->n_params, now->events[k].params,
                       now->events[k].n_params);
    }
}

static void compare_actions(struct comparison *c, const struct model *old, const struct model *now)
{
    for (size_t i = 0; i < old->n_actions; i++) {
        const struct model_action *a = &old->actions[i], *b;
        int k = model_find_action(now, a->id);
        char path[64];

        if (k < 0) {
            mistake(c, "actions", "the released model has \"%s\"", a->id);
            continue;
        }
        b = &now->actions[k];
        (void) snprintf(path, sizeof(path), "actions[%d].input", k);
        compare_params(c, path, a->inputs, a->n_inputs, b->inputs, b->n_inputs);
        for (size_t n = 0; n < b->n_inputs; n++) { /* every input has to be given */
            if (model_find_param(a->inputs, a->n_inputs, b->inputs[n].id) < 0)
                mistake(c, path, "\"%s\" is not in the released model, and callers do not give it",
                        b->inputs[n].id);
        }
        (void) snprintf(path, sizeof(path), "actions[%d].output", k);
        compare_params(c, path, a->outputs, a->n_outputs, b->outputs, b->n_outputs);
    }
}

int model_check_released(const struct model *m, const struct model *released,
                         model_mistake_fn on_mistake, void *userdata)
{
    struct comparison c = {.on_mistake = on_mistake, .userdata = userdata};

    compare_properties(&c, released, m);
    compare_events(&c, released, m);
    compare_actions(&c, released, m);
    return c.n_mistakes > 0 ? -EINVAL : 0;
}
