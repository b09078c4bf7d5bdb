/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of commands: given to programs that serve them, or waiting for one that is started. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/call.h"

LOG_AREA("call");

static bool is_of(const struct call_part *p, const struct registration *owner, const char *service)
{
    if (p->service || service)
        return p->service && service && strcmp(p->service, service) == 0;
    return p->owner == owner;
}

int call_part_get(struct call *c, struct registration *owner, const char *service,
                  size_t max_updates, struct call_part **ret_part)
{
    struct call_part *p;

    LIST_FOR_EACH (n, &c->parts) {
        p = LIST_ENTRY(n, struct call_part, link);
        if (is_of(p, owner, service)) {
            *ret_part = p;
            return 0;
        }
    }
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->call = c;
    p->owner = owner;
    p->client = owner ? owner->client : NULL;
    list_init(&p->link);
    p->service = service ? strdup(service) : NULL;
    p->updates = calloc(max_updates ? max_updates : 1, sizeof(*p->updates));
    p->versions = calloc(max_updates ? max_updates : 1, sizeof(*p->versions));
    if (!p->updates || !p->versions || (service && !p->service)) {
        call_part_free(p);
        return -ENOMEM;
    }
    list_append(&c->parts, &p->link);
    *ret_part = p;
    return 0;
}

bool calls_has_room(const struct calls *cs, const struct client *client)
{
    unsigned n = 0;

    LIST_FOR_EACH (cn, &cs->pending) {
        LIST_FOR_EACH (pn, &LIST_ENTRY(cn, struct call, link)->parts)
            n += LIST_ENTRY(pn, struct call_part, link)->client == client;
    }
    return cs->max_per_client == 0 || n < cs->max_per_client;
}

bool call_part_deliver(struct call_part *p)
{
    struct call *c = p->call;
    struct calls *cs = c->owner;
    int r;

    if (c->action)
        r = cs->front->invoke(p, c->action, c->inputs, cs->userdata);
    else
        r = cs->front->control(p, cs->userdata);
    p->owner = NULL; /* it may give the ids back before it answers */
    if (r == 0)
        return true;
    p->client = NULL;
    call_fail(c, CODE_REFUSED, "the program cannot be reached");
    return false;
}

/* Nobody will come for it. */
static void give_up(struct call_part *p, const char *why)
{
    char text[LIMIT_STATUS_TEXT + 1];

    (void) snprintf(text, sizeof(text), "%.40s cannot be started", p->service);
    log_warn("not started bus_name=%s error=\"%.200s\"", p->service, why);
    call_fail(p->call, CODE_REFUSED, text);
    free(TAKE(p->service));
}

bool call_part_wait(struct call_part *p)
{
    struct calls *cs = p->call->owner;
    int r = cs->front->start(p->service, cs->userdata);

    if (r == 0)
        return true;
    give_up(p, strerror(-r));
    return false;
}

/* Moves one value to the part of who serves it now, which is delivered later. */
static int move_update(struct call *c, struct call_part *p, size_t i, struct registration *owner)
{
    struct call_part *to;
    int r = call_part_get(c, owner, NULL, p->n_updates, &to);

    if (r < 0)
        return r;
    to->updates[to->n_updates] = p->updates[i];
    to->versions[to->n_updates++] = p->versions[i];
    p->updates[i].value = (struct value){0};
    return 0;
}

/* What of the values is served by now. */
static int take_served(struct call *c, struct call_part *p)
{
    size_t n = 0;
    int result = 0;

    for (size_t i = 0; i < p->n_updates; i++) {
        struct registration *owner =
            owners_get(c->owner->owners, FEATURE_PROPERTY, p->updates[i].index);
        int r = owner ? move_update(c, p, i, owner) : 1;

        if (r == 0)
            continue;
        if (r < 0)
            result = r;
        if (n < i) { /* it waits on */
            p->updates[n] = p->updates[i];
            p->versions[n] = p->versions[i];
            p->updates[i].value = (struct value){0};
        }
        n++;
    }
    p->n_updates = n;
    return result;
}

/* True when somebody serves it. */
static bool take_action(struct call *c, struct call_part *p)
{
    size_t index = (size_t) (c->action - c->owner->model->actions);

    p->owner = owners_get(c->owner->owners, FEATURE_ACTION, index);
    if (!p->owner)
        return false;
    p->client = p->owner->client;
    free(TAKE(p->service));
    return true;
}

static void look_again(struct call *c)
{
    LIST_FOR_EACH_SAFE (n, &c->parts) {
        struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (!p->service)
            continue;
        if (c->action) {
            c->n_open -= take_action(c, p);
        } else {
            if (take_served(c, p) < 0)
                call_fail(c, CODE_INTERNAL, "out of memory"); /* the rest waits for the deadline */
            if (p->n_updates == 0) {
                c->n_open--;
                call_part_free(p);
            }
        }
    }
    LIST_FOR_EACH (n, &c->parts) {
        struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (p->owner) /* not delivered yet */
            c->n_open += call_part_deliver(p);
    }
    if (c->n_open == 0)
        call_finish(c);
}

static bool is_touched(const struct call *c, const struct model_plan *plan)
{
    if (c->action)
        return model_plan_fate(plan, MODEL_ACTION,
                               (size_t) (c->action - c->owner->model->actions)) != MODEL_STAYS;
    LIST_FOR_EACH (n, &c->parts) {
        const struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        for (size_t i = 0; i < p->n_updates; i++) {
            if (model_plan_fate(plan, MODEL_PROPERTY, p->updates[i].index) != MODEL_STAYS)
                return true;
        }
    }
    return false;
}

void calls_on_model(struct calls *cs, const struct model_plan *plan)
{
    const struct model_action *places = plan->places[MODEL_ACTION];

    LIST_FOR_EACH_SAFE (n, &cs->pending) {
        struct call *c = LIST_ENTRY(n, struct call, link);

        if (!is_touched(c, plan)) {
            if (c->action)
                c->action = places + (c->action - cs->model->actions);
        } else if (c->is_offer) { /* made again at the next registration */
            call_free(c);
        } else {
            call_fail(c, CODE_UNKNOWN, "the thing model has changed");
            call_finish(c);
        }
    }
}

static bool is_waiting(const struct call *c, const char *bus_name)
{
    LIST_FOR_EACH (n, &c->parts) {
        const struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (p->service && (!bus_name || strcmp(p->service, bus_name) == 0))
            return true;
    }
    return false;
}

void calls_registered(struct calls *cs)
{
    LIST_FOR_EACH_SAFE (n, &cs->pending) {
        struct call *c = LIST_ENTRY(n, struct call, link);

        if (is_waiting(c, NULL))
            look_again(c);
    }
}

void calls_not_started(struct calls *cs, const char *bus_name, const char *why)
{
    LIST_FOR_EACH_SAFE (n, &cs->pending) {
        struct call *c = LIST_ENTRY(n, struct call, link);

        if (!is_waiting(c, bus_name))
            continue;
        LIST_FOR_EACH (pn, &c->parts) {
            struct call_part *p = LIST_ENTRY(pn, struct call_part, link);

            if (!p->service || strcmp(p->service, bus_name) != 0)
                continue;
            give_up(p, why);
            c->n_open--;
        }
        if (c->n_open == 0)
            call_finish(c);
    }
}
