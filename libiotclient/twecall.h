/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_TWECALL_H
#define IOTD_LIBIOTCLIENT_TWECALL_H

/* Requests about calls to WeChat: each is one call of a method of iotd. */

#include <iotclient/call.h>

#include "libiotclient/base/list.h"

struct twecalls {
    struct list pending;
    unsigned n_pending;
};

void twecalls_init(struct twecalls *twecalls);
/* Completes what waits with -ECANCELED. */
void twecalls_done(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_TWECALL_H */
