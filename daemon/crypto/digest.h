/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_DIGEST_H
#define IOTD_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

enum digest_kind {
    DIGEST_MD5, /* finds accidents only; what must be trusted is signed */
    DIGEST_SHA1,
    DIGEST_SHA256,
    DIGEST_KIND_COUNT_,
};

#define DIGEST_MD5_LEN 16
#define DIGEST_SHA256_LEN 32
#define DIGEST_MAX 32
#define DIGEST_MAX_HEX 65

/* Lower-case hex with NUL. 0; -ENOMEM, -EIO */
int digest_hex(enum digest_kind kind, const void *data, size_t len,
               char hex[DIGEST_MAX_HEX]) MUST_CHECK;

/* The same of data that come piece by piece. The first failure sticks. */
struct digest;

/* 0; -ENOMEM, -EIO */
int digest_new(struct digest **ret_digest, enum digest_kind kind) MUST_CHECK;
struct digest *digest_free(struct digest *digest);
DEFINE_FREEP(struct digest, digest_free)

/* Forgets all that was added. */
void digest_restart(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t len);
/* Then it is as new, also after a failure. 0; -EIO */
int digest_finish(struct digest *digest, uint8_t ret_value[DIGEST_MAX]) MUST_CHECK;

#endif /* IOTD_CRYPTO_DIGEST_H */
