/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device sends to the local cloud: bytes through the reader, the broker and the thing-model
 * service, before and after a login, in pieces of any size, while a fault is on or not. What comes
 * back must be whole packets that a server may send, unless the fault breaks them.
 *
 * Input: one byte with flags (below), then the stream.
 */

#include <string.h>

#include "examples/localcloud/wire.h"
#include "libiotclient/base/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/fake-cloud.h"

#define LOGGED_IN 1U
#define SUBSCRIBED 2U
#define FAULT_SHIFT 2
#define PIECE_SHIFT 5

static const struct {
    const char *request; /* NULL: none */
    bool breaks_packets; /* when it ends the connection, or another end comes */
} faults[8] = {
    {NULL, false},
    {"{\"fault\":\"delay\",\"ms\":7}", false},
    {"{\"fault\":\"slow\",\"ms\":1}", true},
    {"{\"fault\":\"hold_puback\",\"on\":true}", false},
    {"{\"fault\":\"hold_replies\",\"on\":true}", false},
    {"{\"fault\":\"drop\",\"after_bytes\":37,\"direction\":\"down\",\"count\":3}", true},
    {"{\"fault\":\"half_open\",\"on\":true}", false},
    {"{\"fault\":\"duplicate\",\"count\":3}", false},
};

/* 0 is all at once. */
static const size_t pieces[8] = {0, 1, 2, 3, 7, 16, 64, 1000};

static struct fake_cloud cloud;
static struct fake_link a;

static void check_frame(const struct wire_frame *frame)
{
    CLEANUP(wire_publish_done) struct wire_publish p = {0};

    switch (frame->type) {
    case WIRE_CONNACK:
    case WIRE_PUBACK:
    case WIRE_UNSUBACK:
        FUZZ_CHECK(frame->len == 2 && frame->flags == 0);
        break;
    case WIRE_PUBLISH:
        FUZZ_CHECK(wire_parse_publish(frame, &p) == 0);
        FUZZ_CHECK(p.qos <= 1 && !p.retain);
        break;
    case WIRE_SUBACK:
        FUZZ_CHECK(frame->len > 2 && frame->flags == 0);
        break;
    case WIRE_PINGRESP:
        FUZZ_CHECK(frame->len == 0 && frame->flags == 0);
        break;
    case WIRE_CONNECT:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ:
    case WIRE_DISCONNECT:
        FUZZ_CHECK(!"a packet that a server sends");
        break;
    }
}

/* Takes what came; a packet may be incomplete only where that is the fault's purpose. */
static void check_output(bool may_break)
{
    struct wire_reader reader;
    struct wire_frame frame;
    const uint8_t *data = a.in;
    size_t len = a.n_in;
    int e;

    wire_reader_init(&reader, LIMIT_MQTT_PACKET);
    while ((e = wire_reader_feed(&reader, &data, &len, &frame)) > 0)
        check_frame(&frame);
    FUZZ_CHECK(e == 0);
    FUZZ_CHECK(may_break || reader.n_header == 0);
    wire_reader_done(&reader);
    a.n_in = 0;
}

static void feed(const uint8_t *data, size_t len, size_t piece)
{
    while (len > 0) {
        size_t n = piece > 0 && piece < len ? piece : len;

        fake_link_bytes(&a, data, n);
        data += n;
        len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned flags = size > 0 ? data[0] : 0;
    unsigned fault = flags >> FAULT_SHIFT & 7;
    bool breaks = faults[fault].breaks_packets;

    if (size == 0)
        return 0;
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    if (flags & LOGGED_IN)
        (void) fake_link_login(&a, false);
    if (flags & LOGGED_IN && flags & SUBSCRIBED)
        fake_link_subscribe_all(&a);
    if (faults[fault].request)
        fake_cloud_fault(&cloud, faults[fault].request);

    feed(data + 1, size - 1, pieces[flags >> PIECE_SHIFT]);
    /* Slow bytes are whole packets only in the end. */
    fake_cloud_pass_ms(&cloud, 1000);
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    check_output(breaks && a.closed);
    fake_link_bytes(&a, "\xc0\0", 2);
    check_output(breaks && a.closed);
    FUZZ_CHECK(broker_is_online(cloud.broker, &cloud.config->devices[0]) <= !a.closed);

    fake_link_close(&a);
    FUZZ_CHECK(!broker_is_online(cloud.broker, &cloud.config->devices[0]));
    fake_cloud_pass_ms(&cloud, 1000);
    fake_cloud_done(&cloud);
    return 0;
}
