/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_TLS_MATRIX_H
#define IOTD_TESTS_TLS_MATRIX_H

/*
 * What a TLS server can be to iotd, and what iotd has to make of it; the same for every server and
 * for both ways, wss:// and mqtts://.
 */

#include <stdbool.h>

#include "tests/lib/daemon-fixture.h"

struct tls_case {
    const char *server; /* its certificate, certs.h */
    const char *trust;  /* what iotd trusts, certs.h; NULL: the system's store */
    const char *reason; /* Link.Reason; NULL: it connects */
};

extern const struct tls_case tls_cases[]; /* ends with a NULL server */

/* iotd for that case; credentials: a text, or NULL for the usual ones. */
struct daemon_fixture *tls_start_iotd(const char *endpoint, const char *trust,
                                      const char *credentials);

/* Two attempts end with a reason that contains the text, in the log and in Link.Reason. */
void tls_check_refused(struct daemon_fixture *iotd, const char *reason);

#endif /* IOTD_TESTS_TLS_MATRIX_H */
