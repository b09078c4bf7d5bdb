/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_NAMES_H
#define IOTD_CODEGEN_NAMES_H

/*
 * C names for everything in a model, also valid in C++: no keywords, nothing that a common header
 * defines as a macro, no reserved underscores, each one once. They depend on the model alone.
 */

#include "libiotclient/codegen/model.h"

/* What a prefix may be: an identifier that neither the language nor the library uses. */
bool cg_name_is_prefix(const char *prefix);
/* A prefix from the name of a file; may still be none. */
char *cg_name_prefix(struct pool *pool, const char *name);

/* Fills the C names of the model. -ENOMEM. */
int cg_names_assign(struct cg_model *model, const char *prefix) MUST_CHECK;

#endif /* IOTD_CODEGEN_NAMES_H */
