/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_OTA_H
#define IOTD_LOCALCLOUD_OTA_H

/* The platform's side of $ota/report: which firmware a device runs. */

#include <stddef.h>
#include <stdint.h>

#include "examples/localcloud/faults.h"
#include "examples/localcloud/journal.h"
#include "examples/localcloud/store.h"
#include "examples/localcloud/thing.h"

struct ota_deps {
    struct journal *journal;
    struct faults *faults;
    struct store *store;
    struct thing *thing;
};

/* Answers report_version, takes report_progress. */
void ota_on_message(const struct ota_deps *deps, const struct config_device *device,
                    const uint8_t *payload, size_t len);

#endif /* IOTD_LOCALCLOUD_OTA_H */
