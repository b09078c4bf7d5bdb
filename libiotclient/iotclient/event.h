/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_EVENT_H
#define IOTCLIENT_EVENT_H

/**
 * @file event.h
 * Events of the thing model: fill, post, hear the outcome.
 */

#include <iotclient/client.h>
#include <iotclient/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_event iotc_event; /**< one event being filled, owned by the program */

/** done runs when iotd has accepted the event, instead of when the cloud has answered. */
#define IOTC_POST_STORED ((uint32_t) 1)

/**
 * Starts an event without parameters.
 * @param id  checked for its form only: iotd knows the model
 * @return 0; -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_event_new(iotc_client *client, iotc_event **ret_event,
                                            const char *id);
/** Frees an event; NULL is fine. What was posted goes on. @return NULL @since 0.1 */
IOTC_API iotc_event *iotc_event_free(iotc_event *event);

/**
 * Sets a parameter, over an earlier value if there is one.
 * @return 0; -EINVAL; -EMSGSIZE too many parameters; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_event_set_bool(iotc_event *event, const char *param, bool value);
/** As iotc_event_set_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_event_set_int(iotc_event *event, const char *param,
                                                int64_t value);
/** As iotc_event_set_bool(), for float. @return also -ERANGE not a finite number @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_event_set_double(iotc_event *event, const char *param,
                                                   double value);
/** As iotc_event_set_bool(), for string and stringenum. @return also -EMSGSIZE string too long
 * @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_event_set_string(iotc_event *event, const char *param,
                                                   const char *value);
/** As iotc_event_set_bool(), for struct and array. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_event_set_value(iotc_event *event, const char *param,
                                                  const iotc_value *value);
/**
 * When it happened; without it, the time of the post.
 * @param real_s  Unix seconds; 0 takes it back
 * @return 0; -EINVAL
 * @since 0.1
 */
IOTC_API int iotc_event_set_timestamp(iotc_event *event, uint64_t real_s);

/**
 * Posts the event as it is now; it can be changed and posted again at once. While iotd is away
 * the event waits in this program, and an event whose arrival is not certain is sent again after
 * the next attach: it arrives at least once.
 * @param flags  0 or IOTC_POST_STORED
 * @param done   may be NULL. Runs once: 0 as flags say; -EPROTOTYPE, -ERANGE a parameter;
 *               -ENOENT no such event or parameter in the model; -EPERM another program claims
 *               it; -EACCES; -ENOBUFS iotd is full; -ETIMEDOUT the cloud did not answer;
 *               -ECONNRESET iotd had accepted the event and was started again, and does not know
 *               what became of it (it knows, unless its disk or the bus was lost);
 *               -ECANCELED the client ended; any other code of the cloud, see iotc_strerror()
 * @return 0; -ENOBUFS too many events wait here, see iotc_client_watch_writable(); -EINVAL;
 *         -ESHUTDOWN the client is gone; -ENOMEM. done does not run if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_event_post(iotc_event *event, uint32_t flags, iotc_done_fn done,
                                             void *userdata);

/**
 * Posts several events in one message, which the cloud takes or refuses as a whole.
 * @param json   {"events":[{"eventId":"…","params":{…},"timestamp":1700000000}]}, at most 100 that
 *               fit into one message; without a timestamp the time of the post. Copied
 * @param flags  as iotc_event_post(), done also; -EPROTO not such an object
 * @return as iotc_event_post(), -EMSGSIZE
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_events_post_json(iotc_client *client, const char *json,
                                                   uint32_t flags, iotc_done_fn done,
                                                   void *userdata);

/**
 * Makes this program the only one that may post an event id, after each attach again. The
 * outcome is iotc_slot_get_error() and iotc_slot_watch(). Posting needs no claim.
 * @param ret_slot  may be NULL: claimed as long as the client lives
 * @return 0; -EINVAL; -EEXIST another slot of this client claims it; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_event_claim(iotc_client *client, iotc_slot **ret_slot,
                                              const char *id);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_EVENT_H */
