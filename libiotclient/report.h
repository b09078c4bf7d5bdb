/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_REPORT_H
#define IOTD_LIBIOTCLIENT_REPORT_H

/*
 * Values on their way to the cloud. Any thread reports; the lock of the client is held for it.
 *
 * A report waits as pending (one for each property, the newest value wins) until the client's
 * thread has its turn; then all that is pending leaves in one batch, which waits for the token of
 * iotd and for Completed. Short values take the report slots of shm_report.c instead, at once. What
 * was not confirmed when iotd goes away is pending again, unless a newer value overtook it.
 *
 * A value never overtakes an older one of its property: it takes a slot only if nothing of the
 * property is on another way, and what lies in a slot is taken back before a newer one goes
 * elsewhere.
 */

#include <pthread.h>

#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/value.h"

struct report;

/* The reports of one property. Under the lock. */
struct prop_report {
    struct report *pending; /* borrowed: reports->pending */
    unsigned n_elsewhere;   /* batches and samples of it that iotd has not answered */
    bool keeps_all;         /* the program asked for a history */
    bool table_keeps_all;   /* iotd said so last */
    uint64_t confirmed;     /* number of the newest report that the cloud has */
    bool has_place;         /* in the model of this iotd */
    uint32_t place;

    /* Its report slot, from the first use to the end of the attach. */
    bool has_slot;
    bool is_in_slot; /* what lies there is a value, not taken back */
    uint32_t slot;
    uint64_t number;        /* of the report that lies there */
    uint64_t n_writes;      /* of the slot; its seq is the lower half */
    uint64_t done_seen;     /* the word of iotd that was handled last */
    struct list dones;      /* wait for that word */
    struct list waiting;    /* in reports->waiting while there are dones */
    struct report *reserve; /* for the value when iotd is gone */
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
    bool is_open;      /* the model of this iotd is known: slots may be used */
    unsigned n_json;   /* reports in JSON that iotd has not answered: any property */
    unsigned n_slots;  /* in use */
    iotc_prop **slots; /* LAYOUT_REPORT_SLOTS of them; NULL before the first */
    struct list waiting;
    bool in_turn;   /* of dispatch, in that thread */
    bool owes_bell; /* to iotd, at the end of the turn */
    pthread_t turn_thread;
};

void reports_init(struct reports *reports);
/* Completes what waits with -ECANCELED. */
void reports_done(iotc_client *client);
/* The model has arrived, or the table of another view of it. */
void reports_on_model(iotc_client *client);
void reports_on_detached(iotc_client *client);

/*
 * Around a turn of dispatch: what its callbacks report is shown to iotd at once, but it is woken
 * when they are through, so that it finds all of it.
 */
void reports_turn_begin(iotc_client *client);
void reports_turn_end(iotc_client *client);

/* A new property, without the lock. */
void prop_report_init(struct prop_report *pr);
/* The program asked for a history, or does no more. */
void reports_set_history(iotc_client *client, const char *id, bool keeps_all);

/* --- between report.c and report_batch.c --- */

/* With the lock. Its dones must have moved on. */
void report_free(struct report *report);
/* Back to pending, with the lock. What nobody needs to hear of any more goes to ret_ended. */
void report_requeue(struct report *report, struct list *ret_ended);

/* Sends what is pending, as far as the bound on batches allows. */
void reports_flush(iotc_client *client);
/* The answer to a record: 0 with the token. False: it is none of ours. */
bool reports_on_token(iotc_client *client, uint32_t id, int result, uint64_t token);
/* Whether the token is one of ours. */
bool reports_on_completed(iotc_client *client, uint64_t token, int result);
/* All batches back to pending, the youngest first; with the lock. */
void batches_requeue(iotc_client *client, struct list *ret_ended);
/* All that is in batches goes to ret_reports; with the lock. */
void batches_drain(iotc_client *client, struct list *ret_reports);

#endif /* IOTD_LIBIOTCLIENT_REPORT_H */
