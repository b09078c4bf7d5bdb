/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FIRMWARE_H
#define IOTD_CLOUD_FIRMWARE_H

/*
 * Firmware messages of the device on $ota/report and $ota/update (device guide, firmware update):
 * tells the cloud which version runs here.
 */

#include "daemon/cloud/link.h"

#define FIRMWARE_VERSION_SIZE (32 + 1) /* vendor SDK: 1 to 32 characters */

struct firmware;

/* Adds its topic to the link's filters. link and ident are borrowed. */
int firmware_new(struct firmware **ret_firmware, struct link *link,
                 const struct ident *ident) MUST_CHECK;
struct firmware *firmware_free(struct firmware *f);
DEFINE_FREEP(struct firmware, firmware_free)

/* What runs here; "" is not reported. Another one is reported at once while the link is up. */
void firmware_set_version(struct firmware *f, const char *version);
/* After each connect: the cloud sends an update that waits only after a report. */
void firmware_report_version(struct firmware *f);

#endif /* IOTD_CLOUD_FIRMWARE_H */
