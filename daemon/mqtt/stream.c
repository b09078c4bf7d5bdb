/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/mqtt/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_PUBLISH 3U
#define TOPIC_LEN_SIZE 2U /* 3.3.2.1 */
#define PACKET_ID_SIZE 2U /* 3.3.2.2, with QoS 1 */
#define QOS_BITS 0x06U
#define HEAD_MAX (TOPIC_LEN_SIZE + UINT16_MAX + PACKET_ID_SIZE)

void mqtt_stream_init(struct mqtt_stream *s, size_t cap)
{
    *s = (struct mqtt_stream){.cap = cap};
}

void mqtt_stream_reset(struct mqtt_stream *s)
{
    free(s->body);
    mqtt_stream_init(s, s->cap);
}

void mqtt_stream_done(struct mqtt_stream *s)
{
    mqtt_stream_reset(s);
}

/* Takes header bytes until the length is known; MQTT 3.1.1, 2.2.3. */
static int take_header(struct mqtt_stream *s, uint8_t byte)
{
    s->header[s->header_len++] = byte;
    if (s->header_len == 1)
        return 0;
    if (byte & 0x80)
        return s->header_len == sizeof(s->header) ? -EBADMSG : 0;

    s->remaining = 0;
    for (unsigned i = s->header_len - 1; i >= 1; i--)
        s->remaining = s->remaining << 7 | (s->header[i] & 0x7fU);
    s->skipping = s->remaining + s->header_len > s->cap;
    if (s->skipping && s->header[0] >> 4 != TYPE_PUBLISH)
        return -EMSGSIZE;
    s->header_done = true;
    return 0;
}

static int deliver(struct mqtt_stream *s, const uint8_t *body, mqtt_stream_fn fn, void *userdata)
{
    uint8_t *gathered = TAKE(s->body);
    uint8_t first = s->header[0];
    size_t n_skipped = s->n_skipped, len = s->remaining - n_skipped;
    int r;

    mqtt_stream_init(s, s->cap);
    r = fn(first, body, len, n_skipped, userdata);
    free(gathered);
    return r;
}

/* Adds to a split packet, or to the head of one that is skipped. */
static int gather(struct mqtt_stream *s, size_t size, const uint8_t *data, size_t len)
{
    if (!s->body) {
        s->body = malloc(size);
        if (!s->body)
            return -ENOMEM;
    }
    memcpy(s->body + s->body_len, data, len);
    s->body_len += len;
    return 0;
}

/* Bytes before the payload of a PUBLISH, as far as they can be told yet. */
static size_t head_len(const struct mqtt_stream *s)
{
    if (s->body_len < TOPIC_LEN_SIZE)
        return TOPIC_LEN_SIZE;
    return TOPIC_LEN_SIZE + ((size_t) s->body[0] << 8 | s->body[1]) +
           (s->header[0] & QOS_BITS ? PACKET_ID_SIZE : 0);
}

/* Takes at least one byte of a PUBLISH above the cap. */
static int skip(struct mqtt_stream *s, const uint8_t *data, size_t len, size_t *ret_taken)
{
    size_t head = head_len(s), want = head - s->body_len, n = len < want ? len : want;
    int r;

    if (head > s->remaining)
        return -EBADMSG;
    if (head > s->cap)
        return -EMSGSIZE;
    if (n > 0) {
        /* The head has no more than that, and often less. */
        r = gather(s, s->cap < HEAD_MAX ? s->cap : HEAD_MAX, data, n);
        if (r < 0)
            return r;
    } else {
        want = s->remaining - s->body_len - s->n_skipped;
        n = len < want ? len : want;
        s->n_skipped += n;
    }
    *ret_taken = n;
    return 0;
}

/* Takes from the body of the packet begun; it may be empty. */
static int take_body(struct mqtt_stream *s, const uint8_t *data, size_t len, size_t *ret_taken,
                     mqtt_stream_fn fn, void *userdata)
{
    size_t want = s->remaining - s->body_len, n = len < want ? len : want;
    int r;

    if (n == want && !s->body) {
        *ret_taken = n;
        return deliver(s, data, fn, userdata);
    }
    r = gather(s, s->remaining, data, n);
    if (r < 0)
        return r;
    *ret_taken = n;
    return s->body_len == s->remaining ? deliver(s, s->body, fn, userdata) : 0;
}

int mqtt_stream_feed(struct mqtt_stream *s, const uint8_t *data, size_t len, mqtt_stream_fn fn,
                     void *userdata)
{
    int r = 0;

    while (r == 0 && (len > 0 || (s->header_done && s->remaining == 0))) {
        size_t n = 1;

        if (!s->header_done) {
            r = take_header(s, *data);
        } else if (s->skipping) {
            r = skip(s, data, len, &n);
            if (r == 0 && s->body_len + s->n_skipped == s->remaining)
                r = deliver(s, s->body, fn, userdata);
        } else {
            r = take_body(s, data, len, &n, fn, userdata);
        }
        if (r == 0) {
            data += n;
            len -= n;
        }
    }
    return r;
}
