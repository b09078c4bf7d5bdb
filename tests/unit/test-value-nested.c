/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stringenum, struct and array: a small model, and what its definitions make of JSON. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/suite.h"

static const char model_text[] =
    "{\"properties\":["
    "{\"id\":\"mode\",\"mode\":\"rw\",\"define\":{\"type\":\"stringenum\","
    "\"mapping\":{\"lo\":\"Low\",\"high\":\"High\"}}},"
    "{\"id\":\"color\",\"mode\":\"rw\",\"define\":{\"type\":\"struct\",\"specs\":["
    "{\"id\":\"r\",\"name\":\"R\",\"dataType\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"255\"}},"
    "{\"id\":\"g\",\"name\":\"G\",\"dataType\":{\"type\":\"float\"}},"
    "{\"id\":\"b\",\"name\":\"B\",\"dataType\":{\"type\":\"bool\"}},"
    "{\"id\":\"s\",\"name\":\"S\",\"dataType\":{\"type\":\"string\",\"max\":\"2048\"}}]}},"
    "{\"id\":\"levels\",\"mode\":\"rw\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}}},"
    "{\"id\":\"names\",\"mode\":\"rw\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"string\",\"max\":\"2048\"}}},"
    "{\"id\":\"wifi\",\"mode\":\"r\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"struct\",\"specs\":["
    "{\"id\":\"Mac\",\"name\":\"\",\"dataType\":{\"type\":\"string\",\"max\":\"17\"}},"
    "{\"id\":\"Rssi\",\"name\":\"\",\"dataType\":{\"type\":\"int\"}}]}}}]}";

static void on_mistake(const char *path, const char *what, void *userdata)
{
    (void) userdata;
    suite_fail(__FILE__, __LINE__, "%s: %s", path, what);
}

static struct model *load(void)
{
    struct model *m = NULL;

    CHECK_INT(model_parse(&m, model_text, strlen(model_text), NULL, on_mistake, NULL), 0);
    return m;
}

static const struct thing_define *define_of(const struct model *m, const char *id)
{
    int i = model_find_property(m, id);

    CHECK(i >= 0);
    return &m->properties[i < 0 ? 0 : i].define;
}

static void check_text(const struct value *v, const char *want)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;

    strbuf_init(&sb, 4096);
    value_to_json(&sb, v);
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK_STR(text ? text : "", want);
    CHECK(text && value_json_room(v) >= strlen(text));
}

#define WRONG (-EPROTOTYPE)
#define RANGE (-ERANGE)

/* Each text on a property: as it travels then, or what is said against it. */
static void test_json(void)
{
    static const struct {
        const char *id, *in;
        int error;
        const char *out;
    } cases[] = {
        {"mode", "\"lo\"", 0, "\"lo\""},
        {"mode", "\"high\"", 0, "\"high\""},
        {"mode", "\"Low\"", RANGE, "mode: not a value of this stringenum"},
        {"mode", "\"\"", RANGE, "mode: not a value of this stringenum"},
        {"mode", "0", WRONG, "mode: not of type stringenum"},
        {"color", "{}", 0, "{}"},
        {"color", "{\"r\":255}", 0, "{\"r\":255}"},
        {"color", "{\"s\":\"\",\"b\":true,\"g\":1,\"r\":0.0}", 0,
         "{\"r\":0,\"g\":1,\"b\":1,\"s\":\"\"}"},
        {"color", "{\"r\":256}", RANGE, "color.r: not within 0 to 255"},
        {"color", "{\"r\":null}", WRONG, "color.r: not of type int"},
        {"color", "{\"r\":{}}", WRONG, "color.r: not of type int"},
        {"color", "{\"x\":1}", WRONG, "color: has no member x"},
        {"color", "{\"r\":1,\"r\":2}", WRONG, "color: not of type struct"},
        {"color", "[]", WRONG, "color: not of type struct"},
        {"color", "\"{}\"", WRONG, "color: not of type struct"},
        {"color", "7", WRONG, "color: not of type struct"},
        {"levels", "[]", 0, "[]"},
        {"levels", "[0,9,5.0]", 0, "[0,9,5]"},
        {"levels", "[0,10]", RANGE, "levels[1]: not within 0 to 9"},
        {"levels", "[\"1\"]", WRONG, "levels[0]: not of type int"},
        {"levels", "[[1]]", WRONG, "levels[0]: not of type int"},
        {"levels", "{}", WRONG, "levels: not of type array"},
        {"levels", "null", WRONG, "levels: not of type array"},
        {"names", "[\"a\\\"b\",\"\"]", 0, "[\"a\\\"b\",\"\"]"},
        {"wifi", "[{\"Rssi\":-81,\"Mac\":\"78a106a5b166\"},{}]", 0,
         "[{\"Mac\":\"78a106a5b166\",\"Rssi\":-81},{}]"},
        {"wifi", "[{},{\"Mac\":5}]", WRONG, "wifi[1].Mac: not of type string"},
        {"wifi", "[{\"SSID\":\"\"}]", WRONG, "wifi[0]: has no member SSID"},
        {"wifi", "[7]", WRONG, "wifi[0]: not of type struct"},
    };
    CLEANUP(model_freep) struct model *m = load();

    for (size_t i = 0; m && i < ARRAY_SIZE(cases); i++) {
        const struct thing_define *def = define_of(m, cases[i].id);
        struct value_fault fault = {.path = ""};
        struct value v = {0}, copy;
        char buf[200];
        int r = value_from_text(def, cases[i].id[0] == 'm' ? "lo" : cases[i].in, &v, NULL);

        value_done(&v); /* text and JSON are the same for what is made of parts */
        if (cases[i].id[0] != 'm')
            CHECK_INT(r, cases[i].error);
        r = value_from_json_text(def, cases[i].in, &v, &fault);
        if (r != cases[i].error)
            suite_fail(__FILE__, __LINE__, "%s %s: %d", cases[i].id, cases[i].in, r);
        if (r < 0) {
            value_explain(&fault, cases[i].id, r, buf, sizeof(buf));
            CHECK_STR(buf, cases[i].out);
            CHECK_INT(v.kind, VALUE_NONE);
            continue;
        }
        CHECK_INT(v.kind, thing_type_kind(def->type));
        check_text(&v, cases[i].out);
        CHECK_INT(value_copy(&copy, &v), 0);
        CHECK(value_equal(&copy, &v));
        value_done(&v);
        check_text(&copy, cases[i].out);
        value_done(&copy);
    }
}

static int from_repeated(const struct thing_define *def, const char *element, size_t n)
{
    CLEANUP(freep) char *text = NULL;
    struct value v = {0};
    struct strbuf sb;
    int r;

    strbuf_init(&sb, 4 * 1024 * 1024);
    strbuf_addc(&sb, '[');
    for (size_t i = 0; i < n; i++)
        strbuf_addf(&sb, "%s%s", i ? "," : "", element);
    strbuf_addc(&sb, ']');
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    r = value_from_json_text(def, text, &v, NULL);
    if (r == 0) {
        CHECK_INT(value_count(&v), n);
        CHECK(value_json_room(&v) <= LIMIT_VALUE_TEXT);
    }
    value_done(&v);
    return r;
}

static void test_limits(void)
{
    CLEANUP(model_freep) struct model *m = load();
    char kib[1024 + 3];

    if (!m)
        return;
    CHECK_INT(from_repeated(define_of(m, "levels"), "1", LIMIT_ARRAY_ELEMENTS), 0);
    CHECK_INT(from_repeated(define_of(m, "levels"), "1", LIMIT_ARRAY_ELEMENTS + 1), RANGE);
    memset(kib, 'x', sizeof(kib));
    kib[0] = kib[1024] = '"';
    kib[1025] = '\0';
    /* 1025 bytes each, a comma between, two brackets */
    CHECK_INT(from_repeated(define_of(m, "names"), kib, (LIMIT_VALUE_TEXT - 2) / 1026), 0);
    CHECK_INT(from_repeated(define_of(m, "names"), kib, LIMIT_VALUE_TEXT / 1026 + 1), -EMSGSIZE);
    CHECK_INT(from_repeated(define_of(m, "names"), kib, LIMIT_ARRAY_ELEMENTS), -EMSGSIZE);
    /* Short for its bytes, long as it travels. */
    CHECK_INT(from_repeated(define_of(m, "names"), "\"\\u0001\\u0001\\u0001\\u0001\"", 600),
              -EMSGSIZE);
}

static struct value make(const struct model *m, const char *id, const char *text)
{
    struct value v = {0};

    CHECK_INT(value_from_json_text(define_of(m, id), text, &v, NULL), 0);
    return v;
}

static void check_merge(const struct model *m, const char *id, const char *base, const char *part,
                        const char *want)
{
    struct value b = {0}, p = make(m, id, part), v = {0};

    if (base)
        b = make(m, id, base);
    CHECK_INT(value_merge(define_of(m, id), &b, &p, &v), 0);
    check_text(&v, want);
    CHECK(value_covers(&v, &p));
    CHECK_INT(value_covers(&b, &p), value_equal(&v, &b));
    value_done(&b);
    value_done(&p);
    value_done(&v);
}

/* A control of a few members leaves the others; arrays and simple values are replaced. */
static void test_merge(void)
{
    CLEANUP(model_freep) struct model *m = load();

    if (!m)
        return;
    check_merge(m, "color", "{\"r\":1,\"s\":\"x\"}", "{\"r\":2}", "{\"r\":2,\"s\":\"x\"}");
    check_merge(m, "color", "{\"s\":\"x\"}", "{\"b\":1,\"g\":2}", "{\"g\":2,\"b\":1,\"s\":\"x\"}");
    check_merge(m, "color", "{\"r\":1}", "{}", "{\"r\":1}");
    check_merge(m, "color", "{\"r\":1,\"g\":5}", "{\"r\":1}", "{\"r\":1,\"g\":5}");
    check_merge(m, "color", NULL, "{\"r\":1}", "{\"r\":1}");
    check_merge(m, "levels", "[1,2,3]", "[4]", "[4]");
    check_merge(m, "levels", "[4]", "[4]", "[4]");
    check_merge(m, "wifi", "[{\"Rssi\":1}]", "[{\"Mac\":\"a\"}]", "[{\"Mac\":\"a\"}]");
    check_merge(m, "mode", "\"lo\"", "\"high\"", "\"high\"");
}

static void test_equal(void)
{
    static const struct {
        const char *id, *text;
    } all[] = {
        {"color", "{}"},     {"color", "{\"r\":1}"}, {"color", "{\"r\":2}"}, {"color", "{\"g\":1}"},
        {"levels", "[]"},    {"levels", "[1]"},      {"levels", "[1,1]"},    {"wifi", "[{}]"},
        {"wifi", "[{},{}]"}, {"mode", "\"lo\""},
    };
    CLEANUP(model_freep) struct model *m = load();
    struct value values[ARRAY_SIZE(all)];

    for (size_t i = 0; m && i < ARRAY_SIZE(all); i++)
        values[i] = make(m, all[i].id, all[i].text);
    for (size_t i = 0; m && i < ARRAY_SIZE(all); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(all); k++)
            CHECK_INT(value_equal(&values[i], &values[k]), i == k);
    }
    for (size_t i = 0; m && i < ARRAY_SIZE(all); i++)
        value_done(&values[i]);
}

/* What another source than JSON may do wrong. */
static void test_build(void)
{
    CLEANUP(model_freep) struct model *m = load();
    const struct thing_define *part;
    struct value_fault fault = {.path = ""};
    struct value_build b;
    struct value *slot, v = {0};

    if (!m)
        return;
    CHECK_INT(value_build_begin(&b, define_of(m, "color"), 0, &fault), 0);
    CHECK_INT(value_build_slot(&b, "r", &slot, &part), 0);
    CHECK_INT(part->type, THING_INT);
    *slot = (struct value){.kind = VALUE_INT, .i = 3};
    CHECK_INT(value_build_filled(&b, 0), 0);
    CHECK_INT(value_build_slot(&b, "r", &slot, &part), WRONG);
    CHECK_STR(fault.text, "has r twice");
    CHECK_INT(value_build_slot(&b, NULL, &slot, &part), WRONG);
    CHECK_INT(value_build_end(&b, WRONG, &v), WRONG);
    CHECK_INT(v.kind, VALUE_NONE);

    CHECK_INT(value_build_begin(&b, define_of(m, "levels"), 1, NULL), 0);
    CHECK_INT(value_build_slot(&b, NULL, &slot, &part), 0);
    CHECK_INT(value_build_filled(&b, RANGE), RANGE);
    CHECK_INT(value_build_slot(&b, NULL, &slot, &part), WRONG);
    CHECK_INT(value_build_end(&b, WRONG, &v), WRONG);
    CHECK_INT(value_build_begin(&b, define_of(m, "levels"), LIMIT_ARRAY_ELEMENTS + 1, &fault),
              RANGE);
    CHECK_INT(value_build_end(&b, RANGE, &v), RANGE);
    CHECK_STR(fault.text, "more than 1024 elements");
}

const char *const suite_name = "value-nested";
const struct suite_test suite_tests[] = {
    {"json", test_json},   {"limits", test_limits}, {"merge", test_merge},
    {"equal", test_equal}, {"build", test_build},   {NULL, NULL},
};
