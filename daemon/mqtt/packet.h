/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_MQTT_PACKET_H
#define IOTD_MQTT_PACKET_H

/*
 * The part of MQTT 3.1.1 that a client of the platform needs, as a pure codec: no I/O, no
 * allocation, slices point into the input. QoS 2, will and retain do not exist on the platform
 * (device guide, MQTT support); an incoming packet with them is a protocol error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/bytes.h"
#include "libiotclient/base/macro.h"

enum mqtt_type { /* MQTT 3.1.1, table 2.1 */
                 MQTT_CONNECT = 1,
                 MQTT_CONNACK = 2,
                 MQTT_PUBLISH = 3,
                 MQTT_PUBACK = 4,
                 MQTT_SUBSCRIBE = 8,
                 MQTT_SUBACK = 9,
                 MQTT_UNSUBSCRIBE = 10,
                 MQTT_UNSUBACK = 11,
                 MQTT_PINGREQ = 12,
                 MQTT_PINGRESP = 13,
                 MQTT_DISCONNECT = 14,
};

/* Return codes of CONNACK, table 3.1. */
enum mqtt_connack_code {
    MQTT_CONNACK_ACCEPTED = 0,
    MQTT_CONNACK_BAD_VERSION = 1,
    MQTT_CONNACK_BAD_CLIENT_ID = 2,
    MQTT_CONNACK_UNAVAILABLE = 3,
    MQTT_CONNACK_BAD_CREDENTIALS = 4,
    MQTT_CONNACK_NOT_AUTHORIZED = 5,
};

#define MQTT_SUBACK_FAILURE 0x80U
#define MQTT_MAX_HEADER 5U            /* type and at most four length bytes, 2.2.3 */
#define MQTT_MAX_REMAINING 268435455U /* 2.2.3 */

struct mqtt_publish {
    const char *topic;
    size_t topic_len;
    const uint8_t *payload;
    size_t payload_len;
    uint8_t qos; /* 0 or 1 */
    bool dup;
    uint16_t id; /* 0 with QoS 0 */
};

/* What a server sends. */
struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct {
            bool session_present;
            uint8_t code;
        } connack;
        struct mqtt_publish publish;
        struct {
            uint16_t id;
        } ack; /* PUBACK, UNSUBACK */
        struct {
            uint16_t id;
            const uint8_t *codes;
            size_t n_codes;
        } suback;
    };
};

struct mqtt_connect {
    const char *client_id;
    const char *username;
    const char *password; /* may be NULL: then only the user name is sent */
    uint16_t keepalive_s;
    bool clean_session;
};

/*
 * Decodes the body of one packet; first is the first byte of the fixed header.
 * @return 0; -EBADMSG when the packet is malformed or of a kind that no server may send
 */
int mqtt_decode(uint8_t first, const uint8_t *body, size_t len,
                struct mqtt_packet *ret_packet) MUST_CHECK;

/* Bytes that the encoder below will write. */
size_t mqtt_publish_size(size_t topic_len, size_t payload_len, uint8_t qos);
size_t mqtt_connect_size(const struct mqtt_connect *connect);
size_t mqtt_subscribe_size(size_t filter_len);
size_t mqtt_unsubscribe_size(size_t filter_len);
#define MQTT_PUBACK_SIZE 4U
#define MQTT_EMPTY_SIZE 2U

void mqtt_encode_connect(struct bytes_writer *w, const struct mqtt_connect *connect);
void mqtt_encode_publish(struct bytes_writer *w, const struct mqtt_publish *publish);
void mqtt_encode_puback(struct bytes_writer *w, uint16_t id);
/* One filter a packet: the platform takes no more (limits page). */
void mqtt_encode_subscribe(struct bytes_writer *w, uint16_t id, const char *filter, uint8_t qos);
void mqtt_encode_unsubscribe(struct bytes_writer *w, uint16_t id, const char *filter);
/* PINGREQ, DISCONNECT */
void mqtt_encode_empty(struct bytes_writer *w, enum mqtt_type type);

/* The text of a CONNACK code, for people. */
const char *mqtt_connack_text(uint8_t code);

#endif /* IOTD_MQTT_PACKET_H */
