/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_CLIENT_H
#define IOTCLIENT_CLIENT_H

/**
 * @file client.h
 * One session with iotd: life, event loop, link state, subscriptions. The rules of use are in
 * iotclient.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define IOTC_API __attribute__((visibility("default")))
#define IOTC_MUST_CHECK __attribute__((warn_unused_result))
#else
#define IOTC_API
#define IOTC_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_client iotc_client; /**< one session with iotd */
typedef struct iotc_slot iotc_slot;     /**< one subscription; unref ends it */

/** State of the cloud link. Treat an unknown value as IOTC_LINK_DOWN. */
typedef int32_t iotc_link_state;
#define IOTC_LINK_ABSENT ((iotc_link_state) 0) /**< iotd is not running, or refused us */
#define IOTC_LINK_DOWN ((iotc_link_state) 1)   /**< iotd runs, the cloud is not reached */
#define IOTC_LINK_UP ((iotc_link_state) 2)     /**< reports leave at once */

typedef void (*iotc_link_fn)(iotc_client *client, iotc_link_state state, void *userdata);
/** The state of a served id, see iotc_slot_get_error(). */
typedef void (*iotc_slot_fn)(iotc_client *client, iotc_slot *slot, int error, void *userdata);
/** The one completion of a report or an event: 0, or a negative errno. */
typedef void (*iotc_done_fn)(iotc_client *client, int result, void *userdata);
/** Ends the life of a userdata. */
typedef void (*iotc_free_fn)(void *userdata);
/** What was refused with -ENOBUFS may be tried again. */
typedef void (*iotc_writable_fn)(iotc_client *client, void *userdata);
/** One line about what the library does, for people; no newline at its end. */
typedef void (*iotc_debug_fn)(iotc_client *client, const char *text, void *userdata);

/**
 * Makes a client. Does not block and needs neither the daemon nor the bus to run: the client
 * starts in IOTC_LINK_ABSENT, attaches by itself when iotd appears on the system bus
 * (DBUS_SYSTEM_BUS_ADDRESS names another one), and again after each restart of either.
 * @param app_id  1 to 64 characters of [a-z0-9._-]; names this program to iotd
 * @return 0; -EINVAL for a bad app_id; -ENOMEM; -EMFILE or -ENFILE without a free descriptor
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_client_new(iotc_client **ret_client, const char *app_id);
/** Takes one more reference. @return client @since 0.1 */
IOTC_API iotc_client *iotc_client_ref(iotc_client *client);
/**
 * Drops one reference; NULL is fine. The last one detaches from iotd: served ids are free again,
 * queued reports that have not left are lost (their done gets -ECANCELED). In a callback the end
 * is put off until the dispatch returns.
 * @return NULL
 * @since 0.1
 */
IOTC_API iotc_client *iotc_client_unref(iotc_client *client);

/**
 * A descriptor to poll for reading; the same one for the life of the client. When it is readable,
 * call iotc_client_dispatch(). Do not read from it and do not close it.
 * @return the descriptor; -EINVAL
 * @since 0.1
 */
IOTC_API int iotc_client_get_fd(iotc_client *client);
/**
 * Handles what is pending, never blocks. Call it once after iotc_client_new() or not at all: the
 * descriptor is readable then. It handles a bounded amount and leaves the descriptor readable
 * when there is more.
 * @return the number of callbacks run; -EBUSY inside a callback; -EINVAL; -ENOMEM (call it again)
 * @since 0.1
 */
IOTC_API int iotc_client_dispatch(iotc_client *client);
/**
 * For programs without a loop: waits until something is pending, then dispatches once.
 * @param timeout_ms  -1 for ever, 0 not at all
 * @return as iotc_client_dispatch(), 0 also when the time is over; -EINTR after a signal
 * @since 0.1
 */
IOTC_API int iotc_client_wait(iotc_client *client, int timeout_ms);

/**
 * What this program defines of the thing model, where iotd has no file of it: the console's JSON,
 * {"properties":[…],"events":[…],"actions":[…]}, any of them missing. iotd adds it to the model
 * before anything that is served from then on, and keeps it; it is told again after each attach.
 * What is defined already has to be the same. One text for each client: the next call replaces
 * it. Call it before what serves, reports or posts these ids.
 * @param fn  runs at each answer of iotd, may be NULL: 0; -EINVAL a mistake in the text;
 *            -ECONNREFUSED something is defined otherwise already; -EACCES this program may not;
 *            any other code that iotd answered. iotd's log says more.
 * @return 0; -EINVAL NULL, or no UTF-8; -EMSGSIZE longer than iotd takes; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_client_define(iotc_client *client, const char *json,
                                                iotc_done_fn fn, void *userdata);

/** @return the state of the cloud link as far as known; IOTC_LINK_ABSENT for NULL @since 0.1 */
IOTC_API iotc_link_state iotc_client_get_link_state(iotc_client *client);
/**
 * Why the client is not attached.
 * @return 0 attached; -EINPROGRESS on its way; -EHOSTDOWN no bus; -ENOENT iotd is not on the bus;
 *         -EACCES iotd does not let this program in; any other code that iotd answered
 * @since 0.1
 */
IOTC_API int iotc_client_get_error(iotc_client *client);
/**
 * Calls fn when the link state changes. There is no first call: ask
 * iotc_client_get_link_state() for where it starts.
 * @param ret_slot  may be NULL: the subscription lives as long as the client
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_client_watch_link(iotc_client *client, iotc_slot **ret_slot,
                                                    iotc_link_fn fn, void *userdata,
                                                    iotc_free_fn destroy);

/**
 * Calls fn once there is room again after a post or a report was refused with -ENOBUFS, in any
 * thread: for programs that would try again and again otherwise.
 * @param ret_slot  may be NULL: the subscription lives as long as the client
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -ESHUTDOWN; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_client_watch_writable(iotc_client *client, iotc_slot **ret_slot,
                                                        iotc_writable_fn fn, void *userdata,
                                                        iotc_free_fn destroy);

/**
 * Ends a subscription: its callback does not run any more, ids that it serves are released. NULL
 * is fine; so is a slot that outlived its client.
 * @return NULL
 * @since 0.1
 */
IOTC_API iotc_slot *iotc_slot_unref(iotc_slot *slot);
/**
 * The state of a slot that serves ids.
 * @return 0 iotd sends what is for these ids to this program (and always for a plain
 *         subscription); -EINPROGRESS not attached or not answered yet; -EEXIST another program
 *         serves one of them, tried again every few seconds; -ENOENT one is not in the thing
 *         model, until it is; -EACCES this program may not; any other code that iotd answered;
 * -EINVAL; -ESHUTDOWN the client is gone
 * @since 0.1
 */
IOTC_API int iotc_slot_get_error(iotc_slot *slot);
/**
 * Calls fn whenever iotc_slot_get_error() changes. One fn for each slot: the next call replaces
 * it, NULL ends it.
 * @return 0; -EINVAL for NULL or a slot that serves nothing; -ESHUTDOWN the client is gone
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_slot_watch(iotc_slot *slot, iotc_slot_fn fn, void *userdata);

/**
 * Tells fn what the library does, in lines for people; NULL ends it. fn must not call the library.
 * @since 0.1
 */
IOTC_API void iotc_set_debug(iotc_client *client, iotc_debug_fn fn, void *userdata);

/**
 * Words for a result of this library.
 * @param error  0 or a negative errno
 * @return a constant string, never NULL; safe in any thread
 * @since 0.1
 */
IOTC_API const char *iotc_strerror(int error);

/** The version at run time: major * 10000 + minor * 100 + patch. @since 0.1 */
IOTC_API uint32_t iotc_version(void);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_CLIENT_H */
