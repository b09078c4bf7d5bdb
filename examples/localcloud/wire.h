/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_WIRE_H
#define IOTD_LOCALCLOUD_WIRE_H

/*
 * The broker's side of MQTT 3.1.1 (and 3.1, which differs in the CONNECT header only): bytes to
 * frames with any split, frames to packets, packets to bytes. No I/O, no clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

enum wire_type {
    WIRE_CONNECT = 1,
    WIRE_CONNACK = 2,
    WIRE_PUBLISH = 3,
    WIRE_PUBACK = 4,
    WIRE_PUBREC = 5,
    WIRE_PUBREL = 6,
    WIRE_PUBCOMP = 7,
    WIRE_SUBSCRIBE = 8,
    WIRE_SUBACK = 9,
    WIRE_UNSUBSCRIBE = 10,
    WIRE_UNSUBACK = 11,
    WIRE_PINGREQ = 12,
    WIRE_PINGRESP = 13,
    WIRE_DISCONNECT = 14,
};

/* One whole packet; body points into the reader until the next call. */
struct wire_frame {
    enum wire_type type;
    uint8_t flags; /* low four bits of the first byte */
    const uint8_t *body;
    size_t len;
};

/* Collects one packet. Zero-initialised memory plus cap is an empty reader. */
struct wire_reader {
    uint8_t *buf;
    size_t size;
    size_t len;  /* bytes of the body so far */
    size_t need; /* bytes of the body in all, known when have_header */
    size_t cap;  /* largest body */
    unsigned n_header;
    uint8_t first;
    bool have_header;
};

void wire_reader_init(struct wire_reader *r, size_t cap);
void wire_reader_done(struct wire_reader *r);

enum { WIRE_READER_FRAME = 1 };
/*
 * Takes bytes from *data up to the end of a packet and moves *data and *len on.
 * 0: all consumed, no packet yet. WIRE_READER_FRAME: one packet in ret_frame, call again.
 * -EMSGSIZE: longer than cap; refused before anything is allocated for it. -EBADMSG: bad length
 * or packet type. -ENOMEM. After an error the connection cannot go on.
 */
int wire_reader_feed(struct wire_reader *r, const uint8_t **data, size_t *len,
                     struct wire_frame *ret_frame) MUST_CHECK;

/* CONNECT. Strings are NUL-terminated copies, NULL when absent. */
struct wire_connect {
    uint8_t level; /* 4, or 3 for MQTT 3.1 */
    bool clean_session;
    bool has_will;
    uint16_t keepalive_s;
    char *client_id;
    char *user_name;
    char *password;
};

void wire_connect_done(struct wire_connect *c);
/* -EPROTONOSUPPORT: right name, other level (answer CONNACK 1). -EBADMSG, -ENOMEM. */
int wire_parse_connect(const struct wire_frame *frame, struct wire_connect *ret_connect) MUST_CHECK;

struct wire_publish {
    char *topic; /* owned */
    const uint8_t *payload;
    size_t len;
    uint16_t id; /* QoS 1 and 2 */
    uint8_t qos;
    bool dup;
    bool retain;
};

void wire_publish_done(struct wire_publish *p);
/* QoS 2 parses, so that the refusal can be named. */
int wire_parse_publish(const struct wire_frame *frame, struct wire_publish *ret_publish) MUST_CHECK;

int wire_parse_puback(const struct wire_frame *frame, uint16_t *ret_id) MUST_CHECK;

#define WIRE_FILTERS_MAX 16

/* SUBSCRIBE and UNSUBSCRIBE. */
struct wire_filters {
    uint16_t id;
    size_t n;
    struct {
        char *text; /* owned */
        uint8_t qos;
    } items[WIRE_FILTERS_MAX];
};

void wire_filters_done(struct wire_filters *f);
/* -E2BIG: more filters than WIRE_FILTERS_MAX. */
int wire_parse_filters(const struct wire_frame *frame, struct wire_filters *ret_filters) MUST_CHECK;

/* Writers fill a packet that the caller frees. */
struct wire_packet {
    uint8_t *data;
    size_t len;
};

static inline void wire_packet_done(struct wire_packet *p)
{
    free(p->data);
    *p = (struct wire_packet){0};
}

int wire_make_connack(struct wire_packet *ret_packet, bool session_present,
                      uint8_t code) MUST_CHECK;
int wire_make_publish(struct wire_packet *ret_packet, const char *topic, const void *payload,
                      size_t len, uint8_t qos, bool dup, uint16_t id) MUST_CHECK;
/* PUBACK, UNSUBACK. */
int wire_make_ack(struct wire_packet *ret_packet, enum wire_type type, uint16_t id) MUST_CHECK;
int wire_make_suback(struct wire_packet *ret_packet, uint16_t id, const uint8_t *codes,
                     size_t n_codes) MUST_CHECK;
int wire_make_pingresp(struct wire_packet *ret_packet) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_WIRE_H */
