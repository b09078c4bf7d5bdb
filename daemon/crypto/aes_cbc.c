/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "daemon/crypto/aes_cbc.h"

#include <errno.h>
#include <string.h>

int aes_cbc_decrypt(const uint8_t key[AES_CBC_KEY], const uint8_t iv[AES_CBC_BLOCK],
                    const uint8_t *data, size_t len, uint8_t *out)
{
    Aes aes;
    int r;

    if (len == 0 || len % AES_CBC_BLOCK != 0 || len > UINT32_MAX)
        return -EINVAL;
    r = wc_AesInit(&aes, NULL, INVALID_DEVID);
    if (r != 0)
        return -EIO;
    r = wc_AesSetKey(&aes, key, AES_CBC_KEY, iv, AES_DECRYPTION);
    if (r == 0)
        r = wc_AesCbcDecrypt(&aes, out, data, (word32) len);
    wc_AesFree(&aes);
    explicit_bzero(&aes, sizeof(aes)); /* the key schedule */
    if (r == MEMORY_E)
        return -ENOMEM;
    return r == 0 ? 0 : -EIO;
}
