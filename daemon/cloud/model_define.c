/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layouts of "define", "dataType" and "arrayInfo". */

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/model_reader.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"

/* Whole doubles up to 2^53 are exact. */
#define EXACT_WHOLE 9007199254740992.0

static int get_double(const json_t *v, double *ret_value)
{
    if (json_is_number(v)) {
        *ret_value = json_number_value(v);
        return 0;
    }
    return json_is_string(v) ? num_parse_double(json_string_value(v), ret_value) : -EPROTOTYPE;
}

/*
 * A limit: text as the console writes it, or a number as people do; "10.0" is seen for integers.
 * Missing keeps *value.
 */
static bool read_int(struct model_reader *rd, const json_t *def, const char *key, int64_t *value)
{
    int r = jx_get_number_or_text(def, key, value);
    double d;

    if (r == -EPROTOTYPE && get_double(json_object_get(def, key), &d) == 0 && d >= -EXACT_WHOLE &&
        d <= EXACT_WHOLE && (double) (int64_t) d == d) {
        *value = (int64_t) d;
        r = 0;
    }
    if (r < 0 && r != -ENOENT)
        model_reader_mistake(rd, key, "must be a whole number within 64 bits");
    return r == 0;
}

static bool read_float(struct model_reader *rd, const json_t *def, const char *key, double *value)
{
    const json_t *v = json_object_get(def, key);

    if (!v)
        return false;
    if (get_double(v, value) == 0)
        return true;
    model_reader_mistake(rd, key, "must be a number");
    return false;
}

/* "start" is what a new device shows, "step" the width of a slider: neither limits values. */
static void read_int_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    int64_t start, step;

    d->i.min = INT64_MIN;
    d->i.max = INT64_MAX;
    (void) read_int(rd, def, "min", &d->i.min);
    (void) read_int(rd, def, "max", &d->i.max);
    if (d->i.min > d->i.max)
        model_reader_mistake(rd, "max", "is below min");
    else if (read_int(rd, def, "start", &start) && (start < d->i.min || start > d->i.max))
        model_reader_mistake(rd, "start", "is not within min to max");
    if (read_int(rd, def, "step", &step) && step < 0)
        model_reader_mistake(rd, "step", "is negative");
}

static void read_float_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    double start, step;

    d->f.min = -DBL_MAX;
    d->f.max = DBL_MAX;
    (void) read_float(rd, def, "min", &d->f.min);
    (void) read_float(rd, def, "max", &d->f.max);
    if (d->f.min > d->f.max)
        model_reader_mistake(rd, "max", "is below min");
    else if (read_float(rd, def, "start", &start) && (start < d->f.min || start > d->f.max))
        model_reader_mistake(rd, "start", "is not within min to max");
    if (read_float(rd, def, "step", &step) && step < 0)
        model_reader_mistake(rd, "step", "is negative");
}

static void read_string_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    int64_t min = 0, max = LIMIT_STRING_VALUE;

    (void) read_int(rd, def, "min", &min);
    (void) read_int(rd, def, "max", &max);
    if (min < 0 || min > max)
        model_reader_mistake(rd, "min", "must be from 0 to max");
    else if (max > LIMIT_STRING_VALUE)
        model_reader_mistake(rd, "max", "is above %d, the platform's limit", LIMIT_STRING_VALUE);
    d->s.min = (size_t) min;
    d->s.max = (size_t) max;
}

static void read_bool_define(struct model_reader *rd, const json_t *def)
{
    json_t *mapping, *text;
    const char *key;
    size_t len;
    int r = jx_get_object(def, "mapping", &mapping);

    if (r == -EPROTOTYPE)
        model_reader_mistake(rd, "mapping", "must be an object");
    if (r < 0)
        return;
    len = model_reader_push(rd, ".mapping");
    json_object_foreach(mapping, key, text)
    {
        if (strcmp(key, "0") != 0 && strcmp(key, "1") != 0)
            model_reader_mistake(rd, key, "is neither \"0\" nor \"1\"");
        else if (!json_is_string(text))
            model_reader_mistake(rd, key, "must have a text");
    }
    model_reader_pop(rd, len);
}

/* The mapping of an enum or stringenum, or NULL after telling why not. */
static json_t *get_mapping(struct model_reader *rd, const json_t *def)
{
    json_t *mapping;

    if (jx_get_object(def, "mapping", &mapping) < 0 || json_object_size(mapping) == 0) {
        model_reader_mistake(rd, "mapping", "must be an object with at least one value");
        return NULL;
    }
    if (json_object_size(mapping) > LIMIT_ENUM_VALUES) {
        model_reader_mistake(rd, "mapping", "has more than %d values", LIMIT_ENUM_VALUES);
        return NULL;
    }
    return mapping;
}

static int compare_i64(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void read_enum_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    json_t *mapping = get_mapping(rd, def), *text;
    const char *key;
    size_t len;

    if (!mapping)
        return;
    d->e.keys = calloc(json_object_size(mapping), sizeof(*d->e.keys));
    if (!d->e.keys) {
        rd->no_memory = true;
        return;
    }
    len = model_reader_push(rd, ".mapping");
    json_object_foreach(mapping, key, text)
    {
        if (num_parse_i64(key, &d->e.keys[d->e.n_keys]) < 0)
            model_reader_mistake(rd, key, "must be a whole number");
        else if (!json_is_string(text))
            model_reader_mistake(rd, key, "must have a text");
        else
            d->e.n_keys++;
    }
    model_reader_pop(rd, len);
    qsort(d->e.keys, d->e.n_keys, sizeof(*d->e.keys), compare_i64);
    for (size_t i = 1; i < d->e.n_keys; i++) {
        if (d->e.keys[i - 1] == d->e.keys[i]) /* "1" and "01" */
            model_reader_mistake(rd, "mapping", "has the value %lld twice",
                                 (long long) d->e.keys[i]);
    }
}

static void read_stringenum_define(struct model_reader *rd, const json_t *def,
                                   struct thing_define *d)
{
    json_t *mapping = get_mapping(rd, def), *text;
    const char *key;
    size_t len;

    if (!mapping)
        return;
    d->se.keys = calloc(json_object_size(mapping), sizeof(*d->se.keys));
    rd->no_memory |= !d->se.keys;
    len = model_reader_push(rd, ".mapping");
    json_object_foreach(mapping, key, text)
    {
        if (!*key || strlen(key) > LIMIT_STRINGENUM_KEY)
            model_reader_mistake(rd, key, "is not 1 to %d bytes long", LIMIT_STRINGENUM_KEY);
        else if (!json_is_string(text))
            model_reader_mistake(rd, key, "must have a text");
        else if (!rd->no_memory && !(d->se.keys[d->se.n_keys++] = strdup(key)))
            rd->no_memory = true;
    }
    model_reader_pop(rd, len);
}

static void read_member(struct model_reader *rd, const json_t *item, void *slot)
{
    struct thing_member *m = slot;

    model_reader_id(rd, item, &m->id);
    model_reader_define(rd, item, "dataType", &m->define);
    if (m->define.type == THING_STRUCT || m->define.type == THING_ARRAY)
        model_reader_mistake(rd, "dataType.type", "no %s within a struct",
                             thing_type_name(m->define.type));
}

static void read_struct_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    unsigned n_mistakes = rd->n_mistakes;
    void *members = NULL;

    model_reader_list(rd, def, "specs", LIMIT_STRUCT_MEMBERS, sizeof(*d->st.members), read_member,
                      &members, &d->st.n_members);
    d->st.members = members;
    if (d->st.n_members == 0 && rd->n_mistakes == n_mistakes && !rd->no_memory)
        model_reader_mistake(rd, "specs", "must be a list of at least one member");
    for (size_t i = 1; i < d->st.n_members; i++) {
        for (size_t k = 0; d->st.members[i].id && k < i; k++) {
            if (d->st.members[k].id && strcmp(d->st.members[k].id, d->st.members[i].id) == 0)
                model_reader_mistake(rd, "specs", "has the id \"%s\" twice", d->st.members[i].id);
        }
    }
}

static void read_array_define(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    struct thing_define *e = calloc(1, sizeof(*e));
    unsigned n_mistakes = rd->n_mistakes;
    size_t len;

    d->a.element = e;
    if (!e) {
        rd->no_memory = true;
        return;
    }
    model_reader_define(rd, def, "arrayInfo", e);
    len = model_reader_push(rd, ".arrayInfo");
    if (e->type != THING_INT && e->type != THING_FLOAT && e->type != THING_STRING &&
        e->type != THING_STRUCT && rd->n_mistakes == n_mistakes)
        model_reader_mistake(rd, "type", "elements must be of type int, float, string or struct");
    model_reader_pop(rd, len);
}

static void read_layout(struct model_reader *rd, const json_t *def, struct thing_define *d)
{
    switch (d->type) {
    case THING_BOOL:
        read_bool_define(rd, def);
        break;
    case THING_INT:
        read_int_define(rd, def, d);
        break;
    case THING_FLOAT:
        read_float_define(rd, def, d);
        break;
    case THING_STRING:
        read_string_define(rd, def, d);
        break;
    case THING_ENUM:
        read_enum_define(rd, def, d);
        break;
    case THING_STRINGENUM:
        read_stringenum_define(rd, def, d);
        break;
    case THING_STRUCT:
        read_struct_define(rd, def, d);
        break;
    case THING_ARRAY:
        read_array_define(rd, def, d);
        break;
    case THING_TIMESTAMP:
    case THING_TYPE_COUNT_:
        break;
    }
}

void model_reader_define(struct model_reader *rd, const json_t *item, const char *key,
                         struct thing_define *d)
{
    const char *type;
    json_t *def;
    size_t len;

    if (jx_get_object(item, key, &def) < 0) {
        model_reader_mistake(rd, key, "must be an object");
        return;
    }
    len = model_reader_push(rd, ".%s", key);
    if (jx_get_string(def, "type", &type) < 0)
        model_reader_mistake(rd, "type", "must be a text");
    else if (thing_type_parse(type, &d->type) < 0)
        model_reader_mistake(rd, "type", "\"%.32s\" is not a type of the platform", type);
    else
        read_layout(rd, def, d);
    model_reader_pop(rd, len);
}
