/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_NAME_H
#define IOTD_BASE_NAME_H

/* Validators of names; all accept NULL as invalid. */

#include <stdbool.h>

/* Property, event, action and parameter ids: [A-Za-z_][A-Za-z0-9_]*, at most 32 (console guide). */
bool name_is_feature_id(const char *name);
/* 1 to 10 of [A-Za-z0-9]. */
bool name_is_product_id(const char *name);
/* 1 to 48 of [A-Za-z0-9_-]. The console allows no '-', devices made by its API do. */
bool name_is_device_name(const char *name);
/* 1 to 64 of [a-z0-9._-]. */
bool name_is_app_id(const char *name);
/* Of firmware: 1 to 32 of [A-Za-z0-9._-] (console guide). */
bool name_is_version(const char *name);
/*
 * Of files and resources, also as a name in a directory: 1 to 64 bytes of UTF-8, no slash, no dot
 * in front, no control characters.
 */
bool name_is_file(const char *name);
/* 1 to 10 of [A-Za-z0-9_-]. */
bool name_is_file_type(const char *name);
/* 1 to 32 bytes of UTF-8 without control characters: users may name versions as they like. */
bool name_is_file_version(const char *name);
/* 32 hex digits. */
bool name_is_md5(const char *name);

#endif /* IOTD_BASE_NAME_H */
