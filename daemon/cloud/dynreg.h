/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_DYNREG_H
#define IOTD_CLOUD_DYNREG_H

/*
 * Dynamic registration: a device that has only the secret of its product asks for its own
 * (device guide, dynamic registration protocol; signature method of the HTTP gateway). Pure:
 * makes the request, reads the answer.
 */

#include "daemon/cloud/ident.h"
#include "daemon/crypto/secret.h"

#define DYNREG_METHOD "POST"
#define DYNREG_PATH "/device/register"
#define DYNREG_ALGORITHM "hmacsha256"
#define DYNREG_PROBLEM 256

struct dynreg_request {
    char body[LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME + 48];
    char timestamp[24]; /* X-TC-Timestamp */
    char nonce[24];     /* X-TC-Nonce */
    char signature[48]; /* X-TC-Signature: base64 of 32 bytes */
};

/*
 * ident has its product secret. host: without port; path: of the URL. The platform does not look
 * at the age of the timestamp (vendor SDK: sends a constant), so a clock that is not set does no
 * harm.
 * 0; -ENOMEM, -EIO of the digests
 */
int dynreg_make(struct dynreg_request *ret_request, const struct ident *ident, const char *host,
                const char *path, uint64_t now_s, uint32_t nonce) MUST_CHECK;

/* What the cloud gave: psk, or certificate and key. */
struct dynreg_answer {
    struct secret *psk;         /* base64 text, as device_info.json has it */
    struct secret *certificate; /* PEM */
    struct secret *key;         /* PEM */
};

void dynreg_answer_done(struct dynreg_answer *answer);

/*
 * Reads the body of the answer to the request with ident.
 * @param problem  on failure what is wrong and what to do, for people
 * @return 0; -EACCES the cloud refuses, and will again until somebody changes something; -EAGAIN
 *         it cannot now; -EBADMSG not understood; -ENOMEM
 */
int dynreg_read(struct dynreg_answer *ret_answer, const struct ident *ident, unsigned status,
                const char *body, size_t len, char problem[DYNREG_PROBLEM]) MUST_CHECK;

#endif /* IOTD_CLOUD_DYNREG_H */
