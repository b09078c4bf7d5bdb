/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_REPORT_H
#define IOTD_CORE_REPORT_H

/* Reports on their way; only reports.c and reports_turns.c include this. */

#include "daemon/core/reports.h"
#include "libiotclient/base/limits.h"

#define REPORT_PARAMS_CAP (LIMIT_MQTT_PAYLOAD - 512) /* room for the envelope */

/* One report of a program that waits for its end. */
struct waiter {
    struct list link;
    uint64_t token; /* 0: nobody hears of it */
    unsigned attempts;
    unsigned run; /* of the completion when it came */
    char peer[];
};

/* A set of properties that leaves in one message, or in as many as the size takes. */
struct turn {
    struct list link;
    struct reports *owner;
    struct list waiters;
    struct list messages;
    unsigned n_unanswered;
    size_t *indices;
    uint64_t *versions; /* of the table's values that were sent, parallel to indices */
    size_t n_indices, next, cap;
    struct prop_update *own; /* values of its own, parallel to indices; NULL: the table's */
    uint64_t timestamp_s;
    uint64_t round;  /* the order of those with a time stamp: programs take turns */
    bool lost, down; /* something has to be sent again; because the link went down */
    int code;
    char text[LIMIT_STATUS_TEXT + 1];
};

struct turn *turn_new(struct reports *rs, size_t n_indices);
struct turn *turn_free(struct turn *t);
void report_end_waiter(struct reports *rs, struct waiter *w, int code, const char *text);
/*
 * Has the turn that is being sent carry the value of index too.
 * @return false: there is none, or it has sent that one already
 */
bool reports_join(struct reports *rs, size_t index);
/* Wakes the sender; a pending earlier wake-up stays. */
void reports_schedule(struct reports *rs, uint64_t delay_us);
void reports_on_up(void *userdata);
void reports_on_down(void *userdata);

#endif /* IOTD_CORE_REPORT_H */
