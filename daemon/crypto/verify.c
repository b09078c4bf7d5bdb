/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include "daemon/crypto/verify.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_RSA_BYTES 256 /* own choice: 2048 bits, as for the device's own key */
#define MIN_EXPONENT 3
#define SALT 32

_Static_assert(SALT == VERIFY_DIGEST, "as openssl has it with rsa_pss_saltlen:digest");

enum verify_kind { VERIFY_ED25519, VERIFY_RSA_PSS, VERIFY_KIND_COUNT_ };

struct verify_key {
    enum verify_kind kind;
    ed25519_key *ed25519; /* one of the two */
    RsaKey *rsa;
};

static const char *const kind_names[VERIFY_KIND_COUNT_] = {
    [VERIFY_ED25519] = "ed25519",
    [VERIFY_RSA_PSS] = "rsa-pss",
};

/* RFC 8410, section 4: SubjectPublicKeyInfo before the 32 bytes of the key. */
static const uint8_t ed25519_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

struct verify_key *verify_key_free(struct verify_key *key)
{
    if (!key)
        return NULL;

    if (key->ed25519)
        wc_ed25519_free(key->ed25519);
    if (key->rsa)
        (void) wc_FreeRsaKey(key->rsa);
    free(key->ed25519);
    free(key->rsa);
    free(key);
    return NULL;
}

static int say(char problem[VERIFY_PROBLEM], int r, const char *text)
{
    (void) snprintf(problem, VERIFY_PROBLEM, "%s", text);
    return r;
}

static bool has(const char *pem, size_t len, const char *text)
{
    return memmem(pem, len, text, strlen(text)) != NULL;
}

/* One block and no other: of two keys nobody knows which one counts. */
static int check_pem(const char *pem, size_t len, char problem[VERIFY_PROBLEM])
{
    static const char begin[] = "-----BEGIN ", header[] = "-----BEGIN PUBLIC KEY-----";
    const char *at = memmem(pem, len, begin, strlen(begin));

    if (len > INT_MAX || has(pem, len, "PRIVATE KEY-----"))
        return say(problem, -EBADMSG, "it is a private key, which must not be on a device");
    if (!at)
        return say(problem, -EBADMSG, "it is not PEM");
    len -= (size_t) (at - pem);
    if (len < strlen(header) || memcmp(at, header, strlen(header)) != 0)
        return say(problem, -EBADMSG, "it does not begin with a PUBLIC KEY");
    if (has(at + 1, len - 1, begin))
        return say(problem, -EBADMSG, "it holds more than one key");
    return 0;
}

/* y of the points of order 1, 2, 4 and 8, in all spellings: with such a key everybody can sign. */
static const uint8_t small_points[][ED25519_PUB_KEY_SIZE] = {
    {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
     0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
     0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
     0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
     0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

static bool is_small(const uint8_t raw[ED25519_PUB_KEY_SIZE])
{
    uint8_t y[ED25519_PUB_KEY_SIZE];

    memcpy(y, raw, sizeof(y));
    y[sizeof(y) - 1] &= 0x7f; /* the sign of x */
    for (size_t i = 0; i < ARRAY_SIZE(small_points); i++) {
        if (memcmp(y, small_points[i], sizeof(y)) == 0)
            return true;
    }
    return false;
}

/* Import looks at the length only; a verification says first whether the point is on the curve. */
static bool is_on_curve(ed25519_key *k)
{
    static const uint8_t nothing[ED25519_SIG_SIZE];
    int good, r;

    r = wc_ed25519_verify_msg(nothing, sizeof(nothing), nothing, VERIFY_DIGEST, &good, k);
    return r == 0 || r == SIG_VERIFY_E;
}

static int load_ed25519(struct verify_key *key, const uint8_t *raw, char problem[VERIFY_PROBLEM])
{
    ed25519_key *k = malloc(sizeof(*k));

    if (!k)
        return -ENOMEM;
    if (wc_ed25519_init(k) != 0) {
        free(k);
        return -ENOMEM;
    }
    key->kind = VERIFY_ED25519;
    key->ed25519 = k;
    if (is_small(raw) || wc_ed25519_import_public(raw, ED25519_PUB_KEY_SIZE, k) != 0 ||
        !is_on_curve(k))
        return say(problem, -EKEYREJECTED, "its Ed25519 key is no good");
    return 0;
}

/* wolfCrypt reads past what it does not look at; what it read has one way to be written. */
static bool is_written_so(RsaKey *k, const uint8_t *der, word32 len)
{
    byte again[VERIFY_MAX_SIGNATURE + 64];

    return wc_RsaKeyToPublicDer(k, again, sizeof(again)) == (int) len &&
           memcmp(again, der, len) == 0;
}

/* An even exponent, or 1, makes signatures that anybody can make. */
static bool exponent_is_good(RsaKey *k)
{
    uint8_t e[VERIFY_MAX_SIGNATURE], n[VERIFY_MAX_SIGNATURE];
    word32 e_len = sizeof(e), n_len = sizeof(n);
    size_t i = 0;

    if (wc_RsaFlattenPublicKey(k, e, &e_len, n, &n_len) != 0 || e_len == 0 || n_len == 0)
        return false;
    while (i + 1 < e_len && e[i] == 0)
        i++;
    return e[e_len - 1] % 2 == 1 && n[n_len - 1] % 2 == 1 &&
           (e_len - i > 1 || e[i] >= MIN_EXPONENT);
}

static int load_rsa(struct verify_key *key, const uint8_t *der, word32 len,
                    char problem[VERIFY_PROBLEM])
{
    RsaKey *k = malloc(sizeof(*k));
    word32 index = 0;
    int r;

    if (!k)
        return -ENOMEM;
    if (wc_InitRsaKey(k, NULL) != 0) {
        free(k);
        return -ENOMEM;
    }
    key->kind = VERIFY_RSA_PSS;
    key->rsa = k;
    r = wc_RsaPublicKeyDecode(der, &index, k, len);
    if (r == MEMORY_E)
        return -ENOMEM;
    if (r != 0)
        return say(problem, -EBADMSG, "its key is neither Ed25519 nor RSA");
    r = wc_RsaEncryptSize(k);
    if (r < MIN_RSA_BYTES || r > VERIFY_MAX_SIGNATURE)
        return say(problem, -ERANGE, "its RSA key has not 2048 to 4096 bits");
    if (!is_written_so(k, der, len))
        return say(problem, -EBADMSG, "its key is neither Ed25519 nor RSA");
    if (!exponent_is_good(k))
        return say(problem, -EKEYREJECTED, "its RSA key is no good");
    return 0;
}

static int load_der(struct verify_key *key, const DerBuffer *der, char problem[VERIFY_PROBLEM])
{
    const size_t prefix = sizeof(ed25519_prefix);

    if (der->length == prefix + ED25519_PUB_KEY_SIZE &&
        memcmp(der->buffer, ed25519_prefix, prefix) == 0)
        return load_ed25519(key, der->buffer + prefix, problem);
    return load_rsa(key, der->buffer, der->length, problem);
}

int verify_key_load(struct verify_key **ret_key, const char *pem, size_t len,
                    char problem[VERIFY_PROBLEM])
{
    CLEANUP(verify_key_freep) struct verify_key *key = NULL;
    DerBuffer *der = NULL;
    int r;

    r = check_pem(pem, len, problem);
    if (r < 0)
        return r;
    key = calloc(1, sizeof(*key));
    if (!key)
        return -ENOMEM;
    r = wc_PemToDer((const byte *) pem, (long) len, PUBLICKEY_TYPE, &der, NULL, NULL, NULL);
    if (r == MEMORY_E)
        r = -ENOMEM;
    else if (r != 0)
        r = say(problem, -EBADMSG, "its PEM text is damaged");
    else
        r = load_der(key, der, problem);
    wc_FreeDer(&der);
    if (r < 0)
        return r;
    *ret_key = TAKE(key);
    return 0;
}

const char *verify_key_kind(const struct verify_key *key)
{
    return kind_names[key->kind];
}

static int verify_ed25519(const struct verify_key *key, const uint8_t *digest,
                          const uint8_t *signature, size_t len)
{
    int good = 0, r;

    if (len != ED25519_SIG_SIZE)
        return -EKEYREJECTED;
    r = wc_ed25519_verify_msg(signature, (word32) len, digest, VERIFY_DIGEST, &good, key->ed25519);
    if (r == MEMORY_E)
        return -ENOMEM;
    return r == 0 && good == 1 ? 0 : -EKEYREJECTED;
}

static int verify_rsa_pss(const struct verify_key *key, const uint8_t *digest,
                          const uint8_t *signature, size_t len)
{
    uint8_t copy[VERIFY_MAX_SIGNATURE];
    byte *plain = NULL;
    int r;

    if (len > sizeof(copy) || len != (size_t) wc_RsaEncryptSize(key->rsa))
        return -EKEYREJECTED;
    memcpy(copy, signature, len); /* the result goes into its place */
    r = wc_RsaPSS_VerifyInline_ex(copy, (word32) len, &plain, WC_HASH_TYPE_SHA256, WC_MGF1SHA256,
                                  SALT, key->rsa);
    if (r > 0)
        r = wc_RsaPSS_CheckPadding_ex(digest, VERIFY_DIGEST, plain, (word32) r, WC_HASH_TYPE_SHA256,
                                      SALT, wc_RsaEncryptSize(key->rsa) * CHAR_BIT);
    else
        r = r == MEMORY_E ? r : BAD_PADDING_E;
    if (r == MEMORY_E)
        return -ENOMEM;
    return r == 0 ? 0 : -EKEYREJECTED;
}

int verify_digest(const struct verify_key *key, const uint8_t sha256[VERIFY_DIGEST],
                  const uint8_t *signature, size_t len)
{
    if (key->kind == VERIFY_ED25519)
        return verify_ed25519(key, sha256, signature, len);
    return verify_rsa_pss(key, sha256, signature, len);
}
