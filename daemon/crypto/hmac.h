/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_HMAC_H
#define IOTD_CRYPTO_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/crypto/secret.h"
#include "libiotclient/base/macro.h"

/* The two the platform knows (device guide, connection parameters). */
enum hmac_kind {
    HMAC_SHA1,
    HMAC_SHA256,
    HMAC_KIND_COUNT_,
};

#define HMAC_MAX_BYTES 32
#define HMAC_MAX_HEX (2 * HMAC_MAX_BYTES + 1)

/* "hmacsha1", "hmacsha256" */
const char *hmac_kind_name(enum hmac_kind kind);
/* -EINVAL for an unknown name. */
int hmac_kind_parse(const char *name, enum hmac_kind *ret_kind) MUST_CHECK;

/* @return the length of the digest; -ENOMEM, -EIO */
int hmac_sign(enum hmac_kind kind, const struct secret *key, const void *data, size_t len,
              uint8_t digest[HMAC_MAX_BYTES]) MUST_CHECK;
/* The same as lower-case hex with NUL. */
int hmac_sign_hex(enum hmac_kind kind, const struct secret *key, const void *data, size_t len,
                  char hex[HMAC_MAX_HEX]) MUST_CHECK;

#endif /* IOTD_CRYPTO_HMAC_H */
