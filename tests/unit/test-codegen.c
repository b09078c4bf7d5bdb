/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/codegen/file.h"
#include "libiotclient/codegen/names.h"
#include "libiotclient/codegen/output.h"
#include "libiotclient/codegen/text.h"
#include "tests/lib/fault.h"
#include "tests/lib/suite.h"

#define CAP ((size_t) 64 * LIMIT_MODEL_FILE)

struct told {
    unsigned n;
    char path[128];
    char text[256];
};

static void on_mistake(const char *path, const char *text, void *userdata)
{
    struct told *t = userdata;

    t->n++;
    (void) snprintf(t->path, sizeof(t->path), "%s", path);
    (void) snprintf(t->text, sizeof(t->text), "%s", text);
}

static struct cg_model *parse(const char *text)
{
    struct cg_model *m = NULL;
    struct told t = {0};

    CHECK_INT(cg_model_parse(&m, text, strlen(text), on_mistake, &t), 0);
    if (t.n > 0)
        suite_fail(__FILE__, __LINE__, "%s: %s", t.path, t.text);
    if (m)
        CHECK_INT(cg_names_assign(m, "p"), 0);
    return m;
}

#define INT "{\"type\": \"int\"}"
#define PROPERTY(id, define) "{\"id\": \"" id "\", \"mode\": \"rw\", \"define\": " define "}"
#define PROPERTIES(list) "{\"properties\": [" list "]}"

/* Members in one struct: each name is the one that it would have alone, or the next free one. */
static void test_members(void)
{
    static const struct {
        const char *id, *member;
    } cases[] = {
        {"brightness", "brightness"},
        {"Mac", "Mac"},
        {"int", "int_"},
        {"class", "class_"},
        {"linux", "linux_"},
        {"NULL", "null_"}, /* null is a keyword of some C++, too */
        {"EOF", "eof"},
        {"PM25", "pm25_2"}, /* what is a name as it is comes first, wherever it stands */
        {"pm25", "pm25"},
        {"_sys_volume", "sys_volume"},
        {"sys__volume_", "sys_volume_2"},
        {"_", "x"},
        {"_1", "x1"},
        {"_Bool", "Bool"},
        {"abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345"},
    };
    CLEANUP(cg_model_freep) struct cg_model *m = NULL;
    struct strbuf sb;
    char *text = NULL;
    size_t n;

    strbuf_init(&sb, CAP);
    strbuf_adds(&sb, "{\"actions\": [{\"id\": \"a\", \"input\": [");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        strbuf_addf(&sb, "%s{\"id\": \"%s\", \"define\": " INT "}", i > 0 ? ", " : "", cases[i].id);
    strbuf_adds(&sb, "]}]}");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    m = parse(text);
    free(text);
    if (!m)
        return;
    n = m->actions[0].in.n_fields;
    CHECK_INT(n, ARRAY_SIZE(cases));
    for (size_t i = 0; i < n; i++) {
        CHECK_STR(m->actions[0].in.fields[i].member, cases[i].member);
        CHECK_INT(strncmp(m->actions[0].in.fields[i].flag, "has_", 4), 0);
    }
}

static void test_constants(void)
{
    CLEANUP(cg_model_freep)
    struct cg_model *m = parse(PROPERTIES(PROPERTY(
        "c", "{\"type\": \"enum\", \"mapping\": {"
             "\"0\": \"Red\", \"1\": \"Dark red!\", \"2\": \"\", "
             "\"3\": \"\xe7\xba\xa2\", \"-4\": \"42\", \"5\": \"Same\", "
             "\"6\": \"same\"}}") ", " PROPERTY("s", "{\"type\": \"stringenum\", \"mapping\": {"
                                                     "\"lo\": \"\xe4\xbd\x8e\", \"1\": \"2\"}}")));
    static const char *const wanted[] = {"P_C_MINUS_4", "P_C_RED",    "P_C_DARK_RED", "P_C_2",
                                         "P_C_3",       "P_C_SAME_5", "P_C_SAME_6"};

    if (!m)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        CHECK_STR(m->properties.fields[0].values[i].constant, wanted[i]);
    CHECK_STR(m->properties.fields[1].values[0].constant, "P_S_LO");
    CHECK_STR(m->properties.fields[1].values[1].constant, "P_S_1");
    CHECK_STR(m->properties.fields[0].type_c, "enum p_c");
}

/* What would be one name of the file is two. */
static void test_collisions(void)
{
    CLEANUP(cg_model_freep)
    struct cg_model *m = parse("{\"properties\": [" PROPERTY("_a", INT) ", " PROPERTY(
        "a", INT) "], "
                  "\"events\": [{\"id\": \"control\", \"type\": \"info\"}], "
                  "\"actions\": [{\"id\": \"control_\"}]}");

    if (!m)
        return;
    CHECK_STR(m->properties.fields[0].fn_report, "p_report_a");
    CHECK_STR(m->properties.fields[1].fn_report, "p_report_a_2");
    CHECK_STR(m->fn_on_control, "p_on_control");
    CHECK_STR(m->control.tag, "p_control");
    CHECK_STR(m->events[0].in.tag, "p_control_2");
    CHECK_STR(m->actions[0].fn_on, "p_on_control_2");
}

static void test_prefix(void)
{
    static const struct {
        const char *prefix;
        bool is_one;
    } cases[] = {
        {"lamp", true},         {"Lamp2", true},  {"acme_lamp", true}, {"", false},
        {"1lamp", false},       {"_lamp", false}, {"lamp_", false},    {"a__b", false},
        {"iotc", false},        {"iotcx", false}, {"IOTC_X", false},   {"la-mp", false},
        {"l\xc3\xa4mp", false}, {"la mp", false},
    };
    CLEANUP(pool_done) struct pool pool = {NULL};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (cg_name_is_prefix(cases[i].prefix) != cases[i].is_one)
            suite_fail(__FILE__, __LINE__, "prefix \"%s\"", cases[i].prefix);
    }
    CHECK_STR(cg_name_prefix(&pool, "smart-light"), "smart_light");
    CHECK_STR(cg_name_prefix(&pool, "..a--b.v2_"), "a_b_v2");
}

typedef void (*text_fn)(struct strbuf *sb, const char *text);

static void check_text(text_fn fn, const char *in, const char *wanted)
{
    CLEANUP(freep) char *out = NULL;
    struct strbuf sb;

    strbuf_init(&sb, CAP);
    fn(&sb, in);
    CHECK_INT(strbuf_finish(&sb, &out), 0);
    CHECK_STR(out, wanted);
}

static void test_words(void)
{
    check_text(text_add_words, "plain \xe7\x81\xaf", "plain \xe7\x81\xaf");
    check_text(text_add_words, "*/ /* **//", "* / / * ** //");
    check_text(text_add_words, "?\?/ ?\?\?=", "? ?/ ? ? ?=");
    check_text(text_add_words, "a\\\nb\\", "a&#92; b&#92;");
    check_text(text_add_words, "a\x01\tb\x7f\xc2\x85z", "a  b  z");
    check_text(text_add_words, "\xe2\x80\xae!\xe2\x81\xa6!\xe2\x80\xa8!\xe2\x82\xac",
               " ! ! !\xe2\x82\xac");
    check_text(text_add_words, "\xc2\xb0", "\xc2\xb0");
}

static void test_literal(void)
{
    static char in[4096], wanted[2048];

    check_text(text_literal, "", "\"\"");
    check_text(text_literal, "a\"\\b", "\"a\\\"\\\\b\"");
    check_text(text_literal, "?\?/?", "\"?\\?/?\"");
    check_text(text_literal, "\n1\xe2\x80\xae", "\"\\0121\\342\\200\\256\"");
    check_text(text_literal, "\xe7\x81\xaf", "\"\xe7\x81\xaf\"");
    /* Cut, but not within a character. */
    memset(in, 'x', sizeof(in));
    memcpy(in + 1023, "\xe7\x81\xaf", 3);
    in[sizeof(in) - 1] = '\0';
    memset(wanted, 'x', sizeof(wanted));
    wanted[0] = '"';
    memcpy(wanted + 1024, "\"", 2);
    check_text(text_literal, in, wanted);
}

static void add_comment(struct strbuf *sb, const char *text)
{
    text_comment(sb, 4, text);
}

static void add_call(struct strbuf *sb, const char *text)
{
    text_call(sb, "int f", ";\n", text, text, NULL);
}

static void test_layout(void)
{
    static const char sixty[] = "123456789 123456789 123456789 123456789 123456789 12345678 60";

    check_text(add_comment, "short", "    /** short */\n");
    check_text(add_comment, "two\nlines", "    /**\n     * two\n     * lines\n     */\n");
    check_text(add_comment,
               "123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
               "123456789 12345678",
               "    /**\n     * 123456789 123456789 123456789 123456789 123456789 123456789 "
               "123456789 123456789 123456789\n     * 12345678\n     */\n");
    check_text(add_call, "int a", "int f(int a, int a);\n");
    check_text(add_call, sixty,
               "int f(123456789 123456789 123456789 123456789 123456789 12345678 60,\n"
               "      123456789 123456789 123456789 123456789 123456789 12345678 60);\n");
}

static char *read_model(const char *name, size_t *ret_len)
{
    const char *srcdir = getenv("IOTD_SRCDIR");
    char *text = NULL;
    char path[512];

    (void) snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", name);
    CHECK_INT(file_read(path, LIMIT_MODEL_FILE, &text, ret_len), 0);
    return text;
}

struct make {
    const char *text;
    size_t len;
};

static int run_parse(void *userdata)
{
    CLEANUP(cg_model_freep) struct cg_model *m = NULL;
    struct make *make = userdata;
    struct told t = {0};

    return cg_model_parse(&m, make->text, make->len, on_mistake, &t);
}

static int run_names(void *userdata)
{
    CLEANUP(cg_model_freep) struct cg_model *m = NULL;
    struct make *make = userdata;
    struct told t = {0};
    int r = cg_model_parse(&m, make->text, make->len, on_mistake, &t);

    return r < 0 ? r : cg_names_assign(m, "odd");
}

static int run_output(void *userdata)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;

    strbuf_init(&sb, CAP);
    output_header(&sb, userdata, "odd");
    output_source(&sb, userdata, "odd");
    return strbuf_finish(&sb, &text);
}

/* One without memory is told, never half of a file. */
static void test_no_memory(void)
{
    static const char small[] = PROPERTIES(PROPERTY(
        "e",
        "{\"type\": \"enum\", \"mapping\": {\"0\": \"A\", \"1\": "
        "\"a\"}}") ", " PROPERTY("i",
                                 "{\"type\": \"int\", "
                                 "\"min\": \"0\", \"max\": "
                                 "\"1\"}") ", " PROPERTY("s", "{\"type\": \"struct\", \"specs\": "
                                                              "[{\"id\": \"class\", "
                                                              "\"dataType\": {\"type\": \"float\", "
                                                              "\"step\": \"0.1\"}}]}"));
    struct make make = {small, sizeof(small) - 1};
    CLEANUP(cg_model_freep) struct cg_model *m = parse(small);

    fault_sweep("cg_model_parse", run_parse, NULL, &make);
    fault_sweep("cg_names_assign", run_names, NULL, &make);
    if (m)
        fault_sweep("output", run_output, NULL, m);
}

/* The most that a model may have, in no time. */
static void test_large(void)
{
    CLEANUP(freep) char *text = NULL;
    CLEANUP(cg_model_freep) struct cg_model *m = NULL;
    struct strbuf sb;

    strbuf_init(&sb, LIMIT_MODEL_FILE);
    strbuf_adds(&sb, "{\"properties\": [");
    for (int i = 0; i < LIMIT_MODEL_IDS; i++)
        strbuf_addf(&sb, "%s{\"id\": \"a_%d\", \"mode\": \"rw\", \"define\": " INT "}",
                    i > 0 ? "," : "", i);
    strbuf_adds(&sb, "]}");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    m = text ? parse(text) : NULL;
    if (m) {
        CHECK_STR(m->properties.fields[LIMIT_MODEL_IDS - 1].fn_read, "p_read_a_2047");
        CHECK_INT(run_output(m), 0);
    }
}

/* The files of a model hang on nothing but the model. */
static void test_same_bytes(void)
{
    size_t len;
    CLEANUP(freep) char *text = read_model("tests/data/codegen-odd.json", &len);
    CLEANUP(freep) char *first = NULL, *second = NULL;

    for (int i = 0; text && i < 2; i++) {
        CLEANUP(cg_model_freep) struct cg_model *m = NULL;
        struct told t = {0};
        struct strbuf sb;

        CHECK_INT(cg_model_parse(&m, text, len, on_mistake, &t), 0);
        if (!m)
            return;
        CHECK_INT(cg_names_assign(m, "odd"), 0);
        strbuf_init(&sb, CAP);
        output_header(&sb, m, "odd");
        output_source(&sb, m, "odd");
        CHECK_INT(strbuf_finish(&sb, i ? &second : &first), 0);
    }
    CHECK(first && second && strcmp(first, second) == 0);
    CHECK(first && strlen(first) > 10000);
}

const char *const suite_name = "codegen";
const struct suite_test suite_tests[] = {
    {"members", test_members},
    {"constants", test_constants},
    {"collisions", test_collisions},
    {"prefix", test_prefix},
    {"words", test_words},
    {"literal", test_literal},
    {"layout", test_layout},
    {"no_memory", test_no_memory},
    {"large", test_large},
    {"same_bytes", test_same_bytes},
    {NULL, NULL},
};
