/* SPDX-License-Identifier: GPL-2.0-or-later */

/* wolfSSL redefines _FORTIFY_SOURCE in its options; that stays in this directory. */
#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/coding.h>

#include "daemon/crypto/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "libiotclient/base/limits.h"

/* Wants room for three bytes a group, also when the last one is padded. */
static int decode(const char *text, size_t len, uint8_t *data, size_t size)
{
    word32 out = (word32) size;
    int r = Base64_Decode((const byte *) text, (word32) len, data, &out);

    return r == 0 ? (int) out : -EBADMSG;
}

int base64_decode(const char *text, uint8_t *data, size_t size)
{
    size_t len = strlen(text), n_padding = 0, n;
    uint8_t tail[3];
    int r = 0;

    /* wolfCrypt skips blanks and stops quietly at some errors: be strict before. */
    if (len == 0 || len % 4 != 0 || len > LIMIT_BASE64_TEXT)
        return -EBADMSG;
    for (size_t i = 0; i < len; i++) {
        static const char set[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bool padding = text[i] == '=' && (i == len - 1 || (i == len - 2 && text[len - 1] == '='));

        if (!padding && !strchr(set, text[i]))
            return -EBADMSG;
        n_padding += padding;
    }

    n = len / 4 * 3 - n_padding;
    if (n > size)
        return -EMSGSIZE;
    if (len > 4)
        r = decode(text, len - 4, data, size);
    if (r < 0 || (size_t) r != len / 4 * 3 - 3)
        return -EBADMSG;
    r = decode(text + len - 4, 4, tail, sizeof(tail));
    if (r >= 0 && (size_t) r == 3 - n_padding)
        memcpy(data + n - (size_t) r, tail, (size_t) r);
    else
        r = -EBADMSG;
    explicit_bzero(tail, sizeof(tail));
    return r < 0 ? r : (int) n;
}

int base64_encode(const void *data, size_t len, char *text, size_t size)
{
    word32 out = (word32) size;

    if (len > LIMIT_BASE64_TEXT / 4 * 3 || size < (len + 2) / 3 * 4 + 1)
        return -EMSGSIZE;
    text[0] = '\0';
    if (len > 0 && Base64_Encode_NoNl(data, (word32) len, (byte *) text, &out) != 0)
        return -EIO;
    text[(len + 2) / 3 * 4] = '\0';
    return 0;
}
