/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <libwebsockets.h>

#include "daemon/net/ws_lws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/route.h"
#include "daemon/net/tls_stream.h"
#include "daemon/sys/log.h"
#include "daemon/sys/loop_lws.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/list.h"

LOG_AREA("net");

#define PROTOCOL "mqtt"                     /* sub-protocol of MQTT over WebSocket, MQTT 3.1.1, 6 */
#define FLUSH_TIMEOUT_US (2 * USEC_PER_SEC) /* own choice: for the last packet of a clean stop */

/* One packet, with room for the WebSocket header before it: one buffer, one write. */
struct outbuf {
    struct list link;
    size_t len;
    uint8_t data[];
};

enum ws_state {
    WS_IDLE,
    WS_OPENING,
    WS_OPEN,
    WS_CLOSING, /* the queue is flushed, then the end */
};

struct ws_lws {
    struct transport base;
    struct loop *loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    const struct transport_events *events;
    void *userdata;
    struct lws *wsi; /* its opaque pointer is this object, or NULL when given up */
    enum ws_state state;
    bool websocket;
    bool in_open;
    bool may_write;  /* libwebsockets has asked for a write on this connection */
    bool broken;     /* a write failed; it is closed when libwebsockets asks next */
    bool answered;   /* by the server, as far as reason tells */
    struct tls *tls; /* borrowed; NULL: no target wants it */
    bool uses_tls;   /* this connection */
    struct tls_stream
        *stream; /* of a connection without WebSocket; with it libwebsockets has one */
    struct list queue;
    size_t queued_bytes;
    struct loop_timer timer; /* flush deadline; delayed report of a failed open */
    char reason[TLS_PROBLEM];
    char address[64]; /* of this connection */
};

static const struct lws_protocols protocols[];

/* Neither pings nor idle hang-ups by libwebsockets: liveness is MQTT's own. */
static const lws_retry_bo_t no_idle_policy = {.secs_since_valid_ping = 0};

static void queue_clear(struct ws_lws *t)
{
    while (!list_is_empty(&t->queue)) {
        struct outbuf *b = LIST_ENTRY(t->queue.next, struct outbuf, link);

        list_remove(&b->link);
        explicit_bzero(b->data, LWS_PRE + b->len); /* CONNECT holds the password */
        free(b);
    }
    t->queued_bytes = 0;
}

/* The connection object is not ours any more. */
static void forget(struct ws_lws *t)
{
    loop_timer_cancel(&t->timer);
    queue_clear(t);
    t->stream = tls_stream_free(t->stream);
    t->wsi = NULL;
    t->state = WS_IDLE;
    t->may_write = t->broken = false;
}

static void report_closed(struct ws_lws *t, bool answered, const char *reason)
{
    forget(t);
    t->events->on_closed(answered, reason, t->userdata);
}

static void on_open_failed(struct loop_timer *timer, void *userdata)
{
    struct ws_lws *t = userdata;

    (void) timer;
    report_closed(t, t->answered, t->reason);
}

/* libwebsockets speaks of the handshake with these words once a server answered. */
static bool is_answer(const char *text)
{
    return strncasecmp(text, "HS:", 3) == 0 || strstr(text, "http") || strstr(text, "HTTP");
}

/* What TLS has to say to the end of this connection; false: nothing. */
static bool explain(struct ws_lws *t, struct lws *wsi, char problem[TLS_PROBLEM])
{
    if (!t->uses_tls)
        return false;
    if (t->stream)
        return tls_stream_problem(t->stream, problem);
    return tls_explain(t->tls, wsi ? lws_get_ssl(wsi) : NULL, problem);
}

static void fail_open(struct ws_lws *t, bool answered, const char *text)
{
    t->answered = answered;
    if (text != t->reason)
        (void) snprintf(t->reason, sizeof(t->reason), "%s", text);
    t->wsi = NULL;
    loop_timer_arm(t->loop, &t->timer, 0, on_open_failed, t);
}

static int on_connect_error(struct ws_lws *t, struct lws *wsi, const char *text)
{
    char problem[TLS_PROBLEM];
    bool answered = is_answer(text);

    if (t->uses_tls && tls_is_proven(t->tls))
        answered = true;
    if (explain(t, wsi, problem)) {
        text = problem;
        answered = true;
    }
    if (!answered && !route_exists(t->address)) /* libwebsockets has one text for all of it */
        text = "no route (is there a network?)";
    if (t->in_open)
        fail_open(t, answered, text);
    else
        report_closed(t, answered, text);
    return 0;
}

static int on_close(struct ws_lws *t, struct lws *wsi)
{
    char problem[TLS_PROBLEM];

    report_closed(t, true, explain(t, wsi, problem) ? problem : "connection closed by the server");
    return 0;
}

/* We end it, and nothing more is heard of it. */
static int refuse(struct ws_lws *t, struct lws *wsi, const char *reason)
{
    lws_set_opaque_user_data(wsi, NULL);
    report_closed(t, true, reason);
    return -1;
}

/* WebSocket in TLS, before the first byte of HTTP: libwebsockets may have verified nothing. */
static int on_handshake(struct ws_lws *t, struct lws *wsi)
{
    char problem[TLS_PROBLEM];

    if (!t->uses_tls || tls_prove(t->tls, lws_get_ssl(wsi), problem) == 0)
        return 0;
    return refuse(t, wsi, problem);
}

static int deliver(struct ws_lws *t, struct lws *wsi, const uint8_t *data, size_t len)
{
    if (t->state != WS_OPEN)
        return 0;                                    /* closing: late bytes are nobody's */
    if (t->websocket && !lws_frame_is_binary(wsi)) { /* MQTT-6.0.0-1 */
        lws_close_reason(wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, NULL, 0);
        return -1;
    }
    t->events->on_data(data, len, t->userdata);
    return lws_get_opaque_user_data(wsi) == t ? 0 : -1;
}

static int write_one(struct ws_lws *t, struct lws *wsi)
{
    struct outbuf *b = LIST_ENTRY(t->queue.next, struct outbuf, link);
    enum lws_write_protocol how = t->websocket ? LWS_WRITE_BINARY : LWS_WRITE_RAW;
    int n;

    list_remove(&b->link);
    t->queued_bytes -= b->len;
    n = lws_write(wsi, b->data + LWS_PRE, b->len, how);
    explicit_bzero(b->data, LWS_PRE + b->len);
    free(b);
    return n < 0 ? -1 : 0;
}

/* libwebsockets calls when there is room for one write; for more it has to be asked. */
static int on_writable(struct ws_lws *t, struct lws *wsi)
{
    if (t->broken)
        return -1;
    t->may_write = true;
    while (!list_is_empty(&t->queue)) {
        if (write_one(t, wsi) < 0)
            return -1;
        if (!list_is_empty(&t->queue) && lws_send_pipe_choked(wsi)) {
            lws_callback_on_writable(wsi);
            return 0;
        }
    }
    if (t->state == WS_CLOSING) {
        if (t->websocket)
            lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    t->events->on_drained(t->userdata);
    return lws_get_opaque_user_data(wsi) == t ? 0 : -1;
}

/*
 * Takes b. Written at once where it can be: asked for a write, libwebsockets looks at all
 * descriptors first, and what has timers comes before. What the kernel has no room for it keeps.
 */
static int enqueue(struct ws_lws *t, struct outbuf *b)
{
    bool now = t->may_write && !t->broken && list_is_empty(&t->queue) && t->state == WS_OPEN &&
               !lws_partial_buffered(t->wsi);

    list_append(&t->queue, &b->link);
    t->queued_bytes += b->len;
    if (now && write_one(t, t->wsi) == 0)
        return 0;
    t->broken |= now;
    lws_callback_on_writable(t->wsi);
    return 0;
}

static struct outbuf *outbuf_new(size_t len)
{
    struct outbuf *b = malloc(sizeof(*b) + LWS_PRE + len);

    if (b)
        b->len = len;
    return b;
}

/* What the TLS stream wants to say goes out as one write. */
static int pump(struct ws_lws *t)
{
    size_t len = tls_stream_pending(t->stream);
    struct outbuf *b;

    if (len == 0)
        return 0;
    b = outbuf_new(len);
    if (!b)
        return -ENOMEM;
    b->len = tls_stream_take(t->stream, b->data + LWS_PRE, len);
    return enqueue(t, b);
}

static int on_established(struct ws_lws *t, struct lws *wsi)
{
    t->wsi = wsi;
    t->state = WS_OPEN;
    if (t->uses_tls && t->websocket)
        tls_note_heard(t->tls); /* the answer to the upgrade */
    t->events->on_open(t->userdata);
    return lws_get_opaque_user_data(wsi) == t ? 0 : -1;
}

static int start_stream(struct ws_lws *t, struct lws *wsi)
{
    int r = tls_stream_new(&t->stream, t->tls);

    t->wsi = wsi;
    if (r == 0)
        r = pump(t);
    return r < 0 ? refuse(t, wsi, strerror(-r)) : 0;
}

static int fail_stream(struct ws_lws *t, struct lws *wsi, int error)
{
    char problem[TLS_PROBLEM];

    if (!tls_stream_problem(t->stream, problem))
        (void) snprintf(problem, sizeof(problem), "TLS failed: %s", strerror(-error));
    if (pump(t) == 0 && !list_is_empty(&t->queue))
        (void) write_one(t, wsi); /* an alert for the server's log, if it fits */
    return refuse(t, wsi, problem);
}

static int feed_stream(struct ws_lws *t, struct lws *wsi, const uint8_t *data, size_t len)
{
    uint8_t buf[2048];
    int r = tls_stream_feed(t->stream, data, len), n;

    if (r < 0)
        return fail_stream(t, wsi, r);
    if (r == TLS_STREAM_READY && on_established(t, wsi) < 0)
        return -1;
    while ((n = tls_stream_read(t->stream, buf, sizeof(buf))) > 0) {
        if (deliver(t, wsi, buf, (size_t) n) < 0) /* may have given the connection up */
            return -1;
    }
    if (n == -EPIPE)
        return -1; /* RAW_CLOSE follows */
    if (n < 0)
        return fail_stream(t, wsi, n);
    return pump(t) < 0 ? -1 : 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    struct ws_lws *t = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void) user;
    if (!t)
        return 0; /* given up: the kill timer takes it */

    switch ((int) reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        return on_connect_error(t, wsi, in ? in : "connection failed");
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return on_handshake(t, wsi);
    case LWS_CALLBACK_RAW_CONNECTED:
        if (t->uses_tls)
            return start_stream(t, wsi);
        return on_established(t, wsi);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return on_established(t, wsi);
    case LWS_CALLBACK_RAW_RX:
        if (t->stream)
            return feed_stream(t, wsi, in, len);
        return deliver(t, wsi, in, len);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return deliver(t, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_RAW_WRITEABLE:
        return on_writable(t, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* before the upgrade was answered */
    case LWS_CALLBACK_RAW_CLOSE:
        return on_close(t, wsi);
    case LWS_CALLBACK_WSI_DESTROY: /* whatever libwebsockets did not tell before */
        return wsi == t->wsi ? on_close(t, NULL) : 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = PROTOCOL, .callback = on_lws},
    {.name = NULL},
};

static int ws_open(struct transport *base, const struct transport_target *target)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);
    struct lws_client_connect_info info = {
        .context = t->context,
        .vhost = t->vhost,
        .address = target->address,
        .port = target->port,
        .path = target->websocket ? target->path : "/",
        .host = target->host,
        .protocol = target->websocket ? PROTOCOL : NULL,
        .local_protocol_name = PROTOCOL,
        .method = target->websocket ? NULL : "RAW",
        .retry_and_idle_policy = &no_idle_policy,
        .opaque_user_data = t,
        .pwsi = &t->wsi,
    };
    const char *refusal = target->tls && t->tls ? tls_refusal(t->tls) : NULL;

    if (t->state != WS_IDLE)
        return -EALREADY;
    if (target->tls && !t->tls)
        return -EOPNOTSUPP;

    t->state = WS_OPENING;
    t->websocket = target->websocket;
    t->uses_tls = target->tls;
    t->reason[0] = '\0';
    (void) snprintf(t->address, sizeof(t->address), "%s", target->address);
    if (refusal) {
        fail_open(t, true, refusal);
        return 0;
    }
    if (t->uses_tls)
        tls_begin(t->tls);
    if (t->uses_tls && t->websocket) {
        /* The name is in the context, and looked at again; libwebsockets would cut it. */
        info.ssl_connection = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
        info.alpn = "http/1.1";
    }
    t->in_open = true;
    if (!lws_client_connect_via_info(&info) && !loop_timer_is_armed(&t->timer))
        (void) on_connect_error(t, NULL, "cannot start a connection");
    t->in_open = false;
    log_debug("open address=%s port=%u host=\"%s\"", target->address, target->port, target->host);
    return 0;
}

static int ws_send(struct transport *base, const uint8_t *data, size_t len)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);
    struct outbuf *b;
    int r;

    if (t->state != WS_OPEN)
        return -ENOTCONN;
    if (t->queued_bytes + len > 2 * LIMIT_MQTT_QUEUE_BYTES)
        return -ENOBUFS;
    if (t->stream) {
        r = tls_stream_write(t->stream, data, len);
        return r == 0 ? pump(t) : r;
    }
    b = outbuf_new(len);
    if (!b)
        return -ENOMEM;
    memcpy(b->data + LWS_PRE, data, len);
    return enqueue(t, b);
}

static void ws_abort(struct transport *base)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);

    if (t->wsi) {
        lws_set_opaque_user_data(t->wsi, NULL);
        lws_set_timeout(t->wsi, 1, LWS_TO_KILL_ASYNC);
    }
    forget(t);
}

static void on_flush_timeout(struct loop_timer *timer, void *userdata)
{
    struct ws_lws *t = userdata;

    (void) timer;
    ws_abort(&t->base);
    t->events->on_closed(true, "closed without waiting for the server", t->userdata);
}

static void ws_close(struct transport *base)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);

    if (t->state == WS_IDLE || t->state == WS_CLOSING)
        return;
    if (t->state == WS_OPENING) {
        ws_abort(base);
        loop_timer_arm(t->loop, &t->timer, 0, on_flush_timeout, t);
        return;
    }
    t->state = WS_CLOSING;
    if (t->stream) {
        tls_stream_end(t->stream);
        (void) pump(t); /* a goodbye that is only polite */
    }
    loop_timer_arm(t->loop, &t->timer, FLUSH_TIMEOUT_US, on_flush_timeout, t);
    lws_callback_on_writable(t->wsi);
}

static struct transport *ws_free(struct transport *base)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);

    ws_abort(base);
    free(t);
    return NULL;
}

static const struct transport_ops ops = {
    .open = ws_open,
    .send = ws_send,
    .close = ws_close,
    .abort = ws_abort,
    .free = ws_free,
};

int ws_lws_new(struct transport **ret_transport, struct loop_lws *loop, struct tls *tls,
               const struct transport_events *events, void *userdata)
{
    struct lws_context_creation_info info = {
        .vhost_name = "iotd-cloud",
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
    };
    struct ws_lws *t;

    t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->base.ops = &ops;
    t->loop = loop_lws_base(loop);
    t->context = loop_lws_context(loop);
    t->events = events;
    t->userdata = userdata;
    t->tls = tls;
    list_init(&t->queue);
    if (tls && !tls_refusal(tls)) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.provided_client_ssl_ctx = tls_native(tls);
    }
    t->vhost = lws_create_vhost(t->context, &info);
    if (!t->vhost) {
        free(t);
        return -ENOMEM;
    }
    *ret_transport = &t->base;
    return 0;
}
