/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/wire.h"
#include "tests/lib/suite.h"

static const uint8_t publish_a[] = {0x32, 0x0a, 0, 3, 'a', '/', 'b', 0, 7, 'h', 'e', 'y'};
static const uint8_t ping[] = {0xc0, 0};

/* Feeds in pieces of the given size; the number of packets, or an error. */
static int feed(struct wire_reader *r, const uint8_t *data, size_t len, size_t piece,
                struct wire_frame *last)
{
    int n = 0;

    while (len > 0) {
        size_t now = len < piece ? len : piece, left = now;
        const uint8_t *p = data;
        int e;

        while ((e = wire_reader_feed(r, &p, &left, last)) == WIRE_READER_FRAME)
            n++;
        if (e < 0)
            return e;
        data += now;
        len -= now;
    }
    return n;
}

static void test_splits(void)
{
    uint8_t stream[3 * sizeof(publish_a) + 2 * sizeof(ping)];
    size_t n = 0;

    for (int i = 0; i < 3; i++) {
        memcpy(stream + n, publish_a, sizeof(publish_a));
        n += sizeof(publish_a);
        if (i < 2) {
            memcpy(stream + n, ping, sizeof(ping));
            n += sizeof(ping);
        }
    }
    for (size_t piece = 1; piece <= n; piece++) {
        struct wire_reader r;
        struct wire_frame frame;

        wire_reader_init(&r, 100);
        CHECK_INT(feed(&r, stream, n, piece, &frame), 5);
        CHECK_INT(frame.type, WIRE_PUBLISH);
        CHECK_INT(frame.len, 10);
        CHECK(memcmp(frame.body, publish_a + 2, 10) == 0);
        wire_reader_done(&r);
    }
}

static void test_lengths(void)
{
    /* cap 200; the longest remaining length has four bytes */
    static const struct {
        const char *name;
        uint8_t data[6];
        size_t len;
        int result;
    } cases[] = {
        {"exactly the cap", {0x30, 0xc8, 0x01}, 3, 0},
        {"one above", {0x30, 0xc9, 0x01}, 3, -EMSGSIZE},
        {"largest possible", {0x30, 0xff, 0xff, 0xff, 0x7f}, 5, -EMSGSIZE},
        {"five length bytes", {0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, 6, -EBADMSG},
        {"type 0", {0x00, 0x00}, 2, -EBADMSG},
        {"type 15", {0xf0, 0x00}, 2, -EBADMSG},
        {"padded zero", {0xc0, 0x80, 0x00}, 3, 1},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct wire_reader r;
        struct wire_frame frame;

        wire_reader_init(&r, 200);
        CHECK_INT(feed(&r, cases[i].data, cases[i].len, 1, &frame), cases[i].result);
        CHECK(r.size == 0); /* nothing is allocated for what has only been announced */
        wire_reader_done(&r);
    }
}

static struct wire_frame frame_of(enum wire_type type, uint8_t flags, const void *body, size_t len)
{
    return (struct wire_frame){type, flags, body, len};
}

/* From the packet of the vendor's C client: flags 0xc2, keep-alive 240. */
static const char connect_body[] = "\0\4MQTT\4\xc2\0\xf0\0\2id\0\1u\0\2pw";

static void test_connect(void)
{
    struct wire_frame f = frame_of(WIRE_CONNECT, 0, connect_body, sizeof(connect_body) - 1);
    struct wire_connect c;

    CHECK_INT(wire_parse_connect(&f, &c), 0);
    CHECK_INT(c.level, 4);
    CHECK_INT(c.keepalive_s, 240);
    CHECK(c.clean_session);
    CHECK(!c.has_will);
    CHECK_STR(c.client_id, "id");
    CHECK_STR(c.user_name, "u");
    CHECK_STR(c.password, "pw");
    wire_connect_done(&c);

    /* every cut is refused, and leaks nothing */
    for (size_t len = 0; len < sizeof(connect_body) - 1; len++) {
        f.len = len;
        CHECK_INT(wire_parse_connect(&f, &c), -EBADMSG);
    }
}

static void test_connect_refusals(void)
{
    static const struct {
        const char *name;
        const char *body;
        size_t len;
        int result;
    } cases[] = {
        {"3.1", "\0\6MQIsdp\3\2\0\0\0\1a", 15, 0},
        {"3.1 name, level 4", "\0\6MQIsdp\4\2\0\0\0\1a", 15, -EPROTONOSUPPORT},
        {"level 5", "\0\4MQTT\5\2\0\0\0\1a", 13, -EPROTONOSUPPORT},
        {"level 3", "\0\4MQTT\3\2\0\0\0\1a", 13, -EPROTONOSUPPORT},
        {"other name", "\0\4HTTP\4\2\0\0\0\1a", 13, -EBADMSG},
        {"reserved flag", "\0\4MQTT\4\3\0\0\0\1a", 13, -EBADMSG},
        {"password without user", "\0\4MQTT\4\x42\0\0\0\1a\0\1p", 16, -EBADMSG},
        {"will QoS without will", "\0\4MQTT\4\x0a\0\0\0\1a", 13, -EBADMSG},
        {"will QoS 3", "\0\4MQTT\4\x1e\0\0\0\1a\0\1t\0\1m", 19, -EBADMSG},
        {"will", "\0\4MQTT\4\6\0\0\0\1a\0\1t\0\1m", 19, 0},
        {"bytes after the end", "\0\4MQTT\4\2\0\0\0\1ax", 14, -EBADMSG},
        {"not UTF-8", "\0\4MQTT\4\2\0\0\0\1\xff", 13, -EBADMSG},
        {"NUL in a string", "\0\4MQTT\4\2\0\0\0\1\0", 13, -EBADMSG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct wire_frame f = frame_of(WIRE_CONNECT, 0, cases[i].body, cases[i].len);
        struct wire_connect c = {0};
        int e = wire_parse_connect(&f, &c);

        if (e != cases[i].result)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].name, e);
        wire_connect_done(&c);
    }
}

static void test_publish(void)
{
    struct wire_frame f = frame_of(WIRE_PUBLISH, 2, publish_a + 2, 10);
    struct wire_publish p;

    CHECK_INT(wire_parse_publish(&f, &p), 0);
    CHECK_STR(p.topic, "a/b");
    CHECK_INT(p.qos, 1);
    CHECK_INT(p.id, 7);
    CHECK_INT(p.len, 3);
    CHECK(memcmp(p.payload, "hey", 3) == 0);
    wire_publish_done(&p);
    for (f.len = 0; f.len < 7; f.len++) /* before the end of the packet id */
        CHECK_INT(wire_parse_publish(&f, &p), -EBADMSG);

    f = frame_of(WIRE_PUBLISH, 6, publish_a + 2, 10); /* QoS 3 */
    CHECK_INT(wire_parse_publish(&f, &p), -EBADMSG);
    f = frame_of(WIRE_PUBLISH, 8, publish_a + 2, 10); /* DUP with QoS 0 */
    CHECK_INT(wire_parse_publish(&f, &p), -EBADMSG);
    f = frame_of(WIRE_PUBLISH, 2, "\0\1a\0\0", 5); /* packet id 0 */
    CHECK_INT(wire_parse_publish(&f, &p), -EBADMSG);
}

static void test_filters(void)
{
    struct wire_frame f = frame_of(WIRE_SUBSCRIBE, 2, "\0\5\0\1a\1\0\1b\0", 10);
    struct wire_filters filters;
    uint8_t many[2 + 17 * 4] = {0, 1};

    CHECK_INT(wire_parse_filters(&f, &filters), 0);
    CHECK_INT(filters.id, 5);
    CHECK_INT(filters.n, 2);
    CHECK_STR(filters.items[0].text, "a");
    CHECK_INT(filters.items[0].qos, 1);
    CHECK_STR(filters.items[1].text, "b");
    wire_filters_done(&filters);

    f.flags = 0;
    CHECK_INT(wire_parse_filters(&f, &filters), -EBADMSG);
    f = frame_of(WIRE_SUBSCRIBE, 2, "\0\5", 2); /* no filter */
    CHECK_INT(wire_parse_filters(&f, &filters), -EBADMSG);
    f = frame_of(WIRE_SUBSCRIBE, 2, "\0\5\0\1a\3", 6); /* QoS 3 */
    CHECK_INT(wire_parse_filters(&f, &filters), -EBADMSG);
    f = frame_of(WIRE_SUBSCRIBE, 2, "\0\5\0\1a", 5); /* QoS missing */
    CHECK_INT(wire_parse_filters(&f, &filters), -EBADMSG);
    f = frame_of(WIRE_UNSUBSCRIBE, 2, "\0\5\0\1a", 5);
    CHECK_INT(wire_parse_filters(&f, &filters), 0);
    wire_filters_done(&filters);

    for (int i = 0; i < 17; i++)
        memcpy(many + 2 + 4 * i, "\0\1a", 4);
    f = frame_of(WIRE_SUBSCRIBE, 2, many, sizeof(many));
    CHECK_INT(wire_parse_filters(&f, &filters), -E2BIG);
}

static void check_packet(int e, struct wire_packet *p, const char *expected, size_t len)
{
    CHECK_INT(e, 0);
    CHECK_INT(p->len, len);
    if (p->len == len)
        CHECK(memcmp(p->data, expected, len) == 0);
    wire_packet_done(p);
}

static void test_writers(void)
{
    struct wire_packet p = {0};
    char big[200];
    int e;

    e = wire_make_connack(&p, true, 0);
    check_packet(e, &p, "\x20\2\1\0", 4);
    e = wire_make_connack(&p, true, 4); /* no session with a refusal [MQTT-3.2.2-4] */
    check_packet(e, &p, "\x20\2\0\4", 4);
    e = wire_make_publish(&p, "a/b", "hey", 3, 1, true, 7);
    check_packet(e, &p, "\x3a\x0a\0\3a/b\0\7hey", 12);
    e = wire_make_publish(&p, "a", NULL, 0, 0, false, 0);
    check_packet(e, &p, "\x30\3\0\1a", 5);
    e = wire_make_ack(&p, WIRE_PUBACK, 0x1234);
    check_packet(e, &p, "\x40\2\x12\x34", 4);
    e = wire_make_suback(&p, 9, (const uint8_t *) "\1\x80", 2);
    check_packet(e, &p, "\x90\4\0\x09\1\x80", 6);
    e = wire_make_pingresp(&p);
    check_packet(e, &p, "\xd0\0", 2);

    memset(big, 'x', sizeof(big));
    CHECK_INT(wire_make_publish(&p, "t", big, sizeof(big), 0, false, 0), 0);
    CHECK_INT(p.len, 1 + 2 + 3 + 200); /* two length bytes: 203 = 0x4b | 0x80, 1 */
    CHECK_INT(p.data[1], 0xcb);
    CHECK_INT(p.data[2], 1);
    wire_packet_done(&p);
}

const char *const suite_name = "localcloud-wire";
const struct suite_test suite_tests[] = {
    {"splits", test_splits},   {"lengths", test_lengths},
    {"connect", test_connect}, {"connect_refusals", test_connect_refusals},
    {"publish", test_publish}, {"filters", test_filters},
    {"writers", test_writers}, {NULL, NULL},
};
