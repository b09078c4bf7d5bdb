/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_IDENT_H
#define IOTD_CLOUD_IDENT_H

#include <stdbool.h>

#include "daemon/crypto/secret.h"
#include "libiotclient/base/limits.h"

#define IDENT_URL 128

/* Who this device is to the cloud. Owned by the manager; immutable. */
struct ident {
    char product_id[LIMIT_PRODUCT_ID + 1];
    char device_name[LIMIT_DEVICE_NAME + 1];
    char region[16];
    struct secret *device_secret;  /* of a key device, or NULL */
    struct secret *private_key;    /* of a certificate device, RSA, DER; or NULL */
    char *certificate;             /* with it: PEM, perhaps with its chain */
    char *cert_file, *key_file;    /* where the two are, relative to the credentials */
    struct secret *product_secret; /* text; NULL: not given */
};

struct ident *ident_free(struct ident *ident);
DEFINE_FREEP(struct ident, ident_free)

/* Whether it has something to log in with; it has to register before otherwise. */
static inline bool ident_is_complete(const struct ident *ident)
{
    return ident->device_secret || ident->cert_file;
}

/* The vendor's URL for dynamic registration in that region; -EINVAL as below. */
int ident_register_url(const struct ident *ident, char url[IDENT_URL]) MUST_CHECK;

/*
 * The vendor's WebSocket URL for product and region (vendor SDK, host table): ws:// for a key
 * device, wss:// for a certificate device. -EINVAL for a region that the vendor does not have.
 */
int ident_endpoint(const struct ident *ident, char url[IDENT_URL]) MUST_CHECK;

#endif /* IOTD_CLOUD_IDENT_H */
