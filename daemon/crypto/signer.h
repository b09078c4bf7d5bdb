/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_SIGNER_H
#define IOTD_CRYPTO_SIGNER_H

/*
 * Who signs for this device. Today the keys are ours to read; a token or a TPM is one more
 * constructor.
 */

#include <stddef.h>

#include "daemon/crypto/hmac.h"
#include "daemon/crypto/rsa.h"
#include "daemon/crypto/secret.h"
#include "libiotclient/base/macro.h"

#define SIGNER_MAX_HEX (2 * RSA_MAX_BYTES + 1)

struct signer;

/* With the device secret. The key is borrowed and outlives the signer, also below. -ENOMEM */
int signer_new_hmac(struct signer **ret_signer, enum hmac_kind kind,
                    const struct secret *key) MUST_CHECK;
/* With the private key of a certificate device. -ENOMEM */
int signer_new_rsa(struct signer **ret_signer, const struct secret *key) MUST_CHECK;
struct signer *signer_free(struct signer *signer);
DEFINE_FREEP(struct signer, signer_free)

/* As the platform calls it: "hmacsha1", "hmacsha256", "rsa-sha256". */
const char *signer_method(const struct signer *signer);

/* The signature as lower-case hex with NUL. -ENOMEM, -EIO */
int signer_sign_hex(const struct signer *signer, const void *data, size_t len,
                    char hex[SIGNER_MAX_HEX]) MUST_CHECK;
/*
 * An HMAC of that kind with the device secret, whatever the method of logins is. -EOPNOTSUPP
 * without a secret; -ENOMEM, -EIO
 */
int signer_hmac_hex(const struct signer *signer, enum hmac_kind kind, const void *data, size_t len,
                    char hex[HMAC_MAX_HEX]) MUST_CHECK;

#endif /* IOTD_CRYPTO_SIGNER_H */
