/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FIRMWARE_ORDER_H
#define IOTD_CLOUD_FIRMWARE_ORDER_H

/* The cloud's order to install a firmware, update_firmware: checked, copied, and as text again. */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/json/jx.h"
#include "libiotclient/base/limits.h"

#define FIRMWARE_VERSION_SIZE (LIMIT_VERSION + 1)
#define FIRMWARE_MD5_SIZE 33
#define FIRMWARE_TYPE_SIZE 33 /* own choice; the vendor's are "mcu" and "module" */

struct firmware_order {
    char version[FIRMWARE_VERSION_SIZE];
    char md5[FIRMWARE_MD5_SIZE];      /* lower case */
    char fw_type[FIRMWARE_TYPE_SIZE]; /* to be sent back; "": there was none */
    uint64_t size;
    char *url;
    char *custom; /* user_defined; "" if none */
    char *extra;  /* JSON object of the members that are not the documented ones */
};

/*
 * @param ret_problem  for people: why it is refused; a constant
 * @return 0; -EINVAL with *ret_problem; -ENOMEM
 */
int firmware_order_parse(struct firmware_order **ret_order, const json_t *json,
                         const char **ret_problem) MUST_CHECK;
/* What firmware_order_parse() makes the same order of. */
int firmware_order_text(const struct firmware_order *order, char **ret_text) MUST_CHECK;
/* Of an image that is here already, url "". -EINVAL, -ENOMEM */
int firmware_order_local(struct firmware_order **ret_order, const char *version,
                         uint64_t size) MUST_CHECK;
struct firmware_order *firmware_order_free(struct firmware_order *order);
DEFINE_FREEP(struct firmware_order, firmware_order_free)

/* The same image for the same version; the URL is another each time. */
bool firmware_order_is_same(const struct firmware_order *a, const struct firmware_order *b);

/*
 * The signature of the image, where the custom information is JSON with "signature" (base64) or
 * "signature_url". One of the two is filled in, and the caller's; the other is NULL.
 * @return 0; -ENOENT there is none; -ENOMEM
 */
int firmware_order_signature(const struct firmware_order *order, char **ret_base64,
                             char **ret_url) MUST_CHECK;

#endif /* IOTD_CLOUD_FIRMWARE_ORDER_H */
