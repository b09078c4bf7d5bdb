/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_OUTPUT_H
#define IOTD_CODEGEN_OUTPUT_H

/* The two files as text: the same model gives the same bytes. */

#include "libiotclient/base/strbuf.h"
#include "libiotclient/codegen/model.h"

/* name: of the files, without their suffix. */
void output_header(struct strbuf *sb, const struct cg_model *m, const char *name);
void output_source(struct strbuf *sb, const struct cg_model *m, const char *name);

/* output_sign.c: what header and source share, "int lamp_read_color(...)" and tail behind it. */
void sign_report(struct strbuf *sb, const struct cg_field *p, const char *tail);
void sign_read(struct strbuf *sb, const struct cg_field *p, const char *tail);
void sign_watch(struct strbuf *sb, const struct cg_field *p, const char *tail);
void sign_on_control(struct strbuf *sb, const struct cg_model *m, const char *tail);
void sign_post(struct strbuf *sb, const struct cg_feature *e, const char *tail);
void sign_on_action(struct strbuf *sb, const struct cg_feature *a, const char *tail);
void sign_answer(struct strbuf *sb, const struct cg_feature *a, const char *tail);
/* "const char *name", "int64_t x", "const struct lamp_x *x": how a field is declared. */
void sign_member(struct strbuf *sb, const struct cg_field *f, bool is_in_struct);
/* "Brightness: how bright (0 to 100 %)" */
void sign_words(struct strbuf *sb, const struct cg_field *f);

/* output_type.c: the inside of the types of a field; which way its values go. */
enum output_way {
    OUTPUT_GET = 1,
    OUTPUT_SET = 2,
};
void output_helpers(struct strbuf *sb, const struct cg_model *m);
void output_type(struct strbuf *sb, const struct cg_field *f, unsigned ways);

/* output_access.c: one value from or to an object of the library. */
struct output_access {
    const char *fn;     /* "iotc_control_get" */
    const char *object; /* "control" */
    const char *set;    /* "values" */
    bool is_in_struct;
};
void output_get(struct strbuf *sb, const struct output_access *a, const struct cg_field *f);
void output_set(struct strbuf *sb, const struct output_access *a, const struct cg_field *f);
/* fn_get, fn_free of what arrives. */
void output_set_get(struct strbuf *sb, const struct cg_set *set, const char *object);

/* output_thing.c, output_feature.c: the functions that are declared in the header. */
void output_property(struct strbuf *sb, const struct cg_field *p);
void output_control(struct strbuf *sb, const struct cg_model *m);
void output_binding(struct strbuf *sb);
void output_event(struct strbuf *sb, const struct cg_feature *e);
void output_action(struct strbuf *sb, const struct cg_feature *a);

#endif /* IOTD_CODEGEN_OUTPUT_H */
