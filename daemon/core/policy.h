/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_POLICY_H
#define IOTD_CORE_POLICY_H

/*
 * How each property is reported. What the administrator says of one property wins over what the
 * program that serves it asks for, and that wins over what the administrator says of all; key by
 * key.
 */

#include "daemon/core/owners.h"

struct policy {
    bool history; /* every value is kept until the cloud has it, not only the newest */
};

/* Keys that were given; the others of the policy mean nothing. */
enum policy_key {
    POLICY_HISTORY = 1 << 0,
};

struct policy_wish {
    unsigned given; /* of enum policy_key */
    struct policy policy;
};

/* Of the administrator, for one property. */
struct policy_rule {
    const char *id;
    struct policy_wish wish;
};

struct policies {
    const struct model *model;   /* borrowed: manager, as what follows it */
    const struct owners *owners; /* borrowed: core */
    struct policy general;
    struct policy_wish *rules; /* by index of the model */
    struct policy_wish *asked; /* the same, by the program */
    uint32_t *asked_by;        /* its number */
};

int policies_init(struct policies *ps, const struct model *model,
                  const struct owners *owners) MUST_CHECK;
void policies_done(struct policies *ps);
/* Of the administrator; replaces what was said before. A rule for an unknown id is told. */
void policies_configure(struct policies *ps, const struct policy *general,
                        const struct policy_rule *rules, size_t n_rules);
/* A program that serves the property asks; holds as long as it does. */
void policies_ask(struct policies *ps, const struct client *client, size_t index,
                  const struct policy_wish *wish);
/* What holds now. */
struct policy policies_get(const struct policies *ps, size_t index);

#endif /* IOTD_CORE_POLICY_H */
