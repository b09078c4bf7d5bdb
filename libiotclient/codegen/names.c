/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/codegen/names.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/limits.h"

#define MAX_SUFFIX 100000 /* above what a model can hold */
#define MAX_PREFIX 64     /* own choice: lines stay readable */

/*
 * Keywords of C (to C23) and of C++ (to C++20), and lower-case macros of GNU C and libc. Sorted.
 * Those with a capital or a leading underscore are out of reach: see to_member().
 */
static const char *const reserved[] = {
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "assert",
    "atomic_cancel",
    "atomic_commit",
    "atomic_noexcept",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "complex",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "fortran",
    "friend",
    "goto",
    "i386",
    "if",
    "imaginary",
    "import",
    "inline",
    "int",
    "linux",
    "long",
    "module",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "noreturn",
    "not",
    "not_eq",
    "null",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "pixel",
    "private",
    "protected",
    "public",
    "reflexpr",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "stderr",
    "stdin",
    "stdout",
    "struct",
    "switch",
    "synchronized",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "typeof_unqual",
    "union",
    "unix",
    "unsigned",
    "using",
    "vector",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
};

struct names {
    struct pool *pool; /* borrowed */
    void *taken;       /* tsearch() */
    const char *prefix;
    const char *upper; /* the prefix in capitals */
    bool no_memory;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (strcmp(reserved[i], name) == 0)
            return true;
    }
    return false;
}

static void keep_content(void *name)
{
    (void) name; /* of the pool */
}

static void names_done(struct names *names)
{
    tdestroy(names->taken, keep_content);
    names->taken = NULL;
}

/* Takes wanted, or the first of wanted_2, wanted_3, … that is free. */
static const char *claim(struct names *names, const char *wanted)
{
    const char *name = wanted;

    for (int i = 2; name && i < MAX_SUFFIX; i++) {
        if (!is_reserved(name) && !tfind(name, &names->taken, compare_names)) {
            if (tsearch(name, &names->taken, compare_names))
                return name;
            break;
        }
        name = pool_printf(names->pool, "%s_%d", wanted, i);
    }
    names->no_memory = true;
    return "";
}

/* Underscores that C and C++ keep for themselves: at the beginning, doubled; and the last one. */
static char *without_underscores(struct pool *pool, const char *id)
{
    char *text = pool_printf(pool, "%s", id), *to = text;

    if (!text)
        return NULL;
    for (const char *from = id; *from; from++) {
        if (*from != '_' || (to > text && to[-1] != '_'))
            *to++ = *from;
    }
    if (to > text && to[-1] == '_')
        to--;
    *to = '\0';
    return *text ? text : pool_printf(pool, "x");
}

static char *to_upper(struct pool *pool, const char *text)
{
    char *upper = pool_printf(pool, "%s", text);

    for (char *p = upper; p && *p; p++)
        *p = (char) toupper((unsigned char) *p);
    return upper;
}

/* "PREFIX_<what>" with the id in the middle of it, as a name of the file. */
static const char *global(struct names *names, const char *before, const char *base,
                          const char *after)
{
    return claim(names, pool_printf(names->pool, "%s_%s%s%s", names->prefix, before, base, after));
}

/*
 * The id as a member: capitals alone are lowered, since macros look like that (NULL, EOF, PI).
 * A digit cannot begin one.
 */
static char *to_member(struct pool *pool, const char *id)
{
    char *name = without_underscores(pool, id);
    bool has_lower = false;

    for (const char *p = name; p && *p; p++)
        has_lower |= islower((unsigned char) *p) != 0;
    for (char *p = name; p && *p && !has_lower; p++)
        *p = (char) tolower((unsigned char) *p);
    if (name && isdigit((unsigned char) *name))
        name = pool_printf(pool, "x%s", name);
    if (name && is_reserved(name))
        name = pool_printf(pool, "%s_", name);
    return name;
}

enum member_flags {
    MEMBERS_IN,   /* has_… for each: what arrives */
    MEMBERS_OUT,  /* no_… for each but pointers, which may be NULL: what the program fills */
    MEMBERS_BOTH, /* no_… for each: a struct, whose texts are arrays of char */
};

/* Ids that are names as they are get them first, so that a new odd one renames nothing. */
static void assign_members(struct names *parent, struct cg_field *fields, size_t n,
                           enum member_flags flags)
{
    CLEANUP(names_done) struct names names = {.pool = parent->pool};
    bool pointer;
    char *wanted;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            wanted = to_member(names.pool, fields[i].id);
            if (wanted && (strcmp(wanted, fields[i].id) == 0) == (pass == 0))
                fields[i].member = claim(&names, wanted);
            names.no_memory |= !wanted;
        }
    }
    for (size_t i = 0; i < n && !names.no_memory; i++) {
        const char *member = fields[i].member;

        pointer = fields[i].type == CG_TYPE_STRING || fields[i].type == CG_TYPE_ARRAY;
        if (fields[i].type == CG_TYPE_ARRAY)
            fields[i].count = claim(&names, pool_printf(names.pool, "n_%s", member));
        if (flags == MEMBERS_IN)
            fields[i].flag = claim(&names, pool_printf(names.pool, "has_%s", member));
        else if (flags == MEMBERS_BOTH || !pointer)
            fields[i].flag = claim(&names, pool_printf(names.pool, "no_%s", member));
    }
    parent->no_memory |= names.no_memory;
}

/* What a line of a mapping is called: its text, if that is ASCII with a letter; else NULL. */
static char *constant_word(struct names *names, const char *text)
{
    char *word = pool_printf(names->pool, "%s", text);
    bool has_letter = false;

    for (char *p = word; p && *p; p++) {
        if ((unsigned char) *p >= 0x80)
            return NULL;
        has_letter |= isalpha((unsigned char) *p) != 0;
        *p = isalnum((unsigned char) *p) ? (char) toupper((unsigned char) *p) : '_';
    }
    names->no_memory |= !word;
    if (!word || !has_letter || strlen(word) > LIMIT_FEATURE_ID)
        return NULL;
    word = without_underscores(names->pool, word);
    names->no_memory |= !word;
    return word;
}

/* Without a word: the number, or the place. Words that come twice get it too. */
static const char *constant_name(struct names *names, const struct cg_field *f, size_t i,
                                 const char *const *words, const char *base)
{
    const struct cg_value *v = &f->values[i];
    bool twice = false;
    char number[32];

    for (size_t k = 0; k < f->n_values && words[i]; k++)
        twice |= k != i && words[k] && strcmp(words[i], words[k]) == 0;
    (void) snprintf(number, sizeof(number), "%s%llu", v->number < 0 ? "MINUS_" : "",
                    v->number < 0 ? 0 - (unsigned long long) v->number
                                  : (unsigned long long) v->number);
    return claim(names, pool_printf(names->pool, "%s_%s_%s%s%s", names->upper, base,
                                    words[i] ? words[i] : "", twice ? "_" : "",
                                    twice || !words[i] ? number : ""));
}

static void assign_enum(struct names *names, struct cg_field *f, const char *base)
{
    const char *upper = to_upper(names->pool, base);
    const char **words = pool_alloc(names->pool, f->n_values, sizeof(*words));

    f->tag = global(names, "", base, "");
    f->fn_name = global(names, "", base, "_name");
    f->table = global(names, "", base, "_values");
    f->fn_of = global(names, "", base, "_of");
    if (f->type == CG_TYPE_STRINGENUM)
        f->fn_key = global(names, "", base, "_key");
    f->type_c = f->is_wide ? f->tag : pool_printf(names->pool, "enum %s", f->tag);
    names->no_memory |= !upper || !words || !f->type_c;
    for (size_t i = 0; i < f->n_values && !names->no_memory; i++) {
        words[i] = constant_word(names, f->values[i].text);
        if (!words[i] && f->type == CG_TYPE_STRINGENUM)
            words[i] = constant_word(names, f->values[i].key);
    }
    for (size_t i = 0; i < f->n_values && !names->no_memory; i++)
        f->values[i].constant = constant_name(names, f, i, words, upper);
}

static void assign_type(struct names *names, struct cg_field *f, const char *base);

static void assign_struct(struct names *names, struct cg_field *f, const char *base)
{
    f->tag = global(names, "", base, "");
    f->fn_get = global(names, "", base, "_get");
    f->fn_set = global(names, "", base, "_set");
    f->type_c = pool_printf(names->pool, "struct %s", f->tag);
    names->no_memory |= !f->type_c;
    assign_members(names, f->members, f->n_members, MEMBERS_BOTH);
    for (size_t i = 0; i < f->n_members && !names->no_memory; i++) {
        const char *id = without_underscores(names->pool, f->members[i].id);
        const char *below = pool_printf(names->pool, "%s_%s", base, id ? id : "");

        names->no_memory |= !id || !below;
        if (!names->no_memory)
            assign_type(names, &f->members[i], below);
    }
}

static void assign_type(struct names *names, struct cg_field *f, const char *base)
{
    switch (f->type) {
    case CG_TYPE_BOOL:
        f->type_c = "bool";
        break;
    case CG_TYPE_INT:
    case CG_TYPE_TIMESTAMP:
        f->type_c = "int64_t";
        break;
    case CG_TYPE_FLOAT:
        f->type_c = "double";
        break;
    case CG_TYPE_STRING:
        f->type_c = "const char *";
        break;
    case CG_TYPE_ENUM:
    case CG_TYPE_STRINGENUM:
        assign_enum(names, f, base);
        break;
    case CG_TYPE_STRUCT:
        assign_struct(names, f, base);
        break;
    case CG_TYPE_ARRAY:
        assign_type(names, f->element, base);
        f->type_c = f->element->type_c;
        if (f->element->type != CG_TYPE_STRUCT)
            break;
        f->fn_get_all = global(names, "", base, "_get_all");
        f->fn_set_all = global(names, "", base, "_set_all");
        break;
    case CG_TYPE_COUNT_:
        break;
    }
}

static void assign_set(struct names *names, struct cg_set *set, const char *base,
                       enum member_flags flags)
{
    set->tag = global(names, "", base, "");
    if (flags == MEMBERS_IN) {
        set->fn_get = global(names, "", base, "_get");
        set->fn_free = global(names, "", base, "_free");
    }
    assign_members(names, set->fields, set->n_fields, flags);
    for (size_t i = 0; i < set->n_fields && !names->no_memory; i++) {
        const char *id = without_underscores(names->pool, set->fields[i].id);
        const char *below = pool_printf(names->pool, "%s_%s", base, id ? id : "");

        names->no_memory |= !id || !below;
        if (!names->no_memory)
            assign_type(names, &set->fields[i], below);
    }
}

static void assign_property(struct names *names, struct cg_field *p)
{
    const char *base = without_underscores(names->pool, p->id);
    const char *upper = base ? to_upper(names->pool, base) : NULL;

    if (!base || !upper) {
        names->no_memory = true;
        return;
    }
    p->constant = claim(names, pool_printf(names->pool, "%s_PROPERTY_%s", names->upper, upper));
    p->fn_report = global(names, "report_", base, "");
    p->fn_read = global(names, "read_", base, "");
    p->fn_watch = global(names, "watch_", base, "");
    assign_type(names, p, base);
}

/* Those that a control can set, with member names of their own. */
static void assign_control(struct names *names, struct cg_model *m)
{
    const struct cg_set *all = &m->properties;
    struct cg_set *set = &m->control;

    set->fields = pool_alloc(names->pool, all->n_fields, sizeof(*set->fields));
    names->no_memory |= !set->fields;
    for (size_t i = 0; i < all->n_fields && !names->no_memory; i++) {
        if (all->fields[i].is_writable)
            set->fields[set->n_fields++] = all->fields[i];
    }
    assign_members(names, set->fields, set->n_fields, MEMBERS_IN);
}

static void assign_event(struct names *names, struct cg_feature *e)
{
    const char *base = without_underscores(names->pool, e->id);

    if (!base) {
        names->no_memory = true;
        return;
    }
    e->fn_post = global(names, "post_", base, "");
    assign_set(names, &e->in, base, MEMBERS_OUT);
}

static void assign_action(struct names *names, struct cg_feature *a)
{
    const char *base = without_underscores(names->pool, a->id);
    const char *input = pool_printf(names->pool, "%s_input", base ? base : "");
    const char *output = pool_printf(names->pool, "%s_output", base ? base : "");

    if (!base || !input || !output) {
        names->no_memory = true;
        return;
    }
    a->fn_type = global(names, "", base, "_fn");
    a->fn_on = global(names, "on_", base, "");
    a->fn_answer = global(names, "answer_", base, "");
    a->fn_call = global(names, "", base, "_call");
    assign_set(names, &a->in, input, MEMBERS_IN);
    assign_set(names, &a->out, output, MEMBERS_OUT);
}

/* What the source file and <iotclient/...> use without the prefix. */
static void claim_fixed(struct names *names, struct cg_model *m)
{
    static const char *const helpers[] = {
        "binding",     "binding_free", "binding_new", "copy_text",   "find_key",
        "find_number", "get_floats",   "get_ints",    "get_strings", "set_floats",
        "set_ints",    "set_strings",  "value_entry",
    };

    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
        (void) claim(names, helpers[i]);
    m->guard = claim(names, pool_printf(names->pool, "%s_GENERATED_H", names->upper));
    m->tag_property = global(names, "", "property", "");
    m->fn_property_id = global(names, "", "property_id", "");
    m->fn_on_control = global(names, "", "on_control", "");
    m->fn_control_type = global(names, "", "control_fn", "");
    m->control.tag = global(names, "", "control", "");
    m->control.fn_get = global(names, "", "control", "_get");
    m->control.fn_free = global(names, "", "control", "_free");
    m->fn_call_control = global(names, "", "control", "_call");
    m->table_property = global(names, "", "property", "_ids");
}

int cg_names_assign(struct cg_model *model, const char *prefix)
{
    CLEANUP(names_done) struct names names = {.pool = &model->pool, .prefix = prefix};

    model->prefix = prefix;
    names.upper = to_upper(names.pool, prefix);
    if (!names.upper)
        return -ENOMEM;
    claim_fixed(&names, model);
    for (size_t i = 0; i < model->properties.n_fields; i++)
        assign_property(&names, &model->properties.fields[i]);
    assign_control(&names, model);
    for (size_t i = 0; i < model->n_events; i++)
        assign_event(&names, &model->events[i]);
    for (size_t i = 0; i < model->n_actions; i++)
        assign_action(&names, &model->actions[i]);
    return names.no_memory ? -ENOMEM : 0;
}

bool cg_name_is_prefix(const char *prefix)
{
    size_t len = strlen(prefix);

    if (!isalpha((unsigned char) *prefix) || len > MAX_PREFIX || prefix[len - 1] == '_')
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((!isalnum((unsigned char) prefix[i]) && prefix[i] != '_') ||
            (prefix[i] == '_' && prefix[i + 1] == '_'))
            return false;
    }
    return strncmp(prefix, "iotc", 4) != 0 && strncmp(prefix, "IOTC", 4) != 0;
}

char *cg_name_prefix(struct pool *pool, const char *name)
{
    char *prefix = pool_printf(pool, "%s", name);

    for (char *p = prefix; p && *p; p++) {
        if (!isalnum((unsigned char) *p))
            *p = '_';
    }
    return prefix ? without_underscores(pool, prefix) : NULL;
}
