/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_DYNREG_H
#define IOTD_LOCALCLOUD_DYNREG_H

/*
 * Dynamic registration: a device proves that it knows the secret of its product and gets its own.
 * New style (/device/register) and old style (/register/dev).
 */

#include <stddef.h>

#include "examples/localcloud/broker.h"
#include "examples/localcloud/config.h"
#include "examples/localcloud/journal.h"

struct dynreg_deps {
    const struct config *config;
    const struct broker *broker;
    struct journal *journal;
};

#define DYNREG_PATH_NEW "/device/register"
#define DYNREG_PATH_OLD "/register/dev"

/* A request of the new style; headers are "" where they were not sent. */
struct dynreg_request {
    const char *host;
    const char *algorithm;
    const char *timestamp;
    const char *nonce;
    const char *signature;
    const char *body;
    size_t len;
};

/* The body of the answer, a new string; NULL without memory. The HTTP status is always 200. */
char *dynreg_new_style(const struct dynreg_deps *deps, const struct dynreg_request *rq);
char *dynreg_old_style(const struct dynreg_deps *deps, const char *body, size_t len);

#endif /* IOTD_LOCALCLOUD_DYNREG_H */
