/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_JSON_JX_H
#define IOTD_JSON_JX_H

/*
 * Strict reading of foreign JSON with jansson: depth and size are checked before a tree is made,
 * duplicate keys are refused, getters check the type. All json_t are borrowed unless said.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "libiotclient/base/macro.h"

struct jx_error {
    int line; /* 0 when there is no place */
    int column;
    char text[160];
};

static inline void jx_decrefp(json_t **p)
{
    json_decref(*p);
}

/*
 * @param ret_json   a new reference
 * @param error      may be NULL; filled on failure
 * @return 0; -EBADMSG not JSON, nested too deep, or not an object; -ENOMEM
 */
int jx_parse_object(const char *text, size_t len, json_t **ret_json,
                    struct jx_error *error) MUST_CHECK;
/* The same for a text that may be of any type. */
int jx_parse_any(const char *text, size_t len, json_t **ret_json) MUST_CHECK;

/* -ENOENT missing, -EPROTOTYPE of another type. */
int jx_get_string(const json_t *object, const char *key, const char **ret_text) MUST_CHECK;
int jx_get_object(const json_t *object, const char *key, json_t **ret_object) MUST_CHECK;
int jx_get_array(const json_t *object, const char *key, json_t **ret_array) MUST_CHECK;
int jx_get_i64(const json_t *object, const char *key, int64_t *ret_value) MUST_CHECK;
/* For optional members: what stands in for one that is missing or of another type. */
const char *jx_string_or(const json_t *object, const char *key, const char *fallback);
json_t *jx_object_or_null(const json_t *object, const char *key);
/* A number, or a decimal number as a string: the platform has both for the same things. */
int jx_get_number_or_text(const json_t *object, const char *key, int64_t *ret_value) MUST_CHECK;

/*
 * Tells contents apart: the same for equal values, whatever the order of an object's members;
 * another for another what. NULL has a number of its own. FNV-1a; not for anything that must
 * withstand an attacker.
 */
uint64_t jx_fingerprint(const json_t *json, const char *what);

#endif /* IOTD_JSON_JX_H */
