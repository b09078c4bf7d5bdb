/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/certs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "libiotclient/base/macro.h"
#include "tests/lib/proc.h"

#define DAY_S (24L * 3600)
#define LOCAL "DNS:localhost,IP:127.0.0.1,IP:::1"

/* In the order of making: an issuer comes before what it signs. */
static const struct spec {
    const char *name;
    const char *issuer; /* NULL: itself */
    const char *names;  /* subjectAltName; NULL: an authority */
    long from_s, to_s;  /* from now */
} specs[] = {
    {"ca", NULL, NULL, -DAY_S, 10 * DAY_S},
    {"other-ca", NULL, NULL, -DAY_S, 10 * DAY_S},
    {"right", "ca", LOCAL, -DAY_S, 10 * DAY_S},
    {"wrong-host", "ca", "DNS:other.example,IP:192.0.2.1", -DAY_S, 10 * DAY_S},
    {"expired", "ca", LOCAL, -10 * DAY_S, -DAY_S},
    {"not-yet", "ca", LOCAL, DAY_S, 10 * DAY_S},
    {"client", "ca", "DNS:client.example", -DAY_S, 10 * DAY_S},
    {"other-client", "ca", "DNS:other-client.example", -DAY_S, 10 * DAY_S},
    {"foreign-client", "other-ca", "DNS:client.example", -DAY_S, 10 * DAY_S},
    {"self-signed", NULL, LOCAL, -DAY_S, 10 * DAY_S},
};

struct made {
    X509 *cert;
    EVP_PKEY *key;
};

static void must(bool ok, const char *what)
{
    if (!ok)
        fixture_fatal("certificates: %s", what);
}

static char *path_of(const char *name, const char *end)
{
    CLEANUP(freep) char *file = NULL;

    must(asprintf(&file, "%s.%s", name, end) > 0, "memory");
    return fixture_test_path(file);
}

char *certs_pem(const char *name)
{
    return path_of(name, "pem");
}

char *certs_key(const char *name)
{
    return path_of(name, "key");
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(ext && X509_add_ext(cert, ext, -1) == 1, value);
    X509_EXTENSION_free(ext);
}

static X509 *make_cert(const struct spec *s, long serial, EVP_PKEY *key, const struct made *issuer)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    X509 *by = issuer ? issuer->cert : cert;

    must(cert && X509_set_version(cert, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(cert), serial) == 1 &&
             X509_gmtime_adj(X509_getm_notBefore(cert), s->from_s) &&
             X509_gmtime_adj(X509_getm_notAfter(cert), s->to_s) &&
             X509_set_pubkey(cert, key) == 1 &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *) s->name, -1, -1,
                                        0) == 1 &&
             X509_set_issuer_name(cert, X509_get_subject_name(by)) == 1,
         s->name);
    if (s->names)
        add_extension(cert, by, NID_subject_alt_name, s->names);
    else
        add_extension(cert, by, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(cert, by, NID_basic_constraints, s->names ? "CA:FALSE" : "critical,CA:TRUE");
    add_extension(cert, by, NID_subject_key_identifier, "hash");
    must(X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()) > 0, s->name);
    return cert;
}

static void write_files(const struct spec *s, const struct made *m)
{
    CLEANUP(freep) char *pem = certs_pem(s->name), *key = certs_key(s->name);
    FILE *f = fopen(pem, "we");

    must(f && PEM_write_X509(f, m->cert) == 1 && fclose(f) == 0, pem);
    f = fopen(key, "we");
    must(f && fchmod(fileno(f), 0600) == 0 &&
             PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0,
         key);
}

static const struct made *find(const struct made *made, const char *name)
{
    for (size_t i = 0; name; i++) {
        if (strcmp(specs[i].name, name) == 0)
            return &made[i];
    }
    return NULL;
}

/* The name of the link is how OpenSSL finds an authority in a directory. */
static void make_store(X509 *ca)
{
    CLEANUP(freep) char *store = certs_store(), *link = NULL;

    must(mkdir(store, 0755) == 0 || errno == EEXIST, store);
    must(asprintf(&link, "%s/%08lx.0", store, X509_subject_name_hash(ca)) > 0, "memory");
    must(symlink("../ca.pem", link) == 0 || errno == EEXIST, link);
}

void certs_make(void)
{
    struct made made[ARRAY_SIZE(specs)];

    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        made[i].key = EVP_RSA_gen(2048);
        must(made[i].key, "no key");
        made[i].cert = make_cert(&specs[i], (long) i + 1, made[i].key, find(made, specs[i].issuer));
        write_files(&specs[i], &made[i]);
    }
    make_store(made[0].cert);
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        X509_free(made[i].cert);
        EVP_PKEY_free(made[i].key);
    }
}

char *certs_store(void)
{
    return fixture_test_path("store");
}
