/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/model.h"
#include "tests/lib/suite.h"

static const char document[] =
    "{\"version\":\"1.0\",\"profile\":{\"ProductId\":\"P1\"},\"properties\":["
    "{\"id\":\"b\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\"}},"
    "{\"id\":\"i\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"-180\",\"max\":"
    "\"4300000000\",\"start\":\"1\",\"unitDesc\":\"x\"}},"
    "{\"id\":\"f\",\"mode\":\"r\",\"define\":{\"type\":\"float\",\"min\":\"0.0\",\"max\":\"24.5\"}}"
    ","
    "{\"id\":\"s\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"1\",\"max\":\"4\"}},"
    "{\"id\":\"e\",\"mode\":\"rw\",\"define\":{\"type\":\"enum\",\"mapping\":{\"0\":\"Red\","
    "\"2\":\"Blue\"}}},"
    "{\"id\":\"se\",\"mode\":\"rw\",\"define\":{\"type\":\"stringenum\",\"mapping\":"
    "{\"lo\":\"Low\"}}},"
    "{\"id\":\"t\",\"mode\":\"r\",\"define\":{\"type\":\"timestamp\"}},"
    "{\"id\":\"st\",\"mode\":\"rw\",\"define\":{\"type\":\"struct\",\"specs\":["
    "{\"id\":\"a\",\"dataType\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}},"
    "{\"id\":\"n\",\"dataType\":{\"type\":\"string\",\"min\":\"0\",\"max\":\"3\"}}]}},"
    "{\"id\":\"ai\",\"mode\":\"rw\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"int\",\"min\":\"0\",\"max\":\"9\"}}},"
    "{\"id\":\"as\",\"mode\":\"rw\",\"define\":{\"type\":\"array\",\"arrayInfo\":"
    "{\"type\":\"struct\",\"specs\":[{\"id\":\"m\",\"dataType\":{\"type\":\"bool\"}}]}}}],"
    "\"events\":[{\"id\":\"low\",\"type\":\"alert\",\"params\":[{\"id\":\"v\",\"define\":"
    "{\"type\":\"float\",\"min\":\"0\",\"max\":\"24\"}}]}],"
    "\"actions\":[{\"id\":\"go\",\"input\":[{\"id\":\"n\",\"define\":{\"type\":\"int\",\"min\":"
    "\"0\",\"max\":\"9\"}}],\"output\":[{\"id\":\"ok\",\"define\":{\"type\":\"bool\"}}]}]}";

static struct model *load(void)
{
    json_t *doc = json_loads(document, 0, NULL);
    struct model *m = NULL;
    char *error = NULL;

    CHECK_INT(model_new(&m, doc, &error), 0);
    if (error)
        suite_fail(__FILE__, __LINE__, "%s", error);
    free(error);
    json_decref(doc);
    return m;
}

static json_t *json(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);

    if (!v)
        suite_fail(__FILE__, __LINE__, "bad JSON in the test: %s", text);
    return v;
}

static void test_values(void)
{
    static const struct {
        const char *params;
        int code;
    } cases[] = {
        {"{}", 0},
        {"{\"b\":0}", 0},
        {"{\"b\":1}", 0},
        {"{\"b\":2}", 406},
        {"{\"b\":true}", 406},
        {"{\"b\":\"1\"}", 406},
        {"{\"b\":1.0}", 406},
        {"{\"b\":null}", 406},
        {"{\"i\":-180}", 0},
        {"{\"i\":-181}", 406},
        {"{\"i\":4300000000}", 0},
        {"{\"i\":4300000001}", 406},
        {"{\"i\":1.0}", 406},
        {"{\"f\":24.5}", 0},
        {"{\"f\":24}", 0},
        {"{\"f\":24.51}", 406},
        {"{\"f\":-0.1}", 406},
        {"{\"f\":\"1\"}", 406},
        {"{\"s\":\"abcd\"}", 0},
        {"{\"s\":\"\"}", 406},
        {"{\"s\":\"abcde\"}", 406},
        {"{\"s\":\"\xc3\xa9\xc3\xa9\"}", 0},
        {"{\"s\":\"\xc3\xa9\xc3\xa9z\"}", 406}, /* 5 bytes */
        {"{\"s\":7}", 406},
        {"{\"e\":2}", 0},
        {"{\"e\":1}", 406},
        {"{\"e\":\"2\"}", 406},
        {"{\"se\":\"lo\"}", 0},
        {"{\"se\":\"Low\"}", 406},
        {"{\"se\":0}", 406},
        {"{\"t\":1700000000}", 0},
        {"{\"t\":-1}", 406},
        {"{\"t\":1.5}", 406},
        {"{\"st\":{\"a\":1,\"n\":\"x\"}}", 0},
        {"{\"st\":{\"a\":1}}", 0},
        {"{\"st\":{\"a\":10}}", 406},
        {"{\"st\":{\"z\":1}}", 406},
        {"{\"st\":[]}", 406},
        {"{\"ai\":[1,2,9]}", 0},
        {"{\"ai\":[]}", 0},
        {"{\"ai\":[1,10]}", 406},
        {"{\"ai\":{\"0\":1}}", 406},
        {"{\"as\":[{\"m\":1},{\"m\":0}]}", 0},
        {"{\"as\":[{\"m\":1},{\"m\":2}]}", 406},
        {"{\"as\":[1]}", 406},
        {"{\"x\":1}", 403},
        {"{\"b\":1,\"x\":1}", 403},
        {"[]", 406},
    };
    struct model *m = load();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct model_verdict v;
        json_t *params = json(cases[i].params);

        model_check_properties(m, params, false, &v);
        if ((int) v.code != cases[i].code)
            suite_fail(__FILE__, __LINE__, "%s: %d %s", cases[i].params, (int) v.code, v.text);
        json_decref(params);
    }
    model_free(m);
}

static void test_modes(void)
{
    struct model *m = load();
    struct model_verdict v;
    json_t *params = json("{\"f\":1}");

    model_check_properties(m, params, false, &v);
    CHECK_INT(v.code, 0);
    CHECK_STR(v.text, "success");
    model_check_properties(m, params, true, &v);
    CHECK_INT(v.code, 406);
    CHECK_STR(v.text, "f: is read only");
    CHECK(model_has_property(m, "f"));
    CHECK(!model_has_property(m, "low"));
    model_check_properties(m, NULL, false, &v);
    CHECK_INT(v.code, 406);
    json_decref(params);
    model_free(m);
}

static void test_events_and_actions(void)
{
    struct model *m = load();
    struct model_verdict v;
    json_t *good = json("{\"v\":3}"), *bad = json("{\"v\":25}"), *empty = json("{}");
    json_t *input = json("{\"n\":3}"), *output = json("{\"ok\":1}");

    model_check_event(m, "low", "alert", good, &v);
    CHECK_INT(v.code, 0);
    model_check_event(m, "low", "alert", empty, &v);
    CHECK_INT(v.code, 0);
    model_check_event(m, "low", "info", good, &v);
    CHECK_INT(v.code, 406);
    model_check_event(m, "low", "alert", bad, &v);
    CHECK_INT(v.code, 406);
    model_check_event(m, "low", "alert", NULL, &v);
    CHECK_INT(v.code, 406);
    model_check_event(m, "low", "alert", input, &v); /* a parameter that is not there */
    CHECK_INT(v.code, 403);
    model_check_event(m, "b", "alert", good, &v); /* a property is no event */
    CHECK_INT(v.code, 403);
    CHECK_STR(model_event_type(m, "low"), "alert");
    CHECK(!model_event_type(m, "high"));

    model_check_action_input(m, "go", input, &v);
    CHECK_INT(v.code, 0);
    model_check_action_input(m, "go", empty, &v); /* every input is needed */
    CHECK_INT(v.code, 406);
    model_check_action_input(m, "stop", input, &v);
    CHECK_INT(v.code, 403);
    model_check_action_output(m, "go", output, &v);
    CHECK_INT(v.code, 0);
    model_check_action_output(m, "go", empty, &v);
    CHECK_INT(v.code, 0);
    model_check_action_output(m, "go", good, &v);
    CHECK_INT(v.code, 403);

    json_decref(good);
    json_decref(bad);
    json_decref(empty);
    json_decref(input);
    json_decref(output);
    model_free(m);
}

/* The vendor's C client sends arrays of events and outputs as text, those of properties not. */
static void test_quoted_arrays(void)
{
    static const char text[] =
        "{\"properties\":[{\"id\":\"p\",\"mode\":\"rw\",\"define\":{\"type\":\"array\","
        "\"arrayInfo\":{\"type\":\"int\",\"max\":\"9\"}}}],"
        "\"events\":[{\"id\":\"e\",\"type\":\"info\",\"params\":[{\"id\":\"p\",\"define\":{"
        "\"type\":"
        "\"array\",\"arrayInfo\":{\"type\":\"int\",\"max\":\"9\"}}}]}],"
        "\"actions\":[{\"id\":\"a\",\"input\":[],\"output\":[{\"id\":\"p\",\"define\":{\"type\":"
        "\"array\",\"arrayInfo\":{\"type\":\"int\",\"max\":\"9\"}}}]}]}";
    json_t *doc = json(text), *good = json("{\"p\":\"[1,2]\"}"), *bad = json("{\"p\":\"[1,10]\"}"),
           *none = json("{\"p\":\"1\"}");
    struct model *m = NULL;
    char *error = NULL;
    struct model_verdict v;

    CHECK_INT(model_new(&m, doc, &error), 0);
    model_check_event(m, "e", "info", good, &v);
    CHECK_INT(v.code, 0);
    model_check_event(m, "e", "info", bad, &v);
    CHECK_INT(v.code, 406);
    model_check_event(m, "e", "info", none, &v);
    CHECK_INT(v.code, 406);
    model_check_action_output(m, "a", good, &v);
    CHECK_INT(v.code, 0);
    model_check_properties(m, good, false, &v);
    CHECK_INT(v.code, 406);
    free(error);
    model_free(m);
    json_decref(doc);
    json_decref(good);
    json_decref(bad);
    json_decref(none);
}

static void test_bad_documents(void)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"[]", "$: must be an object"},
        {"{\"properties\":{}}", "$.properties: must be a list"},
        {"{\"properties\":[{\"id\":\"1a\"}]}",
         "$.properties[0]: needs an id of at most 32 letters, digits and '_'"},
        {"{\"properties\":[{\"id\":\"a\"}]}",
         "$.properties[0].define: must be an object with a type"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"complex\"}}]}",
         "$.properties[0].define: unknown type \"complex\""},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"int\",\"min\":\"x\"}}]}",
         "$.properties[0].define.min: \"x\" is not an integer"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"int\",\"min\":[]}}]}",
         "$.properties[0].define.min: must be a number, in a string"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"int\",\"min\":\"2\",\"max\":\"1\"}}"
         "]}",
         "$.properties[0].define: min is above max"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"enum\"}}]}",
         "$.properties[0].define.mapping: the values of this enum must be an object"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"enum\",\"mapping\":{\"x\":\"\"}}}]"
         "}",
         "$.properties[0].define.mapping: \"x\" is not an integer"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"array\",\"arrayInfo\":{\"type\":"
         "\"array\"}}}]}",
         "$.properties[0].define.arrayInfo: no array inside an array"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"struct\",\"specs\":[{\"id\":\"b\","
         "\"dataType\":{\"type\":\"struct\",\"specs\":[]}}]}}]}",
         "$.properties[0].define.specs[0].dataType: no struct inside a struct"},
        {"{}", "$: has neither properties nor events nor actions"},
        {"{\"properties\":[{\"id\":\"a\",\"define\":{\"type\":\"bool\"}}]}",
         "$.properties[0]: mode must be rw or r"},
        {"{\"properties\":[{\"id\":\"a\",\"mode\":\"r\",\"required\":1,"
         "\"define\":{\"type\":\"bool\"}}]}",
         "$.properties[0]: required must be true or false"},
        {"{\"actions\":[{\"id\":\"a\"}],\"events\":[{\"id\":\"a\",\"type\":\"info\"}]}",
         "$: id \"a\" is there twice"},
        {"{\"actions\":[{\"id\":\"Ab\"}],\"events\":[{\"id\":\"aB\",\"type\":\"info\"}]}",
         "$: id \"Ab\" is there twice"},
        {"{\"events\":[{\"id\":\"a\",\"type\":\"loud\"}]}",
         "$.events[0]: type must be info, alert or fault"},
        {"{\"actions\":[{\"id\":\"a\",\"input\":[{\"id\":\"b\",\"define\":{}}]}]}",
         "$.actions[0].input[0].define: must be an object with a type"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *doc = json(cases[i].text);
        struct model *m = NULL;
        char *error = NULL;

        CHECK_INT(model_new(&m, doc, &error), -EINVAL);
        CHECK_STR(error, cases[i].error);
        CHECK(!m);
        free(error);
        json_decref(doc);
    }
}

const char *const suite_name = "localcloud-model";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {"modes", test_modes},
    {"events_and_actions", test_events_and_actions},
    {"quoted_arrays", test_quoted_arrays},
    {"bad_documents", test_bad_documents},
    {NULL, NULL},
};
