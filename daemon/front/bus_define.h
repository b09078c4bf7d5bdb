/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_DEFINE_H
#define IOTD_FRONT_BUS_DEFINE_H

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"

/*
 * Takes the option "define" of Register; ids are those of the call.
 * @return 0; with detail filled in -EINVAL, -EACCES, -EMSGSIZE, -ECONNREFUSED; -ENOMEM
 */
int bus_define(struct bus *bus, struct bus_peer *peer, const DBusMessageIter *value,
               const struct owners_ids *ids, char detail[BUS_ACCESS_DETAIL]) MUST_CHECK;

#endif /* IOTD_FRONT_BUS_DEFINE_H */
