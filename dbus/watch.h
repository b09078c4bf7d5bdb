/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_WATCH_H
#define IOTD_DBUS_WATCH_H

/*
 * Runs a DBusConnection in a struct loop: its descriptors, its timeouts and the dispatch of its
 * messages. Messages are dispatched from a timer of the loop only, never from inside of a
 * libdbus callback or of a function of this project that sends.
 */

#include <dbus/dbus.h>

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct bus_watch;

/*
 * Takes a reference to conn and switches its exit-on-disconnect off. Nothing is called back from
 * inside. On failure conn has no watch functions.
 */
int bus_watch_attach(struct bus_watch **ret_watch, DBusConnection *conn,
                     struct loop *loop) MUST_CHECK;

/*
 * Stops everything and drops the reference; the connection itself stays open. Accepts NULL and
 * may be called from a handler that is being dispatched. Always returns NULL.
 */
struct bus_watch *bus_watch_detach(struct bus_watch *watch);
DEFINE_FREEP(struct bus_watch, bus_watch_detach)

#endif /* IOTD_DBUS_WATCH_H */
