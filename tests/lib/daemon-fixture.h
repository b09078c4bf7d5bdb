/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_DAEMON_FIXTURE_H
#define IOTD_TESTS_DAEMON_FIXTURE_H

/* A running iotd on the private bus, with its own settings, credentials and state directory. */

#include <stdbool.h>

#include "tests/lib/bus-client.h"
#include "tests/lib/proc.h"

struct daemon_fixture;

struct daemon_options {
    const char *endpoint;         /* URL */
    const char *settings;         /* text of iotd.conf; NULL: none */
    const char *credentials;      /* text of device_info.json; NULL: examples/device_info.json */
    const char *credentials_path; /* instead of a file with that text; NULL: device_info.json */
    const char *model;            /* a path, "" none; NULL: examples/smart-light.json */
    const char *state_dir;        /* a path; NULL: a new one */
};

/* Ready on return: it owns org.iotd1. */
struct daemon_fixture *daemon_start(const struct daemon_options *options);
/* SIGTERM, asserts a clean end. Accepts NULL, always returns NULL. */
struct daemon_fixture *daemon_stop(struct daemon_fixture *d);
/* kill -9, and starting again with the same settings and state. */
void daemon_kill(struct daemon_fixture *d);
void daemon_start_again(struct daemon_fixture *d);

/*
 * One more iotd with the same settings and state, which is not waited for. prefix: a command to
 * run it with, ended by NULL; may be NULL.
 */
struct proc *daemon_start_other(struct daemon_fixture *d, const char *const *prefix);

struct proc *daemon_proc(struct daemon_fixture *d);
const char *daemon_state_dir(const struct daemon_fixture *d);
/* The test's own connection to the bus; signals of org.iotd1 arrive there. */
struct bus_client *daemon_bus(struct daemon_fixture *d);

/* Waits until Link.State is that ("up"). */
bool daemon_wait_link(struct daemon_fixture *d, const char *state);

#endif /* IOTD_TESTS_DAEMON_FIXTURE_H */
