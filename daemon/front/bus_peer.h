/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_PEER_H
#define IOTD_FRONT_BUS_PEER_H

/*
 * Who is on the other side: the credentials of a unique name, asked of the bus once and without
 * waiting, and the news that it is gone. Only for peers that need it: who attaches, uses ids or
 * calls something privileged. Those that hold nothing make room for others.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/core/access.h"
#include "daemon/core/clients.h"
#include "daemon/core/events.h"
#include "daemon/sys/process.h"
#include "dbus/tree.h"

struct bus;

/* One that is on the log. */
struct bus_refusal {
    bool is_used;
    enum access_verb verb;
    char id[LIMIT_FILE_NAME + 1]; /* the longest of what ids are */
};

struct bus_peer {
    struct list link;
    struct bus *bus;
    char *name;
    char *match; /* the rule that tells of its end */
    bool known;  /* uid and pid are */
    uint32_t uid;
    uint32_t pid; /* 0 when the bus does not tell */
    bool has_gids;
    uint32_t *gids;
    size_t n_gids;
    uint64_t seen_us;         /* of clock_boot_us(): its first call */
    struct process_exe found; /* what the system says it runs */
    const char *exe;          /* as struct access_subject has it */
    struct ratelimit rate;    /* of reports and posts, quota.rate */
    bool was_fast;            /* it is on the log */
    struct bus_refusal refusals[8];
    unsigned n_refusals;
    struct client *client; /* NULL until it attached */
    struct list waiting;   /* calls that came before the credentials */
};

struct bus_peers {
    struct list list;
    unsigned n;
};

void bus_peers_init(struct bus_peers *peers);
/* The bus is gone, and all peers with it. */
void bus_peers_clear(struct bus *bus);
/* The rules are others: which executables they name, too. */
void bus_peers_review(struct bus *bus);

/* quota.rate may be another one. */
void bus_peers_limit(struct bus *bus);
/* One more report or post: 0; -EDQUOT more than quota.rate. */
int bus_peer_take_rate(struct bus_peer *p) MUST_CHECK;
/* For struct events: the user, and the program of that user where it said which it is. */
void bus_peer_account(const char *peer, char name[EVENTS_ACCOUNT], void *userdata);

/* For tree_new(): keeps calls back until their sender is known, and refuses what it may not do. */
int bus_peer_authorize(struct tree_call *call, uint32_t flags, void *userdata);
/* The sender of a call whose handler runs after bus_peer_authorize(); NULL if it is not tracked. */
struct bus_peer *bus_peer_of(struct bus *bus, const struct tree_call *call);
struct bus_peer *bus_peer_find(struct bus *bus, const char *name); /* NULL: none */
/* A NameOwnerChanged signal of the bus. */
void bus_peer_on_signal(struct bus *bus, DBusMessage *msg);

#endif /* IOTD_FRONT_BUS_PEER_H */
