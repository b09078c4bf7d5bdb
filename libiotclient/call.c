/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/call.h"

#include <errno.h>
#include <stdlib.h>

#include "libiotclient/base/list.h"
#include "libiotclient/session.h"

struct call {
    struct list link;
    DBusConnection *bus; /* borrowed: outlives its calls */
    DBusPendingCall *pending;
    call_fn fn;
    void *userdata;
};

static void call_free(struct call *call)
{
    list_remove(&call->link);
    dbus_pending_call_cancel(call->pending); /* harmless after completion */
    dbus_pending_call_unref(call->pending);
    free(call);
}

static void complete(struct call *call, DBusMessage *reply, int error)
{
    call_fn fn = call->fn;
    void *userdata = call->userdata;

    call_free(call);
    fn(reply, error, userdata);
}

static void on_reply(DBusPendingCall *pending, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    struct call *call = userdata;
    int r;

    r = reply ? msg_get_error(reply, NULL) : -ECONNRESET;
    /* Nobody owns the name any more; or libdbus answers for a bus that is gone, with NoReply. */
    if (r == -ENOTCONN || (r < 0 && !dbus_connection_get_is_connected(call->bus)))
        r = -ECONNRESET;
    complete(call, r < 0 ? NULL : reply, r);
}

int call_start(struct session *s, DBusMessage *msg, int timeout_ms, call_fn fn, void *userdata,
               struct call **ret_call)
{
    DBusConnection *bus = session_get_bus(s);
    struct call *call;

    if (!bus)
        return -ECONNRESET;
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->bus = bus;
    call->fn = fn;
    call->userdata = userdata;
    if (!dbus_connection_send_with_reply(bus, msg, &call->pending, timeout_ms)) {
        free(call);
        return -ENOMEM;
    }
    if (!call->pending) {
        free(call);
        return -ECONNRESET;
    }
    list_append(session_get_calls(s), &call->link);
    if (!dbus_pending_call_set_notify(call->pending, on_reply, call, NULL)) {
        call_free(call);
        return -ENOMEM;
    }
    if (ret_call)
        *ret_call = call;
    return 0;
}

struct call *call_cancel(struct call *call)
{
    if (call)
        call_free(call);
    return NULL;
}

static struct call *first(struct list *calls)
{
    return LIST_ENTRY(calls->next, struct call, link);
}

void call_complete_all(struct session *s, int error)
{
    struct list calls;

    list_init(&calls);
    list_splice(&calls, session_get_calls(s));
    while (!list_is_empty(&calls))
        complete(first(&calls), NULL, error);
}

void call_cancel_all(struct session *s)
{
    struct list *calls = session_get_calls(s);

    while (!list_is_empty(calls))
        call_free(first(calls));
}
