/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_MODEL_H
#define IOTD_CODEGEN_MODEL_H

/*
 * A thing model as iotc-codegen sees it: the types that iotd knows, plus the words for people that
 * iotd throws away, plus the C names. Takes what iotd takes and refuses what iotd refuses.
 * (The daemon's own reader is below the daemon, and keeps none of the words.)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/codegen/pool.h"

struct json_t;

enum cg_type {
    CG_TYPE_BOOL,
    CG_TYPE_INT,
    CG_TYPE_FLOAT,
    CG_TYPE_STRING,
    CG_TYPE_ENUM,
    CG_TYPE_TIMESTAMP,
    CG_TYPE_STRINGENUM,
    CG_TYPE_STRUCT,
    CG_TYPE_ARRAY,
    CG_TYPE_COUNT_
};

/* One line of a mapping. Texts of the model are borrowed from its JSON, here and below. */
struct cg_value {
    int64_t number;  /* enum, bool; its place in the model for a stringenum */
    const char *key; /* as it travels */
    const char *text;
    const char *constant; /* C: LAMP_COLOR_RED */
};

/* A property, parameter, member of a struct or element of an array. */
struct cg_field {
    const char *id; /* "" for an element */
    const char *name;
    const char *desc;
    const char *unit;
    const char *min, *max, *step; /* in their shortest form; NULL: not given */
    bool is_writable;             /* property: mode rw */
    enum cg_type type;
    size_t max_bytes;        /* string */
    struct cg_value *values; /* bool, enum (ascending), stringenum */
    size_t n_values;
    bool is_wide;             /* an enum with values beyond int */
    struct cg_field *members; /* struct */
    size_t n_members;
    struct cg_field *element; /* array */

    /* C names. In the struct that holds it: itself, its has_ or no_ (NULL: none), its n_. */
    const char *member, *flag, *count;
    /* Of a type of its own: without and with struct or enum. Of an array: of one element. */
    const char *tag, *type_c;
    const char *fn_name, *fn_key; /* of an enum: the text and, of a stringenum, the key */
    const char *table, *fn_of;    /* inside of the source: values of an enum, from number or key */
    const char *fn_get, *fn_set;  /* inside of the source: a struct from and to its value */
    const char *fn_get_all, *fn_set_all;        /* inside of the source: an array of structs */
    const char *constant;                       /* of a property: in the enum of properties */
    const char *fn_report, *fn_read, *fn_watch; /* of a property */
};

/* The parameters of an event, the input or output of an action, the writable properties. */
struct cg_set {
    struct cg_field *fields;
    size_t n_fields;
    const char *tag;              /* C */
    const char *fn_get, *fn_free; /* C, inside of the source */
};

struct cg_feature {
    const char *id;
    const char *name;
    const char *desc;
    const char *kind; /* event: info, alert, fault */
    struct cg_set in; /* event: params */
    struct cg_set out;
    const char *fn_post, *fn_on, *fn_answer, *fn_type; /* C */
    const char *fn_call;                               /* C, inside of the source */
};

struct cg_model {
    struct json_t *root; /* owned */
    struct pool pool;
    const char *product_id; /* NULL: the file does not say */
    struct cg_set properties;
    struct cg_set control; /* borrowed copies of the writable ones */
    struct cg_feature *events;
    size_t n_events;
    struct cg_feature *actions;
    size_t n_actions;

    const char *prefix, *guard;                                                  /* C */
    const char *tag_property, *fn_property_id, *fn_on_control, *fn_control_type; /* C */
    const char *table_property, *fn_call_control; /* C, inside of the source */
};

/* path: "properties[3].define.min"; "" for the whole file. */
typedef void (*cg_mistake_fn)(const char *path, const char *text, void *userdata);

/*
 * Names every mistake, not only the first.
 * @return 0; -EINVAL mistakes were told; -ENOMEM
 */
int cg_model_parse(struct cg_model **ret_model, const char *text, size_t len,
                   cg_mistake_fn on_mistake, void *userdata) MUST_CHECK;
struct cg_model *cg_model_free(struct cg_model *model);
DEFINE_FREEP(struct cg_model, cg_model_free)

const char *cg_type_name(enum cg_type type);

#endif /* IOTD_CODEGEN_MODEL_H */
