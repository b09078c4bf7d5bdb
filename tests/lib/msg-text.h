/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_MSG_TEXT_H
#define IOTD_TESTS_MSG_TEXT_H

/* D-Bus messages made from C values, and shown as text that a test can compare. */

#include <stdarg.h>

#include <dbus/dbus.h>

/*
 * Appends arguments as busctl takes them. types is a signature; for each type of it there follow:
 * b i: int, u: unsigned, x: int64_t, t: uint64_t, n q y: int, d: double, s o: a text;
 * v: its signature (a text), then the value; a: the number of elements (int), then each of them;
 * a dictionary entry or struct: its members. Ends the test program when it cannot.
 */
void msg_add(DBusMessage *msg, const char *types, ...);
void msg_vadd(DBusMessage *msg, const char *types, va_list *ap);

/*
 * The arguments, separated by blanks; of an error message its name only. Texts are in double
 * quotes, variants are led by their signature: `i:5`. `["a","b"]`, `{"id":x:5,"on":b:true}`,
 * `(1,2)`. The text is the caller's.
 */
char *msg_text(DBusMessage *msg);

#endif /* IOTD_TESTS_MSG_TEXT_H */
