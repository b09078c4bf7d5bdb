/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FILESVC_H
#define IOTD_LOCALCLOUD_FILESVC_H

/*
 * File management, the platform's side: which files devices have, files that users send to them
 * and have deleted, files that devices send up; and speech recognition of the latter. Methods of
 * the service topic of the thing model. Messages: filesvc.c; speech: filesvc_asr.c.
 */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/faults.h"
#include "examples/localcloud/items.h"
#include "examples/localcloud/thing.h"

#define FILESVC_PREFIX "devicefile"
#define FILESVC_ASR_TEXT_MAX 1024

struct filesvc;
struct filesvc_deps {
    const struct config *config;
    struct journal *journal;
    struct faults *faults;
    struct thing *thing;
    struct blobs *blobs;
    int dir; /* as struct items_deps */
};

/* Takes the thing service's unknown methods. As items_new(). */
int filesvc_new(struct filesvc **ret_filesvc, const struct filesvc_deps *deps) MUST_CHECK;
struct filesvc *filesvc_free(struct filesvc *f);
DEFINE_FREEP(struct filesvc, filesvc_free)

struct filesvc_file {
    const char *name;
    const char *type;
    const char *version;
    json_t *set; /* as resources_send() */
};

/* A file for the device, as resources_send(). -EINVAL type or version is too long. */
int filesvc_send(struct filesvc *f, const struct config_device *device,
                 const struct filesvc_file *file, char **ret_url) MUST_CHECK;
/* As resources_retry(). */
int filesvc_retry(struct filesvc *f, const struct config_device *device,
                  const char *name) MUST_CHECK;
/*
 * The device is to delete the file. type and version may be NULL: those that are known, else FILE
 * and 1.0. As items_add(), -EINVAL.
 */
int filesvc_delete(struct filesvc *f, const struct config_device *device,
                   const struct filesvc_file *file) MUST_CHECK;
/* What the recognition of speech says from now on: a text, and a code that is not 0 if it failed.
 * -EMSGSIZE. */
int filesvc_set_asr(struct filesvc *f, const char *text, int code) MUST_CHECK;
/* As items_json(). */
json_t *filesvc_json(const struct filesvc *f, const struct config_device *device);

#endif /* IOTD_LOCALCLOUD_FILESVC_H */
