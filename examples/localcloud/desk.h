/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_DESK_H
#define IOTD_LOCALCLOUD_DESK_H

/* The HTTP routes: the application-side API, and what only a cloud on a desk has. */

#include "examples/localcloud/appapi.h"
#include "examples/localcloud/dynreg.h"
#include "examples/localcloud/files.h"
#include "examples/localcloud/filesvc.h"
#include "examples/localcloud/http.h"
#include "examples/localcloud/journal.h"
#include "examples/localcloud/ota.h"
#include "examples/localcloud/resources.h"
#include "examples/localcloud/twecall.h"

struct desk {
    struct loop *loop;
    const struct config *config;
    struct broker *broker;
    struct faults *faults;
    struct journal *journal;
    struct appapi *appapi;
    struct store *store;
    struct thing *thing;
    struct binds *binds;
    struct twecall *twecall;
    struct dynreg_deps dynreg;
    struct files *files;
    struct resources *resources;
    struct filesvc *filesvc;
    struct ota *ota;
};

/* For http_new(); its userdata is a struct desk. */
extern const struct http_route desk_routes[];

/* desk_items.c */
void desk_on_resource(struct http_request *rq, void *userdata);
void desk_on_device_file(struct http_request *rq, void *userdata);

#endif /* IOTD_LOCALCLOUD_DESK_H */
