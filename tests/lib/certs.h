/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_CERTS_H
#define IOTD_TESTS_CERTS_H

/*
 * Certificates for a test of TLS, made anew in the test's directory: NAME.pem and NAME.key.
 *
 *   ca, other-ca       authorities
 *   right              for localhost, 127.0.0.1 and ::1, signed by ca, as all below but the last
 *   wrong-host         for other.example
 *   expired, not-yet   the right names at the wrong time
 *   client             of a device; other-client of another one
 *   self-signed        for localhost, by itself
 *   foreign-client     of a device, signed by other-ca
 */

void certs_make(void);
/* The path of NAME.pem, NAME.key; the text is the caller's. */
char *certs_pem(const char *name);
char *certs_key(const char *name);
/* A directory as /etc/ssl/certs, holding ca only. */
char *certs_store(void);

#endif /* IOTD_TESTS_CERTS_H */
