/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_TLS_IMPL_H
#define IOTD_NET_TLS_IMPL_H

/*
 * Between tls.c, tls_stream.c and the one file of this build that knows the TLS library:
 * tls_openssl.c, tls_wolfssl.c or tls_none.c.
 */

#include "daemon/net/tls.h"

/* What can be wrong with the peer's certificate. */
enum tls_fault {
    TLS_FAULT_NONE,
    TLS_FAULT_EXPIRED,
    TLS_FAULT_NOT_YET_VALID,
    TLS_FAULT_SELF_SIGNED,
    TLS_FAULT_UNKNOWN_CA,
    TLS_FAULT_WRONG_HOST,
    TLS_FAULT_BAD,      /* malformed, badly signed, made for something else */
    TLS_FAULT_UNPROVEN, /* the library did not verify it */
    TLS_FAULT_OLD_TLS,
    TLS_FAULT_COUNT_,
};

#define TLS_ALERT_NONE (-1)

struct tls {
    char host[254];
    bool is_address;
    bool has_cert;
    char refusal[TLS_PROBLEM]; /* "" when connections can be made */
    struct tls_backend *backend;

    /* Of the current connection. */
    bool begun;  /* the handshake has */
    bool proven; /* it has ended, and well */
    bool asked;  /* the peer wants our certificate */
    bool heard;  /* it has said something after the handshake */
    enum tls_fault fault;
    int alert; /* that the peer sent, or TLS_ALERT_NONE */
};

/* --- what the file of the library provides; connection is its object, never NULL --- */

/* Part of the file name of the library that it uses: "libssl.so". NULL: none. */
extern const char *const tls_backend_library;

/* Sets tls->backend. As tls_new(). */
int tls_backend_new(struct tls *tls, const struct tls_config *config,
                    char problem[TLS_PROBLEM]) MUST_CHECK;
struct tls_backend *tls_backend_free(struct tls_backend *backend);
void *tls_backend_native(const struct tls_backend *backend);

/* What the verification came to, from the library's records and the peer's certificate. */
enum tls_fault tls_backend_prove(struct tls *tls, void *connection);
/* Fills in tls->fault and tls->alert where the library knows more than its callbacks said. */
void tls_backend_inspect(struct tls *tls, void *connection);

/* The bytes of tls_stream.c; results as there, or -EAGAIN: only with more bytes. */
int tls_backend_connect(struct tls_backend *backend, void **ret_connection) MUST_CHECK;
void *tls_backend_disconnect(void *connection);
int tls_backend_handshake(void *connection) MUST_CHECK;
int tls_backend_put(void *connection, const uint8_t *data, size_t len) MUST_CHECK;
size_t tls_backend_pending(void *connection);
size_t tls_backend_take(void *connection, uint8_t *buf, size_t size);
int tls_backend_read(void *connection, uint8_t *buf, size_t size) MUST_CHECK;
int tls_backend_write(void *connection, const uint8_t *data, size_t len) MUST_CHECK;
void tls_backend_end(void *connection);

#endif /* IOTD_NET_TLS_IMPL_H */
