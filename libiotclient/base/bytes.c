/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/bytes.h"

#include <errno.h>
#include <string.h>

int bytes_get_slice(struct bytes_reader *r, size_t len, const uint8_t **ret_data)
{
    if (len > r->len)
        return -EBADMSG;

    *ret_data = r->data;
    r->data += len;
    r->len -= len;
    return 0;
}

int bytes_get_u8(struct bytes_reader *r, uint8_t *ret_value)
{
    const uint8_t *p;
    int e = bytes_get_slice(r, 1, &p);

    if (e < 0)
        return e;
    *ret_value = p[0];
    return 0;
}

int bytes_get_u16(struct bytes_reader *r, uint16_t *ret_value)
{
    const uint8_t *p;
    int e = bytes_get_slice(r, 2, &p);

    if (e < 0)
        return e;
    *ret_value = (uint16_t) (p[0] << 8 | p[1]);
    return 0;
}

void bytes_put(struct bytes_writer *w, const void *data, size_t len)
{
    if (w->full || len > w->size - w->len) {
        w->full = true;
        return;
    }
    if (len)
        memcpy(w->data + w->len, data, len);
    w->len += len;
}

void bytes_put_u8(struct bytes_writer *w, uint8_t value)
{
    bytes_put(w, &value, 1);
}

void bytes_put_u16(struct bytes_writer *w, uint16_t value)
{
    uint8_t b[2] = {(uint8_t) (value >> 8), (uint8_t) (value & 0xff)};

    bytes_put(w, b, sizeof(b));
}
