/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_OTA_H
#define IOTD_LOCALCLOUD_OTA_H

/*
 * The platform's side of firmware: images, tasks that bring devices to one of them, and what each
 * device says of it on $ota/report. Messages: ota.c; images: ota_firmware.c; tasks: ota_tasks.c;
 * what is kept and shown: ota_json.c.
 */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/blobs.h"
#include "examples/localcloud/faults.h"
#include "examples/localcloud/journal.h"
#include "examples/localcloud/store.h"
#include "examples/localcloud/thing.h"

#define OTA_FIRMWARE_MAX 100 /* console guide: per account */
#define OTA_TASKS_MAX 100    /* own choice: the oldest is forgotten */
#define OTA_NAME_MAX 96      /* console guide: 32 characters, of up to three bytes */
#define OTA_DESCRIPTION_MAX 300
#define OTA_CUSTOM_MAX 1536 /* console guide: bytes of the custom information */
#define OTA_TEXT_MAX 128    /* own choice: of a failure */
#define OTA_ERROR_MAX 160

struct ota;

struct ota_deps {
    struct loop *loop;
    const struct cloud_clock *clock;
    const struct config *config;
    struct journal *journal;
    struct faults *faults;
    struct broker *broker;
    struct store *store;
    struct thing *thing;
    struct blobs *blobs;
    int dir; /* of persist.h */
};

int ota_new(struct ota **ret_ota, const struct ota_deps *deps) MUST_CHECK;
struct ota *ota_free(struct ota *o);
DEFINE_FREEP(struct ota, ota_free)

/* Answers report_version, judges report_progress. */
void ota_on_message(struct ota *o, const struct config_device *device, const uint8_t *payload,
                    size_t len);

/* An image; it is there when its file is. */
struct ota_firmware {
    struct list link;
    const struct config_product *product;
    char version[STORE_VERSION_MAX + 1];
    char name[OTA_NAME_MAX + 1];
    char description[OTA_DESCRIPTION_MAX + 1];
    char custom[OTA_CUSTOM_MAX + 1]; /* user_defined of the order */
    char fw_type[16];                /* "" of most: neither mcu nor module */
    char key[BLOBS_KEY_MAX + 1];
    json_t *extra; /* further members of the order, or others than ours; or NULL */
    uint64_t time_s;
};
/* NULL when there is none. */
const struct ota_firmware *ota_find_firmware(const struct ota *o,
                                             const struct config_product *product,
                                             const char *version);
const struct blob *ota_firmware_blob(const struct ota *o, const struct ota_firmware *f);

/* Where a device is on its way, as the console shows it. */
#define OTA_STATES                                                                                 \
    X(pending)                                                                                     \
    X(confirming)                                                                                  \
    X(pushed)                                                                                      \
    X(downloading)                                                                                 \
    X(burning)                                                                                     \
    X(succeeded)                                                                                   \
    X(failed)
#define X(name) OTA_STATE_##name,
enum ota_state { OTA_STATES OTA_STATE_COUNT_ };
#undef X

/* One device of a task; the newest of a device is the one that counts. */
struct ota_status {
    enum ota_state state;
    const char *from; /* the version that it had, "" if it never told */
    const char *target;
    const char *text; /* of a failure */
    int code;
    unsigned percent;
};
/* -ENOENT no task has this device. */
int ota_get_status(const struct ota *o, const struct config_device *device,
                   struct ota_status *ret_status) MUST_CHECK;
/*
 * The user wants it: the order is sent, also again after a failure. -ENOENT no task, or it is
 * done; -ENOTCONN the device is offline.
 */
int ota_confirm(struct ota *o, const struct config_device *device) MUST_CHECK;

/*
 * The desk's requests, as JSON (README). -EINVAL, -ENOENT, -EEXIST, -ENOSPC with a text. The
 * answer is a new reference.
 */
int ota_add_firmware(struct ota *o, const json_t *request, json_t **ret_answer,
                     char ret_error[OTA_ERROR_MAX]) MUST_CHECK;
int ota_remove_firmware(struct ota *o, const json_t *request, json_t **ret_answer,
                        char ret_error[OTA_ERROR_MAX]) MUST_CHECK;
int ota_add_task(struct ota *o, const json_t *request, json_t **ret_answer,
                 char ret_error[OTA_ERROR_MAX]) MUST_CHECK;
int ota_cancel(struct ota *o, const json_t *request, json_t **ret_answer,
               char ret_error[OTA_ERROR_MAX]) MUST_CHECK;
int ota_retry(struct ota *o, const json_t *request, json_t **ret_answer,
              char ret_error[OTA_ERROR_MAX]) MUST_CHECK;
/* Images and tasks with their devices. */
json_t *ota_json(const struct ota *o);

#endif /* IOTD_LOCALCLOUD_OTA_H */
