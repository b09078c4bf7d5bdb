/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_CALL_H
#define IOTD_FRONT_BUS_CALL_H

/* Method calls that the daemon makes, without waiting. */

#include <dbus/dbus.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

struct bus_call {
    struct list link;
    DBusPendingCall *pending;
    void (*fn)(DBusMessage *reply, void *userdata);
    void *userdata;
};

/* reply is the answer or an error message, borrowed. Once, unless freed before. */
typedef void (*bus_call_fn)(DBusMessage *reply, void *userdata);

/*
 * Sends; the call is in list until it ends. timeout_ms -1 for libdbus' 25 s, INT_MAX for none.
 * ret_call may be NULL. 0; -ENOMEM; -ENOTCONN
 */
int bus_call_send(struct list *list, DBusConnection *conn, DBusMessage *msg, int timeout_ms,
                  bus_call_fn fn, void *userdata, struct bus_call **ret_call) MUST_CHECK;
struct bus_call *bus_call_free(struct bus_call *call);

#endif /* IOTD_FRONT_BUS_CALL_H */
