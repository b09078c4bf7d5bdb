/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model made of what programs bring: mistakes, contradictions, bounds. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model_assemble.h"
#include "daemon/json/jx.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"
#include "tests/lib/suite.h"

#define LEVEL(max)                                                                                 \
    "{\"id\":\"level\",\"name\":\"Level\",\"mode\":\"rw\",\"define\":{\"type\":\"int\","           \
    "\"min\":\"0\",\"max\":\"" max "\"}}"
#define POWER "{\"id\":\"power\",\"mode\":\"rw\",\"define\":{\"type\":\"bool\"}}"
#define LOW "{\"id\":\"low\",\"type\":\"alert\",\"params\":[]}"
#define PING "{\"id\":\"ping\",\"input\":[],\"output\":[]}"
#define PROPERTIES(list) "{\"properties\":[" list "]}"

static struct model *model_of(const char *text)
{
    struct model *m = NULL;

    CHECK_INT(model_parse(&m, text, strlen(text), NULL, NULL, NULL), 0);
    return m;
}

/* Takes *m to the next, where there is one. */
static int bring(struct model **m, const char *text, bool may_grow, char problem[MODEL_PROBLEM])
{
    CLEANUP(jx_decrefp) json_t *brought = json_loads(text, 0, NULL);
    struct model *newer = NULL;
    int r;

    problem[0] = '\0';
    CHECK(brought != NULL);
    r = model_assemble(*m, brought, "PRODUCT1", may_grow, &newer, problem);
    if (newer) {
        model_free(*m);
        *m = newer;
    }
    return r == 0 && newer ? 1 : r;
}

static void test_assembled(void)
{
    CLEANUP(model_freep) struct model *m = model_of(MODEL_EMPTY_TEXT);
    char problem[MODEL_PROBLEM];

    CHECK_INT(bring(&m, PROPERTIES(LEVEL("9")), true, problem), 1);
    CHECK_INT(bring(&m, PROPERTIES(LEVEL("9")), true, problem), 0);
    CHECK_INT(bring(&m, PROPERTIES(LEVEL("9") "," POWER), true, problem), 1);
    CHECK_INT(bring(&m, "{\"events\":[" LOW "],\"actions\":[" PING "]}", true, problem), 1);
    CHECK_INT(bring(&m, "{\"actions\":[]}", true, problem), 0);
    CHECK_STR(m->text, "{\"version\":\"1.0\",\"properties\":[" LEVEL(
                           "9") "," POWER "],\"events\":[" LOW "],\"actions\":[" PING "]}");
    CHECK_INT(model_find_property(m, "power"), 1);
    CHECK_INT(model_find_event(m, "low"), 0);
    CHECK_INT(model_find_action(m, "ping"), 0);
}

static void test_refused(void)
{
    static const struct {
        const char *text;
        int result;
        const char *problem;
    } cases[] = {
        {PROPERTIES(LEVEL("8")), -ECONNREFUSED,
         "level is defined otherwise: define.max is \"9\", not \"8\""},
        {PROPERTIES(POWER "," LEVEL("x")), -EINVAL, "level.define.max: "},
        {PROPERTIES(POWER "," POWER), -EINVAL, "power.id: "},
        {"{\"events\":[{\"id\":\"level\",\"type\":\"info\",\"params\":[]}]}", -EINVAL,
         "level.id: \"level\" is the id of properties[0], too"},
        {PROPERTIES("{\"id\":\"Level\",\"mode\":\"r\",\"define\":{\"type\":\"bool\"}}"), -EINVAL,
         "Level.id: \"Level\" and \"level\" of properties[0] differ in case only"},
        {PROPERTIES("1"), -EINVAL, "properties[0]: must be an object"},
        {"{}", -EINVAL, "has neither properties nor events nor actions"},
        {"{\"profile\":{\"ProductId\":\"OTHER\"},\"actions\":[]}", -EINVAL, "profile.ProductId: "},
    };
    CLEANUP(model_freep) struct model *m = model_of(PROPERTIES(LEVEL("9")));
    char problem[MODEL_PROBLEM];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CHECK_INT(bring(&m, cases[i].text, true, problem), cases[i].result);
        problem[strlen(cases[i].problem)] = '\0';
        CHECK_STR(problem, cases[i].problem);
    }
    CHECK_STR(m->text, PROPERTIES(LEVEL("9")));
}

/* With a file only what agrees. */
static void test_fixed(void)
{
    CLEANUP(model_freep) struct model *m = model_of(PROPERTIES(LEVEL("9")));
    char problem[MODEL_PROBLEM];

    CHECK_INT(bring(&m, PROPERTIES(LEVEL("9")), false, problem), 0);
    CHECK_INT(bring(&m, "{\"events\":[" LOW "]}", false, problem), -ECONNREFUSED);
    CHECK_STR(problem, "low is not in the file of the thing model");
    CHECK_INT(bring(&m, PROPERTIES(LEVEL("8")), false, problem), -ECONNREFUSED);
}

static char *many(unsigned first, unsigned n, unsigned desc)
{
    struct strbuf sb;
    char *text = NULL;

    strbuf_init(&sb, 4 * LIMIT_MODEL_FILE);
    strbuf_adds(&sb, "{\"properties\":[");
    for (unsigned i = 0; i < n; i++)
        strbuf_addf(&sb,
                    "%s{\"id\":\"p%u\",\"desc\":\"%*s\",\"mode\":\"r\",\"define\":"
                    "{\"type\":\"bool\"}}",
                    i ? "," : "", first + i, (int) desc, "x");
    strbuf_adds(&sb, "]}");
    CHECK_INT(strbuf_finish(&sb, &text), 0);
    return text;
}

static void test_bounds(void)
{
    CLEANUP(model_freep) struct model *m = model_of(MODEL_EMPTY_TEXT);
    CLEANUP(freep) char *all = many(0, LIMIT_MODEL_IDS, 1);
    CLEANUP(freep) char *big = many(0, 16, 48 * 1024);
    CLEANUP(freep) char *more = many(16, 16, 48 * 1024);
    char problem[MODEL_PROBLEM];

    CHECK_INT(bring(&m, big, true, problem), 1);
    CHECK_INT(bring(&m, more, true, problem), -EINVAL);
    CHECK_STR(problem, "the thing model is larger than 1048576 bytes");
    model_free(m);
    m = model_of(MODEL_EMPTY_TEXT);
    CHECK_INT(bring(&m, all, true, problem), 1);
    CHECK_INT(bring(&m, PROPERTIES(LEVEL("9")), true, problem), -EINVAL);
    CHECK(strstr(problem, "has more than 2048") != NULL);
    CHECK_INT(m->n_properties, LIMIT_MODEL_IDS);
}

const char *const suite_name = "model-assemble";
const struct suite_test suite_tests[] = {
    {"assembled", test_assembled},
    {"refused", test_refused},
    {"fixed", test_fixed},
    {"bounds", test_bounds},
    {NULL, NULL},
};
