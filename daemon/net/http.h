/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_HTTP_H
#define IOTD_NET_HTTP_H

/* Short HTTP requests: the answer is kept whole, up to a cap. No redirects, no cookies. */

#include <stddef.h>
#include <stdint.h>

#include "daemon/net/endpoint.h"
#include "libiotclient/base/macro.h"

struct loop_lws;
struct tls;
struct http;
struct http_call;

struct http_header {
    const char *name; /* with its colon: "content-type:" */
    const char *value;
};

/* Everything is borrowed for the time of http_start() only. */
struct http_request {
    const char *method;
    const struct endpoint *url; /* of endpoint_parse_http() */
    const struct http_header *headers;
    size_t n_headers;
    const char *body;
    size_t body_len;
    size_t max_answer;   /* a longer body is a failure */
    uint64_t timeout_us; /* for all of it */
};

enum http_outcome {
    HTTP_ANSWERED,    /* status and body */
    HTTP_UNREACHABLE, /* no address, or nobody there */
    HTTP_FAILED,      /* somebody was there, but there is no whole answer */
};

struct http_result {
    enum http_outcome outcome;
    unsigned status;
    const char *body; /* NUL-terminated for convenience */
    size_t len;
    const char *reason; /* for people, unless answered */
};

/* Once, from the loop, unless freed before. */
typedef void (*http_fn)(const struct http_result *result, void *userdata);

/*
 * tls: for https://, borrowed, outlives it; made for the host of the requests, which then are one
 * at a time. NULL: http:// only. -ENOMEM
 */
int http_new(struct http **ret_http, struct loop_lws *loop, struct tls *tls) MUST_CHECK;
/* After all calls. */
struct http *http_free(struct http *http);
DEFINE_FREEP(struct http, http_free)

/* 0; -EOPNOTSUPP https without TLS; -ENOMEM; -EMSGSIZE too many or too long headers; what
 * resolve_start() failed with. */
int http_start(struct http_call **ret_call, struct http *http, const struct http_request *request,
               http_fn fn, void *userdata) MUST_CHECK;
/* Cancels if it still runs. Legal inside fn. */
struct http_call *http_call_free(struct http_call *call);
DEFINE_FREEP(struct http_call, http_call_free)

#endif /* IOTD_NET_HTTP_H */
