/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_PROP_H
#define IOTD_LIBIOTCLIENT_PROP_H

/*
 * The properties of the thing model with their newest values, filled by ListProperties after
 * each attach and by Changed. A property that was handed out once stays until the client ends.
 */

#include <pthread.h>

#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/slot.h"
#include "libiotclient/value.h"

struct report;

struct iotc_prop {
    iotc_client *client; /* borrowed: owner */
    char id[LIMIT_FEATURE_ID + 1];
    bool in_model; /* of the present iotd */
    struct slot_list watches;
    struct report *pending; /* borrowed: client->reports */
    /* Below: written by the thread of the client, read by any, under props->lock. */
    iotc_type type;
    bool writable;
    struct value value;
    uint64_t stamp_us; /* CLOCK_BOOTTIME */
};

struct props {
    iotc_prop **items; /* sorted by id */
    size_t n_items;
    bool is_known; /* attached at least once */
    bool is_lock_made;
    pthread_mutex_t lock;
};

int props_init(struct props *props) MUST_CHECK;
void props_done(struct props *props);

/* Asks for the list; client_on_model() when it is there. */
int props_load(iotc_client *client) MUST_CHECK;
/* The signal Changed. */
void props_on_changed(iotc_client *client, DBusMessage *msg);

/* -EINVAL for what the API does not know. */
int prop_kind(iotc_type type, enum value_kind *ret_kind) MUST_CHECK;

#endif /* IOTD_LIBIOTCLIENT_PROP_H */
