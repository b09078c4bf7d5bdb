/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_HTTP_CLIENT_H
#define IOTD_LOCALCLOUD_HTTP_CLIENT_H

/* One HTTP request over a connection of its own; blocking, with a deadline. */

#include <stdint.h>

#include "libiotclient/base/macro.h"

/* A body that is no text. */
struct http_client_file {
    int fd; /* at its beginning */
    uint64_t size;
};

struct http_client_request {
    const char *host; /* numeric address or name */
    int port;
    const char *method;
    const char *path;                    /* with its query */
    const char *body;                    /* JSON, or NULL */
    int timeout_ms;                      /* for the whole exchange */
    const struct http_client_file *file; /* instead of body, or NULL */
};

/*
 * The body as a new string. -ETIMEDOUT, -ECONNREFUSED and other system errors; -EPROTO when the
 * answer is not HTTP with a Content-Length; -EMSGSIZE when it is larger than 32 MiB.
 */
int http_client_run(const struct http_client_request *rq, int *ret_status,
                    char **ret_body) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_HTTP_CLIENT_H */
