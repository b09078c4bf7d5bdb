/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FIRMWARE_H
#define IOTD_CLOUD_FIRMWARE_H

/*
 * Firmware messages of the device on $ota/report and $ota/update (device guide, firmware update):
 * which version runs here, what the cloud orders, how far that is. Knows nothing of images.
 */

#include "daemon/cloud/firmware_order.h"
#include "daemon/cloud/link.h"

struct firmware;

/* News; members may be NULL. */
struct firmware_events {
    /* An order that is well formed; the callee's. One that is not was answered with code -5. */
    void (*on_order)(struct firmware_order *order, void *userdata);
    /* The cloud has this version, in this run. */
    void (*on_reported)(const char *version, void *userdata);
};

/* Adds its topic to the link's filters. link and ident are borrowed. */
int firmware_new(struct firmware **ret_firmware, struct link *link,
                 const struct ident *ident) MUST_CHECK;
struct firmware *firmware_free(struct firmware *f);
DEFINE_FREEP(struct firmware, firmware_free)

/* events is borrowed, for the life of f. */
void firmware_set_events(struct firmware *f, const struct firmware_events *events, void *userdata);

/* What runs here, name_is_version(); "" is not reported. Another one is reported at once while the
 * link is up. */
void firmware_set_version(struct firmware *f, const char *version);
/* After each connect: the cloud sends an update that waits only after a report. */
void firmware_report_version(struct firmware *f);

/* "downloading", "burning", "done", "fail" (device guide). */
enum firmware_step {
    FIRMWARE_STEP_DOWNLOADING,
    FIRMWARE_STEP_BURNING,
    FIRMWARE_STEP_DONE,
    FIRMWARE_STEP_FAIL,
    FIRMWARE_STEP_COUNT_,
};

struct firmware_progress {
    enum firmware_step step;
    const char *version; /* of the order */
    const char *fw_type; /* the same; "" if none */
    unsigned percent;    /* of a download */
    int code;            /* of a failure */
    const char *text;    /* the same, for people */
};

#define FIRMWARE_TEXT_MAX 128 /* own choice: bytes of result_msg; the rest is cut off */

/*
 * Results (done, fail) go out with QoS 1, also when the link is down, and acked hears how that
 * ended, as mqtt_session_publish(); the rest is QoS 0.
 * @return 0; -ENETDOWN there is no link for a QoS 0 one; -ENOBUFS; -ENOMEM
 */
int firmware_report_progress(struct firmware *f, const struct firmware_progress *progress,
                             mqtt_acked_fn acked, void *userdata) MUST_CHECK;

#endif /* IOTD_CLOUD_FIRMWARE_H */
