/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_BINDING_H
#define IOTD_CLOUD_BINDING_H

/*
 * The signature by which an app proves at the cloud that it is near the device
 * (application-side API, AppSigBindDeviceInFamily).
 */

#include <stdint.h>

#include "daemon/cloud/ident.h"
#include "daemon/crypto/signer.h"

#define BINDING_CONN_ID 32 /* own choice; the vendor recommends 5 */
#define BINDING_TEXT 192

/* Texts of the first kind differ from those of the others. */
enum binding_kind {
    BINDING_WIFI,
    BINDING_BLUETOOTH,
    BINDING_OTHER,
    BINDING_KIND_COUNT_,
};

struct binding_signature {
    char text[BINDING_TEXT]; /* what was signed; no secret in it */
    char hex[HMAC_MAX_HEX];
};

/* "wifi", "bluetooth", "other"; -EINVAL */
int binding_kind_parse(const char *name, enum binding_kind *ret_kind) MUST_CHECK;
/* As the application-side API calls it: "wifi_sign" and so on. */
const char *binding_type(enum binding_kind kind);

/*
 * Letters, digits, '-' and '_', 1 to BINDING_CONN_ID: with more, a text of the second form could
 * be made to be the user name of a login, which the same key signs.
 */
bool binding_conn_id_is_good(const char *conn_id);

/*
 * @param conn_id  good
 * @return 0; -EOPNOTSUPP not by a certificate device; -ENOMEM, -EIO
 */
int binding_sign(struct binding_signature *ret_signature, const struct signer *signer,
                 const struct ident *ident, enum binding_kind kind, enum hmac_kind method,
                 const char *conn_id, uint64_t timestamp_s) MUST_CHECK;

#endif /* IOTD_CLOUD_BINDING_H */
