/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors written by hand from MQTT 3.1.1; numbers in comments are its sections. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mqtt/packet.h"
#include "tests/lib/suite.h"

/* Static, since slices of what was decoded point into it. All arguments are constants. */
#define BYTES(...)                                                                                 \
    __extension__({                                                                                \
        static const uint8_t bytes_[] = {__VA_ARGS__};                                             \
        bytes_;                                                                                    \
    }),                                                                                            \
        sizeof((const uint8_t[]){__VA_ARGS__})

static void check_bytes(const char *name, const struct bytes_writer *w, const uint8_t *want,
                        size_t len)
{
    if (w->full || w->len != len || memcmp(w->data, want, len) != 0)
        suite_fail(__FILE__, __LINE__, "%s: %zu bytes (full %d), wanted %zu others", name, w->len,
                   w->full, len);
}

/* --- what a client sends --- */

static void test_connect(void)
{
    const struct {
        const char *name;
        struct mqtt_connect c;
        const uint8_t *want;
        size_t len;
    } cases[] = {
        {"user and password",
         {.client_id = "ab", .username = "u;1", .password = "pw", .keepalive_s = 240},
         BYTES(0x10, 0x17, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xc0, 0, 0xf0, 0, 2, 'a', 'b', 0, 3, 'u',
               ';', '1', 0, 2, 'p', 'w')},
        {"clean session",
         {.client_id = "ab", .username = "u", .password = "", .clean_session = true},
         BYTES(0x10, 0x13, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xc2, 0, 0, 0, 2, 'a', 'b', 0, 1, 'u', 0,
               0)},
        {"user name only",
         {.client_id = "a", .username = "u", .keepalive_s = 690},
         BYTES(0x10, 0x10, 0, 4, 'M', 'Q', 'T', 'T', 4, 0x80, 2, 0xb2, 0, 1, 'a', 0, 1, 'u')},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t buf[64];
        struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

        mqtt_encode_connect(&w, &cases[i].c);
        check_bytes(cases[i].name, &w, cases[i].want, cases[i].len);
        CHECK_INT(mqtt_connect_size(&cases[i].c), cases[i].len);
    }
}

static void test_encode_publish(void)
{
    const struct {
        const char *name;
        struct mqtt_publish p;
        const uint8_t *want;
        size_t len;
    } cases[] = {
        {"QoS 0",
         {.topic = "a/b", .topic_len = 3, .payload = (const uint8_t *) "hi", .payload_len = 2},
         BYTES(0x30, 7, 0, 3, 'a', '/', 'b', 'h', 'i')},
        {"QoS 1",
         {.topic = "a",
          .topic_len = 1,
          .payload = (const uint8_t *) "x",
          .payload_len = 1,
          .qos = 1,
          .id = 0x1234},
         BYTES(0x32, 6, 0, 1, 'a', 0x12, 0x34, 'x')},
        {"QoS 1 again",
         {.topic = "a",
          .topic_len = 1,
          .payload = (const uint8_t *) "x",
          .payload_len = 1,
          .qos = 1,
          .id = 0x1234,
          .dup = true},
         BYTES(0x3a, 6, 0, 1, 'a', 0x12, 0x34, 'x')},
        {"no payload", {.topic = "a", .topic_len = 1}, BYTES(0x30, 3, 0, 1, 'a')},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct mqtt_publish *p = &cases[i].p;
        uint8_t buf[64];
        struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

        mqtt_encode_publish(&w, p);
        check_bytes(cases[i].name, &w, cases[i].want, cases[i].len);
        CHECK_INT(mqtt_publish_size(p->topic_len, p->payload_len, p->qos), cases[i].len);
    }
}

static void test_encode_rest(void)
{
    uint8_t buf[64];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

    mqtt_encode_puback(&w, 0x0102);
    check_bytes("PUBACK", &w, BYTES(0x40, 2, 1, 2));
    CHECK_INT(w.len, MQTT_PUBACK_SIZE);
    w.len = 0;
    mqtt_encode_subscribe(&w, 7, "a/b", 1);
    check_bytes("SUBSCRIBE", &w, BYTES(0x82, 8, 0, 7, 0, 3, 'a', '/', 'b', 1));
    CHECK_INT(mqtt_subscribe_size(3), w.len);
    w.len = 0;
    mqtt_encode_unsubscribe(&w, 7, "a/b");
    check_bytes("UNSUBSCRIBE", &w, BYTES(0xa2, 7, 0, 7, 0, 3, 'a', '/', 'b'));
    CHECK_INT(mqtt_unsubscribe_size(3), w.len);
    w.len = 0;
    mqtt_encode_empty(&w, MQTT_PINGREQ);
    check_bytes("PINGREQ", &w, BYTES(0xc0, 0));
    CHECK_INT(w.len, MQTT_EMPTY_SIZE);
    w.len = 0;
    mqtt_encode_empty(&w, MQTT_DISCONNECT);
    check_bytes("DISCONNECT", &w, BYTES(0xe0, 0));
}

/* The length bytes at each edge of 2.2.3, table 2.4. */
static void test_lengths(void)
{
    const struct {
        size_t remaining;
        const uint8_t *want;
        size_t len;
    } cases[] = {
        {3, BYTES(0x03)},
        {127, BYTES(0x7f)},
        {128, BYTES(0x80, 0x01)},
        {16383, BYTES(0xff, 0x7f)},
        {16384, BYTES(0x80, 0x80, 0x01)},
        {2097151, BYTES(0xff, 0xff, 0x7f)},
        {2097152, BYTES(0x80, 0x80, 0x80, 0x01)},
    };
    uint8_t *payload = calloc(1, 2097152), *buf = malloc(2097152 + MQTT_MAX_HEADER);

    CHECK(payload && buf);
    for (size_t i = 0; payload && buf && i < ARRAY_SIZE(cases); i++) {
        size_t total = 1 + cases[i].len + cases[i].remaining;
        struct bytes_writer w = {.data = buf, .size = total};
        struct mqtt_publish p = {
            .topic = "a",
            .topic_len = 1,
            .payload = payload,
            .payload_len = cases[i].remaining - 3,
        };

        CHECK_INT(mqtt_publish_size(1, p.payload_len, 0), total);
        mqtt_encode_publish(&w, &p);
        CHECK(!w.full);
        CHECK_INT(w.len, total);
        CHECK_INT(memcmp(buf + 1, cases[i].want, cases[i].len), 0);

        w = (struct bytes_writer){.data = buf, .size = total - 1};
        mqtt_encode_publish(&w, &p); /* one byte too little is said, not written over */
        CHECK(w.full);
        CHECK(w.len <= total - 1);
    }
    free(payload);
    free(buf);
}

static void test_too_long(void)
{
    static char text[65537]; /* a string has a 16-bit length, 1.5.3 */
    uint8_t buf[64];
    struct bytes_writer w = {.data = buf, .size = sizeof(buf)};

    memset(text, 'a', sizeof(text) - 1);
    mqtt_encode_subscribe(&w, 1, text, 0);
    CHECK(w.full);
    CHECK(w.len <= sizeof(buf));
}

/* --- what a server sends --- */

static void test_decode_connack(void)
{
    struct mqtt_packet p;

    CHECK_INT(mqtt_decode(0x20, BYTES(0, 0), &p), 0);
    CHECK(p.type == MQTT_CONNACK && !p.connack.session_present && p.connack.code == 0);
    CHECK_INT(mqtt_decode(0x20, BYTES(1, 0), &p), 0);
    CHECK(p.connack.session_present);
    CHECK_INT(mqtt_decode(0x20, BYTES(0, 5), &p), 0);
    CHECK_INT(p.connack.code, 5);
}

static void test_decode_publish(void)
{
    struct mqtt_packet p;

    CHECK_INT(mqtt_decode(0x30, BYTES(0, 3, 'a', '/', 'b', 'h', 'i'), &p), 0);
    CHECK_INT(p.type, MQTT_PUBLISH);
    CHECK(p.publish.topic_len == 3 && memcmp(p.publish.topic, "a/b", 3) == 0);
    CHECK(p.publish.payload_len == 2 && memcmp(p.publish.payload, "hi", 2) == 0);
    CHECK(p.publish.qos == 0 && p.publish.id == 0 && !p.publish.dup);

    CHECK_INT(mqtt_decode(0x3a, BYTES(0, 1, 'a', 0xff, 0xfe), &p), 0);
    CHECK(p.publish.qos == 1 && p.publish.id == 0xfffe && p.publish.dup);
    CHECK_INT(p.publish.payload_len, 0);

    /* Retain is a bit of the past that a server may set. */
    CHECK_INT(mqtt_decode(0x31, BYTES(0, 1, 'a'), &p), 0);
    /* Any UTF-8 is a topic: U+00E9, U+1F4A1. */
    CHECK_INT(mqtt_decode(0x30, BYTES(0, 6, 0xc3, 0xa9, 0xf0, 0x9f, 0x92, 0xa1), &p), 0);
    CHECK_INT(p.publish.topic_len, 6);
}

static void test_decode_acks(void)
{
    struct mqtt_packet p;
    int r;

    CHECK_INT(mqtt_decode(0x40, BYTES(1, 2), &p), 0);
    CHECK(p.type == MQTT_PUBACK && p.ack.id == 0x0102);
    CHECK_INT(mqtt_decode(0xb0, BYTES(0, 1), &p), 0);
    CHECK(p.type == MQTT_UNSUBACK && p.ack.id == 1);
    CHECK_INT(mqtt_decode(0xd0, NULL, 0, &p), 0);
    CHECK_INT(p.type, MQTT_PINGRESP);
    r = mqtt_decode(0x90, BYTES(0, 9, 0, 1, 2, 0x80), &p); /* the codes stay where they are */
    CHECK_INT(r, 0);
    CHECK(p.type == MQTT_SUBACK && p.suback.id == 9 && p.suback.n_codes == 4);
    CHECK(p.suback.n_codes == 4 && p.suback.codes[3] == MQTT_SUBACK_FAILURE);
}

static void test_malformed(void)
{
    const struct {
        const char *name;
        uint8_t first;
        const uint8_t *body;
        size_t len;
    } cases[] = {
        {"type 0", 0x00, BYTES(0, 0)},
        {"type 15", 0xf0, BYTES(0, 0)},
        {"CONNECT from a server", 0x10, BYTES(0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, 0, 0, 0)},
        {"PUBREC", 0x50, BYTES(0, 1)},
        {"PUBREL", 0x62, BYTES(0, 1)},
        {"PUBCOMP", 0x70, BYTES(0, 1)},
        {"SUBSCRIBE from a server", 0x82, BYTES(0, 1, 0, 1, 'a', 0)},
        {"UNSUBSCRIBE from a server", 0xa2, BYTES(0, 1, 0, 1, 'a')},
        {"PINGREQ from a server", 0xc0, NULL, 0},
        {"DISCONNECT from a server", 0xe0, NULL, 0},
        {"CONNACK: reserved flags", 0x21, BYTES(0, 0)},
        {"CONNACK: no bytes", 0x20, NULL, 0},
        {"CONNACK: one byte", 0x20, BYTES(0)},
        {"CONNACK: three bytes", 0x20, BYTES(0, 0, 0)},
        {"CONNACK: reserved bits of the second byte", 0x20, BYTES(2, 0)},
        {"CONNACK: refused with a session", 0x20, BYTES(1, 5)},
        {"PUBLISH: QoS 2", 0x34, BYTES(0, 1, 'a', 0, 1)},
        {"PUBLISH: QoS 3", 0x36, BYTES(0, 1, 'a', 0, 1)},
        {"PUBLISH: DUP with QoS 0", 0x38, BYTES(0, 1, 'a')},
        {"PUBLISH: id 0", 0x32, BYTES(0, 1, 'a', 0, 0)},
        {"PUBLISH: no id", 0x32, BYTES(0, 1, 'a')},
        {"PUBLISH: half an id", 0x32, BYTES(0, 1, 'a', 0)},
        {"PUBLISH: nothing", 0x30, NULL, 0},
        {"PUBLISH: half a length", 0x30, BYTES(0)},
        {"PUBLISH: no topic", 0x30, BYTES(0, 0, 'x')},
        {"PUBLISH: topic longer than the packet", 0x30, BYTES(0, 9, 'a')},
        {"PUBLISH: topic of the greatest length", 0x30, BYTES(0xff, 0xff, 'a')},
        {"PUBLISH: wildcard +", 0x30, BYTES(0, 3, 'a', '/', '+')},
        {"PUBLISH: wildcard #", 0x30, BYTES(0, 1, '#')},
        {"PUBLISH: NUL in the topic", 0x30, BYTES(0, 2, 'a', 0)},
        {"PUBLISH: bad UTF-8", 0x30, BYTES(0, 2, 0xc3, 'a')},
        {"PUBLISH: surrogate", 0x30, BYTES(0, 3, 0xed, 0xa0, 0x80)},
        {"PUBLISH: overlong", 0x30, BYTES(0, 2, 0xc0, 0xaf)},
        {"PUBACK: reserved flags", 0x42, BYTES(0, 1)},
        {"PUBACK: id 0", 0x40, BYTES(0, 0)},
        {"PUBACK: short", 0x40, BYTES(1)},
        {"PUBACK: trailing byte", 0x40, BYTES(0, 1, 0)},
        {"SUBACK: reserved flags", 0x91, BYTES(0, 1, 0)},
        {"SUBACK: id 0", 0x90, BYTES(0, 0, 0)},
        {"SUBACK: no code", 0x90, BYTES(0, 1)},
        {"SUBACK: code 3", 0x90, BYTES(0, 1, 3)},
        {"SUBACK: code 0x7f", 0x90, BYTES(0, 1, 0x7f)},
        {"SUBACK: code 0x81 after a good one", 0x90, BYTES(0, 1, 0, 0x81)},
        {"UNSUBACK: reserved flags", 0xb2, BYTES(0, 1)},
        {"UNSUBACK: id 0", 0xb0, BYTES(0, 0)},
        {"UNSUBACK: trailing byte", 0xb0, BYTES(0, 1, 1)},
        {"PINGRESP: reserved flags", 0xd1, NULL, 0},
        {"PINGRESP: a body", 0xd0, BYTES(0)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct mqtt_packet p = {.type = MQTT_CONNECT};
        int r = mqtt_decode(cases[i].first, cases[i].body, cases[i].len, &p);

        if (r != -EBADMSG)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].name, r);
        if (p.type != MQTT_CONNECT)
            suite_fail(__FILE__, __LINE__, "%s: the result was written", cases[i].name);
    }
}

/* Each cut of good packets is malformed or, for a payload, shorter. */
static void test_cut(void)
{
    const uint8_t publish[] = {0, 1, 'a', 0, 9, 'x', 'y'}, suback[] = {0, 1, 0};
    struct mqtt_packet p;

    for (size_t n = 0; n <= sizeof(publish); n++) {
        int r = mqtt_decode(0x32, publish, n, &p);

        CHECK_INT(r, n < 5 ? -EBADMSG : 0);
        if (r == 0)
            CHECK_INT(p.publish.payload_len, n - 5);
    }
    for (size_t n = 0; n < sizeof(suback); n++)
        CHECK_INT(mqtt_decode(0x90, suback, n, &p), -EBADMSG);
}

static void test_connack_text(void)
{
    for (unsigned code = 0; code < 256; code++) {
        const char *text = mqtt_connack_text((uint8_t) code);

        CHECK(text && *text);
        CHECK((strcmp(text, "unknown return code") == 0) == (code > 5));
    }
    CHECK_STR(mqtt_connack_text(4), "wrong user name or password");
}

const char *const suite_name = "mqtt-packet";
const struct suite_test suite_tests[] = {
    {"connect", test_connect},
    {"encode_publish", test_encode_publish},
    {"encode_rest", test_encode_rest},
    {"lengths", test_lengths},
    {"too_long", test_too_long},
    {"decode_connack", test_decode_connack},
    {"decode_publish", test_decode_publish},
    {"decode_acks", test_decode_acks},
    {"malformed", test_malformed},
    {"cut", test_cut},
    {"connack_text", test_connack_text},
    {NULL, NULL},
};
