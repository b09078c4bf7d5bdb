/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/room.h"

_Static_assert((int) FEATURE_PROPERTY == MODEL_PROPERTY && (int) FEATURE_EVENT == MODEL_EVENT &&
                   (int) FEATURE_ACTION == MODEL_ACTION,
               "a feature is a kind of the model");

size_t owners_count(const struct owners *o, enum feature f)
{
    const size_t n[FEATURE_COUNT_] = {o->model->n_properties, o->model->n_events,
                                      o->model->n_actions};

    return n[f];
}

const char *owners_id(const struct owners *o, enum feature f, size_t index)
{
    switch (f) {
    case FEATURE_PROPERTY:
        return o->model->properties[index].id;
    case FEATURE_EVENT:
        return o->model->events[index].id;
    case FEATURE_ACTION:
        return o->model->actions[index].id;
    case FEATURE_COUNT_:
        break;
    }
    return NULL;
}

static int find(const struct owners *o, enum feature f, const char *id)
{
    switch (f) {
    case FEATURE_PROPERTY:
        return model_find_property(o->model, id);
    case FEATURE_EVENT:
        return model_find_event(o->model, id);
    case FEATURE_ACTION:
        return model_find_action(o->model, id);
    case FEATURE_COUNT_:
        break;
    }
    return -ENOENT;
}

int owners_init(struct owners *o, const struct model *model)
{
    *o = (struct owners){.model = model};
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        size_t n = owners_count(o, (enum feature) f);

        o->of[f] = calloc(n ? n : 1, sizeof(struct registration *));
        if (!o->of[f]) {
            owners_done(o);
            return -ENOMEM;
        }
    }
    return 0;
}

void owners_done(struct owners *o)
{
    for (int f = 0; f < FEATURE_COUNT_; f++)
        free(o->of[f]);
    *o = (struct owners){0};
}

static struct registration *registration_free(struct registration *r)
{
    if (!r)
        return NULL;
    list_remove(&r->link);
    free(r->handler);
    free(r);
    return NULL;
}

static void take(struct owners *o, enum feature f, size_t index, struct registration *r)
{
    o->of[f][index] = r;
    r->n_ids++;
    r->client->n_ids++;
}

static void give_up(struct owners *o, enum feature f, size_t index)
{
    struct registration *r = TAKE(o->of[f][index]);

    r->client->n_ids--;
    if (--r->n_ids == 0)
        registration_free(r);
}

int owners_reserve(struct owners *o, const struct model_plan *plan)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        if (!ROOM_GROW(o->of[f], plan->n_before[f], plan->n[f]))
            return -ENOMEM;
    }
    return 0;
}

void owners_on_model(struct owners *o, const struct model_plan *plan)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        for (size_t i = 0; i < plan->n_before[f]; i++) {
            if (o->of[f][i] && model_plan_fate(plan, (enum model_kind) f, i) == MODEL_GOES)
                give_up(o, (enum feature) f, i);
        }
    }
}

/* Calls fn for each listed id; ends with the first failure. */
typedef int (*each_fn)(struct owners *o, enum feature f, size_t index, struct registration *r,
                       struct client *c);

static int for_each(struct owners *o, const struct owners_ids *ids, each_fn fn,
                    struct registration *r, struct client *c, const char **ret_id)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        for (size_t i = 0; i < ids->n[f]; i++) {
            int index = find(o, (enum feature) f, ids->ids[f][i]);
            int e = index < 0 ? index : fn(o, (enum feature) f, (size_t) index, r, c);

            if (e < 0) {
                *ret_id = ids->ids[f][i];
                return e;
            }
        }
    }
    return 0;
}

static int check_free(struct owners *o, enum feature f, size_t index, struct registration *r,
                      struct client *c)
{
    const struct registration *have = o->of[f][index];

    (void) r;
    return have && have->client != c ? -EEXIST : 0;
}

static int do_take(struct owners *o, enum feature f, size_t index, struct registration *r,
                   struct client *c)
{
    (void) c;
    if (o->of[f][index] == r) /* listed twice */
        return 0;
    if (o->of[f][index])
        give_up(o, f, index);
    take(o, f, index, r);
    return 0;
}

static int check_owned(struct owners *o, enum feature f, size_t index, struct registration *r,
                       struct client *c)
{
    const struct registration *have = o->of[f][index];

    (void) r;
    return !have || have->client != c ? -EPERM : 0;
}

static int do_give_up(struct owners *o, enum feature f, size_t index, struct registration *r,
                      struct client *c)
{
    (void) r;
    (void) c;
    if (o->of[f][index])
        give_up(o, f, index);
    return 0;
}

static struct registration *find_handler(struct client *c, const char *handler)
{
    LIST_FOR_EACH (n, &c->registrations) {
        struct registration *r = LIST_ENTRY(n, struct registration, link);

        if (strcmp(r->handler, handler) == 0)
            return r;
    }
    return NULL;
}

static int registration_new(struct registration **ret, struct client *c, const char *handler)
{
    struct registration *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->client = c;
    r->handler = strdup(handler);
    if (!r->handler) {
        free(r);
        return -ENOMEM;
    }
    list_append(&c->registrations, &r->link);
    *ret = r;
    return 0;
}

static size_t count(const struct owners_ids *ids)
{
    return ids->n[FEATURE_PROPERTY] + ids->n[FEATURE_EVENT] + ids->n[FEATURE_ACTION];
}

/* Those that it does not serve yet, each once. Each is in the model. */
static int count_new(const struct owners *o, const struct owners_ids *ids, size_t *ret_n)
{
    size_t n = 0;

    for (int f = 0; f < FEATURE_COUNT_; f++) {
        size_t n_features = owners_count(o, (enum feature) f);
        CLEANUP(freep) bool *seen = calloc(n_features ? n_features : 1, sizeof(*seen));

        if (!seen)
            return -ENOMEM;
        for (size_t i = 0; i < ids->n[f]; i++) {
            int index = find(o, (enum feature) f, ids->ids[f][i]);

            if (index < 0 || seen[index] || o->of[f][index])
                continue;
            seen[index] = true;
            n++;
        }
    }
    *ret_n = n;
    return 0;
}

int owners_check(struct owners *o, struct client *c, const struct owners_ids *ids,
                 const char **ret_id)
{
    size_t max = o->max_ids ? o->max_ids : LIMIT_CLIENT_IDS, n;
    int e;

    if (count(ids) > (size_t) FEATURE_COUNT_ * LIMIT_CLIENT_IDS)
        return -ENOBUFS;
    e = for_each(o, ids, check_free, NULL, c, ret_id);
    if (e == 0)
        e = count_new(o, ids, &n);
    if (e == 0 && (c ? c->n_ids : 0) + n > max)
        e = -EDQUOT;
    return e;
}

int owners_register(struct owners *o, struct client *c, const struct owners_ids *ids,
                    const char *handler, const char **ret_id)
{
    struct registration *r;
    int e;

    e = owners_check(o, c, ids, ret_id);
    if (e < 0 || count(ids) == 0)
        return e;
    r = find_handler(c, handler);
    if (!r) {
        e = registration_new(&r, c, handler);
        if (e < 0)
            return e;
    }
    return for_each(o, ids, do_take, r, c, ret_id); /* cannot fail after the check */
}

int owners_unregister(struct owners *o, struct client *c, const struct owners_ids *ids,
                      const char **ret_id)
{
    int e;

    if (count(ids) == 0) {
        owners_release(o, c);
        return 0;
    }
    e = for_each(o, ids, check_owned, NULL, c, ret_id);
    if (e < 0)
        return e;
    return for_each(o, ids, do_give_up, NULL, c, ret_id);
}

void owners_release(struct owners *o, struct client *c)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        size_t n = owners_count(o, (enum feature) f);

        for (size_t i = 0; i < n; i++) {
            if (o->of[f][i] && o->of[f][i]->client == c)
                give_up(o, (enum feature) f, i);
        }
    }
}
