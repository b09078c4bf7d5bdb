/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MQTT over WebSocket and over plain TCP: bytes between libwebsockets and the broker. */

#include "examples/localcloud/net_device.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "examples/localcloud/broker.h"
#include "libiotclient/base/limits.h"

#define RX_BUFFER 16384
#define PEER_KEY_MAX 600 /* RSA with 4096 bits */
#define FAREWELL_S 2     /* for the peer to close after we did */

/* One connection; libwebsockets allocates it, zeroed. */
struct device_link {
    struct lws *wsi;
    struct broker_conn *conn; /* NULL: not accepted */
    struct list queue;        /* of struct chunk */
    size_t n_bytes;
    bool is_ws;
    bool closing; /* the broker is done with it */
    bool shut;    /* our side of the stream has ended */
};

struct chunk {
    struct list link;
    bool unframed;
    size_t len;
    uint8_t data[]; /* LWS_PRE of room, then the bytes */
};

static int link_add(struct device_link *l, const uint8_t *data, size_t len, bool unframed)
{
    struct chunk *c;

    if (l->n_bytes + len > LIMIT_MQTT_QUEUE_BYTES)
        return -ENOBUFS;
    c = malloc(sizeof(*c) + LWS_PRE + len);
    if (!c)
        return -ENOMEM;
    c->unframed = unframed;
    c->len = len;
    memcpy(c->data + LWS_PRE, data, len);
    list_append(&l->queue, &c->link);
    l->n_bytes += len;
    lws_callback_on_writable(l->wsi);
    return 0;
}

static int link_send(void *handle, const uint8_t *data, size_t len)
{
    return link_add(handle, data, len, false);
}

static int link_send_unframed(void *handle, const uint8_t *data, size_t len)
{
    return link_add(handle, data, len, true);
}

static void link_pause(void *handle, bool on)
{
    struct device_link *l = handle;

    (void) lws_rx_flow_control(l->wsi, !on); /* fails only for a socket that is gone */
}

static void link_clear(struct device_link *l)
{
    LIST_FOR_EACH_SAFE (n, &l->queue) {
        struct chunk *c = LIST_ENTRY(n, struct chunk, link);

        list_remove(&c->link);
        free(c);
    }
    l->n_bytes = 0;
}

static void link_close(void *handle, bool abort)
{
    struct device_link *l = handle;
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    l->closing = true;
    if (abort) {
        link_clear(l);
        /* Disconnecting a TCP socket this way sends a reset at once. */
        (void) connect(lws_get_socket_fd(l->wsi), &nobody, sizeof(nobody));
        lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return;
    }
    lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, FAREWELL_S);
    lws_callback_on_writable(l->wsi);
}

static int link_peer_key(void *handle, uint8_t *buf, size_t size)
{
    struct device_link *l = handle;
    union {
        union lws_tls_cert_info_results results;
        uint8_t room[sizeof(union lws_tls_cert_info_results) + PEER_KEY_MAX];
    } info;
    size_t len = PEER_KEY_MAX;

    if (lws_tls_peer_cert_info(l->wsi, LWS_TLS_CERT_INFO_VERIFIED, &info.results, 0) != 0 ||
        !info.results.verified ||
        lws_tls_peer_cert_info(l->wsi, LWS_TLS_CERT_INFO_OPAQUE_PUBLIC_KEY, &info.results, len) !=
            0)
        return -1;
    len = (size_t) info.results.ns.len;
    if (len > size)
        return -1;
    memcpy(buf, info.results.ns.name, len);
    return (int) len;
}

/* By WebSocket and TLS. */
static const struct broker_transport transports[2][2] = {
    {{"tcp", link_send, link_close, link_pause, NULL, NULL},
     {"tls", link_send, link_close, link_pause, NULL, link_peer_key}},
    {{"ws", link_send, link_close, link_pause, link_send_unframed, NULL},
     {"wss", link_send, link_close, link_pause, link_send_unframed, NULL}},
};

static int link_open(struct device_link *l, struct lws *wsi, bool is_ws)
{
    struct broker *b = lws_vhost_user(lws_get_vhost(wsi));
    char peer[64];

    l->wsi = wsi;
    l->is_ws = is_ws;
    list_init(&l->queue);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* the broker has its own deadlines */
    lws_get_peer_simple(wsi, peer, sizeof(peer));
    return broker_conn_new(&l->conn, b, &transports[is_ws][lws_get_ssl(wsi) != NULL], l, peer) < 0
               ? -1
               : 0;
}

/*
 * Ending only our direction first lets the last packet arrive: closing a socket with unread
 * input would reset the stream over it.
 */
static void link_shut(struct device_link *l)
{
    if (l->shut)
        return;
    l->shut = true;
    (void) shutdown(lws_get_socket_fd(l->wsi), SHUT_WR);
}

/*
 * libwebsockets writes no bytes outside of a frame. On a plain socket they go past it, which is
 * safe while it has nothing buffered; on TLS a frame that continues nothing must do.
 */
static int chunk_write(struct device_link *l, struct chunk *c)
{
    if (!c->unframed)
        return lws_write(l->wsi, c->data + LWS_PRE, c->len,
                         l->is_ws ? LWS_WRITE_BINARY : LWS_WRITE_RAW);
    if (lws_is_ssl(l->wsi))
        return lws_write(l->wsi, c->data + LWS_PRE, c->len, LWS_WRITE_CONTINUATION);
    return (int) send(lws_get_socket_fd(l->wsi), c->data + LWS_PRE, c->len,
                      MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int link_drain(struct device_link *l)
{
    while (!list_is_empty(&l->queue) && !lws_send_pipe_choked(l->wsi)) {
        struct chunk *c = LIST_ENTRY(l->queue.next, struct chunk, link);
        int n = chunk_write(l, c);

        list_remove(&c->link);
        l->n_bytes -= c->len;
        free(c);
        if (n < 0)
            return -1;
    }
    if (!list_is_empty(&l->queue) || lws_partial_buffered(l->wsi))
        lws_callback_on_writable(l->wsi);
    else if (l->closing)
        link_shut(l);
    return 0;
}

static void link_gone(struct device_link *l)
{
    if (!l->wsi)
        return;
    l->conn = broker_conn_free(l->conn);
    link_clear(l);
    l->wsi = NULL;
}

/* The path is "/" in the vendor's C code, "/mqtt" in the usual clients. */
static bool path_is_good(struct lws *wsi)
{
    char path[16];
    int n = lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI);

    return n > 0 && (strcmp(path, "/") == 0 || strcmp(path, "/mqtt") == 0);
}

static void on_ws_receive(struct device_link *l, const void *in, size_t len)
{
    if (lws_frame_is_binary(l->wsi))
        broker_conn_input(l->conn, in, len);
    else
        broker_conn_violation(l->conn, "WebSocket frame is not binary");
}

static int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len)
{
    struct device_link *l = user;

    switch ((int) reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return path_is_good(wsi) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
        return link_open(l, wsi, true);
    case LWS_CALLBACK_RECEIVE:
        on_ws_receive(l, in, len);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return link_drain(l);
    case LWS_CALLBACK_CLOSED:
        link_gone(l);
        return 0;
    default:
        return 0;
    }
}

static int tcp_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct device_link *l = user;

    switch ((int) reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        return len ? 0 : 1; /* what OpenSSL found; libwebsockets would let it pass */
    case LWS_CALLBACK_RAW_ADOPT:
        return link_open(l, wsi, false);
    case LWS_CALLBACK_RAW_RX:
        broker_conn_input(l->conn, in, len);
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return link_drain(l);
    case LWS_CALLBACK_RAW_CLOSE:
        link_gone(l);
        return 0;
    default:
        return 0;
    }
}

/* Everything on the WebSocket port that is not sub-protocol mqtt. */
static int refuse_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    (void) user;
    (void) in;
    switch ((int) reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        return len ? 0 : 1; /* as below */
    case LWS_CALLBACK_HTTP:
        (void) lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL); /* closing anyway */
        return -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    default:
        return 0;
    }
}

const struct lws_protocols net_device_ws_protocols[] = {
    {.name = "none", .callback = refuse_callback},
    {.name = "mqtt",
     .callback = ws_callback,
     .per_session_data_size = sizeof(struct device_link),
     .rx_buffer_size = RX_BUFFER},
    {.name = NULL},
};

const struct lws_protocols net_device_tcp_protocols[] = {
    {.name = NET_DEVICE_TCP_PROTOCOL,
     .callback = tcp_callback,
     .per_session_data_size = sizeof(struct device_link),
     .rx_buffer_size = RX_BUFFER},
    {.name = NULL},
};
