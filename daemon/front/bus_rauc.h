/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_RAUC_H
#define IOTD_FRONT_BUS_RAUC_H

/*
 * RAUC as the installer: de.pengutronix.rauc.Installer of the bus that iotd is on. It reads the
 * image by its path and as root. What it has begun it does to the end: cancel() and the deadline
 * only end the listening, and the next job waits until RAUC is idle.
 */

#include <dbus/dbus.h>

#include "daemon/core/installer.h"
#include "libiotclient/base/loop.h"

/*
 * After timeout_us a job ends with -ETIMEDOUT.
 * @return 0; -ENOMEM
 *
 * done(): -EREMOTEIO RAUC refused, or failed; -ENXIO there is no RAUC, or no bus, for 30 s;
 * -ECONNRESET RAUC or the bus went away in the middle; -ETIMEDOUT; -ENOMEM
 */
int bus_rauc_new(struct installer **ret_installer, struct loop *loop,
                 uint64_t timeout_us) MUST_CHECK;
struct installer *bus_rauc_free(struct installer *i);
DEFINE_FREEP(struct installer, bus_rauc_free)

/* The bus is there, has greeted back; it is there no more. conn is borrowed between the two. */
int bus_rauc_attach(struct installer *i, DBusConnection *conn) MUST_CHECK;
void bus_rauc_detach(struct installer *i);

#endif /* IOTD_FRONT_BUS_RAUC_H */
