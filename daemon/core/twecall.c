/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/twecall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/strbuf.h"

LOG_AREA("twecall");

#define MESSAGE_MAX 2048
#define REPLY_SUFFIX "_reply"

/* The first spells the model with a capital letter, the others do not (device guide). */
static const struct {
    const char *method, *model_key;
} kinds[TWECALL_KIND_COUNT_] = {
    [TWECALL_TICKET] = {"get_wechat_sn_ticket", "ModelId"},
    [TWECALL_ACTIVATION] = {"active_device_voip_license", "modelId"},
    [TWECALL_STATE] = {"get_voip_device_active_info", "modelId"},
};

struct twecall_request {
    struct list link;
    struct twecall *owner;
    struct loop_timer timer;
    enum twecall_kind kind;
    char token[REQUEST_TOKEN];
    twecall_fn fn;
    void *userdata;
};

static void request_free(struct twecall_request *q)
{
    loop_timer_cancel(&q->timer);
    list_remove(&q->link);
    q->owner->n_pending--;
    free(q);
}

static void end(struct twecall_request *q, const struct twecall_outcome *outcome)
{
    twecall_fn fn = q->fn;
    void *userdata = q->userdata;

    request_free(q);
    fn(outcome, userdata);
}

static void fail(struct twecall_request *q, int error, const char *text)
{
    const struct twecall_outcome o = {.code = error, .text = text, .ticket = "", .sn = ""};

    end(q, &o);
}

static void on_timeout(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    fail(userdata, -ETIMEDOUT, "no reply from the cloud in time");
}

/* --- down --- */

static struct twecall_request *find(struct twecall *t, const char *method, const char *token)
{
    LIST_FOR_EACH (n, &t->pending) {
        struct twecall_request *q = LIST_ENTRY(n, struct twecall_request, link);
        size_t len = strlen(kinds[q->kind].method);

        if (strcmp(q->token, token) == 0 && strncmp(method, kinds[q->kind].method, len) == 0 &&
            strcmp(method + len, REPLY_SUFFIX) == 0)
            return q;
    }
    return NULL;
}

/* What a good answer of this kind must have. */
static int read_params(enum twecall_kind kind, const json_t *params, struct twecall_outcome *o)
{
    int r;

    switch (kind) {
    case TWECALL_TICKET:
        return jx_get_string(params, "snTicket", &o->ticket);
    case TWECALL_STATE:
        r = jx_get_string(params, "sn", &o->sn);
        return r < 0 ? r : jx_get_number_or_text(params, "ExpireTime", &o->expires_s);
    case TWECALL_ACTIVATION:
    case TWECALL_KIND_COUNT_:
        break;
    }
    return 0;
}

static void on_reply(struct twecall *t, const json_t *json)
{
    struct twecall_outcome o = {
        .text = jx_string_or(json, "status", ""),
        .ticket = "",
        .sn = "",
    };
    const char *method = jx_string_or(json, "method", "");
    struct twecall_request *q = find(t, method, jx_string_or(json, "clientToken", ""));
    int64_t code;

    if (!q) {
        log_warn_limited(&t->bad_messages, "nobody waits for this message method=\"%.40s\"",
                         method);
        return;
    }
    if (jx_get_number_or_text(json, "code", &code) < 0 || code < 0 || code > INT32_MAX ||
        (code == 0 && read_params(q->kind, jx_object_or_null(json, "params"), &o) < 0)) {
        log_warn_limited(&t->bad_messages, "the reply makes no sense method=\"%.40s\"", method);
        fail(q, -EPROTO, "the cloud's answer makes no sense");
        return;
    }
    o.code = (int) code;
    end(q, &o);
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *json = NULL;
    struct twecall *t = userdata;

    if (strlen(t->down) != publish->topic_len ||
        memcmp(t->down, publish->topic, publish->topic_len) != 0)
        return;
    if (jx_parse_object((const char *) publish->payload, publish->payload_len, &json, NULL) < 0)
        log_warn_limited(&t->bad_messages, "message is not JSON");
    else
        on_reply(t, json);
}

/* --- up --- */

static bool is_good(const struct twecall_question *q)
{
    return *q->model_id && strlen(q->model_id) <= TWECALL_NAME && *q->app_id &&
           strlen(q->app_id) <= TWECALL_NAME &&
           (q->kind != TWECALL_ACTIVATION || q->package <= TWECALL_PACKAGE_MAX);
}

static int send(struct twecall *t, const struct twecall_question *question, const char *token,
                uint64_t now_s)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, MESSAGE_MAX);
    strbuf_addf(&sb, "{\"method\":\"%s\",\"clientToken\":", kinds[question->kind].method);
    strbuf_add_json(&sb, token);
    strbuf_addf(&sb, ",\"timestamp\":%" PRIu64 ",\"params\":{", now_s);
    if (question->kind == TWECALL_ACTIVATION)
        strbuf_addf(&sb, "\"pkgType\":%" PRIu64 ",", question->package);
    strbuf_addf(&sb, "\"%s\":", kinds[question->kind].model_key);
    strbuf_add_json(&sb, question->model_id);
    strbuf_adds(&sb, ",\"miniProgramAppId\":");
    strbuf_add_json(&sb, question->app_id);
    strbuf_adds(&sb, "}}");
    r = strbuf_finish(&sb, &text);
    return r < 0 ? r : link_publish(t->link, t->up, text, strlen(text), 1, NULL, NULL);
}

int twecall_ask(struct twecall *t, const struct twecall_question *question, twecall_fn fn,
                void *userdata)
{
    uint64_t now_s = ntp_now_s(t->ntp);
    CLEANUP(freep) struct twecall_request *q = NULL;
    int r;

    if (!is_good(question))
        return -EINVAL;
    if (!link_is_up(t->link))
        return -ENETDOWN;
    if (now_s == 0)
        return -EAGAIN;
    if (t->n_pending >= TWECALL_REQUESTS)
        return -ENOBUFS;
    q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->owner = t;
    q->kind = question->kind;
    q->fn = fn;
    q->userdata = userdata;
    thing_new_token(t->thing, q->token);
    r = send(t, question, q->token, now_s);
    if (r < 0)
        return r;
    list_append(&t->pending, &q->link);
    t->n_pending++;
    loop_timer_arm(t->loop, &q->timer, TWECALL_TIMEOUT_US, on_timeout, q);
    (void) TAKE(q);
    return 0;
}

/* --- life --- */

int twecall_init(struct twecall *t, struct loop *loop, struct link *link, const struct ident *ident,
                 struct thing *thing, struct ntp *ntp)
{
    int r;

    *t = (struct twecall){.loop = loop, .link = link, .thing = thing, .ntp = ntp};
    list_init(&t->pending);
    log_limit_init(&t->bad_messages);
    (void) snprintf(t->up, sizeof(t->up), "$twecall/up/service/%s/%s", ident->product_id,
                    ident->device_name);
    (void) snprintf(t->down, sizeof(t->down), "$twecall/down/service/%s/%s", ident->product_id,
                    ident->device_name);
    r = link_add_optional_filter(link, t->down, 1);
    if (r < 0)
        return r;
    t->watch = (struct link_watch){.on_message = on_message, .userdata = t};
    link_watch(link, &t->watch);
    return 0;
}

void twecall_done(struct twecall *t)
{
    if (!t->watch.userdata)
        return;
    link_unwatch(&t->watch);
    while (!list_is_empty(&t->pending))
        fail(LIST_ENTRY(t->pending.next, struct twecall_request, link), -ECANCELED,
             "iotd is stopping");
    t->watch.userdata = NULL;
}
