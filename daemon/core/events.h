/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_EVENTS_H
#define IOTD_CORE_EVENTS_H

/*
 * The queue of events and samples: on disk before the post is answered, kept until the cloud
 * answered with 0 or a final error. Alerts and faults leave first; infos and samples take turns.
 * Within each of the three classes the programs take turns, and what one of them posted keeps its
 * order. A post that cannot be kept fails; nothing is dropped silently.
 *
 * A sample is what was reported of properties that keep every value (policy.h), at one moment.
 */

#include "daemon/cloud/model.h"
#include "daemon/cloud/ntp.h"
#include "daemon/cloud/thing.h"
#include "daemon/core/clients.h"
#include "daemon/core/completion.h"
#include "daemon/core/pace.h"
#include "daemon/core/persist.h"
#include "libiotclient/base/ratelimit.h"

enum event_class {
    EVENT_CLASS_URGENT, /* alert, fault */
    EVENT_CLASS_INFO,
    EVENT_CLASS_SAMPLE,
    EVENT_CLASS_COUNT_,
};

#define EVENT_FLOWS 64 /* own choice: programs by a hash; who shares one, shares its turns */

/* One class: the next ones are in memory, the rest on disk only. */
struct event_queue {
    struct list queued; /* to be sent, by turn and token */
    unsigned n_queued;
    int64_t n_on_disk; /* not in memory, all of them behind this place */
    int64_t last_turn, last_token;
    int64_t now; /* the turn that was sent last */
    int64_t next_turn[EVENT_FLOWS];
};

struct events_config {
    int64_t max_events;
    int64_t max_bytes;
    bool drop_oldest_info; /* outbox.info_policy */
    unsigned rate;         /* outbox.rate; 0: no limit */
    unsigned share;        /* quota.outbox_share, in percent; 0: no limit */
};

#define EVENTS_ACCOUNT 96 /* bytes of the name of a program */

struct events {
    struct loop *loop;
    struct link *cloud;  /* borrowed: manager */
    struct thing *thing; /* borrowed: core, as the next six */
    struct ntp *ntp;
    struct completion *completion;
    struct persist *persist;
    struct pace *pace; /* report.rate, of samples */
    const struct clients *clients;
    struct events_config config;
    struct ratelimit rate;      /* outbox.rate */
    enum event_class last_sent; /* whose turn it was */
    struct persist_part part;
    struct link_watch watch;
    struct loop_timer timer;
    struct event_queue queues[EVENT_CLASS_COUNT_];
    struct list posting; /* accepted, not on disk yet */
    struct list sent;    /* handed to the session, oldest first */
    struct list ended;   /* rows that have to go */
    unsigned n_sent;
    int64_t n_all;
    int64_t n_bytes;
    struct list accounts; /* of those that have events in the queue */
    unsigned n_accounts;
    /*
     * Names the program behind a peer, the same one over restarts of it and of iotd, where it
     * can be told; "": nobody, without a limit. NULL: nobody has one.
     */
    void (*account_of)(const char *peer, char name[EVENTS_ACCOUNT], void *userdata);
    void *account_userdata;
};

/*
 * The end of a post: 0 with the token when it is on disk; -EIO, -ENOSPC when it cannot be: then
 * nothing was kept.
 */
typedef void (*events_posted_fn)(int result, uint64_t token, void *userdata);

/* Takes up what an earlier run left. 0; what the database failed with */
int events_init(struct events *es, struct loop *loop, struct link *link, struct thing *thing,
                struct ntp *ntp, struct completion *completion, struct persist *persist,
                struct pace *pace, const struct clients *clients,
                const struct events_config *config) MUST_CHECK;
void events_done(struct events *es);
void events_configure(struct events *es, const struct events_config *config);

/*
 * @param params       object as JSON text, checked by the caller; copied
 * @param timestamp_s  0: now
 * @param fn           runs once, later, if 0 is returned
 * @return 0; -ENOBUFS the queue is full; -EDQUOT the peer's share of it is; -EMSGSIZE more than a
 *         message holds; -ENOMEM
 */
int events_post(struct events *es, const char *peer, const struct model_event *event,
                const char *params, uint64_t timestamp_s, events_posted_fn fn,
                void *userdata) MUST_CHECK;
/*
 * Several in one message, which the cloud takes or refuses as a whole. Same results.
 * @param list    array as JSON text, as it travels in events_post, checked by the caller; copied
 * @param urgent  one of them is an alert or a fault
 */
int events_post_list(struct events *es, const char *peer, const char *list, bool urgent,
                     events_posted_fn fn, void *userdata) MUST_CHECK;

/*
 * Whether the end of an event that peer posted, perhaps in an earlier run, is still to be told.
 * 0; what the database failed with
 */
int events_is_open(struct events *es, const char *peer, uint64_t token, bool *ret_open) MUST_CHECK;

/*
 * The same for a sample, in two steps: what was prepared is either kept, which cannot fail any
 * more, or abandoned.
 * @param peer  "": nobody hears how it ends
 */
struct event;
int events_prepare_sample(struct events *es, const char *peer, const char *params,
                          uint64_t timestamp_s, struct event **ret_event) MUST_CHECK;
void events_keep(struct event *e, events_posted_fn fn, void *userdata);
void events_abandon(struct event *e);

#endif /* IOTD_CORE_EVENTS_H */
