/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/limits.h"

LOG_AREA("event");

#define MAX_IN_FLIGHT (LIMIT_MQTT_INFLIGHT / 2) /* own choice: leaves room for answers */
#define RETRY_US (2 * USEC_PER_SEC)             /* own choice: after the cloud's code 503 */
#define MAX_CLOUD_ERRORS 3        /* own choice: 503 so often for one event is final */
#define CODE_INTERNAL 503         /* device guide: internal error, may pass */
#define CLOCK_SET_S 1577836800ULL /* 2020: a clock before that was never set */

enum event_state {
    EVENT_QUEUED,
    EVENT_PUBLISHED, /* the session has it until PUBACK */
    EVENT_ACKED,     /* waits for event_reply */
};

struct event {
    struct list link;
    struct events *owner; /* NULL: ended while the session still holds it */
    enum event_state state;
    enum event_class class;
    const struct model_event *model;
    char client_token[REQUEST_TOKEN];
    uint64_t token;
    uint64_t timestamp_s;
    uint64_t not_before_us;
    unsigned n_cloud_errors;
    struct request request;
    char *peer;
    size_t bytes;
    char params[];
};

static void schedule(struct events *es, uint64_t delay_us);

static void event_destroy(struct event *e)
{
    free(e->peer);
    free(e);
}

/* Out of the queue. The session may still hold the packet: its callback frees the rest then. */
static void event_end(struct event *e)
{
    struct events *es = e->owner;

    request_cancel(&e->request);
    list_remove(&e->link);
    es->n_all--;
    es->n_bytes -= e->bytes;
    if (e->state != EVENT_QUEUED)
        es->n_sent--;
    if (e->state == EVENT_PUBLISHED)
        e->owner = NULL;
    else
        event_destroy(e);
}

static void complete(struct event *e, int code, const char *text)
{
    struct events *es = e->owner;

    if (code != 0)
        log_warn("event refused by the cloud id=%s code=%d status=\"%.64s\"", e->model->id, code,
                 text);
    completion_tell(es->completion, e->peer, e->token, code, text);
    event_end(e);
    schedule(es, 0);
}

/* Back to its place: before all of its class that were posted later. */
static void requeue(struct event *e, uint64_t delay_us)
{
    struct events *es = e->owner;
    struct list *at = es->queued[e->class].next;

    request_cancel(&e->request);
    list_remove(&e->link);
    es->n_sent--;
    e->state = EVENT_QUEUED;
    e->not_before_us = delay_us ? loop_now_us(es->loop) + delay_us : 0;
    while (at != &es->queued[e->class] && LIST_ENTRY(at, struct event, link)->token < e->token)
        at = at->next;
    list_insert_before(at, &e->link);
    schedule(es, delay_us);
}

static void on_reply(int code, const char *text, void *userdata)
{
    struct event *e = userdata;

    if (code == -ETIMEDOUT) {
        log_info("no event_reply in time, sent again id=%s token=%s", e->model->id,
                 e->client_token);
        requeue(e, 0);
    } else if (code == CODE_INTERNAL && ++e->n_cloud_errors < MAX_CLOUD_ERRORS &&
               e->state == EVENT_ACKED) {
        requeue(e, RETRY_US);
    } else {
        complete(e, code, text);
    }
}

static void on_acked(int result, void *userdata)
{
    struct event *e = userdata;

    if (!e->owner) {
        event_destroy(e);
        return;
    }
    if (result < 0) { /* the session is being freed */
        e->state = EVENT_ACKED;
        return;
    }
    e->state = EVENT_ACKED;
    thing_await_reply(&e->request);
}

static int send_event(struct events *es, struct event *e)
{
    const struct thing_event te = {
        .token = e->client_token,
        .id = e->model->id,
        .type = model_event_type_name(e->model->type),
        .params = e->params,
        .timestamp_s = e->timestamp_s,
    };
    int r = thing_post_event(es->thing, &te, on_acked, &e->request, on_reply, e);

    if (r < 0)
        return r;
    list_remove(&e->link);
    list_append(&es->sent, &e->link);
    e->state = EVENT_PUBLISHED;
    es->n_sent++;
    return 0;
}

/* The first of its class whose time has come; a delayed one holds back those behind it. */
static struct event *next_event(struct events *es, uint64_t now, uint64_t *wait_us)
{
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++) {
        struct event *e;

        if (list_is_empty(&es->queued[c]))
            continue;
        e = LIST_ENTRY(es->queued[c].next, struct event, link);
        if (e->not_before_us <= now)
            return e;
        if (e->not_before_us - now < *wait_us)
            *wait_us = e->not_before_us - now;
    }
    return NULL;
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct events *es = userdata;

    (void) timer;
    while (link_is_up(es->cloud) && es->n_sent < MAX_IN_FLIGHT) {
        uint64_t wait = UINT64_MAX;
        struct event *e = next_event(es, loop_now_us(es->loop), &wait);

        if (!e) {
            if (wait != UINT64_MAX)
                schedule(es, wait);
            return;
        }
        if (send_event(es, e) < 0) { /* the session is full: an acknowledgement makes room */
            schedule(es, USEC_PER_SEC);
            return;
        }
    }
}

static void schedule(struct events *es, uint64_t delay_us)
{
    if (loop_timer_is_armed(&es->timer) && es->timer.due_us <= loop_now_us(es->loop) + delay_us)
        return;
    loop_timer_arm(es->loop, &es->timer, delay_us, on_timer, es);
}

static void on_up(void *userdata)
{
    schedule(userdata, 0);
}

/*
 * Replies to what was acknowledged may be lost with the connection: those are sent again, with
 * their clientToken. What was not acknowledged the session itself repeats.
 */
static void on_down(void *userdata)
{
    struct events *es = userdata;

    LIST_FOR_EACH_SAFE (n, &es->sent) {
        struct event *e = LIST_ENTRY(n, struct event, link);

        if (e->state == EVENT_ACKED)
            requeue(e, 0);
    }
}

static int event_new(struct event **ret_event, const char *peer, const char *params)
{
    size_t len = strlen(params);
    struct event *e;

    if (len > LIMIT_MQTT_PAYLOAD - 512) /* room for the envelope */
        return -EMSGSIZE;
    e = malloc(sizeof(*e) + len + 1);
    if (!e)
        return -ENOMEM;
    *e = (struct event){.bytes = sizeof(*e) + len + 1};
    list_init(&e->link);
    memcpy(e->params, params, len + 1);
    e->peer = strdup(peer);
    if (!e->peer) {
        free(e);
        return -ENOMEM;
    }
    *ret_event = e;
    return 0;
}

int events_post(struct events *es, const char *peer, const struct model_event *event,
                const char *params, uint64_t timestamp_s, uint64_t *ret_token)
{
    uint64_t now_s = clock_real_us() / USEC_PER_SEC;
    struct event *e;
    int r;

    if (es->n_all >= es->max_events)
        return -ENOBUFS;
    r = event_new(&e, peer, params);
    if (r < 0)
        return r;
    if (es->n_bytes + e->bytes > es->max_bytes) {
        event_destroy(e);
        return -ENOBUFS;
    }
    e->owner = es;
    e->model = event;
    e->class = event->type == MODEL_EVENT_INFO ? EVENT_CLASS_INFO : EVENT_CLASS_URGENT;
    e->token = completion_token(es->completion);
    e->timestamp_s = timestamp_s ? timestamp_s : now_s >= CLOCK_SET_S ? now_s : 0;
    thing_new_token(es->thing, e->client_token);
    list_append(&es->queued[e->class], &e->link);
    es->n_all++;
    es->n_bytes += e->bytes;
    schedule(es, 0);
    *ret_token = e->token;
    return 0;
}

void events_init(struct events *es, struct loop *loop, struct link *link, struct thing *thing,
                 struct completion *completion, unsigned max_events, size_t max_bytes)
{
    *es = (struct events){
        .loop = loop,
        .cloud = link,
        .thing = thing,
        .completion = completion,
        .watch = {.on_up = on_up, .on_down = on_down, .userdata = es},
        .max_events = max_events,
        .max_bytes = max_bytes,
    };
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++)
        list_init(&es->queued[c]);
    list_init(&es->sent);
    link_watch(link, &es->watch);
}

void events_done(struct events *es)
{
    if (!es->loop)
        return;
    link_unwatch(&es->watch);
    loop_timer_cancel(&es->timer);
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++) {
        while (!list_is_empty(&es->queued[c]))
            event_end(LIST_ENTRY(es->queued[c].next, struct event, link));
    }
    while (!list_is_empty(&es->sent))
        event_end(LIST_ENTRY(es->sent.next, struct event, link));
    es->loop = NULL;
}
