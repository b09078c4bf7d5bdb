/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layouts of "define", "dataType" and "arrayInfo". */

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/num.h"
#include "libiotclient/codegen/reader.h"

/* Whole doubles up to 2^53 are exact. */
#define EXACT_WHOLE 9007199254740992.0

static const char *const type_names[CG_TYPE_COUNT_] = {
    [CG_TYPE_BOOL] = "bool",
    [CG_TYPE_INT] = "int",
    [CG_TYPE_FLOAT] = "float",
    [CG_TYPE_STRING] = "string",
    [CG_TYPE_ENUM] = "enum",
    [CG_TYPE_TIMESTAMP] = "timestamp",
    [CG_TYPE_STRINGENUM] = "stringenum",
    [CG_TYPE_STRUCT] = "struct",
    [CG_TYPE_ARRAY] = "array",
};

const char *cg_type_name(enum cg_type type)
{
    return type < CG_TYPE_COUNT_ ? type_names[type] : "?";
}

static int get_double(const json_t *v, double *ret_value)
{
    if (json_is_number(v)) {
        *ret_value = json_number_value(v);
        return 0;
    }
    return json_is_string(v) ? num_parse_double(json_string_value(v), ret_value) : -EPROTOTYPE;
}

static int get_int(const json_t *v, int64_t *ret_value)
{
    double d;

    if (json_is_integer(v)) {
        *ret_value = json_integer_value(v);
        return 0;
    }
    if (json_is_string(v) && num_parse_i64(json_string_value(v), ret_value) == 0)
        return 0;
    if (get_double(v, &d) < 0 || d < -EXACT_WHOLE || d > EXACT_WHOLE || (double) (int64_t) d != d)
        return -EPROTOTYPE;
    *ret_value = (int64_t) d;
    return 0;
}

/* The text of a limit for comments. */
static const char *keep(struct cg_reader *rd, const char *text)
{
    char *copy = pool_printf(&rd->model->pool, "%s", text);

    rd->no_memory |= !copy;
    return copy;
}

/* A limit: text as the console writes it, or a number as people do. Missing keeps *value. */
static bool read_int(struct cg_reader *rd, const json_t *def, const char *key, int64_t *value,
                     const char **ret_text)
{
    const json_t *v = json_object_get(def, key);
    char *text;

    if (!v)
        return false;
    if (get_int(v, value) < 0) {
        cg_reader_mistake(rd, key, "must be a whole number within 64 bits");
        return false;
    }
    text = pool_printf(&rd->model->pool, "%lld", (long long) *value);
    rd->no_memory |= !text;
    *ret_text = text;
    return true;
}

static bool read_float(struct cg_reader *rd, const json_t *def, const char *key, double *value,
                       const char **ret_text)
{
    const json_t *v = json_object_get(def, key);
    char text[NUM_DOUBLE_TEXT];

    if (!v)
        return false;
    if (get_double(v, value) < 0) {
        cg_reader_mistake(rd, key, "must be a number");
        return false;
    }
    num_format_double(text, *value);
    *ret_text = keep(rd, text);
    return true;
}

static void read_int_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    int64_t min = INT64_MIN, max = INT64_MAX, start, step;
    const char *ignored;

    (void) read_int(rd, def, "min", &min, &f->min);
    (void) read_int(rd, def, "max", &max, &f->max);
    if (min > max)
        cg_reader_mistake(rd, "max", "is below min");
    else if (read_int(rd, def, "start", &start, &ignored) && (start < min || start > max))
        cg_reader_mistake(rd, "start", "is not within min to max");
    if (read_int(rd, def, "step", &step, &f->step) && step < 0)
        cg_reader_mistake(rd, "step", "is negative");
    f->unit = cg_reader_words(rd, def, "unit");
}

static void read_float_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    double min = -DBL_MAX, max = DBL_MAX, start, step;
    const char *ignored;

    (void) read_float(rd, def, "min", &min, &f->min);
    (void) read_float(rd, def, "max", &max, &f->max);
    if (min > max)
        cg_reader_mistake(rd, "max", "is below min");
    else if (read_float(rd, def, "start", &start, &ignored) && (start < min || start > max))
        cg_reader_mistake(rd, "start", "is not within min to max");
    if (read_float(rd, def, "step", &step, &f->step) && step < 0)
        cg_reader_mistake(rd, "step", "is negative");
    f->unit = cg_reader_words(rd, def, "unit");
}

static void read_string_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    int64_t min = 0, max = LIMIT_STRING_VALUE;

    (void) read_int(rd, def, "min", &min, &f->min);
    (void) read_int(rd, def, "max", &max, &f->max);
    if (min < 0 || min > max)
        cg_reader_mistake(rd, "min", "must be from 0 to max");
    else if (max > LIMIT_STRING_VALUE)
        cg_reader_mistake(rd, "max", "is above %d, the platform's limit", LIMIT_STRING_VALUE);
    f->max_bytes = (size_t) max;
}

/* One line of a mapping into *v, or a mistake. */
static void read_value(struct cg_reader *rd, enum cg_type type, const char *key, const json_t *text,
                       struct cg_value *v)
{
    v->key = key;
    v->text = json_string_value(text);
    if (type == CG_TYPE_ENUM && num_parse_i64(key, &v->number) < 0)
        cg_reader_mistake(rd, key, "must be a whole number");
    else if (type == CG_TYPE_BOOL && strcmp(key, "0") != 0 && strcmp(key, "1") != 0)
        cg_reader_mistake(rd, key, "is neither \"0\" nor \"1\"");
    else if (type == CG_TYPE_STRINGENUM && (!*key || strlen(key) > LIMIT_STRINGENUM_KEY))
        cg_reader_mistake(rd, key, "is not 1 to %d bytes long", LIMIT_STRINGENUM_KEY);
    else if (!json_is_string(text) || strlen(v->text) != json_string_length(text))
        cg_reader_mistake(rd, key, "must have a text");
    if (type == CG_TYPE_BOOL)
        v->number = key[0] == '1';
}

static int compare_number(const void *a, const void *b)
{
    const struct cg_value *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static void sort_enum(struct cg_reader *rd, struct cg_field *f)
{
    qsort(f->values, f->n_values, sizeof(*f->values), compare_number);
    for (size_t i = 0; i < f->n_values; i++) {
        if (i > 0 && f->values[i - 1].number == f->values[i].number) /* "1" and "01" */
            cg_reader_mistake(rd, "mapping", "has the value %lld twice",
                              (long long) f->values[i].number);
        f->is_wide |= f->values[i].number < INT_MIN || f->values[i].number > INT_MAX;
    }
}

static void read_mapping_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    json_t *mapping = json_object_get(def, "mapping"), *text;
    unsigned n_mistakes = rd->n_mistakes;
    const char *key;
    size_t len, n = json_object_size(mapping);

    if (f->type == CG_TYPE_BOOL && !mapping)
        return;
    if (!json_is_object(mapping) || (n == 0 && f->type != CG_TYPE_BOOL)) {
        cg_reader_mistake(rd, "mapping", "must be an object with at least one value");
        return;
    }
    if (n > LIMIT_ENUM_VALUES) {
        cg_reader_mistake(rd, "mapping", "has more than %d values", LIMIT_ENUM_VALUES);
        return;
    }
    f->values = pool_alloc(&rd->model->pool, n, sizeof(*f->values));
    if (!f->values) {
        rd->no_memory = true;
        return;
    }
    len = cg_reader_push(rd, ".mapping");
    json_object_foreach(mapping, key, text)
    {
        f->values[f->n_values].number = (int64_t) f->n_values;
        read_value(rd, f->type, key, text, &f->values[f->n_values++]);
    }
    cg_reader_pop(rd, len);
    if (rd->n_mistakes == n_mistakes && f->type != CG_TYPE_STRINGENUM)
        sort_enum(rd, f);
}

static void read_member(struct cg_reader *rd, const json_t *item, void *slot)
{
    struct cg_field *m = slot;

    cg_reader_names(rd, item, &m->id, &m->name, &m->desc);
    cg_reader_define(rd, item, "dataType", m);
    if (m->type == CG_TYPE_STRUCT || m->type == CG_TYPE_ARRAY)
        cg_reader_mistake(rd, "dataType.type", "no %s within a struct", cg_type_name(m->type));
}

static void read_struct_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    unsigned n_mistakes = rd->n_mistakes;

    f->members = cg_reader_list(rd, def, "specs", LIMIT_STRUCT_MEMBERS, sizeof(*f->members),
                                read_member, &f->n_members);
    if (f->n_members == 0 && rd->n_mistakes == n_mistakes)
        cg_reader_mistake(rd, "specs", "must be a list of at least one member");
    cg_reader_unique(rd, "specs", f->members, f->n_members);
}

static void read_array_define(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    unsigned n_mistakes = rd->n_mistakes;
    struct cg_field *e = pool_alloc(&rd->model->pool, 1, sizeof(*e));

    f->element = e;
    if (!e) {
        rd->no_memory = true;
        return;
    }
    e->id = e->name = e->desc = "";
    cg_reader_define(rd, def, "arrayInfo", e);
    if (e->type != CG_TYPE_INT && e->type != CG_TYPE_FLOAT && e->type != CG_TYPE_STRING &&
        e->type != CG_TYPE_STRUCT && rd->n_mistakes == n_mistakes)
        cg_reader_mistake(rd, "arrayInfo.type",
                          "elements must be of type int, float, string or struct");
}

static void read_layout(struct cg_reader *rd, const json_t *def, struct cg_field *f)
{
    switch (f->type) {
    case CG_TYPE_BOOL:
    case CG_TYPE_ENUM:
    case CG_TYPE_STRINGENUM:
        read_mapping_define(rd, def, f);
        break;
    case CG_TYPE_INT:
        read_int_define(rd, def, f);
        break;
    case CG_TYPE_FLOAT:
        read_float_define(rd, def, f);
        break;
    case CG_TYPE_STRING:
        read_string_define(rd, def, f);
        break;
    case CG_TYPE_STRUCT:
        read_struct_define(rd, def, f);
        break;
    case CG_TYPE_ARRAY:
        read_array_define(rd, def, f);
        break;
    case CG_TYPE_TIMESTAMP:
    case CG_TYPE_COUNT_:
        break;
    }
}

void cg_reader_define(struct cg_reader *rd, const json_t *item, const char *key,
                      struct cg_field *field)
{
    const json_t *def = json_object_get(item, key);
    size_t len, type = 0;
    const char *name;

    field->unit = "";
    if (!json_is_object(def)) {
        cg_reader_mistake(rd, key, "must be an object");
        return;
    }
    len = cg_reader_push(rd, ".%s", key);
    if (cg_reader_text(def, "type", &name) < 0) {
        cg_reader_mistake(rd, "type", "must be a text");
    } else {
        while (type < CG_TYPE_COUNT_ && strcmp(name, type_names[type]) != 0)
            type++;
        field->type = (enum cg_type) type;
        if (type == CG_TYPE_COUNT_)
            cg_reader_mistake(rd, "type", "\"%.32s\" is not a type of the platform", name);
        else
            read_layout(rd, def, field);
    }
    cg_reader_pop(rd, len);
}
