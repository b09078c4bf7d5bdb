/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/log.h"
#include "dbus/iface.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("bus");

#define MAX_PEERS (2 * LIMIT_CLIENTS)
#define RATE_BURST_S 10 /* own choice: seconds' worth of quota.rate at once */
#define MAX_WAITING 64  /* own choice: calls of one peer before its credentials are there */

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

struct bus_peer *bus_peer_find(struct bus *bus, const char *name)
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
    return bus_peer_find(bus, tree_call_sender(call));
}

/* What a privileged member is, of the verbs. */
static enum access_verb verb_of(const struct tree_call *call)
{
    if (strcmp(tree_call_interface(call), IOTD_IFACE_CALL) == 0)
        return ACCESS_CALL;
    if (strcmp(tree_call_interface(call), IOTD_IFACE_FIRMWARE) == 0)
        return ACCESS_FIRMWARE;
    return strcmp(tree_call_member(call), "Monitor") == 0 ? ACCESS_MONITOR : ACCESS_MANAGE;
}

/* Refuses a call that is privileged and not for the peer; it is answered then. */
static bool refuse(struct bus_peer *p, struct tree_call *call, uint32_t flags)
{
    char detail[BUS_ACCESS_DETAIL];
    int r;

    if (!(flags & IFACE_PRIVILEGED))
        return false;
    r = bus_access_check(p->bus, p, verb_of(call), "", detail);
    if (r < 0)
        tree_call_error(&call, r, detail);
    return r < 0;
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
        if (r < 0 || !refuse(p, w->call, w->flags))
            tree_call_continue(&w->call, r);
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
    bus_firmware_forget(bus, p->name);
    if (p->match && bus->conn && dbus_connection_get_is_connected(bus->conn))
        dbus_bus_remove_match(bus->conn, p->match, NULL); /* without an error to fill: no wait */
    process_exe_done(&p->found);
    free(p->gids);
    free(p->match);
    free(p->name);
    free(p);
}

void bus_peers_clear(struct bus *bus)
{
    while (!list_is_empty(&bus->peers.list))
        peer_free(LIST_ENTRY(bus->peers.list.next, struct bus_peer, link));
}

static void read_groups(struct bus_peer *p, DBusMessageIter *value)
{
    DBusMessageIter variant, array;
    const dbus_uint32_t *gids = NULL;
    int n = 0;

    dbus_message_iter_recurse(value, &variant);
    if (dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(&variant) != DBUS_TYPE_UINT32 || p->gids)
        return;
    dbus_message_iter_recurse(&variant, &array);
    dbus_message_iter_get_fixed_array(&array, &gids, &n);
    p->gids = calloc(n > 0 ? (size_t) n : 1, sizeof(*p->gids));
    if (!p->gids)
        return; /* not known */
    if (n > 0)
        memcpy(p->gids, gids, (size_t) n * sizeof(*gids));
    p->n_gids = (size_t) n;
    p->has_gids = true;
}

static int read_pidfd(DBusMessageIter *value)
{
    DBusMessageIter variant;
    int fd = -1;

    dbus_message_iter_recurse(value, &variant);
    return msg_read_fd(&variant, &fd) == 0 ? fd : -1;
}

/* A rule names a path of ours; what runs has to be that file. */
static void find_exe(struct bus_peer *p)
{
    p->exe = p->found.path;
    if (!p->exe || !access_names_exe(&p->bus->core->access, p->exe) ||
        process_exe_is_ours(&p->found))
        return;
    log_warn("not the file of that name name=%s uid=%u exe=\"%s\"", p->name, p->uid, p->exe);
    p->exe = NULL;
}

void bus_peers_review(struct bus *bus)
{
    LIST_FOR_EACH (n, &bus->peers.list)
        find_exe(LIST_ENTRY(n, struct bus_peer, link));
}

static void init_rate(struct bus_peer *p)
{
    unsigned rate = p->bus->core->quota.rate;

    ratelimit_init(&p->rate, rate, USEC_PER_SEC, rate * RATE_BURST_S);
    p->was_fast = false;
}

void bus_peers_limit(struct bus *bus)
{
    LIST_FOR_EACH (n, &bus->peers.list)
        init_rate(LIST_ENTRY(n, struct bus_peer, link));
}

int bus_peer_take_rate(struct bus_peer *p)
{
    if (ratelimit_take(&p->rate, loop_now_us(p->bus->loop)) == 0)
        return 0;
    if (!p->was_fast)
        log_warn_limited(&p->bus->refusals, "too fast name=%s uid=%u pid=%u", p->name, p->uid,
                         p->pid);
    p->was_fast = true;
    return -EDQUOT;
}

void bus_peer_account(const char *peer, char name[EVENTS_ACCOUNT], void *userdata)
{
    const struct bus_peer *p = bus_peer_find(userdata, peer);

    if (p && p->known)
        (void) snprintf(name, EVENTS_ACCOUNT, "%u%s%s", p->uid, p->client ? " " : "",
                        p->client ? p->client->app_id : "");
}

static void read_process(struct bus_peer *p, int pidfd)
{
    int r = process_get_exe(p->pid, pidfd, p->seen_us, &p->found);

    if (r < 0)
        log_debug("executable not known name=%s uid=%u pid=%u error=\"%s\"", p->name, p->uid,
                  p->pid, strerror(-r));
    find_exe(p);
}

static void read_credentials(struct bus_peer *p, DBusMessage *reply)
{
    CLEANUP(fd_closep) int pidfd = -1;
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
        } else if (strcmp(key, "UnixGroupIDs") == 0) {
            read_groups(p, &value);
        } else if (strcmp(key, "ProcessFD") == 0 && pidfd < 0) {
            pidfd = read_pidfd(&value);
        }
    }
    p->known = has_uid;
    if (has_uid)
        read_process(p, pidfd);
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

/* The one that was heard of least lately, of those that hold nothing. */
static void make_room(struct bus *bus)
{
    LIST_FOR_EACH_SAFE (n, &bus->peers.list) {
        struct bus_peer *p = LIST_ENTRY(n, struct bus_peer, link);

        if (p->client || !p->known || bus_link_is_monitor(bus, p->name) ||
            bus_firmware_is_installer(bus, p->name))
            continue;
        peer_free(p);
        return;
    }
}

/* The match comes first: an end after it is told, an end before it makes the question fail. */
static int peer_new(struct bus *bus, const char *name, struct bus_peer **ret_peer)
{
    struct bus_peer *p;
    char match[256];

    if (bus->peers.n >= MAX_PEERS)
        make_room(bus);
    if (bus->peers.n >= MAX_PEERS)
        return -ENOBUFS;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->bus = bus;
    p->seen_us = clock_boot_us();
    init_rate(p);
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
    static const char *const ifaces[] = {IOTD_IFACE_MANAGER, IOTD_IFACE_DEVICE, IOTD_IFACE_FILES,
                                         IOTD_IFACE_RESOURCES, IOTD_IFACE_TRANSFER};
    const char *iface = tree_call_interface(call), *member = tree_call_member(call);

    if (flags & IFACE_PRIVILEGED)
        return true;
    if (strcmp(iface, IOTD_IFACE_THING) == 0)
        return strcmp(member, "GetModel") != 0;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        if (strcmp(iface, ifaces[i]) == 0)
            return true;
    }
    return false;
}

int bus_peer_authorize(struct tree_call *call, uint32_t flags, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_peer *p = bus_peer_find(bus, tree_call_sender(call));
    int r;

    if (!p) {
        if (!needs_peer(call, flags))
            return 0;
        r = peer_new(bus, tree_call_sender(call), &p);
        if (r < 0)
            return r;
    }
    list_remove(&p->link);
    list_append(&bus->peers.list, &p->link); /* the latest */
    if (!p->known)
        return keep_waiting(p, call, flags);
    return refuse(p, call, flags) ? TREE_AUTHORIZE_LATER : 0; /* answered */
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
    p = bus_peer_find(bus, name);
    if (!p)
        return;
    if (!p->known) {
        /* Its credentials are on the way and free it; a name is never given twice. */
        return;
    }
    log_debug("gone name=%s", name);
    if (p->client && bus_client_shm(p->client))
        shm_program_drain(bus_client_shm(p->client));
    peer_free(p);
}
