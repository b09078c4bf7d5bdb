/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/mqtt/stream.h"
#include "tests/lib/suite.h"
#include "tests/lib/wire.h"

#define CAP (256U * 1024)
#define MAX_SEEN 8

struct seen {
    unsigned n;
    uint8_t first[MAX_SEEN];
    size_t len[MAX_SEEN];
    size_t n_skipped[MAX_SEEN];
    uint8_t body[MAX_SEEN][320]; /* of the shorter ones */
    unsigned fail_at;            /* the n-th packet is refused */
};

static int on_packet(uint8_t first, const uint8_t *body, size_t len, size_t n_skipped,
                     void *userdata)
{
    struct seen *s = userdata;

    if (s->n >= MAX_SEEN)
        return -E2BIG;
    s->first[s->n] = first;
    s->len[s->n] = len;
    s->n_skipped[s->n] = n_skipped;
    if (len > 0 && len <= sizeof(s->body[0]))
        memcpy(s->body[s->n], body, len);
    s->n++;
    return s->n == s->fail_at ? -EPROTO : 0;
}

/* Several packets in a row: an empty one, short ones, one with two length bytes, an empty one. */
static size_t make_sequence(uint8_t *buf)
{
    uint8_t payload[300];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t) i;
    n += wire_header(buf + n, 0xd0, 0);
    n += wire_publish(buf + n, "a/b", "hi", 2, 0, 0, false);
    memcpy(buf + n, "\x40\x02\x00\x07", 4);
    n += 4;
    n += wire_publish(buf + n, "t", payload, sizeof(payload), 1, 3, true);
    n += wire_header(buf + n, 0xd0, 0);
    return n;
}

static void check_sequence(const struct seen *s, const char *how, size_t at)
{
    bool ok = s->n == 5 && s->first[0] == 0xd0 && s->len[0] == 0 && s->first[1] == 0x30 &&
              s->len[1] == 7 && memcmp(s->body[1], "\0\3a/bhi", 7) == 0 && s->first[2] == 0x40 &&
              s->len[2] == 2 && memcmp(s->body[2], "\0\7", 2) == 0 && s->first[3] == 0x3a &&
              s->len[3] == 305 && s->body[3][5] == 0 && s->body[3][6] == 1 &&
              s->body[3][304] == 299 % 256 && s->first[4] == 0xd0 && s->len[4] == 0;

    if (!ok)
        suite_fail(__FILE__, __LINE__, "%s at %zu: %u packets", how, at, s->n);
}

static int feed(struct mqtt_stream *st, const uint8_t *data, size_t len, struct seen *s)
{
    /* Exact memory, so that a read past the end shows under ASan. */
    uint8_t *copy = malloc(len ? len : 1);
    int r;

    if (!copy)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    r = mqtt_stream_feed(st, copy, len, on_packet, s);
    free(copy);
    return r;
}

static void test_whole(void)
{
    struct mqtt_stream st;
    struct seen s = {0};
    uint8_t buf[512];
    size_t len = make_sequence(buf);

    mqtt_stream_init(&st, CAP);
    CHECK_INT(feed(&st, buf, len, &s), 0);
    check_sequence(&s, "whole", 0);
    CHECK(!st.body); /* what arrives whole is not copied */
    CHECK_INT(mqtt_stream_feed(&st, NULL, 0, on_packet, &s), 0);
    CHECK_INT(s.n, 5);
    mqtt_stream_done(&st);
}

static void test_splits(void)
{
    uint8_t buf[512];
    size_t len = make_sequence(buf);

    for (size_t at = 0; at <= len; at++) {
        struct mqtt_stream st;
        struct seen s = {0};

        mqtt_stream_init(&st, CAP);
        CHECK_INT(feed(&st, buf, at, &s), 0);
        CHECK_INT(feed(&st, buf + at, len - at, &s), 0);
        check_sequence(&s, "split", at);
        mqtt_stream_done(&st);
    }
}

static void test_pieces(void)
{
    uint8_t buf[512];
    size_t len = make_sequence(buf);

    for (size_t piece = 1; piece <= 9; piece++) {
        struct mqtt_stream st;
        struct seen s = {0};

        mqtt_stream_init(&st, CAP);
        for (size_t at = 0; at < len; at += piece)
            CHECK_INT(feed(&st, buf + at, len - at < piece ? len - at : piece, &s), 0);
        check_sequence(&s, "pieces", piece);
        mqtt_stream_done(&st);
    }
}

/* The largest that fits, and one byte more: not kept; refused before anything is made, or skipped.
 */
static void test_cap(void)
{
    struct mqtt_stream st;
    struct seen s = {0};
    uint8_t head[5], *body = calloc(1, 1000);
    size_t n;

    CHECK(body);
    mqtt_stream_init(&st, 1000);
    n = wire_header(head, 0x30, 1000 - 3);
    CHECK_INT(feed(&st, head, n, &s), 0);
    CHECK_INT(feed(&st, body, 1000 - 3, &s), 0);
    CHECK_INT(s.n, 1);
    CHECK_INT(s.len[0], 997);

    n = wire_header(head, 0x90, 1000 - 2);
    CHECK_INT(feed(&st, head, n, &s), -EMSGSIZE);
    CHECK(!st.body);
    CHECK_INT(s.n, 1);
    mqtt_stream_reset(&st);

    n = wire_header(head, 0x30, 1000 - 2); /* with the topic "" */
    CHECK_INT(feed(&st, head, n, &s), 0);
    CHECK_INT(feed(&st, body, 1000 - 2, &s), 0);
    CHECK_INT(s.n, 2);
    CHECK_INT(s.len[1], 2);
    CHECK_INT(s.n_skipped[1], 996);
    mqtt_stream_done(&st);
    free(body);
}

#define BIG 2000
#define SMALL_CAP 300

/* Several around one above the cap, which begins with 0x3a 0xd7 0x0f 0 3 a / b 0 9. */
static size_t make_big(uint8_t *buf)
{
    static uint8_t payload[BIG];
    size_t n = 0;

    memset(payload, 0x30, sizeof(payload));
    n += wire_publish(buf + n, "a/b", "hi", 2, 0, 0, false);
    n += wire_publish(buf + n, "a/b", payload, sizeof(payload), 1, 9, true);
    n += wire_publish(buf + n, "c", "ho", 2, 0, 0, false);
    return n;
}

static void check_big(const struct seen *s, size_t at)
{
    bool ok = s->n == 3 && s->len[0] == 7 && s->n_skipped[0] == 0 && s->first[1] == 0x3a &&
              s->len[1] == 7 && memcmp(s->body[1], "\0\3a/b\0\11", 7) == 0 &&
              s->n_skipped[1] == BIG && s->len[2] == 5 && s->n_skipped[2] == 0 &&
              memcmp(s->body[2], "\0\1cho", 5) == 0;

    if (!ok)
        suite_fail(__FILE__, __LINE__, "at %zu: %u packets", at, s->n);
}

static void test_skip(void)
{
    static uint8_t buf[BIG + 64];
    size_t len = make_big(buf);
    struct mqtt_stream st;
    struct seen s;

    mqtt_stream_init(&st, SMALL_CAP);
    for (size_t at = 0; at <= len; at++) {
        s = (struct seen){0};
        CHECK_INT(feed(&st, buf, at, &s), 0);
        CHECK_INT(feed(&st, buf + at, len - at, &s), 0);
        check_big(&s, at);
        CHECK(!st.body);
    }
    for (size_t piece = 1; piece <= 12; piece++) {
        s = (struct seen){0};
        for (size_t at = 0; at < len; at += piece)
            CHECK_INT(feed(&st, buf + at, len - at < piece ? len - at : piece, &s), 0);
        check_big(&s, piece);
    }
    for (size_t at = 0; at < len; at += 7) { /* a new connection in the middle of it */
        s = (struct seen){0};
        CHECK_INT(feed(&st, buf, at, &s), 0);
        mqtt_stream_reset(&st);
        s = (struct seen){0};
        CHECK_INT(feed(&st, buf, len, &s), 0);
        check_big(&s, at);
    }
    mqtt_stream_done(&st);
}

/* The most that MQTT has, in pieces: nothing of it is kept. */
static void test_skip_most(void)
{
    static const uint8_t zeros[65536];
    size_t left = 268435455 - 3;
    struct mqtt_stream st;
    struct seen s = {0};
    uint8_t head[8];

    mqtt_stream_init(&st, CAP);
    CHECK_INT(wire_header(head, 0x30, 268435455), 5);
    memcpy(head + 5, "\0\1t", 3);
    CHECK_INT(feed(&st, head, 8, &s), 0);
    while (left > 0) {
        size_t n = left < sizeof(zeros) ? left : sizeof(zeros);

        CHECK_INT(s.n, 0);
        CHECK_INT(mqtt_stream_feed(&st, zeros, n, on_packet, &s), 0);
        CHECK_INT(st.body_len, s.n == 0 ? 3 : 0);
        left -= n;
    }
    CHECK(s.n == 1 && s.len[0] == 3 && s.n_skipped[0] == 268435452);
    mqtt_stream_done(&st);
}

/* A topic that is longer than its packet or the cap. */
static void test_skip_topic(void)
{
    static const struct {
        uint8_t bytes[8];
        size_t len;
        int result;
    } cases[] = {
        {{0x30, 0xad, 0x02, 0x01, 0x2c}, 5, -EBADMSG},              /* 301 bytes, topic of 300 */
        {{0x30, 0xad, 0x02, 0xff, 0xff}, 5, -EBADMSG},              /* the same, of 65535 */
        {{0x30, 0xff, 0xff, 0xff, 0x7f, 0x01, 0x2b}, 7, -EMSGSIZE}, /* 299 of very many */
        {{0x30, 0xff, 0xff, 0xff, 0x7f, 0x01, 0x2a}, 7, 0},         /* 298, and its length is 300 */
        {{0x32, 0xff, 0xff, 0xff, 0x7f, 0x01, 0x2a}, 7, -EMSGSIZE}, /* and a packet id */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct mqtt_stream st;
        struct seen s = {0};
        int r;

        mqtt_stream_init(&st, SMALL_CAP);
        r = feed(&st, cases[i].bytes, cases[i].len, &s);
        if (r == 0)
            r = feed(&st, (const uint8_t *) "t", 1, &s);
        if (r != cases[i].result)
            suite_fail(__FILE__, __LINE__, "case %zu: %d", i, r);
        CHECK_INT(s.n, 0);
        mqtt_stream_done(&st);
    }
}

static void test_bad_length(void)
{
    static const struct {
        const char *name;
        uint8_t bytes[8];
        size_t len;
        int result;
    } cases[] = {
        {"five length bytes", {0x30, 0x80, 0x80, 0x80, 0x80, 0x01}, 6, -EBADMSG},
        {"the fourth goes on", {0x30, 0xff, 0xff, 0xff, 0xff}, 5, -EBADMSG},
        {"four are allowed", {0x30, 0x82, 0x80, 0x80, 0x00, 'a', 'b'}, 7, 0},
        {"not all there yet", {0x30, 0x80, 0x80, 0x80}, 4, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t at = 0; at <= cases[i].len; at++) {
            struct mqtt_stream st;
            struct seen s = {0};
            int r;

            mqtt_stream_init(&st, CAP);
            r = feed(&st, cases[i].bytes, at, &s);
            if (r == 0)
                r = feed(&st, cases[i].bytes + at, cases[i].len - at, &s);
            if (r != cases[i].result)
                suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].name, r);
            CHECK_INT(s.n, i == 2);
            mqtt_stream_done(&st);
        }
    }
}

static void test_callback_fails(void)
{
    uint8_t buf[512];
    size_t len = make_sequence(buf);

    for (unsigned fail_at = 1; fail_at <= 5; fail_at++) {
        struct mqtt_stream st;
        struct seen s = {.fail_at = fail_at};
        int r = 0;

        mqtt_stream_init(&st, CAP);
        CHECK_INT(feed(&st, buf, len, &s), -EPROTO);
        CHECK_INT(s.n, fail_at); /* and nothing behind it */
        mqtt_stream_reset(&st);

        s = (struct seen){.fail_at = fail_at};
        for (size_t i = 0; i < len && r == 0; i++)
            r = feed(&st, buf + i, 1, &s);
        CHECK_INT(r, -EPROTO);
        CHECK_INT(s.n, fail_at);
        mqtt_stream_done(&st);
    }
}

static void test_reset(void)
{
    uint8_t buf[512];
    size_t len = make_sequence(buf);

    for (size_t at = 0; at < len; at++) {
        struct mqtt_stream st;
        struct seen s = {0};

        mqtt_stream_init(&st, CAP);
        CHECK_INT(feed(&st, buf, at, &s), 0);
        mqtt_stream_reset(&st);
        s = (struct seen){0};
        CHECK_INT(feed(&st, buf, len, &s), 0);
        check_sequence(&s, "after a reset", at);
        mqtt_stream_done(&st);
    }
}

const char *const suite_name = "mqtt-stream";
const struct suite_test suite_tests[] = {
    {"whole", test_whole},
    {"splits", test_splits},
    {"pieces", test_pieces},
    {"cap", test_cap},
    {"bad_length", test_bad_length},
    {"callback_fails", test_callback_fails},
    {"reset", test_reset},
    {"skip", test_skip},
    {"skip_most", test_skip_most},
    {"skip_topic", test_skip_topic},
    {NULL, NULL},
};
