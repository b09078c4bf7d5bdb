/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_SNAPSHOT_H
#define IOTCLIENT_SNAPSHOT_H

/**
 * @file snapshot.h
 * Several properties as they were at one moment. iotc_prop_get_*() reads one property at a time:
 * between two of them a report or a control may have changed both.
 *
 * Threads: any, while the client lives; one at a time for each snapshot.
 */

#include <iotclient/prop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_snapshot iotc_snapshot; /**< values of several properties */

/**
 * Makes a snapshot of these properties. It has no values before the first iotc_snapshot_take().
 * @param props    of this client; copied
 * @param n_props  1 to 256
 * @return 0; -EINVAL also for a property of another client; -EMSGSIZE too many; -ESHUTDOWN;
 *         -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_new(iotc_client *client, iotc_snapshot **ret_snapshot,
                                               iotc_prop *const *props, size_t n_props);
/** Frees it; NULL is fine, and so is one that outlived its client. @return NULL @since 0.1 */
IOTC_API iotc_snapshot *iotc_snapshot_free(iotc_snapshot *snapshot);

/**
 * Reads the newest values of all of them, in place of those of the last time. What one report or
 * one control has changed together is in it as a whole or not at all. Local, as
 * iotc_prop_get_bool(): it works on while iotd is away.
 * @return 0; -EAGAIN iotd wrote all the time that was tried: try again later; or it was killed
 *         while it wrote: until the next one is there; -ESHUTDOWN the client is gone; -EINVAL;
 *         -ENOMEM. The values of the last time stay if this is not 0
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_take(iotc_snapshot *snapshot);

/**
 * The value of a property in the snapshot.
 * @param ret_stamp_us  CLOCK_BOOTTIME of the value in microseconds, may be NULL
 * @return 0; -ENOENT the snapshot was not made with it; -ENODATA there was no value; -EPROTOTYPE
 *         the property has another type; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_get_bool(iotc_snapshot *snapshot, iotc_prop *prop,
                                                    bool *ret_value, uint64_t *ret_stamp_us);
/** As iotc_snapshot_get_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_get_int(iotc_snapshot *snapshot, iotc_prop *prop,
                                                   int64_t *ret_value, uint64_t *ret_stamp_us);
/** As iotc_snapshot_get_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_get_double(iotc_snapshot *snapshot, iotc_prop *prop,
                                                      double *ret_value, uint64_t *ret_stamp_us);
/** As iotc_snapshot_get_bool(), for string and stringenum; it lives until the next take.
 * @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_get_string(iotc_snapshot *snapshot, iotc_prop *prop,
                                                      const char **ret_value,
                                                      uint64_t *ret_stamp_us);
/** As iotc_snapshot_get_bool(), for struct and array; it lives until the next take. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_snapshot_get_value(iotc_snapshot *snapshot, iotc_prop *prop,
                                                     const iotc_value **ret_value,
                                                     uint64_t *ret_stamp_us);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_SNAPSHOT_H */
