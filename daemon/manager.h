/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_MANAGER_H
#define IOTD_MANAGER_H

/* Owns every object of the daemon: makes, wires, runs and takes them down. No logic. */

#include <stdbool.h>

#include "libiotclient/base/macro.h"

/* The command line; NULL where an option was not given. */
struct manager_options {
    const char *config;
    const char *credentials;
    const char *model;
    const char *state_dir;
    const char *bus;
    const char *endpoint;
    const char *debug;
    bool check; /* read everything, tell the mistakes, do nothing */
};

/* The exit status of the daemon, of sysexits.h. */
int manager_run(const struct manager_options *options);

#endif /* IOTD_MANAGER_H */
