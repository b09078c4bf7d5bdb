/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/binding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libiotclient/base/macro.h"

static const struct {
    const char *name;
    const char *type;
} kinds[BINDING_KIND_COUNT_] = {
    [BINDING_WIFI] = {"wifi", "wifi_sign"},
    [BINDING_BLUETOOTH] = {"bluetooth", "bluetooth_sign"},
    [BINDING_OTHER] = {"other", "other_sign"},
};

int binding_kind_parse(const char *name, enum binding_kind *ret_kind)
{
    for (unsigned i = 0; i < BINDING_KIND_COUNT_; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret_kind = (enum binding_kind) i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *binding_type(enum binding_kind kind)
{
    return kinds[kind].type;
}

bool binding_conn_id_is_good(const char *conn_id)
{
    size_t len = strlen(conn_id);

    return len > 0 && len <= BINDING_CONN_ID &&
           strspn(conn_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
               len;
}

int binding_sign(struct binding_signature *ret_signature, const struct signer *signer,
                 const struct ident *ident, enum binding_kind kind, enum hmac_kind method,
                 const char *conn_id, uint64_t timestamp_s)
{
    struct binding_signature s;
    int n, r;

    if (kind == BINDING_WIFI)
        n = snprintf(s.text, sizeof(s.text),
                     "DeviceName=%s&DeviceTimestamp=%" PRIu64 "&ProductId=%s&ConnId=%s",
                     ident->device_name, timestamp_s, ident->product_id, conn_id);
    else
        n = snprintf(s.text, sizeof(s.text), "%s%s;%s;%" PRIu64, ident->product_id,
                     ident->device_name, conn_id, timestamp_s);
    if (n < 0 || (size_t) n >= sizeof(s.text))
        return -EIO; /* cannot be: all parts are bounded */
    r = signer_hmac_hex(signer, method, s.text, (size_t) n, s.hex);
    if (r < 0)
        return r;
    *ret_signature = s;
    return 0;
}
