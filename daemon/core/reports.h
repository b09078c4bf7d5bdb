/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_REPORTS_H
#define IOTD_CORE_REPORTS_H

/*
 * Takes the reports of programs: values are in the property table at once, and go to the cloud as
 * their policy says. Of most properties the newest value does: values of all programs are merged
 * into turns, at most report.rate messages a second; what was not confirmed is sent again with the
 * value of that time, and nothing is sent twice while it is in flight. A value that its policy
 * holds back ends its report at once, with 0. Of those with a history
 * every value goes into the queue of events.h, on disk before the report is answered.
 */

#include "daemon/cloud/thing.h"
#include "daemon/core/completion.h"
#include "daemon/core/events.h"
#include "daemon/core/hold.h"
#include "daemon/core/pace.h"
#include "daemon/core/policy.h"
#include "daemon/core/props.h"

struct reports {
    struct loop *loop;
    struct link *cloud;  /* borrowed: manager */
    struct thing *thing; /* borrowed: core, as the next six */
    struct events *events;
    struct props *props;
    struct policies *policies;
    struct completion *completion;
    struct pace *pace; /* report.rate */
    struct link_watch watch;
    struct loop_timer timer;
    bool *dirty; /* by index of the model */
    size_t n_dirty;
    struct holds holds;
    struct loop_timer hold_timer;
    struct list settled; /* reports that nothing is to be sent of */
    struct list waiters; /* reports whose values no turn carries yet */
    unsigned n_waiters;  /* of all turns */
    struct list timed;   /* turns with a time stamp of their own, not yet sent; by round */
    uint64_t round;      /* of the one that was sent last */
    bool timed_was_last;
    struct list turns; /* in flight */
    unsigned n_turns;
    struct turn *sending; /* not yet sent whole */
    struct list keeping;  /* samples that are on their way to the disk */
};

/* The constructor takes what is borrowed from *rs. */
int reports_init(struct reports *rs) MUST_CHECK;
void reports_done(struct reports *rs);
/* Another model comes: room for it, 0 or -ENOMEM; once it is there, what has no value waits not. */
int reports_reserve(struct reports *rs, const struct model_plan *plan) MUST_CHECK;
void reports_on_model(struct reports *rs);

#define REPORTS_KEEPING 1

/*
 * Takes new values: writes them to the property table and has them reported.
 * @param timestamp_s  of the values; 0: now. Such a report is not merged with others.
 * @param fn           for REPORTS_KEEPING: runs once, later, with the token, or with -EIO, -ENOSPC
 *                     when the samples could not be kept. The values stay the newest ones then.
 * @return 0 with the token; REPORTS_KEEPING there are samples among them, their end is that of the
 *         report; with nothing written: -ENOMEM; -ENOBUFS the queue is full, or too many with time
 *         stamps wait; -EMSGSIZE samples that do not fit into one message
 */
int reports_submit(struct reports *rs, const char *peer, const struct prop_update *updates,
                   size_t n, uint64_t timestamp_s, events_posted_fn fn, void *userdata,
                   uint64_t *ret_token) MUST_CHECK;
/* The same for values that no program reports: those of an accepted control. -ENOMEM */
int reports_accept(struct reports *rs, const struct prop_update *updates, size_t n) MUST_CHECK;
/* The value in the table is to be reported though no program asked, whatever its policy is. */
void reports_mark(struct reports *rs, size_t index);
/* Policies are new: what the old ones hold back is sent. */
void reports_review(struct reports *rs);

#endif /* IOTD_CORE_REPORTS_H */
