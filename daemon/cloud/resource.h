/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_RESOURCE_H
#define IOTD_CLOUD_RESOURCE_H

/*
 * The messages about resources on $resource/up/service and $resource/down/service (device guide,
 * resource management): numbers are numbers. Knows nothing of what the resources are.
 */

#include "daemon/cloud/file_order.h"
#include "daemon/cloud/link.h"

struct resource;

/* Texts are borrowed for the call. */
struct resource_events {
    void (*on_download)(const struct file_order *order, void *userdata);
    /* Of resource_request_upload(), known by name and MD5; code 0, or the cloud's. */
    void (*on_url)(const char *name, const char *md5, int code, const char *text, const char *url,
                   void *userdata);
};

/* Adds its topic to the link's filters. link and ident are borrowed. */
int resource_new(struct resource **ret_resource, struct link *link, const struct ident *ident,
                 const struct resource_events *events, void *userdata) MUST_CHECK;
struct resource *resource_free(struct resource *r);
DEFINE_FREEP(struct resource, resource_free)

/* Asks whether something waits; one that is on its way is enough. -ENETDOWN; as link_publish() */
int resource_check(struct resource *r) MUST_CHECK;
/* As those of filesvc.h; up: of an upload. */
int resource_report_progress(struct resource *r, bool up, const char *name,
                             unsigned percent) MUST_CHECK;
int resource_report_end(struct resource *r, bool up, const char *name, int code,
                        const char *text) MUST_CHECK;
int resource_request_upload(struct resource *r, const char *name, uint64_t size,
                            const char *md5) MUST_CHECK;

#endif /* IOTD_CLOUD_RESOURCE_H */
