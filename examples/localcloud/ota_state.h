/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_OTA_STATE_H
#define IOTD_LOCALCLOUD_OTA_STATE_H

/* What the ota*.c files share; for them only. */

#include "examples/localcloud/ota.h"

struct ota {
    struct ota_deps deps;
    struct list firmware; /* oldest first */
    size_t n_firmware;
    struct list tasks; /* oldest first */
    size_t n_tasks;
    uint64_t last_task;
};

/* A device in a task. */
struct ota_job {
    struct list link;
    struct ota_task *task;
    const struct config_device *device;
    enum ota_state state;
    bool confirmed; /* the user said yes, or nobody asks */
    char from[STORE_VERSION_MAX + 1];
    char text[OTA_TEXT_MAX + 1];
    int code;
    unsigned percent;
    uint64_t changed_ms;
    struct loop_timer timer; /* since the last message: then the order is sent again */
};

struct ota_task {
    struct list link;
    struct ota *ota;
    uint64_t id;
    const struct config_product *product;
    char version[STORE_VERSION_MAX + 1];
    bool dynamic; /* devices that match later join */
    bool confirm; /* the user is asked */
    uint64_t timeout_s;
    uint64_t time_s;
    json_t *from;    /* versions that it is for; NULL: any */
    json_t *devices; /* names that it is for; NULL: all */
    struct list jobs;
};

extern const char *const ota_state_names[OTA_STATE_COUNT_ + 1];

static inline bool ota_is_over(enum ota_state state)
{
    return state == OTA_STATE_succeeded || state == OTA_STATE_failed;
}

/* 1 to 32 of [A-Za-z0-9.-_] (console guide, firmware version). */
bool ota_is_version(const char *text);
/* The newest job of a device, or NULL. */
struct ota_job *ota_newest_job(const struct ota *o, const struct config_device *device);
void ota_job_set(struct ota_job *job, enum ota_state state, int code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The device lives: the time-out starts again. */
void ota_job_touch(struct ota_job *job);
/* The device told its version: finds its task, sends the order or notes the success. */
void ota_on_version(struct ota *o, const struct config_device *device);

struct ota_firmware *ota_firmware_free(struct ota_firmware *f);
DEFINE_FREEP(struct ota_firmware, ota_firmware_free)
struct ota_task *ota_task_free(struct ota_task *t);
DEFINE_FREEP(struct ota_task, ota_task_free)
int ota_parse_firmware(const struct ota *o, const json_t *request,
                       struct ota_firmware **ret_firmware, char error[OTA_ERROR_MAX]);
int ota_parse_task(struct ota *o, const json_t *request, struct ota_task **ret_task,
                   char error[OTA_ERROR_MAX]);
/* -ENOMEM. */
int ota_job_new(struct ota_job **ret_job, struct ota_task *task,
                const struct config_device *device);

json_t *ota_firmware_json(const struct ota *o, const struct ota_firmware *f);
json_t *ota_task_json(const struct ota_task *t);
/* Everything, to be found again by ota_load(); a failure is in the journal. */
void ota_save(const struct ota *o);
int ota_load(struct ota *o) MUST_CHECK;

int ota_wrong(char error[OTA_ERROR_MAX], int e, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif /* IOTD_LOCALCLOUD_OTA_STATE_H */
