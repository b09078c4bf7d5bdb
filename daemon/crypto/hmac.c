/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "daemon/crypto/hmac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int type;
    int len;
} kinds[HMAC_KIND_COUNT_] = {
    [HMAC_SHA1] = {"hmacsha1", WC_SHA, WC_SHA_DIGEST_SIZE},
    [HMAC_SHA256] = {"hmacsha256", WC_SHA256, WC_SHA256_DIGEST_SIZE},
};

const char *hmac_kind_name(enum hmac_kind kind)
{
    return kinds[kind].name;
}

int hmac_kind_parse(const char *name, enum hmac_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret_kind = (enum hmac_kind) i;
            return 0;
        }
    }
    return -EINVAL;
}

int hmac_sign(enum hmac_kind kind, const struct secret *key, const void *data, size_t len,
              uint8_t digest[HMAC_MAX_BYTES])
{
    Hmac hmac;
    int r;

    r = wc_HmacInit(&hmac, NULL, INVALID_DEVID);
    if (r != 0)
        return -EIO;
    r = wc_HmacSetKey(&hmac, kinds[kind].type, secret_data(key), (word32) secret_len(key));
    if (r == 0)
        r = wc_HmacUpdate(&hmac, data, (word32) len);
    if (r == 0)
        r = wc_HmacFinal(&hmac, digest);
    wc_HmacFree(&hmac);
    if (r == MEMORY_E)
        return -ENOMEM;
    return r == 0 ? kinds[kind].len : -EIO;
}

int hmac_sign_hex(enum hmac_kind kind, const struct secret *key, const void *data, size_t len,
                  char hex[HMAC_MAX_HEX])
{
    uint8_t digest[HMAC_MAX_BYTES];
    int n;

    n = hmac_sign(kind, key, data, len, digest);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    explicit_bzero(digest, sizeof(digest));
    return 0;
}
