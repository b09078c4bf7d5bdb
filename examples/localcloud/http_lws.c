/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/http_lws.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "examples/localcloud/http.h"
#include "libiotclient/base/num.h"
#include "libiotclient/base/strbuf.h"

#define STATUS_LENGTH_REQUIRED 411
#define HEADERS_MAX 1024
#define LOOK_AGAIN_US 500000 /* how soon a client that left is noticed */

/* What routes ask for; libwebsockets forgets headers when the body comes. */
static const char *const kept_headers[] = {
    "host:", "x-tc-algorithm:", "x-tc-timestamp:", "x-tc-nonce:", "x-tc-signature:",
};

struct http {
    const struct http_route *routes;
    void *userdata;
};

/* One connection; its fields are of the current request. libwebsockets allocates it, zeroed. */
struct http_request {
    struct lws *wsi;
    const struct http_route *route;
    struct strbuf body;
    char query[HTTP_QUERY_MAX];
    char headers[ARRAY_SIZE(kept_headers)][HTTP_HEADER_MAX];
    bool active;  /* between request and answer */
    bool holding; /* the answer takes its time */
    int refusal;  /* a status that is known before the body is read, or 0 */
    int status;
    uint8_t *answer; /* LWS_PRE of room, then the text */
    size_t answer_len;
    void (*on_cancel)(void *userdata);
    void *cancel_userdata;
};

int http_new(struct http **ret_http, const struct http_route *routes, void *userdata)
{
    struct http *h = calloc(1, sizeof(*h));

    if (!h)
        return -ENOMEM;
    *h = (struct http){.routes = routes, .userdata = userdata};
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

const char *http_request_body(const struct http_request *rq, size_t *ret_len)
{
    *ret_len = rq->body.len;
    return rq->body.data ? rq->body.data : "";
}

const char *http_request_header(const struct http_request *rq, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kept_headers); i++) {
        size_t len = strlen(kept_headers[i]) - 1;

        if (strlen(name) == len && strncmp(kept_headers[i], name, len) == 0)
            return rq->headers[i];
    }
    return "";
}

int http_request_number(const struct http_request *rq, const char *name, uint64_t max,
                        uint64_t *value)
{
    char copy[HTTP_QUERY_MAX], *rest = copy, *pair;
    size_t len = strlen(name);
    uint64_t number;
    int e;

    memcpy(copy, rq->query, sizeof(copy));
    while ((pair = strsep(&rest, "&"))) {
        if (strncmp(pair, name, len) != 0 || pair[len] != '=')
            continue;
        e = num_parse_u64(pair + len + 1, &number);
        if (e < 0)
            return e;
        if (number > max)
            return -ERANGE;
        *value = number;
        return 0;
    }
    return 0;
}

void http_request_on_cancel(struct http_request *rq, void (*fn)(void *userdata), void *userdata)
{
    rq->on_cancel = fn;
    rq->cancel_userdata = userdata;
}

/*
 * libwebsockets does not read while an answer is due, but goes on polling for input: a client
 * that leaves would keep it spinning. So input is off meanwhile, and a timer looks for the end.
 */
static void request_hold(struct http_request *rq)
{
    rq->holding = true;
    (void) lws_rx_flow_control(rq->wsi, 0);
    lws_set_timer_usecs(rq->wsi, LOOK_AGAIN_US);
}

static void request_unhold(struct http_request *rq)
{
    if (!rq->holding)
        return;
    rq->holding = false;
    lws_set_timer_usecs(rq->wsi, LWS_SET_TIMER_USEC_CANCEL);
    (void) lws_rx_flow_control(rq->wsi, 1);
}

static int on_look_again(struct http_request *rq)
{
    char c;

    if (!rq->holding)
        return 0;
    if (recv(lws_get_socket_fd(rq->wsi), &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        return -1;
    lws_set_timer_usecs(rq->wsi, LOOK_AGAIN_US);
    return 0;
}

void http_request_answer(struct http_request *rq, int status, char *text)
{
    static const char no_memory[] = "{\"error\":\"no memory\"}";
    const char *body = text ? text : no_memory;
    size_t len = strlen(body);

    free(rq->answer);
    rq->answer = malloc(LWS_PRE + len + 1);
    if (rq->answer)
        memcpy(rq->answer + LWS_PRE, body, len + 1);
    rq->answer_len = len;
    rq->status = text ? status : HTTP_STATUS_INTERNAL_SERVER_ERROR;
    rq->on_cancel = NULL;
    rq->active = false;
    free(text);
    request_unhold(rq); /* or the writable callback would not come */
    lws_callback_on_writable(rq->wsi);
}

void http_request_fail(struct http_request *rq, int status, const char *text)
{
    struct strbuf sb;
    char *json = NULL;

    strbuf_init(&sb, 1024);
    strbuf_adds(&sb, "{\"error\":");
    strbuf_add_json(&sb, text);
    strbuf_addc(&sb, '}');
    if (strbuf_finish(&sb, &json) < 0)
        json = NULL;
    http_request_answer(rq, status, json);
}

static void request_reset(struct http_request *rq)
{
    if (rq->active && rq->on_cancel)
        rq->on_cancel(rq->cancel_userdata);
    if (rq->wsi)
        strbuf_done(&rq->body);
    free(rq->answer);
    memset(rq, 0, sizeof(*rq));
}

static void request_run(struct http_request *rq)
{
    const struct http *h = lws_vhost_user(lws_get_vhost(rq->wsi));

    if (!rq->active)
        return;
    if (rq->body.error == -EMSGSIZE)
        http_request_fail(rq, HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "the body is larger than 1 MiB");
    else if (rq->body.error < 0)
        http_request_answer(rq, HTTP_STATUS_INTERNAL_SERVER_ERROR, NULL);
    else
        rq->route->fn(rq, h->userdata);
    if (rq->active)
        request_hold(rq);
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
        const char *name = kept_headers[i];
        int n;

        if (i == 0)
            n = lws_hdr_copy(rq->wsi, to, HTTP_HEADER_MAX, WSI_TOKEN_HOST);
        else
            n = lws_hdr_custom_copy(rq->wsi, to, HTTP_HEADER_MAX, name, (int) strlen(name));
        if (n < 0)
            to[0] = '\0';
    }
}

/* The route, or a status that says why not. */
static int find_route(struct http_request *rq, const char *path)
{
    const struct http *h = lws_vhost_user(lws_get_vhost(rq->wsi));
    const char *method = lws_hdr_total_length(rq->wsi, WSI_TOKEN_POST_URI)  ? "POST"
                         : lws_hdr_total_length(rq->wsi, WSI_TOKEN_GET_URI) ? "GET"
                                                                            : "";
    int status = HTTP_STATUS_NOT_FOUND;

    for (const struct http_route *r = h->routes; r->path; r++) {
        if (strcmp(r->path, path) != 0)
            continue;
        if (strcmp(r->method, method) == 0) {
            rq->route = r;
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

static int on_request(struct http_request *rq, struct lws *wsi, const char *path)
{
    bool has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    bool is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    int status;

    request_reset(rq);
    rq->wsi = wsi;
    rq->active = true;
    strbuf_init(&rq->body, HTTP_BODY_MAX);
    copy_query(rq);
    copy_headers(rq);
    status = find_route(rq, path);
    if (!is_get && !has_length) { /* also chunked ones: libwebsockets does not read them */
        (void) lws_return_http_status(wsi, STATUS_LENGTH_REQUIRED, NULL);
        return -1;
    }
    if (status && is_get) {
        http_request_fail(rq, status, refusal_text(status));
    } else if (status) {
        /* The body comes first; the answer waits for its end. */
        rq->refusal = status;
    } else if (is_get && has_length) {
        (void) lws_return_http_status(wsi, HTTP_STATUS_BAD_REQUEST, NULL);
        return -1;
    }
    if (is_get) {
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* an answer may take its time */
        request_run(rq);
    }
    return 0;
}

static void on_body_end(struct http_request *rq)
{
    if (rq->refusal)
        http_request_fail(rq, rq->refusal, refusal_text(rq->refusal));
    else
        request_run(rq);
}

static int write_answer(struct http_request *rq)
{
    uint8_t head[LWS_PRE + HEADERS_MAX], *start = head + LWS_PRE, *p = start;
    uint8_t *end = head + sizeof(head) - 1;
    struct lws *wsi = rq->wsi;
    int n;

    if (!rq->answer) /* a writable callback for somebody else's reason, or no memory */
        return rq->status ? -1 : 0;
    if (lws_add_http_common_headers(wsi, (unsigned) rq->status, "application/json",
                                    (lws_filepos_t) rq->answer_len, &p, end) ||
        lws_finalize_write_http_header(wsi, start, &p, end))
        return -1;
    n = lws_write(wsi, rq->answer + LWS_PRE, rq->answer_len, LWS_WRITE_HTTP_FINAL);
    request_reset(rq);
    if (n < 0)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
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
        if (!rq->refusal)
            strbuf_add(&rq->body, in, len);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        on_body_end(rq);
        return 0;
    case LWS_CALLBACK_TIMER:
        return on_look_again(rq);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_answer(rq);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (rq)
            request_reset(rq);
        return 0;
    default:
        return 0;
    }
}

const struct lws_protocols http_lws_protocols[] = {
    {.name = "http",
     .callback = http_callback,
     .per_session_data_size = sizeof(struct http_request)},
    {.name = NULL},
};
