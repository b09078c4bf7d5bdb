/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FIRMWARE_H
#define IOTD_CLOUD_FIRMWARE_H

/*
 * Firmware messages of the device on $ota/report and $ota/update (device guide, firmware update):
 * tells the cloud which version runs here.
 */

#include "daemon/cloud/link.h"
#include "libiotclient/base/limits.h"

#define FIRMWARE_VERSION_SIZE (LIMIT_VERSION + 1)

struct firmware;

/* Adds its topic to the link's filters. link and ident are borrowed. */
int firmware_new(struct firmware **ret_firmware, struct link *link,
                 const struct ident *ident) MUST_CHECK;
struct firmware *firmware_free(struct firmware *f);
DEFINE_FREEP(struct firmware, firmware_free)

/* What runs here, name_is_version(); "" is not reported. Another one is reported at once while the
 * link is up. */
void firmware_set_version(struct firmware *f, const char *version);
/* After each connect: the cloud sends an update that waits only after a report. */
void firmware_report_version(struct firmware *f);

#endif /* IOTD_CLOUD_FIRMWARE_H */
