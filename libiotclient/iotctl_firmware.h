/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_IOTCTL_FIRMWARE_H
#define IOTD_LIBIOTCLIENT_IOTCTL_FIRMWARE_H

/* Between iotctl_firmware.c, iotctl_file.c and iotctl_follow.c. */

#include "libiotclient/iotctl.h"

/* The properties of org.iotd1.Firmware; texts live as long as the reply. */
struct ctl_firmware {
    DBusMessage *reply;
    const char *state, *version, *target, *reason, *custom, *extra, *installer;
    uint64_t size, done, percent;
    int64_t code;
    bool confirm;
};

int ctl_firmware_get(struct ctl *ctl, struct ctl_firmware *ret_firmware) MUST_CHECK;
void ctl_firmware_done(struct ctl_firmware *fw);
/* "1.2 MiB" */
void ctl_add_bytes(struct strbuf *sb, uint64_t n);

/* A bar on the terminal, over the one before. */
struct ctl_bar {
    const char *label;
    unsigned percent; /* 0 to 100 */
    bool has_bytes;
    uint64_t done, size;
};
void ctl_bar_draw(const struct ctl_bar *bar);
void ctl_bar_wipe(void);

/* Before the call that sets it off. */
int ctl_follow_begin(struct ctl *ctl) MUST_CHECK;
/* Prints how the update goes until it ends: CTL_OK installed, CTL_FAILED told why. */
int ctl_follow(struct ctl *ctl) MUST_CHECK;

#endif /* IOTD_LIBIOTCLIENT_IOTCTL_FIRMWARE_H */
