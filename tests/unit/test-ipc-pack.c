/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/ipc/pack.h"
#include "tests/lib/suite.h"

/* {"on": true, "list": [1, -2], "deep": {"text": "hello", "f": 0.5}, "": ""} */
static void put_sample(struct pack_writer *w)
{
    size_t list, deep;

    pack_put_bool(w, "on", true);
    list = pack_open(w, "list", PACK_ARRAY);
    pack_put_int(w, "", 1);
    pack_put_int(w, "", -2);
    pack_close(w, list);
    deep = pack_open(w, "deep", PACK_STRUCT);
    pack_put_string(w, "text", "hello", 5);
    pack_put_float(w, "f", 0.5);
    pack_close(w, deep);
    pack_put_string(w, "", "", 0);
}

#define SAMPLE_LEN (24U + (16 + 16 + 16) + (16 + (16 + 8) + (16 + 8)) + 16U)

static void test_round_trip(void)
{
    uint64_t words[64];
    struct pack_writer w = {.data = (uint8_t *) words, .size = sizeof(words)};
    struct pack_reader r, inner;
    struct pack_item item = {.key = NULL};

    memset(words, 0xee, sizeof(words));
    put_sample(&w);
    CHECK(!w.full);
    CHECK_INT(w.len, SAMPLE_LEN);
    r = (struct pack_reader){w.data, w.len, 0};

    CHECK_INT(pack_next(&r, &item), 1);
    CHECK(item.kind == PACK_BOOL && item.b);
    CHECK_STR(item.key, "on");
    CHECK_INT(pack_next(&r, &item), 1);
    CHECK_STR(item.key, "list");
    CHECK_INT(item.kind, PACK_ARRAY);
    inner = item.items;
    CHECK_INT(inner.depth, 1);
    CHECK_INT(pack_next(&inner, &item), 1);
    CHECK_STR(item.key, "");
    CHECK_INT(item.i, 1);
    CHECK_INT(pack_next(&inner, &item), 1);
    CHECK_INT(item.i, -2);
    CHECK_INT(pack_next(&inner, &item), 0);
    CHECK_INT(pack_next(&r, &item), 1);
    CHECK_INT(item.kind, PACK_STRUCT);
    inner = item.items;
    CHECK_INT(pack_find(inner, "text", PACK_STRING, &item), 0);
    CHECK_STR(item.s.text, "hello");
    CHECK_INT(item.s.len, 5);
    CHECK_INT(pack_find(inner, "f", PACK_FLOAT, &item), 0);
    CHECK(item.d == 0.5);
    CHECK_INT(pack_find(inner, "f", PACK_INT, &item), -EPROTOTYPE);
    CHECK_INT(pack_find(inner, "g", PACK_INT, &item), -ENOENT);
    CHECK_INT(pack_next(&r, &item), 1);
    CHECK(item.kind == PACK_STRING && item.s.len == 0);
    CHECK_INT(pack_next(&r, &item), 0);
    CHECK_INT(pack_next(&r, &item), 0);
}

static void test_extremes(void)
{
    static const int64_t ints[] = {0, INT64_MIN, INT64_MAX};
    static const double floats[] = {-0.0, 5e-324, HUGE_VAL, -1.7976931348623157e308};
    uint64_t words[64];

    for (size_t i = 0; i < ARRAY_SIZE(ints); i++) {
        struct pack_writer w = {.data = (uint8_t *) words, .size = sizeof(words)};
        struct pack_item item = {.i = 1};

        pack_put_int(&w, "i", ints[i]);
        CHECK_INT(pack_find((struct pack_reader){w.data, w.len, 0}, "i", PACK_INT, &item), 0);
        CHECK_INT(item.i, ints[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
        struct pack_writer w = {.data = (uint8_t *) words, .size = sizeof(words)};
        struct pack_item item = {.d = 1};

        pack_put_float(&w, "f", floats[i]);
        CHECK_INT(pack_find((struct pack_reader){w.data, w.len, 0}, "f", PACK_FLOAT, &item), 0);
        CHECK(memcmp(&item.d, &floats[i], sizeof(double)) == 0);
    }
}

/* In each buffer that is too small: full, nothing behind it, and full for good. */
static void test_room(void)
{
    struct pack_writer counter = {.size = SIZE_MAX};

    put_sample(&counter);
    CHECK(!counter.full);
    CHECK_INT(counter.len, SAMPLE_LEN);
    for (size_t size = 0; size <= SAMPLE_LEN; size++) {
        uint8_t *data = malloc(size + 1);
        struct pack_writer w = {.data = data, .size = size};

        data[size] = 0x55;
        put_sample(&w);
        CHECK_INT(w.full, size < SAMPLE_LEN);
        CHECK(w.len <= size);
        CHECK_INT(data[size], 0x55);
        pack_put_bool(&w, "", true);
        CHECK(w.full);
        free(data);
    }
}

static void test_keys(void)
{
    char key[257], text[300];
    uint64_t words[80];
    struct pack_writer w = {.data = (uint8_t *) words, .size = sizeof(words)};
    struct pack_item item = {.key = NULL};

    memset(text, 'v', sizeof(text));
    memset(key, 'k', sizeof(key));
    key[256] = '\0';
    pack_put_string(&w, key, text, 10);
    CHECK(w.full && w.len == 0);
    w.full = false;
    key[255] = '\0';
    pack_put_string(&w, key, text, sizeof(text));
    CHECK(!w.full);
    CHECK_INT(w.len, 8 + 256 + 304);
    CHECK_INT(pack_find((struct pack_reader){w.data, w.len, 0}, key, PACK_STRING, &item), 0);
    CHECK_INT(item.s.len, 300);
    for (size_t len = 1; len < 20; len++) {
        w.len = 0;
        key[len] = '\0';
        pack_put_int(&w, key, 5);
        CHECK_INT(w.len, 16 + (len + 8) / 8 * 8);
        CHECK_INT(pack_find((struct pack_reader){w.data, w.len, 0}, key, PACK_INT, &item), 0);
        key[len] = 'k';
    }
}

/* Arrays in arrays: down to PACK_DEPTH, no further. */
static void test_depth(void)
{
    for (unsigned depth = 0; depth <= PACK_DEPTH + 1; depth++) {
        uint64_t words[64];
        struct pack_writer w = {.data = (uint8_t *) words, .size = sizeof(words)};
        struct pack_item item = {.key = NULL};
        size_t opened[PACK_DEPTH + 1];
        struct pack_reader r;

        for (unsigned i = 0; i < depth; i++)
            opened[i] = pack_open(&w, "", PACK_ARRAY);
        pack_put_int(&w, "", 5);
        for (unsigned i = depth; i > 0; i--)
            pack_close(&w, opened[i - 1]);
        r = (struct pack_reader){w.data, w.len, 0};
        for (unsigned i = 0; i < depth; i++) {
            CHECK_INT(pack_next(&r, &item), i < PACK_DEPTH ? 1 : -EBADMSG);
            if (i < PACK_DEPTH)
                r = item.items;
        }
        if (depth <= PACK_DEPTH)
            CHECK(pack_next(&r, &item) == 1 && item.i == 5);
    }
}

/* --- what somebody else has written --- */

struct bytes {
    uint32_t len;
    uint8_t kind, key_len;
    uint16_t reserved;
    uint8_t rest[32];
};

static const struct {
    const char *name;
    struct bytes item;
    size_t size; /* of it */
    int wanted;
} hostile[] = {
    {"good bool", {8, PACK_BOOL, 0, 0, {1}}, 16, 1},
    {"good bool with key", {8, PACK_BOOL, 2, 0, {'a', 'b', 0}}, 24, 1},
    {"good string", {3, PACK_STRING, 0, 0, {'a', 'b', 'c', 0}}, 16, 1},
    {"good string that fills its words", {7, PACK_STRING, 0, 0, {1, 2, 3, 4, 5, 6, 7, 0}}, 16, 1},
    {"good, empty struct", {0, PACK_STRUCT, 0, 0, {0}}, 8, 1},
    {"no item", {0, 0, 0, 0, {0}}, 0, 0},
    {"half a header", {8, PACK_BOOL, 0, 0, {1}}, 4, -EBADMSG},
    {"kind none", {8, PACK_NONE, 0, 0, {1}}, 16, -EBADMSG},
    {"kind too large", {8, PACK_KIND_COUNT_, 0, 0, {1}}, 16, -EBADMSG},
    {"kind 255", {8, 255, 0, 0, {1}}, 16, -EBADMSG},
    {"reserved", {8, PACK_BOOL, 0, 1, {1}}, 16, -EBADMSG},
    {"bool 2", {8, PACK_BOOL, 0, 0, {2}}, 16, -EBADMSG},
    {"bool of the upper half", {8, PACK_BOOL, 0, 0, {0, 0, 0, 0, 1}}, 16, -EBADMSG},
    {"bool of 1 byte", {1, PACK_BOOL, 0, 0, {1}}, 16, -EBADMSG},
    {"int of 4 bytes", {4, PACK_INT, 0, 0, {1}}, 16, -EBADMSG},
    {"float of 16 bytes", {16, PACK_FLOAT, 0, 0, {1}}, 24, -EBADMSG},
    {"int that is cut", {8, PACK_INT, 0, 0, {1}}, 8, -EBADMSG},
    {"string without NUL", {8, PACK_STRING, 0, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, 24, -EBADMSG},
    {"string with a NUL inside", {3, PACK_STRING, 0, 0, {'a', 0, 'c', 0}}, 16, -EBADMSG},
    {"string whose NUL is not there",
     {8, PACK_STRING, 0, 0, {1, 1, 1, 1, 1, 1, 1, 1}},
     16,
     -EBADMSG},
    {"string of 4 GiB", {UINT32_MAX, PACK_STRING, 0, 0, {1}}, 16, -EBADMSG},
    {"string of almost 4 GiB", {UINT32_MAX - 7, PACK_STRING, 0, 0, {1}}, 16, -EBADMSG},
    {"struct of odd length", {4, PACK_STRUCT, 0, 0, {0}}, 16, -EBADMSG},
    {"struct that is cut", {16, PACK_STRUCT, 0, 0, {0}}, 16, -EBADMSG},
    {"array of 4 GiB", {UINT32_MAX - 7, PACK_ARRAY, 0, 0, {0}}, 16, -EBADMSG},
    {"key without NUL", {8, PACK_BOOL, 3, 0, {'a', 'b', 'c', 'd'}}, 24, -EBADMSG},
    {"key with a NUL inside", {8, PACK_BOOL, 3, 0, {'a', 0, 'c', 0}}, 24, -EBADMSG},
    {"key that is cut", {8, PACK_BOOL, 9, 0, {1, 1, 1, 1, 1, 1, 1, 1}}, 16, -EBADMSG},
    {"key without a value", {8, PACK_BOOL, 3, 0, {'a', 'b', 'c', 0}}, 16, -EBADMSG},
    {"key of 255", {8, PACK_BOOL, 255, 0, {'a'}}, 40, -EBADMSG},
};

static void test_hostile(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        /* An exact copy on the heap: a sanitizer sees the byte behind it. */
        uint8_t *data = malloc(hostile[i].size ? hostile[i].size : 1);
        struct pack_reader r = {data, hostile[i].size, 0}, before = r;
        struct pack_item item = {.key = "untouched"};
        int n;

        memcpy(data, &hostile[i].item, hostile[i].size);
        n = pack_next(&r, &item);
        if (n != hostile[i].wanted)
            suite_fail(__FILE__, __LINE__, "%s: %d", hostile[i].name, n);
        if (n <= 0) {
            CHECK(memcmp(&r, &before, sizeof(r)) == 0);
            CHECK_STR(item.key, "untouched");
            CHECK_INT(pack_find(before, "x", PACK_INT, &item), n == 0 ? -ENOENT : n);
        } else {
            CHECK_INT(r.len, 0);
        }
        free(data);
    }
}

const char *const suite_name = "ipc-pack";
const struct suite_test suite_tests[] = {
    {"round trip", test_round_trip},
    {"extremes", test_extremes},
    {"room", test_room},
    {"keys", test_keys},
    {"depth", test_depth},
    {"hostile", test_hostile},
    {NULL, NULL},
};
