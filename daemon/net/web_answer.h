/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_WEB_ANSWER_H
#define IOTD_NET_WEB_ANSWER_H

/* HTTP/1.1 as a client reads it (RFC 9112): the head of an answer, and chunks. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"

#define WEB_UNKNOWN UINT64_MAX

struct web_answer {
    unsigned status;
    uint64_t length;              /* Content-Length; WEB_UNKNOWN: none, or chunks */
    bool chunked;                 /* Transfer-Encoding */
    bool encoded;                 /* a Content-Encoding that nobody asked for */
    bool has_range;               /* Content-Range: bytes from-to/total */
    uint64_t from, to;            /* of it, both included; WEB_UNKNOWN of an unsatisfied one */
    uint64_t total;               /* of it; WEB_UNKNOWN: "*" */
    char location[LIMIT_URL + 1]; /* ""; one that is too long counts as none */
};

/* The length of the head at the beginning of data, with its empty line; 0: not all of it is there.
 */
size_t web_head_len(const char *data, size_t len);
/* len as above. 0; -EPROTO not the head of an HTTP/1 answer, or one that contradicts itself */
int web_head_parse(struct web_answer *ret_answer, const char *data, size_t len) MUST_CHECK;

/* Zero-initialised at the begin of a body. */
struct web_chunks {
    unsigned state;
    uint64_t left;   /* of the chunk */
    unsigned digits; /* of its size */
    size_t overhead; /* bytes of lines since the last data */
};

/*
 * Takes bytes off the front of data; what they hold is in ret_piece, perhaps nothing.
 * @return 0; WEB_CHUNKS_END the body is complete; -EPROTO
 */
enum { WEB_CHUNKS_END = 1 };
int web_chunks_next(struct web_chunks *c, const uint8_t **data, size_t *len,
                    const uint8_t **ret_piece, size_t *ret_piece_len) MUST_CHECK;

/* Where a Location leads, seen from an http(s) URL. -EINVAL it cannot be or is too long */
int web_url_join(char ret_url[LIMIT_URL + 1], const char *base, const char *location) MUST_CHECK;

#endif /* IOTD_NET_WEB_ANSWER_H */
