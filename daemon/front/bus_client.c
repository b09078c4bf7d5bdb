/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /org/iotd1/client/N: one object for each attached program. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/names.h"

LOG_AREA("bus");

/* The object's userdata; kept in client->front. */
struct client_object {
    struct bus *bus;
    struct client *client;
    struct bus_peer *peer;
    struct tree_object *object;
    struct shm_program *shm; /* NULL: D-Bus alone */
    struct shm_view *view;   /* a reference; NULL as shm */
};

static int get_app_id(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, ((struct client_object *) userdata)->client->app_id);
}

static int get_bus_name(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, ((struct client_object *) userdata)->client->peer);
}

static int get_uid(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint32(it, ((struct client_object *) userdata)->client->uid);
}

static int get_pid(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint32(it, ((struct client_object *) userdata)->client->pid);
}

static int get_since(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, ((struct client_object *) userdata)->client->since_real_us);
}

static int get_ids(DBusMessageIter *it, struct client_object *co, enum feature f)
{
    const struct owners *o = &co->bus->core->owners;
    DBusMessageIter list;
    int r = msg_open(it, DBUS_TYPE_ARRAY, "s", &list);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < owners_count(o, f); i++) {
        const struct registration *reg = owners_get(o, f, i);

        if (reg && reg->client == co->client)
            r = msg_append_string(&list, owners_id(o, f, i));
    }
    return msg_close(it, &list, r);
}

static int get_properties(DBusMessageIter *it, void *userdata)
{
    return get_ids(it, userdata, FEATURE_PROPERTY);
}

static int get_events(DBusMessageIter *it, void *userdata)
{
    return get_ids(it, userdata, FEATURE_EVENT);
}

static int get_actions(DBusMessageIter *it, void *userdata)
{
    return get_ids(it, userdata, FEATURE_ACTION);
}

static const struct tree_property_impl properties[] = {
    {"AppId", get_app_id},  {"BusName", get_bus_name}, {"Uid", get_uid},
    {"Pid", get_pid},       {"SinceUSec", get_since},  {"Properties", get_properties},
    {"Events", get_events}, {"Actions", get_actions},
};

static int add_object(struct bus *bus, struct client_object *co)
{
    char path[64];
    int r;

    (void) snprintf(path, sizeof(path), IOTD_CLIENT_PATH_PREFIX "%u", co->client->number);
    r = tree_add_object(bus->tree, path, &co->object);
    if (r < 0)
        return r;
    return tree_add_interface(co->object, &iface_client, NULL, 0, properties,
                              ARRAY_SIZE(properties), co, NULL);
}

int bus_client_get(struct bus *bus, struct bus_peer *peer, struct client **ret_client)
{
    struct client_object *co;
    struct client *c;
    int r;

    if (peer->client) {
        *ret_client = peer->client;
        return 0;
    }
    r = clients_add(&bus->core->clients, peer->name, peer->uid, peer->pid, &c);
    if (r < 0)
        return r;
    co = calloc(1, sizeof(*co));
    if (!co) {
        clients_remove(&bus->core->clients, c);
        return -ENOMEM;
    }
    *co = (struct client_object){.bus = bus, .client = c, .peer = peer};
    c->front = co;
    peer->client = c;
    r = add_object(bus, co);
    if (r < 0) {
        bus_client_remove(bus, c);
        return r;
    }
    log_info("attached client=%u name=%s uid=%u pid=%u", c->number, c->peer, c->uid, c->pid);
    *ret_client = c;
    return 0;
}

void bus_client_changed(struct bus *bus, struct client *client)
{
    static const char *const names[] = {"AppId", "Properties", "Events", "Actions"};
    struct client_object *co = client->front;

    (void) bus;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        tree_property_changed(co->object, &iface_client, names[i]);
}

struct bus_peer *bus_client_peer(const struct client *client)
{
    return ((const struct client_object *) client->front)->peer;
}

struct shm_program *bus_client_shm(const struct client *client)
{
    return ((const struct client_object *) client->front)->shm;
}

struct shm_view *bus_client_view(const struct client *client)
{
    return ((const struct client_object *) client->front)->view;
}

void bus_client_set_view(struct client *client, struct shm_view *view)
{
    struct client_object *co = client->front;

    shm_view_unref(co->view);
    co->view = view;
    if (co->shm && view)
        shm_program_set_table(co->shm, shm_view_epoch(view));
}

void bus_client_set_shm(struct client *client, struct shm_program *shm, struct shm_view *view)
{
    struct client_object *co = client->front;
    struct shm_program *old = co->shm;

    co->shm = shm;
    shm_program_free(old);
    bus_client_set_view(client, view);
}

void bus_client_remove(struct bus *bus, struct client *client)
{
    struct client_object *co = client->front;

    log_info("detached client=%u app=%s", client->number, client->app_id);
    bus_client_set_shm(client, NULL, NULL);
    co->peer->client = NULL;
    tree_object_remove(co->object);
    core_remove_client(bus->core, client);
    free(co);
    bus_shm_policy_changed(bus); /* what it asked for holds no more */
}
