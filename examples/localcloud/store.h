/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_STORE_H
#define IOTD_LOCALCLOUD_STORE_H

/*
 * What the platform remembers of each device: newest values, desired values that the device has
 * not confirmed, basic information, and bounded histories, oldest dropped. In memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/config.h"
#include "libiotclient/base/list.h"

#define STORE_POINTS_MAX 1000 /* per device and property */
#define STORE_EVENTS_MAX 1000 /* per device */

struct store;

/* One reported value. */
struct store_point {
    struct list link; /* newest last */
    uint64_t seq;
    uint64_t time_ms;
    json_t *value;
};

struct store_event {
    struct list link; /* newest last */
    uint64_t seq;
    uint64_t time_ms;
    char *id;
    const char *type; /* borrowed: the thing model */
    char *data;       /* JSON of the parameters */
};

int store_new(struct store **ret_store, const struct config *config) MUST_CHECK;
struct store *store_free(struct store *s);
DEFINE_FREEP(struct store, store_free)

/* -ENOMEM: nothing changed for that id. */
int store_report(struct store *s, const struct config_device *device, const char *id, json_t *value,
                 uint64_t time_ms) MUST_CHECK;
/* {"id":value,…}; a new reference. */
json_t *store_reported(const struct store *s, const struct config_device *device);
/* The time of the newest value; 0 when there is none. */
uint64_t store_reported_ms(const struct store *s, const struct config_device *device,
                           const char *id);
/* The points of one property, or NULL. */
const struct list *store_points(const struct store *s, const struct config_device *device,
                                const char *id);

/* Keeps params as desired; the number names this write. */
int store_desire(struct store *s, const struct config_device *device, json_t *params,
                 uint64_t *ret_write) MUST_CHECK;
/* {"id":value,…} of what was not confirmed, or NULL when there is nothing; a new reference. */
json_t *store_desired(const struct store *s, const struct config_device *device);
uint64_t store_last_write(const struct store *s);
/* Forgets the desired values of one write, or of all writes up to it. */
void store_confirm(struct store *s, const struct config_device *device, uint64_t write,
                   bool and_older);

int store_add_event(struct store *s, const struct config_device *device, const char *id,
                    const char *type, const json_t *params, uint64_t time_ms) MUST_CHECK;
const struct list *store_events(const struct store *s, const struct config_device *device);

/* Replaces what report_info told before. */
void store_set_info(struct store *s, const struct config_device *device, json_t *info);
json_t *store_info(const struct store *s,
                   const struct config_device *device); /* borrowed or NULL */

/* The firmware that the device says it runs; at most 32 characters. "" while it told none. */
#define STORE_VERSION_MAX 32
void store_set_version(struct store *s, const struct config_device *device, const char *version);
const char *store_version(const struct store *s, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_STORE_H */
