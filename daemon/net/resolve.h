/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_NET_RESOLVE_H
#define IOTD_NET_RESOLVE_H

/*
 * Host name to addresses without blocking the loop: getaddrinfo(3) runs in a short-lived child.
 * A numeric address needs none.
 */

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

#define RESOLVE_MAX 8

struct resolve_result {
    unsigned n_addresses;
    char addresses[RESOLVE_MAX][64]; /* numeric, with scope */
};

struct resolve;

/*
 * Once, from the loop, unless freed before. n_addresses is 0 on failure, reason says why then.
 */
typedef void (*resolve_fn)(const struct resolve_result *result, const char *reason, void *userdata);

/* 0; -ENOMEM; what fork(2) or pipe(2) failed with. */
int resolve_start(struct resolve **ret_resolve, struct loop *loop, const char *host, resolve_fn fn,
                  void *userdata) MUST_CHECK;
/* Cancels if it still runs. Legal inside fn. */
struct resolve *resolve_free(struct resolve *r);
DEFINE_FREEP(struct resolve, resolve_free)

#endif /* IOTD_NET_RESOLVE_H */
