/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_MODEL_H
#define IOTD_CLOUD_MODEL_H

/*
 * The thing model: the console's JSON file, read once and checked whole (console guide, thing
 * model; layouts in the vendor's template files). Immutable after loading,
 * but for model_update.h.
 */

#include "daemon/cloud/value.h"

struct model_param {
    char *id;
    struct thing_define define;
};

/* What the three kinds begin with. */
struct model_head {
    char *id;
    bool is_gone; /* not in the model any more; keeps its place */
};

struct model_property {
    char *id;
    bool is_gone;  /* struct model_head */
    bool writable; /* mode rw */
    struct thing_define define;
};

enum model_event_type {
    MODEL_EVENT_INFO,
    MODEL_EVENT_ALERT,
    MODEL_EVENT_FAULT,
    MODEL_EVENT_TYPE_COUNT_,
};

struct model_event {
    char *id;
    bool is_gone; /* struct model_head */
    enum model_event_type type;
    struct model_param *params;
    size_t n_params;
};

struct model_action {
    char *id;
    bool is_gone; /* struct model_head */
    struct model_param *inputs;
    size_t n_inputs;
    struct model_param *outputs;
    size_t n_outputs;
};

struct model {
    char *text; /* the file as it was */
    struct model_property *properties;
    size_t n_properties;
    struct model_event *events;
    size_t n_events;
    struct model_action *actions;
    size_t n_actions;
    uint16_t *sorted; /* indices of the three lists one after the other, each in the order of ids */
};

/* Called for each mistake: path is like "properties[2].define.max". */
typedef void (*model_mistake_fn)(const char *path, const char *what, void *userdata);

/*
 * @param product_id  what profile.ProductId has to be if the file names one; NULL for any
 * @return 0; -EINVAL after mistakes were told; -ENOMEM
 */
int model_parse(struct model **ret_model, const char *text, size_t len, const char *product_id,
                model_mistake_fn on_mistake, void *userdata) MUST_CHECK;
struct model *model_free(struct model *m);
DEFINE_FREEP(struct model, model_free)

/*
 * What is odd in the file, but keeps it from nothing: unknown keys, texts that the console would
 * not take, … A file that model_parse() refuses may be given, too.
 * @return 0; -EBADMSG not JSON; -ENOMEM
 */
int model_lint(const char *text, size_t len, model_mistake_fn on_warning,
               void *userdata) MUST_CHECK;
/* Whether m keeps all that released promises to devices in the field. 0; -EINVAL */
int model_check_released(const struct model *m, const struct model *released,
                         model_mistake_fn on_mistake, void *userdata) MUST_CHECK;
/* An id that the platform has given a meaning. */
bool model_is_platform_id(const char *id);

/* Index, or -ENOENT: also of an id that is gone. */
int model_find_property(const struct model *m, const char *id);
int model_find_event(const struct model *m, const char *id);
int model_find_action(const struct model *m, const char *id);
int model_find_param(const struct model_param *params, size_t n_params, const char *id);

const char *model_event_type_name(enum model_event_type type);

#endif /* IOTD_CLOUD_MODEL_H */
