/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/prop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/names.h"
#include "libiotclient/base/name.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/prop_table.h"

/* As they are called in the thing model and in ListProperties. */
static const struct {
    const char *name;
    iotc_type type;
    enum value_kind kind;
} types[] = {
    {"bool", IOTC_TYPE_BOOL, VALUE_KIND_BOOL},
    {"int", IOTC_TYPE_INT, VALUE_KIND_INT},
    {"float", IOTC_TYPE_FLOAT, VALUE_KIND_DOUBLE},
    {"string", IOTC_TYPE_STRING, VALUE_KIND_STRING},
    {"enum", IOTC_TYPE_ENUM, VALUE_KIND_INT},
    {"timestamp", IOTC_TYPE_TIMESTAMP, VALUE_KIND_INT},
    {"stringenum", IOTC_TYPE_STRINGENUM, VALUE_KIND_STRING},
    {"struct", IOTC_TYPE_STRUCT, VALUE_KIND_STRUCT},
    {"array", IOTC_TYPE_ARRAY, VALUE_KIND_ARRAY},
};

#define TYPE_UNKNOWN ((iotc_type) 0)

static iotc_type type_of_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    return TYPE_UNKNOWN;
}

int prop_kind(iotc_type type, enum value_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (types[i].type == type) {
            *ret_kind = types[i].kind;
            return 0;
        }
    }
    return -EINVAL;
}

int props_init(struct props *props)
{
    int r = pthread_mutex_init(&props->lock, NULL);

    list_init(&props->watched);
    list_init(&props->due);
    list_init(&props->snapshots);
    props->is_lock_made = r == 0;
    return -r;
}

static void prop_free(iotc_prop *prop)
{
    if (!prop)
        return;
    slot_list_done(&prop->watches);
    value_done(&prop->value);
    free(prop);
}

void props_done(struct props *props)
{
    for (size_t i = 0; i < props->n_items; i++)
        prop_free(props->items[i]);
    free(props->items);
    props->items = NULL;
    props->n_items = 0;
    if (props->is_lock_made)
        (void) pthread_mutex_destroy(&props->lock); /* fails only while it is held */
    props->is_lock_made = false;
}

/* The index of id, or of where it belongs. */
static size_t position(const struct props *props, const char *id, bool *ret_found)
{
    size_t low = 0, high = props->n_items;

    *ret_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = strcmp(props->items[mid]->id, id);

        if (cmp == 0) {
            *ret_found = true;
            return mid;
        }
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

iotc_prop *props_find(const struct props *props, const char *id)
{
    bool found;
    size_t at = position(props, id, &found);

    return found ? props->items[at] : NULL;
}

int props_ensure(iotc_client *client, const char *id, iotc_prop **ret_prop)
{
    struct props *props = &client->props;
    iotc_prop *prop, **items;
    bool found;
    size_t at = position(props, id, &found);

    if (found) {
        *ret_prop = props->items[at];
        return 0;
    }
    if (props->n_items >= LIMIT_MODEL_PLACES)
        return -ENOBUFS;
    items = reallocarray(props->items, props->n_items + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    props->items = items;
    prop = calloc(1, sizeof(*prop));
    if (!prop)
        return -ENOMEM;
    prop->client = client;
    slot_list_init(&prop->watches);
    list_init(&prop->watched);
    prop_report_init(&prop->report);
    memcpy(prop->id, id, strlen(id) + 1); /* the caller checked the form */
    memmove(&items[at + 1], &items[at], (props->n_items - at) * sizeof(*items));
    items[at] = prop;
    props->n_items++;
    *ret_prop = prop;
    return 0;
}

static void run_watch(iotc_slot *slot, void *arg)
{
    iotc_prop *prop = arg;

    prop->client->n_callbacks++;
    ((iotc_prop_fn) slot->fn)(prop->client, prop, slot->userdata);
}

void props_run_due(iotc_client *client)
{
    struct props *props = &client->props;

    while (!list_is_empty(&props->due) && !client->closed) {
        iotc_prop *prop = LIST_ENTRY(props->due.next, iotc_prop, watched);

        list_remove(&prop->watched);
        list_append(&props->watched, &prop->watched);
        slot_list_walk(&prop->watches, run_watch, prop);
    }
}

void prop_update(iotc_prop *prop, struct value *v, uint64_t stamp_us)
{
    struct props *props = &prop->client->props;

    if (prop->n_watches > 0 && !value_equals(&prop->value, v)) {
        list_remove(&prop->watched);
        list_append(&props->due, &prop->watched);
    }
    value_done(&prop->value);
    prop->value = *v;
    prop->stamp_us = stamp_us;
    *v = (struct value){.kind = VALUE_KIND_NONE};
}

void prop_set_type(iotc_prop *prop, iotc_type type, bool writable)
{
    if (prop->type != type)
        value_done(&prop->value);
    __atomic_store_n(&prop->type, type, __ATOMIC_RELAXED);
    __atomic_store_n(&prop->writable, writable, __ATOMIC_RELAXED);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec ts;

    (void) clock_gettime(clock, &ts); /* cannot fail for these clocks */
    return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

/* A stamp of the wall clock as CLOCK_BOOTTIME; in the future (the clock was set): now. */
static uint64_t boot_stamp(uint64_t real_us)
{
    uint64_t real_now = clock_us(CLOCK_REALTIME), boot_now = clock_us(CLOCK_BOOTTIME);
    uint64_t age = real_now > real_us ? real_now - real_us : 0;

    return boot_now > age ? boot_now - age : 0;
}

struct row {
    const char *id;
    const char *type;
    const char *mode;
    struct value value; /* NONE: not of a type that we know */
    uint64_t stamp_us;
};

static int read_row(DBusMessageIter *list, struct row *ret_row)
{
    struct row row = {.value = {.kind = VALUE_KIND_NONE}};
    DBusMessageIter it, value;
    int r;

    dbus_message_iter_recurse(list, &it);
    r = msg_read_string(&it, &row.id);
    if (r >= 0)
        r = msg_read_string(&it, &row.type);
    if (r >= 0)
        r = msg_read_string(&it, &row.mode);
    if (r < 0)
        return r;
    value = it;
    if (!dbus_message_iter_next(&it))
        return -EPROTO;
    r = msg_read_uint64(&it, &row.stamp_us);
    if (r < 0)
        return r;
    if (!name_is_feature_id(row.id))
        return -EPROTO;
    r = value_read(&value, &row.value);
    if (r == -ENOMEM)
        return r;
    *ret_row = row;
    return 0;
}

static int take_type(iotc_client *client, struct row *row)
{
    struct props *props = &client->props;
    iotc_type type = type_of_name(row->type);
    iotc_prop *prop;
    int r;

    r = props_ensure(client, row->id, &prop);
    if (r < 0)
        return r;
    (void) pthread_mutex_lock(&props->lock); /* cannot fail: a plain mutex that we made */
    prop_set_type(prop, type, strcmp(row->mode, "rw") == 0);
    (void) pthread_mutex_unlock(&props->lock);
    prop->in_model = true;
    return 0;
}

static int take_value(iotc_client *client, struct row *row)
{
    iotc_prop *prop = props_find(&client->props, row->id);
    enum value_kind kind;

    if (!row->stamp_us || prop_kind(prop->type, &kind) < 0 || row->value.kind != kind)
        return 0;
    (void) pthread_mutex_lock(&client->props.lock);
    prop_update(prop, &row->value, boot_stamp(row->stamp_us));
    (void) pthread_mutex_unlock(&client->props.lock);
    return 0;
}

static int for_rows(iotc_client *client, DBusMessageIter list,
                    int (*take)(iotc_client *client, struct row *row))
{
    int r = 0;

    for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRUCT && r >= 0;
         dbus_message_iter_next(&list)) {
        struct row row;

        r = read_row(&list, &row);
        if (r < 0)
            break;
        r = take(client, &row);
        value_done(&row.value);
    }
    return r;
}

static int take_list(iotc_client *client, DBusMessage *msg)
{
    DBusMessageIter it, list;
    int r;

    if (!dbus_message_has_signature(msg, "a(sssvt)") || !dbus_message_iter_init(msg, &it))
        return -EPROTO;
    for (size_t i = 0; i < client->props.n_items; i++)
        client->props.items[i]->in_model = false;
    dbus_message_iter_recurse(&it, &list);
    /* Watchers run with the values: by then the whole model is known. */
    r = for_rows(client, list, take_type);
    return r < 0 ? r : for_rows(client, list, take_value);
}

static void on_list(DBusMessage *reply, int error, void *userdata)
{
    iotc_client *client = userdata;
    int r = error;

    if (error == -ECONNRESET)
        return;
    if (reply)
        r = take_list(client, reply);
    if (r < 0) {
        client_debug(client, "ListProperties: %s", iotc_strerror(r));
        session_restart(client->session, r);
        return;
    }
    client->props.is_known = true;
    props_run_due(client);
    client_on_model(client);
}

int props_load(iotc_client *client)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r;

    if (shm_is_active(client)) {
        r = props_table_scan(client);
        if (r >= 0)
            client_on_model(client);
        return r;
    }
    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING,
                         "ListProperties");
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_list, client, NULL);
}

void props_on_changed(iotc_client *client, DBusMessage *msg)
{
    uint64_t now = clock_us(CLOCK_BOOTTIME);
    DBusMessageIter it, at;
    struct msg_dict dict;
    const char *id;

    /* The table has it, or something newer. */
    if (shm_is_active(client))
        return;
    if (!dbus_message_iter_init(msg, &it) || msg_read_dict(&it, &dict) < 0)
        return;
    /* A snapshot has all of it, or nothing. */
    (void) pthread_mutex_lock(&client->props.lock);
    while (msg_dict_next(&dict, &id, &at)) {
        struct value v = {.kind = VALUE_KIND_NONE};
        iotc_prop *prop = props_find(&client->props, id);
        enum value_kind kind;

        /* What does not fit the model that we were told is not for us. */
        if (!prop || prop_kind(prop->type, &kind) < 0 || value_read(&at, &v) < 0)
            continue;
        if (v.kind == kind)
            prop_update(prop, &v, now);
        value_done(&v);
    }
    (void) pthread_mutex_unlock(&client->props.lock);
    props_run_due(client);
}

/* NULL: not in the model of the present iotd. */
static iotc_prop *find_in_model(const struct props *props, const char *id)
{
    iotc_prop *prop = props_find(props, id);

    return prop && prop->in_model ? prop : NULL;
}

int iotc_prop_lookup(iotc_client *client, const char *id, iotc_prop **ret_prop)
{
    iotc_prop *prop;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!id || !ret_prop)
        return -EINVAL;
    if (!client->props.is_known)
        return -ENOTCONN;
    prop = find_in_model(&client->props, id);
    /* The program may be allowed to read more by now: of that there is no word but the table. */
    if (!prop && shm_is_active(client)) {
        r = props_table_scan(client);
        if (r < 0)
            return r;
        prop = find_in_model(&client->props, id);
    }
    if (!prop)
        return -ENOENT;
    *ret_prop = prop;
    return 0;
}

const char *iotc_prop_get_id(iotc_prop *prop)
{
    return prop ? prop->id : NULL;
}

iotc_type iotc_prop_get_type(iotc_prop *prop)
{
    return prop ? __atomic_load_n(&prop->type, __ATOMIC_RELAXED) : TYPE_UNKNOWN;
}

bool iotc_prop_is_writable(iotc_prop *prop)
{
    return prop && __atomic_load_n(&prop->writable, __ATOMIC_RELAXED);
}

static void on_watch_end(iotc_slot *slot)
{
    iotc_prop *prop = CONTAINER_OF(slot->list, struct iotc_prop, watches);

    slot->on_end = NULL;
    if (--prop->n_watches > 0)
        return;
    list_remove(&prop->watched);
    prop_table_watch(prop, false);
}

int iotc_prop_watch(iotc_prop *prop, iotc_slot **ret_slot, iotc_prop_fn fn, void *userdata,
                    iotc_free_fn destroy)
{
    iotc_slot *slot;
    int r;

    if (!prop || !fn)
        return -EINVAL;
    r = client_check(prop->client);
    if (r < 0)
        return r;
    r = slot_new(&slot, &prop->watches, prop->client, (slot_fn) fn, userdata, destroy);
    if (r < 0)
        return r;
    slot->on_end = on_watch_end;
    if (prop->n_watches == 0) {
        prop_table_watch(prop, true);
        list_append(&prop->client->props.watched, &prop->watched);
    }
    prop->n_watches++;
    slot->floating = !ret_slot;
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}
