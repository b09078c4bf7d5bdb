/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_PROP_H
#define IOTCLIENT_PROP_H

/**
 * @file prop.h
 * Properties of the thing model: read, watch, report, and serve the cloud's controls.
 */

#include <iotclient/client.h>
#include <iotclient/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_prop iotc_prop;       /**< resolved property, owned by its client */
typedef struct iotc_control iotc_control; /**< one control of the cloud, to be answered once */

/** Types of the thing model. An unknown one cannot be read or reported. */
typedef int32_t iotc_type;
#define IOTC_TYPE_BOOL ((iotc_type) 1)
#define IOTC_TYPE_INT ((iotc_type) 2)
#define IOTC_TYPE_FLOAT ((iotc_type) 3) /**< read and reported as double */
#define IOTC_TYPE_STRING ((iotc_type) 4)
#define IOTC_TYPE_ENUM ((iotc_type) 5)       /**< read and reported as int: the number */
#define IOTC_TYPE_TIMESTAMP ((iotc_type) 6)  /**< read and reported as int: Unix seconds */
#define IOTC_TYPE_STRINGENUM ((iotc_type) 7) /**< read and reported as string: the key */
#define IOTC_TYPE_STRUCT ((iotc_type) 8)     /**< read and reported as value */
#define IOTC_TYPE_ARRAY ((iotc_type) 9)      /**< read and reported as value */

typedef void (*iotc_prop_fn)(iotc_client *client, iotc_prop *prop, void *userdata);
/** Someone controls served properties. control is borrowed: ref it to answer later. */
typedef void (*iotc_control_fn)(iotc_client *client, iotc_control *control, void *userdata);

/**
 * Finds a property of the thing model. The handle stays valid as long as the client, also when
 * iotd restarts.
 * @return 0; -ENOENT no such property; -ENOTCONN never attached yet (dispatch and try again);
 *         -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_lookup(iotc_client *client, const char *id,
                                              iotc_prop **ret_prop);
/** @return the id; lives as long as the client; NULL for NULL @since 0.1 */
IOTC_API const char *iotc_prop_get_id(iotc_prop *prop);
/** @return one of IOTC_TYPE_…; 0 for NULL @since 0.1 */
IOTC_API iotc_type iotc_prop_get_type(iotc_prop *prop);
/** @return whether the cloud may set it (mode "rw"); false for NULL @since 0.1 */
IOTC_API bool iotc_prop_is_writable(iotc_prop *prop);

/**
 * Reads the newest value that iotd has. Local: no message is sent; where iotd shares its memory
 * numbers and short texts take neither a system call nor a lock, and the program need not have
 * dispatched. Works on while iotd is away: the value is then the last one known, and the stamp
 * tells its age. Any thread may call these. Several properties of one moment: snapshot.h.
 * @param ret_stamp_us  CLOCK_BOOTTIME of the value in microseconds, may be NULL
 * @return 0; -ENODATA no value yet; -EPROTOTYPE the property has another type; -EAGAIN iotd wrote
 *         this property anew at each of a hundred tries; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_bool(iotc_prop *prop, bool *ret_value,
                                                uint64_t *ret_stamp_us);
/** As iotc_prop_get_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_int(iotc_prop *prop, int64_t *ret_value,
                                               uint64_t *ret_stamp_us);
/** As iotc_prop_get_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_double(iotc_prop *prop, double *ret_value,
                                                  uint64_t *ret_stamp_us);
/**
 * As iotc_prop_get_bool(), for string and stringenum: copies it with its NUL, cut to size as
 * snprintf() does.
 * @param buf   may be NULL if size is 0
 * @return the length of the whole value without the NUL (cut if that is >= size); else as above
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_string(iotc_prop *prop, char *buf, size_t size,
                                                  uint64_t *ret_stamp_us);
/**
 * As iotc_prop_get_bool(), for struct and array.
 * @param ret_value  a copy, to be freed with iotc_value_free()
 * @return also -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_value(iotc_prop *prop, iotc_value **ret_value,
                                                 uint64_t *ret_stamp_us);

/**
 * Reports a value. What the callbacks of one dispatch report leaves in one message as a rule; what
 * is reported outside of them leaves with what else is there when iotd looks. The newest value of a
 * property wins: a value that is overtaken before it left is not sent. While iotd is away the
 * newest value is kept and sent after the next attach; a value that was not confirmed when iotd
 * went away is sent again. Any thread may call these; done runs in the client's own.
 * @param done  may be NULL. Runs once: 0 the cloud took this value or one that overtook it;
 *              -ERANGE outside of what the model allows; -EPERM another program serves the id;
 *              -ENOENT the model has it no more; -EACCES; -ETIMEDOUT the cloud did not answer;
 *              -ECANCELED the client ended; any other code of the cloud, see iotc_strerror()
 * @return 0; -EPROTOTYPE the property has another type; -ENOBUFS too many reports wait for their
 *         done; -EMSGSIZE string too long; -ERANGE not a finite number; -EINVAL; -ENOMEM. done
 *         does not run if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_report_bool(iotc_prop *prop, bool value, iotc_done_fn done,
                                                   void *userdata);
/** As iotc_prop_report_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_report_int(iotc_prop *prop, int64_t value, iotc_done_fn done,
                                                  void *userdata);
/** As iotc_prop_report_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_report_double(iotc_prop *prop, double value,
                                                     iotc_done_fn done, void *userdata);
/** As iotc_prop_report_bool(), for string and stringenum; value is copied. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_report_string(iotc_prop *prop, const char *value,
                                                     iotc_done_fn done, void *userdata);
/**
 * As iotc_prop_report_bool(), for struct and array; value is copied. It replaces the whole value,
 * members that it does not have included. done also -EMSGSIZE: more than a message holds.
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_report_value(iotc_prop *prop, const iotc_value *value,
                                                    iotc_done_fn done, void *userdata);

/**
 * Reads the newest value as JSON, of any type, as it travels: a bool is 0 or 1. As
 * iotc_prop_get_string() otherwise.
 * @return also -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_get_json(iotc_prop *prop, char *buf, size_t size,
                                                uint64_t *ret_stamp_us);
/**
 * Reports values as JSON, all of them or none: {"id":value,…}. Each call is a report of its own,
 * which waits here while iotd is away; it is not merged with others before iotd has it.
 * @param json  copied
 * @param done  as iotc_prop_report_bool(); -EPROTO not a JSON object; -EPROTOTYPE another type;
 *              -ECONNRESET iotd had taken the values and was started again: it has them, and tells
 *              the cloud, but not this program
 * @return 0; -ENOBUFS too many of these and of events wait here; -EMSGSIZE; -EINVAL; -ENOMEM. done
 *         does not run if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_report_json(iotc_client *client, const char *json,
                                              iotc_done_fn done, void *userdata);

/**
 * Calls fn when the value changes, by a report of any program or by a control that was accepted.
 * Changes that follow each other fast may be told by one call, which finds the newest value.
 * @param ret_slot  may be NULL: the subscription lives as long as the client
 * @param destroy   may be NULL
 * @return 0; -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_prop_watch(iotc_prop *prop, iotc_slot **ret_slot, iotc_prop_fn fn,
                                             void *userdata, iotc_free_fn destroy);

/**
 * Serves the controls of the cloud for these properties: from now on, after each attach, this
 * program is the only one that may. One slot is served all or nothing; the outcome is
 * iotc_slot_get_error() and iotc_slot_watch(). fn gets each control that touches one of the ids,
 * with the values for these ids.
 * @param ids       copied; 1 to 2048 of them
 * @param ret_slot  may be NULL: the ids are served as long as the client lives
 * @param destroy   may be NULL
 * @return 0; -EINVAL, also for an id that cannot be one; -EMSGSIZE too many ids; -EEXIST another
 *         slot of this client serves one of them; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_serve_control(iotc_client *client, iotc_slot **ret_slot,
                                                const char *const *ids, size_t n_ids,
                                                iotc_control_fn fn, void *userdata,
                                                iotc_free_fn destroy);

/** Members of iotc_policy that are given. */
#define IOTC_POLICY_HISTORY ((uint32_t) 1 << 0)
#define IOTC_POLICY_MIN_INTERVAL ((uint32_t) 1 << 1)
#define IOTC_POLICY_MAX_INTERVAL ((uint32_t) 1 << 2)
#define IOTC_POLICY_DEAD_BAND ((uint32_t) 1 << 3)
#define IOTC_POLICY_DEAD_BAND_PERCENT ((uint32_t) 1 << 4)
#define IOTC_POLICY_QOS ((uint32_t) 1 << 5)

/**
 * How the values of a property are reported. What is not given is as the settings of iotd say of
 * all properties; what they say of this one wins over all that is given here. See iotd.conf(5).
 */
typedef struct iotc_policy {
    uint32_t given;           /**< IOTC_POLICY_…; later releases have more, at the end */
    bool history;             /**< every value counts, not only the newest */
    uint32_t min_interval_ms; /**< no value sooner after the last one; at most a day */
    uint32_t max_interval_ms; /**< a value within the dead band is sent then; 0: never */
    double dead_band;         /**< numbers that differ no more are held back */
    double dead_band_percent; /**< the same in percent; the wider of the two counts */
    int32_t qos;              /**< 0 or 1, of the messages */
} iotc_policy;

/**
 * Says how one of the properties that the slot serves is reported: from the next registration on,
 * which is at once if the program is attached, as long as the slot serves it.
 *
 * With a history each iotc_prop_report_…() is a sample: kept and sent in order, also if it was
 * made while iotd was away, with the time at which it was reported. As with events there are 64
 * on their way at most (-ENOBUFS), and done gets -ECONNRESET when a new iotd knows nothing of a
 * sample that an earlier one had taken.
 * @param policy  copied; NULL: nothing is asked for
 * @return 0; -ENOENT the slot does not serve the id; -EINVAL also for a member out of range or one
 *         that this release does not know, and for a slot without properties; -ESHUTDOWN; -ENOMEM.
 *         What iotd refuses is the error of the slot: -EPROTOTYPE a dead band for what is no
 *         number; -ERANGE
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_slot_set_policy(iotc_slot *slot, const char *id,
                                                  const iotc_policy *policy);

/** @return whether the control sets this property @since 0.1 */
IOTC_API bool iotc_control_has(iotc_control *control, const char *id);
/**
 * The value that the control sets; iotd has checked it against the model.
 * @return 0; -ENOENT the control does not set it; -EPROTOTYPE it has another type; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_control_get_bool(iotc_control *control, const char *id,
                                                   bool *ret_value);
/** As iotc_control_get_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_control_get_int(iotc_control *control, const char *id,
                                                  int64_t *ret_value);
/** As iotc_control_get_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_control_get_double(iotc_control *control, const char *id,
                                                     double *ret_value);
/** As iotc_control_get_bool(), for string and stringenum; it lives as long as control.
 * @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_control_get_string(iotc_control *control, const char *id,
                                                     const char **ret_value);
/**
 * As iotc_control_get_bool(), for struct and array; it lives as long as control. A control of a
 * struct may have some of its members only: the others are to stay as they are.
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_control_get_value(iotc_control *control, const char *id,
                                                    const iotc_value **ret_value);
/**
 * Answers a control, in fn or later; iotd waits as long as its thing.control_timeout says (10 s).
 * After 0 iotd keeps the values as the newest ones and tells their watchers.
 * @param code  0 done; a negative errno, sent as the code of that error; or 1 to 599, a code of
 *              your own for the cloud
 * @param text  for people, may be NULL; more than 64 bytes are cut
 * @return 0; -EALREADY answered before; -ECONNRESET iotd went away, nobody waits for the answer;
 *         -EINVAL; -ENOMEM
 * @since 0.1
 */
IOTC_API int iotc_control_answer(iotc_control *control, int code, const char *text);
/** Takes one more reference, to answer later. @return control @since 0.1 */
IOTC_API iotc_control *iotc_control_ref(iotc_control *control);
/**
 * Drops one reference; NULL is fine. The last one answers 405 (refused) if nothing else did.
 * @return NULL
 * @since 0.1
 */
IOTC_API iotc_control *iotc_control_unref(iotc_control *control);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_PROP_H */
