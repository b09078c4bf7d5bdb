/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_call.h"

#include <errno.h>
#include <stdlib.h>

#include "dbus/msg.h"

struct bus_call *bus_call_free(struct bus_call *call)
{
    if (!call)
        return NULL;

    list_remove(&call->link);
    if (call->pending) {
        dbus_pending_call_cancel(call->pending);
        dbus_pending_call_unref(call->pending);
    }
    free(call);
    return NULL;
}

static void on_reply(DBusPendingCall *pending, void *userdata)
{
    struct bus_call *call = userdata;
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    bus_call_fn fn = call->fn;

    userdata = call->userdata;
    bus_call_free(call);
    if (reply)
        fn(reply, userdata);
}

int bus_call_send(struct list *list, DBusConnection *conn, DBusMessage *msg, int timeout_ms,
                  bus_call_fn fn, void *userdata, struct bus_call **ret_call)
{
    struct bus_call *call = calloc(1, sizeof(*call));

    if (!call)
        return -ENOMEM;
    list_append(list, &call->link);
    call->fn = fn;
    call->userdata = userdata;
    if (!dbus_connection_send_with_reply(conn, msg, &call->pending, timeout_ms)) {
        bus_call_free(call);
        return -ENOMEM;
    }
    if (!call->pending) {
        bus_call_free(call);
        return -ENOTCONN;
    }
    if (!dbus_pending_call_set_notify(call->pending, on_reply, call, NULL)) {
        bus_call_free(call);
        return -ENOMEM;
    }
    if (ret_call)
        *ret_call = call;
    return 0;
}
