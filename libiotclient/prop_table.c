/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/prop_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/name.h"
#include "libiotclient/client.h"

/* The table numbers types as the API does. */
LAYOUT_ASSERT(LAYOUT_TYPE_BOOL == IOTC_TYPE_BOOL && LAYOUT_TYPE_INT == IOTC_TYPE_INT);
LAYOUT_ASSERT(LAYOUT_TYPE_FLOAT == IOTC_TYPE_FLOAT && LAYOUT_TYPE_STRING == IOTC_TYPE_STRING);
LAYOUT_ASSERT(LAYOUT_TYPE_ENUM == IOTC_TYPE_ENUM && LAYOUT_TYPE_STRUCT == IOTC_TYPE_STRUCT);
LAYOUT_ASSERT(LAYOUT_TYPE_TIMESTAMP == IOTC_TYPE_TIMESTAMP &&
              LAYOUT_TYPE_STRINGENUM == IOTC_TYPE_STRINGENUM &&
              LAYOUT_TYPE_ARRAY == IOTC_TYPE_ARRAY);

#define GROW_TRIES 8 /* own choice: a value that is longer each time it is looked at */

void table_bytes_done(struct table_bytes *bytes)
{
    if (!bytes->is_fixed)
        free(bytes->data);
    *bytes = (struct table_bytes){NULL, 0, false};
}

static int grow(struct table_bytes *bytes, size_t len)
{
    uint8_t *data;

    if (bytes->is_fixed)
        return -EMSGSIZE;
    data = realloc(bytes->data, len);
    if (!data)
        return -ENOMEM;
    bytes->data = data;
    bytes->size = len;
    return 0;
}

int table_turn_read(const struct table_turn *turn, const iotc_prop *prop,
                    struct layout_copy *ret_copy, struct table_bytes *bytes)
{
    const struct layout_slot *slot = __atomic_load_n(&prop->slot, __ATOMIC_ACQUIRE);
    /* This one place: the rest of the table may be another's by now. */
    struct table_view view = {.table = turn->table,
                              .slots = slot,
                              .base = (const uint8_t *) turn->table,
                              .size = turn->room,
                              .n_places = 1};

    if (!slot)
        return -ENOENT;
    for (unsigned i = 0; i < GROW_TRIES; i++) {
        int r = table_read(&view, 0, ret_copy, bytes->data, bytes->size);
        size_t len;

        if (r < 0)
            return r;
        len = latch_len(ret_copy->word[0]);
        if (!(latch_flags(ret_copy->word[0]) & LAYOUT_FLAG_BLOB) || len <= bytes->size)
            return 0;
        r = grow(bytes, len);
        if (r < 0)
            return r;
    }
    return -EAGAIN;
}

int prop_table_read(const iotc_prop *prop, struct layout_copy *ret_copy, struct table_bytes *bytes)
{
    struct table_turn turn;
    int r;

    if (!table_turn_begin(&prop->client->props, &turn))
        return -ENOENT;
    r = table_turn_read(&turn, prop, ret_copy, bytes);
    return table_turn_held(&turn) ? r : -EAGAIN;
}

static int text_value(const uint8_t *data, size_t len, struct value *ret_value)
{
    struct value v = {.kind = VALUE_KIND_STRING};
    int r;

    if (len > LIMIT_STRING_VALUE)
        return -EPROTO;
    v.s = strndup((const char *) data, len);
    if (!v.s)
        return -ENOMEM;
    r = value_check(&v);
    if (r < 0)
        value_done(&v);
    else
        *ret_value = v;
    return r < 0 ? -EPROTO : 0;
}

static int nested_value(const uint8_t *data, size_t len, enum value_kind kind,
                        struct value *ret_value)
{
    int r = value_unpack_parts((struct pack_reader){data, len, 0}, kind, ret_value);

    return r < 0 && r != -ENOMEM ? -EPROTO : r;
}

int table_value(const struct layout_copy *copy, const struct table_bytes *bytes,
                struct value *ret_value)
{
    uint32_t flags = latch_flags(copy->word[0]);
    bool is_blob = flags & LAYOUT_FLAG_BLOB;
    const uint8_t *data = is_blob ? bytes->data : (const uint8_t *) &copy->word[2];
    size_t len = latch_len(copy->word[0]);
    enum value_kind kind;
    double d;

    if (!(flags & LAYOUT_FLAG_VALUE))
        return -ENODATA;
    if (prop_kind((iotc_type) latch_type(copy->word[0]), &kind) < 0 ||
        (!is_blob && len > LAYOUT_INLINE))
        return -EPROTO;
    switch (kind) {
    case VALUE_KIND_BOOL:
        *ret_value = value_of_bool((copy->word[2] & 0xff) != 0);
        return 0;
    case VALUE_KIND_INT:
        *ret_value = value_of_int((int64_t) copy->word[2]);
        return 0;
    case VALUE_KIND_DOUBLE:
        memcpy(&d, &copy->word[2], sizeof(d));
        *ret_value = value_of_double(d);
        return 0;
    case VALUE_KIND_STRING:
        return text_value(data, len, ret_value);
    case VALUE_KIND_STRUCT:
    case VALUE_KIND_ARRAY:
        return nested_value(data, len, kind, ret_value);
    case VALUE_KIND_NONE:
    case VALUE_KIND_COUNT_:
        break;
    }
    return -EPROTO;
}

bool prop_table_flags(const iotc_prop *prop, uint32_t *ret_flags)
{
    struct latch_scalar scalar;
    struct table_turn turn;
    const struct layout_slot *slot;

    if (!table_turn_begin(&prop->client->props, &turn))
        return false;
    slot = __atomic_load_n(&prop->slot, __ATOMIC_ACQUIRE);
    if (!slot || !latch_read_scalar(slot, TABLE_TRIES, &scalar) || !table_turn_held(&turn))
        return false;
    *ret_flags = latch_flags(scalar.meta);
    return true;
}

/* --- the client's thread --- */

/* With the lock held: what the watchers saw last becomes what the table has. */
static void look(iotc_prop *prop)
{
    CLEANUP(table_bytes_done) struct table_bytes bytes = {NULL, 0, false};
    uint32_t seen = latch_begin(prop->slot);
    struct value v = {.kind = VALUE_KIND_NONE};
    struct layout_copy copy;
    int r = prop_table_read(prop, &copy, &bytes);

    if (r >= 0)
        r = table_value(&copy, &bytes, &v);
    if (r == -EAGAIN || r == -ENOMEM)
        return; /* it stays as it is, and is looked at again */
    prop->seen = seen;
    if (r >= 0)
        prop_update(prop, &v, copy.word[1]);
}

static bool has_changed(const iotc_prop *prop)
{
    return prop->slot && latch_begin(prop->slot) != prop->seen;
}

bool props_table_has_work(const iotc_client *client)
{
    LIST_FOR_EACH (n, &client->props.watched) {
        if (has_changed(LIST_ENTRY(n, iotc_prop, watched)))
            return true;
    }
    return !list_is_empty(&client->props.due);
}

void props_table_dispatch(iotc_client *client)
{
    struct props *props = &client->props;

    LIST_FOR_EACH_SAFE (n, &props->watched) {
        iotc_prop *prop = LIST_ENTRY(n, iotc_prop, watched);

        if (!has_changed(prop))
            continue;
        (void) pthread_mutex_lock(&props->lock);
        look(prop);
        (void) pthread_mutex_unlock(&props->lock);
    }
    props_run_due(client);
}

static uint32_t watch_bit(const iotc_prop *prop)
{
    return (uint32_t) 1 << prop->place % 32;
}

void prop_table_watch(iotc_prop *prop, bool on)
{
    iotc_client *client = prop->client;
    uint32_t *word;

    if (!prop->slot || prop->place >= LAYOUT_PLACES_MAX)
        return;
    if (shm_is_active(client)) {
        word = &client->shm.up->watch[prop->place / 32];
        /* A full barrier: who writes from now on sees the bit, or is seen below. */
        if (on)
            (void) __atomic_fetch_or(word, watch_bit(prop), __ATOMIC_SEQ_CST);
        else
            (void) __atomic_fetch_and(word, ~watch_bit(prop), __ATOMIC_SEQ_CST);
    }
    if (!on)
        return;
    (void) pthread_mutex_lock(&client->props.lock); /* cannot fail: a plain mutex that we made */
    look(prop);
    (void) pthread_mutex_unlock(&client->props.lock);
}

void props_table_watch_all(iotc_client *client)
{
    struct layout_up *up = client->shm.up;
    uint32_t bits[LAYOUT_PLACES_MAX / 32] = {0};

    LIST_FOR_EACH (n, &client->props.watched) {
        const iotc_prop *prop = LIST_ENTRY(n, iotc_prop, watched);

        if (prop->slot && prop->place < LAYOUT_PLACES_MAX)
            bits[prop->place / 32] |= watch_bit(prop);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
        __atomic_store_n(&up->watch[i], bits[i], __ATOMIC_RELAXED);
    fence_full(); /* before the watched slots are looked at */
}

/* One place; the lock is held. */
static int take_place(iotc_client *client, const struct table_view *view, size_t place)
{
    char id[LIMIT_FEATURE_ID + 1];
    struct layout_copy copy;
    iotc_prop *prop;
    uint32_t type;
    int r;

    if (!table_id(view, place, id) || !name_is_feature_id(id))
        return 0;
    r = table_read(view, place, &copy, NULL, 0);
    if (r < 0)
        return r;
    r = props_ensure(client, id, &prop);
    if (r < 0)
        return r;
    type = latch_type(copy.word[0]);
    prop->in_model = type != LAYOUT_TYPE_NONE;
    if (prop->in_model)
        prop_set_type(prop, (iotc_type) type, latch_flags(copy.word[0]) & LAYOUT_FLAG_WRITABLE);
    prop->place = place;
    if (prop->slot != &view->slots[place]) {
        prop->seen = latch_begin(&view->slots[place]) - 1; /* nobody has seen it */
        __atomic_store_n(&prop->slot, &view->slots[place], __ATOMIC_RELEASE);
    }
    return 0;
}

static int scan(iotc_client *client)
{
    const struct table_view *view = &client->shm.view;
    size_t n = table_count(view);
    int r = 0;

    for (size_t i = 0; i < client->props.n_items; i++)
        client->props.items[i]->in_model = false;
    for (size_t place = 0; place < n && r >= 0; place++)
        r = take_place(client, view, place);
    return r;
}

int props_table_scan(iotc_client *client)
{
    int r;

    (void) pthread_mutex_lock(&client->props.lock);
    r = scan(client);
    (void) pthread_mutex_unlock(&client->props.lock);
    if (r >= 0)
        props_table_watch_all(client);
    return r;
}

/* What the table has is what an earlier one had, from now on. */
static void keep_values(struct props *props)
{
    for (size_t i = 0; i < props->n_items; i++) {
        CLEANUP(table_bytes_done) struct table_bytes bytes = {NULL, 0, false};
        struct table_turn turn = {props, props->table, props->room, props->turn};
        struct value v = {.kind = VALUE_KIND_NONE};
        iotc_prop *prop = props->items[i];
        struct layout_copy copy;

        if (table_turn_read(&turn, prop, &copy, &bytes) >= 0 && table_value(&copy, &bytes, &v) >= 0)
            prop_update(prop, &v, copy.word[1]);
        /* else an older one stays: there was no memory, or there is none */
        __atomic_store_n(&prop->slot, NULL, __ATOMIC_RELEASE);
    }
}

/* What the new table has need not be here, too; watchers compare with it. */
static void drop_values(struct props *props)
{
    for (size_t i = 0; i < props->n_items; i++) {
        iotc_prop *prop = props->items[i];
        struct layout_copy copy;

        if (prop->slot && prop->n_watches == 0 &&
            latch_read(prop->slot, 1, &copy, &(uint32_t){0}) &&
            (latch_flags(copy.word[0]) & LAYOUT_FLAG_VALUE))
            value_done(&prop->value);
    }
}

int props_table_change(iotc_client *client, int (*map)(iotc_client *client, void *arg), void *arg)
{
    struct props *props = &client->props;
    uint32_t turn = props->turn;
    int r = 0;

    (void) pthread_mutex_lock(&props->lock);
    __atomic_store_n(&props->turn, turn + 1, __ATOMIC_RELAXED);
    fence_full(); /* before anything that belongs to the next table */
    if (props->table)
        keep_values(props);
    __atomic_store_n(&props->table, NULL, __ATOMIC_RELAXED);
    if (map)
        r = map(client, arg);
    if (map && r >= 0) {
        __atomic_store_n(&props->table, client->shm.view.table, __ATOMIC_RELAXED);
        __atomic_store_n(&props->room, client->shm.table_segment.mapped, __ATOMIC_RELAXED);
        r = scan(client);
        drop_values(props);
    }
    __atomic_store_n(&props->turn, turn + 2, __ATOMIC_RELEASE);
    (void) pthread_mutex_unlock(&props->lock);
    return r;
}
