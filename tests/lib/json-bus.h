/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_JSON_BUS_H
#define IOTD_TESTS_JSON_BUS_H

/* JSON as D-Bus values: what a program that speaks D-Bus would send for it. */

#include <dbus/dbus.h>
#include <jansson.h>

/* A variant: b, x, d, s, a{sv}, av. Ends the test program when it cannot. */
void json_bus_append(DBusMessageIter *it, const json_t *json);

#endif /* IOTD_TESTS_JSON_BUS_H */
