/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_HTTP_LWS_H
#define IOTD_LOCALCLOUD_HTTP_LWS_H

/* The HTTP server as a libwebsockets protocol; the vhost's user pointer is the struct http. */

#include <libwebsockets.h>

extern const struct lws_protocols http_lws_protocols[];

#endif /* IOTD_LOCALCLOUD_HTTP_LWS_H */
