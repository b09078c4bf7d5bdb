/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source: helpers that every file shares, and the inside of enums, structs, arrays. */

#include "libiotclient/codegen/output.h"
#include "libiotclient/codegen/text.h"

/* What the functions of a field call; only what is used may be there. */
enum helper {
    HELPER_NUMBER = 1 << 0,
    HELPER_KEY = 1 << 1,
    HELPER_TEXT = 1 << 2,
    HELPER_GET_INTS = 1 << 3,
    HELPER_SET_INTS = 1 << 4,
    HELPER_GET_FLOATS = 1 << 5,
    HELPER_SET_FLOATS = 1 << 6,
    HELPER_GET_STRINGS = 1 << 7,
    HELPER_SET_STRINGS = 1 << 8,
};

static unsigned helpers_of(const struct cg_field *f, unsigned ways, bool is_in_struct);

static unsigned array_helpers(const struct cg_field *e, unsigned ways)
{
    unsigned get = 0, set = 0;

    if (e->type == CG_TYPE_STRUCT)
        return helpers_of(e, ways, false);
    if (e->type == CG_TYPE_INT) {
        get = HELPER_GET_INTS;
        set = HELPER_SET_INTS;
    } else if (e->type == CG_TYPE_FLOAT) {
        get = HELPER_GET_FLOATS;
        set = HELPER_SET_FLOATS;
    } else if (e->type == CG_TYPE_STRING) {
        get = HELPER_GET_STRINGS;
        set = HELPER_SET_STRINGS;
    }
    return (ways & OUTPUT_GET ? get : 0) | (ways & OUTPUT_SET ? set : 0);
}

static unsigned helpers_of(const struct cg_field *f, unsigned ways, bool is_in_struct)
{
    unsigned helpers = 0;

    switch (f->type) {
    case CG_TYPE_ENUM:
        return HELPER_NUMBER;
    case CG_TYPE_STRINGENUM:
        return HELPER_NUMBER | (ways & OUTPUT_GET ? HELPER_KEY : 0);
    case CG_TYPE_STRING:
        return is_in_struct && (ways & OUTPUT_GET) ? HELPER_TEXT : 0;
    case CG_TYPE_STRUCT:
        for (size_t i = 0; i < f->n_members; i++)
            helpers |= helpers_of(&f->members[i], ways, true);
        return helpers;
    case CG_TYPE_ARRAY:
        return array_helpers(f->element, ways);
    case CG_TYPE_BOOL:
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
    case CG_TYPE_TIMESTAMP:
    case CG_TYPE_COUNT_:
        break;
    }
    return 0;
}

static unsigned helpers_of_set(const struct cg_set *set, unsigned ways)
{
    unsigned helpers = 0;

    for (size_t i = 0; i < set->n_fields; i++)
        helpers |= helpers_of(&set->fields[i], ways, false);
    return helpers;
}

static const char find_number[] =
    "static const struct value_entry *find_number(const struct value_entry *entries, size_t n,\n"
    "                                             int64_t number)\n"
    "{\n"
    "    for (size_t i = 0; i < n; i++) {\n"
    "        if (entries[i].number == number)\n"
    "            return &entries[i];\n"
    "    }\n"
    "    return NULL;\n"
    "}\n\n";

static const char find_key[] =
    "static const struct value_entry *find_key(const struct value_entry *entries, size_t n,\n"
    "                                          const char *key)\n"
    "{\n"
    "    for (size_t i = 0; i < n; i++) {\n"
    "        if (strcmp(entries[i].key, key) == 0)\n"
    "            return &entries[i];\n"
    "    }\n"
    "    return NULL;\n"
    "}\n\n";

static const char copy_text[] =
    "/* -ERANGE: longer than the thing model said when this file was made. */\n"
    "static int copy_text(char *to, size_t size, const char *text)\n"
    "{\n"
    "    size_t len = strlen(text);\n"
    "\n"
    "    if (len >= size)\n"
    "        return -ERANGE;\n"
    "    memcpy(to, text, len + 1);\n"
    "    return 0;\n"
    "}\n\n";

/* The texts stand behind their pointers: all of it is one block. */
static const char get_strings[] =
    "/* One block, texts included. */\n"
    "static int get_strings(const iotc_value *value, const char ***ret_items, size_t *ret_n)\n"
    "{\n"
    "    size_t n = iotc_value_get_count(value), size = (n + 1) * sizeof(char *);\n"
    "    const char **items;\n"
    "    const char *text = NULL;\n"
    "    char *to;\n"
    "    int r = 0;\n"
    "\n"
    "    for (size_t i = 0; i < n && r >= 0; i++) {\n"
    "        r = iotc_value_at_string(value, i, &text);\n"
    "        if (r >= 0)\n"
    "            size += strlen(text) + 1;\n"
    "    }\n"
    "    if (r < 0)\n"
    "        return r;\n"
    "    items = (const char **) malloc(size);\n"
    "    if (!items)\n"
    "        return -ENOMEM;\n"
    "    to = (char *) &items[n + 1];\n"
    "    for (size_t i = 0; i < n && r >= 0; i++) {\n"
    "        r = iotc_value_at_string(value, i, &text);\n"
    "        items[i] = to;\n"
    "        memcpy(to, text, strlen(text) + 1);\n"
    "        to += strlen(text) + 1;\n"
    "    }\n"
    "    items[n] = NULL;\n"
    "    *ret_items = items;\n"
    "    *ret_n = n;\n"
    "    return r;\n"
    "}\n\n";

/* plural: "ints"; kind: what the library calls it. */
static void add_get_numbers(struct strbuf *sb, const char *plural, const char *kind,
                            const char *type)
{
    strbuf_addf(sb,
                "static int get_%s(const iotc_value *value, %s **ret_items, size_t *ret_n)\n"
                "{\n"
                "    size_t n = iotc_value_get_count(value);\n"
                "    %s *items = (%s *) calloc(n + 1, sizeof(*items));\n"
                "    int r = items ? 0 : -ENOMEM;\n"
                "\n"
                "    for (size_t i = 0; i < n && r >= 0; i++)\n"
                "        r = iotc_value_at_%s(value, i, &items[i]);\n"
                "    if (r < 0) {\n"
                "        free(items);\n"
                "        return r;\n"
                "    }\n"
                "    *ret_items = items;\n"
                "    *ret_n = n;\n"
                "    return 0;\n"
                "}\n\n",
                plural, type, type, type, kind);
}

static void add_set_array(struct strbuf *sb, const char *plural, const char *kind, const char *type)
{
    strbuf_addf(sb,
                "static int set_%s(%s *items, size_t n, iotc_value **ret_value)\n"
                "{\n"
                "    iotc_value *value = NULL;\n"
                "    int r = items || n == 0 ? iotc_value_new_array(&value) : -EINVAL;\n"
                "\n"
                "    for (size_t i = 0; i < n && r >= 0; i++)\n"
                "        r = iotc_value_add_%s(value, items[i]);\n"
                "    if (r < 0)\n"
                "        iotc_value_free(value);\n"
                "    else\n"
                "        *ret_value = value;\n"
                "    return r;\n"
                "}\n\n",
                plural, type, kind);
}

void output_helpers(struct strbuf *sb, const struct cg_model *m)
{
    unsigned helpers = helpers_of_set(&m->properties, OUTPUT_GET | OUTPUT_SET);

    for (size_t i = 0; i < m->n_events; i++)
        helpers |= helpers_of_set(&m->events[i].in, OUTPUT_SET);
    for (size_t i = 0; i < m->n_actions; i++)
        helpers |= helpers_of_set(&m->actions[i].in, OUTPUT_GET) |
                   helpers_of_set(&m->actions[i].out, OUTPUT_SET);
    if (helpers & HELPER_NUMBER)
        strbuf_addf(sb,
                    "/* A value of an enum: its number, the key that travels, its name. */\n"
                    "struct value_entry {\n    int64_t number;\n    const char *key;\n"
                    "    const char *name;\n};\n\n%s",
                    find_number);
    strbuf_adds(sb, helpers & HELPER_KEY ? find_key : "");
    strbuf_adds(sb, helpers & HELPER_TEXT ? copy_text : "");
    strbuf_adds(sb, helpers & HELPER_GET_STRINGS ? get_strings : "");
    if (helpers & HELPER_GET_INTS)
        add_get_numbers(sb, "ints", "int", "int64_t");
    if (helpers & HELPER_GET_FLOATS)
        add_get_numbers(sb, "floats", "double", "double");
    if (helpers & HELPER_SET_INTS)
        add_set_array(sb, "ints", "int", "const int64_t");
    if (helpers & HELPER_SET_FLOATS)
        add_set_array(sb, "floats", "double", "const double");
    if (helpers & HELPER_SET_STRINGS)
        add_set_array(sb, "strings", "string", "const char *const");
}

static void add_finder(struct strbuf *sb, const struct cg_field *f, const char *fn,
                       const char *member)
{
    strbuf_addf(sb,
                "const char *%s(%s value)\n{\n"
                "    const struct value_entry *entry =\n"
                "        find_number(%s, sizeof(%s) / sizeof(%s[0]),\n"
                "                    (int64_t) value);\n\n"
                "    return entry ? entry->%s : NULL;\n}\n\n",
                fn, f->type_c, f->table, f->table, f->table, member);
}

static void add_enum(struct strbuf *sb, const struct cg_field *f, unsigned ways)
{
    bool is_text = f->type == CG_TYPE_STRINGENUM;

    strbuf_addf(sb, "static const struct value_entry %s[] = {\n", f->table);
    for (size_t i = 0; i < f->n_values; i++) {
        strbuf_addf(sb, "    {%s%s, ", f->is_wide ? "" : "(int64_t) ", f->values[i].constant);
        text_literal(sb, f->values[i].key);
        strbuf_adds(sb, ", ");
        text_literal(sb, f->values[i].text);
        strbuf_adds(sb, "},\n");
    }
    strbuf_adds(sb, "};\n\n");
    add_finder(sb, f, f->fn_name, "name");
    if (is_text)
        add_finder(sb, f, f->fn_key, "key");
    if (!(ways & OUTPUT_GET))
        return;
    strbuf_addf(sb,
                "static int %s(%s, %s *ret_value)\n{\n"
                "    const struct value_entry *entry =\n"
                "        %s(%s, sizeof(%s) / sizeof(%s[0]),\n"
                "                 %s);\n\n"
                "    if (!entry)\n        return -ERANGE;\n"
                "    *ret_value = (%s) entry->number;\n    return 0;\n}\n\n",
                f->fn_of, is_text ? "const char *key" : "int64_t number", f->type_c,
                is_text ? "find_key" : "find_number", f->table, f->table, f->table,
                is_text ? "key" : "number", f->type_c);
}

static void add_struct_get(struct strbuf *sb, const struct cg_field *f)
{
    const struct output_access a = {
        .fn = "iotc_value_get", .object = "value", .set = "ret_value", .is_in_struct = true};

    strbuf_addf(sb, "static int %s(const iotc_value *value, %s *ret_value)\n{\n    int r;\n\n",
                f->fn_get, f->type_c);
    for (size_t i = 0; i < f->n_members; i++)
        output_get(sb, &a, &f->members[i]);
    strbuf_adds(sb, "    return 0;\n}\n\n");
}

static void add_struct_set(struct strbuf *sb, const struct cg_field *f)
{
    const struct output_access a = {
        .fn = "iotc_value_set", .object = "value", .set = "from", .is_in_struct = true};

    strbuf_addf(sb,
                "static int %s(const %s *from, iotc_value **ret_value)\n{\n"
                "    iotc_value *value = NULL;\n    int r = iotc_value_new_struct(&value);\n\n",
                f->fn_set, f->type_c);
    for (size_t i = 0; i < f->n_members; i++)
        output_set(sb, &a, &f->members[i]);
    strbuf_adds(sb, "    if (r < 0)\n        iotc_value_free(value);\n    else\n"
                    "        *ret_value = value;\n    return r;\n}\n\n");
}

static void add_structs_get(struct strbuf *sb, const struct cg_field *f)
{
    const char *type = f->type_c;

    strbuf_addf(sb,
                "static int %s(const iotc_value *value, %s **ret_items, size_t *ret_n)\n{\n"
                "    size_t n = iotc_value_get_count(value);\n"
                "    %s *items = (%s *) calloc(n + 1, sizeof(*items));\n"
                "    const iotc_value *part = NULL;\n"
                "    int r = items ? 0 : -ENOMEM;\n\n"
                "    for (size_t i = 0; i < n && r >= 0; i++) {\n"
                "        r = iotc_value_at_value(value, i, &part);\n"
                "        if (r >= 0)\n            r = %s(part, &items[i]);\n    }\n"
                "    if (r < 0) {\n        free(items);\n        return r;\n    }\n"
                "    *ret_items = items;\n    *ret_n = n;\n    return 0;\n}\n\n",
                f->fn_get_all, type, type, type, f->element->fn_get);
}

static void add_structs_set(struct strbuf *sb, const struct cg_field *f)
{
    strbuf_addf(sb,
                "static int %s(const %s *items, size_t n, iotc_value **ret_value)\n{\n"
                "    iotc_value *value = NULL;\n"
                "    int r = items || n == 0 ? iotc_value_new_array(&value) : -EINVAL;\n\n"
                "    for (size_t i = 0; i < n && r >= 0; i++) {\n"
                "        iotc_value *part = NULL;\n\n"
                "        r = %s(&items[i], &part);\n"
                "        if (r >= 0)\n            r = iotc_value_add_value(value, part);\n"
                "        iotc_value_free(part);\n    }\n"
                "    if (r < 0)\n        iotc_value_free(value);\n    else\n"
                "        *ret_value = value;\n    return r;\n}\n\n",
                f->fn_set_all, f->type_c, f->element->fn_set);
}

void output_type(struct strbuf *sb, const struct cg_field *f, unsigned ways)
{
    if (f->type == CG_TYPE_ENUM || f->type == CG_TYPE_STRINGENUM) {
        add_enum(sb, f, ways);
    } else if (f->type == CG_TYPE_STRUCT) {
        for (size_t i = 0; i < f->n_members; i++)
            output_type(sb, &f->members[i], ways);
        if (ways & OUTPUT_GET)
            add_struct_get(sb, f);
        if (ways & OUTPUT_SET)
            add_struct_set(sb, f);
    } else if (f->type == CG_TYPE_ARRAY && f->element->type == CG_TYPE_STRUCT) {
        output_type(sb, f->element, ways);
        if (ways & OUTPUT_GET)
            add_structs_get(sb, f);
        if (ways & OUTPUT_SET)
            add_structs_set(sb, f);
    }
}
