/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SLOT_H
#define IOTD_LIBIOTCLIENT_SLOT_H

/*
 * Subscriptions. A slot sits in one list of the thing that it watches. It belongs to the program
 * that got it, or to its list if the program did not want it (floating). Ending a slot in the
 * middle of a walk over its list is safe: it is marked, and swept when the walk is over.
 */

#include <iotclient/client.h>

#include "libiotclient/base/list.h"

struct slot_list {
    struct list head;
    unsigned n_walks;
};

typedef void (*slot_fn)(void); /* cast back by the kind that put it there */

struct iotc_slot {
    struct list link;       /* in list->head while the target lives */
    struct slot_list *list; /* NULL: the target or the client is gone */
    iotc_client *client;    /* borrowed; NULL: gone */
    slot_fn fn;
    void *userdata;
    iotc_free_fn destroy;
    /* Kind-specific: releases what the slot served, then frees serve. */
    void (*on_end)(iotc_slot *slot);
    void *serve;
    /* Of one that serves: 0, or why it does not; who wants to hear of it. */
    bool has_state;
    int error;
    iotc_slot_fn on_state;
    void *on_state_userdata;
    unsigned n_running; /* inside of its own callback */
    bool ended;
    bool floating;
};

void slot_list_init(struct slot_list *list);
/* The target goes: ends floating slots, cuts the others off. */
void slot_list_done(struct slot_list *list);

/*
 * Makes a slot and appends it. ret_slot NULL makes it floating. Later failures of a constructor
 * undo this with slot_discard().
 */
int slot_new(iotc_slot **ret_slot, struct slot_list *list, iotc_client *client, slot_fn fn,
             void *userdata, iotc_free_fn destroy) MUST_CHECK;
/* Frees without calling anything. */
void slot_discard(iotc_slot *slot);

/*
 * Calls call(slot, arg) for each slot that was there at the start and is still there. Ends early
 * when the client is closed.
 */
void slot_list_walk(struct slot_list *list, void (*call)(iotc_slot *slot, void *arg), void *arg);

/* For slots with a state: tells who watches it, who may end the slot. */
void slot_set_error(iotc_slot *slot, int error);

/* Holds the slot while call runs; the slot must not be ended before. */
void slot_call(iotc_slot *slot, void (*call)(iotc_slot *slot, void *arg), void *arg);

#endif /* IOTD_LIBIOTCLIENT_SLOT_H */
