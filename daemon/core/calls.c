/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("call");

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

void call_part_free(struct call_part *p)
{
    list_remove(&p->link);
    prop_updates_free(p->updates, p->n_updates);
    free(p->versions);
    free(p->service);
    free(p);
}

/* Nobody is told twice. */
static void tell_done(struct call *c, int code, const char *text, const char *response)
{
    calls_done_fn done = c->done;

    c->done = NULL;
    if (done)
        done(code, text, response, c->userdata);
}

struct call *call_free(struct call *c)
{
    if (!c)
        return NULL;

    tell_done(c, CODE_INTERNAL, "iotd is stopping", NULL);
    loop_timer_cancel(&c->timer);
    while (!list_is_empty(&c->parts)) {
        struct call_part *p = LIST_ENTRY(c->parts.next, struct call_part, link);

        if (p->client)
            c->owner->front->cancel(p, c->owner->userdata);
        call_part_free(p);
    }
    if (c->link.next != &c->link)
        c->owner->n_pending--;
    list_remove(&c->link);
    for (size_t i = 0; c->inputs && i < c->action->n_inputs; i++)
        value_done(&c->inputs[i]);
    free(c->inputs);
    free(c->response);
    free(c);
    return NULL;
}

int call_new(struct call **ret_call, struct calls *cs, const char *token, uint64_t timestamp_s,
             uint64_t content)
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

#define RETRY_US (1 * USEC_PER_SEC) /* own choice: until the session has room for an answer */

/* One answer in the session, which may outlive the calls. */
struct delivery {
    struct list link;
    struct calls *owner; /* NULL: gone */
    uint64_t taken;      /* of the answer */
};

static void send_unsent(struct calls *cs);

static void on_arrived(int result, void *userdata)
{
    struct delivery *d = userdata;
    struct calls *cs = d->owner;
    bool ended = cs && (result == 0 || result == -EBADMSG);

    list_remove(&d->link);
    if (result == -EBADMSG)
        log_err("given up: the cloud closes the connection whenever an answer is sent");
    if (ended)
        answers_arrived(&cs->answers, d->taken);
    free(d);
    if (ended)
        send_unsent(cs);
}

/* One answer as the session takes it. */
static int send_answer(struct calls *cs, const struct answer *a, mqtt_acked_fn acked,
                       void *userdata)
{
    switch (a->kind) {
    case ANSWER_ACTION:
        return thing_answer_action(cs->thing, a->token, a->code, a->text,
                                   a->response ? a->response : "{}", acked, userdata);
    case ANSWER_FENCE:
        return thing_answer_fence(cs->thing, a->token, ntp_now_s(cs->ntp), a->code, a->text, acked,
                                  userdata);
    case ANSWER_CONTROL:
        break;
    }
    return thing_answer_control(cs->thing, a->token, a->code, a->text, acked, userdata);
}

static int send_one(struct calls *cs, struct answer *a)
{
    struct delivery *d = malloc(sizeof(*d));
    int r;

    if (!d)
        return -ENOMEM;
    *d = (struct delivery){.owner = cs, .taken = a->taken};
    list_append(&cs->deliveries, &d->link);
    r = send_answer(cs, a, on_arrived, d);
    if (r < 0) {
        list_remove(&d->link);
        free(d);
    } else {
        answers_sending(a);
    }
    return r;
}

static void on_retry(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    send_unsent(userdata);
}

/* In the order in which they were given; what does not fit waits. */
static void send_unsent(struct calls *cs)
{
    struct answer *a;

    while ((a = answers_next_unsent(&cs->answers))) {
        int r = send_one(cs, a);

        if (r == -ENOBUFS || r == -ENOMEM) {
            loop_timer_arm(cs->loop, &cs->retry, RETRY_US, on_retry, cs);
            return;
        }
        if (r < 0) { /* can never be sent; not tried again and again */
            log_err("answer not sent token=\"%.40s\" error=\"%s\"", a->token, strerror(-r));
            answers_arrived(&cs->answers, a->taken);
        }
    }
}

/* Nobody repeats it. */
static void send_once(struct calls *cs, const struct answer *a)
{
    int r = send_answer(cs, a, NULL, NULL);

    if (r < 0)
        log_err("answer not sent token=\"%.40s\" error=\"%s\"", a->token, strerror(-r));
}

bool calls_is_known(struct calls *cs, const char *token, uint64_t content)
{
    const struct answer *a = token[0] ? answers_find(&cs->answers, token, content) : NULL;

    if (!a)
        return false;
    if (a->state == ANSWER_PENDING)
        return true; /* its answer is on the way */
    log_info("redelivered, answered again token=\"%.40s\"", token);
    send_once(cs, a);
    return true;
}

/* The one answer of a command; remembered for its redelivery. */
void calls_give_answer(struct calls *cs, const char *token, uint64_t content, enum answer_kind kind,
                       int code, const char *text, const char *response)
{
    log_debug("answer token=\"%.40s\" code=%d text=\"%s\"", token, code, text);
    if (answers_give(&cs->answers, token, content, kind, code, text, response)) {
        send_unsent(cs);
    } else {
        struct answer a = {.kind = kind, .code = code};

        (void) snprintf(a.token, sizeof(a.token), "%s", token);
        (void) snprintf(a.text, sizeof(a.text), "%s", text);
        a.response = (char *) (uintptr_t) response; /* only read */
        send_once(cs, &a);
    }
}

/* What is too long is cut, but not within a character: the cloud wants UTF-8. */
static void set_text(char buf[LIMIT_STATUS_TEXT + 1], const char *text)
{
    (void) snprintf(buf, LIMIT_STATUS_TEXT + 1, "%s", text);
    utf8_trim(buf);
}

void call_fail(struct call *c, int code, const char *text)
{
    if (c->code != 0)
        return;
    c->code = code;
    set_text(c->text, text);
}

/* The cloud shows what it asked for until it hears better. */
static void report_true_values(struct call *c)
{
    const struct calls *cs = c->owner;

    LIST_FOR_EACH (n, &c->parts) {
        const struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        for (size_t i = 0; i < p->n_updates; i++) {
            if (cs->props->all[p->updates[i].index].value.kind != VALUE_NONE)
                reports_mark(cs->reports, p->updates[i].index);
        }
    }
}

void call_finish(struct call *c)
{
    const char *text = c->text[0] ? c->text : c->code == 0 ? "success" : "refused";

    if (c->done) {
        tell_done(c, c->code, text, c->response);
        call_free(c);
        return;
    }
    if (c->code != 0)
        report_true_values(c);
    if (c->is_offer) { /* nobody asked: only the true value is to be seen */
        call_settle_offer(c);
        call_free(c);
        return;
    }
    calls_give_answer(c->owner, c->token, c->content, c->is_action ? ANSWER_ACTION : ANSWER_CONTROL,
                      c->code, text, c->response);
    call_free(c);
}

/* Our own write is no report of the program: controls that came before it count it as known. */
static void skip_version(struct calls *cs, size_t index, uint64_t from)
{
    LIST_FOR_EACH (cn, &cs->pending) {
        LIST_FOR_EACH (pn, &LIST_ENTRY(cn, struct call, link)->parts) {
            struct call_part *p = LIST_ENTRY(pn, struct call_part, link);

            for (size_t i = 0; i < p->n_updates; i++) {
                if (p->updates[i].index == index && p->versions[i] == from)
                    p->versions[i] = cs->props->all[index].version;
            }
        }
    }
}

/*
 * Whether the values go into the record of the answer, which follows at once and is safe from a
 * kill: then the database does not have to have them before the answer leaves.
 */
static bool keep_in_answer(struct call *c, const struct prop_update *updates, size_t n)
{
    bool is_last = c->n_open == 1 && c->parts.next == c->parts.prev;
    struct strbuf sb;

    if (!c->token[0] || c->done || c->is_offer || !is_last)
        return false;
    strbuf_init(&sb, LIMIT_MQTT_PAYLOAD);
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&sb, "%s=", c->owner->model->properties[updates[i].index].id);
        value_to_json(&sb, &updates[i].value);
        strbuf_addc(&sb, '\n');
    }
    return strbuf_finish(&sb, &c->response) == 0;
}

/* An accepted control is the new value, unless the program has reported one meanwhile. */
static void apply_part(struct call *c, struct call_part *p)
{
    struct calls *cs = c->owner;
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < p->n_updates; i++) {
        struct prop_update u = p->updates[i];

        if (cs->props->all[u.index].version != p->versions[i])
            continue;
        p->updates[i] = p->updates[n]; /* those to be written come first */
        p->versions[i] = p->versions[n];
        p->versions[n] = cs->props->all[u.index].version;
        p->updates[n++] = u;
    }
    for (size_t i = 0; r == 0 && i < n; i++)
        r = props_merge(cs->props, &p->updates[i]);
    persist_relax(cs->answers.persist, r == 0 && keep_in_answer(c, p->updates, n));
    if (r < 0 || reports_accept(cs->reports, p->updates, n) < 0)
        log_warn("accepted values not kept token=\"%.40s\": out of memory", c->token);
    persist_relax(cs->answers.persist, false);
    for (size_t i = 0; i < n; i++)
        skip_version(cs, p->updates[i].index, p->versions[i]);
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
    struct props *props = c->owner->props;
    bool ok = code == 0;

    part->client = NULL;
    if (!c->done) /* else the answer is a message on the bus, as the news are, and comes behind */
        props_hold(props);
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
    props_release(props);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct call *c = userdata;
    char text[LIMIT_STATUS_TEXT + 1];

    (void) timer;
    LIST_FOR_EACH (n, &c->parts) {
        struct call_part *p = LIST_ENTRY(n, struct call_part, link);

        if (p->service) {
            (void) snprintf(text, sizeof(text), "%.40s did not come in time", p->service);
            log_warn("no program in time bus_name=%s", p->service);
            call_fail(c, CODE_TIMEOUT, text);
        }
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

void call_start(struct calls *cs, struct call *c, uint64_t timeout_us)
{
    list_append(&cs->pending, &c->link);
    cs->n_pending++;
    if (!c->done && !c->is_offer)
        thing_answer_follows(cs->thing);
    loop_timer_arm(cs->loop, &c->timer, timeout_us, on_deadline, c);
}

int calls_init(struct calls *cs, struct persist *persist)
{
    list_init(&cs->pending);
    list_init(&cs->deliveries);
    cs->n_pending = 0;
    return answers_init(&cs->answers, persist);
}

void calls_resume(struct calls *cs)
{
    const struct answer *a;

    while ((a = answers_next_pending(&cs->answers))) {
        const struct answer copy = *a; /* giving the answer rewrites it */

        log_warn("interrupted by a restart token=\"%.40s\"", copy.token);
        calls_give_answer(cs, copy.token, copy.content, copy.kind, CODE_INTERNAL,
                          "iotd was restarted before it was done", NULL);
    }
    send_unsent(cs);
}

void calls_done(struct calls *cs)
{
    if (!cs->loop)
        return;
    while (!list_is_empty(&cs->pending))
        call_free(LIST_ENTRY(cs->pending.next, struct call, link));
    while (!list_is_empty(&cs->deliveries)) { /* the session frees them */
        struct delivery *d = LIST_ENTRY(cs->deliveries.next, struct delivery, link);

        list_remove(&d->link);
        d->owner = NULL;
    }
    loop_timer_cancel(&cs->retry);
    answers_done(&cs->answers);
    cs->loop = NULL;
}
