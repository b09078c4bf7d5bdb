/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/mqtt/packet.h"

#include <errno.h>
#include <string.h>

#include "libiotclient/base/utf8.h"

/* Flags of the fixed header that the specification fixes: table 2.2. */
#define FLAGS_NONE 0x0U
#define FLAGS_SUBSCRIBE 0x2U

#define CONNECT_FLAG_CLEAN 0x02U /* 3.1.2.4 */
#define CONNECT_FLAG_PASSWORD 0x40U
#define CONNECT_FLAG_USERNAME 0x80U

static int get_string(struct bytes_reader *r, const char **ret_text, size_t *ret_len)
{
    const uint8_t *p;
    uint16_t len;
    int e;

    e = bytes_get_u16(r, &len);
    if (e < 0)
        return e;
    e = bytes_get_slice(r, len, &p);
    if (e < 0)
        return e;
    if (!utf8_is_valid((const char *) p, len))
        return -EBADMSG;
    *ret_text = (const char *) p;
    *ret_len = len;
    return 0;
}

static int decode_connack(struct bytes_reader *r, struct mqtt_packet *p)
{
    uint8_t flags, code;
    int e;

    e = bytes_get_u8(r, &flags);
    if (e == 0)
        e = bytes_get_u8(r, &code);
    if (e < 0)
        return e;
    /* 3.2.2.1: bits 7-1 are zero; MQTT-3.2.2-4: a refusal has no session. */
    if (flags > 1 || (code != 0 && flags))
        return -EBADMSG;
    p->connack.session_present = flags;
    p->connack.code = code;
    return 0;
}

static int decode_publish(uint8_t first, struct bytes_reader *r, struct mqtt_packet *p)
{
    struct mqtt_publish *pub = &p->publish;
    int e;

    pub->dup = first & 0x08;
    pub->qos = (first >> 1) & 0x03;
    if (pub->qos > 1 || (pub->dup && pub->qos == 0)) /* MQTT-3.3.1-2, -4; no QoS 2 here */
        return -EBADMSG;

    e = get_string(r, &pub->topic, &pub->topic_len);
    if (e < 0)
        return e;
    if (pub->topic_len == 0 || memchr(pub->topic, '+', pub->topic_len) ||
        memchr(pub->topic, '#', pub->topic_len)) /* MQTT-4.7.3-1, MQTT-3.3.2-2 */
        return -EBADMSG;

    pub->id = 0;
    if (pub->qos > 0) {
        e = bytes_get_u16(r, &pub->id);
        if (e < 0)
            return e;
        if (pub->id == 0) /* MQTT-2.3.1-1 */
            return -EBADMSG;
    }
    pub->payload = r->data;
    pub->payload_len = r->len;
    r->len = 0;
    return 0;
}

static int decode_ack(struct bytes_reader *r, struct mqtt_packet *p)
{
    int e = bytes_get_u16(r, &p->ack.id);

    if (e < 0)
        return e;
    return p->ack.id == 0 ? -EBADMSG : 0;
}

static int decode_suback(struct bytes_reader *r, struct mqtt_packet *p)
{
    int e = bytes_get_u16(r, &p->suback.id);

    if (e < 0)
        return e;
    if (p->suback.id == 0 || r->len == 0)
        return -EBADMSG;
    for (size_t i = 0; i < r->len; i++) {
        if (r->data[i] > 2 && r->data[i] != MQTT_SUBACK_FAILURE) /* MQTT-3.9.3-2 */
            return -EBADMSG;
    }
    p->suback.codes = r->data;
    p->suback.n_codes = r->len;
    r->len = 0;
    return 0;
}

int mqtt_decode(uint8_t first, const uint8_t *body, size_t len, struct mqtt_packet *ret_packet)
{
    struct bytes_reader r = {body, len};
    struct mqtt_packet p = {.type = (enum mqtt_type)(first >> 4)};
    int e;

    if (p.type != MQTT_PUBLISH && (first & 0x0f) != FLAGS_NONE) /* MQTT-2.2.2-2 */
        return -EBADMSG;

    switch ((int) p.type) {
    case MQTT_CONNACK:
        e = decode_connack(&r, &p);
        break;
    case MQTT_PUBLISH:
        e = decode_publish(first, &r, &p);
        break;
    case MQTT_PUBACK:
    case MQTT_UNSUBACK:
        e = decode_ack(&r, &p);
        break;
    case MQTT_SUBACK:
        e = decode_suback(&r, &p);
        break;
    case MQTT_PINGRESP:
        e = 0;
        break;
    default:
        e = -EBADMSG;
    }
    if (e < 0)
        return e;
    if (r.len > 0)
        return -EBADMSG;
    *ret_packet = p;
    return 0;
}

static size_t length_size(size_t remaining)
{
    return remaining < 128 ? 1 : remaining < 16384 ? 2 : remaining < 2097152 ? 3 : 4;
}

static size_t packet_size(size_t remaining)
{
    return 1 + length_size(remaining) + remaining;
}

static size_t publish_remaining(size_t topic_len, size_t payload_len, uint8_t qos)
{
    return 2 + topic_len + (qos > 0 ? 2 : 0) + payload_len;
}

static size_t connect_remaining(const struct mqtt_connect *c)
{
    return 10 + 2 + strlen(c->client_id) + 2 + strlen(c->username) +
           (c->password ? 2 + strlen(c->password) : 0);
}

size_t mqtt_publish_size(size_t topic_len, size_t payload_len, uint8_t qos)
{
    return packet_size(publish_remaining(topic_len, payload_len, qos));
}

size_t mqtt_connect_size(const struct mqtt_connect *connect)
{
    return packet_size(connect_remaining(connect));
}

size_t mqtt_subscribe_size(size_t filter_len)
{
    return packet_size(2 + 2 + filter_len + 1);
}

size_t mqtt_unsubscribe_size(size_t filter_len)
{
    return packet_size(2 + 2 + filter_len);
}

static void put_header(struct bytes_writer *w, enum mqtt_type type, unsigned flags,
                       size_t remaining)
{
    if (remaining > MQTT_MAX_REMAINING) {
        w->full = true;
        return;
    }
    bytes_put_u8(w, (uint8_t) ((unsigned) type << 4 | flags));
    do {
        uint8_t b = remaining % 128;

        remaining /= 128;
        bytes_put_u8(w, remaining ? b | 0x80U : b);
    } while (remaining);
}

static void put_text(struct bytes_writer *w, const char *text, size_t len)
{
    if (len > UINT16_MAX) {
        w->full = true;
        return;
    }
    bytes_put_u16(w, (uint16_t) len);
    bytes_put(w, text, len);
}

static void put_string(struct bytes_writer *w, const char *text)
{
    put_text(w, text, strlen(text));
}

void mqtt_encode_connect(struct bytes_writer *w, const struct mqtt_connect *connect)
{
    unsigned flags = CONNECT_FLAG_USERNAME;

    if (connect->clean_session)
        flags |= CONNECT_FLAG_CLEAN;
    if (connect->password)
        flags |= CONNECT_FLAG_PASSWORD;

    put_header(w, MQTT_CONNECT, FLAGS_NONE, connect_remaining(connect));
    put_string(w, "MQTT");
    bytes_put_u8(w, 4); /* protocol level of 3.1.1, 3.1.2.2 */
    bytes_put_u8(w, (uint8_t) flags);
    bytes_put_u16(w, connect->keepalive_s);
    put_string(w, connect->client_id);
    put_string(w, connect->username);
    if (connect->password)
        put_string(w, connect->password);
}

void mqtt_encode_publish(struct bytes_writer *w, const struct mqtt_publish *publish)
{
    unsigned flags = (publish->dup ? 8U : 0U) | (unsigned) publish->qos << 1;

    put_header(w, MQTT_PUBLISH, flags,
               publish_remaining(publish->topic_len, publish->payload_len, publish->qos));
    put_text(w, publish->topic, publish->topic_len);
    if (publish->qos > 0)
        bytes_put_u16(w, publish->id);
    bytes_put(w, publish->payload, publish->payload_len);
}

void mqtt_encode_puback(struct bytes_writer *w, uint16_t id)
{
    put_header(w, MQTT_PUBACK, FLAGS_NONE, 2);
    bytes_put_u16(w, id);
}

void mqtt_encode_subscribe(struct bytes_writer *w, uint16_t id, const char *filter, uint8_t qos)
{
    put_header(w, MQTT_SUBSCRIBE, FLAGS_SUBSCRIBE, 2 + 2 + strlen(filter) + 1);
    bytes_put_u16(w, id);
    put_string(w, filter);
    bytes_put_u8(w, qos);
}

void mqtt_encode_unsubscribe(struct bytes_writer *w, uint16_t id, const char *filter)
{
    put_header(w, MQTT_UNSUBSCRIBE, FLAGS_SUBSCRIBE, 2 + 2 + strlen(filter));
    bytes_put_u16(w, id);
    put_string(w, filter);
}

void mqtt_encode_empty(struct bytes_writer *w, enum mqtt_type type)
{
    put_header(w, type, FLAGS_NONE, 0);
}

const char *mqtt_connack_text(uint8_t code)
{
    static const char *const texts[] = {
        [MQTT_CONNACK_ACCEPTED] = "accepted",
        [MQTT_CONNACK_BAD_VERSION] = "protocol version refused",
        [MQTT_CONNACK_BAD_CLIENT_ID] = "client id refused",
        [MQTT_CONNACK_UNAVAILABLE] = "server unavailable",
        [MQTT_CONNACK_BAD_CREDENTIALS] = "wrong user name or password",
        [MQTT_CONNACK_NOT_AUTHORIZED] = "not authorized",
    };

    return code < ARRAY_SIZE(texts) ? texts[code] : "unknown return code";
}
