/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_EVENT_STEPS_H
#define IOTD_TESTS_EVENT_STEPS_H

/* The core rig for tests of events: posting, and the cloud's side of it. */

#include "tests/lib/core-rig.h"

#define S USEC_PER_SEC
#define LAMP ":1.1"
#define WINDOW LIMIT_EVENTS_INFLIGHT

/* The event that was on the wire last. */
struct event_seen {
    unsigned number, id;
    bool dup;
    char name[32], type[16], token[64];
    int64_t timestamp;
};

extern struct event_seen event_seen;

/* A core without a limit of the rate, which has its own test; the link is down, or up. */
void event_begin(void);
void event_begin_up(void);

/* Posts and waits for the disk. */
int event_try_post(size_t event, const char *params, uint64_t timestamp_s, uint64_t *ret_token);
/* Posts with its number as the content; gives the token. */
uint64_t event_post(size_t event, unsigned number);

/* The next event on the wire, into event_seen; false when there is none. It is not acknowledged. */
bool event_next(void);
void event_ack(unsigned id);
void event_reply(const char *token, int code);
/* How it ended; -1 while it has not. */
int event_code_of(uint64_t token);

#endif /* IOTD_TESTS_EVENT_STEPS_H */
