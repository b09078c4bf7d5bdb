/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_PUT_H
#define IOTD_NET_PUT_H

/* Uploads a file with one PUT to a pre-signed http:// or https:// address. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/net/fetch.h"
#include "libiotclient/base/macro.h"

struct put;

/* Borrowed for the time of the call. */
struct put_request {
    const char *url;          /* at most LIMIT_URL bytes */
    int fd;                   /* regular file, read from 0; is duplicated, its offset not used */
    uint64_t size;            /* of it; a file that is shorter by then ends the upload */
    const uint8_t *md5;       /* 16 bytes; NULL: reckoned from the file first */
    const char *content_type; /* NULL: application/octet-stream */
    uint64_t idle_us;         /* in which nothing moves; 0: FETCH_IDLE_US */
    uint64_t total_us;        /* all of it; 0: FETCH_TOTAL_US */
};

struct put_end {
    enum transfer_result result; /* MISMATCH: the server found another MD5 (400) */
    const char *text;            /* for people, also of an OK one */
    unsigned status;             /* of the answer; 0: none */
    uint8_t md5[16];             /* of the file, once known */
};

/* As those of a fetch. */
struct put_events {
    void (*progress)(uint64_t done, void *userdata);
    void (*done)(const struct put_end *end, void *userdata);
};

/*
 * PUT with Content-Length and Content-MD5. A broken connection is made again, with back-off, and
 * everything is sent again; no redirects.
 * @return 0; -EINVAL the URL, file or type cannot be; -ENOMEM
 */
int put_start(struct put **ret_put, struct fetcher *fetcher, const struct put_request *request,
              const struct put_events *events, void *userdata) MUST_CHECK;
/* Cancels if it still runs. Legal inside the events. */
struct put *put_free(struct put *put);
DEFINE_FREEP(struct put, put_free)

#endif /* IOTD_NET_PUT_H */
