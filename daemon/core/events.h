/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_EVENTS_H
#define IOTD_CORE_EVENTS_H

/*
 * The queue of events: kept until the cloud answered with 0 or a final error. Alerts and faults
 * leave before infos; each of the two classes keeps its order. A post that cannot be kept fails
 * with -ENOBUFS, nothing is dropped.
 */

#include "daemon/cloud/model.h"
#include "daemon/cloud/thing.h"
#include "daemon/core/completion.h"

enum event_class {
    EVENT_CLASS_URGENT, /* alert, fault */
    EVENT_CLASS_INFO,
    EVENT_CLASS_COUNT_,
};

struct events {
    struct loop *loop;
    struct link *cloud;  /* borrowed: manager */
    struct thing *thing; /* borrowed: manager */
    struct completion *completion;
    struct link_watch watch;
    struct loop_timer timer;
    struct list queued[EVENT_CLASS_COUNT_]; /* to be sent */
    struct list sent;                       /* handed to the session, oldest first */
    unsigned n_sent;
    unsigned n_all;
    size_t n_bytes;
    unsigned max_events;
    size_t max_bytes;
};

void events_init(struct events *es, struct loop *loop, struct link *link, struct thing *thing,
                 struct completion *completion, unsigned max_events, size_t max_bytes);
void events_done(struct events *es);

/*
 * @param params       object as JSON text, checked by the caller; copied
 * @param timestamp_s  0: now
 * @return 0; -ENOBUFS the queue is full; -EMSGSIZE more than a message holds; -ENOMEM
 */
int events_post(struct events *es, const char *peer, const struct model_event *event,
                const char *params, uint64_t timestamp_s, uint64_t *ret_token) MUST_CHECK;

#endif /* IOTD_CORE_EVENTS_H */
