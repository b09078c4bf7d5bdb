/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_IOTCLIENT_H
#define IOTCLIENT_IOTCLIENT_H

/**
 * @file iotclient.h
 * Client of the iotd daemon: include this one.
 *
 * Threads: a client and everything made from it belong to one thread at a time.
 * iotc_prop_get_*(), iotc_snapshot_*() and iotc_prop_report_*() are the exception: any thread may
 * call them while the client lives, without a lock of the program's own (one thread at a time for
 * each snapshot). Two reports of one property that two threads
 * make at the same time leave in either order; the completion of a report runs, as all callbacks,
 * in the thread that dispatches the client, perhaps before the report has returned.
 *
 * Callbacks: run only inside iotc_client_dispatch() and iotc_client_wait(), never inside the
 * call that registered them. A callback may do anything with the client but dispatch it: add and
 * end subscriptions, also its own, and drop the last reference of the client. A destroy function
 * runs exactly once, when its subscription ends (after the callback, if that ended it).
 * The last iotc_client_unref() runs what must still run once: the done functions of reports and
 * events (with -ECANCELED) and the destroy functions.
 *
 * Errors: 0 or a count on success, a negative errno value on failure, iotc_strerror() has the
 * words. On failure no ret_ argument is written and nothing has changed. NULL for an argument
 * that does not say that it may be NULL gives -EINVAL. The library never prints, never exits,
 * starts no thread and installs no signal handler; only iotc_client_wait() blocks.
 *
 * Text: NUL-terminated UTF-8; anything else gives -EINVAL.
 */

#include <iotclient/action.h>
#include <iotclient/call.h>
#include <iotclient/client.h>
#include <iotclient/event.h>
#include <iotclient/file.h>
#include <iotclient/ota.h>
#include <iotclient/prop.h>
#include <iotclient/snapshot.h>
#include <iotclient/value.h>
#include <iotclient/version.h>

#endif /* IOTCLIENT_IOTCLIENT_H */
