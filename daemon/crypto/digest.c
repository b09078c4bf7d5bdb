/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "daemon/crypto/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum wc_HashType type;
    word32 len;
} kinds[DIGEST_KIND_COUNT_] = {
    [DIGEST_MD5] = {WC_HASH_TYPE_MD5, WC_MD5_DIGEST_SIZE},
    [DIGEST_SHA1] = {WC_HASH_TYPE_SHA, WC_SHA_DIGEST_SIZE},
    [DIGEST_SHA256] = {WC_HASH_TYPE_SHA256, WC_SHA256_DIGEST_SIZE},
};

/* A state can be finished and started again without an allocation. */
struct digest {
    enum digest_kind kind;
    wc_HashAlg state;
    int error;
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

int digest_new(struct digest **ret_digest, enum digest_kind kind)
{
    CLEANUP(digest_freep) struct digest *d = NULL;

    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->kind = kind;
    digest_restart(d);
    if (d->error)
        return d->error == MEMORY_E ? -ENOMEM : -EIO;
    *ret_digest = TAKE(d);
    return 0;
}

struct digest *digest_free(struct digest *d)
{
    if (!d)
        return NULL;

    (void) wc_HashFree(&d->state, kinds[d->kind].type);
    free(d);
    return NULL;
}

void digest_restart(struct digest *d)
{
    d->error = wc_HashInit(&d->state, kinds[d->kind].type);
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0 && !d->error) {
        word32 n = len > 1U << 30 ? 1U << 30 : (word32) len;

        d->error = wc_HashUpdate(&d->state, kinds[d->kind].type, p, n);
        p += n;
        len -= n;
    }
}

int digest_finish(struct digest *d, uint8_t ret_value[DIGEST_MAX])
{
    uint8_t value[DIGEST_MAX];
    int r = d->error;

    if (r == 0)
        r = wc_HashFinal(&d->state, kinds[d->kind].type, value);
    for (word32 i = 0; r == 0 && i < kinds[d->kind].len; i++)
        ret_value[i] = value[i];
    digest_restart(d);
    return r == 0 ? 0 : -EIO;
}
