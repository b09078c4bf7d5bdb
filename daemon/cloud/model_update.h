/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_MODEL_UPDATE_H
#define IOTD_CLOUD_MODEL_UPDATE_H

/*
 * Another thing model takes the place of one in use. Ids keep their index, also those that are
 * gone, so that whatever is known by index, on its way or waiting, stays right; new ids come behind
 * them. In two steps: what may fail, and what may not.
 */

#include "daemon/cloud/model.h"

enum model_kind {
    MODEL_PROPERTY,
    MODEL_EVENT,
    MODEL_ACTION,
    MODEL_KIND_COUNT_,
};

/* What becomes of an id that was there. */
enum model_fate {
    MODEL_STAYS,   /* as it is, also gone */
    MODEL_DIFFERS, /* another definition, or back again */
    MODEL_GOES,
};

struct model_plan {
    size_t n_before[MODEL_KIND_COUNT_];
    size_t n[MODEL_KIND_COUNT_]; /* places after */
    void *places[MODEL_KIND_COUNT_];
    uint8_t *fates[MODEL_KIND_COUNT_]; /* enum model_fate of each that was there */
    size_t *to[MODEL_KIND_COUNT_];     /* for each of the newer its place */
    uint16_t *sorted;                  /* room for it */
};

/* 0; -E2BIG more places than LIMIT_MODEL_PLACES; -ENOMEM. To be done with model_plan_done(). */
int model_plan_make(struct model_plan *plan, const struct model *m,
                    const struct model *newer) MUST_CHECK;
void model_plan_done(struct model_plan *plan);
static inline enum model_fate model_plan_fate(const struct model_plan *plan, enum model_kind kind,
                                              size_t index)
{
    return (enum model_fate) plan->fates[kind][index];
}
/* Makes m what newer is; what it was is in newer, only to be freed. Items of m have moved. */
void model_plan_carry_out(struct model_plan *plan, struct model *m, struct model *newer);

#define MODEL_DIFFERENCE 160

/*
 * Whether two definitions of one id mean the same; names and descriptions, which are for people,
 * do not count.
 * @param difference  where they differ and how; filled when they do
 */
bool model_same_definition(const json_t *a, const json_t *b, char difference[MODEL_DIFFERENCE]);
/* The key of the list of that kind in the file. */
const char *model_kind_key(enum model_kind kind);
/* A new object of the items of that list by id; borrowed items are referenced. NULL: no memory. */
json_t *model_items_by_id(const json_t *root, enum model_kind kind);

#endif /* IOTD_CLOUD_MODEL_UPDATE_H */
