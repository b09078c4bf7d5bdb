/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_ACTION_H
#define IOTCLIENT_ACTION_H

/**
 * @file action.h
 * Actions of the thing model: serve them, answer now or later.
 */

#include <iotclient/client.h>
#include <iotclient/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_call iotc_call; /**< one call of an action, to be answered once */

/** Someone calls a served action. call is borrowed: ref it to answer later. */
typedef void (*iotc_call_fn)(iotc_client *client, iotc_call *call, void *userdata);

/**
 * Serves an action: from now on, after each attach, this program is the only one that may. The
 * outcome is iotc_slot_get_error() and iotc_slot_watch().
 * @param ret_slot  may be NULL: served as long as the client lives
 * @param destroy   may be NULL
 * @return 0; -EINVAL, also for an id that cannot be one; -EEXIST another slot of this client
 *         serves it; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_serve_action(iotc_client *client, iotc_slot **ret_slot,
                                               const char *action_id, iotc_call_fn fn,
                                               void *userdata, iotc_free_fn destroy);

/** @return the id of the action; lives as long as call; NULL for NULL @since 0.1 */
IOTC_API const char *iotc_call_get_id(iotc_call *call);
/** @return whether the input has this parameter @since 0.1 */
IOTC_API bool iotc_call_has(iotc_call *call, const char *param);
/**
 * A parameter of the input; iotd has checked it against the model.
 * @return 0; -ENOENT it is not there; -EPROTOTYPE it has another type; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_call_get_bool(iotc_call *call, const char *param,
                                                bool *ret_value);
/** As iotc_call_get_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_get_int(iotc_call *call, const char *param,
                                               int64_t *ret_value);
/** As iotc_call_get_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_get_double(iotc_call *call, const char *param,
                                                  double *ret_value);
/** As iotc_call_get_bool(), for string and stringenum; it lives as long as call. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_get_string(iotc_call *call, const char *param,
                                                  const char **ret_value);
/** As iotc_call_get_bool(), for struct and array; it lives as long as call. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_get_value(iotc_call *call, const char *param,
                                                 const iotc_value **ret_value);

/**
 * Sets a parameter of the output, over an earlier value if there is one.
 * @return 0; -EALREADY answered before; -EMSGSIZE too many parameters; -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_call_set_bool(iotc_call *call, const char *param, bool value);
/** As iotc_call_set_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_set_int(iotc_call *call, const char *param, int64_t value);
/** As iotc_call_set_bool(), for float. @return also -ERANGE not a finite number @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_set_double(iotc_call *call, const char *param, double value);
/** As iotc_call_set_bool(), for string and stringenum. @return also -EMSGSIZE string too long
 * @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_set_string(iotc_call *call, const char *param,
                                                  const char *value);
/** As iotc_call_set_bool(), for struct and array. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_call_set_value(iotc_call *call, const char *param,
                                                 const iotc_value *value);

/**
 * Answers the call, in fn or later; iotd waits as long as its thing.action_timeout says (10 s).
 * @param code  0 done, with the output that was set; a negative errno, sent as the code of that
 *              error; or 1 to 599, a code of your own for the cloud
 * @param text  for people, may be NULL; more than 64 bytes are cut
 * @return 0; -EALREADY answered before; -ECONNRESET iotd went away, nobody waits for the answer;
 *         -EMSGSIZE the output is more than a message holds, the cloud hears that; -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API int iotc_call_answer(iotc_call *call, int code, const char *text);
/** Takes one more reference, to answer later. @return call @since 0.1 */
IOTC_API iotc_call *iotc_call_ref(iotc_call *call);
/**
 * Drops one reference; NULL is fine. The last one answers 405 (refused) if nothing else did.
 * @return NULL
 * @since 0.1
 */
IOTC_API iotc_call *iotc_call_unref(iotc_call *call);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_ACTION_H */
