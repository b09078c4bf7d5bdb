/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"
#include "tests/lib/suite.h"

#define MAX_TOLD 8

struct told {
    unsigned n;
    char path[MAX_TOLD][96];
    char what[MAX_TOLD][96];
};

static void on_mistake(const char *path, const char *what, void *userdata)
{
    struct told *t = userdata;

    if (t->n < MAX_TOLD) {
        (void) snprintf(t->path[t->n], sizeof(t->path[0]), "%s", path);
        (void) snprintf(t->what[t->n], sizeof(t->what[0]), "%s", what);
    }
    t->n++;
}

static int parse(const char *text, const char *product_id, struct model **ret_model, struct told *t)
{
    *t = (struct told){0};
    return model_parse(ret_model, text, strlen(text), product_id, on_mistake, t);
}

static char *read_example(void)
{
    const char *srcdir = getenv("IOTD_SRCDIR");
    static char text[65536];
    char path[512];
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/examples/smart-light.json", srcdir ? srcdir : ".");
    f = fopen(path, "re");
    CHECK(f);
    if (!f)
        return NULL;
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void test_example(void)
{
    CLEANUP(model_freep) struct model *m = NULL;
    char *text = read_example();
    const struct model_property *p;
    const struct model_action *a;
    struct told t;
    int i;

    if (!text)
        return;
    CHECK_INT(parse(text, "IOTDLIGHT1", &m, &t), 0);
    CHECK_INT(t.n, 0);
    if (!m)
        return;
    CHECK_STR(m->text, text);
    CHECK_INT(m->n_properties, 12);
    CHECK_INT(m->n_events, 3);
    CHECK_INT(m->n_actions, 1);

    i = model_find_property(m, "brightness");
    CHECK(i >= 0);
    p = &m->properties[i < 0 ? 0 : i];
    CHECK(p->writable && p->define.type == THING_INT);
    CHECK(p->define.i.min == 0 && p->define.i.max == 100);
    i = model_find_property(m, "temperature");
    CHECK(i >= 0);
    p = &m->properties[i < 0 ? 0 : i];
    CHECK(!p->writable && p->define.type == THING_FLOAT);
    CHECK(p->define.f.min == -60 && p->define.f.max == 200);
    i = model_find_property(m, "color");
    CHECK(i >= 0 && m->properties[i].define.e.n_keys == 3);
    i = model_find_event(m, "low_voltage");
    CHECK(i >= 0 && m->events[i].type == MODEL_EVENT_ALERT && m->events[i].n_params == 1);
    CHECK_INT(model_find_action(m, "unlock"), 0);
    a = &m->actions[0];
    CHECK_INT(a->n_inputs, 2);
    CHECK_INT(a->n_outputs, 3);
    CHECK_INT(model_find_param(a->outputs, a->n_outputs, "state"), 2);
    CHECK_INT(model_find_param(a->outputs, a->n_outputs, "open"), -ENOENT);
    CHECK_INT(model_find_property(m, "unlock"), -ENOENT);
    CHECK_INT(model_find_event(m, "brightness"), -ENOENT);
    CHECK_INT(model_find_action(m, ""), -ENOENT);
}

#define PROPERTY(define) "{\"properties\":[{\"id\":\"a\",\"mode\":\"rw\",\"define\":" define "}]}"
#define EVENTS(list) "{\"events\":[" list "]}"
#define ACTION(rest) "{\"actions\":[{\"id\":\"a\"" rest "}]}"
#define BOOL "{\"type\":\"bool\"}"

static void test_good(void)
{
    static const char *const texts[] = {
        PROPERTY(BOOL),
        PROPERTY("{\"type\":\"bool\",\"mapping\":{\"0\":\"off\",\"1\":\"on\"}}"),
        PROPERTY("{\"type\":\"int\"}"),
        PROPERTY("{\"type\":\"int\",\"min\":\"-180\",\"max\":180}"),
        PROPERTY("{\"type\":\"int\",\"min\":\"-9223372036854775808\"}"),
        PROPERTY("{\"type\":\"float\",\"min\":\"0.0\",\"max\":24.5}"),
        PROPERTY("{\"type\":\"float\",\"min\":-1,\"max\":\"1e3\"}"),
        PROPERTY("{\"type\":\"string\"}"),
        PROPERTY("{\"type\":\"string\",\"min\":\"0\",\"max\":\"2048\"}"),
        PROPERTY("{\"type\":\"string\",\"min\":5,\"max\":5}"),
        PROPERTY("{\"type\":\"enum\",\"mapping\":{\"-1\":\"a\",\"2147483648\":\"b\"}}"),
        PROPERTY("{\"type\":\"timestamp\"}"),
        "{\"properties\":[]}",
        "{\"properties\":[],\"events\":[],\"actions\":[]}",
        "{\"version\":\"9\",\"profile\":{\"ProductId\":\"P\"},\"actions\":[]}",
        "{\"profile\":7,\"actions\":[],\"services\":\"not ours\"}",
        EVENTS("{\"id\":\"a\",\"type\":\"info\"}"),
        EVENTS("{\"id\":\"a\",\"type\":\"fault\",\"params\":[]},"
               "{\"id\":\"b\",\"type\":\"alert\",\"params\":[{\"id\":\"a\",\"define\":" BOOL "}]}"),
        ACTION(""),
        ACTION(",\"input\":[{\"id\":\"x\",\"define\":" BOOL "}],"
               "\"output\":[{\"id\":\"x\",\"define\":" BOOL "}]"),
        "{\"properties\":[{\"id\":\"_sys_a\",\"mode\":\"r\",\"define\":" BOOL "}]}",
        "{\"properties\":[{\"id\":\"a1234567890123456789012345678901\",\"mode\":\"r\","
        "\"define\":" BOOL "}]}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct model *m = NULL;
        struct told t;

        if (parse(texts[i], "P", &m, &t) < 0)
            suite_fail(__FILE__, __LINE__, "%s: %s: %s", texts[i], t.path[0], t.what[0]);
        model_free(m);
    }
    CHECK(!model_free(NULL));
}

static void test_defaults(void)
{
    CLEANUP(model_freep) struct model *m = NULL;
    struct told t;
    const char *text =
        "{\"properties\":[{\"id\":\"i\",\"mode\":\"r\",\"define\":{\"type\":\"int\"}},"
        "{\"id\":\"f\",\"mode\":\"r\",\"define\":{\"type\":\"float\"}},"
        "{\"id\":\"s\",\"mode\":\"r\",\"define\":{\"type\":\"string\"}},"
        "{\"id\":\"e\",\"mode\":\"r\",\"define\":{\"type\":\"enum\","
        "\"mapping\":{\"9\":\"\",\"-2\":\"\",\"3\":\"\"}}}]}";

    CHECK_INT(parse(text, NULL, &m, &t), 0);
    if (!m)
        return;
    CHECK(m->properties[0].define.i.min == INT64_MIN && m->properties[0].define.i.max == INT64_MAX);
    CHECK(m->properties[1].define.f.min < -1e308 && m->properties[1].define.f.max > 1e308);
    CHECK(m->properties[2].define.s.min == 0 &&
          m->properties[2].define.s.max == LIMIT_STRING_VALUE);
    CHECK(m->properties[3].define.e.n_keys == 3 && m->properties[3].define.e.keys[0] == -2 &&
          m->properties[3].define.e.keys[1] == 3 && m->properties[3].define.e.keys[2] == 9);
}

static void test_mistakes(void)
{
    static const struct {
        const char *text, *path, *what;
    } cases[] = {
        {"{}", "", "has neither properties nor events nor actions"},
        {"{\"properties\":{}}", "properties", "must be a list"},
        {"{\"events\":7}", "events", "must be a list"},
        {"{\"actions\":null}", "actions", "must be a list"},
        {"{\"properties\":[7]}", "properties[0]", "must be an object"},
        {"{\"properties\":[{\"mode\":\"r\",\"define\":" BOOL "}]}", "properties[0].id",
         "must be a text"},
        {"{\"properties\":[{\"id\":5,\"mode\":\"r\",\"define\":" BOOL "}]}", "properties[0].id",
         "must be a text"},
        {"{\"properties\":[{\"id\":\"\",\"mode\":\"r\",\"define\":" BOOL "}]}", "properties[0].id",
         "\"\" is not an id: 1 to 32 letters, digits, underscores"},
        {"{\"properties\":[{\"id\":\"1a\",\"mode\":\"r\",\"define\":" BOOL "}]}",
         "properties[0].id", "\"1a\" is not an id: 1 to 32 letters, digits, underscores"},
        {"{\"properties\":[{\"id\":\"a-b\",\"mode\":\"r\",\"define\":" BOOL "}]}",
         "properties[0].id", "\"a-b\" is not an id: 1 to 32 letters, digits, underscores"},
        {"{\"properties\":[{\"id\":\"a12345678901234567890123456789012\",\"mode\":\"r\","
         "\"define\":" BOOL "}]}",
         "properties[0].id",
         "\"a12345678901234567890123456789012\" is not an id: 1 to 32 letters, digits, "
         "underscores"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":" BOOL "}]}", "properties[0].mode",
         "must be \"rw\" or \"r\""},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"w\",\"define\":" BOOL "}]}",
         "properties[0].mode", "must be \"rw\" or \"r\""},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"r\"}]}", "properties[0].define",
         "must be an object"},
        {PROPERTY("{}"), "properties[0].define.type", "must be a text"},
        {PROPERTY("{\"type\":\"text\"}"), "properties[0].define.type",
         "\"text\" is not a type of the platform"},
        {PROPERTY("{\"type\":\"int\",\"min\":\"a\"}"), "properties[0].define.min",
         "must be a whole number within 64 bits"},
        {PROPERTY("{\"type\":\"int\",\"max\":0.5}"), "properties[0].define.max",
         "must be a whole number within 64 bits"},
        {PROPERTY("{\"type\":\"int\",\"max\":\"9223372036854775808\"}"), "properties[0].define.max",
         "must be a whole number within 64 bits"},
        {PROPERTY("{\"type\":\"int\",\"min\":\"2\",\"max\":\"1\"}"), "properties[0].define.max",
         "is below min"},
        {PROPERTY("{\"type\":\"float\",\"min\":true}"), "properties[0].define.min",
         "must be a number"},
        {PROPERTY("{\"type\":\"float\",\"min\":\"nan\"}"), "properties[0].define.min",
         "must be a number"},
        {PROPERTY("{\"type\":\"float\",\"min\":\"1\",\"max\":\"0.5\"}"), "properties[0].define.max",
         "is below min"},
        {PROPERTY("{\"type\":\"string\",\"max\":\"2049\"}"), "properties[0].define.max",
         "is above 2048, the platform's limit"},
        {PROPERTY("{\"type\":\"string\",\"min\":\"-1\"}"), "properties[0].define.min",
         "must be from 0 to max"},
        {PROPERTY("{\"type\":\"string\",\"min\":\"9\",\"max\":\"8\"}"), "properties[0].define.min",
         "must be from 0 to max"},
        {PROPERTY("{\"type\":\"enum\"}"), "properties[0].define.mapping",
         "must be an object with at least one value"},
        {PROPERTY("{\"type\":\"enum\",\"mapping\":{}}"), "properties[0].define.mapping",
         "must be an object with at least one value"},
        {PROPERTY("{\"type\":\"enum\",\"mapping\":{\"a\":\"b\"}}"),
         "properties[0].define.mapping.a", "must be a whole number"},
        {PROPERTY("{\"type\":\"enum\",\"mapping\":{\"1\":2}}"), "properties[0].define.mapping.1",
         "must have a text"},
        {PROPERTY("{\"type\":\"enum\",\"mapping\":{\"1\":\"x\",\"01\":\"y\"}}"),
         "properties[0].define.mapping", "has the value 1 twice"},
        {EVENTS("{\"id\":\"a\"}"), "events[0].type", "must be \"info\", \"alert\" or \"fault\""},
        {EVENTS("{\"id\":\"a\",\"type\":\"warning\"}"), "events[0].type",
         "must be \"info\", \"alert\" or \"fault\""},
        {EVENTS("{\"id\":\"a\",\"type\":\"info\",\"params\":{}}"), "events[0].params",
         "must be a list"},
        {EVENTS("{\"id\":\"a\",\"type\":\"info\",\"params\":[{\"id\":\"b\",\"define\":" BOOL
                "},{\"id\":\"c\",\"define\":{\"type\":\"?\"}}]}"),
         "events[0].params[1].define.type", "\"?\" is not a type of the platform"},
        {EVENTS("{\"id\":\"a\",\"type\":\"info\",\"params\":[{\"id\":\"b\",\"define\":" BOOL
                "},{\"id\":\"b\",\"define\":" BOOL "}]}"),
         "events[0].params", "has the id \"b\" twice"},
        {ACTION(",\"input\":7"), "actions[0].input", "must be a list"},
        {ACTION(",\"output\":[{\"id\":\"b\"}]"), "actions[0].output[0].define",
         "must be an object"},
        {ACTION(",\"output\":[{\"id\":\"b\",\"define\":" BOOL "},{\"id\":\"b\",\"define\":" BOOL
                "}]"),
         "actions[0].output", "has the id \"b\" twice"},
        {"{\"events\":[{\"id\":\"a\",\"type\":\"info\"}],\"actions\":[{\"id\":\"a\"}]}",
         "actions[0].id", "\"a\" is the id of events[0], too"},
        {"{\"properties\":[{\"id\":\"aB\",\"mode\":\"r\",\"define\":" BOOL "}],"
         "\"events\":[{\"id\":\"Ab\",\"type\":\"info\"}]}",
         "events[0].id", "\"Ab\" and \"aB\" of properties[0] differ in case only"},
        {"{\"properties\":[{\"id\":\"a\",\"required\":\"true\",\"mode\":\"r\",\"define\":" BOOL
         "}]}",
         "properties[0].required", "must be true or false"},
        {PROPERTY("{\"type\":\"int\",\"max\":\"5\",\"start\":\"6\"}"), "properties[0].define.start",
         "is not within min to max"},
        {PROPERTY("{\"type\":\"float\",\"step\":\"-1\"}"), "properties[0].define.step",
         "is negative"},
        {PROPERTY("{\"type\":\"bool\",\"mapping\":{\"2\":\"x\"}}"),
         "properties[0].define.mapping.2", "is neither \"0\" nor \"1\""},
        {PROPERTY("{\"type\":\"stringenum\",\"mapping\":{\"x\":0}}"),
         "properties[0].define.mapping.x", "must have a text"},
        {PROPERTY("{\"type\":\"struct\"}"), "properties[0].define.specs",
         "must be a list of at least one member"},
        {PROPERTY("{\"type\":\"struct\",\"specs\":[{\"id\":\"a\",\"dataType\":" BOOL
                  "},{\"id\":\"b\",\"dataType\":{\"type\":\"int\",\"min\":\"x\"}}]}"),
         "properties[0].define.specs[1].dataType.min", "must be a whole number within 64 bits"},
        {PROPERTY("{\"type\":\"struct\",\"specs\":[{\"id\":\"a\",\"dataType\":" BOOL
                  "},{\"id\":\"a\",\"dataType\":" BOOL "}]}"),
         "properties[0].define.specs", "has the id \"a\" twice"},
        {PROPERTY("{\"type\":\"struct\",\"specs\":[{\"id\":\"a\",\"dataType\":"
                  "{\"type\":\"array\",\"arrayInfo\":{\"type\":\"int\"}}}]}"),
         "properties[0].define.specs[0].dataType.type", "no array within a struct"},
        {PROPERTY("{\"type\":\"array\"}"), "properties[0].define.arrayInfo", "must be an object"},
        {PROPERTY("{\"type\":\"array\",\"arrayInfo\":" BOOL "}"),
         "properties[0].define.arrayInfo.type",
         "elements must be of type int, float, string or struct"},
        {PROPERTY("{\"type\":\"array\",\"arrayInfo\":{\"type\":\"struct\",\"specs\":[{\"id\":\"a\","
                  "\"dataType\":{\"type\":\"string\",\"max\":\"2049\"}}]}}"),
         "properties[0].define.arrayInfo.specs[0].dataType.max",
         "is above 2048, the platform's limit"},
        {"{\"properties\":[{\"id\":\"GPS_Info\",\"mode\":\"r\",\"define\":" BOOL "}]}",
         "properties[0].define.type", "the platform has fixed \"GPS_Info\" as struct"},
        {"{\"properties\":[{\"id\":\"Wifi_Info\",\"mode\":\"r\",\"define\":{\"type\":\"array\","
         "\"arrayInfo\":{\"type\":\"struct\",\"specs\":[{\"id\":\"Mac\",\"dataType\":{\"type\":"
         "\"string\"}}]}}}]}",
         "properties[0].define", "the platform wants the member \"Rssi\" in \"Wifi_Info\""},
        {"{\"actions\":[{\"id\":\"_sys_xp2p_info\"}]}", "actions[0].id",
         "\"_sys_xp2p_info\" is a property of the platform"},
        {"{\"profile\":{\"ProductId\":\"OTHER\"},\"actions\":[]}", "profile.ProductId",
         "is \"OTHER\", the credentials say \"P\""},
        {"[]", "", "not JSON: not an object (line 0, column 0)"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct model *m = NULL;
        struct told t;
        int r = parse(cases[i].text, "P", &m, &t);

        if (r != -EINVAL || m || t.n != 1 || strcmp(t.path[0], cases[i].path) != 0 ||
            strcmp(t.what[0], cases[i].what) != 0)
            suite_fail(__FILE__, __LINE__, "%.150s: %d, %u mistakes: \"%s\": %s", cases[i].text, r,
                       t.n, t.path[0], t.what[0]);
        model_free(m);
    }
}

/* One run names all of them. */
static void test_all_told(void)
{
    struct model *m = NULL;
    struct told t;

    CHECK_INT(parse("{\"properties\":[{},{\"id\":\"a\",\"mode\":\"rw\",\"define\":{}}],"
                    "\"events\":[{\"id\":\"b\",\"type\":\"x\",\"params\":7}]}",
                    NULL, &m, &t),
              -EINVAL);
    CHECK_INT(t.n, 6);
    CHECK_STR(t.path[0], "properties[0].id");
    CHECK_STR(t.path[1], "properties[0].mode");
    CHECK_STR(t.path[2], "properties[0].define");
    CHECK_STR(t.path[3], "properties[1].define.type");
    CHECK_STR(t.path[4], "events[0].type");
    CHECK_STR(t.path[5], "events[0].params");
}

/* n items, each made of fmt with its number. */
static int parse_many(const char *head, const char *before, const char *after, const char *tail,
                      unsigned n, struct told *t, size_t *ret_len)
{
    CLEANUP(freep) char *text = NULL;
    struct model *m = NULL;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, 16 * 1024 * 1024);
    strbuf_adds(&sb, head);
    for (unsigned i = 0; i < n; i++)
        strbuf_addf(&sb, "%s%s%u%s", i ? "," : "", before, i, after);
    strbuf_adds(&sb, tail);
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    *ret_len = strlen(text);
    r = parse(text, NULL, &m, t);
    model_free(m);
    return r;
}

static void test_limits(void)
{
    static const struct {
        const char *head, *before, *after, *tail;
        unsigned max;
        const char *path;
    } cases[] = {
        {"{\"properties\":[", "{\"id\":\"p", "\",\"mode\":\"r\",\"define\":" BOOL "}", "]}",
         LIMIT_MODEL_IDS, "properties"},
        {"{\"events\":[", "{\"id\":\"e", "\",\"type\":\"info\"}", "]}", LIMIT_MODEL_IDS, "events"},
        {"{\"actions\":[", "{\"id\":\"a", "\"}", "]}", LIMIT_MODEL_IDS, "actions"},
        {"{\"events\":[{\"id\":\"e\",\"type\":\"info\",\"params\":[", "{\"id\":\"p",
         "\",\"define\":" BOOL "}", "]}]}", LIMIT_EVENT_PARAMS, "events[0].params"},
        {"{\"actions\":[{\"id\":\"e\",\"input\":[", "{\"id\":\"p", "\",\"define\":" BOOL "}",
         "]}]}", LIMIT_EVENT_PARAMS, "actions[0].input"},
        {"{\"actions\":[{\"id\":\"e\",\"output\":[", "{\"id\":\"p", "\",\"define\":" BOOL "}",
         "]}]}", LIMIT_EVENT_PARAMS, "actions[0].output"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct told t;
        size_t len;

        CHECK_INT(parse_many(cases[i].head, cases[i].before, cases[i].after, cases[i].tail,
                             cases[i].max, &t, &len),
                  0);
        CHECK_INT(parse_many(cases[i].head, cases[i].before, cases[i].after, cases[i].tail,
                             cases[i].max + 1, &t, &len),
                  -EINVAL);
        CHECK_STR(t.path[0], cases[i].path);
        CHECK(strstr(t.what[0], "has more than"));
    }
}

/* Ids are unique over all features, and there are no more of them than one product may have. */
static void test_all_ids(void)
{
    CLEANUP(freep) char *text = NULL;
    struct model *m = NULL;
    struct strbuf sb;
    struct told t;

    strbuf_init(&sb, 16 * 1024 * 1024);
    strbuf_adds(&sb, "{\"events\":[");
    for (unsigned i = 0; i < LIMIT_MODEL_IDS; i++)
        strbuf_addf(&sb, "%s{\"id\":\"e%u\",\"type\":\"info\"}", i ? "," : "", i);
    strbuf_adds(&sb, "],\"actions\":[{\"id\":\"one_more\"}]}");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    CHECK_INT(parse(text, NULL, &m, &t), -EINVAL);
    CHECK_INT(t.n, 1);
    CHECK_STR(t.what[0], "has more than 2048 properties, events and actions");
    CHECK(!m);
}

/* Sizes that would hurt a careless reader: deep, long, many mistakes. */
static void test_hostile(void)
{
    static char text[200000];
    struct model *m = NULL;
    struct told t;
    size_t len;

    memset(text, '[', sizeof(text) - 1);
    CHECK_INT(parse(text, NULL, &m, &t), -EINVAL);
    CHECK_STR(t.what[0], "not JSON: nested too deep (line 0, column 0)");

    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, "{\"actions\":[{\"id\":\"", 19);
    memcpy(text + sizeof(text) - 6, "\"}]}", 5);
    CHECK_INT(parse(text, NULL, &m, &t), -EINVAL);
    CHECK_INT(t.n, 1);
    CHECK_STR(t.path[0], "actions[0].id");

    memset(text, 'a', sizeof(text) - 1);
    len = (size_t) sprintf(text, "{\"properties\":[{\"id\":\"a\",\"mode\":\"r\",\"define\":"
                                 "{\"type\":\"enum\",\"mapping\":{\"");
    text[len] = 'a';
    memcpy(text + sizeof(text) - 14, "\":\"x\"}}}]}", 11);
    CHECK_INT(parse(text, NULL, &m, &t), -EINVAL);
    CHECK_INT(t.n, 1);
    CHECK_INT(strncmp(t.path[0], "properties[0].define.mapping.aaa", 32), 0);

    CHECK_INT(parse_many("{\"properties\":[", "{\"x\":", "}", "]}", LIMIT_MODEL_IDS, &t, &len),
              -EINVAL);
    CHECK_INT(t.n, 3 * LIMIT_MODEL_IDS);
    CHECK(!m);
}

static void test_event_types(void)
{
    CHECK_STR(model_event_type_name(MODEL_EVENT_INFO), "info");
    CHECK_STR(model_event_type_name(MODEL_EVENT_ALERT), "alert");
    CHECK_STR(model_event_type_name(MODEL_EVENT_FAULT), "fault");
}

const char *const suite_name = "model";
const struct suite_test suite_tests[] = {
    {"example", test_example},         {"good", test_good},
    {"defaults", test_defaults},       {"mistakes", test_mistakes},
    {"all_told", test_all_told},       {"limits", test_limits},
    {"all_ids", test_all_ids},         {"hostile", test_hostile},
    {"event_types", test_event_types}, {NULL, NULL},
};
