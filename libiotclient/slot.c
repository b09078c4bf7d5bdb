/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/slot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "libiotclient/client.h"

void slot_list_init(struct slot_list *list)
{
    list_init(&list->head);
    list->n_walks = 0;
}

int slot_new(iotc_slot **ret_slot, struct slot_list *list, iotc_client *client, slot_fn fn,
             void *userdata, iotc_free_fn destroy)
{
    iotc_slot *slot = calloc(1, sizeof(*slot));

    if (!slot)
        return -ENOMEM;

    slot->client = client;
    slot->list = list;
    slot->fn = fn;
    slot->userdata = userdata;
    slot->destroy = destroy;
    list_append(&list->head, &slot->link);
    *ret_slot = slot;
    return 0;
}

void slot_discard(iotc_slot *slot)
{
    list_remove(&slot->link);
    free(slot);
}

static iotc_slot *slot_at(struct list *n)
{
    return LIST_ENTRY(n, iotc_slot, link);
}

/* Runs destroy and frees, as far as nothing uses the slot any more. */
static void settle(iotc_slot *slot)
{
    iotc_free_fn destroy = slot->destroy;

    assert(slot->ended);
    if (slot->n_running > 0)
        return;
    slot->destroy = NULL;
    if (destroy)
        destroy(slot->userdata);
    /* While its list is walked, the link is needed: the sweep frees it. */
    if (slot->list && slot->list->n_walks > 0)
        return;
    list_remove(&slot->link);
    free(slot);
}

/* Frees what ended during the walks that are over now. */
static void sweep(struct slot_list *list)
{
    LIST_FOR_EACH_SAFE (n, &list->head) {
        iotc_slot *slot = slot_at(n);

        if (slot->ended && slot->n_running == 0 && !slot->destroy) {
            list_remove(&slot->link);
            free(slot);
        }
    }
}

iotc_slot *iotc_slot_unref(iotc_slot *slot)
{
    if (!slot || slot->ended)
        return NULL;

    slot->ended = true;
    if (slot->on_end)
        slot->on_end(slot);
    settle(slot);
    return NULL;
}

void slot_list_done(struct slot_list *list)
{
    if (!list->head.next)
        return; /* never initialised */
    assert(list->n_walks == 0);

    while (!list_is_empty(&list->head)) {
        iotc_slot *slot = slot_at(list->head.next);
        iotc_free_fn destroy = slot->destroy;

        list_remove(&slot->link);
        if (slot->on_end)
            slot->on_end(slot);
        slot->on_end = NULL;
        slot->list = NULL;
        slot->client = NULL;
        slot->destroy = NULL;
        if (destroy)
            destroy(slot->userdata);
        if (slot->floating)
            free(slot);
    }
}

void slot_call(iotc_slot *slot, void (*call)(iotc_slot *slot, void *arg), void *arg)
{
    slot->n_running++;
    call(slot, arg);
    slot->n_running--;
    if (slot->ended)
        settle(slot);
}

static void run_state(iotc_slot *slot, void *arg)
{
    (void) arg;
    slot->client->n_callbacks++;
    slot->on_state(slot->client, slot, slot->error, slot->on_state_userdata);
}

void slot_set_error(iotc_slot *slot, int error)
{
    if (slot->error == error)
        return;
    slot->error = error;
    if (slot->on_state && !slot->ended && !slot->client->closed)
        slot_call(slot, run_state, NULL);
}

int iotc_slot_get_error(iotc_slot *slot)
{
    if (!slot)
        return -EINVAL;
    if (!slot->client || slot->ended)
        return -ESHUTDOWN;
    return slot->error;
}

int iotc_slot_watch(iotc_slot *slot, iotc_slot_fn fn, void *userdata)
{
    if (!slot)
        return -EINVAL;
    if (!slot->client || slot->ended)
        return -ESHUTDOWN;
    if (!slot->has_state)
        return -EINVAL;
    slot->on_state = fn;
    slot->on_state_userdata = userdata;
    return 0;
}

void slot_list_walk(struct slot_list *list, void (*call)(iotc_slot *slot, void *arg), void *arg)
{
    struct list *last = list->head.prev;
    struct list *n = &list->head;

    if (list_is_empty(&list->head))
        return;
    list->n_walks++;
    /* Nothing is unlinked before the sweep, so both ends hold; what is new comes after last. */
    do {
        iotc_slot *slot;

        n = n->next;
        slot = slot_at(n);
        if (slot->client->closed)
            break;
        if (!slot->ended)
            slot_call(slot, call, arg);
    } while (n != last);
    if (--list->n_walks == 0)
        sweep(list);
}
