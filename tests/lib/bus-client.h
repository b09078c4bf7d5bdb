/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_BUS_CLIENT_H
#define IOTD_TESTS_BUS_CLIENT_H

/*
 * A program on the private bus, as a test wants it: calls that block up to a deadline, signals and
 * incoming calls that are kept until somebody asks for them. Waiting in vain fails the running
 * test. Messages that are returned are the caller's (msg_unref()).
 */

#include <stdbool.h>
#include <stdint.h>

#include <dbus/dbus.h>

struct bus_client;

/* Ends the test program if there is no bus. */
struct bus_client *bus_client_new(void);
/* Closes the connection, as a program that dies does. Accepts NULL, always returns NULL. */
struct bus_client *bus_client_free(struct bus_client *bc);
const char *bus_client_name(const struct bus_client *bc); /* unique name */

/* Signals from sender (a well-known or unique name) arrive from now on. */
void bus_client_subscribe(struct bus_client *bc, const char *sender);

/* A call to a member of iotd. */
DBusMessage *bus_client_new_call(const char *path, const char *iface, const char *member);
/* Sends and drops msg; the serial. */
uint32_t bus_client_send(struct bus_client *bc, DBusMessage *msg);
/* The answer to a call sent before, which may be an error; NULL after the deadline. */
DBusMessage *bus_client_wait_reply(struct bus_client *bc, uint32_t serial);
/* Both. */
DBusMessage *bus_client_call(struct bus_client *bc, DBusMessage *call);
/* The same where only the outcome counts: "" or the name of the error. Valid until the next one. */
const char *bus_client_call_error(struct bus_client *bc, DBusMessage *call);

/* A property of iotd as text, whatever its type: "true", "-5", "up". The text is the caller's. */
char *bus_client_get(struct bus_client *bc, const char *path, const char *iface, const char *name);
/* Waits until it is that. Needs bus_client_subscribe(). */
bool bus_client_wait_property(struct bus_client *bc, const char *path, const char *iface,
                              const char *name, const char *text);

/* The first signal (or call to us) of that name that nobody took yet. NULL after the deadline. */
DBusMessage *bus_client_wait_signal(struct bus_client *bc, const char *member);
DBusMessage *bus_client_wait_call(struct bus_client *bc, const char *member);
/* The same without waiting; NULL is no failure. What was sent before is here after a round trip. */
DBusMessage *bus_client_take_signal(struct bus_client *bc, const char *member);
void bus_client_round_trip(struct bus_client *bc, const char *destination);

/* For a test that plays several programs in one loop: the next message of any kind, or NULL; and
 * what it polls for reading (borrowed). */
DBusMessage *bus_client_next(struct bus_client *bc);
int bus_client_fd(const struct bus_client *bc);

/* Waits until somebody owns the name, or nobody does. */
bool bus_client_wait_owner(struct bus_client *bc, const char *name, bool owned);

#endif /* IOTD_TESTS_BUS_CLIENT_H */
