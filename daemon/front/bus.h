/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_H
#define IOTD_FRONT_BUS_H

/*
 * The D-Bus door of the programs: connection, name, peers, objects. Comes back by itself when the
 * bus goes away; the programs on it are gone then, the link is not touched.
 */

#include "daemon/core/core.h"

struct bus;

struct bus_config {
    const char *bus;      /* system, session, or an address */
    const char *endpoint; /* shown in Link.Endpoint */
    struct core *core;    /* borrowed: manager */
    /* Reads the settings again; calls ignored for each key that needs a restart. 0 or -errno. */
    int (*on_reload)(void (*ignored)(const char *key, void *data), void *data, void *userdata);
    /* The name is ours for the first time; or it cannot be had and there is no use in trying. */
    void (*on_ready)(void *userdata);
    void (*on_refused)(const char *reason, void *userdata);
    void *userdata;
};

/* 0; -EINVAL an address that libdbus does not understand; -ENOMEM. Connects from the loop. */
int bus_new(struct bus **ret_bus, struct loop *loop, const struct bus_config *config) MUST_CHECK;
struct bus *bus_free(struct bus *bus);
DEFINE_FREEP(struct bus, bus_free)

#endif /* IOTD_FRONT_BUS_H */
