/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FILESVC_STATE_H
#define IOTD_LOCALCLOUD_FILESVC_STATE_H

/* What filesvc.c, filesvc_desk.c and filesvc_asr.c share; for them only. */

#include "examples/localcloud/filesvc.h"

#define FILESVC_DOWN "$thing/down/service"

struct filesvc {
    struct filesvc_deps deps;
    struct items *items;
    char asr_text[FILESVC_ASR_TEXT_MAX + 1];
    int asr_code;
};

/* NULL, or what is wrong with the message. */
const char *filesvc_take_asr(struct filesvc *f, const struct config_device *device,
                             const json_t *message);
/* Tells the device of the file. */
void filesvc_push(struct filesvc *f, struct item *item);

#endif /* IOTD_LOCALCLOUD_FILESVC_STATE_H */
