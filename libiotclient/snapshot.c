/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/snapshot.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "libiotclient/client.h"
#include "libiotclient/prop_table.h"

/* Own choice: so often the reader only reads; after that it gives iotd the processor each time. */
#define TRIES_BUSY 50

struct item {
    iotc_prop *prop; /* borrowed: client */
    struct value value;
    uint64_t stamp_us;
    /* Of the take that is going on. */
    struct layout_copy copy;
    struct table_bytes bytes;
    struct value next;
    uint64_t next_stamp_us;
};

struct iotc_snapshot {
    struct list link;    /* in client->props.snapshots */
    iotc_client *client; /* borrowed; NULL: gone */
    struct item *items;  /* sorted by prop */
    size_t n_items;
};

static int compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) ((const struct item *) a)->prop;
    uintptr_t y = (uintptr_t) ((const struct item *) b)->prop;

    return x < y ? -1 : x > y;
}

int iotc_snapshot_new(iotc_client *client, iotc_snapshot **ret_snapshot, iotc_prop *const *props,
                      size_t n_props)
{
    iotc_snapshot *snapshot;
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!ret_snapshot || !props || n_props == 0)
        return -EINVAL;
    if (n_props > LIMIT_SNAPSHOT_PROPS)
        return -EMSGSIZE;
    for (size_t i = 0; i < n_props; i++) {
        if (!props[i] || props[i]->client != client)
            return -EINVAL;
    }
    snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return -ENOMEM;
    snapshot->items = calloc(n_props, sizeof(*snapshot->items));
    if (!snapshot->items) {
        free(snapshot);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n_props; i++)
        snapshot->items[i].prop = props[i];
    snapshot->n_items = n_props;
    qsort(snapshot->items, n_props, sizeof(*snapshot->items), compare);
    snapshot->client = client;
    (void) pthread_mutex_lock(&client->props.lock); /* cannot fail: a plain mutex that we made */
    list_append(&client->props.snapshots, &snapshot->link);
    (void) pthread_mutex_unlock(&client->props.lock);
    *ret_snapshot = snapshot;
    return 0;
}

iotc_snapshot *iotc_snapshot_free(iotc_snapshot *snapshot)
{
    if (!snapshot)
        return NULL;
    if (snapshot->client) {
        (void) pthread_mutex_lock(&snapshot->client->props.lock);
        list_remove(&snapshot->link);
        (void) pthread_mutex_unlock(&snapshot->client->props.lock);
    }
    for (size_t i = 0; i < snapshot->n_items; i++) {
        value_done(&snapshot->items[i].value);
        table_bytes_done(&snapshot->items[i].bytes);
    }
    free(snapshot->items);
    free(snapshot);
    return NULL;
}

void snapshots_done(iotc_client *client)
{
    struct list *snapshots = &client->props.snapshots;

    while (snapshots->next && !list_is_empty(snapshots)) {
        iotc_snapshot *snapshot = LIST_ENTRY(snapshots->next, struct iotc_snapshot, link);

        list_remove(&snapshot->link);
        snapshot->client = NULL;
    }
}

/* --- take --- */

static bool has_value(const struct item *item)
{
    return latch_flags(item->copy.word[0]) & LAYOUT_FLAG_VALUE;
}

/* What has no place, or cannot be read, has no value here. */
static int read_items(iotc_snapshot *snapshot, const struct table_turn *turn)
{
    for (size_t i = 0; i < snapshot->n_items; i++) {
        struct item *item = &snapshot->items[i];
        int r = table_turn_read(turn, item->prop, &item->copy, &item->bytes);

        if (r == -EAGAIN || r == -ENOMEM)
            return r;
        if (r < 0)
            item->copy.word[0] = 0;
    }
    return 0;
}

/* -ENOENT: there is no table, or not this moment. */
static int read_once(iotc_snapshot *snapshot)
{
    struct table_view view = {0};
    struct table_turn turn;
    uint32_t generation;
    int r;

    if (!table_turn_begin(&snapshot->client->props, &turn))
        return -ENOENT;
    view.table = turn.table;
    generation = table_read_begin(&view);
    if (generation % 2 != 0)
        return -EAGAIN;
    r = read_items(snapshot, &turn);
    if (!table_turn_held(&turn))
        return -ENOENT;
    return r == 0 && !table_read_held(&view, generation) ? -EAGAIN : r;
}

static int read_table(iotc_snapshot *snapshot)
{
    int r = -EAGAIN;

    for (unsigned i = 0; i < TABLE_TRIES && r == -EAGAIN; i++) {
        if (i >= TRIES_BUSY)
            (void) sched_yield(); /* cannot fail */
        r = read_once(snapshot);
    }
    return r;
}

/* With what is in the copies. cache: with the lock held, also what was seen last. */
static int make_next(iotc_snapshot *snapshot, bool cache)
{
    for (size_t i = 0; i < snapshot->n_items; i++) {
        struct item *item = &snapshot->items[i];
        int r = -ENODATA;

        if (has_value(item)) {
            r = table_value(&item->copy, &item->bytes, &item->next);
            item->next_stamp_us = item->copy.word[1];
        }
        if (r < 0 && r != -ENOMEM && cache) {
            r = value_copy(&item->next, &item->prop->value);
            item->next_stamp_us = item->prop->stamp_us;
        }
        if (r == -ENOMEM)
            return r;
    }
    return 0;
}

/* Whether all of it was in the table. */
static bool is_whole(const iotc_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_items; i++) {
        if (!has_value(&snapshot->items[i]))
            return false;
    }
    return true;
}

/* The lock keeps the table and what was seen last as they are. */
static int read_slowly(iotc_snapshot *snapshot)
{
    int r;

    (void) pthread_mutex_lock(&snapshot->client->props.lock);
    r = read_table(snapshot);
    for (size_t i = 0; r == -ENOENT && i < snapshot->n_items; i++)
        snapshot->items[i].copy.word[0] = 0;
    if (r == 0 || r == -ENOENT)
        r = make_next(snapshot, true);
    (void) pthread_mutex_unlock(&snapshot->client->props.lock);
    return r;
}

int iotc_snapshot_take(iotc_snapshot *snapshot)
{
    int r;

    if (!snapshot)
        return -EINVAL;
    if (!snapshot->client)
        return -ESHUTDOWN;
    r = read_table(snapshot);
    if (r == 0 && is_whole(snapshot))
        r = make_next(snapshot, false);
    else if (r == 0 || r == -ENOENT)
        r = read_slowly(snapshot);
    for (size_t i = 0; i < snapshot->n_items; i++) {
        struct item *item = &snapshot->items[i];

        if (r < 0) {
            value_done(&item->next);
            continue;
        }
        value_done(&item->value);
        item->value = item->next;
        item->stamp_us = item->next_stamp_us;
        item->next = (struct value){.kind = VALUE_KIND_NONE};
    }
    return r;
}

/* --- what is in it --- */

static int get(iotc_snapshot *snapshot, iotc_prop *prop, unsigned kinds,
               const struct value **ret_value, uint64_t *ret_stamp_us)
{
    struct item key = {.prop = prop};
    const struct item *item;
    enum value_kind kind;

    if (!snapshot || !prop)
        return -EINVAL;
    item = bsearch(&key, snapshot->items, snapshot->n_items, sizeof(key), compare);
    if (!item)
        return -ENOENT;
    kind = item->value.kind;
    if (kind == VALUE_KIND_NONE && snapshot->client &&
        prop_kind(iotc_prop_get_type(prop), &kind) < 0)
        return -EPROTOTYPE;
    if (kind != VALUE_KIND_NONE && !(kinds >> kind & 1))
        return -EPROTOTYPE;
    if (item->value.kind == VALUE_KIND_NONE)
        return -ENODATA;
    *ret_value = &item->value;
    if (ret_stamp_us)
        *ret_stamp_us = item->stamp_us;
    return 0;
}

int iotc_snapshot_get_bool(iotc_snapshot *snapshot, iotc_prop *prop, bool *ret_value,
                           uint64_t *ret_stamp_us)
{
    const struct value *v;
    int r = ret_value ? get(snapshot, prop, 1U << VALUE_KIND_BOOL, &v, ret_stamp_us) : -EINVAL;

    if (r >= 0)
        *ret_value = v->b;
    return r;
}

int iotc_snapshot_get_int(iotc_snapshot *snapshot, iotc_prop *prop, int64_t *ret_value,
                          uint64_t *ret_stamp_us)
{
    const struct value *v;
    int r = ret_value ? get(snapshot, prop, 1U << VALUE_KIND_INT, &v, ret_stamp_us) : -EINVAL;

    if (r >= 0)
        *ret_value = v->i;
    return r;
}

int iotc_snapshot_get_double(iotc_snapshot *snapshot, iotc_prop *prop, double *ret_value,
                             uint64_t *ret_stamp_us)
{
    const struct value *v;
    int r = ret_value ? get(snapshot, prop, 1U << VALUE_KIND_DOUBLE, &v, ret_stamp_us) : -EINVAL;

    if (r >= 0)
        *ret_value = v->d;
    return r;
}

int iotc_snapshot_get_string(iotc_snapshot *snapshot, iotc_prop *prop, const char **ret_value,
                             uint64_t *ret_stamp_us)
{
    const struct value *v;
    int r = ret_value ? get(snapshot, prop, 1U << VALUE_KIND_STRING, &v, ret_stamp_us) : -EINVAL;

    if (r >= 0)
        *ret_value = v->s;
    return r;
}

int iotc_snapshot_get_value(iotc_snapshot *snapshot, iotc_prop *prop, const iotc_value **ret_value,
                            uint64_t *ret_stamp_us)
{
    const struct value *v;
    int r = ret_value ? get(snapshot, prop, 1U << VALUE_KIND_STRUCT | 1U << VALUE_KIND_ARRAY, &v,
                            ret_stamp_us)
                      : -EINVAL;

    if (r >= 0)
        *ret_value = v->n;
    return r;
}
