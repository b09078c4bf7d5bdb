/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Longer than 600 lines because a session is one state machine: its scenes belong side by side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mqtt/session.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"
#include "tests/lib/wire.h"

#define S USEC_PER_SEC
#define T0 (1000 * S)

/* The other end: what came out of the session, and what it told. */
struct peer {
    struct mqtt_session s;
    uint8_t out[65536];
    size_t out_len;
    int send_result;
    unsigned n_connack, n_suback, n_message, n_sent;
    bool session_present, granted;
    unsigned code;
    char topic[64], payload[64]; /* of the latest message */
    bool sent_dup;
    bool lose_in_connack; /* the owner gives up inside the callback */
    unsigned n_acked, n_cancelled;
};

static struct peer peer; /* too large for a stack frame */

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
    .on_sent = on_sent,
};

static void on_acked(int result, void *userdata)
{
    struct peer *p = userdata;

    if (result == 0)
        p->n_acked++;
    else if (result == -ECANCELED)
        p->n_cancelled++;
}

static bool next(struct wire_packet *ret_packet)
{
    if (!wire_read(peer.out, peer.out_len, ret_packet))
        return false;
    peer.out_len -= ret_packet->len;
    memmove(peer.out, peer.out + ret_packet->len, peer.out_len);
    return true;
}

static void begin(uint16_t first_id)
{
    memset(&peer, 0, sizeof(peer));
    mqtt_session_init(&peer.s, &ops, &peer, LIMIT_MQTT_PACKET, first_id);
}

static void connect_at(uint64_t now)
{
    const struct mqtt_connect c = {
        .client_id = "id", .username = "user", .password = "pass", .keepalive_s = 240};
    struct wire_packet p;

    CHECK_INT(mqtt_session_start(&peer.s, now, &c), 0);
    CHECK(next(&p) && p.type == 1);
    CHECK_STR(p.username, "user");
    CHECK_INT(p.keepalive_s, 240);
}

static int feed_at(uint64_t now, const uint8_t *data, size_t len)
{
    return mqtt_session_feed(&peer.s, now, data, len);
}

#define FEED(now, ...)                                                                             \
    feed_at(now, ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

static int feed_ack(uint64_t now, unsigned type, unsigned id)
{
    return FEED(now, (uint8_t) (type << 4), 2, (uint8_t) (id >> 8), (uint8_t) id);
}

static void up_at(uint64_t now)
{
    connect_at(now);
    CHECK_INT(FEED(now, 0x20, 2, 0, 0), 0);
    CHECK_INT(mqtt_session_resume(&peer.s, now), 0);
    CHECK_INT(peer.s.state, MQTT_SESSION_UP);
}

static int publish_at(uint64_t now, const char *payload, uint8_t qos)
{
    return mqtt_session_publish(&peer.s, now, "t", payload, strlen(payload), qos, on_acked, &peer);
}

/* --- connecting --- */

static void test_connack(void)
{
    begin(1);
    connect_at(T0);
    CHECK_INT(peer.s.state, MQTT_SESSION_CONNECTING);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 5 * S);
    CHECK_INT(FEED(T0 + 1, 0x20, 2, 1, 0), 0);
    CHECK(peer.n_connack == 1 && peer.session_present && peer.code == 0);
    CHECK_INT(peer.s.state, MQTT_SESSION_UP);
    CHECK_INT(FEED(T0 + 2, 0x20, 2, 0, 0), -EPROTO);
    CHECK_STR(peer.s.reason, "a second CONNACK");
    mqtt_session_done(&peer.s);
}

static void test_refused(void)
{
    begin(1);
    connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 5), 0);
    CHECK(peer.n_connack == 1 && peer.code == 5);
    CHECK(peer.s.state != MQTT_SESSION_UP);
    CHECK_INT(publish_at(T0, "x", 0), -ENETDOWN);
    mqtt_session_done(&peer.s);
}

static void test_connack_timeout(void)
{
    begin(1);
    connect_at(T0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 5 * S - 1), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 5 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no CONNACK in time");
    mqtt_session_done(&peer.s);
}

static void test_before_connack(void)
{
    static const struct {
        const char *name;
        uint8_t packet[8];
        size_t len;
    } cases[] = {
        {"PUBLISH", {0x30, 3, 0, 1, 'a'}, 5},
        {"PUBACK", {0x40, 2, 0, 1}, 4},
        {"SUBACK", {0x90, 3, 0, 1, 0}, 5},
        {"PINGRESP", {0xd0, 0}, 2},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin(1);
        connect_at(T0);
        if (feed_at(T0, cases[i].packet, cases[i].len) != -EPROTO)
            suite_fail(__FILE__, __LINE__, "%s was taken", cases[i].name);
        CHECK_STR(peer.s.reason, "packet before CONNACK");
        CHECK_INT(peer.n_message, 0);
        mqtt_session_done(&peer.s);
    }
}

static void test_bad_bytes(void)
{
    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0x34, 5, 0, 1, 'a', 0, 1), -EPROTO);
    CHECK_STR(peer.s.reason, "malformed packet");
    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 0xff, 0xff, 0xff, 0xff), -EBADMSG);
    CHECK_STR(peer.s.reason, "malformed packet length");
    mqtt_session_done(&peer.s);
    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 0xff, 0xff, 0xff, 0x7f), -EMSGSIZE);
    CHECK_STR(peer.s.reason, "packet larger than the limit");
    mqtt_session_done(&peer.s);
}

/* What comes behind a packet that made the owner give up is not looked at. */
static void test_lost_inside(void)
{
    begin(1);
    peer.lose_in_connack = true;
    connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 5, 0x30, 3, 0, 1, 'a'), -ECONNRESET);
    CHECK_INT(peer.n_message, 0);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    mqtt_session_done(&peer.s);
}

static void test_send_fails(void)
{
    const struct mqtt_connect c = {.client_id = "id", .username = "user"};

    begin(1);
    peer.send_result = -ENOTCONN;
    CHECK_INT(mqtt_session_start(&peer.s, T0, &c), -ENOTCONN);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    CHECK(mqtt_session_next_us(&peer.s) == UINT64_MAX);
    peer.send_result = 0;
    up_at(T0);
    peer.send_result = -ENOBUFS;
    CHECK_INT(FEED(T0, 0x32, 5, 0, 1, 'a', 0, 9), -ENOBUFS);
    CHECK_STR(peer.s.reason, "cannot send PUBACK");
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), -ENOBUFS);
    CHECK_INT(peer.s.subscribe_id, 0);
    CHECK_INT(publish_at(T0, "x", 0), -ENOBUFS);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 300 * S), -ENOBUFS);
    CHECK_STR(peer.s.reason, "cannot send PINGREQ");
    mqtt_session_done(&peer.s);
}

/* --- subscribing --- */

static void test_subscribe(void)
{
    struct wire_packet p;
    char filter[LIMIT_MQTT_TOPIC + 32];

    begin(7);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), -ENETDOWN);
    up_at(T0);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f/+", 1), 0);
    CHECK(next(&p) && p.type == 8 && p.flags == 2 && p.id == 7 && p.qos == 1);
    CHECK_STR(p.topic, "f/+");
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "g", 1), -EBUSY);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 5 * S);
    CHECK_INT(FEED(T0, 0x90, 3, 0, 7, 1), 0);
    CHECK(peer.n_suback == 1 && peer.granted);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 240 * S);

    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "g", 1), 0);
    CHECK_INT(FEED(T0, 0x90, 3, 0, 8, 0x80), 0);
    CHECK(peer.n_suback == 2 && !peer.granted);

    memset(filter, 'f', sizeof(filter) - 1);
    filter[sizeof(filter) - 1] = '\0';
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, filter, 1), -EMSGSIZE);
    CHECK_INT(peer.s.subscribe_id, 0);
    mqtt_session_done(&peer.s);
}

static void test_suback_mismatch(void)
{
    static const struct {
        const char *name;
        bool asked;
        uint8_t packet[8];
        size_t len;
    } cases[] = {
        {"nobody asked", false, {0x90, 3, 0, 1, 0}, 5},
        {"another id", true, {0x90, 3, 0, 2, 0}, 5},
        {"two codes for one filter", true, {0x90, 4, 0, 1, 0, 0}, 6},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        begin(1);
        up_at(T0);
        if (cases[i].asked)
            CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), 0);
        if (feed_at(T0, cases[i].packet, cases[i].len) != -EPROTO)
            suite_fail(__FILE__, __LINE__, "%s: was taken", cases[i].name);
        CHECK_STR(peer.s.reason, "a SUBACK that was not asked for");
        CHECK_INT(peer.n_suback, 0);
        mqtt_session_done(&peer.s);
    }
}

static void test_suback_timeout(void)
{
    begin(1);
    up_at(T0);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0 + S, "f", 1), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 6 * S - 1), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 6 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no SUBACK in time");
    mqtt_session_done(&peer.s);
}

/* --- publishing --- */

static void test_receive(void)
{
    struct wire_packet p;

    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 5, 0, 1, 'a', 'h', 'i'), 0);
    CHECK_INT(peer.n_message, 1);
    CHECK_STR(peer.topic, "a");
    CHECK_STR(peer.payload, "hi");
    CHECK(!next(&p)); /* no PUBACK for QoS 0 */
    CHECK_INT(FEED(T0, 0x3a, 6, 0, 1, 'b', 1, 2, 'x'), 0);
    CHECK(next(&p) && p.type == 4 && p.id == 0x0102);
    CHECK_INT(peer.n_message, 2);
    mqtt_session_done(&peer.s);
}

static void test_qos0(void)
{
    struct wire_packet p;

    begin(1);
    CHECK_INT(publish_at(T0, "x", 0), -ENETDOWN);
    connect_at(T0);
    CHECK_INT(publish_at(T0, "x", 0), -ENETDOWN);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(publish_at(T0, "x", 0), 0);
    CHECK(next(&p) && p.type == 3 && p.qos == 0);
    CHECK_STR(p.payload, "x");
    CHECK_INT(peer.n_sent, 1);
    CHECK_INT(publish_at(T0, "", 0), 0);
    CHECK(next(&p) && p.payload_len == 0);
    CHECK_INT(peer.s.n_inflight, 0);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_acked + peer.n_cancelled, 0);
}

/* Taken in every state, sent in order when the owner resumes, marked when sent before. */
static void test_qos1(void)
{
    struct wire_packet p;

    begin(10);
    CHECK_INT(publish_at(T0, "down", 1), 0);
    connect_at(T0);
    CHECK_INT(publish_at(T0, "connecting", 1), 0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(publish_at(T0, "before resume", 1), 0);
    CHECK(!next(&p));
    CHECK_INT(peer.n_sent, 0);
    CHECK_INT(mqtt_session_resume(&peer.s, T0), 0);
    CHECK_INT(publish_at(T0, "up", 1), 0);
    for (unsigned i = 0; i < 4; i++) {
        static const char *const want[] = {"down", "connecting", "before resume", "up"};

        CHECK(next(&p) && p.type == 3 && p.qos == 1 && !(p.flags & 8) && p.id == 10 + i);
        CHECK_STR(p.payload, want[i]);
    }
    CHECK_INT(peer.n_sent, 4);
    CHECK(!peer.sent_dup);

    /* The second of them is acknowledged; the others go out again on the next connection. */
    CHECK_INT(feed_ack(T0, 4, 11), 0);
    CHECK_INT(peer.n_acked, 1);
    mqtt_session_lost(&peer.s);
    CHECK_INT(publish_at(T0, "new", 1), 0);
    up_at(T0 + 10 * S);
    for (unsigned i = 0; i < 4; i++) {
        static const struct {
            const char *payload;
            unsigned id, dup;
        } want[] = {{"down", 10, 8}, {"before resume", 12, 8}, {"up", 13, 8}, {"new", 14, 0}};

        CHECK(next(&p) && p.qos == 1 && p.id == want[i].id && (p.flags & 8) == want[i].dup);
        CHECK_STR(p.payload, want[i].payload);
    }
    CHECK_STR(peer.topic, "t");
    CHECK_STR(peer.payload, "new");
    CHECK_INT(peer.s.n_inflight, 4);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_cancelled, 4);
    CHECK_INT(peer.n_acked, 1);
}

static void test_puback(void)
{
    struct wire_packet p;

    begin(1);
    up_at(T0);
    CHECK_INT(feed_ack(T0, 4, 99), 0); /* unknown ones are let pass */
    CHECK_INT(publish_at(T0, "x", 1), 0);
    CHECK(next(&p));
    CHECK_INT(feed_ack(T0 + 30000, 4, p.id), 0);
    CHECK_INT(feed_ack(T0 + 40000, 4, p.id), 0);
    CHECK_INT(peer.n_acked, 1);
    CHECK_INT(peer.s.rtt_us, 30000);
    CHECK_INT(peer.s.n_inflight, 0);
    CHECK_INT(peer.s.inflight_bytes, 0);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "t", "y", 1, 1, NULL, NULL), 0);
    CHECK(next(&p));
    CHECK_INT(feed_ack(T0, 4, p.id), 0);
    CHECK_INT(peer.n_acked, 1);
    mqtt_session_done(&peer.s);
}

/* What was never sent cannot be acknowledged. */
static void test_puback_early(void)
{
    begin(1);
    CHECK_INT(publish_at(T0, "x", 1), 0);
    connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(feed_ack(T0, 4, 1), 0);
    CHECK_INT(peer.n_acked, 0);
    CHECK_INT(peer.s.n_inflight, 1);
    mqtt_session_done(&peer.s);
}

static void test_ids(void)
{
    struct wire_packet p;

    begin(65533);
    up_at(T0);
    CHECK_INT(publish_at(T0, "first", 1), 0); /* stays in flight all the time */
    CHECK(next(&p) && p.id == 65533);
    for (unsigned i = 0; i < 70000; i++) {
        if (publish_at(T0, "x", 1) < 0 || !next(&p) || p.id == 0 || p.id == 65533) {
            suite_fail(__FILE__, __LINE__, "id %u after %u", p.id, i);
            break;
        }
        CHECK_INT(feed_ack(T0, 4, p.id), 0);
    }
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), 0);
    CHECK(next(&p));
    peer.s.next_id = peer.s.subscribe_id; /* a subscription's id is taken, too */
    CHECK_INT(publish_at(T0, "x", 1), 0);
    CHECK(next(&p) && p.id != peer.s.subscribe_id);
    mqtt_session_done(&peer.s);

    begin(0); /* chance may say 0 */
    up_at(T0);
    CHECK_INT(publish_at(T0, "x", 1), 0);
    CHECK(next(&p) && p.id == 1);
    mqtt_session_done(&peer.s);
}

static void test_limits(void)
{
    static char text[LIMIT_MQTT_PAYLOAD + 1], topic[LIMIT_MQTT_TOPIC + 2];
    unsigned n = 0;

    memset(text, 'x', sizeof(text));
    memset(topic, 't', sizeof(topic) - 1);
    begin(1);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, topic, "", 0, 1, NULL, NULL), -EINVAL);
    topic[LIMIT_MQTT_TOPIC] = '\0';
    CHECK_INT(mqtt_session_publish(&peer.s, T0, topic, "", 0, 1, NULL, NULL), 0);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "a/+", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "#", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "\xff", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "t", text, sizeof(text), 1, NULL, NULL), -EMSGSIZE);
    mqtt_session_done(&peer.s);

    begin(1);
    while (publish_at(T0, "x", 1) == 0)
        n++;
    CHECK_INT(n, LIMIT_MQTT_INFLIGHT);
    CHECK_INT(publish_at(T0, "x", 1), -ENOBUFS);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_cancelled, LIMIT_MQTT_INFLIGHT);

    n = 0;
    begin(1);
    while (mqtt_session_publish(&peer.s, T0, "t", text, sizeof(text) - 1, 1, NULL, NULL) == 0)
        n++;
    CHECK_INT(n, LIMIT_MQTT_QUEUE_BYTES / (LIMIT_MQTT_PAYLOAD + 1 + 3 + 2 + 1 + 2));
    CHECK(peer.s.inflight_bytes <= LIMIT_MQTT_QUEUE_BYTES);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.s.inflight_bytes, 0);
}

/* --- keeping alive --- */

static void test_ping(void)
{
    struct wire_packet p;

    begin(1);
    up_at(T0);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 240 * S);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 240 * S - 1), 0);
    CHECK(!next(&p));
    CHECK_INT(publish_at(T0 + 100 * S, "x", 0), 0); /* whatever is sent will do, 3.1.2.10 */
    CHECK(next(&p));
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 240 * S), 0);
    CHECK(!next(&p));
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 340 * S);
    CHECK_INT(FEED(T0 + 300 * S, 0x30, 3, 0, 1, 'a'), 0); /* what comes does not count */
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 340 * S), 0);
    CHECK(next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 345 * S);
    CHECK_INT(FEED(T0 + 341 * S, 0xd0, 0), 0);
    CHECK_INT(peer.s.rtt_us, S);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 580 * S);

    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 580 * S), 0);
    CHECK(next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 585 * S - 1), 0);
    CHECK(!next(&p)); /* one is enough */
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 585 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no PINGRESP in time");
    mqtt_session_done(&peer.s);
}

static void test_no_keepalive(void)
{
    const struct mqtt_connect c = {.client_id = "id", .username = "user"};

    begin(1);
    CHECK_INT(mqtt_session_start(&peer.s, T0, &c), 0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK(mqtt_session_next_us(&peer.s) == UINT64_MAX);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 100000 * S), 0);
    mqtt_session_done(&peer.s);
}

/* A missing PUBACK makes the session ask whether the peer is there, long before keep-alive. */
static void test_probe(void)
{
    struct wire_packet p;

    begin(1);
    up_at(T0);
    CHECK_INT(publish_at(T0, "x", 1), 0);
    CHECK(next(&p) && p.type == 3);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 10 * S);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 10 * S), 0);
    CHECK(next(&p) && p.type == 12);
    CHECK_INT(FEED(T0 + 11 * S, 0xd0, 0), 0);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 20 * S); /* and goes on asking */
    CHECK_INT(feed_ack(T0 + 12 * S, 4, 1), 0);
    CHECK_INT(peer.n_acked, 1);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 250 * S);
    mqtt_session_done(&peer.s);
}

static void test_stray_pingresp(void)
{
    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0xd0, 0), 0);
    CHECK_INT(peer.s.rtt_us, 0);
    mqtt_session_done(&peer.s);
}

static void test_disconnect(void)
{
    struct wire_packet p;

    begin(1);
    up_at(T0);
    CHECK_INT(publish_at(T0, "x", 1), 0);
    CHECK(next(&p));
    mqtt_session_disconnect(&peer.s);
    CHECK(next(&p) && p.type == 14 && p.len == 2);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    CHECK(mqtt_session_next_us(&peer.s) == UINT64_MAX);
    CHECK_INT(peer.s.n_inflight, 1); /* for the next connection */
    mqtt_session_disconnect(&peer.s);
    CHECK(!next(&p));

    connect_at(T0); /* not before CONNACK: the server does not know us yet */
    mqtt_session_disconnect(&peer.s);
    CHECK(!next(&p));
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), -ECONNRESET);
    mqtt_session_done(&peer.s);
}

/* Half a packet of one connection is no beginning of one on the next. */
static void test_half_packet(void)
{
    begin(1);
    up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 9, 0, 1, 'a'), 0);
    mqtt_session_lost(&peer.s);
    up_at(T0 + S);
    CHECK_INT(FEED(T0 + S, 0x30, 4, 0, 1, 'b', '!'), 0);
    CHECK_INT(peer.n_message, 1);
    CHECK_STR(peer.topic, "b");
    mqtt_session_done(&peer.s);
}

const char *const suite_name = "mqtt-session";
const struct suite_test suite_tests[] = {
    {"connack", test_connack},
    {"refused", test_refused},
    {"connack_timeout", test_connack_timeout},
    {"before_connack", test_before_connack},
    {"bad_bytes", test_bad_bytes},
    {"lost_inside", test_lost_inside},
    {"send_fails", test_send_fails},
    {"subscribe", test_subscribe},
    {"suback_mismatch", test_suback_mismatch},
    {"suback_timeout", test_suback_timeout},
    {"receive", test_receive},
    {"qos0", test_qos0},
    {"qos1", test_qos1},
    {"puback", test_puback},
    {"puback_early", test_puback_early},
    {"ids", test_ids},
    {"limits", test_limits},
    {"ping", test_ping},
    {"no_keepalive", test_no_keepalive},
    {"probe", test_probe},
    {"stray_pingresp", test_stray_pingresp},
    {"disconnect", test_disconnect},
    {"half_packet", test_half_packet},
    {NULL, NULL},
};
