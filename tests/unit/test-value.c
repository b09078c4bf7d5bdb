/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/value.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

static int64_t enum_keys[] = {-3, 0, 7};

/* The simple types but stringenum; that and those made of others: test-value-nested.c. */
#define N_TYPES 6
static const struct thing_define defs[N_TYPES] = {
    [THING_BOOL] = {.type = THING_BOOL},
    [THING_INT] = {.type = THING_INT, .i = {-10, 100}},
    [THING_FLOAT] = {.type = THING_FLOAT, .f = {-1.5, 100}},
    [THING_STRING] = {.type = THING_STRING, .s = {1, 5}},
    [THING_ENUM] = {.type = THING_ENUM, .e = {enum_keys, 3}},
    [THING_TIMESTAMP] = {.type = THING_TIMESTAMP},
};

#define BOOL(x)                                                                                    \
    {                                                                                              \
        .kind = VALUE_BOOL, .b = (x)                                                               \
    }
#define INT(x)                                                                                     \
    {                                                                                              \
        .kind = VALUE_INT, .i = (x)                                                                \
    }
#define FLOAT(x)                                                                                   \
    {                                                                                              \
        .kind = VALUE_FLOAT, .d = (x)                                                              \
    }
#define TEXT(x)                                                                                    \
    {                                                                                              \
        .kind = VALUE_STRING, .s = (char *) (uintptr_t) (x)                                        \
    }
#define WRONG (-EPROTOTYPE)
#define RANGE (-ERANGE)

static void show(const struct value *v, char *buf, size_t size)
{
    struct strbuf sb;
    char *text = NULL;

    strbuf_init(&sb, size - 1);
    value_to_json(&sb, v);
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    strcpy(buf, text ? text : "");
    free(text);
}

/* Each input on each type: the result as it travels, or the error. */
static const struct {
    struct value in;
    const char *json; /* the same input in a message; NULL: JSON has none */
    struct {
        int error;
        const char *out;
    } want[N_TYPES]; /* bool int float string enum timestamp */
} matrix[] = {
    {{.kind = VALUE_NONE},
     "null",
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {BOOL(true),
     "true",
     {{0, "1"}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {BOOL(false),
     "false",
     {{0, "0"}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {INT(0), "0", {{0, "0"}, {0, "0"}, {0, "0"}, {WRONG, NULL}, {0, "0"}, {0, "0"}}},
    {INT(1), "1", {{0, "1"}, {0, "1"}, {0, "1"}, {WRONG, NULL}, {RANGE, NULL}, {0, "1"}}},
    {INT(7), "7", {{RANGE, NULL}, {0, "7"}, {0, "7"}, {WRONG, NULL}, {0, "7"}, {0, "7"}}},
    {INT(-1),
     "-1",
     {{RANGE, NULL}, {0, "-1"}, {0, "-1"}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {INT(-3),
     "-3",
     {{RANGE, NULL}, {0, "-3"}, {RANGE, NULL}, {WRONG, NULL}, {0, "-3"}, {RANGE, NULL}}},
    {INT(-10),
     "-10",
     {{RANGE, NULL}, {0, "-10"}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {INT(-11),
     "-11",
     {{RANGE, NULL}, {RANGE, NULL}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {INT(100),
     "100",
     {{RANGE, NULL}, {0, "100"}, {0, "100"}, {WRONG, NULL}, {RANGE, NULL}, {0, "100"}}},
    {INT(101),
     "101",
     {{RANGE, NULL}, {RANGE, NULL}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {0, "101"}}},
    {INT(INT64_MAX),
     "9223372036854775807",
     {{RANGE, NULL},
      {RANGE, NULL},
      {RANGE, NULL},
      {WRONG, NULL},
      {RANGE, NULL},
      {0, "9223372036854775807"}}},
    {INT(INT64_MIN),
     "-9223372036854775808",
     {{RANGE, NULL}, {RANGE, NULL}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {FLOAT(1.0), "1.0", {{0, "1"}, {0, "1"}, {0, "1"}, {WRONG, NULL}, {RANGE, NULL}, {0, "1"}}},
    {FLOAT(7.0), "7.0", {{RANGE, NULL}, {0, "7"}, {0, "7"}, {WRONG, NULL}, {0, "7"}, {0, "7"}}},
    {FLOAT(0.5),
     "0.5",
     {{WRONG, NULL}, {WRONG, NULL}, {0, "0.5"}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {FLOAT(-1.5),
     "-1.5",
     {{WRONG, NULL}, {WRONG, NULL}, {0, "-1.5"}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {FLOAT(100.25),
     "100.25",
     {{WRONG, NULL}, {WRONG, NULL}, {RANGE, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {FLOAT(9223372036854775808.0), /* 2^63 */
     "9223372036854775808.0",
     {{RANGE, NULL}, {RANGE, NULL}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {FLOAT(-9223372036854777856.0), /* the next below -2^63 */
     "-9223372036854777856.0",
     {{RANGE, NULL}, {RANGE, NULL}, {RANGE, NULL}, {WRONG, NULL}, {RANGE, NULL}, {RANGE, NULL}}},
    {FLOAT(NAN),
     NULL,
     {{WRONG, NULL}, {WRONG, NULL}, {RANGE, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {FLOAT(INFINITY),
     NULL,
     {{WRONG, NULL}, {WRONG, NULL}, {RANGE, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT(""),
     "\"\"",
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {RANGE, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT("1"),
     "\"1\"",
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {0, "\"1\""}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT("12345"),
     "\"12345\"",
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {0, "\"12345\""}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT("\xc3\xa9\xc3\xa9\xc3\xa9"), /* three letters, six bytes */
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\"",
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {RANGE, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT("\xff"),
     NULL,
     {{WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}, {WRONG, NULL}}},
    {TEXT("a\"\n"),
     "\"a\\\"\\n\"",
     {{WRONG, NULL},
      {WRONG, NULL},
      {WRONG, NULL},
      {0, "\"a\\\"\\n\""},
      {WRONG, NULL},
      {WRONG, NULL}}},
};

static void check_result(size_t i, size_t t, const char *how, int r, struct value *v)
{
    char text[64] = "";

    if (r == 0) {
        CHECK_INT(v->kind, thing_type_kind((enum thing_type) t));
        show(v, text, sizeof(text));
        value_done(v);
        CHECK_INT(v->kind, VALUE_NONE);
    } else if (v->kind != VALUE_INT || v->i != 4711) {
        suite_fail(__FILE__, __LINE__, "input %zu: the result was written", i);
    }
    if (r != matrix[i].want[t].error || (r == 0 && strcmp(text, matrix[i].want[t].out) != 0))
        suite_fail(__FILE__, __LINE__, "input %zu (%s) on %s by %s: %d %s", i,
                   matrix[i].json ? matrix[i].json : "-", thing_type_name((enum thing_type) t), how,
                   r, text);
}

static void test_matrix(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(matrix); i++) {
        for (size_t t = 0; t < N_TYPES; t++) {
            struct value v = INT(4711);
            json_t *json;

            check_result(i, t, "value", value_fit(&defs[t], &matrix[i].in, &v, NULL), &v);
            if (!matrix[i].json)
                continue;
            v = (struct value) INT(4711);
            json = json_loads(matrix[i].json, JSON_DECODE_ANY, NULL);
            CHECK(json);
            if (json)
                check_result(i, t, "JSON", value_from_json(&defs[t], json, &v, NULL), &v);
            json_decref(json);
        }
    }
}

static void test_json_others(void)
{
    json_t *object = json_object(), *array = json_array(), *nul = json_stringn("a\0b", 3);

    for (size_t t = 0; t < N_TYPES; t++) {
        struct value v = INT(4711);

        CHECK_INT(value_from_json(&defs[t], object, &v, NULL), WRONG);
        CHECK_INT(value_from_json(&defs[t], array, &v, NULL), WRONG);
        CHECK_INT(value_from_json(&defs[t], nul, &v, NULL), WRONG);
        CHECK_INT(v.i, 4711);
    }
    json_decref(object);
    json_decref(array);
    json_decref(nul);
}

static void test_text(void)
{
    static const struct {
        enum thing_type type;
        const char *text;
        int error;
        const char *out;
    } cases[] = {
        {THING_BOOL, "true", 0, "1"},
        {THING_BOOL, "on", 0, "1"},
        {THING_BOOL, "1", 0, "1"},
        {THING_BOOL, "false", 0, "0"},
        {THING_BOOL, "off", 0, "0"},
        {THING_BOOL, "0", 0, "0"},
        {THING_BOOL, "2", RANGE, NULL},
        {THING_BOOL, "yes", WRONG, NULL},
        {THING_BOOL, "TRUE", WRONG, NULL},
        {THING_BOOL, "", WRONG, NULL},
        {THING_INT, "42", 0, "42"},
        {THING_INT, "-10", 0, "-10"},
        {THING_INT, "1e2", 0, "100"},
        {THING_INT, "101", RANGE, NULL},
        {THING_INT, "1.5", WRONG, NULL},
        {THING_INT, "on", WRONG, NULL},
        {THING_INT, "", WRONG, NULL},
        {THING_INT, " 1", WRONG, NULL},
        {THING_INT, "1 ", WRONG, NULL},
        {THING_INT, "0x10", WRONG, NULL},
        {THING_INT, "99999999999999999999", RANGE, NULL},
        {THING_FLOAT, "0.25", 0, "0.25"},
        {THING_FLOAT, "7", 0, "7"},
        {THING_FLOAT, "1e1", 0, "10"},
        {THING_FLOAT, "1e3", RANGE, NULL},
        {THING_FLOAT, "1e999", RANGE, NULL},
        {THING_FLOAT, "nan", WRONG, NULL},
        {THING_FLOAT, "inf", WRONG, NULL},
        {THING_FLOAT, "1,5", WRONG, NULL},
        {THING_STRING, "on", 0, "\"on\""},
        {THING_STRING, "123456", RANGE, NULL},
        {THING_STRING, "", RANGE, NULL},
        {THING_ENUM, "7", 0, "7"},
        {THING_ENUM, "-3", 0, "-3"},
        {THING_ENUM, "1", RANGE, NULL},
        {THING_ENUM, "red", WRONG, NULL},
        {THING_TIMESTAMP, "1700000000", 0, "1700000000"},
        {THING_TIMESTAMP, "-1", RANGE, NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct value v = INT(4711);
        char text[64] = "";
        int r = value_from_text(&defs[cases[i].type], cases[i].text, &v, NULL);

        if (r == 0) {
            show(&v, text, sizeof(text));
            value_done(&v);
        }
        if (r != cases[i].error || (r == 0 && strcmp(text, cases[i].out) != 0))
            suite_fail(__FILE__, __LINE__, "%s \"%s\": %d %s", thing_type_name(cases[i].type),
                       cases[i].text, r, text);
    }
}

static void test_to_json(void)
{
    static const struct {
        struct value v;
        const char *text;
    } cases[] = {
        {{.kind = VALUE_NONE}, "null"},
        {BOOL(true), "1"},
        {INT(INT64_MIN), "-9223372036854775808"},
        {FLOAT(0.1), "0.1"},
        {FLOAT(36.6), "36.6"},
        {FLOAT(1e300), "1e+300"},
        {FLOAT(DBL_MAX), "1.7976931348623157e+308"},
        {TEXT("\x01\\"), "\"\\u0001\\\\\""},
        {TEXT("\xc3\xa9"), "\"\xc3\xa9\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];

        show(&cases[i].v, text, sizeof(text));
        CHECK_STR(text, cases[i].text);
    }
}

static void test_copy_equal(void)
{
    static const struct value values[] = {
        {.kind = VALUE_NONE},
        BOOL(false),
        BOOL(true),
        INT(0),
        INT(1),
        FLOAT(0),
        FLOAT(1),
        TEXT(""),
        TEXT("a"),
        TEXT("b"),
    };

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct value copy = INT(4711);

        for (size_t k = 0; k < ARRAY_SIZE(values); k++)
            CHECK_INT(value_equal(&values[i], &values[k]), i == k);
        CHECK_INT(value_copy(&copy, &values[i]), 0);
        CHECK(value_equal(&copy, &values[i]));
        if (copy.kind == VALUE_STRING)
            CHECK(copy.s != values[i].s);
        value_done(&copy);
        CHECK_INT(copy.kind, VALUE_NONE);
    }
}

static void test_explain(void)
{
    static const struct {
        enum thing_type type;
        const char *in;
        int error;
        const char *text;
    } cases[] = {
        {THING_BOOL, "2", RANGE, "x: neither 0 nor 1"},
        {THING_INT, "101", RANGE, "x: not within -10 to 100"},
        {THING_FLOAT, "-2", RANGE, "x: not within -1.5 to 100"},
        {THING_STRING, "", RANGE, "x: not 1 to 5 bytes long"},
        {THING_ENUM, "1", RANGE, "x: not a value of this enum"},
        {THING_TIMESTAMP, "-1", RANGE, "x: not a value of this timestamp"},
        {THING_INT, "a", WRONG, "x: not of type int"},
        {THING_BOOL, "yes", WRONG, "x: not of type bool"},
    };
    struct value_fault fault = {.path = ""};
    char text[8], id[LIMIT_FEATURE_ID + 1];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct value v;
        char buf[128];

        CHECK_INT(value_from_text(&defs[cases[i].type], cases[i].in, &v, &fault), cases[i].error);
        value_explain(&fault, "x", cases[i].error, buf, sizeof(buf));
        CHECK_STR(buf, cases[i].text);
    }
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    value_explain(&fault, id, WRONG, text, sizeof(text));
    CHECK_STR(text, "xxxxxxx");
    value_explain(&fault, "x", -ENOMEM, id, sizeof(id));
    CHECK_STR(id, "x: Cannot allocate memory");
}

static void test_types(void)
{
    static const char *const names[] = {
        "bool", "int", "float", "string", "enum", "timestamp", "stringenum", "struct", "array",
    };
    enum thing_type type = THING_BOOL;

    for (int t = 0; t < THING_TYPE_COUNT_; t++) {
        CHECK_STR(thing_type_name((enum thing_type) t), names[t]);
        CHECK_INT(thing_type_parse(names[t], &type), 0);
        CHECK_INT(type, t);
    }
    CHECK_INT(thing_type_parse("Bool", &type), -EINVAL);
    CHECK_INT(thing_type_parse("", &type), -EINVAL);
}

const char *const suite_name = "value";
const struct suite_test suite_tests[] = {
    {"matrix", test_matrix},
    {"json_others", test_json_others},
    {"text", test_text},
    {"to_json", test_to_json},
    {"copy_equal", test_copy_equal},
    {"explain", test_explain},
    {"types", test_types},
    {NULL, NULL},
};
