/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_AES_CBC_H
#define IOTD_CRYPTO_AES_CBC_H

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

#define AES_CBC_BLOCK 16
#define AES_CBC_KEY 16 /* AES-128 */

/*
 * Decrypts whole blocks (NIST SP 800-38A, 6.2); takes no padding off. out has room for len bytes
 * and may be data.
 * @return 0; -EINVAL len is 0 or not a multiple of the block; -ENOMEM, -EIO
 */
int aes_cbc_decrypt(const uint8_t key[AES_CBC_KEY], const uint8_t iv[AES_CBC_BLOCK],
                    const uint8_t *data, size_t len, uint8_t *out) MUST_CHECK;

#endif /* IOTD_CRYPTO_AES_CBC_H */
