/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_CLOUD_H
#define IOTD_LOCALCLOUD_CLOUD_H

/* Makes all parts of the stand-in, connects them, and takes them down again. No logic. */

#include "examples/localcloud/config.h"
#include "examples/localcloud/net.h"

struct cloud;

struct cloud_options {
    bool verbose;
    const char *data_dir;  /* made if it is not there; NULL: all is forgotten */
    const char *files_url; /* "http" or "https" for our own port, or what URLs begin with */
};

/* config and options stay the caller's and must live longer. */
int cloud_new(struct cloud **ret_cloud, const struct config *config,
              const struct cloud_options *options) MUST_CHECK;
struct cloud *cloud_free(struct cloud *c);
DEFINE_FREEP(struct cloud, cloud_free)

int cloud_listen(struct cloud *c, const char *address, const struct net_ports *ports,
                 const struct net_tls *tls, struct net_ports *ret_ports) MUST_CHECK;
int cloud_run(struct cloud *c) MUST_CHECK;

#endif /* IOTD_LOCALCLOUD_CLOUD_H */
