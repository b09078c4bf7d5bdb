/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/ident.h"

#include <errno.h>
#include <stdbool.h>
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
    free(ident);
    return NULL;
}

int ident_endpoint(const struct ident *ident, char url[IDENT_URL])
{
    static const struct {
        const char *region;
        const char *domain;
    } hosts[] = {
        {"china", "ap-guangzhou.iothub.tencentdevices.com"},
        {"us-east", "us-east.iothub.tencentdevices.com"},
        {"europe", "europe.iothub.tencentdevices.com"},
        {"ap-bangkok", "ap-bangkok.iothub.tencentdevices.com"},
    };

    bool tls = ident->cert_file;

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        if (strcmp(hosts[i].region, ident->region) == 0) {
            (void) snprintf(url, IDENT_URL, "%s://%s.%s:%d/mqtt", tls ? "wss" : "ws",
                            ident->product_id, hosts[i].domain, tls ? 443 : 80);
            return 0;
        }
    }
    return -EINVAL;
}
