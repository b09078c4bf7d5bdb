/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_OUTBOX_H
#define IOTD_STORE_OUTBOX_H

/* The durable queue of events: rows of the database. Policy is in core/events.c. */

#include "daemon/store/db.h"

struct outbox_entry {
    int64_t token; /* unique over all runs */
    int class;
    int64_t turn; /* the order within the class, then the token */
    const char *client_token;
    const char *event_id;
    int type;
    int64_t timestamp_s;
    const char *params;
    const char *peer;
    const char *scope;
    const char *account; /* NULL: "" */
    int64_t bytes;
};

struct outbox_totals {
    int64_t n;
    int64_t bytes;
    int64_t last_turn;
    int64_t last_token; /* of all classes */
};

/* In a transaction. */
int outbox_add(struct db *db, const struct outbox_entry *entry) MUST_CHECK;
int outbox_remove(struct db *db, int64_t token) MUST_CHECK;

/* Of one class, in order, after that place; fn gets entries whose texts are borrowed. */
int outbox_load(struct db *db, int class, int64_t turn, int64_t token, int64_t max,
                int (*fn)(const struct outbox_entry *entry, void *userdata),
                void *userdata) MUST_CHECK;
/* Whether it is there, posted by that peer. */
int outbox_find(struct db *db, int64_t token, const char *peer, const char *scope,
                bool *ret_found) MUST_CHECK;
int outbox_get_totals(struct db *db, int class, struct outbox_totals *ret_totals) MUST_CHECK;

/* What each account has there; "" is left out. */
int outbox_get_accounts(struct db *db,
                        int (*fn)(const char *account, int64_t n, int64_t bytes, void *userdata),
                        void *userdata) MUST_CHECK;

#endif /* IOTD_STORE_OUTBOX_H */
