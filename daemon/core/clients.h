/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_CLIENTS_H
#define IOTD_CORE_CLIENTS_H

/*
 * Attached programs. A program is known by the name of its peer (a unique bus name); what it
 * holds is released in one place when it goes.
 */

#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"

struct client {
    struct list link;
    struct list registrations; /* of struct registration, owners.h */
    uint32_t number;           /* of its object; never used twice in one run */
    char *peer;
    char app_id[LIMIT_APP_ID + 1];
    uint32_t uid;
    uint32_t pid; /* 0 when the bus does not know */
    uint64_t since_real_us;
    unsigned n_ids;
    void *front; /* of the front door that made it */
};

struct clients {
    struct list list; /* oldest first */
    unsigned n;
    unsigned max_per_user; /* quota.attachments; 0: no limit */
    uint32_t last_number;
};

void clients_init(struct clients *cs);
/* All clients are gone: their front removed them. */
void clients_done(struct clients *cs);

/* 0; -ENOBUFS too many programs; -EDQUOT of this user; -ENOMEM. The app_id is the peer's name until
 * one is set. */
int clients_add(struct clients *cs, const char *peer, uint32_t uid, uint32_t pid,
                struct client **ret_client) MUST_CHECK;
/* Nothing may be registered any more: owners_release() and calls_release() came before. */
void clients_remove(struct clients *cs, struct client *c);
struct client *clients_find(const struct clients *cs, const char *peer); /* NULL when unknown */
/* -EINVAL when it is no app id. */
int client_set_app_id(struct client *c, const char *app_id) MUST_CHECK;

#endif /* IOTD_CORE_CLIENTS_H */
