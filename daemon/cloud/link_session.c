/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link as the MQTT session sees it. */

#include <string.h>

#include "daemon/cloud/link_impl.h"
#include "daemon/sys/log.h"

LOG_AREA("link");

static void on_session_timer(struct loop_timer *timer, void *userdata);

void link_arm_session(struct link *l)
{
    uint64_t now = loop_now_us(l->loop);
    uint64_t next = mqtt_session_next_us(&l->session);

    if (next == UINT64_MAX) {
        loop_timer_cancel(&l->session_timer);
        return;
    }
    /* Traffic only moves the deadline away: an armed earlier timer looks again by itself. */
    if (loop_timer_is_armed(&l->session_timer) && l->session_timer.due_us <= next)
        return;
    loop_timer_arm(l->loop, &l->session_timer, next > now ? next - now : 0, on_session_timer, l);
}

static void on_session_timer(struct loop_timer *timer, void *userdata)
{
    struct link *l = userdata;
    int r = mqtt_session_tick(&l->session, loop_now_us(l->loop));

    (void) timer;
    if (r < 0)
        link_step(l, LINK_EVENT_FAILED, "%s", l->session.reason);
    else
        link_arm_session(l);
}

static int session_send(const uint8_t *data, size_t len, void *userdata)
{
    struct link *l = userdata;

    return transport_send(l->transport, data, len);
}

static void session_sent(const struct mqtt_publish *publish, void *userdata)
{
    struct link *l = userdata;

    l->sent++;
    TELL(l, on_traffic, true, publish, );
}

static void session_message(const struct mqtt_publish *publish, void *userdata)
{
    struct link *l = userdata;

    l->received++;
    TELL(l, on_traffic, false, publish, );
    TELL(l, on_message, publish, );
}

static void session_skipped(const struct mqtt_publish *publish, size_t n_skipped, void *userdata)
{
    struct link *l = userdata;

    l->received++;
    log_warn_limited(&l->skipped, "a message of %zu bytes on \"%.*s\" was thrown away", n_skipped,
                     (int) publish->topic_len, publish->topic);
}

/* FNV-1a, 64 bits, over texts with their ends. */
static uint64_t add_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t) *text) * 0x100000001b3ULL;
    while (*text++);
    return hash;
}

static uint64_t filters_number(const struct link *l)
{
    uint64_t hash = add_text(0xcbf29ce484222325ULL, l->config.endpoint.host);

    for (size_t i = 0; i < l->filters.n; i++)
        hash = add_text(hash, l->filters.all[i].topic) + l->filters.all[i].qos;
    return hash ? hash : 1;
}

/* Broken off in the middle, the server has a session too, and would never send what is missing. */
static bool session_is_whole(const struct link *l)
{
    if (!l->memory.get_filters)
        return l->session_is_whole;
    return l->memory.get_filters(l->memory.userdata) == filters_number(l);
}

static void set_session_whole(struct link *l, bool whole)
{
    l->session_is_whole = whole;
    if (l->memory.set_filters)
        l->memory.set_filters(whole ? filters_number(l) : 0, l->memory.userdata);
}

static void session_connack(bool session_present, uint8_t code, void *userdata)
{
    struct link *l = userdata;
    const char *text = mqtt_connack_text(code);

    l->session_present = session_present;
    switch (code) {
    case MQTT_CONNACK_ACCEPTED:
        if (session_present && session_is_whole(l))
            link_step(l, LINK_EVENT_ACCEPTED, KEEP_REASON);
        else
            link_step(l, LINK_EVENT_ACCEPTED_NEW, KEEP_REASON);
        break;
    case MQTT_CONNACK_UNAVAILABLE:
        link_step(l, LINK_EVENT_UNAVAILABLE, "the cloud answered: %s (CONNACK %u)", text, code);
        break;
    case MQTT_CONNACK_NOT_AUTHORIZED:
        link_step(l, LINK_EVENT_NOT_ALLOWED,
                  "the cloud answered: %s (CONNACK %u); is the device disabled in the console?",
                  text, code);
        break;
    default:
        link_step(l, LINK_EVENT_BAD_LOGIN,
                  "the cloud answered: %s (CONNACK %u); check device_info.json and the clock", text,
                  code);
    }
}

void link_subscribe(struct link *l)
{
    set_session_whole(l, false); /* known before the server knows of a filter */
    l->next_filter = 0;
    link_subscribe_next(l);
}

void link_subscribe_next(struct link *l)
{
    const struct filter *f = &l->filters.all[l->next_filter];
    int r;

    if (l->next_filter == l->filters.n) {
        set_session_whole(l, true);
        link_step(l, LINK_EVENT_SUBSCRIBED, KEEP_REASON);
        return;
    }
    r = mqtt_session_subscribe(&l->session, loop_now_us(l->loop), f->topic, f->qos);
    if (r < 0)
        link_step(l, LINK_EVENT_FAILED, "cannot subscribe: %s", strerror(-r));
    else
        link_arm_session(l);
}

static void session_suback(bool granted, void *userdata)
{
    struct link *l = userdata;

    if (l->state != LINK_STATE_SUBSCRIBING)
        return;
    if (!granted && !l->filters.all[l->next_filter].optional) {
        link_step(l, LINK_EVENT_FAILED, "the cloud refused the subscription to %s",
                  l->filters.all[l->next_filter].topic);
        return;
    }
    if (!granted)
        log_warn("the cloud refused a subscription, going on without topic=\"%s\"",
                 l->filters.all[l->next_filter].topic);
    l->next_filter++;
    link_subscribe_next(l);
}

const struct mqtt_session_ops link_session_ops = {
    .send = session_send,
    .on_connack = session_connack,
    .on_suback = session_suback,
    .on_message = session_message,
    .on_skipped = session_skipped,
    .on_sent = session_sent,
};
