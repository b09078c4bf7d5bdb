/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_RSA_H
#define IOTD_CRYPTO_RSA_H

/* The private key of a certificate device. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/crypto/secret.h"
#include "libiotclient/base/macro.h"

#define RSA_MAX_BYTES 512 /* own choice: a key of 4096 bits */
#define RSA_MIN_BYTES 256 /* own choice: 2048 bits, what TLS libraries take today */

/*
 * The key of a PEM text (RSA PRIVATE KEY, or PRIVATE KEY with an RSA key in it) as DER, PKCS #1.
 * @return 0; -EBADMSG no such key, or encrypted; -ERANGE shorter than 2048 or longer than 4096
 *         bits; -ENOMEM
 */
int rsa_key_parse(struct secret **ret_key, const char *pem, size_t len) MUST_CHECK;

/* Whether the first certificate of a PEM text holds the public half: 0; -EKEYREJECTED no;
 * -EBADMSG it is no RSA certificate; -ENOMEM */
int rsa_key_check(const struct secret *key, const char *cert, size_t len) MUST_CHECK;

/* PKCS #1 v1.5 with SHA-256. @return the length of the signature; -ENOMEM, -EIO */
int rsa_sign(const struct secret *key, const void *data, size_t len,
             uint8_t signature[RSA_MAX_BYTES]) MUST_CHECK;

#endif /* IOTD_CRYPTO_RSA_H */
