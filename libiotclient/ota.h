/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_OTA_H
#define IOTD_LIBIOTCLIENT_OTA_H

/*
 * Firmware updates: the one slot that installs, registered again after each attach, with the job
 * that it works on (ota.c); what iotd tells about the update, and what it is asked (ota_info.c).
 */

#include <iotclient/ota.h>

#include "dbus/msg.h"
#include "libiotclient/base/list.h"
#include "libiotclient/slot.h"

struct call;

#define OTA_TEXTS 6     /* of iotc_ota_info */
#define OTA_REQUESTS 16 /* own choice: on their way at the same time; -ENOBUFS */

struct otas {
    struct slot_list serves;
    struct slot_list watches;
    struct list requests;
    unsigned n_requests;
    struct call *ask; /* for all properties */
    bool is_wanted;
    bool is_known;
    iotc_ota_info info;
    char *texts[OTA_TEXTS]; /* of info; NULL: "" */
};

void otas_init(struct otas *otas);
void otas_done(iotc_client *client);
void otas_on_attached(iotc_client *client);
void otas_on_detached(iotc_client *client);
/* A method call of org.iotd1.Installer from iotd. */
void otas_on_call(iotc_client *client, DBusMessage *msg);

/* ota_info.c: from now on, and after each attach, iotd is asked and heard. */
int ota_info_want(iotc_client *client) MUST_CHECK;
void ota_info_on_attached(iotc_client *client);
void ota_info_on_changed(iotc_client *client, DBusMessage *msg);
void ota_info_done(iotc_client *client);
iotc_ota_state ota_state_parse(const char *text);
/* At most 128 bytes of whole characters; NULL is "". -EINVAL: no UTF-8. */
#define OTA_TEXT 128
int ota_cut_text(char buf[OTA_TEXT + 1], const char *text) MUST_CHECK;

/* ota.c: iotd tells another state. */
void ota_serve_on_info(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_OTA_H */
