/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/sign.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static const char *const method_names[SIGN_METHOD_COUNT_] = {
    [SIGN_METHOD_HMACSHA1] = "hmacsha1",
    [SIGN_METHOD_HMACSHA256] = "hmacsha256",
};

int sign_method_parse(const char *name, enum sign_method *ret_method)
{
    for (unsigned i = 0; i < SIGN_METHOD_COUNT_; i++) {
        if (strcmp(name, method_names[i]) == 0) {
            *ret_method = (enum sign_method) i;
            return 0;
        }
    }
    return -EINVAL;
}

int sign_hmac(enum sign_method method, const void *key, size_t key_len, const void *data,
              size_t data_len, struct sign_digest *ret_digest)
{
    const EVP_MD *md = method == SIGN_METHOD_HMACSHA1 ? EVP_sha1() : EVP_sha256();
    struct sign_digest d;
    unsigned len = 0;

    if (key_len > INT_MAX)
        return -EINVAL;
    if (!HMAC(md, key, (int) key_len, data, data_len, d.bytes, &len))
        return -EIO;

    d.len = len;
    *ret_digest = d;
    return 0;
}

void sign_hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_hex[2 * len] = '\0';
}

int sign_hash_hex(enum sign_method method, const void *data, size_t len,
                  char hex[2 * SIGN_DIGEST_MAX + 1])
{
    const EVP_MD *md = method == SIGN_METHOD_HMACSHA1 ? EVP_sha1() : EVP_sha256();
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_Digest(data, len, bytes, &n, md, NULL) != 1)
        return -EIO;
    sign_hex(bytes, n, hex);
    return 0;
}

struct sign_md5 {
    EVP_MD_CTX *ctx;
};

int sign_md5_new(struct sign_md5 **ret_md5)
{
    CLEANUP(sign_md5_freep) struct sign_md5 *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->ctx = EVP_MD_CTX_new();
    if (!m->ctx || EVP_DigestInit_ex(m->ctx, EVP_md5(), NULL) != 1)
        return -ENOMEM;
    *ret_md5 = TAKE(m);
    return 0;
}

struct sign_md5 *sign_md5_free(struct sign_md5 *m)
{
    if (!m)
        return NULL;
    EVP_MD_CTX_free(m->ctx);
    free(m);
    return NULL;
}

int sign_md5_add(struct sign_md5 *m, const void *data, size_t len)
{
    return EVP_DigestUpdate(m->ctx, data, len) == 1 ? 0 : -EIO;
}

int sign_md5_end(struct sign_md5 *m, uint8_t ret_md5[SIGN_MD5_LEN])
{
    return EVP_DigestFinal_ex(m->ctx, ret_md5, NULL) == 1 ? 0 : -EIO;
}

int sign_aes_cbc_encrypt(const char *key, const char *iv, uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0, e = -EIO;

    if (!ctx)
        return -ENOMEM;
    if (len <= INT_MAX && strlen(key) >= 16 && strlen(iv) >= 16 &&
        EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, (const uint8_t *) key,
                           (const uint8_t *) iv) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
        EVP_EncryptUpdate(ctx, data, &n, data, (int) len) == 1 &&
        EVP_EncryptFinal_ex(ctx, data + n, &rest) == 1)
        e = 0;
    EVP_CIPHER_CTX_free(ctx);
    return e;
}

bool sign_digest_equals_hex(const struct sign_digest *digest, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * SIGN_DIGEST_MAX], given[2 * SIGN_DIGEST_MAX];
    size_t n = 2 * digest->len;

    if (strlen(hex) != n)
        return false;

    for (size_t i = 0; i < n; i++) {
        char c = hex[i];

        given[i] = c >= 'A' && c <= 'F' ? (char) (c - 'A' + 'a') : c;
        text[i] = digits[i % 2 ? digest->bytes[i / 2] & 15 : digest->bytes[i / 2] >> 4];
    }
    return CRYPTO_memcmp(text, given, n) == 0;
}

static int base64_value(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(alphabet, c) : NULL;

    return p ? (int) (p - alphabet) : -1;
}

int sign_base64_decode(const char *text, uint8_t *buf, size_t size, size_t *ret_len)
{
    size_t n = strlen(text), len = 0, n_pad = 0;

    if (n % 4)
        return -EINVAL;
    while (n_pad < 2 && n > n_pad && text[n - 1 - n_pad] == '=')
        n_pad++;

    for (size_t i = 0; i < n; i += 4) {
        size_t n_out = i + 4 == n ? 3 - n_pad : 3;
        uint32_t group = 0;

        for (size_t k = 0; k < 4; k++) {
            int v = k > n_out ? 0 : base64_value(text[i + k]);

            if (v < 0)
                return -EINVAL;
            group = group << 6 | (uint32_t) v;
        }
        if (n_out > size - len)
            return -ENOBUFS;
        for (size_t k = 0; k < n_out; k++)
            buf[len++] = (uint8_t) (group >> (16 - 8 * k));
        if (n_out < 3 && group & (n_out == 1 ? 0xffffU : 0xffU))
            return -EINVAL; /* bits that belong to no byte */
    }
    *ret_len = len;
    return 0;
}

int sign_base64_encode(const void *data, size_t len, char **ret_text)
{
    CLEANUP(freep) char *text = NULL;

    if (len > INT_MAX / 2)
        return -EFBIG;
    text = malloc((len + 2) / 3 * 4 + 1);
    if (!text)
        return -ENOMEM;

    (void) EVP_EncodeBlock((uint8_t *) text, data, (int) len); /* cannot fail */
    *ret_text = TAKE(text);
    return 0;
}

int sign_random_hex(char *buf, size_t n_chars)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[32];

    for (size_t i = 0; i < n_chars; i++) {
        if (i % sizeof(raw) == 0 && RAND_bytes(raw, sizeof(raw)) != 1)
            return -EIO;
        buf[i] = digits[raw[i % sizeof(raw)] & 15];
    }
    buf[n_chars] = '\0';
    return 0;
}
