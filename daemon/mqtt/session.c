/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/mqtt/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

/* Vendor SDK: 5 s for CONNACK, SUBACK and PINGRESP. */
#define REQUEST_TIMEOUT_US (5 * USEC_PER_SEC)
/* Own choice: a publish without PUBACK for so long makes us ask whether the peer is there. */
#define ACK_PROBE_US (10 * USEC_PER_SEC)
/*
 * Own choice: so much of a message above the cap is a sign of life while a PINGRESP is awaited,
 * which cannot come before its end.
 */
#define ALIVE_BYTES (16U * 1024)

/* Own choices: closings in a row that make a publish suspect, and that convict it; how long a
 * connection has to hold before the trial, and how soon after a publish the server closes if it
 * does because of it. */
#define SUSPECT_AFTER 2
#define CONVICT_AFTER 5
#define TRIAL_QUIET_US (3 * USEC_PER_SEC)
#define TRIAL_WINDOW_US (3 * USEC_PER_SEC)

/* Own choice: a program that answers at once has done so by then. */
#define HOLD_ACK_US USEC_PER_MSEC

/* One QoS 1 publish; the packet is kept as it goes over the wire. */
struct inflight {
    struct list link;
    mqtt_acked_fn acked;
    void *userdata;
    uint64_t sent_us; /* 0: never sent */
    uint16_t id;
    struct mqtt_publish view; /* points into packet */
    size_t len;
    uint8_t packet[];
};

void mqtt_session_init(struct mqtt_session *s, const struct mqtt_session_ops *ops, void *userdata,
                       size_t packet_cap, uint16_t first_id)
{
    *s = (struct mqtt_session){
        .ops = ops,
        .userdata = userdata,
        .next_id = first_id ? first_id : 1,
        .request_deadline_us = UINT64_MAX,
    };
    mqtt_stream_init(&s->stream, packet_cap);
    list_init(&s->inflight);
}

static void inflight_end(struct mqtt_session *s, struct inflight *f, int result)
{
    list_remove(&f->link);
    s->n_inflight--;
    s->inflight_bytes -= f->len;
    if (f->acked)
        f->acked(result, f->userdata);
    free(f);
}

void mqtt_session_done(struct mqtt_session *s)
{
    while (!list_is_empty(&s->inflight))
        inflight_end(s, LIST_ENTRY(s->inflight.next, struct inflight, link), -ECANCELED);
    mqtt_stream_done(&s->stream);
}

static int send_packet(struct mqtt_session *s, const uint8_t *data, size_t len)
{
    int r = s->ops->send(data, len, s->userdata);

    if (r == 0)
        s->last_sent_us = s->now_us;
    return r;
}

static int send_small(struct mqtt_session *s, const struct bytes_writer *w)
{
    return w->full ? -EMSGSIZE : send_packet(s, w->data, w->len);
}

static int send_ack(struct mqtt_session *s, uint16_t id)
{
    uint8_t buf[MQTT_PUBACK_SIZE];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    int r;

    mqtt_encode_puback(&w, id);
    r = send_small(s, &w);
    if (r < 0)
        s->reason = "cannot send PUBACK";
    return r;
}

static int send_held_acks(struct mqtt_session *s)
{
    unsigned n = 0;
    int r = 0;

    while (r == 0 && n < s->n_held_acks) {
        r = send_ack(s, s->held_acks[n]);
        n += r == 0;
    }
    s->n_held_acks -= n;
    memmove(s->held_acks, s->held_acks + n, s->n_held_acks * sizeof(s->held_acks[0]));
    return r;
}

static int acknowledge(struct mqtt_session *s, uint16_t id, bool hold)
{
    int r;

    if (hold && s->n_held_acks < MQTT_HELD_ACKS) {
        if (s->n_held_acks == 0)
            s->held_until_us = s->now_us + HOLD_ACK_US;
        s->held_acks[s->n_held_acks++] = id;
        return 0;
    }
    r = send_held_acks(s); /* MQTT-4.6.0-2: in their order */
    return r < 0 ? r : send_ack(s, id);
}

int mqtt_session_start(struct mqtt_session *s, uint64_t now_us, const struct mqtt_connect *connect)
{
    uint8_t buf[1024];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    int r;

    mqtt_stream_reset(&s->stream);
    s->now_us = now_us;
    s->ping_sent_us = 0;
    s->last_ping_us = 0;
    s->n_skipped = 0;
    s->subscribe_id = 0;
    s->keepalive_us = connect->keepalive_s * USEC_PER_SEC;
    mqtt_encode_connect(&w, connect);
    r = send_small(s, &w);
    explicit_bzero(buf, sizeof(buf));
    if (r < 0)
        return r;
    s->state = MQTT_SESSION_CONNECTING;
    s->request_deadline_us = now_us + REQUEST_TIMEOUT_US;
    return 0;
}

static struct inflight *oldest(const struct mqtt_session *s)
{
    return list_is_empty(&s->inflight) ? NULL : LIST_ENTRY(s->inflight.next, struct inflight, link);
}

static bool is_on_trial(const struct mqtt_session *s)
{
    const struct inflight *f = oldest(s);

    return f && f->id == s->suspect.id && s->suspect.n_closed >= SUSPECT_AFTER;
}

static void clear_suspect(struct mqtt_session *s)
{
    s->suspect = (struct mqtt_suspect){0};
}

bool mqtt_session_closed(struct mqtt_session *s, uint64_t now_us)
{
    struct mqtt_suspect suspect = s->suspect;
    struct inflight *f = oldest(s);
    bool was_trial = is_on_trial(s), was_up = s->resumed;
    bool blamed = was_up && f && f->sent_us >= s->resumed_us && !suspect.trial_at_us &&
                  now_us < f->sent_us + TRIAL_WINDOW_US;

    mqtt_session_lost(s); /* keeps the suspect if the server did not come to it */
    if (!blamed)
        return false;
    s->suspect.id = f->id;
    s->suspect.n_closed = f->id == suspect.id ? suspect.n_closed + 1 : 1;
    if (s->suspect.n_closed >= CONVICT_AFTER) {
        clear_suspect(s);
        inflight_end(s, f, -EBADMSG);
    }
    return was_trial;
}

void mqtt_session_lost(struct mqtt_session *s)
{
    if (s->resumed)
        clear_suspect(s); /* it ended in another way */
    s->suspect.trial_at_us = 0;
    s->state = MQTT_SESSION_DOWN;
    s->resumed = false;
    s->subscribe_id = 0;
    s->n_held_acks = 0; /* the messages come again */
    s->ping_sent_us = 0;
    s->request_deadline_us = UINT64_MAX;
    mqtt_stream_reset(&s->stream);
}

void mqtt_session_disconnect(struct mqtt_session *s)
{
    uint8_t buf[MQTT_EMPTY_SIZE];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

    if (s->state == MQTT_SESSION_UP) {
        (void) send_held_acks(s);
        mqtt_encode_empty(&w, MQTT_DISCONNECT);
        (void) send_small(s, &w); /* the connection ends either way */
    }
    mqtt_session_lost(s);
}

static int send_inflight(struct mqtt_session *s, struct inflight *f)
{
    int r;

    if (f->sent_us) {
        f->packet[0] |= 0x08; /* DUP, MQTT-3.3.1-1 */
        f->view.dup = true;
    }
    r = send_packet(s, f->packet, f->len);
    if (r < 0)
        return r;
    f->sent_us = s->now_us;
    s->ops->on_sent(&f->view, s->userdata);
    return 0;
}

/* What is in flight and was not sent on this connection yet. */
static int send_all(struct mqtt_session *s)
{
    LIST_FOR_EACH (n, &s->inflight) {
        int r = send_inflight(s, LIST_ENTRY(n, struct inflight, link));

        if (r < 0)
            return r;
    }
    return 0;
}

int mqtt_session_resume(struct mqtt_session *s, uint64_t now_us)
{
    s->now_us = now_us;
    s->resumed = true;
    s->resumed_us = now_us;
    if (!is_on_trial(s))
        return send_all(s);
    s->suspect.trial_at_us = now_us + TRIAL_QUIET_US;
    return 0;
}

static int on_connack(struct mqtt_session *s, const struct mqtt_packet *p)
{
    if (s->state != MQTT_SESSION_CONNECTING) {
        s->reason = "a second CONNACK";
        return -EPROTO;
    }
    s->request_deadline_us = UINT64_MAX;
    if (p->connack.code == MQTT_CONNACK_ACCEPTED)
        s->state = MQTT_SESSION_UP;
    s->ops->on_connack(p->connack.session_present, p->connack.code, s->userdata);
    return 0;
}

static int on_publish(struct mqtt_session *s, const struct mqtt_publish *publish, size_t n_skipped)
{
    s->answer_follows = false;
    if (n_skipped > 0)
        s->ops->on_skipped(publish, n_skipped, s->userdata);
    else
        s->ops->on_message(publish, s->userdata);
    if (publish->qos == 0 || s->state != MQTT_SESSION_UP)
        return 0;
    return acknowledge(s, publish->id, s->answer_follows);
}

static int on_puback(struct mqtt_session *s, uint16_t id)
{
    bool was_trial = is_on_trial(s);

    LIST_FOR_EACH (n, &s->inflight) {
        struct inflight *f = LIST_ENTRY(n, struct inflight, link);

        if (f->id == id && f->sent_us) {
            s->rtt_us = s->now_us - f->sent_us;
            inflight_end(s, f, 0);
            /* Acquitted: the others, which waited for that, go on. */
            return was_trial && !is_on_trial(s) ? send_all(s) : 0;
        }
    }
    /* Unknown: acknowledged twice, which a resend over a reconnect can bring about. */
    return 0;
}

static int on_suback(struct mqtt_session *s, const struct mqtt_packet *p)
{
    if (p->suback.id != s->subscribe_id || p->suback.n_codes != 1) {
        s->reason = "a SUBACK that was not asked for";
        return -EPROTO;
    }
    s->subscribe_id = 0;
    s->request_deadline_us = UINT64_MAX;
    s->ops->on_suback(p->suback.codes[0] != MQTT_SUBACK_FAILURE, s->userdata);
    return 0;
}

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    struct mqtt_session *s = userdata;
    struct mqtt_packet p;

    if (mqtt_decode(first, body, len, &p) < 0) {
        s->reason = "malformed packet";
        return -EPROTO;
    }
    if (s->state == MQTT_SESSION_DOWN)
        return -ECONNRESET; /* closed by a callback of an earlier packet */
    if (s->state == MQTT_SESSION_CONNECTING && p.type != MQTT_CONNACK) {
        s->reason = "packet before CONNACK"; /* MQTT-3.2.0-1 */
        return -EPROTO;
    }

    switch ((int) p.type) {
    case MQTT_CONNACK:
        return on_connack(s, &p);
    case MQTT_PUBLISH:
        return on_publish(s, &p.publish, n_skipped);
    case MQTT_PUBACK:
        return on_puback(s, p.ack.id);
    case MQTT_SUBACK:
        return on_suback(s, &p);
    case MQTT_PINGRESP:
        if (s->ping_sent_us)
            s->rtt_us = s->now_us - s->ping_sent_us;
        s->ping_sent_us = 0;
        return 0;
    default:
        return 0;
    }
}

/* A ping waits behind a message above the cap for as long as that is coming. */
static void note_skipped(struct mqtt_session *s, size_t len)
{
    if (!s->stream.skipping || !s->ping_sent_us)
        return;
    s->n_skipped += len;
    if (s->n_skipped < ALIVE_BYTES)
        return;
    s->n_skipped = 0;
    s->ping_sent_us = s->now_us;
}

int mqtt_session_feed(struct mqtt_session *s, uint64_t now_us, const uint8_t *data, size_t len)
{
    int r;

    s->now_us = now_us;
    s->reason = NULL;
    note_skipped(s, len);
    r = mqtt_stream_feed(&s->stream, data, len, on_packet, s);
    if (r == -EMSGSIZE)
        s->reason = "packet larger than the limit";
    else if (r == -EBADMSG)
        s->reason = "malformed packet length";
    else if (r < 0 && !s->reason)
        s->reason = strerror(-r);
    return r;
}

static uint64_t oldest_sent_us(const struct mqtt_session *s)
{
    if (!s->resumed || list_is_empty(&s->inflight))
        return 0;
    return LIST_ENTRY(s->inflight.next, struct inflight, link)->sent_us;
}

/* When a PINGREQ has to go out if nothing else happens. */
static uint64_t ping_due_us(const struct mqtt_session *s)
{
    uint64_t due = s->keepalive_us ? s->last_sent_us + s->keepalive_us : UINT64_MAX;
    uint64_t oldest = oldest_sent_us(s);

    if (oldest) {
        uint64_t probe = (oldest > s->last_ping_us ? oldest : s->last_ping_us) + ACK_PROBE_US;

        if (probe < due)
            due = probe;
    }
    return due;
}

uint64_t mqtt_session_next_us(const struct mqtt_session *s)
{
    uint64_t next = s->request_deadline_us;

    if (s->state == MQTT_SESSION_UP) {
        uint64_t ping = s->ping_sent_us ? s->ping_sent_us + REQUEST_TIMEOUT_US : ping_due_us(s);

        if (ping < next)
            next = ping;
        if (s->suspect.trial_at_us && s->suspect.trial_at_us < next)
            next = s->suspect.trial_at_us;
        if (s->n_held_acks > 0 && s->held_until_us < next)
            next = s->held_until_us;
    }
    return next;
}

/* Its time has come: the suspect alone. */
static int hold_trial(struct mqtt_session *s)
{
    struct inflight *f = oldest(s);

    s->suspect.trial_at_us = 0;
    return f ? send_inflight(s, f) : 0;
}

static int send_ping(struct mqtt_session *s)
{
    uint8_t buf[MQTT_EMPTY_SIZE];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    int r;

    mqtt_encode_empty(&w, MQTT_PINGREQ);
    r = send_small(s, &w);
    if (r < 0) {
        s->reason = "cannot send PINGREQ";
        return r;
    }
    s->ping_sent_us = s->now_us;
    s->last_ping_us = s->now_us;
    s->n_skipped = 0;
    return 0;
}

int mqtt_session_probe(struct mqtt_session *s, uint64_t now_us)
{
    s->now_us = now_us;
    return s->state == MQTT_SESSION_UP && !s->ping_sent_us ? send_ping(s) : 0;
}

int mqtt_session_tick(struct mqtt_session *s, uint64_t now_us)
{
    s->now_us = now_us;
    if (now_us >= s->request_deadline_us) {
        s->reason =
            s->state == MQTT_SESSION_CONNECTING ? "no CONNACK in time" : "no SUBACK in time";
        return -ETIMEDOUT;
    }
    if (s->state != MQTT_SESSION_UP)
        return 0;
    if (s->n_held_acks > 0 && now_us >= s->held_until_us) {
        int r = send_held_acks(s);

        if (r < 0)
            return r;
    }
    if (s->suspect.trial_at_us && now_us >= s->suspect.trial_at_us) {
        int r = hold_trial(s);

        if (r < 0) {
            s->reason = "cannot send";
            return r;
        }
    }
    if (s->ping_sent_us) {
        if (now_us < s->ping_sent_us + REQUEST_TIMEOUT_US)
            return 0;
        s->reason = "no PINGRESP in time";
        return -ETIMEDOUT;
    }
    return now_us < ping_due_us(s) ? 0 : send_ping(s);
}

/* Ids are unique among what waits for an acknowledgement, MQTT-2.3.1-4. */
static uint16_t take_id(struct mqtt_session *s)
{
    for (;;) {
        uint16_t id = s->next_id++;
        bool used = id == 0 || id == s->subscribe_id;

        LIST_FOR_EACH (n, &s->inflight) {
            if (LIST_ENTRY(n, struct inflight, link)->id == id)
                used = true;
        }
        if (!used)
            return id; /* LIMIT_MQTT_INFLIGHT is far below 65535 */
    }
}

int mqtt_session_subscribe(struct mqtt_session *s, uint64_t now_us, const char *filter, uint8_t qos)
{
    uint8_t buf[LIMIT_MQTT_TOPIC + 16];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};
    uint16_t id;
    int r;

    if (s->state != MQTT_SESSION_UP)
        return -ENETDOWN;
    if (s->subscribe_id)
        return -EBUSY;
    s->now_us = now_us;
    id = take_id(s);
    mqtt_encode_subscribe(&w, id, filter, qos);
    r = send_small(s, &w);
    if (r < 0)
        return r;
    s->subscribe_id = id;
    s->request_deadline_us = now_us + REQUEST_TIMEOUT_US;
    return 0;
}

static int check_publish(const char *topic, size_t topic_len, size_t len)
{
    if (topic_len == 0 || topic_len > LIMIT_MQTT_TOPIC || strpbrk(topic, "+#") ||
        !utf8_is_valid(topic, topic_len))
        return -EINVAL;
    return len > LIMIT_MQTT_PAYLOAD ? -EMSGSIZE : 0;
}

static int publish_qos0(struct mqtt_session *s, const struct mqtt_publish *pub)
{
    size_t size = mqtt_publish_size(pub->topic_len, pub->payload_len, 0);
    CLEANUP(freep) uint8_t *buf = NULL;
    struct bytes_writer w;
    int r;

    if (s->state != MQTT_SESSION_UP)
        return -ENETDOWN;
    buf = malloc(size);
    if (!buf)
        return -ENOMEM;
    w = (struct bytes_writer){.data = buf, .size = size};
    mqtt_encode_publish(&w, pub);
    r = send_packet(s, buf, w.len);
    if (r == 0)
        s->ops->on_sent(pub, s->userdata);
    return r;
}

static int publish_qos1(struct mqtt_session *s, struct mqtt_publish *pub, mqtt_acked_fn acked,
                        void *userdata)
{
    size_t size = mqtt_publish_size(pub->topic_len, pub->payload_len, 1);
    struct bytes_writer w;
    struct inflight *f;

    if (s->n_inflight >= LIMIT_MQTT_INFLIGHT || s->inflight_bytes + size > LIMIT_MQTT_QUEUE_BYTES)
        return -ENOBUFS;
    f = malloc(sizeof(*f) + size);
    if (!f)
        return -ENOMEM;

    pub->id = take_id(s);
    *f = (struct inflight){.acked = acked, .userdata = userdata, .id = pub->id, .view = *pub};
    w = (struct bytes_writer){.data = f->packet, .size = size};
    mqtt_encode_publish(&w, pub);
    f->len = w.len;
    f->view.payload = f->packet + f->len - pub->payload_len;
    f->view.topic = (const char *) f->view.payload - 2 - pub->topic_len;
    list_append(&s->inflight, &f->link);
    s->n_inflight++;
    s->inflight_bytes += f->len;

    /* A send that fails means the connection is about to go; the next one carries it. */
    if (s->resumed && !is_on_trial(s))
        (void) send_inflight(s, f);
    return 0;
}

int mqtt_session_publish(struct mqtt_session *s, uint64_t now_us, const char *topic,
                         const void *payload, size_t len, uint8_t qos, mqtt_acked_fn acked,
                         void *userdata)
{
    struct mqtt_publish pub = {
        .topic = topic,
        .topic_len = strlen(topic),
        .payload = payload,
        .payload_len = len,
        .qos = qos,
    };
    int r;

    r = check_publish(topic, pub.topic_len, len);
    if (r < 0)
        return r;
    s->now_us = now_us;
    s->answer_follows = false; /* this is it */
    r = qos == 0 ? publish_qos0(s, &pub) : publish_qos1(s, &pub, acked, userdata);
    if (r == 0 && s->n_held_acks > 0 && send_held_acks(s) < 0)
        s->held_until_us = now_us; /* tick tries again, and tells */
    return r;
}
