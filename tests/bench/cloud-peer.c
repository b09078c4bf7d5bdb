/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/cloud-peer.h"

#include <stdio.h>
#include <string.h>

#include "libiotclient/base/macro.h"
#include "tests/bench/bench.h"

#define ROOM 1024 /* of what goes down */

/* The types of MQTT 3.1.1 that a device sends. */
#define CONNECT 1
#define PUBLISH 3
#define PUBACK 4
#define SUBSCRIBE 8
#define PINGREQ 12

struct packet {
    uint8_t first;
    const uint8_t *body;
    size_t len;
};

static bool next_packet(struct cloud_peer *p, struct packet *ret_packet)
{
    size_t len = 0, at = 1;
    unsigned shift = 0;

    if (p->len == 0 && !bare_ws_read(p->ws, &p->data, &p->len))
        return false;
    do {
        if (at >= p->len)
            bench_fatal("half a packet");
        len |= (size_t) (p->data[at] & 0x7f) << shift;
        shift += 7;
    } while (p->data[at++] & 0x80);
    if (len > p->len - at)
        bench_fatal("half a packet");
    *ret_packet = (struct packet){p->data[0], p->data + at, len};
    p->data += at + len;
    p->len -= at + len;
    return true;
}

/* What is owed, as a packet in out: its length, or 0. */
static size_t take_ack(struct cloud_peer *p, uint8_t *out)
{
    const uint8_t packet[] = {PUBACK << 4, 2, p->unacked[0], p->unacked[1]};

    if (!p->owes_ack)
        return 0;
    p->owes_ack = false;
    memcpy(out, packet, sizeof(packet));
    return sizeof(packet);
}

static void ack(struct cloud_peer *p)
{
    uint8_t packet[8];
    size_t n = take_ack(p, packet);

    if (n > 0)
        bare_ws_write(p->ws, packet, n);
}

static struct cloud_message take_publish(struct cloud_peer *p, const struct packet *packet)
{
    size_t topic_len = (size_t) packet->body[0] << 8 | packet->body[1], at = 2 + topic_len;

    if (packet->first & 0x06) { /* QoS 1 */
        memcpy(p->unacked, packet->body + at, sizeof(p->unacked));
        p->owes_ack = true;
        at += 2;
    }
    p->n_up++;
    return (struct cloud_message){(const char *) packet->body + at, packet->len - at};
}

struct cloud_message cloud_peer_read(struct cloud_peer *p)
{
    static const uint8_t connack[] = {0x20, 2, 0, 0}, pingresp[] = {0xd0, 0};
    struct packet packet;

    ack(p);
    while (next_packet(p, &packet)) {
        switch (packet.first >> 4) {
        case CONNECT:
            bare_ws_write(p->ws, connack, sizeof(connack));
            break;
        case SUBSCRIBE: {
            const uint8_t suback[] = {0x90, 3, packet.body[0], packet.body[1], 1};

            bare_ws_write(p->ws, suback, sizeof(suback));
            break;
        }
        case PINGREQ:
            bare_ws_write(p->ws, pingresp, sizeof(pingresp));
            break;
        case PUBLISH:
            return take_publish(p, &packet);
        default: /* PUBACK, DISCONNECT */
            break;
        }
    }
    bench_fatal("iotd has closed the connection");
}

bool cloud_peer_has_message(const struct cloud_peer *p)
{
    return p->len > 0 || bare_ws_has_frame(p->ws);
}

/* get_status is the last that iotd asks after it has subscribed. */
void cloud_peer_init(struct cloud_peer *p, int listen_fd, const char *product, const char *device)
{
    struct cloud_message m;

    *p = (struct cloud_peer){.ws = bare_ws_accept(listen_fd), .product = product, .device = device};
    do {
        m = cloud_peer_read(p);
        cloud_peer_answer(p, &m);
    } while (!cloud_message_is(&m, "get_status"));
}

void cloud_peer_done(struct cloud_peer *p)
{
    p->ws = bare_ws_free(p->ws);
}

/* --- messages --- */

bool cloud_message_is(const struct cloud_message *m, const char *method)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "\"method\":\"%s\"", method);

    return memmem(m->payload, m->len, text, (size_t) n) != NULL;
}

size_t cloud_encode_publish(uint8_t *out, const char *topic, const char *payload, size_t len)
{
    size_t topic_len = strlen(topic), rest = 2 + topic_len + len, n = 0;

    out[n++] = PUBLISH << 4;
    for (size_t left = rest; n == 1 || left > 0; left >>= 7)
        out[n++] = (uint8_t) ((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    out[n++] = (uint8_t) (topic_len >> 8);
    out[n++] = (uint8_t) topic_len;
    memcpy(out + n, topic, topic_len);
    memcpy(out + n + topic_len, payload, len);
    return n + topic_len + len;
}

static void publish(struct cloud_peer *p, const char *kind, const char *payload, int len)
{
    uint8_t packet[2 * ROOM];
    char topic[128];
    size_t n = take_ack(p, packet);

    if (len < 0 || len >= ROOM)
        bench_fatal("a message is too large");
    (void) snprintf(topic, sizeof(topic), "$thing/down/%s/%s/%s", kind, p->product, p->device);
    n += cloud_encode_publish(packet + n, topic, payload, (size_t) len);
    bare_ws_write(p->ws, packet, n);
}

void cloud_peer_answer(struct cloud_peer *p, const struct cloud_message *m)
{
    static const char key[] = "\"clientToken\":\"";
    static const struct {
        const char *method, *reply, *kind;
    } answered[] = {
        {"report", "report_reply", "property"},
        {"event_post", "event_reply", "event"},
        {"get_status", "get_status_reply", "property"},
    };
    const char *token = memmem(m->payload, m->len, key, sizeof(key) - 1);
    char payload[ROOM];

    for (size_t i = 0; token && i < ARRAY_SIZE(answered); i++) {
        int len;

        if (!cloud_message_is(m, answered[i].method))
            continue;
        token += sizeof(key) - 1;
        len = snprintf(payload, sizeof(payload),
                       "{\"method\":\"%s\",\"clientToken\":\"%.*s\",\"code\":0,"
                       "\"status\":\"\",\"data\":{}}",
                       answered[i].reply, (int) strcspn(token, "\""), token);
        publish(p, answered[i].kind, payload, len);
        return;
    }
    ack(p);
}

void cloud_peer_control(struct cloud_peer *p, const char *property, int value, unsigned number)
{
    char payload[ROOM];
    int len = snprintf(payload, sizeof(payload),
                       "{\"method\":\"control\",\"clientToken\":\"peer::%08x\","
                       "\"params\":{\"%s\":%d}}",
                       number, property, value);

    publish(p, "property", payload, len);
}

void cloud_peer_await_reply(struct cloud_peer *p, unsigned number)
{
    struct cloud_message m;
    char token[32];

    (void) snprintf(token, sizeof(token), "peer::%08x\"", number);
    for (;;) {
        m = cloud_peer_read(p);
        if (cloud_message_is(&m, "control_reply") && memmem(m.payload, m.len, token, strlen(token)))
            break;
        cloud_peer_answer(p, &m);
    }
    if (!memmem(m.payload, m.len, "\"code\":0", 8))
        bench_fatal("a control was not taken: %.*s", (int) m.len, m.payload);
}
