/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <libwebsockets.h>

#include "daemon/net/ws_lws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    struct list queue;
    size_t queued_bytes;
    struct loop_timer timer; /* flush deadline; delayed report of a failed open */
    char reason[160];
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
    t->wsi = NULL;
    t->state = WS_IDLE;
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
    report_closed(t, false, t->reason);
}

/* libwebsockets speaks of the handshake with these words once a server answered. */
static bool is_answer(const char *text)
{
    return strncasecmp(text, "HS:", 3) == 0 || strstr(text, "http") || strstr(text, "HTTP");
}

static int on_connect_error(struct ws_lws *t, const char *text)
{
    if (t->in_open) {
        (void) snprintf(t->reason, sizeof(t->reason), "%s", text);
        t->wsi = NULL;
        loop_timer_arm(t->loop, &t->timer, 0, on_open_failed, t);
        return 0;
    }
    report_closed(t, is_answer(text), text);
    return 0;
}

static int on_data(struct ws_lws *t, struct lws *wsi, const uint8_t *data, size_t len)
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

static int on_writable(struct ws_lws *t, struct lws *wsi)
{
    while (!list_is_empty(&t->queue)) {
        if (lws_send_pipe_choked(wsi)) {
            lws_callback_on_writable(wsi);
            return 0;
        }
        if (write_one(t, wsi) < 0)
            return -1;
    }
    if (t->state == WS_CLOSING) {
        if (t->websocket)
            lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    t->events->on_drained(t->userdata);
    return lws_get_opaque_user_data(wsi) == t ? 0 : -1;
}

static int on_established(struct ws_lws *t, struct lws *wsi)
{
    t->wsi = wsi;
    t->state = WS_OPEN;
    t->events->on_open(t->userdata);
    return lws_get_opaque_user_data(wsi) == t ? 0 : -1;
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
        return on_connect_error(t, in ? in : "connection failed");
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_RAW_CONNECTED:
        return on_established(t, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_RAW_RX:
        return on_data(t, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_RAW_WRITEABLE:
        return on_writable(t, wsi);
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_RAW_CLOSE:
        report_closed(t, true, "connection closed by the server");
        return 0;
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

    if (t->state != WS_IDLE)
        return -EALREADY;
    if (target->tls)
        return -EOPNOTSUPP;

    t->state = WS_OPENING;
    t->websocket = target->websocket;
    t->in_open = true;
    t->reason[0] = '\0';
    if (!lws_client_connect_via_info(&info) && !loop_timer_is_armed(&t->timer))
        (void) on_connect_error(t, "cannot start a connection");
    t->in_open = false;
    log_debug("open address=%s port=%u host=\"%s\"", target->address, target->port, target->host);
    return 0;
}

static int ws_send(struct transport *base, const uint8_t *data, size_t len)
{
    struct ws_lws *t = CONTAINER_OF(base, struct ws_lws, base);
    struct outbuf *b;

    if (t->state != WS_OPEN)
        return -ENOTCONN;
    if (t->queued_bytes + len > 2 * LIMIT_MQTT_QUEUE_BYTES)
        return -ENOBUFS;
    b = malloc(sizeof(*b) + LWS_PRE + len);
    if (!b)
        return -ENOMEM;
    b->len = len;
    memcpy(b->data + LWS_PRE, data, len);
    list_append(&t->queue, &b->link);
    t->queued_bytes += len;
    lws_callback_on_writable(t->wsi);
    return 0;
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

int ws_lws_new(struct transport **ret_transport, struct loop_lws *loop,
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
    list_init(&t->queue);
    t->vhost = lws_create_vhost(t->context, &info);
    if (!t->vhost) {
        free(t);
        return -ENOMEM;
    }
    *ret_transport = &t->base;
    return 0;
}
