/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_MODEL_ASSEMBLE_H
#define IOTD_CLOUD_MODEL_ASSEMBLE_H

/* A thing model made of what programs bring with them. */

#include "daemon/cloud/model.h"

/* The model that has nothing yet. */
#define MODEL_EMPTY_TEXT "{\"version\":\"1.0\",\"properties\":[],\"events\":[],\"actions\":[]}"

#define MODEL_PROBLEM 256

/*
 * Adds definitions to a model. One that is there already has to be the same; names and
 * descriptions do not count, those of the first stay.
 * @param brought    laid out as the console's file; any of the lists may be missing
 * @param may_grow   else what is not in the model is refused
 * @param ret_newer  NULL: there is nothing to add
 * @param problem    filled for -EINVAL and -ECONNREFUSED
 * @return 0; -EINVAL a mistake in a definition; -ECONNREFUSED a contradiction; -ENOMEM
 */
int model_assemble(const struct model *m, const json_t *brought, const char *product_id,
                   bool may_grow, struct model **ret_newer, char problem[MODEL_PROBLEM]) MUST_CHECK;

#endif /* IOTD_CLOUD_MODEL_ASSEMBLE_H */
