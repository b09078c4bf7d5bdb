/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("service");

#define TOKEN_TIMEOUT_US (10 * USEC_PER_SEC) /* vendor SDK, as the next two */
#define TOKEN_TRIES 3
#define UNBIND_TIMEOUT_US (5 * USEC_PER_SEC)
#define MEMBERS_MAX 1024

struct service_request {
    struct list link;
    struct service *owner;
    struct request request;
    char token[REQUEST_TOKEN]; /* of all tries: a late answer to the first counts */
    char *members;
    const char *method;
    uint64_t timeout_us;
    uint8_t qos;
    unsigned n_left; /* tries */
    service_fn fn;
    void *userdata;
};

static void request_free(struct service_request *q)
{
    request_cancel(&q->request);
    list_remove(&q->link);
    q->owner->n_pending--;
    free(q->members);
    free(q);
}

static void end(struct service_request *q, int code, const char *text)
{
    service_fn fn = q->fn;
    void *userdata = q->userdata;

    request_free(q);
    fn(code, text, userdata);
}

static void on_reply(int code, const char *text, void *userdata);

static int try_once(struct service_request *q)
{
    const struct thing_question question = {
        .channel = THING_CHANNEL_SERVICE,
        .method = q->method,
        .members = q->members,
        .token = q->token,
        .timeout_us = q->timeout_us,
        .qos = q->qos,
    };

    if (!link_is_up(q->owner->link))
        return -ENETDOWN;
    q->n_left--;
    return thing_ask(q->owner->thing, &question, &q->request, on_reply, q);
}

static void on_reply(int code, const char *text, void *userdata)
{
    struct service_request *q = userdata;
    int r = code;

    if (code == -ETIMEDOUT && q->n_left > 0) {
        log_info("no reply, tried again method=%s", q->method);
        r = try_once(q);
        if (r == 0)
            return;
        text = r == -ENETDOWN ? "the link went down" : strerror(-r);
    }
    end(q, r, text);
}

/* members is taken, also on failure. */
static int start(struct service *s, const struct service_request *template, char *members)
{
    CLEANUP(freep) char *owned = members;
    struct service_request *q;
    int r;

    if (s->n_pending >= SERVICE_REQUESTS)
        return -ENOBUFS;
    q = malloc(sizeof(*q));
    if (!q)
        return -ENOMEM;
    *q = *template;
    q->owner = s;
    q->members = TAKE(owned);
    thing_new_token(s->thing, q->token);
    list_append(&s->pending, &q->link);
    s->n_pending++;
    r = try_once(q);
    if (r < 0)
        request_free(q);
    return r;
}

static bool token_is_good(const char *token)
{
    size_t len = strlen(token);

    for (size_t i = 0; i < len; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7f)
            return false;
    }
    return len > 0 && len <= SERVICE_TOKEN;
}

int service_send_bind_token(struct service *s, const char *token, const json_t *pair_time,
                            service_fn fn, void *userdata)
{
    const struct service_request q = {
        .method = "app_bind_token",
        .timeout_us = TOKEN_TIMEOUT_US,
        .n_left = TOKEN_TRIES,
        .qos = 1,
        .fn = fn,
        .userdata = userdata,
    };
    CLEANUP(freep) char *times = NULL;
    struct strbuf sb;
    char *members;
    int r;

    if (!token_is_good(token) || (pair_time && !json_is_object(pair_time)))
        return -EINVAL;
    strbuf_init(&sb, MEMBERS_MAX);
    strbuf_adds(&sb, "\"params\":{\"token\":");
    strbuf_add_json(&sb, token);
    if (pair_time) {
        times = json_dumps(pair_time, JSON_COMPACT);
        if (!times) {
            strbuf_done(&sb);
            return -ENOMEM;
        }
        if (strlen(times) > SERVICE_PAIR_TIME) {
            strbuf_done(&sb);
            return -EMSGSIZE;
        }
        strbuf_addf(&sb, ",\"pairTime\":%s", times);
    }
    strbuf_addc(&sb, '}');
    r = strbuf_finish(&sb, &members);
    return r < 0 ? r : start(s, &q, members);
}

int service_unbind(struct service *s, service_fn fn, void *userdata)
{
    const struct service_request q = {
        .method = "unbind_device_request",
        .timeout_us = UNBIND_TIMEOUT_US,
        .n_left = 1,
        .fn = fn,
        .userdata = userdata,
    };
    struct strbuf sb;
    char *members;
    int r;

    strbuf_init(&sb, MEMBERS_MAX);
    strbuf_adds(&sb, "\"deviceName\":");
    strbuf_add_json(&sb, s->ident->device_name);
    strbuf_adds(&sb, ",\"productId\":");
    strbuf_add_json(&sb, s->ident->product_id);
    r = strbuf_finish(&sb, &members);
    return r < 0 ? r : start(s, &q, members);
}

void service_init(struct service *s, struct link *link, const struct ident *ident,
                  struct thing *thing)
{
    *s = (struct service){.link = link, .ident = ident, .thing = thing};
    list_init(&s->pending);
}

void service_done(struct service *s)
{
    if (!s->thing)
        return;
    while (!list_is_empty(&s->pending))
        end(LIST_ENTRY(s->pending.next, struct service_request, link), -ECANCELED,
            "iotd is stopping");
    s->thing = NULL;
}
