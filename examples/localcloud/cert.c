/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/cert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define SIGNATURE_MAX 512 /* RSA with 4096 bits */

struct cert {
    X509 *x509;
    uint8_t *key;
    size_t key_len;
};

static X509 *read_cert(const char *path, int *ret_error)
{
    FILE *f = fopen(path, "re");
    X509 *x509;

    if (!f) {
        *ret_error = -errno;
        return NULL;
    }
    x509 = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    *ret_error = x509 ? 0 : -EBADMSG;
    return x509;
}

int cert_load(struct cert **ret_cert, const char *path)
{
    CLEANUP(cert_freep) struct cert *c = calloc(1, sizeof(*c));
    int n, e;

    if (!c)
        return -ENOMEM;
    c->x509 = read_cert(path, &e);
    if (!c->x509)
        return e;
    n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &c->key);
    if (n <= 0)
        return -EBADMSG;
    c->key_len = (size_t) n;
    *ret_cert = TAKE(c);
    return 0;
}

struct cert *cert_free(struct cert *c)
{
    if (!c)
        return NULL;

    X509_free(c->x509);
    OPENSSL_free(c->key);
    free(c);
    return NULL;
}

const uint8_t *cert_key(const struct cert *c, size_t *ret_len)
{
    *ret_len = c->key_len;
    return c->key;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; /* the Java SDK writes them large */
}

bool cert_signed(const struct cert *c, const char *text, const char *hex)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t n = strlen(hex) / 2;
    EVP_PKEY *key = X509_get0_pubkey(c->x509);
    EVP_MD_CTX *md;
    bool ok;

    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || strlen(hex) % 2 || n == 0 ||
        n > sizeof(signature))
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        signature[i] = (uint8_t) (high << 4 | low);
    }
    md = EVP_MD_CTX_new();
    ok = md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestVerify(md, signature, n, (const uint8_t *) text, strlen(text)) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

const char *cert_check_files(const char *cert, const char *key, const char *ca)
{
    EVP_PKEY *private_key = NULL;
    X509 *x509, *authority;
    const char *problem = NULL;
    FILE *f;
    int e;

    x509 = read_cert(cert, &e);
    if (!x509)
        return "--cert: no PEM certificate can be read";
    f = fopen(key, "re");
    if (f) {
        private_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        fclose(f);
    }
    if (!private_key)
        problem = "--key: no PEM private key can be read";
    else if (X509_check_private_key(x509, private_key) != 1)
        problem = "--key: it is not the key of --cert";
    EVP_PKEY_free(private_key);
    X509_free(x509);
    if (problem || !ca)
        return problem;
    authority = read_cert(ca, &e);
    X509_free(authority);
    return authority ? NULL : "--ca: no PEM certificate can be read";
}
