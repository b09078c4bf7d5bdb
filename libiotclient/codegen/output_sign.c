/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both files say about a function, and about a field. */

#include "libiotclient/codegen/output.h"
#include "libiotclient/codegen/text.h"

#include <stdlib.h>
#include <string.h>

#define CLIENT "iotc_client *client"
#define SLOT "iotc_slot **ret_slot"
#define DONE "iotc_done_fn done"
#define USERDATA "void *userdata"
#define DESTROY "iotc_free_fn destroy"
#define STAMP "uint64_t *ret_stamp_us"
#define TEXT_MAX ((size_t) 1024) /* of one declaration: two names of the model at most */

/* A call whose parts are made here: name is "int " and the function. */
struct sign {
    struct strbuf head, a, b;
};

static void sign_init(struct sign *s, const char *name)
{
    strbuf_init(&s->head, TEXT_MAX);
    strbuf_init(&s->a, TEXT_MAX);
    strbuf_init(&s->b, TEXT_MAX);
    strbuf_addf(&s->head, "int %s", name);
}

static void sign_done(struct sign *s)
{
    strbuf_done(&s->head);
    strbuf_done(&s->a);
    strbuf_done(&s->b);
}

/* Hands a lack of memory over to the file. */
static bool is_whole(struct strbuf *sb, const struct sign *s)
{
    if (s->head.error)
        sb->error = s->head.error;
    if (s->a.error)
        sb->error = s->a.error;
    if (s->b.error)
        sb->error = s->b.error;
    return !sb->error;
}

static const char *blank_behind(const char *type)
{
    size_t len = 0;

    while (type[len])
        len++;
    return len > 0 && type[len - 1] == '*' ? "" : " ";
}

/* The value of a property as arguments of its report. */
static void add_value(struct sign *s, const struct cg_field *p)
{
    switch (p->type) {
    case CG_TYPE_STRUCT:
        strbuf_addf(&s->a, "const %s *value", p->type_c);
        break;
    case CG_TYPE_ARRAY:
        strbuf_addf(&s->a, "%s%s%s*items", p->element->type == CG_TYPE_STRING ? "" : "const ",
                    p->type_c, p->element->type == CG_TYPE_STRING ? "const " : " ");
        strbuf_adds(&s->b, "size_t n_items");
        break;
    case CG_TYPE_BOOL:
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
    case CG_TYPE_STRING:
    case CG_TYPE_ENUM:
    case CG_TYPE_TIMESTAMP:
    case CG_TYPE_STRINGENUM:
    case CG_TYPE_COUNT_:
        strbuf_addf(&s->a, "%s%svalue", p->type_c, blank_behind(p->type_c));
        break;
    }
}

void sign_report(struct strbuf *sb, const struct cg_field *p, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, p->fn_report);
    add_value(&s, p);
    if (!is_whole(sb, &s))
        return;
    if (p->type == CG_TYPE_ARRAY)
        text_call(sb, s.head.data, tail, CLIENT, s.a.data, s.b.data, DONE, USERDATA, NULL);
    else
        text_call(sb, s.head.data, tail, CLIENT, s.a.data, DONE, USERDATA, NULL);
}

void sign_read(struct strbuf *sb, const struct cg_field *p, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, p->fn_read);
    strbuf_addf(&s.a, "%s%s**ret_items", p->type_c, blank_behind(p->type_c));
    strbuf_addf(&s.b, "%s%s*ret_value", p->type_c, blank_behind(p->type_c));
    if (!is_whole(sb, &s))
        return;
    if (p->type == CG_TYPE_STRING)
        text_call(sb, s.head.data, tail, CLIENT, "char *buf", "size_t size", STAMP, NULL);
    else if (p->type == CG_TYPE_ARRAY)
        text_call(sb, s.head.data, tail, CLIENT, s.a.data, "size_t *ret_n_items", STAMP, NULL);
    else
        text_call(sb, s.head.data, tail, CLIENT, s.b.data, STAMP, NULL);
}

void sign_watch(struct strbuf *sb, const struct cg_field *p, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, p->fn_watch);
    if (is_whole(sb, &s))
        text_call(sb, s.head.data, tail, CLIENT, SLOT, "iotc_prop_fn fn", USERDATA, DESTROY, NULL);
}

void sign_on_control(struct strbuf *sb, const struct cg_model *m, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, m->fn_on_control);
    strbuf_addf(&s.a, "const enum %s *ids", m->tag_property);
    strbuf_addf(&s.b, "%s fn", m->fn_control_type);
    if (is_whole(sb, &s))
        text_call(sb, s.head.data, tail, CLIENT, SLOT, s.a.data, "size_t n_ids", s.b.data, USERDATA,
                  DESTROY, NULL);
}

void sign_post(struct strbuf *sb, const struct cg_feature *e, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, e->fn_post);
    strbuf_addf(&s.a, "const struct %s *params", e->in.tag);
    if (!is_whole(sb, &s))
        return;
    if (e->in.n_fields > 0)
        text_call(sb, s.head.data, tail, CLIENT, s.a.data, "uint32_t flags", DONE, USERDATA, NULL);
    else
        text_call(sb, s.head.data, tail, CLIENT, "uint32_t flags", DONE, USERDATA, NULL);
}

void sign_on_action(struct strbuf *sb, const struct cg_feature *a, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, a->fn_on);
    strbuf_addf(&s.a, "%s fn", a->fn_type);
    if (is_whole(sb, &s))
        text_call(sb, s.head.data, tail, CLIENT, SLOT, s.a.data, USERDATA, DESTROY, NULL);
}

void sign_answer(struct strbuf *sb, const struct cg_feature *a, const char *tail)
{
    CLEANUP(sign_done) struct sign s;

    sign_init(&s, a->fn_answer);
    strbuf_addf(&s.a, "const struct %s *output", a->out.tag);
    if (!is_whole(sb, &s))
        return;
    if (a->out.n_fields > 0)
        text_call(sb, s.head.data, tail, "iotc_call *call", s.a.data, NULL);
    else
        text_call(sb, s.head.data, tail, "iotc_call *call", NULL);
}

void sign_member(struct strbuf *sb, const struct cg_field *f, bool is_in_struct)
{
    if (f->type == CG_TYPE_STRING && is_in_struct)
        strbuf_addf(sb, "char %s[%zu]", f->member, f->max_bytes + 1);
    else if (f->type == CG_TYPE_ARRAY && f->element->type == CG_TYPE_STRING)
        strbuf_addf(sb, "const char *const *%s", f->member);
    else if (f->type == CG_TYPE_ARRAY)
        strbuf_addf(sb, "const %s *%s", f->type_c, f->member);
    else
        strbuf_addf(sb, "%s%s%s", f->type_c, blank_behind(f->type_c), f->member);
}

static void add_limits(struct strbuf *sb, const struct cg_field *f, const char *unit)
{
    if (f->min && f->max)
        strbuf_addf(sb, "%s to %s", f->min, f->max);
    else if (f->min)
        strbuf_addf(sb, "from %s", f->min);
    else if (f->max)
        strbuf_addf(sb, "up to %s", f->max);
    else
        strbuf_adds(sb, *unit ? "in" : "any number");
    if (*unit) {
        strbuf_addc(sb, ' ');
        text_add_words(sb, unit);
    }
    if (f->step && strcmp(f->step, "1") != 0)
        strbuf_addf(sb, ", step %s", f->step);
}

static void add_bool(struct strbuf *sb, const struct cg_field *f)
{
    strbuf_adds(sb, f->n_values > 0 ? "" : "true or false");
    for (size_t i = 0; i < f->n_values; i++) {
        strbuf_addf(sb, "%s%s: ", i > 0 ? ", " : "", f->values[i].number ? "true" : "false");
        text_add_words(sb, f->values[i].text);
    }
}

static void add_layout(struct strbuf *sb, const struct cg_field *f)
{
    switch (f->type) {
    case CG_TYPE_BOOL:
        add_bool(sb, f);
        break;
    case CG_TYPE_INT:
    case CG_TYPE_FLOAT:
        add_limits(sb, f, f->unit);
        break;
    case CG_TYPE_STRING:
        if (f->min && f->min[0] != '0')
            strbuf_addf(sb, "%s to %zu bytes", f->min, f->max_bytes);
        else
            strbuf_addf(sb, "up to %zu bytes", f->max_bytes);
        break;
    case CG_TYPE_TIMESTAMP:
        strbuf_adds(sb, "Unix seconds");
        break;
    case CG_TYPE_ENUM:
    case CG_TYPE_STRINGENUM:
    case CG_TYPE_STRUCT:
        strbuf_addf(sb, "%s%s", f->is_wide ? "" : "see ", f->is_wide ? f->tag : f->type_c);
        break;
    case CG_TYPE_ARRAY:
        strbuf_adds(sb, "each ");
        add_layout(sb, f->element);
        break;
    case CG_TYPE_COUNT_:
        break;
    }
}

void sign_words(struct strbuf *sb, const struct cg_field *f)
{
    text_add_words(sb, *f->name ? f->name : f->id);
    if (*f->desc) {
        strbuf_adds(sb, ": ");
        text_add_words(sb, f->desc);
    }
    strbuf_adds(sb, " (");
    add_layout(sb, f);
    strbuf_addc(sb, ')');
}
