/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MQTT packets to bytes and back, against copying the same bytes once. */

#include <stdlib.h>
#include <string.h>

#include "daemon/mqtt/packet.h"
#include "daemon/mqtt/stream.h"
#include "tests/bench/bench.h"

#define ROUNDS 50
#define PAYLOAD 200 /* as an event has it */
#define N_PACKETS 4096

static const char topic[] = "$thing/up/event/IOTDLIGHT1/lamp_001";

struct codec {
    uint8_t payload[PAYLOAD];
    uint8_t *packets, *copy;
    size_t size, len;
    unsigned n_decoded;
};

static void encode(struct codec *c)
{
    struct bytes_writer w = {.data = c->packets, .size = c->size};

    for (unsigned i = 0; i < N_PACKETS; i++) {
        const struct mqtt_publish p = {
            .topic = topic,
            .topic_len = sizeof(topic) - 1,
            .payload = c->payload,
            .payload_len = sizeof(c->payload),
            .qos = 1,
            .id = (uint16_t) (i + 1),
        };

        mqtt_encode_publish(&w, &p);
    }
    if (w.full)
        bench_fatal("packets larger than mqtt_publish_size()");
    c->len = w.len;
}

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    struct codec *c = userdata;
    struct mqtt_packet p;

    (void) n_skipped;
    bench_must(mqtt_decode(first, body, len, &p), "decode");
    if (p.publish.payload_len != PAYLOAD)
        bench_fatal("a payload of %zu bytes", p.publish.payload_len);
    c->n_decoded++;
    return 0;
}

/* In pieces of that size: what a socket may give. */
static void decode(struct codec *c, size_t piece)
{
    struct mqtt_stream stream;

    mqtt_stream_init(&stream, 256 * 1024);
    c->n_decoded = 0;
    for (size_t at = 0; at < c->len; at += piece) {
        size_t n = c->len - at < piece ? c->len - at : piece;

        bench_must(mqtt_stream_feed(&stream, c->packets + at, n, on_packet, c), "stream");
    }
    if (c->n_decoded != N_PACKETS)
        bench_fatal("%u packets", c->n_decoded);
    mqtt_stream_done(&stream);
}

/* Packet by packet; the barrier keeps it from being left out. */
static void copy(struct codec *c)
{
    size_t piece = c->len / N_PACKETS;

    for (unsigned i = 0; i < N_PACKETS; i++) {
        memcpy(c->copy + i * piece, c->packets + i * piece, piece);
        __asm__ volatile("" ::"r"(c->copy) : "memory");
    }
}

static double rate_since(const struct codec *c, uint64_t start)
{
    return bench_rate(c->len, start) / 1e6;
}

static void measure(struct codec *c)
{
    struct bench_series encoded = {.name = "codec.encode", .unit = "MB/s"};
    struct bench_series decoded = {.name = "codec.decode", .unit = "MB/s"};
    struct bench_series split = {.name = "codec.decode_split", .unit = "MB/s"};
    struct bench_series copied = {.name = "codec.memcpy", .unit = "MB/s"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = bench_now_ns();

        encode(c);
        bench_add(&encoded, rate_since(c, start));
        start = bench_now_ns();
        decode(c, c->len);
        bench_add(&decoded, rate_since(c, start));
        start = bench_now_ns();
        decode(c, 64);
        bench_add(&split, rate_since(c, start));
        start = bench_now_ns();
        copy(c);
        bench_add(&copied, rate_since(c, start));
    }
    bench_print_pairs(&encoded, &copied);
    bench_print_pairs(&decoded, &copied);
    bench_print_pairs(&split, &copied);
    bench_print(&copied, NULL);
    bench_clear(&encoded);
    bench_clear(&decoded);
    bench_clear(&split);
    bench_clear(&copied);
}

int main(void)
{
    struct codec c = {.size = N_PACKETS * mqtt_publish_size(sizeof(topic) - 1, PAYLOAD, 1)};

    memset(c.payload, 'x', sizeof(c.payload));
    c.packets = calloc(1, c.size);
    c.copy = calloc(1, c.size);
    if (!c.packets || !c.copy)
        bench_fatal("out of memory");
    measure(&c);
    free(c.packets);
    free(c.copy);
    return 0;
}
