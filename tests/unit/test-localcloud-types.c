/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local cloud's verdicts on the table of types. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/model.h"
#include "tests/lib/suite.h"
#include "tests/lib/types-table.h"

static struct model *load(void)
{
    const char *srcdir = getenv("IOTD_SRCDIR");
    struct model *m = NULL;
    char path[512], *error = NULL;
    json_t *doc;

    (void) snprintf(path, sizeof(path), "%s/tests/data/types.json", srcdir ? srcdir : ".");
    doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    CHECK(doc);
    CHECK_INT(model_new(&m, doc, &error), 0);
    json_decref(doc);
    free(error);
    return m;
}

static void check(const struct model *m, const struct types_value *c, const char *json, int code)
{
    CLEANUP(freep) char *text = types_json(json);
    json_t *params = json_pack("{s:o}", c->id, json_loads(text, JSON_DECODE_ANY, NULL));
    struct model_verdict v;

    model_check_properties(m, params, true, &v);
    if ((int) v.code != code)
        suite_fail(__FILE__, __LINE__, "%s %.60s: %d (%s), wanted %d", c->id, json, (int) v.code,
                   v.text, code);
    json_decref(params);
}

static void test_values(void)
{
    CLEANUP(model_freep) struct model *m = load();

    for (size_t i = 0; m && i < types_n_values; i++) {
        check(m, &types_values[i], types_values[i].json, types_values[i].code);
        if (types_values[i].becomes)
            check(m, &types_values[i], types_values[i].becomes, 0);
    }
}

static void test_defines(void)
{
    for (size_t i = 0; i < types_n_defines; i++) {
        CLEANUP(freep) char *text = types_model(types_defines[i].json), *error = NULL;
        json_t *doc = json_loads(text, 0, NULL);
        struct model *m = NULL;
        int r = model_new(&m, doc, &error);

        CHECK_INT(r, types_defines[i].good ? 0 : -EINVAL);
        if ((r == 0) != types_defines[i].good)
            suite_fail(__FILE__, __LINE__, "%s: %d %s", types_defines[i].json, r,
                       error ? error : "");
        json_decref(doc);
        model_free(m);
    }
}

const char *const suite_name = "localcloud-types";
const struct suite_test suite_tests[] = {
    {"values", test_values},
    {"defines", test_defines},
    {NULL, NULL},
};
