/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_HTTP_H
#define IOTD_LOCALCLOUD_HTTP_H

/*
 * A small HTTP server for JSON: routes, bodies with a cap, answers now or later. The part on
 * libwebsockets is http_lws.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

#define HTTP_BODY_MAX (1024 * 1024)
#define HTTP_QUERY_MAX 256
#define HTTP_HEADER_MAX 256 /* a longer one counts as not sent */

struct http;
struct http_request;

typedef void (*http_route_fn)(struct http_request *rq, void *userdata);

struct http_route {
    const char *method; /* GET, POST */
    const char *path;
    http_route_fn fn;
    unsigned tag; /* for the route's own use */
};

/* routes end with a NULL path and live as long as http. */
int http_new(struct http **ret_http, const struct http_route *routes, void *userdata) MUST_CHECK;
struct http *http_free(struct http *h);
DEFINE_FREEP(struct http, http_free)

/* For routes. */
const struct http_route *http_request_route(const struct http_request *rq);
const char *http_request_body(const struct http_request *rq, size_t *ret_len);
/* "host", "x-tc-algorithm", "x-tc-timestamp", "x-tc-nonce", "x-tc-signature"; "" if not sent. */
const char *http_request_header(const struct http_request *rq, const char *name);
/* A number of the query string; value keeps its default when it is missing. -EINVAL, -ERANGE. */
int http_request_number(const struct http_request *rq, const char *name, uint64_t max,
                        uint64_t *value) MUST_CHECK;
/* Exactly once per request. text is JSON and taken over; NULL makes it a 500. */
void http_request_answer(struct http_request *rq, int status, char *text);
/* {"error":"…"} */
void http_request_fail(struct http_request *rq, int status, const char *text);
/* Runs when the client leaves before the answer; the request is gone afterwards. */
void http_request_on_cancel(struct http_request *rq, void (*fn)(void *userdata), void *userdata);

#endif /* IOTD_LOCALCLOUD_HTTP_H */
