/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_DESK_FILES_H
#define IOTD_LOCALCLOUD_DESK_FILES_H

/* The desk's routes for files and firmware; their userdata is a struct desk. */

#include "examples/localcloud/http.h"

/* GET, and HEAD with tag 1, of /files/. */
void desk_on_file_get(struct http_request *rq, void *userdata);
void desk_on_file_put(struct http_request *rq, void *userdata);
void desk_on_file_url(struct http_request *rq, void *userdata);

/* Tag: which request it is. */
enum desk_firmware {
    DESK_FIRMWARE_ADD,
    DESK_FIRMWARE_REMOVE,
    DESK_FIRMWARE_TASK,
    DESK_FIRMWARE_CANCEL,
    DESK_FIRMWARE_RETRY,
};
void desk_on_firmware_post(struct http_request *rq, void *userdata);
void desk_on_firmware_get(struct http_request *rq, void *userdata);

#endif /* IOTD_LOCALCLOUD_DESK_FILES_H */
