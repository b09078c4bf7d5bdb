/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_MODEL_PARSE_H
#define IOTD_LOCALCLOUD_MODEL_PARSE_H

/* The parsed form, shared by the parser (model_parse.c, model_define.c) and the checks (model.c).
 */

#include "examples/localcloud/model.h"

enum model_type {
    MODEL_TYPE_BOOL,
    MODEL_TYPE_INT,
    MODEL_TYPE_FLOAT,
    MODEL_TYPE_STRING,
    MODEL_TYPE_ENUM,
    MODEL_TYPE_STRINGENUM,
    MODEL_TYPE_TIMESTAMP,
    MODEL_TYPE_STRUCT,
    MODEL_TYPE_ARRAY,
    MODEL_TYPE_COUNT_,
};

struct model_fields {
    struct model_field *items;
    size_t n;
};

struct model_define {
    enum model_type type;
    bool has_range;
    int64_t int_min, int_max; /* int, string length */
    double float_min, float_max;
    json_t *mapping;           /* borrowed: the document; enum, stringenum */
    struct model_fields specs; /* struct */
    struct model_define *item; /* array */
};

struct model_field {
    const char *id; /* borrowed: the document */
    bool writable;
    struct model_define define;
};

struct model_event {
    const char *id;
    const char *type;
    struct model_fields params;
};

struct model_action {
    const char *id;
    struct model_fields input;
    struct model_fields output;
};

struct model {
    json_t *doc;
    struct model_fields properties;
    struct model_event *events;
    size_t n_events;
    struct model_action *actions;
    size_t n_actions;
};

/* Where the parser stands in the document; every level has its own copy of the path. */
#define MODEL_PATH_MAX 200
struct model_at {
    char path[MODEL_PATH_MAX];
    char **error;
};

/* Says what is wrong there, the first time. -EINVAL or -ENOMEM */
int model_at_fail(const struct model_at *at, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct model_at model_at_below(const struct model_at *at, const char *key);
/* A list of fields whose definitions are at define_key; scalar: without struct and array. */
int model_at_fields(const struct model_at *at, json_t *list, const char *define_key, bool scalar,
                    size_t max, struct model_fields *ret_fields);
int model_at_define(const struct model_at *at, json_t *define, bool scalar, struct model_define *d);

#endif /* IOTD_LOCALCLOUD_MODEL_PARSE_H */
