/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_ACCESS_H
#define IOTD_CORE_ACCESS_H

/*
 * Who may do what: a pure decision over the rules of access.d. The first rule that fits decides.
 * Where none does, root and iotd's own user may do everything, and members of access.group what is
 * about ids.
 *
 * What is not known of a subject fits a rule that denies and no rule that allows.
 */

#include "daemon/conf/access_conf.h"

struct access {
    const struct access_conf *conf; /* borrowed: manager; NULL: no rules, no group */
    uint32_t own_uid;
};

struct access_subject {
    uint32_t uid;
    const uint32_t *gids;
    size_t n_gids;
    bool has_gids;   /* they are known */
    const char *exe; /* path; NULL: not known; "": none that a rule could name */
};

struct access_verdict {
    bool allowed;
    const char *rule; /* FILE:LINE, or the default in words; lives as long as the rules */
};

/* id is "" for a verb that is not about ids. */
struct access_verdict access_decide(const struct access *a, const struct access_subject *s,
                                    enum access_verb verb, const char *id);

/*
 * Whether news of the id are for those only who may read it. Without rules the bus says who hears
 * iotd at all; with rules there may be others on it, and only what a rule lets everybody read is
 * for everybody.
 */
bool access_hides(const struct access *a, const char *id);
/* Whether a rule names this executable. */
bool access_names_exe(const struct access *a, const char *exe);
/* The program that is started for the id; NULL: none. The first that fits. */
const char *access_service_of(const struct access *a, const char *id);

#endif /* IOTD_CORE_ACCESS_H */
