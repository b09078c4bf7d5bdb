/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_WS_LWS_H
#define IOTD_NET_WS_LWS_H

#include "daemon/net/transport.h"

struct loop_lws;
struct tls;

/*
 * A transport on libwebsockets: WebSocket with sub-protocol "mqtt", or plain TCP; both also in TLS.
 * @param tls  for targets that want it, or NULL; borrowed, outlives the loop
 */
int ws_lws_new(struct transport **ret_transport, struct loop_lws *loop, struct tls *tls,
               const struct transport_events *events, void *userdata) MUST_CHECK;

#endif /* IOTD_NET_WS_LWS_H */
