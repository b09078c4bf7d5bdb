/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_BYTES_H
#define IOTD_BASE_BYTES_H

/*
 * Bounded cursors over foreign bytes. A read past the end fails and moves nothing; a write past
 * the end sets full and writes nothing more. Numbers are big endian, as MQTT has them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct bytes_reader {
    const uint8_t *data;
    size_t len; /* what is left */
};

struct bytes_writer {
    uint8_t *data;
    size_t size;
    size_t len;
    bool full; /* something did not fit */
};

/* -EBADMSG when fewer bytes are left than asked for. */
int bytes_get_u8(struct bytes_reader *r, uint8_t *ret_value) MUST_CHECK;
int bytes_get_u16(struct bytes_reader *r, uint16_t *ret_value) MUST_CHECK;
/* Points into the input. */
int bytes_get_slice(struct bytes_reader *r, size_t len, const uint8_t **ret_data) MUST_CHECK;

void bytes_put_u8(struct bytes_writer *w, uint8_t value);
void bytes_put_u16(struct bytes_writer *w, uint16_t value);
void bytes_put(struct bytes_writer *w, const void *data, size_t len);

#endif /* IOTD_BASE_BYTES_H */
