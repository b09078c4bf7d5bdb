/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_TLS_H
#define IOTD_NET_TLS_H

/*
 * Whom the link trusts and as whom it speaks: TLS 1.2 or newer, the peer and its name always
 * verified. Works with the TLS library that libwebsockets is built on, because wss:// connections
 * are made by libwebsockets; mqtts:// ones are made by tls_stream.h. One connection at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct tls;

/* Borrowed for the time of the call. */
struct tls_config {
    const char *host;    /* the name or address of the URL: what the certificate must be for */
    const char *ca_file; /* PEM; NULL or "": the system's store */
    const char *cert;    /* ours, PEM, perhaps with its chain; NULL: none */
    const uint8_t *key;  /* RSA private key, DER; belongs to cert */
    size_t key_len;
};

#define TLS_PROBLEM 200

/*
 * @param problem  on failure what is wrong, for people
 * @return 0; -EINVAL the CA file, certificate or key is not usable; -ENOMEM
 */
int tls_new(struct tls **ret_tls, const struct tls_config *config,
            char problem[TLS_PROBLEM]) MUST_CHECK;
struct tls *tls_free(struct tls *tls);
DEFINE_FREEP(struct tls, tls_free)

/* Why no connection can be made with this libwebsockets at all; NULL if they can. */
const char *tls_refusal(const struct tls *tls);

/* What libwebsockets takes as its client's context; owned by tls, which outlives the vhost. */
void *tls_native(const struct tls *tls);

/* A connection begins: what is known of the one before is forgotten. */
void tls_begin(struct tls *tls);

/*
 * After the handshake and before a byte of ours leaves.
 * @param connection  the library's object, as lws_get_ssl() gives it
 * @return 0 the peer and its name are verified; -EPERM they are not, and problem says so
 */
int tls_prove(struct tls *tls, void *connection, char problem[TLS_PROBLEM]) MUST_CHECK;

/* Of the connection that began last: so a server was there. */
bool tls_is_proven(const struct tls *tls);
/* The peer has said something after the handshake: from now on an end is not about TLS. */
void tls_note_heard(struct tls *tls);

/*
 * Why the connection failed, if that is the business of TLS; false if not.
 * @param connection  the library's object, or NULL if there was none
 */
bool tls_explain(struct tls *tls, void *connection, char problem[TLS_PROBLEM]);

#endif /* IOTD_NET_TLS_H */
