/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_PERSIST_H
#define IOTD_CORE_PERSIST_H

/*
 * Group commit: what changed in one turn of the loop goes to disk in one transaction. Parts keep
 * what they have not saved yet; a transaction that fails changes nothing, parts are told, and what
 * they still hold is tried again.
 */

#include <stdbool.h>

#include "daemon/store/db.h"
#include "daemon/sys/log.h"
#include "libiotclient/base/list.h"
#include "libiotclient/base/loop.h"

/* Embedded in what is saved. */
struct persist_part {
    struct list link;
    /* Writes what is unsaved. 0 or what db_run() returned. */
    int (*save)(struct db *db, void *userdata);
    /* The transaction ended; on failure what was written is not there. */
    void (*saved)(int result, void *userdata);
    void *userdata;
};

struct persist {
    struct loop *loop;
    struct db *db; /* borrowed: core */
    struct list parts;
    struct loop_timer timer;
    struct log_limit log_limit;
    unsigned n_new;   /* requests of this turn */
    unsigned n_turns; /* since the first request */
    bool durable;     /* somebody waits for the disk */
    bool relaxed;     /* persist_relax() */
    bool failing;
};

void persist_init(struct persist *p, struct loop *loop, struct db *db);
void persist_done(struct persist *p);
void persist_add(struct persist *p, struct persist_part *part);

/* Saves at the end of this turn. durable: it has to be on the disk then. */
void persist_request(struct persist *p, bool durable);
/*
 * Requests meanwhile that wait for no disk may wait for others, 100 ms at most: what they are about
 * is kept in another place until they are done.
 */
void persist_relax(struct persist *p, bool relaxed);
/* Saves now; 0 or -errno. For a stop, and before an acknowledgement that cannot wait. */
int persist_now(struct persist *p, bool durable);

#endif /* IOTD_CORE_PERSIST_H */
