/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_MQTT_STREAM_H
#define IOTD_MQTT_STREAM_H

/*
 * Bytes to packets, at any split. A packet that arrived whole is handed on without a copy; a
 * split one is gathered in a buffer whose size is checked against the cap before it is made. Of a
 * PUBLISH above the cap only what stands before the payload is kept: refused, it would come again
 * with each connection, because the server keeps it until it is acknowledged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct mqtt_stream {
    size_t cap; /* largest packet with its header */
    uint8_t header[5];
    unsigned header_len;
    size_t remaining; /* body length; valid once header_done */
    bool header_done;
    uint8_t *body;
    size_t body_len;
    bool skipping;    /* a PUBLISH above the cap: body is its head */
    size_t n_skipped; /* payload thrown away so far */
};

/*
 * n_skipped: 0, or the bytes of a payload that was thrown away; body is a PUBLISH without payload
 * then. 0, or a negative value that ends the feeding and is passed on.
 */
typedef int (*mqtt_stream_fn)(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                              void *userdata);

void mqtt_stream_init(struct mqtt_stream *s, size_t cap);
void mqtt_stream_done(struct mqtt_stream *s);
/* Forgets a packet begun, for a new connection. */
void mqtt_stream_reset(struct mqtt_stream *s);

/*
 * @return 0; -EBADMSG bad length bytes; -EMSGSIZE packet above the cap, and not a PUBLISH whose
 *         head is below it; -ENOMEM; what fn returned. After a failure only reset and done are
 *         legal.
 */
int mqtt_stream_feed(struct mqtt_stream *s, const uint8_t *data, size_t len, mqtt_stream_fn fn,
                     void *userdata) MUST_CHECK;

#endif /* IOTD_MQTT_STREAM_H */
