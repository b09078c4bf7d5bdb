/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/crypto/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct signer_ops {
    const char *(*method)(const struct signer *signer);
    int (*sign_hex)(const struct signer *signer, const void *data, size_t len,
                    char hex[SIGNER_MAX_HEX]);
    int (*hmac_hex)(const struct signer *signer, enum hmac_kind kind, const void *data, size_t len,
                    char hex[HMAC_MAX_HEX]);
};

struct signer {
    const struct signer_ops *ops;
    const struct secret *key; /* borrowed */
    enum hmac_kind kind;      /* of hmac_ops */
};

static const char *hmac_method(const struct signer *s)
{
    return hmac_kind_name(s->kind);
}

static int hmac_hex(const struct signer *s, const void *data, size_t len, char hex[SIGNER_MAX_HEX])
{
    return hmac_sign_hex(s->kind, s->key, data, len, hex);
}

static int hmac_any_hex(const struct signer *s, enum hmac_kind kind, const void *data, size_t len,
                        char hex[HMAC_MAX_HEX])
{
    return hmac_sign_hex(kind, s->key, data, len, hex);
}

static const struct signer_ops hmac_ops = {
    .method = hmac_method,
    .sign_hex = hmac_hex,
    .hmac_hex = hmac_any_hex,
};

static const char *rsa_method(const struct signer *s)
{
    (void) s;
    return "rsa-sha256";
}

static int rsa_hex(const struct signer *s, const void *data, size_t len, char hex[SIGNER_MAX_HEX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t signature[RSA_MAX_BYTES];
    int n = rsa_sign(s->key, data, len, signature);

    if (n < 0)
        return n;
    for (int i = 0; i < n; i++) {
        *hex++ = digits[signature[i] >> 4];
        *hex++ = digits[signature[i] & 15];
    }
    *hex = '\0';
    explicit_bzero(signature, sizeof(signature));
    return 0;
}

static int no_hmac_hex(const struct signer *s, enum hmac_kind kind, const void *data, size_t len,
                       char hex[HMAC_MAX_HEX])
{
    (void) s;
    (void) kind;
    (void) data;
    (void) len;
    (void) hex;
    return -EOPNOTSUPP;
}

static const struct signer_ops rsa_ops = {
    .method = rsa_method,
    .sign_hex = rsa_hex,
    .hmac_hex = no_hmac_hex,
};

static int signer_new(struct signer **ret_signer, const struct signer_ops *ops,
                      const struct secret *key, enum hmac_kind kind)
{
    struct signer *s = malloc(sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct signer){.ops = ops, .key = key, .kind = kind};
    *ret_signer = s;
    return 0;
}

int signer_new_hmac(struct signer **ret_signer, enum hmac_kind kind, const struct secret *key)
{
    return signer_new(ret_signer, &hmac_ops, key, kind);
}

int signer_new_rsa(struct signer **ret_signer, const struct secret *key)
{
    return signer_new(ret_signer, &rsa_ops, key, HMAC_KIND_COUNT_);
}

struct signer *signer_free(struct signer *signer)
{
    free(signer);
    return NULL;
}

const char *signer_method(const struct signer *signer)
{
    return signer->ops->method(signer);
}

int signer_sign_hex(const struct signer *signer, const void *data, size_t len,
                    char hex[SIGNER_MAX_HEX])
{
    return signer->ops->sign_hex(signer, data, len, hex);
}

int signer_hmac_hex(const struct signer *signer, enum hmac_kind kind, const void *data, size_t len,
                    char hex[HMAC_MAX_HEX])
{
    return signer->ops->hmac_hex(signer, kind, data, len, hex);
}
