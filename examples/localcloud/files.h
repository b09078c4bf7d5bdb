/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_FILES_H
#define IOTD_LOCALCLOUD_FILES_H

/*
 * GET, HEAD and PUT of /files/KEY with what a pre-signed URL carries: sign, expires, size, md5.
 * Requests: files.c; bodies that leave, and what faults make of them: files_source.c.
 */

#include <jansson.h>

#include "examples/localcloud/blobs.h"
#include "examples/localcloud/faults.h"
#include "examples/localcloud/http.h"

struct files {
    struct loop *loop;
    struct blobs *blobs;
    struct faults *faults;
    struct journal *journal;
    uint64_t n_downloads, n_uploads;  /* requests */
    uint64_t bytes_sent, bytes_taken; /* of bodies */
};

void files_on_get(struct files *f, struct http_request *rq, bool is_head);
/* For on_head of a route. */
void files_on_put(struct files *f, struct http_request *rq);
/* For GET /state. */
json_t *files_json(const struct files *f);

#endif /* IOTD_LOCALCLOUD_FILES_H */
