/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_VERIFY_H
#define IOTD_CRYPTO_VERIFY_H

/*
 * Who may sign firmware: a public key, Ed25519 or RSA. What is signed is the SHA-256 of the image:
 * with Ed25519 its 32 bytes are the message, with RSA-PSS (SHA-256 as hash and in MGF1, 32 bytes
 * of salt) they are the digest. daemon/README.md shows how openssl makes both.
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

#define VERIFY_DIGEST 32
#define VERIFY_MAX_SIGNATURE 512 /* own choice: RSA with 4096 bits */
#define VERIFY_PROBLEM 128

struct verify_key;

/*
 * A PEM text with one PUBLIC KEY: Ed25519, or RSA with 2048 to 4096 bits.
 * @return 0; -EBADMSG, -ERANGE, -EKEYREJECTED with problem filled in: no such key, an RSA key of
 *         another length, a key that is no good; -ENOMEM
 */
int verify_key_load(struct verify_key **ret_key, const char *pem, size_t len,
                    char problem[VERIFY_PROBLEM]) MUST_CHECK;
struct verify_key *verify_key_free(struct verify_key *key);
DEFINE_FREEP(struct verify_key, verify_key_free)

/* "ed25519", "rsa-pss" */
const char *verify_key_kind(const struct verify_key *key);

/* 0 it is the signature of that digest; -EKEYREJECTED it is not; -ENOMEM */
int verify_digest(const struct verify_key *key, const uint8_t sha256[VERIFY_DIGEST],
                  const uint8_t *signature, size_t len) MUST_CHECK;

#endif /* IOTD_CRYPTO_VERIFY_H */
