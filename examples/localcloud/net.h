/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_NET_H
#define IOTD_LOCALCLOUD_NET_H

/*
 * The event loop on libwebsockets, and the listening ports. The protocols spoken on them are in
 * net_device.c and http.c.
 */

#include "examples/localcloud/broker.h"
#include "examples/localcloud/http.h"
#include "libiotclient/base/loop.h"

struct net;

struct net_ports {
    int ws;
    int tcp;
    int http;
    int wss; /* -1, like the next two: not wanted */
    int tls;
    int https;
};

/* PEM files, for the last three. */
struct net_tls {
    const char *cert;
    const char *key;
    const char *ca;    /* of clients that show a certificate; NULL: none is asked for */
    bool require_cert; /* whoever shows none is refused */
};

int net_new(struct net **ret_net) MUST_CHECK;
/* Closes every connection; broker and http must still be there. */
void net_stop(struct net *n);
/* After net_stop() and after everything that has timers is gone. */
struct net *net_free(struct net *n);
DEFINE_FREEP(struct net, net_free)

struct loop *net_loop(struct net *n);

/*
 * Port 0 is any. -EADDRINUSE when one of them cannot be bound; ret_ports are the real ones. The
 * files of tls have been checked.
 */
int net_listen(struct net *n, const char *address, const struct net_ports *ports,
               const struct net_tls *tls, struct broker *broker, struct http *http,
               struct net_ports *ret_ports) MUST_CHECK;

/* Until SIGTERM or SIGINT, which must be blocked. */
int net_run(struct net *n) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_NET_H */
