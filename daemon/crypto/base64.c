/* SPDX-License-Identifier: GPL-2.0-or-later */

/* wolfSSL redefines _FORTIFY_SOURCE in its options; that stays in this directory. */
#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "daemon/crypto/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

int base64_decode(const char *text, uint8_t *data, size_t size)
{
    size_t len = strlen(text);
    word32 out;
    int r;

    /* wolfCrypt skips blanks and stops quietly at some errors: be strict before. */
    if (len == 0 || len % 4 != 0 || len > 4096)
        return -EBADMSG;
    for (size_t i = 0; i < len; i++) {
        static const char set[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bool padding = text[i] == '=' && (i == len - 1 || (i == len - 2 && text[len - 1] == '='));

        if (!padding && (text[i] == '\0' || !strchr(set, text[i])))
            return -EBADMSG;
    }

    out = (word32) size;
    r = Base64_Decode((const byte *) text, (word32) len, data, &out);
    if (r == BAD_FUNC_ARG || r == BUFFER_E)
        return -EMSGSIZE;
    if (r != 0)
        return -EBADMSG;
    return (int) out;
}
