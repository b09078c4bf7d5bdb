/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_OWNERS_H
#define IOTD_CORE_OWNERS_H

/* Which program serves which id: at most one each. */

#include <stddef.h>

#include "daemon/cloud/model_update.h"
#include "daemon/core/clients.h"

enum feature {
    FEATURE_PROPERTY,
    FEATURE_EVENT,
    FEATURE_ACTION,
    FEATURE_COUNT_,
};

/* The ids that one program serves with one handler. Lives as long as it holds one. */
struct registration {
    struct list link; /* in its client */
    struct client *client;
    char *handler;
    unsigned n_ids;
};

struct owners {
    const struct model *model; /* borrowed: manager */
    unsigned max_ids;          /* of one program, quota.ids; 0: LIMIT_CLIENT_IDS */
    struct registration **of[FEATURE_COUNT_];
};

int owners_init(struct owners *o, const struct model *model) MUST_CHECK;
void owners_done(struct owners *o);
/* Another model comes: room for it, 0 or -ENOMEM; then what goes is nobody's. */
int owners_reserve(struct owners *o, const struct model_plan *plan) MUST_CHECK;
void owners_on_model(struct owners *o, const struct model_plan *plan);

/* Ids by feature; any list may be NULL with n 0. */
struct owners_ids {
    const char *const *ids[FEATURE_COUNT_];
    size_t n[FEATURE_COUNT_];
};

/*
 * Whether c (NULL: a program that serves nothing yet) may have all of them.
 * @param ret_id  on -ENOENT and -EEXIST the id that it was about; borrowed from ids
 * @return 0; -ENOENT not in the model; -EEXIST another program serves it; -EDQUOT more
 *         than one program may have; -ENOBUFS more than there can be; -ENOMEM
 */
int owners_check(struct owners *o, struct client *c, const struct owners_ids *ids,
                 const char **ret_id) MUST_CHECK;
/*
 * All of them or none. An id that the client serves already moves to the new handler.
 * @return as owners_check()
 */
int owners_register(struct owners *o, struct client *c, const struct owners_ids *ids,
                    const char *handler, const char **ret_id) MUST_CHECK;
/* The same for giving up; no lists at all means everything. -EPERM: serves it not. */
int owners_unregister(struct owners *o, struct client *c, const struct owners_ids *ids,
                      const char **ret_id) MUST_CHECK;
/* The client is gone. */
void owners_release(struct owners *o, struct client *c);

/* NULL when nobody serves it. */
static inline struct registration *owners_get(const struct owners *o, enum feature f, size_t index)
{
    return o->of[f][index];
}
size_t owners_count(const struct owners *o, enum feature f);
const char *owners_id(const struct owners *o, enum feature f, size_t index);

#endif /* IOTD_CORE_OWNERS_H */
