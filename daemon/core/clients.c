/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/clients.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "libiotclient/base/name.h"

void clients_init(struct clients *cs)
{
    *cs = (struct clients){0};
    list_init(&cs->list);
}

void clients_done(struct clients *cs)
{
    assert(list_is_empty(&cs->list));
    (void) cs;
}

static bool has_room(const struct clients *cs, uint32_t uid)
{
    unsigned n = 0;

    LIST_FOR_EACH (node, &cs->list)
        n += LIST_ENTRY(node, struct client, link)->uid == uid;
    return cs->max_per_user == 0 || n < cs->max_per_user;
}

int clients_add(struct clients *cs, const char *peer, uint32_t uid, uint32_t pid,
                struct client **ret_client)
{
    struct client *c;

    if (cs->n >= LIMIT_CLIENTS)
        return -ENOBUFS;
    if (!has_room(cs, uid))
        return -EDQUOT;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->peer = strdup(peer);
    if (!c->peer) {
        free(c);
        return -ENOMEM;
    }
    (void) snprintf(c->app_id, sizeof(c->app_id), "%s", peer);
    list_init(&c->registrations);
    c->number = ++cs->last_number;
    c->uid = uid;
    c->pid = pid;
    c->since_real_us = clock_real_us();
    list_append(&cs->list, &c->link);
    cs->n++;
    *ret_client = c;
    return 0;
}

void clients_remove(struct clients *cs, struct client *c)
{
    assert(list_is_empty(&c->registrations));
    list_remove(&c->link);
    cs->n--;
    free(c->peer);
    free(c);
}

struct client *clients_find(const struct clients *cs, const char *peer)
{
    LIST_FOR_EACH (n, &cs->list) {
        struct client *c = LIST_ENTRY(n, struct client, link);

        if (strcmp(c->peer, peer) == 0)
            return c;
    }
    return NULL;
}

int client_set_app_id(struct client *c, const char *app_id)
{
    if (!name_is_app_id(app_id))
        return -EINVAL;
    (void) snprintf(c->app_id, sizeof(c->app_id), "%s", app_id);
    return 0;
}
