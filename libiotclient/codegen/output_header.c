/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header: types, prototypes, and what the model says about them. */

#include <string.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/codegen/output.h"
#include "libiotclient/codegen/text.h"

#define WORDS_MAX ((size_t) LIMIT_MODEL_FILE * 8) /* of one comment: above what a model holds */
#define MUST "IOTC_MUST_CHECK "

/* A comment in the making. */
static void comment_init(struct strbuf *words)
{
    strbuf_init(words, WORDS_MAX);
}

static void comment_put(struct strbuf *sb, size_t indent, struct strbuf *words)
{
    if (words->error)
        sb->error = words->error;
    else if (words->len > 0)
        text_comment(sb, indent, words->data);
    strbuf_done(words);
    words->error = 0;
}

/* What it is, and a line of ours. */
static void comment_field(struct strbuf *sb, size_t indent, const struct cg_field *f,
                          const char *ours)
{
    CLEANUP(strbuf_done) struct strbuf words;

    comment_init(&words);
    sign_words(&words, f);
    strbuf_adds(&words, ours);
    comment_put(sb, indent, &words);
}

static void comment_named(struct strbuf *sb, const char *before, const char *name, const char *desc,
                          const char *ours)
{
    CLEANUP(strbuf_done) struct strbuf words;

    comment_init(&words);
    strbuf_adds(&words, before);
    text_add_words(&words, name);
    if (*desc) {
        strbuf_adds(&words, ": ");
        text_add_words(&words, desc);
    }
    strbuf_adds(&words, ours);
    comment_put(sb, 0, &words);
}

static const char *name_or_id(const char *name, const char *id)
{
    return *name ? name : id;
}

static void add_constants(struct strbuf *sb, const struct cg_field *f)
{
    for (size_t i = 0; i < f->n_values; i++) {
        CLEANUP(strbuf_done) struct strbuf words;
        const struct cg_value *v = &f->values[i];

        comment_init(&words);
        text_add_words(&words, v->text);
        comment_put(sb, f->is_wide ? 0 : 4, &words);
        if (f->is_wide && v->number == INT64_MIN)
            strbuf_addf(sb, "#define %s ((%s) (-INT64_C(9223372036854775807) - 1))\n", v->constant,
                        f->tag);
        else if (f->is_wide)
            strbuf_addf(sb, "#define %s ((%s) INT64_C(%lld))\n", v->constant, f->tag,
                        (long long) v->number);
        else if (v->number == INT32_MIN)
            strbuf_addf(sb, "    %s = -2147483647 - 1,\n", v->constant);
        else
            strbuf_addf(sb, "    %s = %lld,\n", v->constant, (long long) v->number);
    }
}

static void add_enum(struct strbuf *sb, const struct cg_field *f)
{
    comment_named(sb, "Values of ", name_or_id(f->name, f->id), f->desc, "");
    if (f->is_wide)
        strbuf_addf(sb, "typedef int64_t %s;\n", f->tag);
    else
        strbuf_addf(sb, "enum %s {\n", f->tag);
    add_constants(sb, f);
    strbuf_adds(sb, f->is_wide ? "\n" : "};\n\n");
    strbuf_adds(sb, "/** @return its name in the thing model; NULL for anything else */\n");
    strbuf_addf(sb, "const char *%s(%s value);\n", f->fn_name, f->type_c);
    if (f->type == CG_TYPE_STRINGENUM)
        strbuf_addf(sb,
                    "/** @return the key that travels; NULL for anything else */\n"
                    "const char *%s(%s value);\n",
                    f->fn_key, f->type_c);
    strbuf_addc(sb, '\n');
}

static void add_type(struct strbuf *sb, const struct cg_field *f);

/* Members with what tells that one is missing. */
static void add_members(struct strbuf *sb, const struct cg_field *fields, size_t n, bool is_struct)
{
    for (size_t i = 0; i < n; i++) {
        const struct cg_field *f = &fields[i];
        bool is_out = f->flag ? strncmp(f->flag, "no_", 3) == 0 : true;

        comment_field(sb, 4, f, !f->flag ? ". NULL: left out" : "");
        strbuf_adds(sb, "    ");
        sign_member(sb, f, is_struct);
        strbuf_adds(sb, ";\n");
        if (f->count)
            strbuf_addf(sb, "    size_t %s;\n", f->count);
        if (f->flag)
            strbuf_addf(sb, "    bool %s; /**< %s */\n", f->flag,
                        is_out ? "left out" : "whether it is there");
    }
}

static void add_struct(struct strbuf *sb, const struct cg_field *f)
{
    for (size_t i = 0; i < f->n_members; i++)
        add_type(sb, &f->members[i]);
    comment_named(sb, "", name_or_id(f->name, f->id), f->desc, "");
    strbuf_addf(sb, "%s {\n", f->type_c);
    add_members(sb, f->members, f->n_members, true);
    strbuf_adds(sb, "};\n\n");
}

static void add_type(struct strbuf *sb, const struct cg_field *f)
{
    if (f->type == CG_TYPE_ENUM || f->type == CG_TYPE_STRINGENUM) {
        add_enum(sb, f);
    } else if (f->type == CG_TYPE_STRUCT) {
        add_struct(sb, f);
    } else if (f->type == CG_TYPE_ARRAY && f->element->type == CG_TYPE_STRUCT) {
        struct cg_field named = *f->element;

        named.id = f->id;
        named.name = f->name;
        named.desc = f->desc;
        add_struct(sb, &named);
    }
}

static void add_set(struct strbuf *sb, const struct cg_set *set)
{
    if (set->n_fields == 0)
        return;
    strbuf_addf(sb, "struct %s {\n", set->tag);
    add_members(sb, set->fields, set->n_fields, false);
    strbuf_adds(sb, "};\n\n");
}

static const char *read_rule(const struct cg_field *p)
{
    if (p->type == CG_TYPE_ARRAY)
        return "/** Reads it. The items are one block: free(*ret_items). */\n";
    if (p->type == CG_TYPE_STRING)
        return "/** Reads it. @return its length, as of iotc_prop_get_string() */\n";
    return "";
}

static void add_property(struct strbuf *sb, const struct cg_field *p)
{
    add_type(sb, p);
    comment_field(sb, 0, p,
                  p->is_writable ? ". The cloud may set it." : ". Read only for the cloud.");
    strbuf_adds(sb, MUST);
    sign_report(sb, p, ";\n");
    strbuf_adds(sb, read_rule(p));
    strbuf_adds(sb, MUST);
    sign_read(sb, p, ";\n");
    strbuf_adds(sb, MUST);
    sign_watch(sb, p, ";\n\n");
}

static void add_control(struct strbuf *sb, const struct cg_model *m)
{
    strbuf_addf(sb, "/** The properties. */\nenum %s {\n", m->tag_property);
    for (size_t i = 0; i < m->properties.n_fields; i++)
        strbuf_addf(sb, "    %s,\n", m->properties.fields[i].constant);
    strbuf_addf(sb,
                "};\n\n/** @return its id in the thing model; NULL for anything else */\n"
                "const char *%s(enum %s property);\n\n",
                m->fn_property_id, m->tag_property);
    if (m->control.n_fields == 0)
        return;
    text_comment(
        sb, 0,
        "What a control sets: each member counts only if its has_ is true. It is gone when "
        "the callback returns; texts live as long as the control.");
    add_set(sb, &m->control);
    text_comment(sb, 0,
                 "Controls of the cloud. Answer with iotc_control_answer(), now or after "
                 "iotc_control_ref() later.");
    strbuf_addf(sb, "typedef void (*%s)", m->fn_control_type);
    strbuf_addf(sb,
                "(iotc_client *client, iotc_control *control,\n"
                "    const struct %s *values, void *userdata);\n\n",
                m->control.tag);
    text_comment(sb, 0,
                 "Serves the controls of these properties, as iotc_serve_control(). A control that "
                 "does not fit this file is refused before fn sees it.");
    strbuf_adds(sb, MUST);
    sign_on_control(sb, m, ";\n\n");
}

static void add_event(struct strbuf *sb, const struct cg_feature *e)
{
    CLEANUP(strbuf_done) struct strbuf kind;

    for (size_t i = 0; i < e->in.n_fields; i++)
        add_type(sb, &e->in.fields[i]);
    if (e->in.n_fields > 0) {
        comment_named(sb, "Parameters of the event ", name_or_id(e->name, e->id), "",
                      ". Those that are left out do not travel.");
        add_set(sb, &e->in);
    }
    strbuf_init(&kind, WORDS_MAX);
    strbuf_addf(&kind, " (%s). Posts it, as iotc_event_post().", e->kind);
    if (kind.error)
        sb->error = kind.error;
    else
        comment_named(sb, "Event ", name_or_id(e->name, e->id), e->desc, kind.data);
    strbuf_adds(sb, MUST);
    sign_post(sb, e, ";\n\n");
}

static void add_action(struct strbuf *sb, const struct cg_feature *a)
{
    const char *name = name_or_id(a->name, a->id);

    for (size_t i = 0; i < a->in.n_fields; i++)
        add_type(sb, &a->in.fields[i]);
    for (size_t i = 0; i < a->out.n_fields; i++)
        add_type(sb, &a->out.fields[i]);
    if (a->in.n_fields > 0)
        comment_named(sb, "Input of the action ", name, "",
                      ": each member counts only if its has_ is true. It is gone when the callback "
                      "returns; texts live as long as the call.");
    add_set(sb, &a->in);
    if (a->out.n_fields > 0)
        comment_named(sb, "Output of the action ", name, "",
                      ". Those that are left out do not travel.");
    add_set(sb, &a->out);
    comment_named(sb, "Action ", name, a->desc, ".");
    strbuf_addf(sb, "typedef void (*%s)(iotc_client *client, iotc_call *call,\n", a->fn_type);
    if (a->in.n_fields > 0)
        strbuf_addf(sb, "    const struct %s *input, void *userdata);\n", a->in.tag);
    else
        strbuf_adds(sb, "    void *userdata);\n");
    strbuf_adds(sb, "/** Serves it, as iotc_serve_action(). */\n" MUST);
    sign_on_action(sb, a, ";\n");
    strbuf_adds(sb, "/** Answers with success; to refuse, use iotc_call_answer(). */\n" MUST);
    sign_answer(sb, a, ";\n\n");
}

static void add_head(struct strbuf *sb, const struct cg_model *m, const char *name)
{
    CLEANUP(strbuf_done) struct strbuf words;

    strbuf_addf(sb,
                "/* Made by iotc-codegen from a thing model: do not edit. Use it as you like. */\n"
                "#ifndef %s\n#define %s\n\n",
                m->guard, m->guard);
    comment_init(&words);
    strbuf_addf(&words, "@file %s.h\n\nThe thing model", name);
    if (m->product_id) {
        strbuf_adds(&words, " of product ");
        text_add_words(&words, m->product_id);
    }
    strbuf_adds(&words,
                ". Each function belongs to the thread of its client and has the results of "
                "the function of iotclient/iotclient.h that its comment names:\n"
                "report: iotc_prop_report_bool() and its like;\n"
                "read: iotc_prop_get_bool() and its like, -ERANGE for what is not in this file;\n"
                "watch: iotc_prop_watch().\n"
                "All three also as iotc_prop_lookup(): -ENOTCONN before iotd was there once, "
                "-ENOENT when the model of iotd has no such property.");
    comment_put(sb, 0, &words);
    strbuf_adds(sb, "\n#include <iotclient/iotclient.h>\n\n"
                    "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
}

void output_header(struct strbuf *sb, const struct cg_model *m, const char *name)
{
    add_head(sb, m, name);
    for (size_t i = 0; i < m->properties.n_fields; i++)
        add_property(sb, &m->properties.fields[i]);
    if (m->properties.n_fields > 0)
        add_control(sb, m);
    for (size_t i = 0; i < m->n_events; i++)
        add_event(sb, &m->events[i]);
    for (size_t i = 0; i < m->n_actions; i++)
        add_action(sb, &m->actions[i]);
    strbuf_addf(sb, "#ifdef __cplusplus\n}\n#endif\n\n#endif /* %s */\n", m->guard);
}
