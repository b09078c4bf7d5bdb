/* SPDX-License-Identifier: GPL-2.0-or-later */

#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>

#include "daemon/crypto/rsa.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a key, and the random source that hides their use from timing. */
struct key {
    RsaKey rsa;
    WC_RNG rng;
};

/* In pages like those of the key itself. */
static int key_open(struct secret **ret_room, const struct secret *der)
{
    CLEANUP(secret_freep) struct secret *room = NULL;
    word32 index = 0;
    struct key *k;
    int r;

    r = secret_new_room(&room, sizeof(*k));
    if (r < 0)
        return r;
    k = secret_room(room);
    if (wc_InitRng(&k->rng) != 0)
        return -EIO;
    r = wc_InitRsaKey(&k->rsa, NULL);
    if (r == 0)
        r = wc_RsaPrivateKeyDecode(secret_data(der), &index, &k->rsa, (word32) secret_len(der));
    if (r == 0)
        r = wc_RsaSetRNG(&k->rsa, &k->rng);
    if (r != 0) {
        (void) wc_FreeRsaKey(&k->rsa);
        (void) wc_FreeRng(&k->rng);
        return r == MEMORY_E ? -ENOMEM : -EBADMSG;
    }
    *ret_room = TAKE(room);
    return 0;
}

static void key_close(struct secret *room)
{
    struct key *k = secret_room(room);

    (void) wc_FreeRsaKey(&k->rsa);
    (void) wc_FreeRng(&k->rng);
    secret_free(room);
}

int rsa_key_parse(struct secret **ret_key, const char *pem, size_t len)
{
    CLEANUP(secret_freep) struct secret *key = NULL;
    struct secret *room = NULL;
    DerBuffer *der = NULL;
    int r;

    if (len == 0 || len > INT_MAX)
        return -EBADMSG;
    /* Takes the PKCS #8 wrapping off, too. */
    r = wc_PemToDer((const byte *) pem, (long) len, PRIVATEKEY_TYPE, &der, NULL, NULL, NULL);
    if (r == 0)
        r = secret_new(&key, der->buffer, der->length);
    else
        r = r == MEMORY_E ? -ENOMEM : -EBADMSG;
    if (der) {
        explicit_bzero(der->buffer, der->length);
        wc_FreeDer(&der);
    }
    if (r == 0)
        r = key_open(&room, key);
    if (r < 0)
        return r == -EINVAL ? -EBADMSG : r;
    r = wc_RsaEncryptSize(&((struct key *) secret_room(room))->rsa);
    key_close(room);
    if (r < RSA_MIN_BYTES || r > RSA_MAX_BYTES)
        return -ERANGE;
    *ret_key = TAKE(key);
    return 0;
}

/* The modulus of the certificate's key. */
static int read_modulus(const char *cert, size_t len, uint8_t n[RSA_MAX_BYTES], word32 *ret_n_len)
{
    uint8_t e[16];
    word32 e_len = sizeof(e), index = 0;
    DerBuffer *der = NULL;
    DecodedCert *decoded = malloc(sizeof(*decoded));
    RsaKey *rsa = malloc(sizeof(*rsa));
    int r = decoded && rsa ? 0 : MEMORY_E;

    if (r == 0)
        r = wc_PemToDer((const byte *) cert, (long) len, CERT_TYPE, &der, NULL, NULL, NULL);
    if (r == 0) {
        wc_InitDecodedCert(decoded, der->buffer, der->length, NULL);
        r = wc_ParseCert(decoded, CERT_TYPE, NO_VERIFY, NULL);
        if (r == 0)
            r = wc_InitRsaKey(rsa, NULL);
        if (r == 0) {
            r = wc_RsaPublicKeyDecode(decoded->publicKey, &index, rsa, decoded->pubKeySize);
            if (r == 0)
                r = wc_RsaFlattenPublicKey(rsa, e, &e_len, n, ret_n_len);
            (void) wc_FreeRsaKey(rsa);
        }
        wc_FreeDecodedCert(decoded);
    }
    wc_FreeDer(&der);
    free(decoded);
    free(rsa);
    return r == 0 ? 0 : r == MEMORY_E ? -ENOMEM : -EBADMSG;
}

int rsa_key_check(const struct secret *key, const char *cert, size_t len)
{
    uint8_t e[16], theirs[RSA_MAX_BYTES], ours[RSA_MAX_BYTES];
    word32 e_len = sizeof(e), n_theirs = sizeof(theirs), n_ours = sizeof(ours);
    struct secret *room;
    int r;

    if (len == 0 || len > INT_MAX)
        return -EBADMSG;
    r = read_modulus(cert, len, theirs, &n_theirs);
    if (r == 0)
        r = key_open(&room, key);
    if (r < 0)
        return r;
    r = wc_RsaFlattenPublicKey(&((struct key *) secret_room(room))->rsa, e, &e_len, ours, &n_ours);
    key_close(room);
    if (r != 0 || n_ours != n_theirs || memcmp(ours, theirs, n_ours) != 0)
        return -EKEYREJECTED;
    return 0;
}

int rsa_sign(const struct secret *key, const void *data, size_t len,
             uint8_t signature[RSA_MAX_BYTES])
{
    word32 n = RSA_MAX_BYTES;
    struct secret *room;
    struct key *k;
    int r;

    r = key_open(&room, key);
    if (r < 0)
        return r == -ENOMEM ? r : -EIO;
    k = secret_room(room);
    r = wc_SignatureGenerate(WC_HASH_TYPE_SHA256, WC_SIGNATURE_TYPE_RSA_W_ENC, data, (word32) len,
                             signature, &n, &k->rsa, sizeof(k->rsa), &k->rng);
    key_close(room);
    if (r != 0)
        return r == MEMORY_E ? -ENOMEM : -EIO;
    return (int) n;
}
