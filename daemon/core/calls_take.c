/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking commands: known or new, checked by the model, given to those who serve them. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/call.h"
#include "daemon/sys/clock.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("call");

/* A failure in words for the cloud, which shows them to the app user. */
struct problem {
    int code;
    char text[LIMIT_STATUS_TEXT + 1];
};

PRINTF_LIKE(3, 4)
static int problem(struct problem *p, int code, const char *fmt, ...)
{
    va_list ap;

    p->code = code;
    va_start(ap, fmt);
    (void) vsnprintf(p->text, sizeof(p->text), fmt, ap);
    va_end(ap);
    utf8_trim(p->text);
    return -EINVAL;
}

/* Checks one value of a control and puts it where it belongs; owner NULL collects the unserved. */
static int take_value(struct calls *cs, struct call *c, const char *id, const json_t *json,
                      size_t n_params, struct problem *p)
{
    int index = model_find_property(cs->model, id);
    const struct model_property *mp;
    struct registration *owner;
    const char *service;
    struct call_part *part;
    char text[2 * LIMIT_STATUS_TEXT];
    struct value_fault fault;
    int r;

    if (index < 0)
        return problem(p, CODE_UNKNOWN, "unknown property %.32s", id);
    mp = &cs->model->properties[index];
    if (!mp->writable)
        return problem(p, CODE_READ_ONLY, "%s is read only", id);
    owner = owners_get(cs->owners, FEATURE_PROPERTY, (size_t) index);
    service = owner ? NULL : access_service_of(cs->access, id);
    if (!owner && !service && !cs->accept_unowned)
        return problem(p, CODE_UNKNOWN, "no program serves %s", id);
    if (owner && !calls_has_room(cs, owner->client))
        return problem(p, CODE_FULL, "%.32s has too many calls in flight", owner->client->app_id);
    r = call_part_get(c, owner, service, n_params, &part);
    if (r < 0)
        return problem(p, CODE_INTERNAL, "out of memory");
    r = value_from_json(&mp->define, json, &part->updates[part->n_updates].value, &fault);
    if (r < 0) {
        value_explain(&fault, id, r, text, sizeof(text));
        return problem(p, r == -ENOMEM ? CODE_INTERNAL : CODE_RANGE, "%s", text);
    }
    part->versions[part->n_updates] = cs->props->all[index].version;
    part->updates[part->n_updates++].index = (size_t) index;
    return 0;
}

static int take_params(struct calls *cs, struct call *c, json_t *params, struct problem *p)
{
    const char *id;
    json_t *v;

    if (!params || json_object_size(params) == 0)
        return problem(p, CODE_BAD_MESSAGE, "params is missing or empty");
    json_object_foreach(params, id, v)
    {
        int r = take_value(cs, c, id, v, json_object_size(params), p);

        if (r < 0)
            return r;
    }
    return 0;
}

uint64_t calls_fingerprint(const char *method, const json_t *params)
{
    return jx_fingerprint(params, method);
}

/* Values that nobody serves are done at once: kept as desired and told to whoever listens. */
static void accept_unowned(struct calls *cs, struct call_part *part)
{
    if (props_set_desired(cs->props, part->updates, part->n_updates) < 0)
        log_warn("desired values not kept: out of memory");
    cs->front->controlled(part->updates, part->n_updates, cs->userdata);
}

static void deliver_control(struct calls *cs, struct call *c)
{
    LIST_FOR_EACH_SAFE (n, &c->parts) {
        struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (p->service) {
            c->n_open += call_part_wait(p);
        } else if (p->client) {
            c->n_open += call_part_deliver(p);
        } else {
            accept_unowned(cs, p);
            call_part_free(p);
        }
    }
    if (c->n_open == 0)
        call_finish(c);
}

/* Ends before it began; nothing was delivered, so there is nothing to cancel. */
static void refuse(struct call *c, const struct problem *p)
{
    LIST_FOR_EACH (n, &c->parts)
        LIST_ENTRY(n, struct call_part, link)->client = NULL;
    call_fail(c, p->code, p->text);
    call_finish(c);
}

/* Takes c. */
static void run_control(struct call *c, json_t *params)
{
    struct calls *cs = c->owner;
    struct problem p = {0};

    if (take_params(cs, c, params, &p) < 0) {
        refuse(c, &p);
        return;
    }
    answers_begin(&cs->answers, c->token, c->content, ANSWER_CONTROL);
    call_start(cs, c, cs->control_timeout_us);
    deliver_control(cs, c);
}

void calls_on_control(struct calls *cs, const char *token, uint64_t timestamp_s, json_t *params)
{
    uint64_t content = calls_fingerprint("control", params);
    struct call *c;

    if (calls_is_known(cs, token, content))
        return;
    if (cs->n_pending >= LIMIT_PENDING_CALLS)
        calls_give_answer(cs, token, content, ANSWER_CONTROL, CODE_FULL, "too many calls in flight",
                          NULL);
    else if (call_new(&c, cs, token, timestamp_s, content) < 0)
        calls_give_answer(cs, token, content, ANSWER_CONTROL, CODE_INTERNAL, "out of memory", NULL);
    else
        run_control(c, params);
}

/* What both kinds of a local command begin with; NULL when fn has been told. */
static struct call *new_local(struct calls *cs, calls_done_fn fn, void *userdata)
{
    struct call *c;

    if (cs->n_pending >= LIMIT_PENDING_CALLS) {
        fn(CODE_FULL, "too many calls in flight", NULL, userdata);
        return NULL;
    }
    if (call_new(&c, cs, "", clock_real_us() / USEC_PER_SEC, 0) < 0) {
        fn(CODE_INTERNAL, "out of memory", NULL, userdata);
        return NULL;
    }
    c->done = fn;
    c->userdata = userdata;
    return c;
}

void calls_control(struct calls *cs, json_t *params, calls_done_fn fn, void *userdata)
{
    struct call *c = new_local(cs, fn, userdata);

    if (c)
        run_control(c, params);
}

/* inputs is parallel to the inputs of the action; every one of them has to be there. */
static int take_inputs(const struct model_action *a, json_t *params, struct value *inputs,
                       struct problem *p)
{
    char text[2 * LIMIT_STATUS_TEXT];
    struct value_fault fault;
    const char *id;
    json_t *v;

    json_object_foreach(params, id, v)
    {
        int i = model_find_param(a->inputs, a->n_inputs, id);
        int r;

        if (i < 0)
            return problem(p, CODE_UNKNOWN, "unknown input %.32s", id);
        r = value_from_json(&a->inputs[i].define, v, &inputs[i], &fault);
        if (r < 0) {
            value_explain(&fault, id, r, text, sizeof(text));
            return problem(p, r == -ENOMEM ? CODE_INTERNAL : CODE_RANGE, "%s", text);
        }
    }
    for (size_t i = 0; i < a->n_inputs; i++) {
        if (inputs[i].kind == VALUE_NONE)
            return problem(p, CODE_RANGE, "input %s is missing", a->inputs[i].id);
    }
    return 0;
}

static int invoke(struct calls *cs, struct call *c, struct problem *p)
{
    size_t index = (size_t) (c->action - cs->model->actions);
    struct registration *owner = owners_get(cs->owners, FEATURE_ACTION, index);
    const char *service = owner ? NULL : access_service_of(cs->access, c->action->id);
    struct call_part *part;

    if (!owner && !service)
        return problem(p, CODE_UNKNOWN, "no program serves %s", c->action->id);
    if (owner && !calls_has_room(cs, owner->client))
        return problem(p, CODE_FULL, "%.32s has too many calls in flight", owner->client->app_id);
    if (call_part_get(c, owner, service, 0, &part) < 0)
        return problem(p, CODE_INTERNAL, "out of memory");
    if (!(owner ? call_part_deliver(part) : call_part_wait(part)))
        return problem(p, c->code, "%s", c->text);
    c->n_open = 1;
    return 0;
}

static int try_action(struct calls *cs, struct call *c, const char *id, json_t *params,
                      struct problem *p)
{
    int index = model_find_action(cs->model, id);
    size_t n_inputs;
    int r;

    if (index < 0)
        return problem(p, CODE_UNKNOWN, "unknown action %.32s", id);
    c->action = &cs->model->actions[index];
    n_inputs = c->action->n_inputs;
    c->inputs = calloc(n_inputs ? n_inputs : 1, sizeof(*c->inputs));
    if (!c->inputs)
        return problem(p, CODE_INTERNAL, "out of memory");
    r = take_inputs(c->action, params, c->inputs, p);
    return r < 0 ? r : invoke(cs, c, p);
}

/* Takes c. */
static void run_action(struct call *c, const char *id, json_t *params)
{
    struct calls *cs = c->owner;
    struct problem p = {0};

    c->is_action = true;
    answers_begin(&cs->answers, c->token, c->content, ANSWER_ACTION);
    if (try_action(cs, c, id, params, &p) < 0)
        refuse(c, &p);
    else
        call_start(cs, c, cs->action_timeout_us);
}

void calls_on_action(struct calls *cs, const char *token, uint64_t timestamp_s, const char *id,
                     json_t *params)
{
    uint64_t content = calls_fingerprint(id, params);
    struct call *c;

    if (calls_is_known(cs, token, content))
        return;
    if (cs->n_pending >= LIMIT_PENDING_CALLS)
        calls_give_answer(cs, token, content, ANSWER_ACTION, CODE_FULL, "too many calls in flight",
                          NULL);
    else if (call_new(&c, cs, token, timestamp_s, content) < 0)
        calls_give_answer(cs, token, content, ANSWER_ACTION, CODE_INTERNAL, "out of memory", NULL);
    else
        run_action(c, id, params);
}

void calls_invoke(struct calls *cs, const char *id, json_t *params, calls_done_fn fn,
                  void *userdata)
{
    struct call *c = new_local(cs, fn, userdata);

    if (c)
        run_action(c, id, params);
}

/* --- what the cloud wanted while nobody served it --- */

void call_settle_offer(struct call *c)
{
    struct calls *cs = c->owner;

    LIST_FOR_EACH (n, &c->parts) {
        const struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        for (size_t i = 0; i < p->n_updates; i++)
            props_drop_desired(cs->props, p->updates[i].index);
    }
}

static int take_desired(struct call *c, struct registration *owner)
{
    struct calls *cs = c->owner;

    for (size_t i = 0; i < cs->model->n_properties; i++) {
        const struct prop *prop = &cs->props->all[i];
        struct call_part *part;
        int r;

        if (prop->desired.kind == VALUE_NONE ||
            owners_get(cs->owners, FEATURE_PROPERTY, i) != owner)
            continue;
        r = call_part_get(c, owner, NULL, cs->model->n_properties, &part);
        if (r == 0)
            r = value_copy(&part->updates[part->n_updates].value, &prop->desired);
        if (r < 0)
            return r;
        part->versions[part->n_updates] = prop->version;
        part->updates[part->n_updates++].index = i;
    }
    return 0;
}

void calls_offer_desired(struct calls *cs, struct client *client)
{
    LIST_FOR_EACH (n, &client->registrations) {
        CLEANUP(call_freep) struct call *c = NULL;

        if (cs->n_pending >= LIMIT_PENDING_CALLS || call_new(&c, cs, "", 0, 0) < 0)
            return; /* offered again at the next registration */
        c->is_offer = true;
        if (take_desired(c, LIST_ENTRY(n, struct registration, link)) < 0 ||
            list_is_empty(&c->parts)) {
            LIST_FOR_EACH (pn, &c->parts)
                LIST_ENTRY(pn, struct call_part, link)->client = NULL;
            continue;
        }
        call_start(cs, c, cs->control_timeout_us);
        deliver_control(cs, TAKE(c));
    }
}

void calls_on_desired(struct calls *cs, const char *token, json_t *params)
{
    const char *id;
    json_t *v;
    void *next;

    /* What is so already was applied before the answer got through, or by hand. */
    json_object_foreach_safe(params, next, id, v)
    {
        int index = model_find_property(cs->model, id);
        struct value value;

        if (index < 0 || value_from_json(&cs->model->properties[index].define, v, &value, NULL) < 0)
            continue;
        if (value_covers(&cs->props->all[index].value, &value))
            (void) json_object_del(params, id);
        value_done(&value);
    }
    if (json_object_size(params) > 0)
        calls_on_control(cs, token, 0, params);
}
