/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_HTTP_STATE_H
#define IOTD_LOCALCLOUD_HTTP_STATE_H

/* What http_lws.c (requests) and http_answer.c (answers) share; for them only. */

#include <libwebsockets.h>

#include "examples/localcloud/http.h"
#include "libiotclient/base/strbuf.h"

#define HTTP_KEPT_HEADERS 9
#define HTTP_CHUNK_HEAD 16 /* room for a line with the length of a chunk, and its end */

struct http {
    const struct http_route *routes;
    void *userdata;
    /* Of whoever sends at the moment: what the socket does not take, libwebsockets copies. */
    uint8_t chunk[LWS_PRE + HTTP_CHUNK_HEAD + HTTP_CHUNK + 2];
};

/* One connection; its fields are of the current request. libwebsockets allocates it, zeroed. */
struct http_request {
    struct lws *wsi;
    const struct http_route *route;
    struct strbuf body;
    char query[HTTP_QUERY_MAX];
    char path[HTTP_PATH_MAX];
    char headers[HTTP_KEPT_HEADERS][HTTP_HEADER_MAX];
    uint64_t length; /* of the body that comes */
    uint64_t due_us; /* while holding: when a source is asked again; 0: never */
    bool active;     /* between request and answer */
    bool in_body;    /* an answer has to wait for the end of the body */
    bool is_head;    /* an answer has no body */
    bool holding;    /* the answer takes its time */
    bool answered;   /* head and answer, or head and source, are there */
    bool head_sent;
    bool chunked;
    bool closing; /* the connection ends with the answer */
    struct strbuf head;
    uint8_t *answer; /* LWS_PRE of room, then the text; NULL: none, or a source */
    size_t answer_len;
    const struct http_source *source;
    void *source_userdata;
    const struct http_sink *sink;
    void *sink_userdata;
    void (*on_cancel)(void *userdata);
    void *cancel_userdata;
};

/* Frees what a request holds; the connection is ready for the next one. */
void http_request_reset(struct http_request *rq);
void http_request_hold(struct http_request *rq);
/* Timer and writable callback of the connection; -1 ends it. */
int http_answer_look(struct http_request *rq);
int http_answer_write(struct http_request *rq);

#endif /* IOTD_LOCALCLOUD_HTTP_STATE_H */
