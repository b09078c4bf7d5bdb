/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code that moves one value between a member and the library. */

#include "libiotclient/codegen/output.h"

/* The suffix of the library's functions. */
static const char *kind_of(enum cg_type type)
{
    switch (type) {
    case CG_TYPE_BOOL:
        return "bool";
    case CG_TYPE_INT:
    case CG_TYPE_ENUM:
    case CG_TYPE_TIMESTAMP:
        return "int";
    case CG_TYPE_FLOAT:
        return "double";
    case CG_TYPE_STRING:
    case CG_TYPE_STRINGENUM:
        return "string";
    case CG_TYPE_STRUCT:
    case CG_TYPE_ARRAY:
    case CG_TYPE_COUNT_:
        break;
    }
    return "value";
}

/* The local that takes what cannot go straight into the member. */
static const char *local_of(const struct output_access *a, const struct cg_field *f)
{
    switch (f->type) {
    case CG_TYPE_ENUM:
        return "int64_t part = 0";
    case CG_TYPE_STRINGENUM:
        return "const char *part = NULL";
    case CG_TYPE_STRING:
        return a->is_in_struct ? "const char *part = NULL" : NULL;
    case CG_TYPE_STRUCT:
    case CG_TYPE_ARRAY:
        return "const iotc_value *part = NULL";
    case CG_TYPE_BOOL:
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
    case CG_TYPE_TIMESTAMP:
    case CG_TYPE_COUNT_:
        break;
    }
    return NULL;
}

static const char *array_helper(const struct cg_field *f, bool is_get)
{
    const struct cg_field *e = f->element;

    if (e->type == CG_TYPE_STRUCT)
        return is_get ? f->fn_get_all : f->fn_set_all;
    if (e->type == CG_TYPE_STRING)
        return is_get ? "get_strings" : "set_strings";
    if (e->type == CG_TYPE_FLOAT)
        return is_get ? "get_floats" : "set_floats";
    return is_get ? "get_ints" : "set_ints";
}

/* From the local into the member. */
static void add_conversion(struct strbuf *sb, const struct output_access *a,
                           const struct cg_field *f)
{
    const char *pad = "            ";

    strbuf_addf(sb, "        if (r >= 0)\n%s", pad);
    switch (f->type) {
    case CG_TYPE_ENUM:
    case CG_TYPE_STRINGENUM:
        strbuf_addf(sb, "r = %s(part, &%s->%s);\n", f->fn_of, a->set, f->member);
        break;
    case CG_TYPE_STRING:
        strbuf_addf(sb, "r = copy_text(%s->%s, sizeof(%s->%s), part);\n", a->set, f->member, a->set,
                    f->member);
        break;
    case CG_TYPE_STRUCT:
        strbuf_addf(sb, "r = %s(part, &%s->%s);\n", f->fn_get, a->set, f->member);
        break;
    case CG_TYPE_ARRAY:
        strbuf_addf(sb, "r = %s(part, &items, &%s->%s);\n", array_helper(f, true), a->set,
                    f->count);
        strbuf_addf(sb, "        %s->%s = items;\n", a->set, f->member);
        break;
    case CG_TYPE_BOOL:
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
    case CG_TYPE_TIMESTAMP:
    case CG_TYPE_COUNT_:
        break;
    }
}

void output_get(struct strbuf *sb, const struct output_access *a, const struct cg_field *f)
{
    const char *local = local_of(a, f);

    if (a->is_in_struct)
        strbuf_addf(sb, "    %s->%s = !iotc_value_has(%s, \"%s\");\n    if (!%s->%s) {\n", a->set,
                    f->flag, a->object, f->id, a->set, f->flag);
    else
        strbuf_addf(sb, "    if (iotc_%s_has(%s, \"%s\")) {\n", a->object, a->object, f->id);
    if (local)
        strbuf_addf(sb, "        %s;\n", local);
    if (f->type == CG_TYPE_ARRAY)
        strbuf_addf(sb, "        %s%s*items = NULL;\n", f->type_c,
                    f->element->type == CG_TYPE_STRING ? "" : " ");
    if (local)
        strbuf_addf(sb, "\n        r = %s_%s(%s, \"%s\", &part);\n", a->fn, kind_of(f->type),
                    a->object, f->id);
    else
        strbuf_addf(sb, "        r = %s_%s(%s, \"%s\", &%s->%s);\n", a->fn, kind_of(f->type),
                    a->object, f->id, a->set, f->member);
    if (local)
        add_conversion(sb, a, f);
    strbuf_adds(sb, "        if (r < 0)\n            return r;\n");
    if (!a->is_in_struct)
        strbuf_addf(sb, "        %s->%s = true;\n", a->set, f->flag);
    strbuf_adds(sb, "    }\n");
}

static void add_part(struct strbuf *sb, const struct output_access *a, const struct cg_field *f)
{
    strbuf_addf(sb, "        iotc_value *part = NULL;\n\n        r = ");
    if (f->type == CG_TYPE_STRUCT)
        strbuf_addf(sb, "%s(&%s->%s, &part);\n", f->fn_set, a->set, f->member);
    else
        strbuf_addf(sb, "%s(%s->%s, %s->%s, &part);\n", array_helper(f, false), a->set, f->member,
                    a->set, f->count);
    strbuf_addf(sb,
                "        if (r >= 0)\n            r = %s_value(%s, \"%s\", part);\n"
                "        iotc_value_free(part);\n",
                a->fn, a->object, f->id);
}

void output_set(struct strbuf *sb, const struct output_access *a, const struct cg_field *f)
{
    const char *open = "", *close = "";

    if (f->type == CG_TYPE_ENUM) {
        open = "(int64_t) ";
    } else if (f->type == CG_TYPE_STRINGENUM) {
        open = f->fn_key;
        close = ")";
    }
    if (f->flag)
        strbuf_addf(sb, "    if (r >= 0 && !%s->%s)", a->set, f->flag);
    else
        strbuf_addf(sb, "    if (r >= 0 && %s->%s)", a->set, f->member);
    if (f->type == CG_TYPE_STRUCT || f->type == CG_TYPE_ARRAY) {
        strbuf_adds(sb, " {\n");
        add_part(sb, a, f);
        strbuf_adds(sb, "    }\n");
        return;
    }
    strbuf_addf(sb, "\n        r = %s_%s(%s, \"%s\", %s%s%s->%s%s);\n", a->fn, kind_of(f->type),
                a->object, f->id, open, *close ? "(" : "", a->set, f->member, close);
}

void output_set_get(struct strbuf *sb, const struct cg_set *set, const char *object)
{
    struct output_access a = {.object = object, .set = "values"};
    bool is_call = object[1] == 'a';
    bool has_arrays = false;

    a.fn = is_call ? "iotc_call_get" : "iotc_control_get";
    strbuf_addf(sb, "static int %s(iotc_%s *%s, struct %s *values)\n{\n    int r;\n\n", set->fn_get,
                object, object, set->tag);
    for (size_t i = 0; i < set->n_fields; i++) {
        output_get(sb, &a, &set->fields[i]);
        has_arrays |= set->fields[i].type == CG_TYPE_ARRAY;
    }
    strbuf_adds(sb, "    return 0;\n}\n\n");
    strbuf_addf(sb, "static void %s(struct %s *values)\n{\n", set->fn_free, set->tag);
    if (has_arrays)
        strbuf_adds(sb, "    if (!values)\n        return;\n");
    for (size_t i = 0; i < set->n_fields; i++) {
        if (set->fields[i].type == CG_TYPE_ARRAY)
            strbuf_addf(sb, "    free((void *) (uintptr_t) values->%s);\n", set->fields[i].member);
    }
    strbuf_adds(sb, "    free(values);\n}\n\n");
}
