/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_NETWATCH_H
#define IOTD_SYS_NETWATCH_H

/*
 * Tells when the network of this machine changed so that a connection may be possible now that
 * was not before, or dead that was not: what the kernel says over rtnetlink, without what does not
 * matter, and a burst of it once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct netwatch;

/* 0; -ENOMEM; -EAFNOSUPPORT, -EPERM and others where there is no rtnetlink for us */
int netwatch_new(struct netwatch **ret_netwatch, struct loop *loop, void (*changed)(void *userdata),
                 void *userdata) MUST_CHECK;
struct netwatch *netwatch_free(struct netwatch *n);
DEFINE_FREEP(struct netwatch, netwatch_free)

/*
 * What the socket triggers with what it read; data is aligned as malloc() does it. changed runs
 * soon after anything that matters: an address that reaches further than this link came or went,
 * a default route too, an interface has got its carrier.
 */
void netwatch_feed(struct netwatch *n, const void *data, size_t len);
/* Messages were lost: any of them may have mattered. */
void netwatch_feed_lost(struct netwatch *n);

#endif /* IOTD_SYS_NETWATCH_H */
