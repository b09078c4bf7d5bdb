/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_POLICY_H
#define IOTD_LIBIOTCLIENT_POLICY_H

/* How served properties are reported, as a registration asks for it. */

#include <iotclient/prop.h>

#include "dbus/msg.h"

/* Copies the members that are given; others may not be there in a program of an older release. */
int policy_copy(iotc_policy *to, const iotc_policy *from) MUST_CHECK;
/* Adds the option "policy" to those of Register, if there is something to ask for. */
int policy_append(DBusMessageIter *options, const char *const *ids, const iotc_policy *policies,
                  size_t n) MUST_CHECK;

#endif /* IOTD_LIBIOTCLIENT_POLICY_H */
