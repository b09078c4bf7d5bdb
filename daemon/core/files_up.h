/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_FILES_UP_H
#define IOTD_CORE_FILES_UP_H

/*
 * What programs send to the cloud: its address is asked for, the file put there, the outcome told.
 * For a resource its MD5 is reckoned first, a slice in each turn of the loop. Nothing of it
 * survives iotd.
 */

#include "daemon/cloud/filesvc.h"
#include "daemon/cloud/resource.h"
#include "daemon/core/files_net.h"
#include "daemon/core/transfers.h"

struct files_up;

struct files_up_config {
    struct loop *loop;
    struct link *link; /* borrowed, as all of it */
    struct files_net net;
    struct transfers *transfers;
    struct filesvc *filesvc;
    struct resource *resource;
};

int files_up_new(struct files_up **ret_up, const struct files_up_config *config) MUST_CHECK;
struct files_up *files_up_free(struct files_up *up);
DEFINE_FREEP(struct files_up, files_up_free)

struct files_up_request {
    enum file_kind kind;
    int fd; /* borrowed for the call */
    struct file_record record;
    const char *program; /* that asks */
};

/*
 * @param ret_transfer  the transfer that has begun
 * @return 0; -EINVAL a name cannot be, or the descriptor is of no regular file open for reading;
 *         -EMSGSIZE; -EOPNOTSUPP a program serves its file system; -ENETDOWN; -ENOBUFS too many
 *         run; -EAGAIN a resource of that name is on its way; -ENOMEM
 */
int files_up_start(struct files_up *up, const struct files_up_request *request,
                   struct transfer **ret_transfer) MUST_CHECK;

/* The answers of the cloud, as struct filesvc_events and struct resource_events have them. */
void files_up_on_file_url(struct files_up *up, const char *request_id, int code, const char *text,
                          const char *url, const char *token);
void files_up_on_resource_url(struct files_up *up, const char *name, const char *md5, int code,
                              const char *text, const char *url);

#endif /* IOTD_CORE_FILES_UP_H */
