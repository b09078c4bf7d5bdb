/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source: properties and controls. */

#include "libiotclient/codegen/output.h"
#include "libiotclient/codegen/text.h"

/* The head of a function that has a property; more: further locals. */
static void add_lookup(struct strbuf *sb, const struct cg_field *p, const char *more)
{
    strbuf_addf(sb,
                "\n{\n    iotc_prop *prop = NULL;\n%s    int r = iotc_prop_lookup(client, \"%s\", "
                "&prop);\n\n",
                more, p->id);
}

static const char *simple_kind(const struct cg_field *p)
{
    if (p->type == CG_TYPE_BOOL)
        return "bool";
    if (p->type == CG_TYPE_FLOAT)
        return "double";
    return p->type == CG_TYPE_STRING || p->type == CG_TYPE_STRINGENUM ? "string" : "int";
}

static const char *array_fn(const struct cg_field *p, bool is_get)
{
    if (p->element->type == CG_TYPE_STRUCT)
        return is_get ? p->fn_get_all : p->fn_set_all;
    if (p->element->type == CG_TYPE_STRING)
        return is_get ? "get_strings" : "set_strings";
    if (p->element->type == CG_TYPE_FLOAT)
        return is_get ? "get_floats" : "set_floats";
    return is_get ? "get_ints" : "set_ints";
}

static void add_report(struct strbuf *sb, const struct cg_field *p)
{
    bool is_nested = p->type == CG_TYPE_STRUCT || p->type == CG_TYPE_ARRAY;
    const char *value = "value";

    sign_report(sb, p, "");
    add_lookup(sb, p, is_nested ? "    iotc_value *whole = NULL;\n" : "");
    if (is_nested) {
        if (p->type == CG_TYPE_STRUCT)
            strbuf_addf(sb, "    if (r >= 0)\n        r = value ? %s(value, &whole) : -EINVAL;\n",
                        p->fn_set);
        else
            strbuf_addf(sb, "    if (r >= 0)\n        r = %s(items, n_items, &whole);\n",
                        array_fn(p, false));
        strbuf_adds(sb, "    if (r >= 0)\n        r = iotc_prop_report_value(prop, whole, done, "
                        "userdata);\n    iotc_value_free(whole);\n    return r;\n}\n\n");
        return;
    }
    strbuf_addf(sb, "    return r < 0 ? r : iotc_prop_report_%s(prop, ", simple_kind(p));
    if (p->type == CG_TYPE_ENUM)
        value = "(int64_t) value";
    if (p->type == CG_TYPE_STRINGENUM)
        strbuf_addf(sb, "%s(value)", p->fn_key);
    else
        strbuf_adds(sb, value);
    strbuf_adds(sb, ", done, userdata);\n}\n\n");
}

/* Those whose value cannot go straight to the caller. */
static void add_read_part(struct strbuf *sb, const struct cg_field *p)
{
    if (p->type == CG_TYPE_ENUM)
        strbuf_addf(sb,
                    "    if (r >= 0)\n        r = iotc_prop_get_int(prop, &part, &stamp_us);\n"
                    "    if (r >= 0)\n        r = %s(part, ret_value);\n",
                    p->fn_of);
    else
        strbuf_adds(sb, "    if (r >= 0)\n"
                        "        r = iotc_prop_get_value(prop, &whole, &stamp_us);\n"
                        "    if (r >= 0)\n");
    if (p->type == CG_TYPE_STRUCT)
        strbuf_addf(sb,
                    "        r = %s(whole, &value);\n"
                    "    if (r >= 0)\n        *ret_value = value;\n    iotc_value_free(whole);\n",
                    p->fn_get);
    else if (p->type == CG_TYPE_ARRAY)
        strbuf_addf(sb,
                    "        r = %s(whole, ret_items, ret_n_items);\n    iotc_value_free(whole);\n",
                    array_fn(p, true));
    strbuf_adds(sb, "    if (r >= 0 && ret_stamp_us)\n        *ret_stamp_us = stamp_us;\n"
                    "    return r;\n}\n\n");
}

/* The keys of a stringenum are short. */
static void add_read_stringenum(struct strbuf *sb, const struct cg_field *p)
{
    strbuf_addf(sb,
                "    if (r >= 0)\n"
                "        r = iotc_prop_get_string(prop, key, sizeof(key), &stamp_us);\n"
                "    if (r >= 0)\n        r = %s(key, ret_value);\n"
                "    if (r >= 0 && ret_stamp_us)\n        *ret_stamp_us = stamp_us;\n"
                "    return r;\n}\n\n",
                p->fn_of);
}

static void add_read(struct strbuf *sb, const struct cg_field *p)
{
    sign_read(sb, p, "");
    switch (p->type) {
    case CG_TYPE_BOOL:
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
    case CG_TYPE_TIMESTAMP:
        add_lookup(sb, p, "");
        strbuf_addf(
            sb, "    return r < 0 ? r : iotc_prop_get_%s(prop, ret_value, ret_stamp_us);\n}\n\n",
            simple_kind(p));
        break;
    case CG_TYPE_STRING:
        add_lookup(sb, p, "");
        strbuf_adds(sb, "    return r < 0 ? r : iotc_prop_get_string(prop, buf, size, "
                        "ret_stamp_us);\n}\n\n");
        break;
    case CG_TYPE_ENUM:
        add_lookup(sb, p, "    int64_t part = 0;\n    uint64_t stamp_us = 0;\n");
        add_read_part(sb, p);
        break;
    case CG_TYPE_STRINGENUM:
        add_lookup(sb, p, "    char key[128];\n    uint64_t stamp_us = 0;\n");
        add_read_stringenum(sb, p);
        break;
    case CG_TYPE_ARRAY:
        add_lookup(sb, p, "    iotc_value *whole = NULL;\n    uint64_t stamp_us = 0;\n");
        add_read_part(sb, p);
        break;
    case CG_TYPE_STRUCT:
        strbuf_addf(sb,
                    "\n{\n    %s value;\n    iotc_prop *prop = NULL;\n"
                    "    iotc_value *whole = NULL;\n    uint64_t stamp_us = 0;\n"
                    "    int r = iotc_prop_lookup(client, \"%s\", &prop);\n\n"
                    "    memset(&value, 0, sizeof(value));\n",
                    p->type_c, p->id);
        add_read_part(sb, p);
        break;
    case CG_TYPE_COUNT_:
        break;
    }
}

void output_property(struct strbuf *sb, const struct cg_field *p)
{
    output_type(sb, p, OUTPUT_GET | OUTPUT_SET);
    add_report(sb, p);
    add_read(sb, p);
    sign_watch(sb, p, "");
    add_lookup(sb, p, "");
    strbuf_adds(sb, "    return r < 0 ? r : iotc_prop_watch(prop, ret_slot, fn, userdata, "
                    "destroy);\n}\n\n");
}

void output_binding(struct strbuf *sb)
{
    strbuf_adds(sb, "/* What the library keeps for a typed callback. */\n"
                    "struct binding {\n    void (*fn)(void);\n    void *userdata;\n"
                    "    iotc_free_fn destroy;\n};\n\n"
                    "static int binding_new(struct binding **ret_binding, void (*fn)(void), void "
                    "*userdata,\n                       iotc_free_fn destroy)\n{\n"
                    "    struct binding *b = (struct binding *) malloc(sizeof(*b));\n\n"
                    "    if (!b)\n        return -ENOMEM;\n"
                    "    b->fn = fn;\n    b->userdata = userdata;\n    b->destroy = destroy;\n"
                    "    *ret_binding = b;\n    return 0;\n}\n\n"
                    "static void binding_free(void *userdata)\n{\n"
                    "    struct binding *b = (struct binding *) userdata;\n\n"
                    "    if (b->destroy)\n        b->destroy(b->userdata);\n    free(b);\n}\n\n");
}

static void add_ids(struct strbuf *sb, const struct cg_model *m)
{
    strbuf_addf(sb, "static const char *const %s[] = {\n", m->table_property);
    for (size_t i = 0; i < m->properties.n_fields; i++)
        strbuf_addf(sb, "    \"%s\",\n", m->properties.fields[i].id);
    strbuf_adds(sb, "};\n\n");
    strbuf_addf(sb,
                "const char *%s(enum %s property)\n{\n    size_t i = (size_t) property;\n\n"
                "    return i < sizeof(%s) / sizeof(%s[0]) ? %s[i] : NULL;\n}\n\n",
                m->fn_property_id, m->tag_property, m->table_property, m->table_property,
                m->table_property);
}

/* The trampoline from the library to a typed callback. */
static void add_control_call(struct strbuf *sb, const struct cg_model *m)
{
    const struct cg_set *set = &m->control;

    strbuf_addf(sb,
                "static void %s(iotc_client *client, iotc_control *control, void *userdata)\n{\n"
                "    struct binding *b = (struct binding *) userdata;\n"
                "    struct %s *values = (struct %s *) calloc(1, sizeof(*values));\n"
                "    int r = values ? %s(control, values) : -ENOMEM;\n\n"
                "    if (r < 0)\n        (void) iotc_control_answer(control, r, NULL);\n"
                "    else\n        ((%s) b->fn)(client, control, values, b->userdata);\n"
                "    %s(values);\n}\n\n",
                m->fn_call_control, set->tag, set->tag, set->fn_get, m->fn_control_type,
                set->fn_free);
}

void output_control(struct strbuf *sb, const struct cg_model *m)
{
    add_ids(sb, m);
    if (m->control.n_fields == 0)
        return;
    output_set_get(sb, &m->control, "control");
    add_control_call(sb, m);
    sign_on_control(sb, m, "");
    strbuf_adds(sb,
                "\n{\n    const char **names;\n    struct binding *b = NULL;\n    int r = 0;\n\n"
                "    if (!fn || !ids || n_ids == 0)\n        return -EINVAL;\n"
                "    names = (const char **) calloc(n_ids, sizeof(*names));\n"
                "    if (!names)\n        return -ENOMEM;\n"
                "    for (size_t i = 0; i < n_ids && r >= 0; i++) {\n");
    strbuf_addf(sb, "        names[i] = %s(ids[i]);\n", m->fn_property_id);
    strbuf_adds(sb, "        r = names[i] ? 0 : -EINVAL;\n    }\n"
                    "    if (r >= 0)\n"
                    "        r = binding_new(&b, (void (*)(void)) fn, userdata, destroy);\n"
                    "    if (r >= 0)\n        r = iotc_serve_control(client, ret_slot, names, "
                    "n_ids,\n");
    strbuf_addf(sb, "                               %s, b, binding_free);\n", m->fn_call_control);
    strbuf_adds(
        sb, "    if (r < 0)\n        free(b);\n    free((void *) names);\n    return r;\n}\n\n");
}
