/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_VALUE_H
#define IOTD_FRONT_BUS_VALUE_H

/*
 * Values of the thing model as D-Bus values: bool b, int enum timestamp x, float d, string and
 * stringenum s, struct a{sv}, array av.
 */

#include <dbus/dbus.h>

#include "daemon/cloud/value.h"
#include "daemon/core/props.h"

/* As v. */
int bus_value_append(DBusMessageIter *it, const struct value *v) MUST_CHECK;
/* An entry of a{sv}. */
int bus_value_append_entry(DBusMessageIter *dict, const char *key,
                           const struct value *v) MUST_CHECK;
/* a{sv} of property ids. */
int bus_value_append_updates(DBusMessageIter *it, const struct model *model,
                             const struct prop_update *updates, size_t n) MUST_CHECK;

/*
 * Reads a variant and fits it to the definition. Arrays may be of any element type, structs
 * dictionaries with values of one type. text: the variant holds what a person typed.
 * As value_fit(); *reterr_detail (for people) is filled on failure.
 */
#define BUS_VALUE_DETAIL 256
int bus_value_read(DBusMessageIter *it, const struct thing_define *def, const char *id, bool text,
                   struct value *ret_value, char reterr_detail[BUS_VALUE_DETAIL]) MUST_CHECK;

#endif /* IOTD_FRONT_BUS_VALUE_H */
