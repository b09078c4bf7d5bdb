/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages both ways, what stays in flight, and keeping alive. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/session-peer.h"
#include "tests/lib/suite.h"

static void test_receive(void)
{
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 5, 0, 1, 'a', 'h', 'i'), 0);
    CHECK_INT(peer.n_message, 1);
    CHECK_STR(peer.topic, "a");
    CHECK_STR(peer.payload, "hi");
    CHECK(!peer_next(&p)); /* no PUBACK for QoS 0 */
    CHECK_INT(FEED(T0, 0x3a, 6, 0, 1, 'b', 1, 2, 'x'), 0);
    CHECK(peer_next(&p) && p.type == 4 && p.id == 0x0102);
    CHECK_INT(peer.n_message, 2);
    mqtt_session_done(&peer.s);
}

static void check_puback(unsigned id)
{
    struct wire_packet p;

    CHECK(peer_next(&p) && p.type == 4);
    CHECK_INT(p.id, id);
}

static void check_none_sent(void)
{
    struct wire_packet p;

    CHECK(!peer_next(&p));
}

static void check_answer(void)
{
    struct wire_packet p;

    CHECK(peer_next(&p) && p.type == 3);
}

#define MESSAGE(now, id) FEED(now, 0x32, 6, 0, 1, 'b', 0, id, 'x')

/* The acknowledgement of what is being worked on: behind the answer, or after a millisecond. */
static void test_held_ack(void)
{
    peer_begin(1);
    peer_up_at(T0);
    peer.answer_follows = true;
    CHECK_INT(MESSAGE(T0, 1), 0);
    CHECK_INT(MESSAGE(T0 + 500, 2), 0);
    check_none_sent();
    CHECK(mqtt_session_next_us(&peer.s) == T0 + 1000);
    CHECK_INT(peer_publish_at(T0 + 600, "answer", 1), 0);
    check_answer();
    check_puback(1);
    check_puback(2);
    CHECK(mqtt_session_next_us(&peer.s) > T0 + 1000);
    CHECK_INT(MESSAGE(T0 + 2000, 3), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 2999), 0);
    check_none_sent();
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 3000), 0);
    check_puback(3);
    CHECK_INT(peer_publish_at(T0 + 4000, "answer", 1), 0);
    check_answer();
    check_none_sent();
    mqtt_session_done(&peer.s);
}

/* In the order of the messages, whatever is known of them, and never more than a few. */
static void test_held_order(void)
{
    peer_begin(1);
    peer_up_at(T0);
    peer.answer_follows = true;
    CHECK_INT(MESSAGE(T0, 1), 0);
    peer.answer_follows = false;
    CHECK_INT(MESSAGE(T0, 2), 0);
    check_puback(1);
    check_puback(2);
    peer.answer_follows = true;
    for (unsigned i = 1; i <= MQTT_HELD_ACKS; i++)
        CHECK_INT(MESSAGE(T0, (uint8_t) i), 0);
    check_none_sent();
    CHECK_INT(MESSAGE(T0, 100), 0);
    for (unsigned i = 1; i <= MQTT_HELD_ACKS; i++)
        check_puback(i);
    check_puback(100);
    peer.answers_at_once = true;
    CHECK_INT(MESSAGE(T0, 3), 0);
    check_answer();
    check_puback(3);
    mqtt_session_done(&peer.s);
}

/* Not of this connection: the messages come again. Before DISCONNECT they leave. */
static void test_held_end(void)
{
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    peer.answer_follows = true;
    CHECK_INT(MESSAGE(T0, 1), 0);
    peer.send_result = -ENOBUFS; /* no room: tried again in a moment */
    CHECK_INT(peer_publish_at(T0, "answer", 1), 0);
    CHECK(mqtt_session_next_us(&peer.s) <= T0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0), -ENOBUFS);
    CHECK_STR(peer.s.reason, "cannot send PUBACK");
    peer.send_result = 0;
    mqtt_session_lost(&peer.s);
    peer_up_at(T0 + S);
    check_answer();
    check_none_sent();
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 2 * S), 0);
    check_none_sent();
    CHECK_INT(MESSAGE(T0 + 2 * S, 2), 0);
    mqtt_session_disconnect(&peer.s);
    check_puback(2);
    CHECK(peer_next(&p) && p.type == 14);
    mqtt_session_done(&peer.s);
}

static void test_qos0(void)
{
    struct wire_packet p;

    peer_begin(1);
    CHECK_INT(peer_publish_at(T0, "x", 0), -ENETDOWN);
    peer_connect_at(T0);
    CHECK_INT(peer_publish_at(T0, "x", 0), -ENETDOWN);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(peer_publish_at(T0, "x", 0), 0);
    CHECK(peer_next(&p) && p.type == 3 && p.qos == 0);
    CHECK_STR(p.payload, "x");
    CHECK_INT(peer.n_sent, 1);
    CHECK_INT(peer_publish_at(T0, "", 0), 0);
    CHECK(peer_next(&p) && p.payload_len == 0);
    CHECK_INT(peer.s.n_inflight, 0);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_acked + peer.n_cancelled, 0);
}

/* Taken in every state, sent in order when the owner resumes, marked when sent before. */
static void test_qos1(void)
{
    struct wire_packet p;

    peer_begin(10);
    CHECK_INT(peer_publish_at(T0, "down", 1), 0);
    peer_connect_at(T0);
    CHECK_INT(peer_publish_at(T0, "connecting", 1), 0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(peer_publish_at(T0, "before resume", 1), 0);
    CHECK(!peer_next(&p));
    CHECK_INT(peer.n_sent, 0);
    CHECK_INT(mqtt_session_resume(&peer.s, T0), 0);
    CHECK_INT(peer_publish_at(T0, "up", 1), 0);
    for (unsigned i = 0; i < 4; i++) {
        static const char *const want[] = {"down", "connecting", "before resume", "up"};

        CHECK(peer_next(&p) && p.type == 3 && p.qos == 1 && !(p.flags & 8) && p.id == 10 + i);
        CHECK_STR(p.payload, want[i]);
    }
    CHECK_INT(peer.n_sent, 4);
    CHECK(!peer.sent_dup);

    /* The second of them is acknowledged; the others go out again on the next connection. */
    CHECK_INT(peer_feed_ack(T0, 4, 11), 0);
    CHECK_INT(peer.n_acked, 1);
    mqtt_session_lost(&peer.s);
    CHECK_INT(peer_publish_at(T0, "new", 1), 0);
    peer_up_at(T0 + 10 * S);
    for (unsigned i = 0; i < 4; i++) {
        static const struct {
            const char *payload;
            unsigned id, dup;
        } want[] = {{"down", 10, 8}, {"before resume", 12, 8}, {"up", 13, 8}, {"new", 14, 0}};

        CHECK(peer_next(&p) && p.qos == 1 && p.id == want[i].id && (p.flags & 8) == want[i].dup);
        CHECK_STR(p.payload, want[i].payload);
    }
    CHECK_STR(peer.topic, "t");
    CHECK_STR(peer.payload, "new");
    CHECK_INT(peer.s.n_inflight, 4);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_cancelled, 4);
    CHECK_INT(peer.n_acked, 1);
}

/* The next PUBLISH is that one. */
static void check_sent(unsigned id)
{
    struct wire_packet p = {0};

    CHECK(peer_next(&p) && p.type == 3);
    CHECK_INT(p.id, id);
}

static void check_silent(void)
{
    struct wire_packet p;

    CHECK(!peer_next(&p));
}

static void drop_pings(void)
{
    struct wire_packet p;

    while (peer_next(&p))
        CHECK_INT(p.type, 12);
}

/* Ten publishes, 1 to 10; the server closes soon after each login until the first is suspected. */
static uint64_t make_suspect(void)
{
    uint64_t now = T0;

    peer_begin(1);
    for (int i = 0; i < 10; i++)
        CHECK_INT(peer_publish_at(now, "x", 1), 0);
    for (int i = 0; i < 2; i++) {
        peer_up_at(now);
        for (unsigned id = 1; id <= 10; id++)
            check_sent(id);
        CHECK(!mqtt_session_closed(&peer.s, now + S));
        now += 10 * S;
    }
    return now;
}

/* Up again: nothing of what is in flight leaves but the suspect, and that later. */
static void hold_trial(uint64_t now)
{
    peer_up_at(now);
    check_silent();
    CHECK_INT(peer_publish_at(now, "new", 1), 0);
    check_silent();
    CHECK(mqtt_session_next_us(&peer.s) <= now + 3 * S);
    CHECK_INT(mqtt_session_tick(&peer.s, now + 2 * S), 0);
    drop_pings();
    CHECK_INT(FEED(now + 2 * S, 0xd0, 0), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, now + 3 * S), 0);
    check_sent(1);
    drop_pings();
}

static void test_suspect_convicted(void)
{
    uint64_t now = make_suspect();

    for (int i = 0; i < 3; i++) {
        CHECK_INT(peer.n_given_up, 0);
        hold_trial(now);
        CHECK(mqtt_session_closed(&peer.s, now + 4 * S));
        now += 60 * S;
    }
    CHECK_INT(peer.n_given_up, 1);
    CHECK_INT(peer.n_acked + peer.n_cancelled, 0);
    peer_up_at(now); /* the others, at once */
    for (unsigned id = 2; id <= 13; id++)
        check_sent(id);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_cancelled, 12);
}

static void test_suspect_acquitted(void)
{
    uint64_t now = make_suspect();

    hold_trial(now);
    CHECK_INT(peer_feed_ack(now + 4 * S, 4, 1), 0);
    for (unsigned id = 2; id <= 11; id++)
        check_sent(id);
    CHECK_INT(peer_publish_at(now + 4 * S, "at once", 1), 0);
    check_sent(12);
    CHECK(!mqtt_session_closed(&peer.s, now + 5 * S));
    peer_up_at(now + 20 * S); /* the second is not a suspect yet */
    for (unsigned id = 2; id <= 12; id++)
        check_sent(id);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_given_up, 0);
}

/* A connection that ends without it, much later, or from our side, speaks for it. */
static void test_suspect_cleared(void)
{
    static const struct {
        const char *name;
        unsigned after_s; /* of the login */
        bool by_us;
    } cases[] = {
        {"before its trial", 1, false},
        {"long after its trial", 30, false},
        {"by us", 4, true},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t now = make_suspect(), end = now + cases[i].after_s * S;

        if (cases[i].after_s > 3)
            hold_trial(now);
        else
            peer_up_at(now);
        if (cases[i].by_us)
            mqtt_session_lost(&peer.s);
        else
            CHECK(!mqtt_session_closed(&peer.s, end));
        peer_up_at(end + 60 * S);
        for (unsigned id = 1; id <= 10; id++)
            check_sent(id);
        mqtt_session_done(&peer.s);
        CHECK_INT(peer.n_given_up, 0);
    }
}

/* Attempts that do not come so far say nothing of it. */
static void test_suspect_kept(void)
{
    uint64_t now = make_suspect();

    peer_connect_at(now);
    CHECK(!mqtt_session_closed(&peer.s, now));
    peer_connect_at(now + S);
    mqtt_session_lost(&peer.s);
    hold_trial(now + 10 * S);
    mqtt_session_done(&peer.s);
}

static void test_puback(void)
{
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(peer_feed_ack(T0, 4, 99), 0); /* unknown ones are let pass */
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    CHECK(peer_next(&p));
    CHECK_INT(peer_feed_ack(T0 + 30000, 4, p.id), 0);
    CHECK_INT(peer_feed_ack(T0 + 40000, 4, p.id), 0);
    CHECK_INT(peer.n_acked, 1);
    CHECK_INT(peer.s.rtt_us, 30000);
    CHECK_INT(peer.s.n_inflight, 0);
    CHECK_INT(peer.s.inflight_bytes, 0);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "t", "y", 1, 1, NULL, NULL), 0);
    CHECK(peer_next(&p));
    CHECK_INT(peer_feed_ack(T0, 4, p.id), 0);
    CHECK_INT(peer.n_acked, 1);
    mqtt_session_done(&peer.s);
}

/* What was never sent cannot be acknowledged. */
static void test_puback_early(void)
{
    peer_begin(1);
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    peer_connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), 0);
    CHECK_INT(peer_feed_ack(T0, 4, 1), 0);
    CHECK_INT(peer.n_acked, 0);
    CHECK_INT(peer.s.n_inflight, 1);
    mqtt_session_done(&peer.s);
}

static void test_ids(void)
{
    struct wire_packet p;

    peer_begin(65533);
    peer_up_at(T0);
    CHECK_INT(peer_publish_at(T0, "first", 1), 0); /* stays in flight all the time */
    CHECK(peer_next(&p) && p.id == 65533);
    for (unsigned i = 0; i < 70000; i++) {
        if (peer_publish_at(T0, "x", 1) < 0 || !peer_next(&p) || p.id == 0 || p.id == 65533) {
            suite_fail(__FILE__, __LINE__, "id %u after %u", p.id, i);
            break;
        }
        CHECK_INT(peer_feed_ack(T0, 4, p.id), 0);
    }
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), 0);
    CHECK(peer_next(&p));
    peer.s.next_id = peer.s.subscribe_id; /* a subscription's id is taken, too */
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    CHECK(peer_next(&p) && p.id != peer.s.subscribe_id);
    mqtt_session_done(&peer.s);

    peer_begin(0); /* chance may say 0 */
    peer_up_at(T0);
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    CHECK(peer_next(&p) && p.id == 1);
    mqtt_session_done(&peer.s);
}

static void test_limits(void)
{
    static char text[LIMIT_MQTT_PAYLOAD + 1], topic[LIMIT_MQTT_TOPIC + 2];
    unsigned n = 0;

    memset(text, 'x', sizeof(text));
    memset(topic, 't', sizeof(topic) - 1);
    peer_begin(1);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, topic, "", 0, 1, NULL, NULL), -EINVAL);
    topic[LIMIT_MQTT_TOPIC] = '\0';
    CHECK_INT(mqtt_session_publish(&peer.s, T0, topic, "", 0, 1, NULL, NULL), 0);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "a/+", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "#", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "\xff", "", 0, 1, NULL, NULL), -EINVAL);
    CHECK_INT(mqtt_session_publish(&peer.s, T0, "t", text, sizeof(text), 1, NULL, NULL), -EMSGSIZE);
    mqtt_session_done(&peer.s);

    peer_begin(1);
    while (peer_publish_at(T0, "x", 1) == 0)
        n++;
    CHECK_INT(n, LIMIT_MQTT_INFLIGHT);
    CHECK_INT(peer_publish_at(T0, "x", 1), -ENOBUFS);
    mqtt_session_done(&peer.s);
    CHECK_INT(peer.n_cancelled, LIMIT_MQTT_INFLIGHT);

    n = 0;
    peer_begin(1);
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

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 240 * S);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 240 * S - 1), 0);
    CHECK(!peer_next(&p));
    CHECK_INT(peer_publish_at(T0 + 100 * S, "x", 0), 0); /* whatever is sent will do, 3.1.2.10 */
    CHECK(peer_next(&p));
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 240 * S), 0);
    CHECK(!peer_next(&p));
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 340 * S);
    CHECK_INT(FEED(T0 + 300 * S, 0x30, 3, 0, 1, 'a'), 0); /* what comes does not count */
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 340 * S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 345 * S);
    CHECK_INT(FEED(T0 + 341 * S, 0xd0, 0), 0);
    CHECK_INT(peer.s.rtt_us, S);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 580 * S);

    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 580 * S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 585 * S - 1), 0);
    CHECK(!peer_next(&p)); /* one is enough */
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 585 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no PINGRESP in time");
    mqtt_session_done(&peer.s);
}

static void test_no_keepalive(void)
{
    const struct mqtt_connect c = {.client_id = "id", .username = "user"};

    peer_begin(1);
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

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    CHECK(peer_next(&p) && p.type == 3);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 10 * S);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 10 * S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    CHECK_INT(FEED(T0 + 11 * S, 0xd0, 0), 0);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 20 * S); /* and goes on asking */
    CHECK_INT(peer_feed_ack(T0 + 12 * S, 4, 1), 0);
    CHECK_INT(peer.n_acked, 1);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 250 * S);
    mqtt_session_done(&peer.s);
}

static void test_stray_pingresp(void)
{
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0xd0, 0), 0);
    CHECK_INT(peer.s.rtt_us, 0);
    mqtt_session_done(&peer.s);
}

static void test_disconnect(void)
{
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(peer_publish_at(T0, "x", 1), 0);
    CHECK(peer_next(&p));
    mqtt_session_disconnect(&peer.s);
    CHECK(peer_next(&p) && p.type == 14 && p.len == 2);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    CHECK(mqtt_session_next_us(&peer.s) == UINT64_MAX);
    CHECK_INT(peer.s.n_inflight, 1); /* for the next connection */
    mqtt_session_disconnect(&peer.s);
    CHECK(!peer_next(&p));

    peer_connect_at(T0); /* not before CONNACK: the server does not know us yet */
    mqtt_session_disconnect(&peer.s);
    CHECK(!peer_next(&p));
    CHECK_INT(FEED(T0, 0x20, 2, 0, 0), -ECONNRESET);
    mqtt_session_done(&peer.s);
}

/* Half a packet of one connection is no beginning of one on the next. */
static void test_half_packet(void)
{
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 9, 0, 1, 'a'), 0);
    mqtt_session_lost(&peer.s);
    peer_up_at(T0 + S);
    CHECK_INT(FEED(T0 + S, 0x30, 4, 0, 1, 'b', '!'), 0);
    CHECK_INT(peer.n_message, 1);
    CHECK_STR(peer.topic, "b");
    mqtt_session_done(&peer.s);
}

const char *const suite_name = "mqtt-session-publish";
const struct suite_test suite_tests[] = {
    {"suspect-convicted", test_suspect_convicted},
    {"suspect-acquitted", test_suspect_acquitted},
    {"suspect-cleared", test_suspect_cleared},
    {"suspect-kept", test_suspect_kept},
    {"receive", test_receive},
    {"qos0", test_qos0},
    {"qos1", test_qos1},
    {"held_ack", test_held_ack},
    {"held_order", test_held_order},
    {"held_end", test_held_end},
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
