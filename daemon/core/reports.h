/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_REPORTS_H
#define IOTD_CORE_REPORTS_H

/*
 * Brings the newest property values to the cloud: values of all programs are merged into turns,
 * at most report.rate messages a second. What was not confirmed is sent again with the value of
 * that time; nothing is sent twice while it is in flight.
 */

#include "daemon/cloud/thing.h"
#include "daemon/core/completion.h"
#include "daemon/core/props.h"
#include "libiotclient/base/ratelimit.h"

struct reports {
    struct loop *loop;
    struct link *cloud;  /* borrowed: manager */
    struct thing *thing; /* borrowed: manager */
    struct props *props; /* borrowed: core */
    struct completion *completion;
    struct link_watch watch;
    struct ratelimit rate;
    struct loop_timer timer;
    bool *dirty; /* by index of the model */
    size_t n_dirty;
    struct list waiters; /* reports whose values no turn carries yet */
    unsigned n_waiters;  /* of all turns */
    struct list timed;   /* turns with a time stamp of their own, not yet sent */
    struct list turns;   /* in flight */
    unsigned n_turns;
    struct turn *sending; /* not yet sent whole */
};

int reports_init(struct reports *rs, struct loop *loop, struct link *link, struct thing *thing,
                 struct props *props, struct completion *completion, unsigned rate) MUST_CHECK;
void reports_done(struct reports *rs);
void reports_set_rate(struct reports *rs, unsigned rate);

/*
 * Takes new values: writes them to the property table and has them reported.
 * @param timestamp_s  of the values; 0: now. Such a report is not merged with others.
 * @return 0; -ENOMEM with nothing written; -ENOBUFS too many with time stamps wait
 */
int reports_submit(struct reports *rs, const char *peer, const struct prop_update *updates,
                   size_t n, uint64_t timestamp_s, uint64_t *ret_token) MUST_CHECK;
/* The value in the table is to be reported though no program asked. */
void reports_mark(struct reports *rs, size_t index);

#endif /* IOTD_CORE_REPORTS_H */
