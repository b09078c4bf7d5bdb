/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd in a model file, but does not keep it from being used. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/model.h"

/* The console's forms accept no more (console guide), characters; files of the platform have. */
#define NAME_MAX_CHARS 20
#define DESC_MAX_CHARS 80
#define VALUE_TEXT_MAX_CHARS 12

struct lint {
    model_mistake_fn on_warning;
    void *userdata;
    char path[256];
};

/* Kinds of objects in the file. */
enum kind {
    LEAF,
    ROOT,
    PROFILE,
    PROPERTY,
    EVENT,
    ACTION,
    PARAM,
    MEMBER,
    DEFINE,
    MAPPING,
};

#define ANY_TYPE 0U
#define OF(type) (1U << (type))
#define NUMBERS (OF(THING_INT) | OF(THING_FLOAT))

/* Which object may have which key, and what is below it. */
static const struct row {
    enum kind parent;
    const char *key;
    enum kind child;
    unsigned types; /* of a definition that may have it */
} rows[] = {
    {ROOT, "version", LEAF, ANY_TYPE},
    {ROOT, "profile", PROFILE, ANY_TYPE},
    {ROOT, "properties", PROPERTY, ANY_TYPE},
    {ROOT, "events", EVENT, ANY_TYPE},
    {ROOT, "actions", ACTION, ANY_TYPE},
    {PROFILE, "ProductId", LEAF, ANY_TYPE},
    {PROFILE, "CategoryId", LEAF, ANY_TYPE},
    {PROPERTY, "id", LEAF, ANY_TYPE},
    {PROPERTY, "name", LEAF, ANY_TYPE},
    {PROPERTY, "desc", LEAF, ANY_TYPE},
    {PROPERTY, "required", LEAF, ANY_TYPE},
    {PROPERTY, "mode", LEAF, ANY_TYPE},
    {PROPERTY, "define", DEFINE, ANY_TYPE},
    {EVENT, "id", LEAF, ANY_TYPE},
    {EVENT, "name", LEAF, ANY_TYPE},
    {EVENT, "desc", LEAF, ANY_TYPE},
    {EVENT, "type", LEAF, ANY_TYPE},
    {EVENT, "required", LEAF, ANY_TYPE},
    {EVENT, "params", PARAM, ANY_TYPE},
    {ACTION, "id", LEAF, ANY_TYPE},
    {ACTION, "name", LEAF, ANY_TYPE},
    {ACTION, "desc", LEAF, ANY_TYPE},
    {ACTION, "required", LEAF, ANY_TYPE},
    {ACTION, "input", PARAM, ANY_TYPE},
    {ACTION, "output", PARAM, ANY_TYPE},
    {PARAM, "id", LEAF, ANY_TYPE},
    {PARAM, "name", LEAF, ANY_TYPE},
    {PARAM, "desc", LEAF, ANY_TYPE},
    {PARAM, "define", DEFINE, ANY_TYPE},
    {MEMBER, "id", LEAF, ANY_TYPE},
    {MEMBER, "name", LEAF, ANY_TYPE},
    {MEMBER, "desc", LEAF, ANY_TYPE},
    {MEMBER, "dataType", DEFINE, ANY_TYPE},
    {DEFINE, "type", LEAF, ANY_TYPE},
    {DEFINE, "unit", LEAF, NUMBERS},
    {DEFINE, "unitDesc", LEAF, NUMBERS},
    {DEFINE, "start", LEAF, NUMBERS},
    {DEFINE, "step", LEAF, NUMBERS},
    {DEFINE, "min", LEAF, NUMBERS | OF(THING_STRING)},
    {DEFINE, "max", LEAF, NUMBERS | OF(THING_STRING)},
    {DEFINE, "mapping", MAPPING, OF(THING_BOOL) | OF(THING_ENUM) | OF(THING_STRINGENUM)},
    {DEFINE, "specs", MEMBER, OF(THING_STRUCT)},
    {DEFINE, "arrayInfo", DEFINE, OF(THING_ARRAY)},
};

PRINTF_LIKE(3, 4)
static void warn(struct lint *l, const char *key, const char *fmt, ...)
{
    char path[320], text[160];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void) snprintf(path, sizeof(path), "%s%s%.60s", l->path, *key && *l->path ? "." : "", key);
    l->on_warning(path, text, l->userdata);
}

static size_t count_chars(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char) *text & 0xc0) != 0x80;
    return n;
}

static void check_length(struct lint *l, const char *key, const json_t *text, size_t max)
{
    if (json_is_string(text) && count_chars(json_string_value(text)) > max)
        warn(l, key, "is longer than the %zu characters that the console takes", max);
}

static void check_texts(struct lint *l, enum kind kind, json_t *object)
{
    const char *id = jx_string_or(object, "id", "");

    check_length(l, "name", json_object_get(object, "name"), NAME_MAX_CHARS);
    check_length(l, "desc", json_object_get(object, "desc"), DESC_MAX_CHARS);
    if (!json_object_get(object, "name"))
        warn(l, "", "has no name; the console wants one");
    if (kind <= ACTION && id[0] == '_' && !model_is_platform_id(id))
        warn(l, "id", "ids that start with \"_\" are the platform's");
}

static const struct row *find_row(enum kind parent, const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].parent == parent && strcmp(rows[i].key, key) == 0)
            return &rows[i];
    }
    return NULL;
}

static void check_object(struct lint *l, enum kind kind, json_t *object);

/* An object, or each one of a list. */
static void check_child(struct lint *l, const char *key, enum kind kind, json_t *json)
{
    size_t len = strlen(l->path);

    for (size_t i = 0; i < (json_is_array(json) ? json_array_size(json) : 1); i++) {
        json_t *one = json_is_array(json) ? json_array_get(json, i) : json;
        char *end = l->path + len;
        size_t left = sizeof(l->path) - len;

        if (json_is_array(json))
            (void) snprintf(end, left, "%s%.60s[%zu]", len ? "." : "", key, i);
        else
            (void) snprintf(end, left, "%s%.60s", len ? "." : "", key);
        if (json_is_object(one))
            check_object(l, kind, one);
        l->path[len] = '\0';
    }
}

static void check_object(struct lint *l, enum kind kind, json_t *object)
{
    enum thing_type type = THING_TYPE_COUNT_;
    const char *key;
    json_t *value;

    if (kind == DEFINE && thing_type_parse(jx_string_or(object, "type", ""), &type) < 0)
        return; /* a mistake, told elsewhere */
    if (kind == PROPERTY || kind == EVENT || kind == ACTION || kind == PARAM || kind == MEMBER)
        check_texts(l, kind, object);
    json_object_foreach(object, key, value)
    {
        const struct row *row = find_row(kind, key);

        if (kind == MAPPING)
            check_length(l, key, value, VALUE_TEXT_MAX_CHARS);
        else if (!row)
            warn(l, key, "is not known, and ignored");
        else if (row->types && !(row->types & OF(type)))
            warn(l, key, "means nothing for the type %s, and is ignored", thing_type_name(type));
        else if (row->child != LEAF)
            check_child(l, key, row->child, value);
    }
}

int model_lint(const char *text, size_t len, model_mistake_fn on_warning, void *userdata)
{
    struct lint l = {.on_warning = on_warning, .userdata = userdata};
    CLEANUP(jx_decrefp) json_t *root = NULL;
    int r = jx_parse_object(text, len, &root, NULL);

    if (r < 0)
        return r;
    if (!json_object_get(root, "version"))
        warn(&l, "version", "is missing; the console writes \"1.0\"");
    check_object(&l, ROOT, root);
    return 0;
}
