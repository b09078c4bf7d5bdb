/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CERT_H
#define IOTD_LOCALCLOUD_CERT_H

/* Certificates of devices and of the server, on OpenSSL. Nothing here is shared with iotd. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct cert;

/* The first certificate of a PEM file. -ENOENT and the like; -EBADMSG no certificate; -ENOMEM */
int cert_load(struct cert **ret_cert, const char *path) MUST_CHECK;
struct cert *cert_free(struct cert *cert);
DEFINE_FREEP(struct cert, cert_free)

/* Its public key, DER (SubjectPublicKeyInfo): what a TLS client with this certificate shows. */
const uint8_t *cert_key(const struct cert *cert, size_t *ret_len);

/* Whether hex is the RSA signature with SHA-256 (PKCS #1 v1.5) of text. */
bool cert_signed(const struct cert *cert, const char *text, const char *hex);

/* Whether the files can serve TLS: NULL, or why not (static). ca may be NULL. */
const char *cert_check_files(const char *cert, const char *key, const char *ca);

#endif /* IOTD_LOCALCLOUD_CERT_H */
