/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_PROP_H
#define IOTD_LIBIOTCLIENT_PROP_H

/*
 * The properties of the thing model with their newest values. With shared memory they are in
 * iotd's table (prop_table.h), and what is here is what the watchers saw last, and what an earlier
 * table had; without, ListProperties after each attach and Changed fill it. A property that was
 * handed out once stays until the client ends.
 */

#include <pthread.h>

#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/report.h"
#include "libiotclient/slot.h"
#include "libiotclient/value.h"

struct iotc_prop {
    /* Read by any thread: prop_table.h. */
    iotc_client *client;            /* borrowed: owner */
    const struct layout_slot *slot; /* in the table; NULL: not there */
    iotc_type type;                 /* atomically */
    bool writable;                  /* the same */
    bool in_model;                  /* of the present iotd */
    char id[LIMIT_FEATURE_ID + 1];
    size_t place;  /* of slot */
    uint32_t seen; /* count of the slot when the watchers' value was read */
    unsigned n_watches;
    struct list watched; /* in props->watched or props->due, if there are watches */
    struct slot_list watches;
    struct prop_report report; /* of report.c */
    /* Below: under props->lock. Written by the thread of the client. */
    struct value value;
    uint64_t stamp_us; /* CLOCK_BOOTTIME */
};

struct props {
    /* For readers of the table in any thread: prop_table.h. */
    uint32_t turn; /* odd while the table is changed for another */
    const struct layout_table *table;
    size_t room;

    iotc_prop **items; /* sorted by id */
    size_t n_items;
    bool is_known; /* attached at least once */
    bool is_lock_made;
    pthread_mutex_t lock;  /* of values; and the table stays while it is held */
    struct list watched;   /* properties with watches */
    struct list due;       /* of these, those whose watchers are to run */
    struct list snapshots; /* under lock */
};

int props_init(struct props *props) MUST_CHECK;
void props_done(struct props *props);

/* Asks for the list, unless there is a table; client_on_model() when it is there. */
int props_load(iotc_client *client) MUST_CHECK;
/* The signal Changed. */
void props_on_changed(iotc_client *client, DBusMessage *msg);
/* Runs the watchers of properties that are due. */
void props_run_due(iotc_client *client);

/* The property of that id, made if there is none. */
int props_ensure(iotc_client *client, const char *id, iotc_prop **ret_prop) MUST_CHECK;
/* With the lock held, takes v over; watchers are due if it is another value. */
void prop_update(iotc_prop *prop, struct value *v, uint64_t stamp_us);
/* With the lock held: what the model says of it. A value of another type goes. */
void prop_set_type(iotc_prop *prop, iotc_type type, bool writable);

/* NULL: never heard of it. */
iotc_prop *props_find(const struct props *props, const char *id);
/* -EINVAL for what the API does not know. */
int prop_kind(iotc_type type, enum value_kind *ret_kind) MUST_CHECK;

/*
 * The slow way to a value, of any thread: what the table has, else what was seen last; under the
 * lock, so that the table stays. kinds: 1 << VALUE_KIND_... of those that are wanted.
 * @return of take; -EPROTOTYPE; -ENODATA; -EAGAIN
 */
int prop_get(iotc_prop *prop, unsigned kinds, int (*take)(const struct value *v, void *arg),
             void *arg, uint64_t *ret_stamp_us) MUST_CHECK;
/* As snprintf(). */
int prop_copy_text(const char *text, char *buf, size_t size);

#endif /* IOTD_LIBIOTCLIENT_PROP_H */
