/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "dbus/iface.h"
#include "dbus/msg.h"
#include "dbus/names.h"

LOG_AREA("bus");

#define MAX_PEERS (2 * LIMIT_CLIENTS)
#define MAX_WAITING 64 /* own choice: calls of one peer before its credentials are there */

struct waiting {
    struct list link;
    struct tree_call *call;
    uint32_t flags;
};

void bus_peers_init(struct bus_peers *peers)
{
    *peers = (struct bus_peers){0};
    list_init(&peers->list);
}

static struct bus_peer *find(struct bus *bus, const char *name)
{
    LIST_FOR_EACH (n, &bus->peers.list) {
        struct bus_peer *p = LIST_ENTRY(n, struct bus_peer, link);

        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

struct bus_peer *bus_peer_of(struct bus *bus, const struct tree_call *call)
{
    return find(bus, tree_call_sender(call));
}

/* Nothing the peer could do better; the daemon itself may do all. */
static int check(const struct bus_peer *p, uint32_t flags)
{
    if (flags & IFACE_PRIVILEGED && p->uid != 0 && p->uid != geteuid())
        return -EACCES;
    return 0;
}

/* Lets the calls go on that waited; r is why they cannot, or 0. */
static void release_waiting(struct bus_peer *p, int r)
{
    struct list todo;

    list_init(&todo);
    list_splice(&todo, &p->waiting);
    while (!list_is_empty(&todo)) {
        struct waiting *w = LIST_ENTRY(todo.next, struct waiting, link);

        list_remove(&w->link);
        tree_call_continue(&w->call, r < 0 ? r : check(p, w->flags));
        free(w);
    }
}

static void peer_free(struct bus_peer *p)
{
    struct bus *bus = p->bus;

    list_remove(&p->link);
    bus->peers.n--;
    release_waiting(p, -EACCES);
    if (p->client)
        bus_client_remove(bus, p->client);
    bus_link_forget_monitor(bus, p->name);
    if (p->match && bus->conn && dbus_connection_get_is_connected(bus->conn))
        dbus_bus_remove_match(bus->conn, p->match, NULL); /* without an error to fill: no wait */
    free(p->match);
    free(p->name);
    free(p);
}

void bus_peers_clear(struct bus *bus)
{
    while (!list_is_empty(&bus->peers.list))
        peer_free(LIST_ENTRY(bus->peers.list.next, struct bus_peer, link));
}

static void read_credentials(struct bus_peer *p, DBusMessage *reply)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key;
    bool has_uid = false;

    if (!dbus_message_iter_init(reply, &it) || msg_read_dict(&it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &value)) {
        uint64_t v;

        if (strcmp(key, "UnixUserID") == 0 && msg_read_uint64(&value, &v) == 0 && v < UINT32_MAX) {
            p->uid = (uint32_t) v;
            has_uid = true;
        } else if (strcmp(key, "ProcessID") == 0 && msg_read_uint64(&value, &v) == 0 &&
                   v < UINT32_MAX) {
            p->pid = (uint32_t) v;
        }
    }
    p->known = has_uid;
}

static void on_credentials(DBusMessage *reply, void *userdata)
{
    struct bus_peer *p = userdata;

    if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_ERROR)
        read_credentials(p, reply);
    if (!p->known) {
        log_debug("no credentials name=%s", p->name);
        peer_free(p);
        return;
    }
    release_waiting(p, 0);
}

static int ask_credentials(struct bus_peer *p)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       "GetConnectionCredentials");
    if (!msg || !dbus_message_append_args(msg, DBUS_TYPE_STRING, &p->name, DBUS_TYPE_INVALID))
        return -ENOMEM;
    return bus_call_send(&p->bus->calls, p->bus->conn, msg, -1, on_credentials, p, NULL);
}

/* The match comes first: an end after it is told, an end before it makes the question fail. */
static int peer_new(struct bus *bus, const char *name, struct bus_peer **ret_peer)
{
    struct bus_peer *p;
    char match[256];

    if (bus->peers.n >= MAX_PEERS)
        return -ENOBUFS;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->bus = bus;
    list_init(&p->waiting);
    list_append(&bus->peers.list, &p->link);
    bus->peers.n++;
    (void) snprintf(match, sizeof(match),
                    "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS
                    "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='%s'",
                    name);
    p->name = strdup(name);
    p->match = strdup(match);
    if (!p->name || !p->match) {
        peer_free(p);
        return -ENOMEM;
    }
    dbus_bus_add_match(bus->conn, match, NULL);
    if (ask_credentials(p) < 0) {
        peer_free(p);
        return -ENOMEM;
    }
    *ret_peer = p;
    return 0;
}

static int keep_waiting(struct bus_peer *p, struct tree_call *call, uint32_t flags)
{
    struct waiting *w;
    unsigned n = 0;

    LIST_FOR_EACH (node, &p->waiting)
        n++;
    if (n >= MAX_WAITING)
        return -ENOBUFS;
    w = malloc(sizeof(*w));
    if (!w)
        return -ENOMEM;
    *w = (struct waiting){.call = tree_call_keep(call), .flags = flags};
    list_append(&p->waiting, &w->link);
    return TREE_AUTHORIZE_LATER;
}

/* Members whose caller has to be known though they are not privileged. */
static bool needs_peer(const struct tree_call *call, uint32_t flags)
{
    const char *iface = tree_call_interface(call), *member = tree_call_member(call);

    return flags & IFACE_PRIVILEGED ||
           (strcmp(iface, IOTD_IFACE_MANAGER) == 0 && strcmp(member, "Attach") == 0) ||
           (strcmp(iface, IOTD_IFACE_THING) == 0 && strcmp(member, "Register") == 0);
}

int bus_peer_authorize(struct tree_call *call, uint32_t flags, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_peer *p = find(bus, tree_call_sender(call));
    int r;

    if (!p) {
        if (!needs_peer(call, flags))
            return 0;
        r = peer_new(bus, tree_call_sender(call), &p);
        if (r < 0)
            return r;
    }
    if (!p->known)
        return keep_waiting(p, call, flags);
    return check(p, flags);
}

void bus_peer_on_signal(struct bus *bus, DBusMessage *msg)
{
    const char *name, *old_owner, *new_owner;
    struct bus_peer *p;

    if (!dbus_message_is_signal(msg, DBUS_INTERFACE_DBUS, "NameOwnerChanged") ||
        !dbus_message_has_sender(msg, DBUS_SERVICE_DBUS) ||
        !dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old_owner,
                               DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID) ||
        *new_owner)
        return;
    p = find(bus, name);
    if (!p)
        return;
    if (!p->known) {
        /* Its credentials are on the way and free it; a name is never given twice. */
        return;
    }
    log_debug("gone name=%s", name);
    peer_free(p);
}
