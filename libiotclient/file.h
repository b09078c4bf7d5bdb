/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_FILE_H
#define IOTD_LIBIOTCLIENT_FILE_H

/*
 * Files and resources: single requests and news (file.c), and uploads, each followed by the object
 * that iotd has for it (file_upload.c).
 */

#include <iotclient/file.h>

#include "dbus/msg.h"
#include "libiotclient/base/list.h"
#include "libiotclient/slot.h"

#define FILE_KINDS 2
#define FILE_REQUESTS 64 /* own choice: on their way at the same time, uploads too; -ENOBUFS */

struct files {
    struct slot_list watches[FILE_KINDS];
    struct list requests;
    struct list uploads;
    unsigned n_pending; /* of both */
    uint64_t last_id;
};

void files_init(struct files *files);
void files_done(iotc_client *client);
void files_on_attached(iotc_client *client);
void files_on_detached(iotc_client *client);
/* A signal of org.iotd1.Files or org.iotd1.Resources. */
void files_on_signal(iotc_client *client, DBusMessage *msg);

/* 0, or why nothing can be asked now. */
int file_may_begin(iotc_client *client) MUST_CHECK;
bool file_is_kind(iotc_file_kind kind);
const char *file_iface(iotc_file_kind kind);

/* file_upload.c */
void uploads_on_detached(iotc_client *client);
void uploads_done(iotc_client *client);
/* PropertiesChanged of org.iotd1.Transfer. */
void uploads_on_changed(iotc_client *client, DBusMessage *msg);

#endif /* IOTD_LIBIOTCLIENT_FILE_H */
