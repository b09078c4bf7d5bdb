/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libdbus makes two watches for one descriptor (read, write) and toggles them; a loop wants one
 * entry a descriptor. So a watch_fd collects the watches of one descriptor and asks the loop for
 * the sum of what the enabled ones want.
 *
 * libdbus may add, remove and toggle from inside of dbus_watch_handle(), dbus_timeout_handle()
 * and dbus_connection_dispatch(), and a handler may detach. Therefore what is being walked is
 * held: a watch_fd by `busy`, the bus_watch by `n_busy`; the last one out frees.
 */

#include "dbus/watch.h"

#include <errno.h>
#include <stdbool.h>

#include "libiotclient/base/list.h"

#define MAX_DISPATCH 16                           /* messages in one turn: others wait too */
#define NO_MEMORY_DELAY_US (100U * USEC_PER_MSEC) /* before a message is tried again */

/* A read and a write watch; libdbus has no more than these for one descriptor. */
#define MAX_WATCHES 2

struct bus_watch {
    DBusConnection *conn; /* a reference of ours */
    struct loop *loop;    /* borrowed: outlives us */
    struct list fds;      /* struct watch_fd */
    struct list timeouts; /* struct watch_timeout */
    struct loop_timer dispatch;
    unsigned n_busy;
    int error; /* why an add function failed: libdbus passes a boolean only */
    bool detached;
};

struct watch_fd {
    struct bus_watch *owner;
    struct list link;
    struct loop_io io;
    int fd;
    DBusWatch *watches[MAX_WATCHES]; /* borrowed: libdbus tells when one goes */
    bool busy;
};

struct watch_timeout {
    struct bus_watch *owner;
    struct list link;
    struct loop_timer timer;
    DBusTimeout *timeout; /* borrowed */
};

static void hold(struct bus_watch *bw)
{
    bw->n_busy++;
    dbus_connection_ref(bw->conn);
}

static void release(struct bus_watch *bw)
{
    DBusConnection *conn = bw->conn;

    if (--bw->n_busy == 0 && bw->detached)
        free(bw);
    dbus_connection_unref(conn);
}

static uint32_t wanted_events(const struct watch_fd *wf)
{
    uint32_t events = 0;

    for (size_t i = 0; i < MAX_WATCHES; i++) {
        unsigned flags;

        if (!wf->watches[i] || !dbus_watch_get_enabled(wf->watches[i]))
            continue;
        flags = dbus_watch_get_flags(wf->watches[i]);
        if (flags & DBUS_WATCH_READABLE)
            events |= LOOP_READ;
        if (flags & DBUS_WATCH_WRITABLE)
            events |= LOOP_WRITE;
    }
    return events;
}

static bool is_unused(const struct watch_fd *wf)
{
    for (size_t i = 0; i < MAX_WATCHES; i++) {
        if (wf->watches[i])
            return false;
    }
    return true;
}

/* After a change of what is wanted; frees wf when nothing is. */
static void watch_fd_update(struct watch_fd *wf)
{
    if (!is_unused(wf)) {
        loop_io_update(&wf->io, wanted_events(wf));
        return;
    }
    /* The descriptor may be closed as soon as libdbus has removed its last watch. */
    loop_io_stop(&wf->io);
    list_remove(&wf->link);
    if (!wf->busy)
        free(wf);
}

static void on_io(struct loop_io *io, uint32_t events, void *userdata)
{
    struct watch_fd *wf = userdata;
    struct bus_watch *bw = wf->owner;
    unsigned flags = 0;

    (void) io;
    if (events & LOOP_READ)
        flags |= DBUS_WATCH_READABLE;
    if (events & LOOP_WRITE)
        flags |= DBUS_WATCH_WRITABLE;
    /* With something to read, the end of it tells; a hang-up alone would lose what is unread. */
    if ((events & LOOP_HUP) && !(events & LOOP_READ))
        flags |= DBUS_WATCH_HANGUP;

    hold(bw);
    wf->busy = true;
    for (size_t i = 0; i < MAX_WATCHES; i++) {
        DBusWatch *w = wf->watches[i];
        unsigned mine;

        /* A hang-up goes also to a watch that is off: nobody else would take it. */
        if (!w || (!dbus_watch_get_enabled(w) && !(flags & DBUS_WATCH_HANGUP)))
            continue;
        mine = flags & (dbus_watch_get_flags(w) | DBUS_WATCH_HANGUP);
        /* false is lack of memory: the loop reports the descriptor again. */
        if (mine)
            (void) dbus_watch_handle(w, mine);
    }
    wf->busy = false;
    if (is_unused(wf))
        free(wf);
    release(bw);
}

static struct watch_fd *watch_fd_find(struct bus_watch *bw, int fd)
{
    LIST_FOR_EACH (n, &bw->fds) {
        struct watch_fd *wf = LIST_ENTRY(n, struct watch_fd, link);

        if (wf->fd == fd)
            return wf;
    }
    return NULL;
}

static int watch_fd_new(struct watch_fd **ret_wf, struct bus_watch *bw, DBusWatch *watch)
{
    struct watch_fd *wf;
    int r;

    wf = calloc(1, sizeof(*wf));
    if (!wf)
        return -ENOMEM;
    wf->owner = bw;
    wf->fd = dbus_watch_get_unix_fd(watch);
    wf->watches[0] = watch;
    r = loop_io_start(bw->loop, &wf->io, wf->fd, wanted_events(wf), on_io, wf);
    if (r < 0) {
        free(wf);
        return r;
    }
    list_append(&bw->fds, &wf->link);
    *ret_wf = wf;
    return 0;
}

static int watch_fd_join(struct watch_fd *wf, DBusWatch *watch)
{
    for (size_t i = 0; i < MAX_WATCHES; i++) {
        if (wf->watches[i])
            continue;
        wf->watches[i] = watch;
        loop_io_update(&wf->io, wanted_events(wf));
        return 0;
    }
    return -ENOSPC;
}

static dbus_bool_t on_add_watch(DBusWatch *watch, void *data)
{
    struct bus_watch *bw = data;
    struct watch_fd *wf;
    int r;

    wf = watch_fd_find(bw, dbus_watch_get_unix_fd(watch));
    r = wf ? watch_fd_join(wf, watch) : watch_fd_new(&wf, bw, watch);
    if (r < 0) {
        bw->error = r;
        return FALSE;
    }
    dbus_watch_set_data(watch, wf, NULL);
    return TRUE;
}

static void on_remove_watch(DBusWatch *watch, void *data)
{
    struct watch_fd *wf = dbus_watch_get_data(watch);

    (void) data;
    if (!wf)
        return;

    dbus_watch_set_data(watch, NULL, NULL);
    for (size_t i = 0; i < MAX_WATCHES; i++) {
        if (wf->watches[i] == watch)
            wf->watches[i] = NULL;
    }
    watch_fd_update(wf);
}

static void on_toggle_watch(DBusWatch *watch, void *data)
{
    struct watch_fd *wf = dbus_watch_get_data(watch);

    (void) data;
    if (wf)
        loop_io_update(&wf->io, wanted_events(wf));
}

static void on_timeout(struct loop_timer *timer, void *userdata)
{
    struct watch_timeout *wt = userdata;
    struct bus_watch *bw = wt->owner;

    (void) timer;
    hold(bw);
    /* libdbus timeouts repeat until they are switched off; handling may free wt. */
    loop_timer_arm(bw->loop, &wt->timer,
                   (uint64_t) dbus_timeout_get_interval(wt->timeout) * USEC_PER_MSEC, on_timeout,
                   wt);
    /* false is lack of memory: the next round tries again. */
    (void) dbus_timeout_handle(wt->timeout);
    release(bw);
}

static void on_toggle_timeout(DBusTimeout *timeout, void *data)
{
    struct watch_timeout *wt = dbus_timeout_get_data(timeout);

    (void) data;
    if (!wt)
        return;
    if (!dbus_timeout_get_enabled(timeout)) {
        loop_timer_cancel(&wt->timer);
        return;
    }
    loop_timer_arm(wt->owner->loop, &wt->timer,
                   (uint64_t) dbus_timeout_get_interval(timeout) * USEC_PER_MSEC, on_timeout, wt);
}

static dbus_bool_t on_add_timeout(DBusTimeout *timeout, void *data)
{
    struct bus_watch *bw = data;
    struct watch_timeout *wt;

    wt = calloc(1, sizeof(*wt));
    if (!wt) {
        bw->error = -ENOMEM;
        return FALSE;
    }
    wt->owner = bw;
    wt->timeout = timeout;
    list_append(&bw->timeouts, &wt->link);
    dbus_timeout_set_data(timeout, wt, NULL);
    on_toggle_timeout(timeout, bw);
    return TRUE;
}

static void on_remove_timeout(DBusTimeout *timeout, void *data)
{
    struct watch_timeout *wt = dbus_timeout_get_data(timeout);

    (void) data;
    if (!wt)
        return;
    dbus_timeout_set_data(timeout, NULL, NULL);
    loop_timer_cancel(&wt->timer);
    list_remove(&wt->link);
    free(wt);
}

static void on_dispatch(struct loop_timer *timer, void *userdata)
{
    struct bus_watch *bw = userdata;
    DBusDispatchStatus status = DBUS_DISPATCH_DATA_REMAINS;

    (void) timer;
    hold(bw);
    for (int i = 0; i < MAX_DISPATCH && status == DBUS_DISPATCH_DATA_REMAINS; i++) {
        status = dbus_connection_dispatch(bw->conn);
        if (bw->detached)
            break;
    }
    if (!bw->detached && status != DBUS_DISPATCH_COMPLETE)
        loop_timer_arm(bw->loop, &bw->dispatch,
                       status == DBUS_DISPATCH_NEED_MEMORY ? NO_MEMORY_DELAY_US : 0, on_dispatch,
                       bw);
    release(bw);
}

static void on_dispatch_status(DBusConnection *conn, DBusDispatchStatus status, void *data)
{
    struct bus_watch *bw = data;

    (void) conn;
    if (status == DBUS_DISPATCH_COMPLETE || loop_timer_is_armed(&bw->dispatch))
        return;
    loop_timer_arm(bw->loop, &bw->dispatch,
                   status == DBUS_DISPATCH_NEED_MEMORY ? NO_MEMORY_DELAY_US : 0, on_dispatch, bw);
}

struct bus_watch *bus_watch_detach(struct bus_watch *bw)
{
    DBusConnection *conn;

    if (!bw)
        return NULL;

    conn = bw->conn;
    bw->detached = true;
    dbus_connection_set_dispatch_status_function(conn, NULL, NULL, NULL);
    /* Removing cannot fail; both call the remove functions for each entry. */
    (void) dbus_connection_set_watch_functions(conn, NULL, NULL, NULL, NULL, NULL);
    (void) dbus_connection_set_timeout_functions(conn, NULL, NULL, NULL, NULL, NULL);
    loop_timer_cancel(&bw->dispatch);
    if (bw->n_busy == 0)
        free(bw);
    dbus_connection_unref(conn);
    return NULL;
}

int bus_watch_attach(struct bus_watch **ret_watch, DBusConnection *conn, struct loop *loop)
{
    CLEANUP(bus_watch_detachp) struct bus_watch *bw = NULL;

    bw = calloc(1, sizeof(*bw));
    if (!bw)
        return -ENOMEM;
    bw->conn = dbus_connection_ref(conn);
    bw->loop = loop;
    bw->error = -ENOMEM;
    list_init(&bw->fds);
    list_init(&bw->timeouts);

    dbus_connection_set_exit_on_disconnect(conn, FALSE);
    if (!dbus_connection_set_watch_functions(conn, on_add_watch, on_remove_watch, on_toggle_watch,
                                             bw, NULL) ||
        !dbus_connection_set_timeout_functions(conn, on_add_timeout, on_remove_timeout,
                                               on_toggle_timeout, bw, NULL))
        return bw->error;
    dbus_connection_set_dispatch_status_function(conn, on_dispatch_status, bw, NULL);
    /* What came in before, for example while the connection was being opened. */
    on_dispatch_status(conn, dbus_connection_get_dispatch_status(conn), bw);

    *ret_watch = TAKE(bw);
    return 0;
}
