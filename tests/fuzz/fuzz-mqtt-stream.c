/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a server: a count of pieces (low nibble of the first byte), that many lengths of
 * pieces, which are taken in turns, then the stream. However it is cut, the same packets have to
 * come out; each of them is decoded, and the whole goes through a session, too.
 */

#include <errno.h>
#include <string.h>

#include "daemon/mqtt/session.h"
#include "daemon/mqtt/stream.h"
#include "tests/fuzz/fuzz.h"

#define CAP 4096

struct seen {
    uint64_t hash; /* FNV-1a over all packets */
    unsigned n;
};

static void mix(struct seen *s, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        s->hash = (s->hash ^ p[i]) * 0x100000001b3U;
}

static bool is_inside(const void *part, size_t part_len, const uint8_t *body, size_t len)
{
    const uint8_t *p = part;

    return part_len == 0 || (p >= body && part_len <= len && p + part_len <= body + len);
}

static void check_packet(const struct mqtt_packet *p, const uint8_t *body, size_t len)
{
    if (p->type == MQTT_PUBLISH) {
        const struct mqtt_publish *pub = &p->publish;

        FUZZ_CHECK(pub->qos <= 1 && (pub->qos == 1) == (pub->id != 0) && pub->topic_len > 0);
        FUZZ_CHECK(is_inside(pub->topic, pub->topic_len, body, len));
        FUZZ_CHECK(is_inside(pub->payload, pub->payload_len, body, len));
        FUZZ_CHECK(!memchr(pub->topic, '#', pub->topic_len));
    } else if (p->type == MQTT_SUBACK) {
        FUZZ_CHECK(p->suback.n_codes > 0);
        FUZZ_CHECK(is_inside(p->suback.codes, p->suback.n_codes, body, len));
    }
}

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    struct seen *s = userdata;
    struct mqtt_packet p;
    int r;

    FUZZ_CHECK(len <= CAP && (n_skipped == 0 || first >> 4 == MQTT_PUBLISH));
    FUZZ_CHECK(n_skipped == 0 ? len + 2 <= CAP : len + n_skipped + MQTT_MAX_HEADER > CAP);
    r = mqtt_decode(first, body, len, &p);
    FUZZ_CHECK(r == 0 || r == -EBADMSG);
    if (r == 0)
        check_packet(&p, body, len);
    if (r == 0 && n_skipped > 0)
        FUZZ_CHECK(p.publish.payload_len == 0);
    mix(s, &n_skipped, sizeof(n_skipped));
    mix(s, &first, 1);
    mix(s, &len, sizeof(len));
    mix(s, body, len);
    s->n++;
    return 0;
}

static int on_send(const uint8_t *data, size_t len, void *userdata)
{
    (void) data;
    (void) len;
    (void) userdata;
    return 0;
}

static void on_connack(bool session_present, uint8_t code, void *userdata)
{
    (void) session_present;
    (void) code;
    (void) userdata;
}

static void on_suback(bool granted, void *userdata)
{
    (void) granted;
    (void) userdata;
}

static void on_publish(const struct mqtt_publish *publish, void *userdata)
{
    (void) publish;
    (void) userdata;
}

static void on_skipped(const struct mqtt_publish *publish, size_t n_skipped, void *userdata)
{
    FUZZ_CHECK(publish->payload_len == 0 && publish->topic_len > 0 && n_skipped > 0);
    (void) userdata;
}

static const struct mqtt_session_ops ops = {
    .send = on_send,
    .on_connack = on_connack,
    .on_suback = on_suback,
    .on_message = on_publish,
    .on_skipped = on_skipped,
    .on_sent = on_publish,
};

/* Connected, with a subscription and publishes under way. */
static void run_session(const uint8_t *data, size_t size)
{
    const struct mqtt_connect connect = {.client_id = "c", .username = "u", .keepalive_s = 60};
    struct mqtt_session s;
    uint64_t now = 1000 * USEC_PER_SEC;

    mqtt_session_init(&s, &ops, NULL, CAP, 1);
    FUZZ_CHECK(mqtt_session_start(&s, now, &connect) == 0);
    if (mqtt_session_feed(&s, now, (const uint8_t *) "\x20\x02\x00\x00", 4) == 0) {
        FUZZ_CHECK(mqtt_session_resume(&s, now) == 0);
        for (int i = 0; i < 3; i++)
            FUZZ_CHECK(mqtt_session_publish(&s, now, "t", "x", 1, 1, NULL, NULL) == 0);
        FUZZ_CHECK(mqtt_session_subscribe(&s, now, "f", 1) == 0);
        if (mqtt_session_feed(&s, now, data, size) < 0)
            FUZZ_CHECK(s.reason && *s.reason);
        FUZZ_CHECK(s.n_inflight <= 3);
    }
    mqtt_session_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n_pieces = size > 0 ? data[0] & 15U : 0, at = 0, piece = 0;
    const uint8_t *pieces = data + 1;
    struct seen whole = {0}, cut = {0};
    struct mqtt_stream s;
    int r_whole, r_cut = 0;

    if (size < 1 + n_pieces)
        return 0;
    data += 1 + n_pieces;
    size -= 1 + n_pieces;

    mqtt_stream_init(&s, CAP);
    r_whole = mqtt_stream_feed(&s, data, size, on_packet, &whole);
    FUZZ_CHECK(r_whole == 0 || r_whole == -EBADMSG || r_whole == -EMSGSIZE);
    mqtt_stream_done(&s);

    mqtt_stream_init(&s, CAP);
    while (at < size && r_cut == 0) {
        size_t n = n_pieces ? pieces[piece++ % n_pieces] : 1;

        n = n == 0 ? 1 : n > size - at ? size - at : n;
        r_cut = mqtt_stream_feed(&s, data + at, n, on_packet, &cut);
        at += n;
    }
    mqtt_stream_done(&s);
    FUZZ_CHECK(r_cut == r_whole && cut.n == whole.n && cut.hash == whole.hash);

    run_session(data, size);
    return 0;
}
