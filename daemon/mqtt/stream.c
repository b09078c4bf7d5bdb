/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/mqtt/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    if (s->remaining + s->header_len > s->cap)
        return -EMSGSIZE;
    s->header_done = true;
    return 0;
}

static int deliver(struct mqtt_stream *s, const uint8_t *body, mqtt_stream_fn fn, void *userdata)
{
    uint8_t *gathered = TAKE(s->body);
    uint8_t first = s->header[0];
    size_t len = s->remaining;
    int r;

    mqtt_stream_init(s, s->cap);
    r = fn(first, body, len, userdata);
    free(gathered);
    return r;
}

/* Adds to a split packet. */
static int gather(struct mqtt_stream *s, const uint8_t *data, size_t len)
{
    if (!s->body) {
        s->body = malloc(s->remaining);
        if (!s->body)
            return -ENOMEM;
    }
    memcpy(s->body + s->body_len, data, len);
    s->body_len += len;
    return 0;
}

int mqtt_stream_feed(struct mqtt_stream *s, const uint8_t *data, size_t len, mqtt_stream_fn fn,
                     void *userdata)
{
    int r = 0;

    while (r == 0 && (len > 0 || s->header_done)) {
        size_t want, n;

        if (!s->header_done) {
            r = take_header(s, *data++);
            len--;
            continue;
        }

        want = s->remaining - s->body_len;
        n = len < want ? len : want;
        if (n == want && !s->body) {
            r = deliver(s, data, fn, userdata);
        } else {
            if (n == 0)
                break;
            r = gather(s, data, n);
            if (r == 0 && s->body_len == s->remaining)
                r = deliver(s, s->body, fn, userdata);
        }
        data += n;
        len -= n;
    }
    return r;
}
