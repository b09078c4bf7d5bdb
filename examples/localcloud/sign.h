/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_SIGN_H
#define IOTD_LOCALCLOUD_SIGN_H

/* Digests, base64 and randomness for the stand-in, on OpenSSL. Nothing here is shared with iotd. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

enum sign_method {
    SIGN_METHOD_HMACSHA1,
    SIGN_METHOD_HMACSHA256,
    SIGN_METHOD_COUNT_,
};

#define SIGN_DIGEST_MAX 32

struct sign_digest {
    uint8_t bytes[SIGN_DIGEST_MAX];
    size_t len;
};

/* "hmacsha1" or "hmacsha256"; -EINVAL for anything else. */
int sign_method_parse(const char *name, enum sign_method *ret_method) MUST_CHECK;

int sign_hmac(enum sign_method method, const void *key, size_t key_len, const void *data,
              size_t data_len, struct sign_digest *ret_digest) MUST_CHECK;

/* SHA-1 or SHA-256 of the data, lower-case hexadecimal with a NUL. */
int sign_hash_hex(enum sign_method method, const void *data, size_t len,
                  char hex[2 * SIGN_DIGEST_MAX + 1]) MUST_CHECK;
/* AES-128-CBC in place, without padding. key and iv: the first 16 characters of the texts. */
int sign_aes_cbc_encrypt(const char *key, const char *iv, uint8_t *data, size_t len) MUST_CHECK;

/* Case does not matter; the time does not depend on where the difference is. */
bool sign_digest_equals_hex(const struct sign_digest *digest, const char *hex);

/* Strict: alphabet, padding and length. -EINVAL, or -ENOBUFS when more than size bytes come out. */
int sign_base64_decode(const char *text, uint8_t *buf, size_t size, size_t *ret_len) MUST_CHECK;
/* A new string. */
int sign_base64_encode(const void *data, size_t len, char **ret_text) MUST_CHECK;

/* MD5 of what comes piece by piece. */
#define SIGN_MD5_LEN 16
struct sign_md5;
int sign_md5_new(struct sign_md5 **ret_md5) MUST_CHECK;
struct sign_md5 *sign_md5_free(struct sign_md5 *m);
DEFINE_FREEP(struct sign_md5, sign_md5_free)
int sign_md5_add(struct sign_md5 *m, const void *data, size_t len) MUST_CHECK;
/* Once, at the end. */
int sign_md5_end(struct sign_md5 *m, uint8_t ret_md5[SIGN_MD5_LEN]) MUST_CHECK;
/* Lower-case hexadecimal with a NUL. */
void sign_hex(const uint8_t *bytes, size_t len, char *ret_hex);

/* Fills buf with n_chars lower-case hex characters and a NUL. */
int sign_random_hex(char *buf, size_t n_chars) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_SIGN_H */
