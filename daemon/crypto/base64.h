/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CRYPTO_BASE64_H
#define IOTD_CRYPTO_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

/*
 * Decodes standard base64 (RFC 4648, section 4) without line breaks.
 * @return the number of bytes; -EBADMSG not base64; -EMSGSIZE more than size bytes
 */
int base64_decode(const char *text, uint8_t *data, size_t size) MUST_CHECK;

/* With NUL, without line breaks. 0; -EMSGSIZE there is no room in text; -EIO */
int base64_encode(const void *data, size_t len, char *text, size_t size) MUST_CHECK;

#endif /* IOTD_CRYPTO_BASE64_H */
