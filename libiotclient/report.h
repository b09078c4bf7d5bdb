/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_REPORT_H
#define IOTD_LIBIOTCLIENT_REPORT_H

/*
 * Values on their way to the cloud. Any thread reports; the lock of the client is held for it.
 *
 * A report waits as pending (one for each property, the newest value wins) until the client's
 * thread has its turn; then all that is pending leaves in one batch, which waits for the token of
 * iotd and for Completed. What was not confirmed when iotd goes away is pending again, unless a
 * newer value overtook it.
 */

#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"
#include "libiotclient/value.h"

struct report;

/* The reports of one property. Under the lock. */
struct prop_report {
    struct report *pending; /* borrowed: reports->pending */
    unsigned n_elsewhere;   /* batches and samples of it that iotd has not answered */
    bool keeps_all;         /* the program asked for a history */
    uint64_t confirmed;     /* number of the newest report that the cloud has */
};

struct report {
    struct list link; /* in reports->pending or batch->reports */
    iotc_prop *prop;
    struct value value;
    uint64_t number;
    struct list dones;
    bool alone; /* iotd refused a batch with it: it may not take others down again */
};

struct reports {
    struct list batches; /* the client's thread only */
    unsigned n_batches;
    /* Under the lock. */
    struct list pending; /* struct report */
    unsigned n_dones;    /* also of posts */
    uint64_t next_number;
    unsigned n_json; /* reports in JSON that iotd has not answered: any property */
};

void reports_init(struct reports *reports);
/* Completes what waits with -ECANCELED. */
void reports_done(iotc_client *client);
void reports_on_detached(iotc_client *client);

/* The program asked for a history, or does no more. */
void reports_set_history(iotc_client *client, const char *id, bool keeps_all);

/* --- between report.c and report_batch.c --- */

/* With the lock. Its dones must have moved on. */
void report_free(struct report *report);
/* Back to pending, with the lock. What nobody needs to hear of any more goes to ret_ended. */
void report_requeue(struct report *report, struct list *ret_ended);

/* Sends what is pending, as far as the bound on batches allows. */
void reports_flush(iotc_client *client);
/* Whether the token is one of ours. */
bool reports_on_completed(iotc_client *client, uint64_t token, int result);
/* All batches back to pending, the youngest first; with the lock. */
void batches_requeue(iotc_client *client, struct list *ret_ended);
/* All that is in batches goes to ret_reports; with the lock. */
void batches_drain(iotc_client *client, struct list *ret_reports);

#endif /* IOTD_LIBIOTCLIENT_REPORT_H */
