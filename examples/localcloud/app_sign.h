/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_APP_SIGN_H
#define IOTD_LOCALCLOUD_APP_SIGN_H

/* The signature of calls that are made before login. */

#include <jansson.h>

#include "libiotclient/base/macro.h"

/*
 * The text that is signed: all members but Signature, sorted by name, "name=value" joined with
 * '&'; '_' in names becomes '.', empty strings are left out, values are not URL-encoded.
 */
int app_sign_text(const json_t *params, char **ret_text) MUST_CHECK;
/* base64(HMAC-SHA1(secret, text)). */
int app_sign(const json_t *params, const char *secret, char **ret_signature) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_APP_SIGN_H */
