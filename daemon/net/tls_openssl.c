/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "daemon/net/tls_impl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sys/log.h"

LOG_AREA("tls");

/* OpenSSL's locked heap for private keys; own choice: room for a few RSA keys of 4096 bits. */
#define SECURE_HEAP 32768
#define SECURE_MIN 32
#define HOST_FLAGS X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS

const char *const tls_backend_library = "libssl.so";

struct tls_backend {
    SSL_CTX *ctx;
    SSL_SESSION *session; /* of the last proven connection; NULL none */
};

static enum tls_fault fault_of(long error)
{
    switch (error) {
    case X509_V_OK:
        return TLS_FAULT_NONE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TLS_FAULT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TLS_FAULT_NOT_YET_VALID;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return TLS_FAULT_SELF_SIGNED;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return TLS_FAULT_UNKNOWN_CA;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return TLS_FAULT_WRONG_HOST;
    default:
        return TLS_FAULT_BAD;
    }
}

/* In place of the library's own call: the same verification, whatever libwebsockets asked for. */
static int on_verify(X509_STORE_CTX *store, void *userdata)
{
    struct tls *tls = userdata;

    if (X509_verify_cert(store) == 1)
        return 1;
    tls->fault = fault_of(X509_STORE_CTX_get_error(store));
    if (tls->fault == TLS_FAULT_NONE) /* it could not even try */
        tls->fault = TLS_FAULT_BAD;
    return 0;
}

/* libwebsockets cuts the name at a colon and at 127 characters, and offers no session. */
static void prepare(struct tls *tls, SSL *ssl)
{
    tls->begun = true;
    (void) SSL_set_tlsext_host_name(ssl, tls->is_address ? NULL : tls->host);
    if (tls->backend->session && SSL_SESSION_is_resumable(tls->backend->session))
        (void) SSL_set_session(ssl, tls->backend->session);
    SSL_SESSION_free(tls->backend->session); /* once: a server that stumbles over it gets no more */
    tls->backend->session = NULL;
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (where & SSL_CB_HANDSHAKE_START && !tls->begun)
        prepare(tls, (SSL *) (uintptr_t) ssl);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        tls->alert = value & 0xff;
}

/* The peer wants a certificate; 1: whatever there is. */
static int on_cert_wanted(SSL *ssl, void *userdata)
{
    struct tls *tls = userdata;

    (void) ssl;
    tls->asked = true;
    return 1;
}

/*
 * Tickets come after the handshake, so of a proven peer. A copy: OpenSSL spoils its own when the
 * connection breaks, which is when it is wanted.
 */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    if (copy) {
        SSL_SESSION_free(tls->backend->session);
        tls->backend->session = copy;
    }
    return 0; /* not kept */
}

static int bad(char *problem, const char *what, const char *file)
{
    (void) snprintf(problem, TLS_PROBLEM, "%s%s%s%s", what, file ? " \"" : "", file ? file : "",
                    file ? "\"" : "");
    ERR_clear_error();
    return -EINVAL;
}

static int set_trust(SSL_CTX *ctx, const struct tls_config *config, char *problem)
{
    if (!config->ca_file || !*config->ca_file)
        return SSL_CTX_set_default_verify_paths(ctx) == 1
                   ? 0
                   : bad(problem, "the system has no store of trusted certificates", NULL);
    if (SSL_CTX_load_verify_file(ctx, config->ca_file) != 1)
        return bad(problem, "no PEM certificate can be read from", config->ca_file);
    return 0;
}

static int set_host(SSL_CTX *ctx, const struct tls *tls)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_hostflags(param, HOST_FLAGS);
    if (tls->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, tls->host) == 1 ? 0 : -ENOMEM;
    return X509_VERIFY_PARAM_set1_host(param, tls->host, 0) == 1 ? 0 : -ENOMEM;
}

/* Ours first, then the chain. */
static int set_cert(SSL_CTX *ctx, const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert;
    int n = 0, ok = bio ? 1 : 0;

    while (ok == 1 && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        ok = n++ == 0 ? SSL_CTX_use_certificate(ctx, cert) : SSL_CTX_add1_chain_cert(ctx, cert);
        X509_free(cert);
    }
    BIO_free(bio);
    return ok == 1 && n > 0 ? 0 : -EINVAL;
}

static int set_identity(SSL_CTX *ctx, const struct tls_config *config, char *problem)
{
    if (!config->cert)
        return 0;
    /* Best effort: where memory cannot be locked the key is in ordinary memory, and wiped. */
    if (!CRYPTO_secure_malloc_initialized())
        (void) CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_MIN);
    if (set_cert(ctx, config->cert) < 0)
        return bad(problem, "the device certificate is not PEM", NULL);
    if (config->key_len > LONG_MAX ||
        SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_RSA, ctx, config->key, (long) config->key_len) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
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
    b->ctx = SSL_CTX_new(TLS_client_method());
    if (!b->ctx)
        return -ENOMEM;
    (void) SSL_CTX_set_app_data(b->ctx, tls);
    (void) SSL_CTX_set_min_proto_version(b->ctx, TLS1_2_VERSION);
    (void) SSL_CTX_set_options(b->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void) SSL_CTX_set_mode(b->ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    (void) SSL_CTX_set_session_cache_mode(b->ctx,
                                          SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(b->ctx, on_session);
    SSL_CTX_set_info_callback(b->ctx, on_info);
    SSL_CTX_set_cert_cb(b->ctx, on_cert_wanted, tls);
    SSL_CTX_set_verify(b->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(b->ctx, on_verify, tls);
    r = set_host(b->ctx, tls);
    if (r == 0)
        r = set_trust(b->ctx, config, problem);
    if (r == 0)
        r = set_identity(b->ctx, config, problem);
    return r;
}

struct tls_backend *tls_backend_free(struct tls_backend *b)
{
    if (!b)
        return NULL;

    SSL_SESSION_free(b->session);
    SSL_CTX_free(b->ctx);
    free(b);
    return NULL;
}

void *tls_backend_native(const struct tls_backend *b)
{
    return b->ctx;
}

static bool is_for_host(const struct tls *tls, X509 *cert)
{
    if (tls->is_address)
        return X509_check_ip_asc(cert, tls->host, 0) == 1;
    return X509_check_host(cert, tls->host, 0, HOST_FLAGS, NULL) == 1;
}

enum tls_fault tls_backend_prove(struct tls *tls, void *connection)
{
    SSL *ssl = connection;
    enum tls_fault fault = TLS_FAULT_NONE;
    X509 *cert;

    if (!SSL_is_init_finished(ssl) || !(SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER))
        return TLS_FAULT_UNPROVEN;
    if (SSL_version(ssl) < TLS1_2_VERSION)
        return TLS_FAULT_OLD_TLS;
    cert = SSL_get1_peer_certificate(ssl);
    if (!cert)
        return TLS_FAULT_UNPROVEN;
    if (SSL_get_verify_result(ssl) != X509_V_OK)
        fault = fault_of(SSL_get_verify_result(ssl));
    else if (!is_for_host(tls, cert))
        fault = TLS_FAULT_WRONG_HOST;
    else if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) /* a session outlived it */
        fault = TLS_FAULT_EXPIRED;
    X509_free(cert);
    log_debug("%s %s resumed=%d", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
              SSL_session_reused(ssl));
    return fault;
}

void tls_backend_inspect(struct tls *tls, void *connection)
{
    uint8_t byte;

    /* TLS 1.3 ends for us before the server has seen our certificate: what it says to it may
     * wait to be read when our own bytes find the connection closed. */
    if (tls->proven && tls->alert == TLS_ALERT_NONE) {
        (void) SSL_read(connection, &byte, 1);
        ERR_clear_error();
    }
}

/* --- bytes --- */

static int result(SSL *ssl, int r)
{
    int error = SSL_get_error(ssl, r);

    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    return error == SSL_ERROR_ZERO_RETURN ? -EPIPE : -EPROTO;
}

int tls_backend_connect(struct tls_backend *b, void **ret_connection)
{
    SSL *ssl = SSL_new(b->ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    if (!ssl || !in || !out) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return -ENOMEM;
    }
    SSL_set_bio(ssl, in, out); /* owns them now */
    SSL_set_connect_state(ssl);
    *ret_connection = ssl;
    return 0;
}

void *tls_backend_disconnect(void *connection)
{
    SSL_free(connection);
    return NULL;
}

int tls_backend_handshake(void *connection)
{
    int r;

    ERR_clear_error();
    r = SSL_do_handshake(connection);
    return r == 1 ? 0 : result(connection, r);
}

int tls_backend_put(void *connection, const uint8_t *data, size_t len)
{
    size_t n;

    if (len == 0)
        return 0;
    return BIO_write_ex(SSL_get_rbio(connection), data, len, &n) == 1 && n == len ? 0 : -ENOMEM;
}

size_t tls_backend_pending(void *connection)
{
    return BIO_ctrl_pending(SSL_get_wbio(connection));
}

size_t tls_backend_take(void *connection, uint8_t *buf, size_t size)
{
    size_t n = 0;

    return BIO_read_ex(SSL_get_wbio(connection), buf, size, &n) == 1 ? n : 0;
}

int tls_backend_read(void *connection, uint8_t *buf, size_t size)
{
    int r;

    ERR_clear_error();
    r = SSL_read(connection, buf, size > INT_MAX ? INT_MAX : (int) size);
    return r > 0 ? r : result(connection, r);
}

int tls_backend_write(void *connection, const uint8_t *data, size_t len)
{
    int r;

    if (len > INT_MAX)
        return -EPROTO;
    ERR_clear_error();
    r = SSL_write(connection, data, (int) len); /* all of it: the BIO takes what it gets */
    return r > 0 ? 0 : result(connection, r);
}

void tls_backend_end(void *connection)
{
    (void) SSL_shutdown(connection); /* queues close_notify; nobody waits for the answer */
    ERR_clear_error();
}
