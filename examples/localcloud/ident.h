/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_IDENT_H
#define IOTD_LOCALCLOUD_IDENT_H

/* Who connects: the check of ClientId, UserName and Password. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/config.h"

/* CONNACK return codes, MQTT 3.1.1, table 3.1. */
enum ident_code {
    IDENT_CODE_OK = 0,
    IDENT_CODE_PROTOCOL = 1,
    IDENT_CODE_CLIENT_ID = 2,
    IDENT_CODE_UNAVAILABLE = 3,
    IDENT_CODE_CREDENTIALS = 4,
    IDENT_CODE_NOT_AUTHORIZED = 5,
};

#define IDENT_WHY_MAX 128

/* What the transport knows of the peer. */
struct ident_peer {
    bool needs_cert;    /* MQTT in TLS: certificate devices show theirs */
    const uint8_t *key; /* public key of the verified TLS certificate, DER; NULL: none */
    size_t key_len;
};

/*
 * UserName is "clientid;sdkappid;connid;expiry", Password "hex;method"; the HMAC is over the
 * UserName as it came, "hex;rsa-sha256" for a certificate device. Where that one shows its
 * certificate to TLS, the password may be anything. user_name and password may be NULL. ret_why
 * says why not.
 */
enum ident_code ident_check(const struct config_device *device, const char *user_name,
                            const char *password, const struct ident_peer *peer, uint64_t now_s,
                            char ret_why[IDENT_WHY_MAX]);

#endif /* IOTD_LOCALCLOUD_IDENT_H */
