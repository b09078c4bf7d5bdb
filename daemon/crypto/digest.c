/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "daemon/crypto/digest.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

static const struct {
    enum wc_HashType type;
    word32 len;
} kinds[DIGEST_KIND_COUNT_] = {
    [DIGEST_SHA1] = {WC_HASH_TYPE_SHA, WC_SHA_DIGEST_SIZE},
    [DIGEST_SHA256] = {WC_HASH_TYPE_SHA256, WC_SHA256_DIGEST_SIZE},
};

int digest_hex(enum digest_kind kind, const void *data, size_t len, char hex[DIGEST_MAX_HEX])
{
    uint8_t digest[WC_SHA256_DIGEST_SIZE];
    int r;

    if (len > UINT32_MAX)
        return -EIO;
    r = wc_Hash(kinds[kind].type, len ? data : "", (word32) len, digest, kinds[kind].len);
    if (r != 0)
        return r == MEMORY_E ? -ENOMEM : -EIO;
    for (word32 i = 0; i < kinds[kind].len; i++)
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return 0;
}
