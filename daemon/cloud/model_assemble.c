/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/model_assemble.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model_update.h"
#include "daemon/json/jx.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

PRINTF_LIKE(3, 4)
static int fail(char *problem, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(problem, MODEL_PROBLEM, fmt, ap);
    va_end(ap);
    utf8_trim(problem);
    return error;
}

/* --- mistakes, told with the id instead of the index --- */

struct mistake {
    const json_t *root;
    char *problem;
    bool is_told;
};

/* "properties[2].define.max" is that of the id at this place; the rest of the path, or all. */
static const char *find_id(const json_t *root, const char *path, const char **ret_id)
{
    for (int k = 0; k < MODEL_KIND_COUNT_; k++) {
        const char *key = model_kind_key((enum model_kind) k);
        size_t len = strlen(key);
        char *end;
        unsigned long i;

        if (strncmp(path, key, len) != 0 || path[len] != '[')
            continue;
        i = strtoul(path + len + 1, &end, 10);
        *ret_id = jx_string_or(json_array_get(json_object_get(root, key), i), "id", "");
        if (!**ret_id)
            break;
        return *end == ']' ? end + 1 + (end[1] == '.') : end;
    }
    return path;
}

static void on_mistake(const char *path, const char *what, void *userdata)
{
    struct mistake *m = userdata;
    const char *id = "", *rest;

    if (m->is_told)
        return;
    m->is_told = true;
    rest = find_id(m->root, path, &id);
    (void) fail(m->problem, 0, "%.32s%s%.80s%s%s", id, *id && *rest ? "." : "", rest,
                *id || *rest ? ": " : "", what);
}

static int parse(const json_t *root, const char *product_id, struct model **ret_model,
                 char *problem)
{
    CLEANUP(freep) char *text = json_dumps(root, JSON_COMPACT);
    struct mistake mistake = {.root = root, .problem = problem};
    int r;

    if (!text)
        return -ENOMEM;
    if (strlen(text) > LIMIT_MODEL_FILE)
        return fail(problem, -EINVAL, "the thing model is larger than %d bytes", LIMIT_MODEL_FILE);
    r = model_parse(ret_model, text, strlen(text), product_id, on_mistake, &mistake);
    if (r == -EINVAL && !mistake.is_told)
        (void) fail(problem, 0, "cannot be read");
    return r;
}

/* --- */

static json_t *list_of(json_t *root, enum model_kind kind)
{
    const char *key = model_kind_key(kind);
    json_t *list = json_object_get(root, key);

    if (!list && json_object_set_new(root, key, json_array()) == 0)
        list = json_object_get(root, key);
    return list;
}

/* 1 when something was added. */
static int add_list(json_t *root, enum model_kind kind, const json_t *brought, bool may_grow,
                    char *problem)
{
    CLEANUP(jx_decrefp) json_t *have = model_items_by_id(root, kind);
    json_t *to = list_of(root, kind), *item;
    int added = 0;
    size_t i;

    if (!have || !to)
        return -ENOMEM;
    json_array_foreach(json_object_get(brought, model_kind_key(kind)), i, item)
    {
        const char *id = jx_string_or(item, "id", "");
        const json_t *same = json_object_get(have, id);
        char difference[MODEL_DIFFERENCE];

        if (same && !model_same_definition(same, item, difference))
            return fail(problem, -ECONNREFUSED, "%.32s is defined otherwise: %s", id, difference);
        if (same)
            continue;
        if (!may_grow)
            return fail(problem, -ECONNREFUSED, "%.32s is not in the file of the thing model", id);
        if (json_array_append(to, item) < 0)
            return -ENOMEM;
        added = 1;
    }
    return added;
}

static int add_all(json_t *root, const json_t *brought, bool may_grow, char *problem)
{
    int added = 0;

    for (int k = 0; k < MODEL_KIND_COUNT_; k++) {
        int r = add_list(root, (enum model_kind) k, brought, may_grow, problem);

        if (r < 0)
            return r;
        added |= r;
    }
    return added;
}

int model_assemble(const struct model *m, const json_t *brought, const char *product_id,
                   bool may_grow, struct model **ret_newer, char problem[MODEL_PROBLEM])
{
    CLEANUP(model_freep) struct model *checked = NULL;
    CLEANUP(jx_decrefp) json_t *root = NULL;
    struct model *newer = NULL;
    int r;

    r = parse(brought, product_id, &checked, problem);
    if (r == 0)
        r = jx_parse_object(m->text, strlen(m->text), &root, NULL);
    if (r == 0)
        r = add_all(root, brought, may_grow, problem);
    if (r == 1)
        r = parse(root, product_id, &newer, problem);
    if (r == 0)
        *ret_newer = newer;
    return r;
}
