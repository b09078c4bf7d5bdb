/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_PEER_H
#define IOTD_TESTS_PEER_H

/*
 * Two ends of one D-Bus connection in one process and one loop, without a bus: `near` is the
 * side of the code under test, `far` the other program. What arrives at far is collected, but for
 * replies that peer_call() waits for.
 */

#include <stdbool.h>
#include <stddef.h>

#include <dbus/dbus.h>

#include "dbus/watch.h"
#include "tests/lib/test-loop.h"

#define PEER_MAX_SEEN 64

struct peer {
    struct test_loop tl;
    DBusConnection *near;
    DBusConnection *far;
    struct bus_watch *near_watch;
    struct bus_watch *far_watch;
    DBusMessage *seen[PEER_MAX_SEEN]; /* in the order of arrival */
    size_t n_seen;
};

/* Both ends are open and authenticated after it. Aborts the test program on failure. */
void peer_init(struct peer *p);
void peer_done(struct peer *p);

/* A call without arguments; add some. */
DBusMessage *peer_new_call(const char *path, const char *iface, const char *member);
/* Sends call from far (and drops it), returns the reply, or NULL after the deadline. */
DBusMessage *peer_call(struct peer *p, DBusMessage *call);
/* The name of the error that call gets; "" for a good reply. Valid until the next call. */
const char *peer_call_error(struct peer *p, DBusMessage *call);

/* Forgets what was seen. */
void peer_clear(struct peer *p);
/* The position of the n-th (from 0) signal of that name in what was seen, or -1. */
int peer_find_signal(const struct peer *p, const char *member, size_t n);

#endif /* IOTD_TESTS_PEER_H */
