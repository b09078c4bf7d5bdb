/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SHM_H
#define IOTD_LIBIOTCLIENT_SHM_H

/*
 * The memory that iotd and this program share, from Attach to Attach: the segments of Attach
 * verified and mapped, the bells, and the order in which a turn looks at what iotd published. What
 * is in the segments is the business of others: properties of prop.c and snapshot.c, report slots
 * of shm_report.c, rings of shm_ring.c.
 *
 * Without an offer of iotd nothing here is active, and everything goes over the bus.
 *
 * A segment that was mapped once stays readable until the client is freed, and the next one comes
 * to the same address: other threads may read and write it at any time.
 */

#include <pthread.h>

#include <iotclient/client.h>

#include "dbus/msg.h"
#include "libiotclient/base/loop.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/ring.h"
#include "libiotclient/ipc/segment.h"
#include "libiotclient/ipc/table.h"

struct shm {
    bool is_active; /* attached with shared memory; others than the client's thread: atomically */
    bool is_lock_made;
    /*
     * Held by the client's thread while it attaches or detaches: who writes to up or rings the bell
     * of iotd from another thread holds it too.
     */
    pthread_mutex_t lock;

    struct segment table_segment;
    struct segment up_segment;
    struct segment down_segment;
    struct table_view view;   /* valid once a table was mapped, also after iotd went away */
    struct layout_up *up;     /* NULL: never attached with shared memory */
    struct layout_down *down; /* the same; cannot be written */
    struct ring to_iotd;
    struct ring from_iotd;
    int bell_up;             /* rings iotd; -1 */
    int bell_down;           /* iotd rings; -1 */
    struct loop_io io;       /* bell_down */
    struct loop_timer again; /* there is more work than this turn did */
    struct loop_timer hangup;
    bool is_avoided;         /* what iotd offered was of no use: the next Attach does not ask */
    struct call *table_call; /* asks for the table that iotd names */
    uint64_t asked_epoch;    /* of that table */
};

int shm_init(iotc_client *client) MUST_CHECK;
void shm_done(iotc_client *client);

/* Attach is about to leave: says which layout this library speaks. */
int shm_on_attaching(iotc_client *client, DBusMessageIter *options) MUST_CHECK;
/* Its answer: maps what iotd offers. 0 also if that is nothing; -EPROTO, -ENOMEM, -EMFILE */
int shm_on_attached(iotc_client *client, DBusMessage *reply) MUST_CHECK;
/* Nothing is sent to that iotd any more; what it wrote stays readable. */
void shm_on_detached(iotc_client *client);
/* Any thread. */
bool shm_is_active(const iotc_client *client);

/* iotd names another table than the one that is read here, which is on its way. */
bool shm_table_is_stale(const iotc_client *client);

/* A turn: awake, so that iotd need not ring; what it published; and asleep, with a last look. */
void shm_turn_begin(iotc_client *client);
void shm_turn_work(iotc_client *client);
void shm_turn_end(iotc_client *client);
/* What iotd wrote cannot be: attaches again after a pause, without shared memory. */
void shm_broken(iotc_client *client, const char *what);

#endif /* IOTD_LIBIOTCLIENT_SHM_H */
