/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The server has one watch: its listening descriptor. */
struct listener {
    struct peer *peer;
    struct loop_io io;
    DBusWatch *watch;
};

static void on_listen(struct loop_io *io, uint32_t events, void *userdata)
{
    struct listener *l = userdata;

    (void) io;
    (void) events;
    NEED(dbus_watch_handle(l->watch, DBUS_WATCH_READABLE));
}

static dbus_bool_t on_add_watch(DBusWatch *watch, void *data)
{
    struct listener *l = data;

    NEED(!l->watch);
    l->watch = watch;
    return loop_io_start(&l->peer->tl.loop, &l->io, dbus_watch_get_unix_fd(watch), LOOP_READ,
                         on_listen, l) >= 0;
}

static void on_remove_watch(DBusWatch *watch, void *data)
{
    struct listener *l = data;

    (void) watch;
    loop_io_stop(&l->io);
    l->watch = NULL;
}

static void on_new_connection(DBusServer *server, DBusConnection *conn, void *data)
{
    struct peer *p = data;

    (void) server;
    p->near = dbus_connection_ref(conn);
    NEED(bus_watch_attach(&p->near_watch, p->near, &p->tl.loop) >= 0);
}

static DBusHandlerResult on_far_message(DBusConnection *conn, DBusMessage *msg, void *data)
{
    struct peer *p = data;

    (void) conn;
    NEED(p->n_seen < PEER_MAX_SEEN);
    p->seen[p->n_seen++] = dbus_message_ref(msg);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static bool is_open(void *userdata)
{
    const struct peer *p = userdata;

    return p->near && dbus_connection_get_is_authenticated(p->near) &&
           dbus_connection_get_is_authenticated(p->far);
}

void peer_init(struct peer *p)
{
    struct listener listener = {.peer = p};
    DBusError error = DBUS_ERROR_INIT;
    DBusServer *server;
    char *address;

    memset(p, 0, sizeof(*p));
    test_loop_init(&p->tl);
    server = dbus_server_listen("unix:tmpdir=/tmp", &error);
    NEED(server);
    NEED(dbus_server_set_watch_functions(server, on_add_watch, on_remove_watch, NULL, &listener,
                                         NULL));
    dbus_server_set_new_connection_function(server, on_new_connection, p, NULL);
    address = dbus_server_get_address(server);
    NEED(address);
    p->far = dbus_connection_open_private(address, &error);
    NEED(p->far);
    dbus_free(address);
    NEED(bus_watch_attach(&p->far_watch, p->far, &p->tl.loop) >= 0);
    NEED(dbus_connection_add_filter(p->far, on_far_message, p, NULL));
    NEED(test_loop_until(&p->tl, is_open, p));

    dbus_server_disconnect(server);
    NEED(dbus_server_set_watch_functions(server, NULL, NULL, NULL, NULL, NULL));
    dbus_server_unref(server);
    test_loop_settle(&p->tl);
}

void peer_done(struct peer *p)
{
    peer_clear(p);
    dbus_connection_remove_filter(p->far, on_far_message, p);
    dbus_connection_close(p->far);
    dbus_connection_close(p->near);
    p->far_watch = bus_watch_detach(p->far_watch);
    p->near_watch = bus_watch_detach(p->near_watch);
    dbus_connection_unref(p->far);
    dbus_connection_unref(p->near);
    test_loop_done(&p->tl);
}

DBusMessage *peer_new_call(const char *path, const char *iface, const char *member)
{
    DBusMessage *msg = dbus_message_new_method_call(NULL, path, iface, member);

    NEED(msg);
    return msg;
}

static bool is_completed(void *userdata)
{
    return dbus_pending_call_get_completed(userdata);
}

DBusMessage *peer_call(struct peer *p, DBusMessage *call)
{
    DBusPendingCall *pending = NULL;
    DBusMessage *reply = NULL;

    NEED(dbus_connection_send_with_reply(p->far, call, &pending, DBUS_TIMEOUT_INFINITE));
    NEED(pending);
    dbus_message_unref(call);
    if (test_loop_until(&p->tl, is_completed, pending))
        reply = dbus_pending_call_steal_reply(pending);
    else
        dbus_pending_call_cancel(pending);
    dbus_pending_call_unref(pending);
    return reply;
}

const char *peer_call_error(struct peer *p, DBusMessage *call)
{
    static char name[256];
    DBusMessage *reply = peer_call(p, call);
    const char *error = reply ? dbus_message_get_error_name(reply) : "no reply";

    (void) snprintf(name, sizeof(name), "%s", error ? error : "");
    if (reply)
        dbus_message_unref(reply);
    return name;
}

void peer_clear(struct peer *p)
{
    for (size_t i = 0; i < p->n_seen; i++)
        dbus_message_unref(p->seen[i]);
    p->n_seen = 0;
}

int peer_find_signal(const struct peer *p, const char *member, size_t n)
{
    for (size_t i = 0; i < p->n_seen; i++) {
        if (dbus_message_get_type(p->seen[i]) == DBUS_MESSAGE_TYPE_SIGNAL &&
            strcmp(dbus_message_get_member(p->seen[i]), member) == 0 && n-- == 0)
            return (int) i;
    }
    return -1;
}
