/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_DIGEST_H
#define IOTD_CRYPTO_DIGEST_H

#include <stddef.h>

#include "libiotclient/base/macro.h"

enum digest_kind {
    DIGEST_SHA1,
    DIGEST_SHA256,
    DIGEST_KIND_COUNT_,
};

#define DIGEST_MAX_HEX 65

/* Lower-case hex with NUL. 0; -ENOMEM, -EIO */
int digest_hex(enum digest_kind kind, const void *data, size_t len,
               char hex[DIGEST_MAX_HEX]) MUST_CHECK;

#endif /* IOTD_CRYPTO_DIGEST_H */
