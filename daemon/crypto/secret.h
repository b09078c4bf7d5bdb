/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_SECRET_H
#define IOTD_CRYPTO_SECRET_H

/*
 * Key material. Lives in pages of its own that are locked if the limits allow it, left out of
 * core dumps and of forked children, and wiped when freed. Has no text form on purpose.
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct secret;

/* Copies len bytes; the caller wipes its own copy. */
int secret_new(struct secret **ret_secret, const void *data, size_t len) MUST_CHECK;
/* The bytes that base64 text stands for; -EBADMSG when it is not base64 or decodes to nothing. */
int secret_new_base64(struct secret **ret_secret, const char *text) MUST_CHECK;
/* len bytes of zero in such pages, for the numbers that a library makes of a key. -ENOMEM, -EINVAL
 */
int secret_new_room(struct secret **ret_secret, size_t len) MUST_CHECK;
struct secret *secret_free(struct secret *secret);
DEFINE_FREEP(struct secret, secret_free)

const uint8_t *secret_data(const struct secret *secret);
/* The same to write to. */
void *secret_room(struct secret *secret);
size_t secret_len(const struct secret *secret);

#endif /* IOTD_CRYPTO_SECRET_H */
