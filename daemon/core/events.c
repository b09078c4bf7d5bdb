/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/event.h"

LOG_AREA("event");

#define RETRY_US (2 * USEC_PER_SEC) /* own choice: after the cloud's code 503 */
#define MAX_CLOUD_ERRORS 3          /* own choice: 503 so often for one event is final */
#define BURST 5                     /* own choice: an alert after a quiet time does not wait */
#define RESERVED 8           /* own choice: of what may be in flight, for alerts and faults */
#define CODE_BAD_MESSAGE 400 /* device guide: message malformed */
#define CODE_INTERNAL 503    /* device guide: internal error, may pass */

/* Out of what is sent or queued; the row goes with the next transaction. */
static void take_out(struct event *e)
{
    struct events *es = e->owner;

    request_cancel(&e->request);
    list_remove(&e->link);
    if (e->state == EVENT_QUEUED)
        es->queues[e->class].n_queued--;
    else
        es->n_sent--;
}

void events_end(struct event *e, int code, const char *text)
{
    struct events *es = e->owner;

    if (code != 0)
        log_warn("%s ended id=%s code=%d status=\"%.64s\"",
                 e->class == EVENT_CLASS_SAMPLE ? "sample" : "event", e->id, code, text);
    take_out(e);
    e->state = EVENT_ENDED;
    es->n_all--;
    es->n_bytes -= e->bytes;
    events_account_close(e);
    list_append(&es->ended, &e->link);
    completion_tell(es->completion, e->scope, e->peer, (uint64_t) e->token, code, text);
    persist_request(es->persist, false);
    events_schedule(es, 0);
}

/* Back to its place: before what its program posted later. */
static void requeue(struct event *e, uint64_t delay_us)
{
    struct events *es = e->owner;

    take_out(e);
    e->not_before_us = delay_us ? loop_now_us(es->loop) + delay_us : 0;
    events_insert(es, e);
    events_schedule(es, delay_us);
}

static void on_reply(int code, const char *text, void *userdata)
{
    struct event *e = userdata;

    if (code == -ETIMEDOUT) {
        log_info("no event_reply in time, sent again id=%s token=%s", e->id, e->client_token);
        requeue(e, 0);
    } else if (code == CODE_INTERNAL && ++e->n_cloud_errors < MAX_CLOUD_ERRORS) {
        if (e->in_session)
            e->again = true;
        else
            requeue(e, RETRY_US);
    } else {
        events_end(e, code, text);
    }
}

static void on_acked(int result, void *userdata)
{
    struct event *e = userdata;

    e->in_session = false;
    if (!e->owner) { /* its row is gone already */
        event_destroy(e);
        return;
    }
    if (e->state != EVENT_PUBLISHED)
        return;
    e->state = EVENT_ACKED;
    if (result == -EBADMSG) {
        log_err("given up: the cloud closes the connection whenever this event is sent id=%s "
                "token=%s params=\"%.256s\"",
                e->id, e->client_token, e->params);
        events_end(e, CODE_BAD_MESSAGE, "the cloud closes the connection whenever it is sent");
        return;
    }
    if (result < 0) /* the session is being freed */
        return;
    if (e->again) {
        e->again = false;
        requeue(e, RETRY_US);
    } else {
        thing_await_reply(&e->request);
    }
}

static int publish_sample(struct events *es, struct event *e)
{
    const struct thing_sample ts = {
        .token = e->client_token,
        .params = e->params,
        .timestamp_s = (uint64_t) e->timestamp_s,
    };

    return thing_post_sample(es->thing, &ts, on_acked, &e->request, on_reply, e);
}

static int publish_event(struct events *es, struct event *e)
{
    const struct thing_event te = {
        .token = e->client_token,
        .id = e->id,
        .type = model_event_type_name(e->type),
        .params = e->params,
        .timestamp_s = (uint64_t) e->timestamp_s,
    };

    return thing_post_event(es->thing, &te, on_acked, &e->request, on_reply, e);
}

static int send_event(struct events *es, struct event *e)
{
    int r = e->class == EVENT_CLASS_SAMPLE ? publish_sample(es, e) : publish_event(es, e);

    if (r < 0)
        return r;
    list_remove(&e->link);
    es->queues[e->class].n_queued--;
    list_append(&es->sent, &e->link);
    e->state = EVENT_PUBLISHED;
    e->in_session = true;
    es->n_sent++;
    if (e->turn > es->queues[e->class].now)
        es->queues[e->class].now = e->turn;
    if (e->class != EVENT_CLASS_URGENT)
        es->last_sent = e->class;
    return 0;
}

/* The first of a class if its time has come; a delayed one holds back those behind it. */
static struct event *next_of(struct events *es, enum event_class class, uint64_t now,
                             uint64_t *wait_us)
{
    struct list *queued = &es->queues[class].queued;
    uint64_t wait = 0;
    struct event *e;

    if (class != EVENT_CLASS_URGENT && es->n_sent >= LIMIT_EVENTS_INFLIGHT - RESERVED)
        return NULL; /* a reply makes room */
    if (events_fill(es, class) < 0 && *wait_us > RETRY_US)
        *wait_us = RETRY_US; /* the store tells why */
    if (list_is_empty(queued))
        return NULL;
    e = LIST_ENTRY(queued->next, struct event, link);
    if (e->not_before_us > now)
        wait = e->not_before_us - now;
    else if (class == EVENT_CLASS_SAMPLE)
        wait = pace_take(es->pace, PACE_SAMPLES, now);
    if (wait == 0)
        return e;
    if (wait < *wait_us)
        *wait_us = wait;
    return NULL;
}

/* Alerts and faults, then infos and samples by turns. */
static struct event *next_event(struct events *es, uint64_t now, uint64_t *wait_us)
{
    bool info_was_last = es->last_sent == EVENT_CLASS_INFO;
    const enum event_class order[] = {
        EVENT_CLASS_URGENT,
        info_was_last ? EVENT_CLASS_SAMPLE : EVENT_CLASS_INFO,
        info_was_last ? EVENT_CLASS_INFO : EVENT_CLASS_SAMPLE,
    };

    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        struct event *e = next_of(es, order[i], now, wait_us);

        if (e)
            return e;
    }
    return NULL;
}

/* Poison: what can never be sent must not hold up the others. */
static bool is_final(int error)
{
    return error == -EMSGSIZE || error == -EINVAL;
}

static void on_timer(struct loop_timer *timer, void *userdata)
{
    struct events *es = userdata;

    (void) timer;
    while (link_is_up(es->cloud) && es->n_sent < LIMIT_EVENTS_INFLIGHT) {
        uint64_t now = loop_now_us(es->loop), wait = ratelimit_peek(&es->rate, now);
        struct event *e = NULL;
        int r;

        if (wait == 0) {
            wait = UINT64_MAX;
            e = next_event(es, now, &wait);
        }
        if (!e) {
            if (wait != UINT64_MAX)
                events_schedule(es, wait);
            return;
        }
        (void) ratelimit_take(&es->rate, now); /* seen above */
        r = send_event(es, e);
        if (is_final(r)) {
            events_end(e, 413, "the event does not fit into a message");
        } else if (r < 0) { /* the session is full: an acknowledgement makes room */
            events_schedule(es, USEC_PER_SEC);
            return;
        }
    }
}

void events_schedule(struct events *es, uint64_t delay_us)
{
    if (loop_timer_is_armed(&es->timer) && es->timer.due_us <= loop_now_us(es->loop) + delay_us)
        return;
    loop_timer_arm(es->loop, &es->timer, delay_us, on_timer, es);
}

static void on_up(void *userdata)
{
    events_schedule(userdata, 0);
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

/* Makes room as outbox.info_policy says. */
static int check_room(struct events *es, int64_t bytes)
{
    while (es->n_all >= es->config.max_events || es->n_bytes + bytes > es->config.max_bytes) {
        if (!es->config.drop_oldest_info || events_drop_oldest(es) < 0)
            return -ENOBUFS;
    }
    return 0;
}

static int prepare(struct events *es, const char *peer, const char *params, uint64_t timestamp_s,
                   struct event **ret_event)
{
    struct event *e;
    int r;

    if (strlen(params) > LIMIT_MQTT_PAYLOAD - 512) /* room for the envelope */
        return -EMSGSIZE;
    r = event_new(&e, params, peer, es->completion->scope);
    if (r < 0)
        return r;
    e->owner = es;
    r = events_account_open(es, e);
    if (r == 0)
        r = check_room(es, e->bytes);
    if (r < 0) {
        events_abandon(e);
        return r;
    }
    e->timestamp_s = (int64_t) (timestamp_s ? timestamp_s : ntp_now_s(es->ntp));
    *ret_event = e;
    return 0;
}

void events_keep(struct event *e, events_posted_fn fn, void *userdata)
{
    struct events *es = e->owner;

    e->token = (int64_t) completion_token(es->completion);
    events_take_turn(es, e);
    e->posted = fn;
    e->userdata = userdata;
    thing_new_token(es->thing, e->client_token);
    list_append(&es->posting, &e->link);
    es->n_all++;
    es->n_bytes += e->bytes;
    persist_request(es->persist, true);
}

void events_abandon(struct event *e)
{
    if (e)
        events_account_close(e);
    event_destroy(e);
}

int events_prepare_sample(struct events *es, const char *peer, const char *params,
                          uint64_t timestamp_s, struct event **ret_event)
{
    struct event *e;
    int r = prepare(es, peer, params, timestamp_s, &e);

    if (r < 0)
        return r;
    e->class = EVENT_CLASS_SAMPLE;
    *ret_event = e;
    return 0;
}

int events_post(struct events *es, const char *peer, const struct model_event *event,
                const char *params, uint64_t timestamp_s, events_posted_fn fn, void *userdata)
{
    struct event *e;
    int r = prepare(es, peer, params, timestamp_s, &e);

    if (r < 0)
        return r;
    e->type = event->type;
    e->class = event->type == MODEL_EVENT_INFO ? EVENT_CLASS_INFO : EVENT_CLASS_URGENT;
    (void) snprintf(e->id, sizeof(e->id), "%s", event->id);
    events_keep(e, fn, userdata);
    return 0;
}

int events_post_list(struct events *es, const char *peer, const char *list, bool urgent,
                     events_posted_fn fn, void *userdata)
{
    struct event *e;
    int r = prepare(es, peer, list, 0, &e);

    if (r < 0)
        return r;
    e->type = urgent ? MODEL_EVENT_ALERT : MODEL_EVENT_INFO;
    e->class = urgent ? EVENT_CLASS_URGENT : EVENT_CLASS_INFO;
    events_keep(e, fn, userdata);
    return 0;
}

void events_configure(struct events *es, const struct events_config *config)
{
    if (config->rate != es->config.rate)
        ratelimit_init(&es->rate, config->rate, USEC_PER_SEC, BURST);
    es->config = *config;
}

int events_init(struct events *es, struct loop *loop, struct link *link, struct thing *thing,
                struct ntp *ntp, struct completion *completion, struct persist *persist,
                struct pace *pace, const struct clients *clients,
                const struct events_config *config)
{
    *es = (struct events){
        .loop = loop,
        .cloud = link,
        .thing = thing,
        .ntp = ntp,
        .completion = completion,
        .persist = persist,
        .pace = pace,
        .clients = clients,
        .last_sent = EVENT_CLASS_SAMPLE,
        .part = events_part,
        .watch = {.on_up = on_up, .on_down = on_down, .userdata = es},
    };
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++)
        list_init(&es->queues[c].queued);
    list_init(&es->posting);
    list_init(&es->sent);
    list_init(&es->ended);
    list_init(&es->accounts);
    es->part.userdata = es;
    events_configure(es, config);
    persist_add(persist, &es->part);
    link_watch(link, &es->watch);
    return events_load(es);
}

/* The rows stay; only what is in memory goes. */
static void clear(struct events *es, struct list *list)
{
    while (!list_is_empty(list)) {
        struct event *e = LIST_ENTRY(list->next, struct event, link);

        request_cancel(&e->request);
        list_remove(&e->link);
        e->owner = NULL;
        if (!e->in_session)
            event_destroy(e);
    }
    (void) es;
}

void events_done(struct events *es)
{
    if (!es->loop)
        return;
    link_unwatch(&es->watch);
    loop_timer_cancel(&es->timer);
    for (int c = 0; c < EVENT_CLASS_COUNT_; c++)
        clear(es, &es->queues[c].queued);
    clear(es, &es->sent);
    clear(es, &es->ended);
    clear(es, &es->posting);
    events_free_accounts(es);
    es->loop = NULL;
}
