/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting and subscribing, and everything that is wrong. */

/* Longer than 600 lines because a session is one state machine: its scenes belong side by side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/session-peer.h"
#include "tests/lib/suite.h"

static void test_connack(void)
{
    peer_begin(1);
    peer_connect_at(T0);
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
    peer_begin(1);
    peer_connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 5), 0);
    CHECK(peer.n_connack == 1 && peer.code == 5);
    CHECK(peer.s.state != MQTT_SESSION_UP);
    CHECK_INT(peer_publish_at(T0, "x", 0), -ENETDOWN);
    mqtt_session_done(&peer.s);
}

static void test_connack_timeout(void)
{
    peer_begin(1);
    peer_connect_at(T0);
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
        peer_begin(1);
        peer_connect_at(T0);
        if (peer_feed_at(T0, cases[i].packet, cases[i].len) != -EPROTO)
            suite_fail(__FILE__, __LINE__, "%s was taken", cases[i].name);
        CHECK_STR(peer.s.reason, "packet before CONNACK");
        CHECK_INT(peer.n_message, 0);
        mqtt_session_done(&peer.s);
    }
}

static void test_bad_bytes(void)
{
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x34, 5, 0, 1, 'a', 0, 1), -EPROTO);
    CHECK_STR(peer.s.reason, "malformed packet");
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 0xff, 0xff, 0xff, 0xff), -EBADMSG);
    CHECK_STR(peer.s.reason, "malformed packet length");
    mqtt_session_done(&peer.s);
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x90, 0xff, 0xff, 0xff, 0x7f), -EMSGSIZE);
    CHECK_STR(peer.s.reason, "packet larger than the limit");
    mqtt_session_done(&peer.s);
}

/* Too large to be kept: acknowledged, or it would come again with each connection. */
static void test_skipped(void)
{
    static uint8_t payload[LIMIT_MQTT_PACKET];
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x32, 0x85, 0x80, 0x10, 0, 1, 'a', 0, 9), 0);
    CHECK_INT(peer_feed_at(T0, payload, sizeof(payload) - 1), 0);
    CHECK(peer.n_skipped == 0 && !peer_next(&p)); /* not before all of it was there */
    CHECK_INT(peer_feed_at(T0, payload, 1), 0);
    CHECK(peer.n_skipped == 1 && peer.n_message == 0);
    CHECK_INT(peer.skipped_bytes, LIMIT_MQTT_PACKET);
    CHECK_STR(peer.topic, "a");
    CHECK(peer_next(&p) && p.type == 4 && p.id == 9 && !peer_next(&p));
    CHECK_INT(FEED(T0, 0x30, 4, 0, 1, 'b', 'x'), 0);
    CHECK_INT(peer.n_message, 1);
    CHECK_STR(peer.payload, "x");

    /* QoS 0 has no answer; one that cannot be is no better for being large. */
    CHECK_INT(FEED(T0, 0x30, 0x83, 0x80, 0x10, 0, 1, 'a'), 0);
    CHECK_INT(peer_feed_at(T0, payload, sizeof(payload)), 0);
    CHECK(peer.n_skipped == 2 && !peer_next(&p));
    CHECK_INT(FEED(T0, 0x32, 0x85, 0x80, 0x10, 0, 1, 'a', 0, 0), 0);
    CHECK_INT(peer_feed_at(T0, payload, sizeof(payload)), -EPROTO);
    CHECK_STR(peer.s.reason, "malformed packet");
    CHECK_INT(peer.n_skipped, 2);
    mqtt_session_done(&peer.s);
}

/* A PINGRESP stands behind a large message: as long as that comes, the peer is alive. */
static void test_skipped_slowly(void)
{
    static uint8_t payload[16 * 1024];
    struct wire_packet p;

    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(FEED(T0, 0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'a'), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 240 * S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    for (int i = 1; i <= 10; i++) {
        CHECK_INT(mqtt_session_tick(&peer.s, T0 + (240 + 4 * i) * S), 0);
        CHECK_INT(peer_feed_at(T0 + (240 + 4 * i) * S, payload, sizeof(payload)), 0);
    }
    for (int i = 1; i < 5; i++) { /* too little is not alive */
        CHECK_INT(mqtt_session_tick(&peer.s, T0 + (280 + i) * S), 0);
        CHECK_INT(peer_feed_at(T0 + (280 + i) * S, payload, 4000), 0);
    }
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 285 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no PINGRESP in time");
    mqtt_session_done(&peer.s);
}

static void test_probe(void)
{
    struct wire_packet p;

    peer_begin(1);
    CHECK_INT(mqtt_session_probe(&peer.s, T0), 0); /* nothing is up */
    peer_up_at(T0);
    CHECK_INT(mqtt_session_probe(&peer.s, T0 + S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_next_us(&peer.s), T0 + 6 * S);
    CHECK_INT(mqtt_session_probe(&peer.s, T0 + 3 * S), 0); /* no grace by asking again */
    CHECK(!peer_next(&p));
    CHECK_INT(FEED(T0 + 4 * S, 0xd0, 0), 0);
    CHECK_INT(mqtt_session_probe(&peer.s, T0 + 10 * S), 0);
    CHECK(peer_next(&p) && p.type == 12);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 15 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no PINGRESP in time");
    peer_begin(1);
    peer_up_at(T0);
    peer.send_result = -ENOBUFS;
    CHECK_INT(mqtt_session_probe(&peer.s, T0), -ENOBUFS);
    mqtt_session_done(&peer.s);
}

/* What comes behind a packet that made the owner give up is not looked at. */
static void test_lost_inside(void)
{
    peer_begin(1);
    peer.lose_in_connack = true;
    peer_connect_at(T0);
    CHECK_INT(FEED(T0, 0x20, 2, 0, 5, 0x30, 3, 0, 1, 'a'), -ECONNRESET);
    CHECK_INT(peer.n_message, 0);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    mqtt_session_done(&peer.s);
}

static void test_send_fails(void)
{
    const struct mqtt_connect c = {.client_id = "id", .username = "user"};

    peer_begin(1);
    peer.send_result = -ENOTCONN;
    CHECK_INT(mqtt_session_start(&peer.s, T0, &c), -ENOTCONN);
    CHECK_INT(peer.s.state, MQTT_SESSION_DOWN);
    CHECK(mqtt_session_next_us(&peer.s) == UINT64_MAX);
    peer.send_result = 0;
    peer_up_at(T0);
    peer.send_result = -ENOBUFS;
    CHECK_INT(FEED(T0, 0x32, 5, 0, 1, 'a', 0, 9), -ENOBUFS);
    CHECK_STR(peer.s.reason, "cannot send PUBACK");
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), -ENOBUFS);
    CHECK_INT(peer.s.subscribe_id, 0);
    CHECK_INT(peer_publish_at(T0, "x", 0), -ENOBUFS);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 300 * S), -ENOBUFS);
    CHECK_STR(peer.s.reason, "cannot send PINGREQ");
    mqtt_session_done(&peer.s);
}

/* --- subscribing --- */

static void test_subscribe(void)
{
    struct wire_packet p;
    char filter[LIMIT_MQTT_TOPIC + 32];

    peer_begin(7);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), -ENETDOWN);
    peer_up_at(T0);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f/+", 1), 0);
    CHECK(peer_next(&p) && p.type == 8 && p.flags == 2 && p.id == 7 && p.qos == 1);
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
        peer_begin(1);
        peer_up_at(T0);
        if (cases[i].asked)
            CHECK_INT(mqtt_session_subscribe(&peer.s, T0, "f", 1), 0);
        if (peer_feed_at(T0, cases[i].packet, cases[i].len) != -EPROTO)
            suite_fail(__FILE__, __LINE__, "%s: was taken", cases[i].name);
        CHECK_STR(peer.s.reason, "a SUBACK that was not asked for");
        CHECK_INT(peer.n_suback, 0);
        mqtt_session_done(&peer.s);
    }
}

static void test_suback_timeout(void)
{
    peer_begin(1);
    peer_up_at(T0);
    CHECK_INT(mqtt_session_subscribe(&peer.s, T0 + S, "f", 1), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 6 * S - 1), 0);
    CHECK_INT(mqtt_session_tick(&peer.s, T0 + 6 * S), -ETIMEDOUT);
    CHECK_STR(peer.s.reason, "no SUBACK in time");
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
    {"skipped", test_skipped},
    {"skipped_slowly", test_skipped_slowly},
    {"probe", test_probe},
    {"send_fails", test_send_fails},
    {"subscribe", test_subscribe},
    {"suback_mismatch", test_suback_mismatch},
    {"suback_timeout", test_suback_timeout},
    {NULL, NULL},
};
