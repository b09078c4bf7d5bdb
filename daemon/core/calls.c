/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/calls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("call");

/* Codes of answers: the platform's where it has one (device guide), ours from errors.def. */
#define CODE_BAD_MESSAGE 400
#define CODE_UNKNOWN 403 /* id not in the model, or nobody serves it */
#define CODE_REFUSED 405
#define CODE_RANGE 406
#define CODE_TIMEOUT 408
#define CODE_READ_ONLY 423
#define CODE_FULL 429
#define CODE_INTERNAL 503

struct call {
    struct list link;
    struct calls *owner;
    struct list parts;
    unsigned n_open; /* parts without an answer */
    struct loop_timer timer;
    char token[LIMIT_CLIENT_TOKEN + 1];
    uint64_t timestamp_s;
    uint64_t content;
    const struct model_action *action; /* NULL: a control */
    int code;                          /* of the first part that failed */
    char text[LIMIT_STATUS_TEXT + 1];
    char *response; /* action: JSON object */
};

const char *call_token(const struct call *call)
{
    return call->token;
}

uint64_t call_timestamp_s(const struct call *call)
{
    return call->timestamp_s;
}

const struct model_action *call_action(const struct call *call)
{
    return call->action;
}

static void part_free(struct call_part *p)
{
    list_remove(&p->link);
    prop_updates_free(p->updates, p->n_updates);
    free(p);
}

static struct call *call_free(struct call *c)
{
    if (!c)
        return NULL;

    loop_timer_cancel(&c->timer);
    while (!list_is_empty(&c->parts)) {
        struct call_part *p = LIST_ENTRY(c->parts.next, struct call_part, link);

        if (p->client)
            c->owner->front->cancel(p, c->owner->userdata);
        part_free(p);
    }
    if (c->link.next != &c->link)
        c->owner->n_pending--;
    list_remove(&c->link);
    free(c->response);
    free(c);
    return NULL;
}
DEFINE_FREEP(struct call, call_free)

static int call_new(struct call **ret_call, struct calls *cs, const char *token,
                    uint64_t timestamp_s, uint64_t content)
{
    struct call *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->owner = cs;
    list_init(&c->link);
    list_init(&c->parts);
    (void) snprintf(c->token, sizeof(c->token), "%s", token);
    c->timestamp_s = timestamp_s;
    c->content = content;
    *ret_call = c;
    return 0;
}

/* --- answering --- */

static void send_answer(struct calls *cs, const char *token, bool is_action, int code,
                        const char *text, const char *response)
{
    int r;

    if (is_action)
        r = thing_answer_action(cs->thing, token, code, text, response ? response : "{}");
    else
        r = thing_answer_control(cs->thing, token, code, text);
    if (r < 0)
        log_err("answer not sent token=\"%.40s\" error=\"%s\"", token, strerror(-r));
}

/* The one answer of a command; remembered for its redelivery. */
static void answer(struct calls *cs, const char *token, uint64_t content, bool is_action, int code,
                   const char *text, const char *response)
{
    log_debug("answer token=\"%.40s\" code=%d text=\"%s\"", token, code, text);
    send_answer(cs, token, is_action, code, text, response);
    answers_add(&cs->answers, token, content, code, text, is_action && !response ? "{}" : response);
}

/* What is too long is cut, but not within a character: the cloud wants UTF-8. */
static void set_text(char buf[LIMIT_STATUS_TEXT + 1], const char *text)
{
    (void) snprintf(buf, LIMIT_STATUS_TEXT + 1, "%s", text);
    utf8_trim(buf);
}

static void call_fail(struct call *c, int code, const char *text)
{
    if (c->code != 0)
        return;
    c->code = code;
    set_text(c->text, text);
}

static void call_finish(struct call *c)
{
    const char *text = c->text[0] ? c->text : c->code == 0 ? "success" : "refused";

    answer(c->owner, c->token, c->content, c->action != NULL, c->code, text, c->response);
    call_free(c);
}

/* An accepted control is the new value, unless the program has reported one meanwhile. */
static void apply_part(struct call *c, struct call_part *p)
{
    struct calls *cs = c->owner;
    size_t n = 0;

    for (size_t i = 0; i < p->n_updates; i++) {
        struct prop_update u = p->updates[i];

        if (cs->props->all[u.index].version != u.seen_version)
            continue;
        p->updates[i] = p->updates[n]; /* those to be written come first */
        p->updates[n++] = u;
    }
    if (props_write(cs->props, p->updates, n, clock_real_us()) < 0) {
        log_warn("accepted values not kept token=\"%.40s\": out of memory", c->token);
        return;
    }
    for (size_t i = 0; i < n; i++)
        reports_mark(cs->reports, p->updates[i].index);
}

static int build_response(struct call *c, const struct value *outputs)
{
    const struct model_action *a = c->action;
    struct strbuf sb;
    bool first = true;

    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD - 512);
    strbuf_addc(&sb, '{');
    for (size_t i = 0; i < a->n_outputs; i++) {
        if (outputs[i].kind == VALUE_NONE)
            continue;
        strbuf_addf(&sb, "%s\"%s\":", first ? "" : ",", a->outputs[i].id);
        value_to_json(&sb, &outputs[i]);
        first = false;
    }
    strbuf_addc(&sb, '}');
    return strbuf_finish(&sb, &c->response);
}

void calls_answer(struct call_part *part, int code, const char *text, const struct value *outputs)
{
    struct call *c = part->call;
    bool ok = code == 0;

    part->client = NULL;
    if (ok && c->action && outputs && build_response(c, outputs) < 0)
        call_fail(c, CODE_INTERNAL, "the response is too large");
    else if (ok && !c->action)
        apply_part(c, part);
    if (!ok)
        call_fail(c, code > 0 ? code : CODE_INTERNAL, text);
    else if (text[0] && c->code == 0)
        set_text(c->text, text);
    if (--c->n_open == 0)
        call_finish(c);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct call *c = userdata;
    char text[LIMIT_STATUS_TEXT + 1];

    (void) timer;
    LIST_FOR_EACH (n, &c->parts) {
        struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (!p->client)
            continue;
        (void) snprintf(text, sizeof(text), "%.40s did not answer in time", p->client->app_id);
        log_warn("no answer in time app=%s %s=%s", p->client->app_id,
                 c->action ? "action" : "control", c->action ? c->action->id : c->token);
        call_fail(c, CODE_TIMEOUT, text);
    }
    call_finish(c);
}

void calls_release(struct calls *cs, struct client *client)
{
    LIST_FOR_EACH_SAFE (cn, &cs->pending) {
        struct call *c = LIST_ENTRY(cn, struct call, link);
        unsigned n_lost = 0;

        LIST_FOR_EACH (pn, &c->parts) {
            struct call_part *p = LIST_ENTRY(pn, struct call_part, link);

            if (p->client != client)
                continue;
            cs->front->cancel(p, cs->userdata);
            p->client = NULL;
            n_lost++;
        }
        if (n_lost == 0)
            continue;
        call_fail(c, CODE_REFUSED, "the program that served it has ended");
        c->n_open -= n_lost;
        if (c->n_open == 0)
            call_finish(c);
    }
}

/* --- taking commands --- */

static int add_part(struct call *c, struct registration *owner, size_t max_updates,
                    struct call_part **ret_part)
{
    struct call_part *p;

    LIST_FOR_EACH (n, &c->parts) {
        p = LIST_ENTRY(n, struct call_part, link);
        if (p->owner == owner) {
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
    list_append(&c->parts, &p->link);
    p->updates = calloc(max_updates ? max_updates : 1, sizeof(*p->updates));
    if (!p->updates)
        return -ENOMEM;
    *ret_part = p;
    return 0;
}

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
    struct call_part *part;
    char text[LIMIT_STATUS_TEXT + 1];
    int r;

    if (index < 0)
        return problem(p, CODE_UNKNOWN, "unknown property %.32s", id);
    mp = &cs->model->properties[index];
    if (!mp->writable)
        return problem(p, CODE_READ_ONLY, "%s is read only", id);
    owner = owners_get(cs->owners, FEATURE_PROPERTY, (size_t) index);
    if (!owner && !cs->accept_unowned)
        return problem(p, CODE_UNKNOWN, "no program serves %s", id);
    r = add_part(c, owner, n_params, &part);
    if (r < 0)
        return problem(p, CODE_INTERNAL, "out of memory");
    r = value_from_json(&mp->define, json, &part->updates[part->n_updates].value);
    if (r < 0) {
        value_explain(&mp->define, id, r, text, sizeof(text));
        return problem(p, r == -ENOMEM ? CODE_INTERNAL : CODE_RANGE, "%s", text);
    }
    part->updates[part->n_updates].seen_version = cs->props->all[index].version;
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

/* Answered before, in work, or new? True when there is nothing more to do. */
static bool is_known(struct calls *cs, const char *token, uint64_t content, bool is_action)
{
    const struct answer *a;

    if (!token[0])
        return false;
    a = answers_find(&cs->answers, token, content);
    if (a) {
        log_info("redelivered, answered again token=\"%.40s\"", token);
        send_answer(cs, token, is_action, a->code, a->text, a->response);
        return true;
    }
    LIST_FOR_EACH (n, &cs->pending) {
        const struct call *c = LIST_ENTRY(n, struct call, link);

        if (c->content == content && strcmp(c->token, token) == 0)
            return true; /* its answer is on the way */
    }
    return false;
}

static uint64_t fingerprint(const char *method, const json_t *params)
{
    CLEANUP(freep) char *text = params ? json_dumps(params, JSON_SORT_KEYS | JSON_COMPACT) : NULL;

    return answers_fingerprint(method, text ? text : "");
}

static void start(struct calls *cs, struct call *c, uint64_t timeout_us)
{
    list_append(&cs->pending, &c->link);
    cs->n_pending++;
    loop_timer_arm(cs->loop, &c->timer, timeout_us, on_deadline, c);
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
        int r;

        if (!p->client) {
            accept_unowned(cs, p);
            part_free(p);
            continue;
        }
        c->n_open++;
        r = cs->front->control(p, cs->userdata);
        p->owner = NULL; /* it may give the ids back before it answers */
        if (r < 0) {
            p->client = NULL;
            c->n_open--;
            call_fail(c, CODE_REFUSED, "the program cannot be reached");
        }
    }
    if (c->n_open == 0)
        call_finish(c);
}

void calls_on_control(struct calls *cs, const char *token, uint64_t timestamp_s, json_t *params)
{
    uint64_t content = fingerprint("control", params);
    CLEANUP(call_freep) struct call *c = NULL;
    struct problem p = {0};

    if (is_known(cs, token, content, false))
        return;
    if (cs->n_pending >= LIMIT_PENDING_CALLS) {
        answer(cs, token, content, false, CODE_FULL, "too many calls in flight", NULL);
        return;
    }
    if (call_new(&c, cs, token, timestamp_s, content) < 0) {
        answer(cs, token, content, false, CODE_INTERNAL, "out of memory", NULL);
        return;
    }
    if (take_params(cs, c, params, &p) < 0) {
        /* Parts so far were not delivered: nothing to cancel. */
        LIST_FOR_EACH (n, &c->parts)
            LIST_ENTRY(n, struct call_part, link)->client = NULL;
        answer(cs, token, content, false, p.code, p.text, NULL);
        return;
    }
    start(cs, c, cs->control_timeout_us);
    deliver_control(cs, TAKE(c));
}

/* inputs is parallel to the inputs of the action; every one of them has to be there. */
static int take_inputs(const struct model_action *a, json_t *params, struct value *inputs,
                       struct problem *p)
{
    char text[LIMIT_STATUS_TEXT + 1];
    const char *id;
    json_t *v;

    json_object_foreach(params, id, v)
    {
        int i = model_find_param(a->inputs, a->n_inputs, id);
        int r;

        if (i < 0)
            return problem(p, CODE_UNKNOWN, "unknown input %.32s", id);
        r = value_from_json(&a->inputs[i].define, v, &inputs[i]);
        if (r < 0) {
            value_explain(&a->inputs[i].define, id, r, text, sizeof(text));
            return problem(p, r == -ENOMEM ? CODE_INTERNAL : CODE_RANGE, "%s", text);
        }
    }
    for (size_t i = 0; i < a->n_inputs; i++) {
        if (inputs[i].kind == VALUE_NONE)
            return problem(p, CODE_RANGE, "input %s is missing", a->inputs[i].id);
    }
    return 0;
}

static int invoke(struct calls *cs, struct call *c, const struct value *inputs, struct problem *p)
{
    size_t index = (size_t) (c->action - cs->model->actions);
    struct registration *owner = owners_get(cs->owners, FEATURE_ACTION, index);
    struct call_part *part;
    int r;

    if (!owner)
        return problem(p, CODE_UNKNOWN, "no program serves %s", c->action->id);
    if (add_part(c, owner, 0, &part) < 0)
        return problem(p, CODE_INTERNAL, "out of memory");
    r = cs->front->invoke(part, c->action, inputs, cs->userdata);
    part->owner = NULL;
    if (r < 0) {
        part->client = NULL;
        return problem(p, CODE_REFUSED, "the program cannot be reached");
    }
    c->n_open = 1;
    return 0;
}

static int try_action(struct calls *cs, struct call *c, const char *id, json_t *params,
                      struct problem *p)
{
    int index = model_find_action(cs->model, id);
    struct value *inputs;
    size_t n_inputs;
    int r;

    if (index < 0)
        return problem(p, CODE_UNKNOWN, "unknown action %.32s", id);
    c->action = &cs->model->actions[index];
    n_inputs = c->action->n_inputs;
    inputs = calloc(n_inputs ? n_inputs : 1, sizeof(*inputs));
    if (!inputs)
        return problem(p, CODE_INTERNAL, "out of memory");
    r = take_inputs(c->action, params, inputs, p);
    if (r == 0)
        r = invoke(cs, c, inputs, p);
    for (size_t i = 0; i < n_inputs; i++)
        value_done(&inputs[i]);
    free(inputs);
    return r;
}

void calls_on_action(struct calls *cs, const char *token, uint64_t timestamp_s, const char *id,
                     json_t *params)
{
    uint64_t content = fingerprint(id, params);
    CLEANUP(call_freep) struct call *c = NULL;
    struct problem p = {0};

    if (is_known(cs, token, content, true))
        return;
    if (cs->n_pending >= LIMIT_PENDING_CALLS) {
        answer(cs, token, content, true, CODE_FULL, "too many calls in flight", NULL);
        return;
    }
    if (call_new(&c, cs, token, timestamp_s, content) < 0) {
        answer(cs, token, content, true, CODE_INTERNAL, "out of memory", NULL);
        return;
    }
    if (try_action(cs, c, id, params, &p) < 0) {
        answer(cs, token, content, true, p.code, p.text, NULL);
        return;
    }
    start(cs, c, cs->action_timeout_us);
    (void) TAKE(c); /* in cs->pending */
}

void calls_init(struct calls *cs)
{
    list_init(&cs->pending);
    cs->n_pending = 0;
    answers_init(&cs->answers);
}

void calls_done(struct calls *cs)
{
    if (!cs->loop)
        return;
    while (!list_is_empty(&cs->pending))
        call_free(LIST_ENTRY(cs->pending.next, struct call, link));
    answers_done(&cs->answers);
    cs->loop = NULL;
}
