/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json/jx.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

static void test_parse(void)
{
    static const struct {
        const char *text;
        size_t len; /* 0: all of it */
        int result;
    } cases[] = {
        {"{}", 0, 0},
        {" {\"a\" : [1, 2.5, null, true, \"x\"]}\n", 0, 0},
        {"{\"a\":\"\\u0000\"}", 0, -EBADMSG}, /* jansson's own rule */
        {"", 0, -EBADMSG},
        {"[]", 0, -EBADMSG},
        {"1", 0, -EBADMSG},
        {"null", 0, -EBADMSG},
        {"{", 0, -EBADMSG},
        {"}", 0, -EBADMSG},
        {"{}{}", 0, -EBADMSG},
        {"{} x", 0, -EBADMSG},
        {"{\"a\":1,}", 0, -EBADMSG},
        {"{'a':1}", 0, -EBADMSG},
        {"{\"a\":01}", 0, -EBADMSG},
        {"{\"a\":NaN}", 0, -EBADMSG},
        {"{\"a\":1e999}", 0, -EBADMSG},
        {"{\"a\":99999999999999999999}", 0, -EBADMSG},
        {"{\"a\":\"\xff\"}", 0, -EBADMSG},
        {"{\"a\":\"\\ud800\"}", 0, -EBADMSG},
        {"{\"a\":1,\"a\":1}", 0, -EBADMSG},
        {"{\"a\":{\"b\":1,\"b\":2}}", 0, -EBADMSG},
        {"{\"a\":1}\0", 8, -EBADMSG},
        {"{\"a\0b\":1}", 9, -EBADMSG},
        {"{\"a\":\"x\0y\"}", 11, -EBADMSG},
        {"{\"a\":1}garbage", 7, 0}, /* the length counts */
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].text);
        struct jx_error error = {.line = -1};
        json_t *json = NULL;
        int r = jx_parse_object(cases[i].text, len, &json, &error);

        if (r != cases[i].result)
            suite_fail(__FILE__, __LINE__, "%s: %d", cases[i].text, r);
        CHECK((r == 0) == (json != NULL));
        if (r < 0)
            CHECK(error.text[0] && error.line >= 0);
        json_decref(json);
    }
}

static int parse_nested(unsigned depth, char open, char close, json_t **ret_json)
{
    char text[256] = "{\"a\":";
    size_t n = strlen(text);
    struct jx_error error;

    for (unsigned i = 1; i < depth; i++)
        text[n++] = open;
    for (unsigned i = 1; i < depth; i++)
        text[n++] = close;
    if (depth == 1)
        text[n++] = '1';
    text[n++] = '}';
    return jx_parse_object(text, n, ret_json, &error);
}

static void test_depth(void)
{
    static const char in_text[] = "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}";
    static const char in_a_row[] = "{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}";
    json_t *json = NULL;

    for (unsigned depth = 1; depth <= 40; depth++) {
        int r = parse_nested(depth, '[', ']', &json);

        CHECK_INT(r, depth <= LIMIT_JSON_DEPTH ? 0 : -EBADMSG);
        if (r == 0)
            json_decref(json);
    }
    /* Brackets in texts have no depth, also behind an escaped quote. */
    CHECK_INT(jx_parse_object(in_text, strlen(in_text), &json, NULL), 0);
    json_decref(json);
    /* Depth is one at a time, not all together. */
    CHECK_INT(jx_parse_object(in_a_row, strlen(in_a_row), &json, NULL), 0);
    json_decref(json);
}

static void test_error(void)
{
    struct jx_error error = {0};
    json_t *json = NULL;

    CHECK_INT(jx_parse_object("{\n  \"a\": x}", 11, &json, &error), -EBADMSG);
    CHECK_INT(error.line, 2);
    CHECK(error.column > 0);
    CHECK_INT(parse_nested(40, '[', ']', &json), -EBADMSG);
    CHECK_INT(jx_parse_object("[1]", 3, &json, &error), -EBADMSG);
    CHECK_STR(error.text, "not an object");
    CHECK_INT(error.line, 0);
    CHECK_INT(jx_parse_object("{", 1, &json, NULL), -EBADMSG);
    CHECK(!json);
}

/* Every getter on every type. */
static void test_getters(void)
{
    static const struct {
        const char *key;
        int string, object, array, i64, number;
    } cases[] = {
        {"string", 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"number text", 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, 0},
        {"empty", 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"blank", 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"huge text", 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"object", -EPROTOTYPE, 0, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"array", -EPROTOTYPE, -EPROTOTYPE, 0, -EPROTOTYPE, -EPROTOTYPE},
        {"int", -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, 0, 0},
        {"real", -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"true", -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"null", -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE, -EPROTOTYPE},
        {"nothing", -ENOENT, -ENOENT, -ENOENT, -ENOENT, -ENOENT},
    };
    static const char text[] =
        "{\"string\":\"x\",\"number text\":\"-42\",\"empty\":\"\",\"blank\":\" 1\","
        "\"huge text\":\"9223372036854775808\",\"object\":{},\"array\":[],"
        "\"int\":-9223372036854775808,\"real\":1.0,\"true\":true,\"null\":null}";
    CLEANUP(jx_decrefp) json_t *json = NULL;

    CHECK_INT(jx_parse_object(text, strlen(text), &json, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *object = NULL, *array = NULL;
        const char *key = cases[i].key, *s = NULL;
        int64_t n = 77, m = 77;

        CHECK_INT(jx_get_string(json, key, &s), cases[i].string);
        CHECK_INT(jx_get_object(json, key, &object), cases[i].object);
        CHECK_INT(jx_get_array(json, key, &array), cases[i].array);
        CHECK_INT(jx_get_i64(json, key, &n), cases[i].i64);
        CHECK_INT(jx_get_number_or_text(json, key, &m), cases[i].number);
        CHECK((s != NULL) == (cases[i].string == 0)); /* written on success only */
        CHECK((object != NULL) == (cases[i].object == 0));
        CHECK((array != NULL) == (cases[i].array == 0));
        CHECK((n != 77) == (cases[i].i64 == 0));
        CHECK((m != 77) == (cases[i].number == 0));
        CHECK_STR(jx_string_or(json, key, "fallback"), s ? s : "fallback");
        CHECK(jx_object_or_null(json, key) == object);
    }
}

/* A NUL inside a text does not cut it silently. */
static void test_nul(void)
{
    json_t *json = json_object();
    const char *text = NULL;

    CHECK_INT(json_object_set_new(json, "a", json_stringn("x\0y", 3)), 0);
    CHECK_INT(jx_get_string(json, "a", &text), -EPROTOTYPE);
    CHECK_STR(jx_string_or(json, "a", "fallback"), "fallback");
    CHECK(!text);
    json_decref(json);
}

static uint64_t fingerprint_of(const char *text, const char *what)
{
    json_t *json = NULL;
    uint64_t n;

    if (text)
        CHECK_INT(jx_parse_any(text, strlen(text), &json), 0);
    n = jx_fingerprint(json, what);
    json_decref(json);
    return n;
}

static void test_fingerprint(void)
{
    /* Each says something else. */
    static const char *const texts[] = {
        NULL,
        "null",
        "true",
        "false",
        "0",
        "1",
        "0.0",
        "1.0",
        "\"\"",
        "\"1\"",
        "[]",
        "[[]]",
        "{}",
        "[1,2]",
        "[2,1]",
        "[12]",
        "[{}]",
        "{\"a\":1}",
        "{\"a\":2}",
        "{\"b\":1}",
        "{\"a\":{}}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":2,\"b\":1}",
        "{\"a\":\"1\"}",
        "[\"a\",\"b\"]",
        "[\"ab\",\"\"]",
        "{\"a\":{\"b\":1}}",
        "{\"a\":null}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            CHECK_INT(fingerprint_of(texts[i], "control") == fingerprint_of(texts[k], "control"),
                      i == k);
        CHECK(fingerprint_of(texts[i], "control") != fingerprint_of(texts[i], "open"));
    }
    CHECK(fingerprint_of("{\"a\":[1,{\"x\":0,\"y\":\"z\"}],\"b\":2.5}", "") ==
          fingerprint_of("{ \"b\" : 2.5, \"a\" : [ 1, { \"y\":\"z\", \"x\":0 } ] }", ""));
}

const char *const suite_name = "jx";
const struct suite_test suite_tests[] = {
    {"parse", test_parse}, {"depth", test_depth},
    {"error", test_error}, {"getters", test_getters},
    {"nul", test_nul},     {"fingerprint", test_fingerprint},
    {NULL, NULL},
};
