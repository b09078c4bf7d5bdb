/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_LOGIN_H
#define IOTD_CLOUD_LOGIN_H

#include "daemon/cloud/ident.h"
#include "daemon/crypto/signer.h"

/* "fixed 12010126" (device guide, connection parameters). */
#define LOGIN_SDK_APP_ID "12010126"
#define LOGIN_CONNID_LEN 5 /* vendor SDK: drawn anew for each CONNECT */

struct login {
    char client_id[LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME + 1];
    char username[LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME + 64];
    char password[SIGNER_MAX_HEX + 16];
};

/*
 * The three fields of CONNECT (device guide, connection parameters): user name
 * "clientid;sdkappid;connid;expiry", password "hex(signature of the user name);method". So also a
 * certificate device over WebSocket (vendor SDK); over mqtts:// its password is not looked at.
 * 0; -ENOMEM, -EIO of the signature
 */
int login_make(struct login *ret_login, const struct ident *ident, const struct signer *signer,
               const char *connid, uint64_t expiry_s) MUST_CHECK;
void login_wipe(struct login *login);

/*
 * An expiry that holds with a clock that is not set: the largest 32-bit time, which the vendor's
 * clients use, or a year from now if that is later.
 */
uint64_t login_expiry_s(uint64_t real_us);

#endif /* IOTD_CLOUD_LOGIN_H */
