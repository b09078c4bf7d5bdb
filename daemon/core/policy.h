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
    bool history; /* every value is kept until the cloud has it; the rest is for newest values */
    uint64_t min_interval_us;
    uint64_t max_interval_us; /* of values within the dead band; 0: they wait for ever */
    double dead_band;
    double dead_band_percent; /* of the value that was sent */
    uint8_t qos;
};

/* Keys that were given; the others of the policy mean nothing. */
enum policy_key {
    POLICY_HISTORY = 1 << 0,
    POLICY_MIN_INTERVAL = 1 << 1,
    POLICY_MAX_INTERVAL = 1 << 2,
    POLICY_DEAD_BAND = 1 << 3,
    POLICY_DEAD_BAND_PERCENT = 1 << 4,
    POLICY_QOS = 1 << 5,
};

/* Bounds of all of them. */
#define POLICY_MAX_INTERVAL_S 86400 /* own choice */
#define POLICY_MAX_DEAD_BAND 1e9    /* own choice */
#define POLICY_MAX_PERCENT 1000     /* own choice */

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
/* Room for another model; policies_configure() follows. */
int policies_reserve(struct policies *ps, const struct model_plan *plan) MUST_CHECK;
/* Of the administrator; replaces what was said before. A rule for an unknown id is told. */
void policies_configure(struct policies *ps, const struct policy *general,
                        const struct policy_rule *rules, size_t n_rules);
/* A program that serves the property asks; holds as long as it does. */
void policies_ask(struct policies *ps, const struct client *client, size_t index,
                  const struct policy_wish *wish);
/* -EPROTOTYPE: a dead band for what is no number. */
int policies_check(const struct policies *ps, size_t index,
                   const struct policy_wish *wish) MUST_CHECK;
/* What holds now. */
struct policy policies_get(const struct policies *ps, size_t index);

#endif /* IOTD_CORE_POLICY_H */
