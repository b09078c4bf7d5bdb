/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_BUS_H
#define IOTD_FRONT_BUS_H

/*
 * The D-Bus door of the programs: connection, name, peers, objects. Comes back by itself when the
 * bus goes away; the programs on it are gone then, the link is not touched.
 */

#include "daemon/core/core.h"
#include "daemon/core/installer.h"

struct bus;

#define BUS_PROBLEM 256

/* Device.Provision; texts are NULL where they were not given. */
struct bus_provision {
    int fd; /* the handler's until it returns */
    const char *format;
    const char *product_id, *device_name, *region;
    uint64_t line; /* of a CSV file; 0: not given */
};

struct bus_provisioned {
    char product_id[LIMIT_PRODUCT_ID + 1];
    char device_name[LIMIT_DEVICE_NAME + 1];
    char path[512];
    bool needs_registration;
};

struct bus_config {
    const char *bus;        /* system, session, or an address */
    const char *endpoint;   /* shown in Link.Endpoint */
    struct core *core;      /* borrowed: manager */
    struct installer *rauc; /* the same, of bus_rauc.h; NULL: RAUC does not install */
    /* Reads the settings again; calls ignored for each key that needs a restart. 0 or -errno. */
    int (*on_reload)(void (*ignored)(const char *key, void *data), void *data, void *userdata);
    /*
     * Definitions that a program brings, laid out as the console's file. 0; -EINVAL, -ECONNREFUSED
     * with problem filled in; -ENOMEM.
     */
    int (*on_define)(const json_t *brought, char problem[BUS_PROBLEM], void *userdata);
    /* Stores new credentials; iotd starts over with them once the answer has left. 0, or -errno
     * with problem filled in. */
    int (*on_provision)(const struct bus_provision *request, struct bus_provisioned *ret_result,
                        char problem[BUS_PROBLEM], void *userdata);
    /* The name is ours for the first time; or it cannot be had and there is no use in trying. */
    void (*on_ready)(void *userdata);
    void (*on_refused)(const char *reason, void *userdata);
    void *userdata;
};

/* 0; -EINVAL an address that libdbus does not understand; -ENOMEM. Connects from the loop. */
int bus_new(struct bus **ret_bus, struct loop *loop, const struct bus_config *config) MUST_CHECK;
struct bus *bus_free(struct bus *bus);
DEFINE_FREEP(struct bus, bus_free)
/* The access rules are others: what programs hold stays, what they watch is looked at again. */
void bus_access_changed(struct bus *bus);
/* The thing model is another one: programs look what became of their ids. */
void bus_model_changed(struct bus *bus);

#endif /* IOTD_FRONT_BUS_H */
