/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_DIAL_H
#define IOTD_NET_DIAL_H

#include <stdint.h>

#include "libiotclient/base/macro.h"

/*
 * Begins a TCP connection, without delay of small writes, and does not wait: writable means that it
 * is there, or has failed (SO_ERROR).
 * @param address  numeric, with scope
 * @param buffer   bytes that may wait to be read; the kernel doubles it
 * @return the descriptor; -EINVAL not an address; what socket(2) or connect(2) failed with
 */
int dial(const char *address, uint16_t port, int buffer) MUST_CHECK;

#endif /* IOTD_NET_DIAL_H */
