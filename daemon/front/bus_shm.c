/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who reads which table, and the news of it; the tables are shm_table.c. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "daemon/sys/privs.h"
#include "libiotclient/base/fdutil.h"

LOG_AREA("shm");

#define TOLD_AT_ONCE 64 /* own choice: places on the stack */

/* Once for as long as it lasts: each program that attaches meets it again. */
static void tell_failure(struct bus *bus, const struct client *client, int r)
{
    if (!bus->shm_failed)
        log_warn("no shared memory, programs use D-Bus alone client=%u error=\"%s\"",
                 client->number, strerror(-r));
    bus->shm_failed = true;
}

/* --- who may read what --- */

static void set_of(const struct bus *bus, const struct bus_peer *peer, struct shm_set *ret_set)
{
    const struct model *m = bus->core->model;

    *ret_set = (struct shm_set){0};
    for (size_t i = 0; i < m->n_properties; i++) {
        if (bus_access_may(bus, peer, ACCESS_READ, m->properties[i].id))
            shm_set_add(ret_set, i);
    }
}

/* For the rules they are one. */
static bool is_alike(const struct bus_peer *a, const struct bus_peer *b)
{
    const char *exe_a = a->exe ? a->exe : "?", *exe_b = b->exe ? b->exe : "?";

    return a->known == b->known && a->uid == b->uid && a->has_gids == b->has_gids &&
           a->n_gids == b->n_gids && strcmp(exe_a, exe_b) == 0 &&
           (a->n_gids == 0 || memcmp(a->gids, b->gids, a->n_gids * sizeof(*a->gids)) == 0);
}

/* What each program with shared memory should see. */
struct wish {
    struct client *client;
    struct shm_view *view; /* that it has; a reference */
    struct shm_set set;
    bool moves; /* to another table */
};

struct wishes {
    struct wish *all;
    size_t n;
};

static void wishes_done(struct wishes *ws)
{
    for (size_t i = 0; i < ws->n; i++)
        shm_view_unref(ws->all[i].view);
    free(ws->all);
}

static void wish_for(const struct bus *bus, struct wishes *ws, struct client *client)
{
    struct wish *w = &ws->all[ws->n++];
    const struct bus_peer *peer = bus_client_peer(client);

    w->client = client;
    w->view = shm_view_ref(bus_client_view(client));
    for (struct wish *other = ws->all; other < w; other++) {
        if (is_alike(peer, bus_client_peer(other->client))) {
            w->set = other->set;
            return;
        }
    }
    set_of(bus, peer, &w->set);
}

static int wishes_make(const struct bus *bus, struct wishes *ret_wishes)
{
    const struct clients *cs = &bus->core->clients;

    ret_wishes->all = calloc(cs->n ? cs->n : 1, sizeof(*ret_wishes->all));
    if (!ret_wishes->all)
        return -ENOMEM;
    LIST_FOR_EACH (node, &cs->list) {
        struct client *client = LIST_ENTRY(node, struct client, link);

        if (bus_client_view(client))
            wish_for(bus, ret_wishes, client);
    }
    return 0;
}

/* --- from one table to another --- */

static void move(struct bus *bus, const struct wish *w)
{
    struct shm_view *view;
    int r = shm_view_get(&bus->tables, &w->set, &view);

    if (r == 0) {
        bus_client_set_view(w->client, view);
        return;
    }
    bus_shm_end(bus, w->client, r);
}

/* Whether all who have the view may read the same, and nothing less than they do. */
static bool agree(const struct wishes *ws, const struct wish *w)
{
    if (!shm_set_covers(&w->set, shm_view_set(w->view)))
        return false;
    for (size_t i = 0; i < ws->n; i++) {
        if (ws->all[i].view == w->view && !shm_set_equal(&ws->all[i].set, &w->set))
            return false;
    }
    return true;
}

/*
 * A program that may not read something any more still has its mapping: nobody else may go on with
 * that table, or the program would read on with him. Those who move find only tables that stay.
 */
static void settle(struct bus *bus, struct wishes *ws)
{
    for (size_t i = 0; i < ws->n; i++)
        ws->all[i].moves = shm_view_is_lost(ws->all[i].view) || !agree(ws, &ws->all[i]);
    for (size_t i = 0; i < ws->n; i++) {
        const struct wish *w = &ws->all[i];

        if (w->moves)
            shm_view_retire(w->view);
        else if (!shm_set_equal(&w->set, shm_view_set(w->view)))
            shm_view_extend(w->view, &w->set);
    }
    for (size_t i = 0; i < ws->n; i++) {
        if (ws->all[i].moves)
            move(bus, &ws->all[i]);
    }
}

static void end_all(struct bus *bus, int r)
{
    LIST_FOR_EACH (node, &bus->core->clients.list) {
        struct client *client = LIST_ENTRY(node, struct client, link);

        if (bus_client_view(client))
            bus_shm_end(bus, client, r);
    }
}

void bus_shm_review(struct bus *bus)
{
    CLEANUP(wishes_done) struct wishes ws = {0};
    int r;

    if (bus->tables.n_views == 0)
        return;
    r = shm_tables_refresh(&bus->tables);
    if (r == 0)
        r = wishes_make(bus, &ws);
    if (r < 0) {
        end_all(bus, r);
        return;
    }
    settle(bus, &ws);
}

void bus_shm_policy_changed(struct bus *bus)
{
    int r = shm_tables_refresh(&bus->tables);

    if (r < 0)
        end_all(bus, r);
}

/* --- news of the tables --- */

static void on_moved(struct shm_view *view, void *userdata)
{
    struct bus *bus = userdata;

    LIST_FOR_EACH (node, &bus->core->clients.list) {
        const struct client *client = LIST_ENTRY(node, struct client, link);

        if (bus_client_view(client) == view && bus_client_shm(client))
            shm_program_set_table(bus_client_shm(client), shm_view_epoch(view));
    }
}

static void on_lost_timer(struct loop_timer *timer, void *userdata)
{
    struct bus *bus = userdata;

    (void) timer;
    LIST_FOR_EACH (node, &bus->core->clients.list) {
        struct client *client = LIST_ENTRY(node, struct client, link);

        if (bus_client_view(client) && shm_view_is_lost(bus_client_view(client)))
            bus_shm_end(bus, client, -ENOMEM);
    }
}

/* From the loop: what was written may have come out of the shared memory that has to end. */
static void on_lost(struct shm_view *view, void *userdata)
{
    struct bus *bus = userdata;

    (void) view;
    loop_timer_arm(bus->loop, &bus->shm_timer, 0, on_lost_timer, bus);
}

/* Only of what it may read: it learns nothing of the times of others. */
static void tell(struct shm_program *p, const struct shm_set *set,
                 const struct prop_update *updates, size_t n)
{
    size_t places[TOLD_AT_ONCE], n_places = 0;

    for (size_t i = 0; i < n; i++) {
        if (shm_set_has(set, updates[i].index))
            places[n_places++] = updates[i].index;
        if (n_places == TOLD_AT_ONCE || (i + 1 == n && n_places > 0)) {
            shm_program_changed(p, places, n_places);
            n_places = 0;
        }
    }
}

void bus_shm_written(const struct prop_update *updates, size_t n, void *userdata)
{
    struct bus *bus = userdata;

    if (bus->tables.n_views == 0)
        return;
    shm_tables_write(&bus->tables, updates, n);
    LIST_FOR_EACH (node, &bus->core->clients.list) {
        const struct client *client = LIST_ENTRY(node, struct client, link);

        if (bus_client_shm(client))
            tell(bus_client_shm(client), shm_view_set(bus_client_view(client)), updates, n);
    }
}

void bus_shm_init(struct bus *bus)
{
    shm_tables_init(&bus->tables, bus->core);
    bus->tables.on_moved = on_moved;
    bus->tables.on_lost = on_lost;
    bus->tables.userdata = bus;
}

void bus_shm_done(struct bus *bus)
{
    loop_timer_cancel(&bus->shm_timer);
    shm_tables_done(&bus->tables);
}

/* --- Attach --- */

static void fds_close(int fds[LAYOUT_FD_COUNT_])
{
    for (int i = 0; i < LAYOUT_FD_COUNT_; i++)
        fds[i] = fd_close(fds[i]);
}

/* Of a program like this one, if there is one: rules are many, and so are properties. */
static int find_view(struct bus *bus, const struct bus_peer *peer, struct shm_view **ret_view)
{
    struct shm_set set;

    LIST_FOR_EACH (node, &bus->core->clients.list) {
        const struct client *other = LIST_ENTRY(node, struct client, link);
        struct shm_view *view = bus_client_view(other);

        if (view && !shm_view_is_lost(view) && is_alike(peer, bus_client_peer(other))) {
            *ret_view = shm_view_ref(view);
            return 0;
        }
    }
    set_of(bus, peer, &set);
    return shm_view_get(&bus->tables, &set, ret_view);
}

/* The last one: the others have lower numbers. */
static int take_table(const struct shm_view *view, int *fd)
{
    int r = shm_view_dup_fd(view);

    if (r < 0)
        return r;
    *fd = r;
    return privs_leaves_files(r) ? 0 : -EMFILE;
}

static int make(struct bus *bus, struct client *client, int fds[LAYOUT_FD_COUNT_])
{
    CLEANUP(shm_view_unrefp) struct shm_view *view = NULL;
    struct shm_program *program;
    int r = find_view(bus, bus_client_peer(client), &view);

    if (r < 0)
        return r;
    r = shm_program_new(&program, bus, client, fds);
    if (r < 0)
        return r;
    r = take_table(view, &fds[LAYOUT_FD_TABLE]);
    if (r < 0) {
        fds_close(fds);
        shm_program_free(program);
        return r;
    }
    bus_client_set_shm(client, program, TAKE(view));
    return 0;
}

void bus_shm_end(struct bus *bus, struct client *client, int r)
{
    tell_failure(bus, client, r);
    bus_client_set_shm(client, NULL, NULL);
}

int bus_shm_new(struct bus *bus, struct client *client, int ret_fds[LAYOUT_FD_COUNT_])
{
    int fds[LAYOUT_FD_COUNT_] = {-1, -1, -1, -1, -1};
    int r;

    if (!dbus_connection_can_send_type(bus->conn, DBUS_TYPE_UNIX_FD)) {
        bus_client_set_shm(client, NULL, NULL);
        return -ENOTSUP;
    }
    r = make(bus, client, fds);
    if (r < 0) {
        bus_shm_end(bus, client, r);
        return r;
    }
    memcpy(ret_fds, fds, sizeof(fds));
    return 0;
}
