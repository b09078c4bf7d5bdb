/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libwebsockets on wolfSSL: left alone, libwebsockets 4.1 verifies nothing there. So the context
 * is ours, asks for the verification, and each connection gets the name to check before its first
 * byte; tls_prove() looks at the result again.
 */

/* wolfSSL redefines _FORTIFY_SOURCE in its options. */
#undef _FORTIFY_SOURCE
#include <wolfssl/options.h>

#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>

#include "daemon/net/tls_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/sys/log.h"

LOG_AREA("tls");

#define STORE_DIR "/etc/ssl/certs"
#define STORE_FILE STORE_DIR "/ca-certificates.crt"
/* One authority of a store that is past its time must not spoil the others. */
#define LOAD_FLAGS (WOLFSSL_LOAD_FLAG_IGNORE_ERR | WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY)

const char *const tls_backend_library = "libwolfssl.so";

struct tls_backend {
    WOLFSSL_CTX *ctx;
};

static enum tls_fault fault_of(int error)
{
    switch (error) {
    case ASN_AFTER_DATE_E:
        return TLS_FAULT_EXPIRED;
    case ASN_BEFORE_DATE_E:
        return TLS_FAULT_NOT_YET_VALID;
    case ASN_SELF_SIGNED_E:
        return TLS_FAULT_SELF_SIGNED;
    case ASN_NO_SIGNER_E:
        return TLS_FAULT_UNKNOWN_CA;
    case DOMAIN_NAME_MISMATCH:
    case IPADDR_MISMATCH:
        return TLS_FAULT_WRONG_HOST;
    case ASN_PARSE_E:
    case ASN_SIG_CONFIRM_E:
    case ASN_SIG_HASH_E:
    case ASN_SIG_KEY_E:
    case ASN_SIG_OID_E:
    case ASN_CRIT_EXT_E:
    case ASN_PATHLEN_SIZE_E:
    case ASN_PATHLEN_INV_E:
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_ENCIPHER_E:
    case KEYUSE_SIGNATURE_E:
    case VERIFY_CERT_ERROR:
        return TLS_FAULT_BAD;
    default:
        return TLS_FAULT_NONE; /* not about the certificate */
    }
}

static struct tls *tls_of(WOLFSSL *ssl)
{
    return wolfSSL_CTX_get_ex_data(wolfSSL_get_SSL_CTX(ssl), 0);
}

/* The first thing that each call of the handshake does. */
static void on_info(const WOLFSSL *const_ssl, int where, int value)
{
    WOLFSSL *ssl = (WOLFSSL *) (uintptr_t) const_ssl;
    struct tls *tls = tls_of(ssl);

    (void) value;
    if (where != SSL_ST_CONNECT || tls->begun)
        return;
    tls->begun = true;
    if (tls->is_address) {
        (void) wolfSSL_X509_VERIFY_PARAM_set1_ip_asc(wolfSSL_get0_param(ssl), tls->host);
        return;
    }
    /* libwebsockets cuts the name at a colon and at 127 characters. */
    (void) wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, tls->host,
                          (unsigned short) strlen(tls->host));
    (void) wolfSSL_check_domain_name(ssl, tls->host);
}

/* The peer wants a certificate: with one of ours; 1: go on. */
static int on_cert_wanted(WOLFSSL *ssl, void *userdata)
{
    (void) userdata;
    tls_of(ssl)->asked = true;
    return 1;
}

/* The same without; 0: there is none. */
static int on_no_cert(WOLFSSL *ssl, WOLFSSL_X509 **x509, WOLFSSL_EVP_PKEY **key)
{
    (void) x509;
    (void) key;
    tls_of(ssl)->asked = true;
    return 0;
}

static int bad(char *problem, const char *what, const char *file)
{
    (void) snprintf(problem, TLS_PROBLEM, "%s%s%s%s", what, file ? " \"" : "", file ? file : "",
                    file ? "\"" : "");
    return -EINVAL;
}

static int set_trust(WOLFSSL_CTX *ctx, const struct tls_config *config, char *problem)
{
    /* As OpenSSL has it: both libraries look at the same places. */
    const char *file = secure_getenv("SSL_CERT_FILE"), *dir = secure_getenv("SSL_CERT_DIR");

    if (config->ca_file && *config->ca_file) {
        if (wolfSSL_CTX_load_verify_locations_ex(
                ctx, config->ca_file, NULL, WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY) != WOLFSSL_SUCCESS)
            return bad(problem, "no PEM certificate can be read from", config->ca_file);
        return 0;
    }
    if (!file && !dir && access(STORE_FILE, R_OK) == 0)
        file = STORE_FILE;
    else if (!file && !dir)
        dir = STORE_DIR;
    if (wolfSSL_CTX_load_verify_locations_ex(ctx, file, dir, LOAD_FLAGS) != WOLFSSL_SUCCESS)
        return bad(problem, "the system has no store of trusted certificates", NULL);
    return 0;
}

static int set_identity(WOLFSSL_CTX *ctx, const struct tls_config *config, char *problem)
{
    if (!config->cert)
        return 0;
    if (wolfSSL_CTX_use_certificate_chain_buffer(ctx, (const uint8_t *) config->cert,
                                                 (long) strlen(config->cert)) != WOLFSSL_SUCCESS)
        return bad(problem, "the device certificate is not PEM", NULL);
    if (config->key_len > LONG_MAX ||
        wolfSSL_CTX_use_PrivateKey_buffer(ctx, config->key, (long) config->key_len,
                                          WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_check_private_key(ctx) != WOLFSSL_SUCCESS)
        return bad(problem, "the private key is not that of the device certificate", NULL);
    return 0;
}

int tls_backend_new(struct tls *tls, const struct tls_config *config, char problem[TLS_PROBLEM])
{
    struct tls_backend *b = calloc(1, sizeof(*b));
    int r;

    if (!b)
        return -ENOMEM;
    tls->backend = b;
    b->ctx = wolfSSL_CTX_new(wolfSSLv23_client_method());
    if (!b->ctx || wolfSSL_CTX_set_ex_data(b->ctx, 0, tls) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_SetMinVersion(b->ctx, WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        return -ENOMEM;
    wolfSSL_CTX_set_verify(b->ctx, WOLFSSL_VERIFY_PEER, NULL);
    wolfSSL_CTX_set_info_callback(b->ctx, on_info);
    if (tls->has_cert) /* without one, this would promise that there is */
        wolfSSL_CTX_set_cert_cb(b->ctx, on_cert_wanted, NULL);
    else
        wolfSSL_CTX_set_client_cert_cb(b->ctx, on_no_cert);
    r = set_trust(b->ctx, config, problem);
    return r == 0 ? set_identity(b->ctx, config, problem) : r;
}

struct tls_backend *tls_backend_free(struct tls_backend *b)
{
    if (!b)
        return NULL;

    wolfSSL_CTX_free(b->ctx); /* accepts NULL */
    free(b);
    return NULL;
}

void *tls_backend_native(const struct tls_backend *b)
{
    return b->ctx;
}

enum tls_fault tls_backend_prove(struct tls *tls, void *connection)
{
    WOLFSSL *ssl = connection;
    enum tls_fault fault = TLS_FAULT_NONE;
    WOLFSSL_X509 *cert;
    int ok;

    if (!wolfSSL_is_init_finished(ssl) || !(wolfSSL_get_verify_mode(ssl) & WOLFSSL_VERIFY_PEER))
        return TLS_FAULT_UNPROVEN;
    if (wolfSSL_version(ssl) < TLS1_2_VERSION)
        return TLS_FAULT_OLD_TLS;
    cert = wolfSSL_get_peer_certificate(ssl);
    if (!cert)
        return TLS_FAULT_UNPROVEN;
    if (tls->is_address)
        ok = wolfSSL_X509_check_ip_asc(cert, tls->host, 0);
    else
        ok = wolfSSL_X509_check_host(cert, tls->host, strlen(tls->host), 0, NULL);
    if (wolfSSL_get_verify_result(ssl) != 0)
        fault = TLS_FAULT_BAD;
    else if (ok != WOLFSSL_SUCCESS)
        fault = TLS_FAULT_WRONG_HOST;
    wolfSSL_X509_free(cert);
    log_debug("%s %s", wolfSSL_get_version(ssl), wolfSSL_get_cipher_name(ssl));
    return fault;
}

void tls_backend_inspect(struct tls *tls, void *connection)
{
    WOLFSSL_ALERT_HISTORY history;
    uint8_t byte;

    /* As in tls_openssl.c: an alert may wait to be read. */
    if (tls->proven)
        (void) wolfSSL_read(connection, &byte, 1);
    if (tls->fault == TLS_FAULT_NONE && !tls->proven)
        tls->fault = fault_of(wolfSSL_get_error(connection, WOLFSSL_FATAL_ERROR));
    if (wolfSSL_get_alert_history(connection, &history) == WOLFSSL_SUCCESS &&
        history.last_rx.code > close_notify)
        tls->alert = history.last_rx.code;
}

/* --- bytes --- */

static int result(WOLFSSL *ssl, int r)
{
    int error = wolfSSL_get_error(ssl, r);

    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    return error == WOLFSSL_ERROR_ZERO_RETURN ? -EPIPE : -EPROTO;
}

int tls_backend_connect(struct tls_backend *b, void **ret_connection)
{
    WOLFSSL *ssl = wolfSSL_new(b->ctx);
    WOLFSSL_BIO *in = wolfSSL_BIO_new(wolfSSL_BIO_s_mem());
    WOLFSSL_BIO *out = wolfSSL_BIO_new(wolfSSL_BIO_s_mem());

    if (!ssl || !in || !out) {
        wolfSSL_free(ssl);
        wolfSSL_BIO_free(in);
        wolfSSL_BIO_free(out);
        return -ENOMEM;
    }
    wolfSSL_set_bio(ssl, in, out); /* owns them now */
    *ret_connection = ssl;
    return 0;
}

void *tls_backend_disconnect(void *connection)
{
    wolfSSL_free(connection);
    return NULL;
}

int tls_backend_handshake(void *connection)
{
    int r = wolfSSL_connect(connection);

    return r == WOLFSSL_SUCCESS ? 0 : result(connection, r);
}

int tls_backend_put(void *connection, const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (len > INT_MAX)
        return -EPROTO;
    return wolfSSL_BIO_write(wolfSSL_SSL_get_rbio(connection), data, (int) len) == (int) len
               ? 0
               : -ENOMEM;
}

size_t tls_backend_pending(void *connection)
{
    return wolfSSL_BIO_ctrl_pending(wolfSSL_SSL_get_wbio(connection));
}

size_t tls_backend_take(void *connection, uint8_t *buf, size_t size)
{
    int n = wolfSSL_BIO_read(wolfSSL_SSL_get_wbio(connection), buf,
                             size > INT_MAX ? INT_MAX : (int) size);

    return n > 0 ? (size_t) n : 0;
}

int tls_backend_read(void *connection, uint8_t *buf, size_t size)
{
    int r = wolfSSL_read(connection, buf, size > INT_MAX ? INT_MAX : (int) size);

    return r > 0 ? r : result(connection, r);
}

int tls_backend_write(void *connection, const uint8_t *data, size_t len)
{
    int r;

    if (len > INT_MAX)
        return -EPROTO;
    r = wolfSSL_write(connection, data, (int) len);
    return r == (int) len ? 0 : r > 0 ? -EPROTO : result(connection, r);
}

void tls_backend_end(void *connection)
{
    (void) wolfSSL_shutdown(connection); /* queues close_notify; nobody waits for the answer */
}
