/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/wire.h"

#include <assert.h>
#include <string.h>

static char latest_payload[20000];

struct cursor {
    const uint8_t *p;
    size_t left;
};

static unsigned get8(struct cursor *c)
{
    assert(c->left >= 1);
    c->left--;
    return *c->p++;
}

static unsigned get16(struct cursor *c)
{
    unsigned high = get8(c);

    return high << 8 | get8(c);
}

static void get_text(struct cursor *c, char *to, size_t size)
{
    size_t len = get16(c);

    assert(len <= c->left && len < size);
    memcpy(to, c->p, len);
    to[len] = '\0';
    c->p += len;
    c->left -= len;
}

static void read_connect(struct cursor *c, struct wire_packet *p)
{
    char protocol[16];

    get_text(c, protocol, sizeof(protocol));
    assert(strcmp(protocol, "MQTT") == 0 && get8(c) == 4);
    p->connect_flags = get8(c);
    p->keepalive_s = get16(c);
    get_text(c, p->client_id, sizeof(p->client_id));
    if (p->connect_flags & 0x80)
        get_text(c, p->username, sizeof(p->username));
    if (p->connect_flags & 0x40)
        get_text(c, p->password, sizeof(p->password));
}

static void read_body(struct cursor *c, struct wire_packet *p)
{
    switch (p->type) {
    case 1:
        read_connect(c, p);
        break;
    case 3:
        p->qos = p->flags >> 1 & 3;
        get_text(c, p->topic, sizeof(p->topic));
        if (p->qos)
            p->id = get16(c);
        assert(c->left < sizeof(latest_payload));
        memcpy(latest_payload, c->p, c->left);
        latest_payload[c->left] = '\0';
        p->payload = latest_payload;
        p->payload_len = c->left;
        c->left = 0;
        break;
    case 4:
        p->id = get16(c);
        break;
    case 8:
        p->id = get16(c);
        get_text(c, p->topic, sizeof(p->topic));
        p->qos = get8(c);
        break;
    default:
        break;
    }
    assert(c->left == 0);
}

bool wire_read(const uint8_t *data, size_t len, struct wire_packet *ret_packet)
{
    size_t remaining = 0, at = 1;

    for (unsigned shift = 0;; shift += 7) {
        if (at >= len || at > 4)
            return false;
        remaining |= (size_t) (data[at] & 0x7f) << shift;
        if (!(data[at++] & 0x80))
            break;
    }
    if (len - at < remaining)
        return false;

    memset(ret_packet, 0, sizeof(*ret_packet));
    ret_packet->payload = "";
    ret_packet->type = data[0] >> 4;
    ret_packet->flags = data[0] & 15;
    ret_packet->len = at + remaining;
    read_body(&(struct cursor){data + at, remaining}, ret_packet);
    return true;
}

size_t wire_header(uint8_t buf[5], unsigned first, size_t remaining)
{
    size_t n = 1;

    buf[0] = (uint8_t) first;
    do {
        buf[n] = (uint8_t) (remaining & 0x7f);
        remaining >>= 7;
        if (remaining)
            buf[n] |= 0x80;
        n++;
    } while (remaining);
    return n;
}

size_t wire_publish(uint8_t *buf, const char *topic, const void *payload, size_t len, unsigned qos,
                    unsigned id, bool dup)
{
    size_t topic_len = strlen(topic);
    size_t n =
        wire_header(buf, 0x30 | (dup ? 8U : 0U) | qos << 1, 2 + topic_len + (qos ? 2 : 0) + len);

    buf[n++] = (uint8_t) (topic_len >> 8);
    buf[n++] = (uint8_t) topic_len;
    memcpy(buf + n, topic, topic_len);
    n += topic_len;
    if (qos) {
        buf[n++] = (uint8_t) (id >> 8);
        buf[n++] = (uint8_t) id;
    }
    if (len)
        memcpy(buf + n, payload, len);
    return n + len;
}
