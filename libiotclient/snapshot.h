/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_SNAPSHOT_H
#define IOTD_LIBIOTCLIENT_SNAPSHOT_H

/* Values of several properties, of one generation of iotd's table. */

#include <iotclient/snapshot.h>

/* The client goes: snapshots that are still there keep what they have. */
void snapshots_done(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_SNAPSHOT_H */
