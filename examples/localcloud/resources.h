/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_RESOURCES_H
#define IOTD_LOCALCLOUD_RESOURCES_H

/*
 * Resource management, the platform's side of $resource/up/service: files that the console sends
 * to devices, and files that devices send there.
 */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/faults.h"
#include "examples/localcloud/items.h"
#include "examples/localcloud/thing.h"

#define RESOURCES_PREFIX "resource"

struct resources;
struct resources_deps {
    const struct config *config;
    struct journal *journal;
    struct faults *faults;
    struct thing *thing;
    struct blobs *blobs;
    int dir; /* as struct items_deps */
};

/* As items_new(). */
int resources_new(struct resources **ret_resources, const struct resources_deps *deps) MUST_CHECK;
struct resources *resources_free(struct resources *r);
DEFINE_FREEP(struct resources, resources_free)

void resources_on_message(struct resources *r, const struct config_device *device,
                          const uint8_t *payload, size_t len);

/*
 * A resource for a device: it is told of it once the bytes are there, which come by PUT to
 * ret_url, a new string. set: members of the message that are to be others, to see what a device
 * makes of them, or NULL. As items_add().
 */
int resources_send(struct resources *r, const struct config_device *device, const char *name,
                   json_t *set, char **ret_url) MUST_CHECK;
/* Tells the device again. -ENOENT; -EAGAIN the bytes are not there. */
int resources_retry(struct resources *r, const struct config_device *device,
                    const char *name) MUST_CHECK;
/* Forgets all of that name, both ways. -ENOENT. */
int resources_remove(struct resources *r, const struct config_device *device,
                     const char *name) MUST_CHECK;
/* As items_json(). */
json_t *resources_json(const struct resources *r, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_RESOURCES_H */
