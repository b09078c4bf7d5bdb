/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_CALL_H
#define IOTD_LIBIOTCLIENT_CALL_H

/* Calls on the bus that wait for their answer. Each completes exactly once, or is cancelled. */

#include "dbus/msg.h"

struct call;
struct session;

#define CALL_TIMEOUT_MS 25000 /* libdbus's own default */

/*
 * reply is borrowed, NULL on failure. error: 0, what the error reply says, -ETIMEDOUT, or
 * -ECONNRESET when the other side went away.
 */
typedef void (*call_fn)(DBusMessage *reply, int error, void *userdata);

/* ret_call may be NULL. The call is the session's; the pointer is void once fn runs. */
int call_start(struct session *s, DBusMessage *msg, int timeout_ms, call_fn fn, void *userdata,
               struct call **ret_call) MUST_CHECK;
/* fn does not run. Accepts NULL, returns NULL. */
struct call *call_cancel(struct call *call);
/* Completes all calls of a session; what fn starts anew is not touched. */
void call_complete_all(struct session *s, int error);
void call_cancel_all(struct session *s);

#endif /* IOTD_LIBIOTCLIENT_CALL_H */
