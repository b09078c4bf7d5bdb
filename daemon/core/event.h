/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_EVENT_H
#define IOTD_CORE_EVENT_H

/* One event of the queue; only events.c and events_store.c include this. */

#include "daemon/core/events.h"
#include "daemon/store/outbox.h"
#include "libiotclient/base/limits.h"

enum event_state {
    EVENT_POSTING, /* not on disk yet */
    EVENT_QUEUED,
    EVENT_PUBLISHED, /* the session has it until PUBACK */
    EVENT_ACKED,     /* waits for event_reply */
    EVENT_ENDED,     /* its row has to go */
};

struct event {
    struct list link;
    struct events *owner;
    enum event_state state;
    bool in_session; /* the session will call back */
    enum event_class class;
    enum model_event_type type;
    char id[LIMIT_FEATURE_ID + 1]; /* "" for a sample, and for several in a list */
    char client_token[REQUEST_TOKEN];
    int64_t turn; /* the order within the class, then the token */
    int64_t token;
    int64_t timestamp_s;
    uint64_t not_before_us;
    unsigned n_cloud_errors;
    bool again; /* the cloud's 503 came before PUBACK: after it, as if it came then */
    struct request request;
    events_posted_fn posted; /* while posting */
    void *userdata;
    char *peer;
    char *scope;
    struct event_account *account; /* whose share it takes; NULL: nobody's */
    int64_t bytes;
    char params[];
};

int event_new(struct event **ret_event, const char *params, const char *peer,
              const char *scope) MUST_CHECK;
void event_destroy(struct event *e); /* NULL is fine */
/* To its place in what waits to be sent, in memory or on disk. */
void events_enqueue(struct events *es, struct event *e);
/* The same in memory. */
void events_insert(struct events *es, struct event *e);
/* Gives it its turn: programs take turns, whatever one of them has waiting. */
void events_take_turn(struct events *es, struct event *e);
/* Brings more of a class from disk when few are left in memory. */
int events_fill(struct events *es, enum event_class class) MUST_CHECK;
/* Counts what an earlier run left, and brings the first of it. */
int events_load(struct events *es) MUST_CHECK;
/* Wakes the sender. */
void events_schedule(struct events *es, uint64_t delay_us);
/* Gives up the oldest info in memory that is not on its way, and tells its program. -ENOENT: there
 * is none. */
int events_drop_oldest(struct events *es) MUST_CHECK;
/* Gives that one up for a newer event, and brings more from disk. */
int events_drop(struct event *e) MUST_CHECK;

/*
 * events_quota.c. Whose share it takes, with outbox.info_policy when that is used up.
 * 0; -EDQUOT there is no room; -ENOMEM
 */
int events_account_open(struct events *es, struct event *e) MUST_CHECK;
/* It takes none any more. */
void events_account_close(struct event *e);
void events_account_find(struct event *e, const char *name);
const char *events_account_name(const struct event *e);
int events_load_accounts(struct events *es) MUST_CHECK;
void events_free_accounts(struct events *es);

/* Ends it: its program hears code, its row goes. */
void events_end(struct event *e, int code, const char *text);

extern const struct persist_part events_part;

#endif /* IOTD_CORE_EVENT_H */
