/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_POLICY_H
#define IOTD_FRONT_BUS_POLICY_H

/* What a program asks of its reports when it registers: the option "policy" of Register. */

#include <dbus/dbus.h>

#include "daemon/core/policy.h"

/*
 * Reads a{sv} of property ids, each with an a{sv} of keys; keys of later releases are ignored.
 * @param ids         those that are registered
 * @param ret_wishes  parallel to ids; the caller frees it
 * @param ret_detail  on failure what it was about, borrowed
 * @return 0; -EINVAL an id that is not among them; -EPROTOTYPE; -ERANGE; -ENOMEM
 */
int bus_policy_read(DBusMessageIter *it, const char *const *ids, size_t n_ids,
                    struct policy_wish **ret_wishes, const char **ret_detail) MUST_CHECK;

#endif /* IOTD_FRONT_BUS_POLICY_H */
