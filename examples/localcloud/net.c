/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/net.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "examples/localcloud/http_lws.h"
#include "examples/localcloud/net_device.h"
#include "libiotclient/base/fdutil.h"

#define SIGNAL_PROTOCOL "signals"
/* Descriptors: connections of devices and apps, listeners, files, the rest. */
#define FDS_MAX (BROKER_CONNECTIONS_MAX + 1024)

struct net {
    struct loop loop;
    struct lws_context *context; /* NULL after net_stop() */
    lws_sorted_usec_list_t sul;
    bool stopping;
};

/* No WebSocket pings: they break the vendor's C client, so the platform sends none. */
static const lws_retry_bo_t no_pings = {0};

static struct net *net_of(struct loop *loop)
{
    return CONTAINER_OF(loop, struct net, loop);
}

static uint64_t net_now_us(struct loop *loop)
{
    (void) loop;
    return (uint64_t) lws_now_usecs();
}

static void on_sul(lws_sorted_usec_list_t *sul)
{
    struct net *n = CONTAINER_OF(sul, struct net, sul);

    (void) loop_run_timers(&n->loop);
}

static void net_wake_at(struct loop *loop, uint64_t due_us)
{
    struct net *n = net_of(loop);
    uint64_t now = net_now_us(loop);

    if (!n->context)
        return;
    if (due_us == UINT64_MAX)
        lws_sul_cancel(&n->sul);
    else
        lws_sul_schedule(n->context, 0, &n->sul, on_sul,
                         due_us > now ? (lws_usec_t) (due_us - now) : 1);
}

/* Nobody here watches descriptors through the loop: libwebsockets has them all. */
static int net_io_start(struct loop *loop, struct loop_io *io)
{
    (void) loop;
    (void) io;
    return -EOPNOTSUPP;
}

static void net_io_ignore(struct loop *loop, struct loop_io *io)
{
    (void) loop;
    (void) io;
}

static const struct loop_ops loop_ops = {
    .io_start = net_io_start,
    .io_update = net_io_ignore,
    .io_stop = net_io_ignore,
    .now_us = net_now_us,
    .wake_at = net_wake_at,
};

static int signal_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    struct signalfd_siginfo info;
    struct net *n;

    (void) user;
    (void) in;
    (void) len;
    if (reason != LWS_CALLBACK_RAW_RX_FILE)
        return 0;
    n = lws_vhost_user(lws_get_vhost(wsi));
    if (read(lws_get_socket_fd(wsi), &info, sizeof(info)) == (ssize_t) sizeof(info))
        n->stopping = true;
    return 0;
}

static const struct lws_protocols signal_protocols[] = {
    {.name = SIGNAL_PROTOCOL, .callback = signal_callback},
    {.name = NULL},
};

int net_new(struct net **ret_net)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .gid = (gid_t) -1,
        .uid = (uid_t) -1,
        .fd_limit_per_thread = FDS_MAX,
        .retry_and_idle_policy = &no_pings,
        .pt_serv_buf_size = HTTP_CHUNK, /* what is read at once */
    };
    CLEANUP(net_freep) struct net *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    loop_init(&n->loop, &loop_ops);
    lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
    n->context = lws_create_context(&info);
    if (!n->context)
        return -ENOMEM;
    *ret_net = TAKE(n);
    return 0;
}

void net_stop(struct net *n)
{
    struct lws_context *context = TAKE(n->context);

    if (context)
        lws_context_destroy(context);
}

struct net *net_free(struct net *n)
{
    if (!n)
        return NULL;
    net_stop(n);
    loop_done(&n->loop);
    free(n);
    return NULL;
}

struct loop *net_loop(struct net *n)
{
    return &n->loop;
}

static int listen_on(struct net *n, struct lws_context_creation_info *info, const char *name,
                     const char *address, int port, int *ret_port)
{
    struct lws_vhost *vhost;

    if (port < 0) {
        *ret_port = -1;
        return 0;
    }
    info->vhost_name = name;
    info->port = port;
    info->iface = address;
    info->retry_and_idle_policy = &no_pings;
    info->options |= LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    if (!strchr(address, ':'))
        info->options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    vhost = lws_create_vhost(n->context, info);
    if (!vhost)
        return -EADDRINUSE;
    *ret_port = lws_get_vhost_listen_port(vhost);
    return 0;
}

static void set_tls(struct lws_context_creation_info *info, const struct net_tls *tls)
{
    info->ssl_cert_filepath = tls->cert;
    info->ssl_private_key_filepath = tls->key;
    info->ssl_ca_filepath = tls->ca;
    info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    info->alpn = "http/1.1";
    if (tls->ca)
        info->options |= LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT;
    if (tls->ca && !tls->require_cert)
        info->options |= LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED;
}

int net_listen(struct net *n, const char *address, const struct net_ports *ports,
               const struct net_tls *tls, struct broker *broker, struct http *http,
               struct net_ports *ret_ports)
{
    struct lws_context_creation_info ws = {
        .protocols = net_device_ws_protocols,
        .user = broker,
    };
    struct lws_context_creation_info tcp = {
        .protocols = net_device_tcp_protocols,
        .user = broker,
        .options = LWS_SERVER_OPTION_ADOPT_APPLY_LISTEN_ACCEPT_CONFIG,
        .listen_accept_role = "raw-skt",
        .listen_accept_protocol = NET_DEVICE_TCP_PROTOCOL,
    };
    struct lws_context_creation_info web = {
        .protocols = http_lws_protocols,
        .user = http,
        .keepalive_timeout = 60,
    };
    struct net_tls web_tls = {.cert = tls->cert, .key = tls->key}; /* asks nobody who he is */
    struct net_ports real;
    int e;

    e = listen_on(n, &ws, "device-ws", address, ports->ws, &real.ws);
    if (e == 0)
        e = listen_on(n, &tcp, "device-tcp", address, ports->tcp, &real.tcp);
    if (e == 0)
        e = listen_on(n, &web, "app-http", address, ports->http, &real.http);
    /* Those without are made: the same again with TLS. */
    set_tls(&ws, tls);
    set_tls(&tcp, tls);
    set_tls(&web, &web_tls);
    if (e == 0)
        e = listen_on(n, &ws, "device-wss", address, ports->wss, &real.wss);
    if (e == 0)
        e = listen_on(n, &tcp, "device-tls", address, ports->tls, &real.tls);
    if (e == 0)
        e = listen_on(n, &web, "app-https", address, ports->https, &real.https);
    if (e == 0)
        *ret_ports = real;
    return e;
}

static int watch_signals(struct net *n)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .vhost_name = SIGNAL_PROTOCOL,
        .protocols = signal_protocols,
        .user = n,
    };
    lws_sock_file_fd_type fd = {.filefd = -1};
    struct lws_vhost *vhost;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    vhost = lws_create_vhost(n->context, &info);
    if (!vhost)
        return -ENOMEM;
    fd.filefd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd.filefd < 0)
        return -errno;
    if (!lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd, SIGNAL_PROTOCOL, NULL)) {
        (void) fd_close(fd.filefd);
        return -ENOMEM;
    }
    return 0;
}

int net_run(struct net *n)
{
    int e = watch_signals(n);

    while (e == 0 && !n->stopping)
        e = lws_service(n->context, 0) < 0 ? -EIO : 0;
    return e;
}
