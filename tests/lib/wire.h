/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_WIRE_H
#define IOTD_TESTS_WIRE_H

/* MQTT as the server sees it, written apart from daemon/mqtt: what a client sent, what it gets. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_TEXT 300

/* One packet of a client; what the type does not have is 0 or "". */
struct wire_packet {
    unsigned type;
    unsigned flags;
    unsigned id;
    char topic[WIRE_TEXT]; /* PUBLISH, SUBSCRIBE */
    const char *payload;   /* PUBLISH; with NUL, until the next wire_read() */
    size_t payload_len;
    unsigned qos; /* PUBLISH, SUBSCRIBE */
    char client_id[WIRE_TEXT];
    char username[WIRE_TEXT];
    char password[WIRE_TEXT];
    unsigned keepalive_s;
    unsigned connect_flags;
    size_t len; /* of the whole */
};

/* False when data does not begin with a whole packet. */
bool wire_read(const uint8_t *data, size_t len, struct wire_packet *ret_packet);

/* Writes the fixed header and returns its length. */
size_t wire_header(uint8_t buf[5], unsigned first, size_t remaining);
/* PUBLISH as a server sends it; buf holds at least 16 bytes more than topic and payload. */
size_t wire_publish(uint8_t *buf, const char *topic, const void *payload, size_t len, unsigned qos,
                    unsigned id, bool dup);

#endif /* IOTD_TESTS_WIRE_H */
