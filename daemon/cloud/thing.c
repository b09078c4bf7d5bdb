/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/thing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/unknown.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "daemon/sys/rand.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("thing");

#define REPLY_TIMEOUT_US (5 * USEC_PER_SEC) /* vendor SDK: 5 s in all samples */
#define TOKEN_PREFIX 8

static const char *const channel_names[THING_CHANNEL_COUNT_] = {
    [THING_CHANNEL_PROPERTY] = "property",
    [THING_CHANNEL_EVENT] = "event",
    [THING_CHANNEL_ACTION] = "action",
    [THING_CHANNEL_SERVICE] = "service",
};

#define TOPIC_SIZE (32 + LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)

struct thing {
    struct link *link; /* borrowed: manager */
    struct link_watch watch;
    struct requests requests;
    struct list sharers;   /* of the service topic */
    struct request status; /* get_status */
    const struct thing_events *events;
    void *userdata;
    char token_prefix[TOKEN_PREFIX + 1];
    uint64_t n_tokens;
    struct log_limit bad_messages;
    struct unknown_names unknown; /* methods */
    char up[THING_CHANNEL_COUNT_][TOPIC_SIZE];
    char down[THING_CHANNEL_COUNT_][TOPIC_SIZE];
};

void thing_new_token(struct thing *t, char token[REQUEST_TOKEN])
{
    (void) snprintf(token, REQUEST_TOKEN, "%s-%" PRIu64, t->token_prefix, ++t->n_tokens);
}

/* --- down --- */

struct message {
    const char *token;
    uint64_t timestamp_s;
    json_t *json;
};

static void on_reply(struct thing *t, const struct message *m)
{
    int64_t code;

    if (jx_get_number_or_text(m->json, "code", &code) < 0 || code < INT32_MIN || code > INT32_MAX) {
        log_warn_limited(&t->bad_messages, "reply without a code token=\"%.40s\"", m->token);
        return;
    }
    if (!requests_answer(&t->requests, m->token, (int) code, jx_string_or(m->json, "status", "")))
        log_debug("reply that nobody waits for token=\"%.40s\" code=%d", m->token, (int) code);
}

static void on_control(struct thing *t, const struct message *m)
{
    t->events->on_control(m->token, m->timestamp_s, jx_object_or_null(m->json, "params"),
                          t->userdata);
}

static void on_action(struct thing *t, const struct message *m)
{
    /* "" is no action of any model. */
    t->events->on_action(m->token, m->timestamp_s, jx_string_or(m->json, "actionId", ""),
                         jx_object_or_null(m->json, "params"), t->userdata);
}

static int publish(struct thing *t, enum thing_channel channel, struct strbuf *sb, uint8_t qos,
                   mqtt_acked_fn acked, void *userdata);
static void begin(struct strbuf *sb, const char *method, const char *token);

/*
 * data.control holds what was set while the device was away. It is taken over here, so the cloud
 * may forget it (clear_control, vendor SDK); how it went follows as control_reply.
 */
static void on_status(struct thing *t, const struct message *m)
{
    json_t *data = jx_object_or_null(m->json, "data");
    json_t *control = data ? jx_object_or_null(data, "control") : NULL;
    struct strbuf sb;

    on_reply(t, m);
    if (!control || json_object_size(control) == 0)
        return;
    begin(&sb, "clear_control", m->token);
    if (publish(t, THING_CHANNEL_PROPERTY, &sb, 1, NULL, NULL) < 0)
        return; /* the cloud tells again after the next connect */
    t->events->on_desired(m->token, control, t->userdata);
}

static void on_fence(struct thing *t, const struct message *m)
{
    t->events->on_fence(m->token, m->timestamp_s, jx_object_or_null(m->json, "data"), t->userdata);
}

static void on_bind(struct thing *t, const struct message *m)
{
    t->events->on_bound(true, m->timestamp_s, t->userdata);
}

static void on_unbind(struct thing *t, const struct message *m)
{
    t->events->on_bound(false, m->timestamp_s, t->userdata);
}

/* There is nothing to do after it. */
static void on_nothing(struct thing *t, const struct message *m)
{
    (void) t;
    (void) m;
}

static const struct method {
    enum thing_channel channel;
    const char *name;
    void (*fn)(struct thing *t, const struct message *m);
} methods[] = {
    {THING_CHANNEL_PROPERTY, "report_reply", on_reply},
    {THING_CHANNEL_PROPERTY, "control", on_control},
    {THING_CHANNEL_PROPERTY, "get_status_reply", on_status},
    {THING_CHANNEL_PROPERTY, "clear_control_reply", on_nothing},
    {THING_CHANNEL_PROPERTY, "report_info_reply", on_reply},
    {THING_CHANNEL_EVENT, "event_reply", on_reply},
    {THING_CHANNEL_EVENT, "events_reply", on_reply}, /* vendor logs show both names */
    {THING_CHANNEL_ACTION, "action", on_action},
    {THING_CHANNEL_SERVICE, "bind_device", on_bind},
    {THING_CHANNEL_SERVICE, "unbind_device", on_unbind},
    {THING_CHANNEL_SERVICE, "unbind_device_reply", on_reply},
    {THING_CHANNEL_SERVICE, "app_bind_token_reply", on_reply},
    {THING_CHANNEL_SERVICE, "alert_fence_event", on_fence},
};

static bool is_shared(struct thing *t, const char *method, const json_t *json)
{
    LIST_FOR_EACH (n, &t->sharers) {
        struct thing_sharer *s = LIST_ENTRY(n, struct thing_sharer, link);

        if (s->on_message(method, json, s->userdata))
            return true;
    }
    return false;
}

void thing_share(struct thing *t, struct thing_sharer *sharer)
{
    list_append(&t->sharers, &sharer->link);
}

void thing_unshare(struct thing_sharer *sharer)
{
    if (sharer->link.next)
        list_remove(&sharer->link);
}

static void dispatch(struct thing *t, enum thing_channel channel, json_t *json)
{
    struct message m = {.token = jx_string_or(json, "clientToken", ""), .json = json};
    const char *name = jx_string_or(json, "method", "");
    int64_t timestamp = 0;

    if (jx_get_number_or_text(json, "timestamp", &timestamp) == 0 && timestamp > 0)
        m.timestamp_s = (uint64_t) timestamp;
    if (strlen(m.token) > LIMIT_CLIENT_TOKEN) {
        log_warn_limited(&t->bad_messages, "clientToken too long method=\"%.40s\"", name);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (methods[i].channel == channel && strcmp(methods[i].name, name) == 0) {
            methods[i].fn(t, &m);
            return;
        }
    }
    if (channel == THING_CHANNEL_SERVICE && is_shared(t, name, json))
        return;
    if (unknown_names_add(&t->unknown, (unsigned) channel, name))
        log_warn("unknown method, told once topic=%s method=\"%.40s\"", channel_names[channel],
                 name);
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    struct thing *t = userdata;

    for (int c = 0; c < THING_CHANNEL_COUNT_; c++) {
        CLEANUP(jx_decrefp) json_t *json = NULL;
        struct jx_error error;
        int r;

        if (strlen(t->down[c]) != publish->topic_len ||
            memcmp(t->down[c], publish->topic, publish->topic_len) != 0)
            continue;
        r = jx_parse_object((const char *) publish->payload, publish->payload_len, &json, &error);
        if (r < 0)
            log_warn_limited(&t->bad_messages, "message is not JSON topic=%s error=\"%s\"",
                             channel_names[c], r == -EBADMSG ? error.text : strerror(-r));
        else
            dispatch(t, (enum thing_channel) c, json);
        return;
    }
}

/* --- up --- */

static void begin(struct strbuf *sb, const char *method, const char *token)
{
    strbuf_init(sb, LIMIT_MQTT_PAYLOAD);
    strbuf_addf(sb, "{\"method\":\"%s\",\"clientToken\":", method);
    strbuf_add_json(sb, token);
}

static int publish(struct thing *t, enum thing_channel channel, struct strbuf *sb, uint8_t qos,
                   mqtt_acked_fn acked, void *userdata)
{
    CLEANUP(freep) char *text = NULL;
    int r;

    strbuf_addc(sb, '}');
    r = strbuf_finish(sb, &text);
    if (r < 0)
        return r;
    return link_publish(t->link, t->up[channel], text, strlen(text), qos, acked, userdata);
}

int thing_publish_service(struct thing *t, const char *text, uint8_t qos, mqtt_acked_fn acked,
                          void *userdata)
{
    return link_publish(t->link, t->up[THING_CHANNEL_SERVICE], text, strlen(text), qos, acked,
                        userdata);
}

int thing_ask(struct thing *t, const struct thing_question *q, struct request *request,
              request_fn fn, void *userdata)
{
    char token[REQUEST_TOKEN];
    struct strbuf sb;
    int r;

    if (t->requests.n_pending >= LIMIT_PENDING_REPLIES)
        return -ENOBUFS;
    if (q->token)
        (void) snprintf(token, sizeof(token), "%s", q->token);
    else
        thing_new_token(t, token);
    begin(&sb, q->method, token);
    strbuf_addf(&sb, ",%s", q->members);
    r = publish(t, q->channel, &sb, q->qos, NULL, NULL);
    if (r < 0)
        return r;
    request_cancel(request);
    request_start(&t->requests, request, token, q->timeout_us, fn, userdata);
    return 0;
}

int thing_request(struct thing *t, enum thing_channel channel, const char *method,
                  const char *members, struct request *request, request_fn fn, void *userdata)
{
    const struct thing_question q = {channel, method, members, NULL, REPLY_TIMEOUT_US, 0};

    return thing_ask(t, &q, request, fn, userdata);
}

static int publish_report(struct thing *t, const struct thing_sample *sample, uint8_t qos,
                          mqtt_acked_fn acked, void *userdata)
{
    struct strbuf sb;

    if (t->requests.n_pending >= LIMIT_PENDING_REPLIES)
        return -ENOBUFS;
    begin(&sb, "report", sample->token);
    if (sample->timestamp_s)
        strbuf_addf(&sb, ",\"timestamp\":%" PRIu64, sample->timestamp_s);
    strbuf_addf(&sb, ",\"params\":%s", sample->params);
    return publish(t, THING_CHANNEL_PROPERTY, &sb, qos, acked, userdata);
}

int thing_report(struct thing *t, const char *params, uint64_t timestamp_s, uint8_t qos,
                 struct request *request, request_fn fn, void *userdata)
{
    char token[REQUEST_TOKEN];
    const struct thing_sample sample = {token, params, timestamp_s};
    int r;

    thing_new_token(t, token);
    r = publish_report(t, &sample, qos, NULL, NULL);
    if (r < 0)
        return r;
    request_start(&t->requests, request, token, REPLY_TIMEOUT_US, fn, userdata);
    return 0;
}

int thing_post_sample(struct thing *t, const struct thing_sample *sample, mqtt_acked_fn acked,
                      struct request *request, request_fn fn, void *userdata)
{
    int r = publish_report(t, sample, 1, acked, userdata);

    if (r < 0)
        return r;
    request_start(&t->requests, request, sample->token, 0, fn, userdata);
    return 0;
}

static void begin_events(struct strbuf *sb, const struct thing_event *event)
{
    if (!event->id[0]) {
        begin(sb, "events_post", event->token);
        strbuf_addf(sb, ",\"events\":%s", event->params);
        return;
    }
    begin(sb, "event_post", event->token);
    strbuf_addf(sb, ",\"version\":\"1.0\",\"eventId\":\"%s\",\"type\":\"%s\"", event->id,
                event->type);
    if (event->timestamp_s)
        strbuf_addf(sb, ",\"timestamp\":%" PRIu64, event->timestamp_s);
    strbuf_addf(sb, ",\"params\":%s", event->params);
}

int thing_post_event(struct thing *t, const struct thing_event *event, mqtt_acked_fn acked,
                     struct request *request, request_fn fn, void *userdata)
{
    struct strbuf sb;
    int r;

    if (t->requests.n_pending >= LIMIT_PENDING_REPLIES)
        return -ENOBUFS;
    begin_events(&sb, event);
    r = publish(t, THING_CHANNEL_EVENT, &sb, 1, acked, userdata);
    if (r < 0)
        return r;
    request_start(&t->requests, request, event->token, 0, fn, userdata);
    return 0;
}

void thing_await_reply(struct request *request)
{
    request_arm(request, REPLY_TIMEOUT_US);
}

static void begin_answer(struct strbuf *sb, const char *method, const char *token, int code,
                         const char *text)
{
    begin(sb, method, token);
    strbuf_addf(sb, ",\"code\":%d,\"status\":", code);
    strbuf_add_json(sb, text);
}

void thing_answer_follows(struct thing *t)
{
    link_answer_follows(t->link);
}

int thing_answer_control(struct thing *t, const char *token, int code, const char *text,
                         mqtt_acked_fn acked, void *userdata)
{
    struct strbuf sb;

    begin_answer(&sb, "control_reply", token, code, text);
    return publish(t, THING_CHANNEL_PROPERTY, &sb, 1, acked, userdata);
}

int thing_answer_action(struct thing *t, const char *token, int code, const char *text,
                        const char *response, mqtt_acked_fn acked, void *userdata)
{
    struct strbuf sb;

    begin_answer(&sb, "action_reply", token, code, text);
    strbuf_addf(&sb, ",\"response\":%s", response);
    return publish(t, THING_CHANNEL_ACTION, &sb, 1, acked, userdata);
}

/* Numbers as texts, as the vendor's client has them here (vendor SDK, location). */
int thing_answer_fence(struct thing *t, const char *token, uint64_t timestamp_s, int code,
                       const char *text, mqtt_acked_fn acked, void *userdata)
{
    struct strbuf sb;

    begin(&sb, "alert_fence_event_reply", token);
    strbuf_addf(&sb, ",\"timestamp\":\"%" PRIu64 "\",\"code\":\"%d\",\"status\":", timestamp_s,
                code);
    strbuf_add_json(&sb, text);
    return publish(t, THING_CHANNEL_SERVICE, &sb, 1, acked, userdata);
}

static void on_status_end(int code, const char *text, void *userdata)
{
    (void) userdata;
    if (code != 0)
        log_info("get_status was not answered code=%d status=\"%.64s\"", code, text);
}

int thing_get_status(struct thing *t)
{
    return thing_request(t, THING_CHANNEL_PROPERTY, "get_status",
                         "\"type\":\"report\",\"showmeta\":0", &t->status, on_status_end, t);
}

static void on_down(void *userdata)
{
    struct thing *t = userdata;

    request_cancel(&t->status);
}

/* --- life --- */

int thing_new(struct thing **ret_thing, struct loop *loop, struct link *link,
              const struct ident *ident, const struct thing_events *events, void *userdata)
{
    CLEANUP(thing_freep) struct thing *t = NULL;

    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->link = link;
    t->events = events;
    t->userdata = userdata;
    requests_init(&t->requests, loop);
    list_init(&t->sharers);
    log_limit_init(&t->bad_messages);
    rand_text(t->token_prefix, TOKEN_PREFIX);

    for (int c = 0; c < THING_CHANNEL_COUNT_; c++) {
        int r;

        (void) snprintf(t->up[c], TOPIC_SIZE, "$thing/up/%s/%s/%s", channel_names[c],
                        ident->product_id, ident->device_name);
        (void) snprintf(t->down[c], TOPIC_SIZE, "$thing/down/%s/%s/%s", channel_names[c],
                        ident->product_id, ident->device_name);
        r = c == THING_CHANNEL_SERVICE ? link_add_optional_filter(link, t->down[c], 1)
                                       : link_add_filter(link, t->down[c], 1);
        if (r < 0)
            return r;
    }
    t->watch = (struct link_watch){
        .on_down = on_down,
        .on_message = on_message,
        .userdata = t,
    };
    link_watch(link, &t->watch);
    *ret_thing = TAKE(t);
    return 0;
}

struct thing *thing_free(struct thing *t)
{
    if (!t)
        return NULL;

    link_unwatch(&t->watch);
    request_cancel(&t->status);
    free(t);
    return NULL;
}
