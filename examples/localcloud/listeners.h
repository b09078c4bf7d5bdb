/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_LISTENERS_H
#define IOTD_LOCALCLOUD_LISTENERS_H

/*
 * Closes the listening sockets of this process for a while, under the hands of whoever polls
 * them: clients are refused, connections that exist stay, ports stay ours.
 */

#include <stddef.h>

#include "libiotclient/base/macro.h"

#define LISTENERS_MAX 16

/* Zero-initialised memory is open. */
struct listeners {
    struct {
        int number; /* the descriptor that is polled */
        int kept;   /* a socket bound to the same address, not listening */
    } closed[LISTENERS_MAX];
    size_t n_closed;
};

/* All but the one on keep_port. Negative errno: those that were closed so far are open again. */
int listeners_close(struct listeners *l, int keep_port) MUST_CHECK;
/* 0, or the last of the errors; one that cannot listen stays closed for good. */
int listeners_open(struct listeners *l);
/* Those that are closed stay so. */
void listeners_done(struct listeners *l);

#endif /* IOTD_LOCALCLOUD_LISTENERS_H */
