/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_HTTP_H
#define IOTD_LOCALCLOUD_HTTP_H

/*
 * A small HTTP server: routes, bodies with a cap or into a sink, answers now or later, as text or
 * from a source. The part on libwebsockets is http_lws.c and http_answer.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

#define HTTP_BODY_MAX (1024 * 1024)
#define HTTP_QUERY_MAX 512
#define HTTP_PATH_MAX 256
#define HTTP_HEADER_MAX 256 /* a longer one counts as not sent */
/* Bytes that a source is asked for at once. */
#define HTTP_CHUNK (256 * 1024)

struct http;
struct http_request;

typedef void (*http_route_fn)(struct http_request *rq, void *userdata);

struct http_route {
    const char *method; /* GET, HEAD, POST, PUT */
    const char *path;   /* one that ends with a slash is that of all below */
    http_route_fn fn;
    unsigned tag; /* for the route's own use */
    /*
     * Runs before the body: may set a sink for it, or answer, which comes after the body, which
     * is then ignored. Without a sink the body is kept for fn; with one fn does not run.
     */
    http_route_fn on_head;
};

/* Takes a body as it comes, of any length. */
struct http_sink {
    /* 0, or a negative errno that ends the connection. */
    int (*write)(const void *data, size_t len, void *userdata);
    /* The body is complete: answers. The sink is gone afterwards, as after cancel. */
    void (*end)(struct http_request *rq, void *userdata);
    void (*cancel)(void *userdata);
};

/* Makes a body while it leaves. */
struct http_source {
    /*
     * 0 and the next bytes (none: the end), or -EAGAIN and after how long to ask again, or
     * another negative errno, which ends the connection after what was sent.
     */
    int (*read)(uint8_t *buf, size_t size, size_t *ret_len, uint64_t *ret_wait_us, void *userdata);
    /* Once, also when nothing was read. */
    void (*done)(void *userdata);
};

/* routes end with a NULL path and live as long as http. */
int http_new(struct http **ret_http, const struct http_route *routes, void *userdata) MUST_CHECK;
struct http *http_free(struct http *h);
DEFINE_FREEP(struct http, http_free)

/* For routes. */
const struct http_route *http_request_route(const struct http_request *rq);
const char *http_request_body(const struct http_request *rq, size_t *ret_len);
/* The part of the path behind that of the route. */
const char *http_request_path(const struct http_request *rq);
/* What Content-Length announces. */
uint64_t http_request_length(const struct http_request *rq);
/* One of http_kept_headers, without the colon; "" if not sent. */
const char *http_request_header(const struct http_request *rq, const char *name);
/* A number of the query string; value keeps its default when it is missing. -EINVAL, -ERANGE. */
int http_request_number(const struct http_request *rq, const char *name, uint64_t max,
                        uint64_t *value) MUST_CHECK;
/* A text of the query string, decoded. -ENOENT, -ENOBUFS. */
int http_request_text(const struct http_request *rq, const char *name, char *buf,
                      size_t size) MUST_CHECK;
/* For on_head. */
void http_request_set_sink(struct http_request *rq, const struct http_sink *sink, void *userdata);
/* Exactly once per request. text is JSON and taken over; NULL makes it a 500. */
void http_request_answer(struct http_request *rq, int status, char *text);

/* Another answer than one in JSON. */
struct http_answer {
    int status;
    const char *type;    /* borrowed for the call */
    const char *headers; /* further ones, each with its line end; borrowed for the call */
    uint64_t length;     /* of the body, also when it is not sent because of HEAD */
    bool chunked;        /* with transfer encoding and no length */
    bool endless;        /* until the connection ends, and no length */
};
/* text is taken over, its length is found here. */
void http_request_answer_text(struct http_request *rq, const struct http_answer *answer,
                              char *text);
/* The body comes from a source, which is done in any case. */
void http_request_answer_source(struct http_request *rq, const struct http_answer *answer,
                                const struct http_source *source, void *userdata);
/* {"error":"…"} */
void http_request_fail(struct http_request *rq, int status, const char *text);
/* Runs when the client leaves before the answer; the request is gone afterwards. */
void http_request_on_cancel(struct http_request *rq, void (*fn)(void *userdata), void *userdata);

#endif /* IOTD_LOCALCLOUD_HTTP_H */
