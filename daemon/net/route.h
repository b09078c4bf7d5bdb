/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_ROUTE_H
#define IOTD_NET_ROUTE_H

#include <stdbool.h>

/* Would a packet to this IP address find its way out of this machine? Nothing is sent. */
bool route_exists(const char *address);

#endif /* IOTD_NET_ROUTE_H */
