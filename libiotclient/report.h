/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_REPORT_H
#define IOTD_LIBIOTCLIENT_REPORT_H

/*
 * Values on their way to the cloud. A report waits as pending (one for each property, the newest
 * value wins) until the turn of the program is over; then all that is pending leaves in one
 * batch, which waits for the token of iotd and for Completed. What was not confirmed when iotd
 * goes away is pending again, unless a newer value overtook it.
 */

#include <iotclient/prop.h>

#include "dbus/msg.h"
#include "libiotclient/base/list.h"

struct reports {
    struct list pending; /* struct report */
    struct list batches;
    unsigned n_batches;
    unsigned n_dones;
};

void reports_init(struct reports *reports);
/* Completes what waits with -ECANCELED. */
void reports_done(iotc_client *client);
/* Sends what is pending, as far as the bound on batches allows. */
void reports_flush(iotc_client *client);
void reports_on_detached(iotc_client *client);
/* Whether the token is one of ours. */
bool reports_on_completed(iotc_client *client, uint64_t token, int result);

#endif /* IOTD_LIBIOTCLIENT_REPORT_H */
