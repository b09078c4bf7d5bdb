/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_MODEL_H
#define IOTD_LOCALCLOUD_MODEL_H

/*
 * The thing model of a product, as the console exports it, and the check of values against it.
 * Strict where the platform is: unknown ids give 403, wrong types and ranges 406.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "libiotclient/base/macro.h"

/* Codes of the platform's replies (device guide, error codes). */
enum model_code {
    MODEL_CODE_OK = 0,
    MODEL_CODE_NOT_JSON = 400,
    MODEL_CODE_UNKNOWN = 403,
    MODEL_CODE_TIME = 405,
    MODEL_CODE_VALUE = 406,
    MODEL_CODE_INTERNAL = 503,
};

/* Outcome of a check. text is "success" or says what is wrong with which member. */
struct model_verdict {
    enum model_code code;
    char text[200];
};

void model_verdict_set(struct model_verdict *v, enum model_code code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

struct model;
struct model_event;
struct model_action;

/*
 * Takes a reference on doc. -EINVAL with ret_error (a new string that names the JSON path) when
 * it is no thing model; -ENOMEM.
 */
int model_new(struct model **ret_model, json_t *doc, char **ret_error) MUST_CHECK;
struct model *model_free(struct model *m);
DEFINE_FREEP(struct model, model_free)

/* The document as it was given. */
json_t *model_json(const struct model *m);

bool model_has_property(const struct model *m, const char *id);
/* params must be an object of known properties with good values; writable_only: mode rw. */
void model_check_properties(const struct model *m, const json_t *params, bool writable_only,
                            struct model_verdict *ret_verdict);
/* type may be NULL (not given); otherwise it must be the one of the model. */
void model_check_event(const struct model *m, const char *id, const char *type,
                       const json_t *params, struct model_verdict *ret_verdict);
/* The model's type of an event ("info", "alert", "fault"), or NULL. */
const char *model_event_type(const struct model *m, const char *id);
/* Every declared input must be there. */
void model_check_action_input(const struct model *m, const char *id, const json_t *params,
                              struct model_verdict *ret_verdict);
/* Outputs may be missing, but not wrong. */
void model_check_action_output(const struct model *m, const char *id, const json_t *params,
                               struct model_verdict *ret_verdict);

#endif /* IOTD_LOCALCLOUD_MODEL_H */
