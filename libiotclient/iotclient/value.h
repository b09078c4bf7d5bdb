/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTCLIENT_VALUE_H
#define IOTCLIENT_VALUE_H

/**
 * @file value.h
 * Structs and arrays of the thing model. A struct has members of simple types; an array has
 * numbers, strings or structs. A value that is passed to the library is copied.
 */

#include <iotclient/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iotc_value iotc_value; /**< a struct or an array */

/** Makes a struct without members. @return 0; -EINVAL; -ENOMEM @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_new_struct(iotc_value **ret_value);
/** Makes an array without elements. @return 0; -EINVAL; -ENOMEM @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_new_array(iotc_value **ret_value);
/** Frees a value that the program owns; NULL is fine. @return NULL @since 0.1 */
IOTC_API iotc_value *iotc_value_free(iotc_value *value);

/** @return whether it is an array; false for NULL @since 0.1 */
IOTC_API bool iotc_value_is_array(const iotc_value *value);
/** @return the number of members or elements; 0 for NULL @since 0.1 */
IOTC_API size_t iotc_value_get_count(const iotc_value *value);

/** @return whether the struct has this member @since 0.1 */
IOTC_API bool iotc_value_has(const iotc_value *value, const char *member);
/**
 * A member of a struct.
 * @return 0; -ENOENT it is not there; -EPROTOTYPE it has another type; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_value_get_bool(const iotc_value *value, const char *member,
                                                 bool *ret_value);
/** As iotc_value_get_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_get_int(const iotc_value *value, const char *member,
                                                int64_t *ret_value);
/** As iotc_value_get_bool(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_get_double(const iotc_value *value, const char *member,
                                                   double *ret_value);
/** As iotc_value_get_bool(), for string and stringenum; it lives as long as value. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_get_string(const iotc_value *value, const char *member,
                                                   const char **ret_value);

/**
 * Sets a member of a struct, over an earlier value if there is one.
 * @return 0; -EMSGSIZE too many members; -EINVAL, also for an array; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_value_set_bool(iotc_value *value, const char *member,
                                                 bool member_value);
/** As iotc_value_set_bool(), for int, enum and timestamp. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_set_int(iotc_value *value, const char *member,
                                                int64_t member_value);
/** As iotc_value_set_bool(), for float. @return also -ERANGE not a finite number @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_set_double(iotc_value *value, const char *member,
                                                   double member_value);
/** As iotc_value_set_bool(), for string and stringenum. @return also -EMSGSIZE string too long
 * @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_set_string(iotc_value *value, const char *member,
                                                   const char *member_value);

/**
 * An element of an array.
 * @return 0; -ENOENT it has fewer; -EPROTOTYPE it has another type; -EINVAL
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_value_at_int(const iotc_value *value, size_t index,
                                               int64_t *ret_value);
/** As iotc_value_at_int(), for float. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_at_double(const iotc_value *value, size_t index,
                                                  double *ret_value);
/** As iotc_value_at_int(), for string; it lives as long as value. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_at_string(const iotc_value *value, size_t index,
                                                  const char **ret_value);
/** As iotc_value_at_int(), for struct; it lives as long as value. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_at_value(const iotc_value *value, size_t index,
                                                 const iotc_value **ret_value);

/**
 * Appends an element to an array. The elements of an array have one type: iotd refuses others.
 * @return 0; -EMSGSIZE too many elements; -EINVAL, also for a struct; -ENOMEM
 * @since 0.1
 */
IOTC_API IOTC_MUST_CHECK int iotc_value_add_int(iotc_value *value, int64_t element);
/** As iotc_value_add_int(), for float. @return also -ERANGE not a finite number @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_add_double(iotc_value *value, double element);
/** As iotc_value_add_int(), for string. @return also -EMSGSIZE string too long @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_add_string(iotc_value *value, const char *element);
/** As iotc_value_add_int(), for struct. @since 0.1 */
IOTC_API IOTC_MUST_CHECK int iotc_value_add_value(iotc_value *value, const iotc_value *element);

#ifdef __cplusplus
}
#endif

#endif /* IOTCLIENT_VALUE_H */
