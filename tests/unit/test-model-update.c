/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another thing model takes the place of one in use. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model_update.h"
#include "daemon/json/jx.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

#define POWER "{\"id\":\"power\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\"}}"
#define LEVEL(max)                                                                                 \
    "{\"id\":\"level\",\"mode\":\"rw\",\"define\":{\"type\":\"int\",\"min\":\"0\",\"max\":\"" max  \
    "\"}}"
#define NAME                                                                                       \
    "{\"id\":\"name\",\"mode\":\"rw\",\"define\":{\"type\":\"string\",\"min\":\"0\",\"max\":"      \
    "\"2048\"}}"
#define FRESH "{\"id\":\"fresh\",\"mode\":\"r\",\"define\":{\"type\":\"bool\"}}"
#define PING(input) "{\"id\":\"ping\",\"input\":[" input "],\"output\":[]}"
#define MODEL(properties, actions)                                                                 \
    "{\"version\":\"1.0\",\"properties\":[" properties "],\"actions\":[" actions "]}"

static void change(const char *text)
{
    CLEANUP(model_freep) struct model *newer = rig_model_of(text);

    CHECK_INT(core_set_model(crig.core, newer), 0);
}

/* --- definitions --- */

static void test_differences(void)
{
    static const struct {
        const char *a, *b, *difference; /* NULL: none */
    } cases[] = {
        {LEVEL("9"), LEVEL("9"), NULL},
        {LEVEL("9"), LEVEL("10"), "define.max is \"9\", not \"10\""},
        {LEVEL("9"), POWER, "id is \"level\", not \"power\""},
        {"{\"id\":\"a\",\"name\":\"A\",\"desc\":\"x\"}", "{\"desc\":\"y\",\"id\":\"a\"}", NULL},
        {"{\"a\":1}", "{}", "a is 1, not missing"},
        {"{}", "{\"a\":[1]}", "a is missing, not [1]"},
        {"{\"p\":[{\"id\":\"x\"}]}", "{\"p\":[{\"id\":\"y\"}]}", "p.[0].id is \"x\", not \"y\""},
        {"{\"p\":[1]}", "{\"p\":[1,2]}", "p is [1], not [1,2]"},
        {"{\"mapping\":{\"0\":\"a\"}}", "{\"mapping\":{\"0\":\"b\"}}", NULL},
        {"{\"mapping\":{\"name\":\"a\"}}", "{\"mapping\":{}}",
         "mapping.name is \"a\", not missing"},
        {"{\"name\":1}", "{\"name\":2}", "name is 1, not 2"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(jx_decrefp) json_t *a = json_loads(cases[i].a, 0, NULL);
        CLEANUP(jx_decrefp) json_t *b = json_loads(cases[i].b, 0, NULL);
        char difference[MODEL_DIFFERENCE] = "";

        CHECK_INT(model_same_definition(a, b, difference), cases[i].difference == NULL);
        CHECK_STR(difference, cases[i].difference ? cases[i].difference : "");
    }
}

/* What differs may be as long as it likes. */
static void test_long_difference(void)
{
    CLEANUP(jx_decrefp) json_t *a = json_object();
    CLEANUP(jx_decrefp) json_t *b = json_object();
    char difference[MODEL_DIFFERENCE], key[300], text[900] = "";

    memset(key, 'k', sizeof(key));
    key[sizeof(key) - 1] = '\0';
    while (strlen(text) + 4 < sizeof(text))
        strcat(text, "书");
    (void) json_object_set_new(a, key, json_string(text));
    (void) json_object_set_new(b, key, json_array());
    CHECK(!model_same_definition(a, b, difference));
    CHECK(strncmp(difference, "kkkkkkkk", 8) == 0);
    CHECK(strlen(difference) < MODEL_DIFFERENCE);
}

/* --- places --- */

static void test_places(void)
{
    crig_begin();
    change(MODEL(FRESH "," LEVEL("9") "," POWER, ""));
    CHECK_INT(model_find_property(crig.model, "power"), P_POWER);
    CHECK_INT(model_find_property(crig.model, "level"), P_LEVEL);
    CHECK_INT(model_find_property(crig.model, "name"), -ENOENT);
    CHECK_INT(model_find_property(crig.model, "fresh"), P_SINCE + 1);
    CHECK(crig.model->properties[P_LEVEL].writable);
    CHECK(!crig.model->properties[P_SINCE + 1].writable);
    CHECK_INT(model_find_event(crig.model, "low"), -ENOENT);
    CHECK_INT(model_find_action(crig.model, "unlock"), -ENOENT);
    change(rig_model_text);
    CHECK_STR(crig.model->text, rig_model_text);
    CHECK_INT(model_find_property(crig.model, "name"), P_NAME);
    CHECK_INT(model_find_property(crig.model, "fresh"), -ENOENT);
    CHECK_INT(model_find_event(crig.model, "low"), E_LOW);
    CHECK_INT(model_find_action(crig.model, "unlock"), A_UNLOCK);
    CHECK_INT(crig.model->n_properties, P_SINCE + 2);
    crig_end();
}

static char *many(unsigned first, unsigned n)
{
    struct strbuf sb;
    char *text = NULL;

    strbuf_init(&sb, LIMIT_MODEL_FILE);
    strbuf_adds(&sb, "{\"version\":\"1.0\",\"properties\":[");
    for (unsigned i = 0; i < n; i++)
        strbuf_addf(&sb,
                    "%s{\"id\":\"p%u\",\"mode\":\"r\",\"define\":{\"type\":\"int\",\"min\":\"0\","
                    "\"max\":\"9\"}}",
                    i ? "," : "", first + i);
    strbuf_adds(&sb, "]}");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    return text;
}

/* What came and went is bounded; what is refused changes nothing. */
static void test_bound(void)
{
    CLEANUP(freep) char *first = many(0, LIMIT_MODEL_IDS);
    CLEANUP(freep) char *second = many(LIMIT_MODEL_IDS, LIMIT_MODEL_IDS);
    CLEANUP(model_freep) struct model *third = NULL;

    crig_begin_with(MODEL("", ""));
    change(first);
    change(second);
    change(first);
    third = rig_model_of(MODEL(POWER, ""));
    CHECK_INT(core_set_model(crig.core, third), -E2BIG);
    CHECK_STR(crig.model->text, first);
    CHECK_INT(model_find_property(crig.model, "p0"), 0);
    CHECK_INT(model_find_property(crig.model, "power"), -ENOENT);
    crig_end();
}

/* --- what programs hold --- */

static void test_owners(void)
{
    crig_begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "name");
    crig_serve(crig.door, FEATURE_ACTION, "ping");
    CHECK_INT(crig.lamp->n_ids, 2);
    change(MODEL(FRESH "," LEVEL("9"), PING("")));
    CHECK_INT(crig.lamp->n_ids, 1);
    CHECK(owners_get(&crig.core->owners, FEATURE_PROPERTY, P_LEVEL)->client == crig.lamp);
    CHECK(owners_get(&crig.core->owners, FEATURE_PROPERTY, P_NAME) == NULL);
    CHECK(owners_get(&crig.core->owners, FEATURE_ACTION, A_PING)->client == crig.door);
    crig_serve(crig.door, FEATURE_PROPERTY, "fresh");
    change(rig_model_text);
    CHECK(owners_get(&crig.core->owners, FEATURE_PROPERTY, P_NAME) == NULL);
    CHECK_INT(crig.door->n_ids, 1);
    crig_end();
}

static void call(const char *token, const char *id, const char *params)
{
    CLEANUP(jx_decrefp) json_t *json = json_loads(params, 0, NULL);

    calls_on_action(&crig.core->calls, token, 0, id, json);
}

static void control(const char *token, const char *params)
{
    CLEANUP(jx_decrefp) json_t *json = json_loads(params, 0, NULL);

    calls_on_control(&crig.core->calls, token, 0, json);
}

static const struct answer *answer_of(const char *token)
{
    const struct answers *as = &crig.core->calls.answers;

    for (size_t i = 0; i < ARRAY_SIZE(as->ring); i++) {
        if (strcmp(as->ring[i].token, token) == 0)
            return &as->ring[i];
    }
    return NULL;
}

static void check_answer(const char *token, int code)
{
    const struct answer *a = answer_of(token);

    CHECK(a && a->state != ANSWER_PENDING);
    CHECK_INT(a ? a->code : -1, code);
}

/* Commands for ids that stay go on, in their new place; the others are answered. */
static void test_calls(void)
{
    crig_begin();
    rig_connect(rig, true);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "name");
    crig_serve(crig.door, FEATURE_ACTION, "ping");
    crig_serve(crig.door, FEATURE_ACTION, "unlock");
    call("ping", "ping", "{}");
    call("unlock", "unlock", "{\"open\":1,\"user\":\"me\"}");
    control("level", "{\"level\":5}");
    control("name", "{\"name\":\"x\"}");
    CHECK_INT(crig.n_parts, 4);
    change(MODEL(FRESH "," LEVEL("9") "," NAME, PING("")));
    CHECK_INT(crig.n_cancelled, 2);
    check_answer("unlock", 403);
    check_answer("level", 403);
    CHECK_INT(crig.n_parts, 2);
    CHECK_STR(call_action(crig.parts[0]->call)->id, "ping");
    change(MODEL(FRESH "," NAME, PING("{\"id\":\"a\",\"define\":{\"type\":\"bool\"}}")));
    check_answer("ping", 403);
    crig_answer(0, 0, "", NULL);
    check_answer("name", 0);
    CHECK_STR(crig.core->props.all[P_NAME].value.s, "x");
    crig_end();
}

/* A report of what went, not sent yet, comes to its end. */
static void test_reports(void)
{
    struct prop_update u = {.index = P_NAME, .value = {.kind = VALUE_INT, .i = 7}};
    uint64_t level = 0, temp = 0;

    crig_begin();
    u.index = P_LEVEL;
    CHECK_INT(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &level), 0);
    u = (struct prop_update){.index = P_TEMP, .value = {.kind = VALUE_FLOAT, .d = 1.5}};
    CHECK_INT(reports_submit(&crig.core->reports, ":1.1", &u, 1, 0, NULL, NULL, &temp), 0);
    change(MODEL(LEVEL("9"), ""));
    CHECK(crig_end_of(level) == NULL);
    CHECK_INT(crig.core->reports.n_dirty, 1);
    change(MODEL(LEVEL("6"), ""));
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(crig_end_of(level)->code, 403);
    CHECK_INT(crig_end_of(temp)->code, 403);
    change(rig_model_text);
    CHECK(crig.core->props.all[P_TEMP].value.d == 1.5);
    crig_end();
}

const char *const suite_name = "model-update";
const struct suite_test suite_tests[] = {
    {"differences", test_differences}, {"long_difference", test_long_difference},
    {"places", test_places},           {"bound", test_bound},
    {"owners", test_owners},           {"calls", test_calls},
    {"reports", test_reports},         {NULL, NULL},
};
