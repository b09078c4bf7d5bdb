/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CONFIG_H
#define IOTD_LOCALCLOUD_CONFIG_H

/* What the stand-in knows before anybody connects: products, devices, apps, limits. Immutable. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/cert.h"
#include "examples/localcloud/model.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

#define CONFIG_CLIENT_ID_MAX (LIMIT_PRODUCT_ID + LIMIT_DEVICE_NAME)
#define CONFIG_DEVICE_ID_MAX (LIMIT_PRODUCT_ID + 1 + LIMIT_DEVICE_NAME)

/* Which devices of a product may ask for their secret (dynamic registration). */
enum config_registration {
    CONFIG_REGISTRATION_OFF,
    CONFIG_REGISTRATION_ONCE, /* until they have connected for the first time */
    CONFIG_REGISTRATION_ANY,
};

struct config_product {
    char id[LIMIT_PRODUCT_ID + 1];
    char *name;
    char *secret; /* text, as the platform uses it; NULL when not given */
    enum config_registration registration;
    struct model *model;
};

struct config_device {
    size_t index; /* in config.devices: the key of everything kept per device */
    const struct config_product *product;
    char name[LIMIT_DEVICE_NAME + 1];
    char id[CONFIG_DEVICE_ID_MAX + 1];        /* PID/DN */
    char client_id[CONFIG_CLIENT_ID_MAX + 1]; /* PIDDN */
    uint8_t secret[LIMIT_SECRET_BYTES];
    size_t secret_len; /* 0: a certificate device */
    struct cert *cert;
    char *cert_text, *key_text; /* PEM, given out at a registration; NULL: not */
    bool enabled;
};

struct config_app {
    char *key;
    char *secret;
};

/* How strict the platform side is; the README has the table. */
struct config_limits {
    uint64_t connect_interval_s;
    uint64_t up_rate;
    uint64_t max_payload;
    uint64_t session_messages;
    uint64_t session_interval_ms;
    uint64_t session_expiry_s;
    uint64_t keepalive_min_s;
    uint64_t keepalive_max_s;
    uint64_t subscribe_filters;
    uint64_t subscriptions;
    uint64_t action_timeout_ms;
    uint64_t token_life_s;
    uint64_t url_life_s;
};

struct config {
    struct config_product *products;
    size_t n_products;
    struct config_device *devices;
    size_t n_devices;
    struct config_app *apps;
    size_t n_apps;
    struct config_limits limits;
};

/*
 * -EINVAL with ret_error, a new string "file: JSON path: what is wrong"; -ENOENT and other system
 * errors with ret_error as well; -ENOMEM without.
 */
int config_load(struct config **ret_config, const char *path, char **ret_error) MUST_CHECK;
/* For tests: text instead of a file; models must be inline. */
int config_parse(struct config **ret_config, const char *text, char **ret_error) MUST_CHECK;
struct config *config_free(struct config *c);
DEFINE_FREEP(struct config, config_free)

/* NULL when there is none. */
const struct config_product *config_find_product(const struct config *c, const char *product_id);
const struct config_device *config_find_device(const struct config *c, const char *product_id,
                                               const char *device_name);
const struct config_device *config_find_client(const struct config *c, const char *client_id);
const struct config_device *config_find_device_id(const struct config *c, const char *device_id);
const struct config_app *config_find_app(const struct config *c, const char *key);

#endif /* IOTD_LOCALCLOUD_CONFIG_H */
