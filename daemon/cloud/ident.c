/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/ident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ident *ident_free(struct ident *ident)
{
    if (!ident)
        return NULL;

    secret_free(ident->device_secret);
    secret_free(ident->private_key);
    free(ident->certificate);
    free(ident->cert_file);
    free(ident->key_file);
    secret_free(ident->product_secret);
    free(ident);
    return NULL;
}

/* Vendor SDK, host table. */
static const struct region {
    const char *name;
    const char *domain;  /* below the product id */
    const char *gateway; /* of HTTP requests */
} regions[] = {
    {"china", "ap-guangzhou.iothub.tencentdevices.com", "ap-guangzhou.gateway.tencentdevices.com"},
    {"us-east", "us-east.iothub.tencentdevices.com", "us-east.gateway.tencentdevices.com"},
    {"europe", "europe.iothub.tencentdevices.com", "europe.gateway.tencentdevices.com"},
    {"ap-bangkok", "ap-bangkok.iothub.tencentdevices.com", "ap-bangkok.gateway.tencentdevices.com"},
};

static const struct region *find_region(const struct ident *ident)
{
    for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
        if (strcmp(regions[i].name, ident->region) == 0)
            return &regions[i];
    }
    return NULL;
}

int ident_endpoint(const struct ident *ident, char url[IDENT_URL])
{
    bool tls = ident->cert_file;
    const struct region *region = find_region(ident);

    if (!region)
        return -EINVAL;
    (void) snprintf(url, IDENT_URL, "%s://%s.%s:%d/mqtt", tls ? "wss" : "ws", ident->product_id,
                    region->domain, tls ? 443 : 80);
    return 0;
}

int ident_register_url(const struct ident *ident, char url[IDENT_URL])
{
    const struct region *region = find_region(ident);

    if (!region)
        return -EINVAL;
    (void) snprintf(url, IDENT_URL, "https://%s/device/register", region->gateway);
    return 0;
}
