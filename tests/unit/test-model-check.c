/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd in a model, and what a later model of a released product may not do. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "tests/lib/suite.h"

struct told {
    unsigned n;
    char path[96];
    char what[128];
};

static void on_told(const char *path, const char *what, void *userdata)
{
    struct told *t = userdata;

    (void) snprintf(t->path, sizeof(t->path), "%s", path);
    (void) snprintf(t->what, sizeof(t->what), "%s", what);
    t->n++;
}

#define HEAD "{\"version\":\"1.0\","
#define PROPERTY(rest)                                                                             \
    HEAD "\"properties\":[{\"id\":\"a\",\"name\":\"A\",\"mode\":\"rw\"," rest "}]}"
#define DEFINE(define) PROPERTY("\"define\":" define)
#define MEMBERS(list) DEFINE("{\"type\":\"struct\",\"specs\":[" list "]}")
#define INT "{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}"

static void test_lint(void)
{
    static const struct {
        const char *text, *path, *what; /* path NULL: nothing odd */
    } cases[] = {
        {PROPERTY("\"desc\":\"\",\"required\":false,\"define\":{\"type\":\"bool\"}"), NULL, NULL},
        {DEFINE("{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\",\"start\":\"0\",\"step\":\"1\","
                "\"unit\":\"C\",\"unitDesc\":\"x\"}"),
         NULL, NULL},
        {MEMBERS("{\"id\":\"r\",\"name\":\"R\",\"dataType\":" INT "}"), NULL, NULL},
        {"{\"actions\":[]}", "version", "is missing; the console writes \"1.0\""},
        {HEAD "\"profile\":{\"ProductId\":\"P\",\"Extra\":1},\"actions\":[]}", "profile.Extra",
         "is not known, and ignored"},
        {HEAD "\"actions\":[],\"services\":[]}", "services", "is not known, and ignored"},
        {PROPERTY("\"definition\":1,\"define\":{\"type\":\"bool\"}"), "properties[0].definition",
         "is not known, and ignored"},
        {DEFINE("{\"type\":\"bool\",\"min\":\"0\"}"), "properties[0].define.min",
         "means nothing for the type bool, and is ignored"},
        {DEFINE("{\"type\":\"int\",\"maximum\":\"0\"}"), "properties[0].define.maximum",
         "is not known, and ignored"},
        {DEFINE("{\"type\":\"enum\",\"mapping\":{\"0\":\"0123456789012\"}}"),
         "properties[0].define.mapping.0",
         "is longer than the 12 characters that the console takes"},
        {DEFINE("{\"type\":\"enum\",\"mapping\":{\"0\":\"书书书书书书书书书书书书\"}}"), NULL,
         NULL},
        {MEMBERS("{\"id\":\"r\",\"dataType\":" INT "}"), "properties[0].define.specs[0]",
         "has no name; the console wants one"},
        {MEMBERS("{\"id\":\"r\",\"name\":\"R\",\"define\":1,\"dataType\":" INT "}"),
         "properties[0].define.specs[0].define", "is not known, and ignored"},
        {DEFINE("{\"type\":\"array\",\"arrayInfo\":{\"type\":\"string\",\"unit\":\"C\"}}"),
         "properties[0].define.arrayInfo.unit",
         "means nothing for the type string, and is ignored"},
        {HEAD "\"events\":[{\"id\":\"e\",\"name\":\"E\",\"type\":\"info\",\"mode\":\"r\"}]}",
         "events[0].mode", "is not known, and ignored"},
        {HEAD "\"events\":[{\"id\":\"e\",\"name\":\"E\",\"type\":\"info\",\"params\":"
              "[{\"id\":\"p\",\"name\":\"012345678901234567890\",\"define\":" INT "}]}]}",
         "events[0].params[0].name", "is longer than the 20 characters that the console takes"},
        {HEAD "\"actions\":[{\"id\":\"_own\",\"name\":\"O\"}]}", "actions[0].id",
         "ids that start with \"_\" are the platform's"},
        {HEAD "\"actions\":[{\"id\":\"o\",\"name\":\"O\",\"output\":[{\"id\":\"p\",\"name\":\"P\","
              "\"mode\":\"r\",\"define\":" INT "}]}]}",
         "actions[0].output[0].mode", "is not known, and ignored"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct told t = {0};

        CHECK_INT(model_lint(cases[i].text, strlen(cases[i].text), on_told, &t), 0);
        if (t.n != (cases[i].path ? 1 : 0) ||
            (t.n && (strcmp(t.path, cases[i].path) != 0 || strcmp(t.what, cases[i].what) != 0)))
            suite_fail(__FILE__, __LINE__, "%.150s: %u, %s: %s", cases[i].text, t.n, t.path,
                       t.what);
    }
    CHECK_INT(model_lint("[", 1, on_told, NULL), -EBADMSG);
}

static struct model *load(const char *text)
{
    struct model *m = NULL;
    struct told t = {0};

    if (model_parse(&m, text, strlen(text), NULL, on_told, &t) < 0)
        suite_fail(__FILE__, __LINE__, "%.150s: %s: %s", text, t.path, t.what);
    return m;
}

#define EVENT(type, params)                                                                        \
    "{\"events\":[{\"id\":\"e\",\"type\":\"" type "\",\"params\":[" params "]}]}"
#define ACTION(input, output)                                                                      \
    "{\"actions\":[{\"id\":\"x\",\"input\":[" input "],\"output\":[" output "]}]}"
#define PARAM(id, define) "{\"id\":\"" id "\",\"define\":" define "}"
#define MEMBER(id, define) "{\"id\":\"" id "\",\"dataType\":" define "}"
#define WIDE "{\"type\":\"int\",\"min\":\"0\",\"max\":\"10\"}"
#define NARROW "{\"type\":\"int\",\"min\":\"1\",\"max\":\"9\"}"
#define ENUM(keys) "{\"type\":\"enum\",\"mapping\":{" keys "}}"
#define WORDS(keys) "{\"type\":\"stringenum\",\"mapping\":{" keys "}}"
#define ARRAY(info) "{\"type\":\"array\",\"arrayInfo\":" info "}"
#define STRING(max) "{\"type\":\"string\",\"max\":\"" max "\"}"
#define FLOAT(max) "{\"type\":\"float\",\"max\":\"" max "\"}"

static void test_released(void)
{
    static const struct {
        const char *old, *now, *path, *what; /* path NULL: nothing is taken away */
    } cases[] = {
        {DEFINE(INT), DEFINE(INT), NULL, NULL},
        {DEFINE(INT), DEFINE(WIDE), NULL, NULL},
        {DEFINE(INT), DEFINE(NARROW), "properties[0].define", "the released model allows more"},
        {DEFINE(FLOAT("5")), DEFINE(FLOAT("4")), "properties[0].define",
         "the released model allows more"},
        {DEFINE(STRING("5")), DEFINE(STRING("6")), NULL, NULL},
        {DEFINE(STRING("5")), DEFINE(STRING("4")), "properties[0].define",
         "the released model allows more"},
        {DEFINE(INT), DEFINE(FLOAT("9")), "properties[0].define",
         "is of type int in the released model"},
        {DEFINE(INT), "{\"actions\":[]}", "properties", "the released model has \"a\""},
        {DEFINE(INT), "{\"events\":[{\"id\":\"a\",\"type\":\"info\"}]}", "properties",
         "the released model has \"a\""},
        {"{\"actions\":[]}", DEFINE(INT), NULL, NULL},
        {DEFINE(INT), "{\"properties\":[{\"id\":\"a\",\"mode\":\"r\",\"define\":" INT "}]}",
         "properties[0].mode", "is \"rw\" in the released model"},
        {DEFINE(ENUM("\"2\":\"\",\"-1\":\"\"")), DEFINE(ENUM("\"-1\":\"\",\"0\":\"\",\"2\":\"\"")),
         NULL, NULL},
        {DEFINE(ENUM("\"2\":\"\",\"-1\":\"\"")), DEFINE(ENUM("\"-1\":\"\",\"3\":\"\"")),
         "properties[0].define", "the released model has the value 2"},
        {DEFINE(WORDS("\"a\":\"\"")), DEFINE(WORDS("\"b\":\"\",\"a\":\"x\"")), NULL, NULL},
        {DEFINE(WORDS("\"a\":\"\"")), DEFINE(WORDS("\"A\":\"\"")), "properties[0].define",
         "the released model has the value \"a\""},
        {MEMBERS(MEMBER("r", INT)), MEMBERS(MEMBER("g", INT) "," MEMBER("r", WIDE)), NULL, NULL},
        {MEMBERS(MEMBER("r", INT)), MEMBERS(MEMBER("g", INT)), "properties[0].define",
         "the released model has the member \"r\""},
        {MEMBERS(MEMBER("r", INT)), MEMBERS(MEMBER("g", INT) "," MEMBER("r", NARROW)),
         "properties[0].define.specs[1].dataType", "the released model allows more"},
        {DEFINE(ARRAY(INT)), DEFINE(ARRAY(NARROW)), "properties[0].define.arrayInfo",
         "the released model allows more"},
        {EVENT("info", PARAM("p", INT)), EVENT("info", PARAM("q", INT) "," PARAM("p", INT)), NULL,
         NULL},
        {EVENT("info", PARAM("p", INT)), EVENT("alert", PARAM("p", INT)), "events[0].type",
         "is \"info\" in the released model"},
        {EVENT("info", PARAM("p", INT)), EVENT("info", PARAM("q", INT)), "events[0].params",
         "the released model has the parameter \"p\""},
        {EVENT("info", PARAM("p", INT)), EVENT("info", PARAM("q", INT) "," PARAM("p", NARROW)),
         "events[0].params[1].define", "the released model allows more"},
        {EVENT("info", ""), DEFINE(INT), "events", "the released model has \"e\""},
        {ACTION(PARAM("p", INT), ""), ACTION(PARAM("p", WIDE), PARAM("o", INT)), NULL, NULL},
        {ACTION(PARAM("p", INT), ""), ACTION(PARAM("p", INT) "," PARAM("q", INT), ""),
         "actions[0].input", "\"q\" is not in the released model, and callers do not give it"},
        {ACTION("", PARAM("o", INT)), ACTION("", ""), "actions[0].output",
         "the released model has the parameter \"o\""},
        {ACTION("", ""), DEFINE(INT), "actions", "the released model has \"x\""},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(model_freep) struct model *old = load(cases[i].old);
        CLEANUP(model_freep) struct model *now = load(cases[i].now);
        struct told t = {0};
        int r;

        if (!old || !now)
            continue;
        r = model_check_released(now, old, on_told, &t);
        if (r != (cases[i].path ? -EINVAL : 0) || t.n != (cases[i].path ? 1 : 0) ||
            (t.n && (strcmp(t.path, cases[i].path) != 0 || strcmp(t.what, cases[i].what) != 0)))
            suite_fail(__FILE__, __LINE__, "%.150s: %d, %u, %s: %s", cases[i].now, r, t.n, t.path,
                       t.what);
    }
}

const char *const suite_name = "model-check";
const struct suite_test suite_tests[] = {
    {"lint", test_lint},
    {"released", test_released},
    {NULL, NULL},
};
