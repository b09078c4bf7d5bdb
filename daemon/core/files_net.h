/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_NET_H
#define IOTD_CORE_FILES_NET_H

/* What of daemon/net the files need, as it is there: a seam for tests. */

#include "daemon/net/fetch.h"
#include "daemon/net/put.h"

struct files_net_ops {
    int (*fetch_start)(struct fetch **ret_fetch, struct fetcher *fetcher,
                       const struct fetch_request *request, const struct fetch_events *events,
                       void *userdata);
    struct fetch *(*fetch_free)(struct fetch *fetch);
    int (*put_start)(struct put **ret_put, struct fetcher *fetcher,
                     const struct put_request *request, const struct put_events *events,
                     void *userdata);
    struct put *(*put_free)(struct put *put);
};

struct files_net {
    const struct files_net_ops *ops;
    struct fetcher *fetcher; /* borrowed: manager */
};

#endif /* IOTD_CORE_FILES_NET_H */
