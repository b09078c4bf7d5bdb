/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_NET_DEVICE_H
#define IOTD_LOCALCLOUD_NET_DEVICE_H

/* Device connections as libwebsockets protocols; the vhost's user pointer is the broker. */

#include <libwebsockets.h>

extern const struct lws_protocols net_device_ws_protocols[];
extern const struct lws_protocols net_device_tcp_protocols[];
#define NET_DEVICE_TCP_PROTOCOL "mqtt-tcp"

#endif /* IOTD_LOCALCLOUD_NET_DEVICE_H */
