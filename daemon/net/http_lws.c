/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <libwebsockets.h>

#include "daemon/net/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/resolve.h"
#include "daemon/net/tls.h"
#include "daemon/sys/log.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/strbuf.h"

LOG_AREA("net");

#define PROTOCOL "iotd-http"
#define MAX_HEADERS 2048 /* own choice: names and values together */
#define READ_SIZE 2048

struct http {
    struct loop *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct tls *tls; /* borrowed; NULL: no request wants it */
};

struct http_call {
    struct http *http;
    struct endpoint url;
    char method[8];
    char headers[MAX_HEADERS]; /* name NUL value NUL …, an empty name at the end */
    struct strbuf body;        /* LWS_PRE of room, then the bytes */
    size_t body_len;
    struct resolve *resolve; /* NULL when not resolving */
    struct resolve_result addresses;
    unsigned next_address;
    struct lws *wsi; /* its opaque pointer is this object, or NULL when given up */
    bool connected;  /* a server was there */
    unsigned status;
    struct strbuf answer;
    struct loop_timer deadline;
    struct loop_timer later; /* a failure that must not be told from inside */
    char reason[TLS_PROBLEM];
    http_fn fn;
    void *userdata;
};

static const struct lws_protocols protocols[];
static void open_next(struct http_call *c, const char *why);

/* --- the end --- */

static void give_up(struct http_call *c)
{
    loop_timer_cancel(&c->deadline);
    loop_timer_cancel(&c->later);
    c->resolve = resolve_free(c->resolve);
    if (c->wsi) {
        lws_set_opaque_user_data(c->wsi, NULL);
        lws_set_timeout(c->wsi, 1, LWS_TO_KILL_ASYNC);
        c->wsi = NULL;
    }
}

/* The callback may free the call. */
static void finish(struct http_call *c, enum http_outcome outcome, const char *reason)
{
    struct http_result result = {.outcome = outcome, .reason = reason};
    char copy[sizeof(c->reason)];

    if (reason) { /* it may be a text of libwebsockets that lives as long as the connection */
        (void) snprintf(copy, sizeof(copy), "%s", reason);
        result.reason = copy;
    }
    give_up(c);
    if (outcome == HTTP_ANSWERED && c->answer.error == -EMSGSIZE) {
        result.outcome = HTTP_FAILED;
        result.reason = "the answer is too long";
    } else if (outcome == HTTP_ANSWERED && c->answer.error < 0) {
        result.outcome = HTTP_FAILED;
        result.reason = "out of memory";
    } else if (outcome == HTTP_ANSWERED) {
        result.status = c->status;
        result.body = c->answer.data ? c->answer.data : "";
        result.len = c->answer.len;
    }
    c->fn(&result, c->userdata);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct http_call *c = userdata;

    (void) timer;
    if (c->next_address == 0)
        finish(c, HTTP_UNREACHABLE, "name resolution took too long");
    else
        finish(c, HTTP_FAILED, "no answer in time");
}

static void on_later(struct loop_timer *timer, void *userdata)
{
    struct http_call *c = userdata;

    (void) timer;
    open_next(c, c->reason);
}

/* --- the connection --- */

static int on_connect_error(struct http_call *c, struct lws *wsi, const char *text)
{
    char problem[TLS_PROBLEM];

    if (c->url.tls && tls_explain(c->http->tls, wsi ? lws_get_ssl(wsi) : NULL, problem)) {
        c->connected = true;
        text = problem;
    }
    c->wsi = NULL;
    (void) snprintf(c->reason, sizeof(c->reason), "%s", text);
    /* Neither from inside of the open nor of the end of the old connection. */
    loop_timer_arm(c->http->loop, &c->later, 0, on_later, c);
    return 0;
}

static int add_headers(struct http_call *c, struct lws *wsi, uint8_t **p, size_t len)
{
    uint8_t *end = *p + len;
    const char *name = c->headers;
    char length[24];

    c->connected = true; /* the request goes out now */
    if (c->url.tls && tls_prove(c->http->tls, lws_get_ssl(wsi), c->reason) < 0) {
        c->wsi = NULL;
        lws_set_opaque_user_data(wsi, NULL);
        loop_timer_arm(c->http->loop, &c->later, 0, on_later, c);
        return -1;
    }
    while (*name) {
        const char *value = name + strlen(name) + 1;

        if (lws_add_http_header_by_name(wsi, (const uint8_t *) name, (const uint8_t *) value,
                                        (int) strlen(value), p, end))
            return -1;
        name = value + strlen(value) + 1;
    }
    if (c->body_len > 0) {
        (void) snprintf(length, sizeof(length), "%zu", c->body_len);
        if (lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH,
                                         (const uint8_t *) length, (int) strlen(length), p, end))
            return -1;
        lws_client_http_body_pending(wsi, 1);
        lws_callback_on_writable(wsi);
    }
    return 0;
}

static int write_body(struct http_call *c, struct lws *wsi)
{
    int n;

    if (c->body_len == 0)
        return 0;
    n = lws_write(wsi, (uint8_t *) c->body.data + LWS_PRE, c->body_len, LWS_WRITE_HTTP_FINAL);
    c->body_len = 0;
    lws_client_http_body_pending(wsi, 0);
    return n < 0 ? -1 : 0;
}

static int read_some(struct lws *wsi)
{
    char buf[LWS_PRE + READ_SIZE], *p = buf + LWS_PRE;
    int len = READ_SIZE;

    return lws_http_client_read(wsi, &p, &len) < 0 ? -1 : 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct http_call *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void) user;
    if (!c) /* given up: the kill timer takes it */
        return reason == LWS_CALLBACK_RECEIVE_CLIENT_HTTP ? -1 : 0;

    switch ((int) reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        return on_connect_error(c, wsi, in ? in : "connection failed");
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_headers(c, wsi, in, len);
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return write_body(c, wsi);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        c->status = lws_http_client_http_response(wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
        return read_some(wsi);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        strbuf_add(&c->answer, in, len);
        return c->answer.error < 0 ? -1 : 0;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        finish(c, HTTP_ANSWERED, NULL);
        return -1;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
        c->wsi = NULL;
        if (c->answer.error < 0)
            finish(c, HTTP_ANSWERED, NULL); /* says which */
        else
            finish(c, HTTP_FAILED, "connection closed before the answer was complete");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = PROTOCOL, .callback = on_lws},
    {.name = NULL},
};

/* why: the last failure, told when there is no address left. */
static void open_next(struct http_call *c, const char *why)
{
    char host[ENDPOINT_HOST_TEXT];
    struct lws_client_connect_info info = {
        .context = c->http->context,
        .vhost = c->http->vhost,
        .port = c->url.port,
        .path = c->url.path,
        .host = host,
        .alpn = "http/1.1",
        .method = c->method,
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .local_protocol_name = PROTOCOL,
        .opaque_user_data = c,
        .pwsi = &c->wsi,
    };

    if (c->connected || c->next_address == c->addresses.n_addresses) {
        finish(c, c->connected ? HTTP_FAILED : HTTP_UNREACHABLE, why);
        return;
    }
    if (c->url.tls && tls_refusal(c->http->tls)) {
        finish(c, HTTP_FAILED, tls_refusal(c->http->tls));
        return;
    }
    if (c->url.tls) {
        tls_begin(c->http->tls);
        /* The name is in the context, and looked at again; libwebsockets would cut it. */
        info.ssl_connection |= (int) (LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK);
    }
    info.address = c->addresses.addresses[c->next_address++];
    endpoint_host_header(&c->url, host);
    if (!lws_client_connect_via_info(&info) && !loop_timer_is_armed(&c->later))
        (void) on_connect_error(c, NULL, "cannot start a connection");
    log_debug("%s address=%s port=%u host=\"%s\" path=\"%s\"", c->method, info.address, c->url.port,
              host, c->url.path);
}

static void on_resolved(const struct resolve_result *result, const char *reason, void *userdata)
{
    struct http_call *c = userdata;

    c->addresses = *result;
    open_next(c, reason);
}

/* --- public --- */

int http_new(struct http **ret_http, struct loop_lws *loop, struct tls *tls)
{
    struct lws_context_creation_info info = {
        .vhost_name = "iotd-http",
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
    };
    struct http *h;

    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->loop = loop_lws_base(loop);
    h->context = loop_lws_context(loop);
    h->tls = tls;
    if (tls && !tls_refusal(tls)) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.provided_client_ssl_ctx = tls_native(tls);
    }
    h->vhost = lws_create_vhost(h->context, &info);
    if (!h->vhost) {
        free(h);
        return -ENOMEM;
    }
    *ret_http = h;
    return 0;
}

struct http *http_free(struct http *http)
{
    free(http); /* the vhost goes with the loop */
    return NULL;
}

static int copy_headers(struct http_call *c, const struct http_request *rq)
{
    size_t used = 0;

    for (size_t i = 0; i < rq->n_headers; i++) {
        size_t name = strlen(rq->headers[i].name) + 1, value = strlen(rq->headers[i].value) + 1;

        if (name + value >= sizeof(c->headers) - used)
            return -EMSGSIZE;
        memcpy(c->headers + used, rq->headers[i].name, name);
        memcpy(c->headers + used + name, rq->headers[i].value, value);
        used += name + value;
    }
    return 0;
}

static int fill(struct http_call *c, const struct http_request *rq)
{
    static const char room[LWS_PRE];
    int r;

    if (strlen(rq->method) >= sizeof(c->method))
        return -EMSGSIZE;
    strcpy(c->method, rq->method);
    c->url = *rq->url;
    r = copy_headers(c, rq);
    if (r < 0)
        return r;
    c->body_len = rq->body_len;
    strbuf_add(&c->body, room, sizeof(room));
    strbuf_add(&c->body, rq->body, rq->body_len);
    return c->body.error;
}

int http_start(struct http_call **ret_call, struct http *http, const struct http_request *request,
               http_fn fn, void *userdata)
{
    CLEANUP(http_call_freep) struct http_call *c = NULL;
    int r;

    if (request->url->tls && !http->tls)
        return -EOPNOTSUPP;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->http = http;
    c->fn = fn;
    c->userdata = userdata;
    strbuf_init(&c->body, LWS_PRE + request->body_len);
    strbuf_init(&c->answer, request->max_answer);
    r = fill(c, request);
    if (r == 0)
        r = resolve_start(&c->resolve, http->loop, c->url.host, on_resolved, c);
    if (r < 0)
        return r;
    loop_timer_arm(http->loop, &c->deadline, request->timeout_us, on_deadline, c);
    *ret_call = TAKE(c);
    return 0;
}

struct http_call *http_call_free(struct http_call *call)
{
    if (!call)
        return NULL;

    give_up(call);
    strbuf_done(&call->body);
    strbuf_done(&call->answer);
    free(call);
    return NULL;
}
