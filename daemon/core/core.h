/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_CORE_H
#define IOTD_CORE_CORE_H

/*
 * What stands between the programs and the cloud, in one place: the state of the device and the
 * policy. Knows neither D-Bus nor libwebsockets. Fronts call the modules directly.
 */

#include "daemon/cloud/binding.h"
#include "daemon/cloud/firmware.h"
#include "daemon/cloud/ntp.h"
#include "daemon/core/access.h"
#include "daemon/core/calls.h"
#include "daemon/core/clients.h"
#include "daemon/core/events.h"
#include "daemon/core/files.h"
#include "daemon/core/info.h"
#include "daemon/core/owners.h"
#include "daemon/core/props.h"
#include "daemon/core/reports.h"
#include "daemon/core/service.h"
#include "daemon/core/twecall.h"
#include "daemon/core/update_parts.h"

/* What one program may use; 0: no limit of its own. */
struct core_quota {
    unsigned ids;         /* that it serves */
    unsigned calls;       /* that it works on */
    unsigned rate;        /* reports and posts a second */
    unsigned attachments; /* of one user */
};

struct core_config {
    struct core_quota quota;
    unsigned report_rate;
    struct policy policy;                   /* of all properties */
    const struct policy_rule *policy_rules; /* of single ones; borrowed for the call */
    size_t n_policy_rules;
    bool accept_unowned;
    uint64_t control_timeout_us;
    uint64_t action_timeout_us;
    struct events_config events;
    const struct signer *signer; /* borrowed: manager; NULL: there is nothing to sign with */
    struct update_config update;
    const struct update_ops *update_ops; /* at the start; NULL: nothing is downloaded */
    void *update_data;
    const char *boot_id; /* the same; borrowed for the call */
};

#define CORE_MODEL_FACT "model" /* of the database: the text of one that was assembled */

struct core {
    struct model *model;         /* borrowed: manager */
    const struct ident *ident;   /* borrowed: manager */
    struct link *link;           /* borrowed: manager */
    const struct signer *signer; /* the same; or NULL */
    struct link_watch watch;     /* what is asked and told after a connect */
    struct thing *thing;
    struct ntp *ntp;
    struct firmware *firmware;
    struct update *update;
    struct info info;
    struct db *db; /* borrowed: manager */
    struct persist persist;
    struct persist_part part; /* of the facts that have no other place */
    struct access access;
    struct core_quota quota;
    struct clients clients;
    struct owners owners;
    struct policies policies;
    struct props props;
    struct completion completion;
    struct pace pace; /* report.rate */
    struct reports reports;
    struct events events;
    struct calls calls;
    struct service service;
    struct twecall twecall;
    struct files *files; /* borrowed: manager; NULL: their directory cannot be used */
    bool bound;
    bool bound_unsaved;
    uint64_t session_filters; /* struct link_memory */
    bool session_unsaved;
    bool model_unsaved;
    void (*on_time)(void *userdata); /* the offset of the clock was measured */
    void *time_userdata;
    void (*on_bound)(bool bound, uint64_t timestamp_s, void *userdata);
    void *bound_userdata;
};

/* Opens the database in state_dir, and tells on the log what is wrong with it. */
int core_new(struct core **ret_core, struct loop *loop, struct link *link,
             const struct ident *ident, struct model *model, const struct core_config *config,
             struct db *db) MUST_CHECK;
struct core *core_free(struct core *core);
DEFINE_FREEP(struct core, core_free)

/* Before the end: saves what is not saved yet, and ends what waits for the cloud (-ECANCELED). */
void core_save(struct core *core);
/*
 * Another thing model takes the place of the one in use: core_model.c. What programs hold stays
 * theirs as far as its ids stay. core_configure() follows.
 * @param newer  is left with what was before, only to be freed
 * @return 0; with nothing changed: -E2BIG too many ids came and went; -ENOMEM
 */
int core_set_model(struct core *core, struct model *newer) MUST_CHECK;
/* The model was assembled here, and has to be known after a restart. */
void core_keep_model(struct core *core);
/* What can change at run time. */
void core_configure(struct core *core, const struct core_config *config);
/*
 * Ends the binding of the device from this side; fn hears how that went, Bound is false before it
 * does. As service_unbind().
 */
int core_unbind(struct core *core, service_fn fn, void *userdata) MUST_CHECK;
/* A program is gone: releases all that it held, in one place. */
void core_remove_client(struct core *core, struct client *client);

#endif /* IOTD_CORE_CORE_H */
