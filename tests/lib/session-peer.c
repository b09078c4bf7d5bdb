/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/session-peer.h"

#include <errno.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

struct peer peer; /* too large for a stack frame */

static int on_send(const uint8_t *data, size_t len, void *userdata)
{
    struct peer *p = userdata;

    if (p->send_result < 0)
        return p->send_result;
    if (len > sizeof(p->out) - p->out_len)
        return -ENOBUFS;
    memcpy(p->out + p->out_len, data, len);
    p->out_len += len;
    return 0;
}

static void on_connack(bool session_present, uint8_t code, void *userdata)
{
    struct peer *p = userdata;

    p->n_connack++;
    p->session_present = session_present;
    p->code = code;
    if (p->lose_in_connack)
        mqtt_session_lost(&p->s);
}

static void on_suback(bool granted, void *userdata)
{
    struct peer *p = userdata;

    p->n_suback++;
    p->granted = granted;
}

static void copy(char *to, const void *from, size_t len)
{
    memcpy(to, from, len < 63 ? len : 63);
    to[len < 63 ? len : 63] = '\0';
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    struct peer *p = userdata;

    p->n_message++;
    copy(p->topic, publish->topic, publish->topic_len);
    copy(p->payload, publish->payload, publish->payload_len);
    if (p->answer_follows)
        mqtt_session_answer_follows(&p->s);
    if (p->answers_at_once)
        CHECK_INT(peer_publish_at(p->s.now_us, "answer", 1), 0);
}

static void on_skipped(const struct mqtt_publish *publish, size_t n_skipped, void *userdata)
{
    struct peer *p = userdata;

    p->n_skipped++;
    p->skipped_bytes = n_skipped;
    copy(p->topic, publish->topic, publish->topic_len);
}

static void on_sent(const struct mqtt_publish *publish, void *userdata)
{
    struct peer *p = userdata;

    p->n_sent++;
    p->sent_dup = publish->dup;
    copy(p->topic, publish->topic, publish->topic_len);
    copy(p->payload, publish->payload, publish->payload_len);
}

static const struct mqtt_session_ops ops = {
    .send = on_send,
    .on_connack = on_connack,
    .on_suback = on_suback,
    .on_message = on_message,
    .on_skipped = on_skipped,
    .on_sent = on_sent,
};

static void on_acked(int result, void *userdata)
{
    struct peer *p = userdata;

    if (result == 0)
        p->n_acked++;
    else if (result == -ECANCELED)
        p->n_cancelled++;
    else if (result == -EBADMSG)
        p->n_given_up++;
}

bool peer_next(struct wire_packet *ret_packet)
{
    if (!wire_read(peer.out, peer.out_len, ret_packet))
        return false;
    peer.out_len -= ret_packet->len;
    memmove(peer.out, peer.out + ret_packet->len, peer.out_len);
    return true;
}

void peer_begin(uint16_t first_id)
{
    memset(&peer, 0, sizeof(peer));
    mqtt_session_init(&peer.s, &ops, &peer, LIMIT_MQTT_PACKET, first_id);
}

void peer_connect_at(uint64_t now)
{
    const struct mqtt_connect c = {
        .client_id = "id", .username = "user", .password = "pass", .keepalive_s = 240};
    struct wire_packet p;

    CHECK_INT(mqtt_session_start(&peer.s, now, &c), 0);
    CHECK(peer_next(&p) && p.type == 1);
    CHECK_STR(p.username, "user");
    CHECK_INT(p.keepalive_s, 240);
}

int peer_feed_at(uint64_t now, const uint8_t *data, size_t len)
{
    return mqtt_session_feed(&peer.s, now, data, len);
}

int peer_feed_ack(uint64_t now, unsigned type, unsigned id)
{
    return FEED(now, (uint8_t) (type << 4), 2, (uint8_t) (id >> 8), (uint8_t) id);
}

void peer_up_at(uint64_t now)
{
    peer_connect_at(now);
    CHECK_INT(FEED(now, 0x20, 2, 0, 0), 0);
    CHECK_INT(mqtt_session_resume(&peer.s, now), 0);
    CHECK_INT(peer.s.state, MQTT_SESSION_UP);
}

int peer_publish_at(uint64_t now, const char *payload, uint8_t qos)
{
    return mqtt_session_publish(&peer.s, now, "t", payload, strlen(payload), qos, on_acked, &peer);
}
