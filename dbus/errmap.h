/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_ERRMAP_H
#define IOTD_DBUS_ERRMAP_H

/*
 * errors.def both ways. err is 0 or a negative errno value everywhere; an errno that has no row
 * counts as EIO ("Io"). EINVAL has no row of its own: it is the bus's own InvalidArgs.
 */

#include <stdbool.h>
#include <stdint.h>

/* The full D-Bus error name; NULL for 0. */
const char *errmap_name(int err);
/* What the cloud or Completed gets; 0 for 0. */
int32_t errmap_code(int err);
/* A sentence for people, in lower case, without a final period; "done" for 0. */
const char *errmap_text(int err);

/*
 * From the name of an error reply, ours or the bus's. -ENOTCONN: nobody owns the name or the bus
 * is gone. -EIO: a name that is not known. Never 0.
 */
int errmap_from_name(const char *name);
/* 0 for 0; -ECONNREFUSED ("Refused") for a code that is not known. */
int errmap_from_code(int32_t code);
/* Whether the code has a row in errors.def. */
bool errmap_is_known_code(int32_t code);

#endif /* IOTD_DBUS_ERRMAP_H */
