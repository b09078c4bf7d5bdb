/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: heads, routes, bodies. What goes back is in http_answer.c. */

#include "examples/localcloud/http_lws.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/http_state.h"
#include "libiotclient/base/num.h"

#define STATUS_LENGTH_REQUIRED 411

/* What routes ask for; libwebsockets forgets headers when the body comes. */
static const struct {
    const char *name;
    int token; /* -1: libwebsockets has no token for it */
} kept_headers[HTTP_KEPT_HEADERS] = {
    {"host:", WSI_TOKEN_HOST},
    {"range:", WSI_TOKEN_HTTP_RANGE},
    {"if-range:", WSI_TOKEN_HTTP_IF_RANGE},
    {"content-type:", WSI_TOKEN_HTTP_CONTENT_TYPE},
    {"content-md5:", -1},
    {"x-tc-algorithm:", -1},
    {"x-tc-timestamp:", -1},
    {"x-tc-nonce:", -1},
    {"x-tc-signature:", -1},
};

static const struct {
    const char *name;
    enum lws_token_indexes token;
} methods[] = {
    {"GET", WSI_TOKEN_GET_URI},
    {"HEAD", WSI_TOKEN_HEAD_URI},
    {"POST", WSI_TOKEN_POST_URI},
    {"PUT", WSI_TOKEN_PUT_URI},
};

int http_new(struct http **ret_http, const struct http_route *routes, void *userdata)
{
    struct http *h = calloc(1, sizeof(*h));

    if (!h)
        return -ENOMEM;
    h->routes = routes;
    h->userdata = userdata;
    *ret_http = h;
    return 0;
}

struct http *http_free(struct http *h)
{
    free(h);
    return NULL;
}

const struct http_route *http_request_route(const struct http_request *rq)
{
    return rq->route;
}

const char *http_request_path(const struct http_request *rq)
{
    return rq->path;
}

uint64_t http_request_length(const struct http_request *rq)
{
    return rq->length;
}

const char *http_request_body(const struct http_request *rq, size_t *ret_len)
{
    *ret_len = rq->body.len;
    return rq->body.data ? rq->body.data : "";
}

const char *http_request_header(const struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kept_headers); i++) {
        size_t len = strlen(kept_headers[i].name) - 1;

        if (strlen(name) == len && strncmp(kept_headers[i].name, name, len) == 0)
            return rq->headers[i];
    }
    return "";
}

int http_request_text(const struct http_request *rq, const char *name, char *buf, size_t size)
{
    size_t name_len = strlen(name), len;

    for (const char *p = rq->query, *end; *p; p = *end ? end + 1 : end) {
        end = p + strcspn(p, "&");
        if (strncmp(p, name, name_len) != 0 || p[name_len] != '=')
            continue;
        p += name_len + 1;
        len = (size_t) (end - p);
        if (len >= size)
            return -ENOBUFS;
        memcpy(buf, p, len);
        buf[len] = '\0';
        return 0;
    }
    return -ENOENT;
}

int http_request_number(const struct http_request *rq, const char *name, uint64_t max,
                        uint64_t *value)
{
    char text[24];
    uint64_t number;
    int e = http_request_text(rq, name, text, sizeof(text));

    if (e < 0)
        return e == -ENOENT ? 0 : -ERANGE;
    e = num_parse_u64(text, &number);
    if (e < 0)
        return e;
    if (number > max)
        return -ERANGE;
    *value = number;
    return 0;
}

void http_request_on_cancel(struct http_request *rq, void (*fn)(void *userdata), void *userdata)
{
    rq->on_cancel = fn;
    rq->cancel_userdata = userdata;
}

void http_request_set_sink(struct http_request *rq, const struct http_sink *sink, void *userdata)
{
    rq->sink = sink;
    rq->sink_userdata = userdata;
}

static void request_run(struct http_request *rq)
{
    const struct http *h = lws_vhost_user(lws_get_vhost(rq->wsi));
    const struct http_sink *sink = TAKE(rq->sink);

    if (sink)
        sink->end(rq, rq->sink_userdata);
    else if (rq->body.error == -EMSGSIZE)
        http_request_fail(rq, HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "the body is larger than 1 MiB");
    else if (rq->body.error < 0)
        http_request_answer(rq, HTTP_STATUS_INTERNAL_SERVER_ERROR, NULL);
    else
        rq->route->fn(rq, h->userdata);
    if (rq->active)
        http_request_hold(rq);
}

static void copy_query(struct http_request *rq)
{
    size_t len = 0;
    char part[HTTP_QUERY_MAX];
    int n;

    for (int i = 0;
         (n = lws_hdr_copy_fragment(rq->wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i)) > 0;
         i++) {
        if (len + (size_t) n + 2 > sizeof(rq->query))
            return;
        if (len > 0)
            rq->query[len++] = '&';
        memcpy(rq->query + len, part, (size_t) n);
        len += (size_t) n;
    }
}

static void copy_headers(struct http_request *rq)
{
    for (size_t i = 0; i < ARRAY_SIZE(kept_headers); i++) {
        char *to = rq->headers[i];
        const char *name = kept_headers[i].name;
        int n;

        if (kept_headers[i].token >= 0)
            n = lws_hdr_copy(rq->wsi, to, HTTP_HEADER_MAX,
                             (enum lws_token_indexes) kept_headers[i].token);
        else
            n = lws_hdr_custom_copy(rq->wsi, to, HTTP_HEADER_MAX, name, (int) strlen(name));
        if (n < 0)
            to[0] = '\0';
    }
}

static const char *find_method(struct lws *wsi)
{
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (lws_hdr_total_length(wsi, methods[i].token) > 0)
            return methods[i].name;
    }
    return "";
}

/* The route, or a status that says why not. */
static int find_route(struct http_request *rq, const char *path, const char *method)
{
    const struct http *h = lws_vhost_user(lws_get_vhost(rq->wsi));
    int status = HTTP_STATUS_NOT_FOUND;

    for (const struct http_route *r = h->routes; r->path; r++) {
        size_t len = strlen(r->path);
        bool below = r->path[len - 1] == '/';

        if (below ? strncmp(r->path, path, len) != 0 : strcmp(r->path, path) != 0)
            continue;
        if (strcmp(r->method, method) == 0 && strlen(path) - len < sizeof(rq->path)) {
            rq->route = r;
            memcpy(rq->path, path + len, strlen(path) - len);
            return 0;
        }
        status = HTTP_STATUS_METHOD_NOT_ALLOWED;
    }
    return status;
}

static const char *refusal_text(int status)
{
    return status == HTTP_STATUS_NOT_FOUND ? "no such path" : "wrong method";
}

/* A client that waits for leave to send its body gets it; the body of a refused one is read, too.
 */
static int on_expect(struct http_request *rq)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t buf[LWS_PRE + sizeof(text)];

    if (lws_hdr_total_length(rq->wsi, WSI_TOKEN_HTTP_EXPECT) <= 0)
        return 0;
    memcpy(buf + LWS_PRE, text, sizeof(text));
    return lws_write(rq->wsi, buf + LWS_PRE, sizeof(text) - 1, LWS_WRITE_HTTP_HEADERS) < 0 ? -1 : 0;
}

/* A request with a body: what is known before it comes. */
static int on_body_start(struct http_request *rq, int status)
{
    const struct http *h = lws_vhost_user(lws_get_vhost(rq->wsi));

    rq->in_body = rq->length > 0;
    if (status)
        http_request_fail(rq, status, refusal_text(status));
    else if (rq->route->on_head)
        rq->route->on_head(rq, h->userdata);
    if (rq->in_body)
        return on_expect(rq);
    if (!rq->answered) /* libwebsockets tells the end of an empty body for POST only */
        request_run(rq);
    return 0;
}

static int refuse_head(struct lws *wsi, unsigned status)
{
    (void) lws_return_http_status(wsi, status, NULL);
    return -1;
}

static int on_request(struct http_request *rq, struct lws *wsi, const char *path)
{
    const char *method = find_method(wsi);
    bool has_body = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    char length[24];
    int status, n;

    http_request_reset(rq);
    rq->wsi = wsi;
    rq->active = true;
    rq->is_head = strcmp(method, "HEAD") == 0;
    strbuf_init(&rq->body, HTTP_BODY_MAX);
    n = lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (has_body && n <= 0) /* also chunked ones: libwebsockets does not read them */
        return refuse_head(wsi, STATUS_LENGTH_REQUIRED);
    if (n > 0 && (!has_body || num_parse_u64(length, &rq->length) < 0 || rq->length > INT64_MAX))
        return refuse_head(wsi, HTTP_STATUS_BAD_REQUEST);
    copy_query(rq);
    copy_headers(rq);
    status = find_route(rq, path, method);
    if (has_body)
        return on_body_start(rq, status);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* an answer may take its time */
    if (status)
        http_request_fail(rq, status, refusal_text(status));
    else
        request_run(rq);
    return 0;
}

static int on_body(struct http_request *rq, const void *data, size_t len)
{
    if (rq->answered) /* refused */
        return 0;
    if (rq->sink)
        return rq->sink->write(data, len, rq->sink_userdata) < 0 ? -1 : 0;
    strbuf_add(&rq->body, data, len);
    return 0;
}

static void on_body_end(struct http_request *rq)
{
    if (!rq->in_body)
        return;
    rq->in_body = false;
    if (rq->answered)
        lws_callback_on_writable(rq->wsi);
    else
        request_run(rq);
}

static int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t len)
{
    struct http_request *rq = user;

    switch ((int) reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* no WebSocket here */
    case LWS_CALLBACK_HTTP:
        return on_request(rq, wsi, in);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(rq, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        on_body_end(rq);
        return 0;
    case LWS_CALLBACK_TIMER:
        return http_answer_look(rq);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_answer_write(rq);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (rq)
            http_request_reset(rq);
        return 0;
    default:
        return 0;
    }
}

const struct lws_protocols http_lws_protocols[] = {
    {.name = "http",
     .callback = http_callback,
     .per_session_data_size = sizeof(struct http_request),
     .tx_packet_size = HTTP_CHUNK + HTTP_CHUNK_HEAD + 2},
    {.name = NULL},
};
