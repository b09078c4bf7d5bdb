/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SESSION_PEER_H
#define IOTD_TESTS_SESSION_PEER_H

/* An MQTT session with the test on its other end: what came out of it, and what it told. */

#include "daemon/mqtt/session.h"
#include "tests/lib/wire.h"

#define S USEC_PER_SEC
#define T0 (1000 * S)

struct peer {
    struct mqtt_session s;
    uint8_t out[65536];
    size_t out_len;
    int send_result;
    unsigned n_connack, n_suback, n_message, n_skipped, n_sent;
    size_t skipped_bytes; /* of the latest one skipped */
    bool session_present, granted;
    unsigned code;
    char topic[64], payload[64]; /* of the latest message */
    bool sent_dup;
    bool lose_in_connack; /* the owner gives up inside the callback */
    bool answer_follows;  /* to each message, from now on */
    bool answers_at_once; /* from within the callback */
    unsigned n_acked, n_cancelled, n_given_up;
};

extern struct peer peer;

/* A new session that is down. */
void peer_begin(uint16_t first_id);
/* Sends CONNECT; the session waits for CONNACK. */
void peer_connect_at(uint64_t now);
/* Connected and resumed. */
void peer_up_at(uint64_t now);
/* The next packet that the session sent. */
bool peer_next(struct wire_packet *ret_packet);
/* Publishes to "t"; the ends are counted in peer. */
int peer_publish_at(uint64_t now, const char *payload, uint8_t qos);
int peer_feed_at(uint64_t now, const uint8_t *data, size_t len);
int peer_feed_ack(uint64_t now, unsigned type, unsigned id);
#define FEED(now, ...)                                                                             \
    peer_feed_at(now, ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))

#endif /* IOTD_TESTS_SESSION_PEER_H */
