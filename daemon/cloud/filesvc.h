/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_FILESVC_H
#define IOTD_CLOUD_FILESVC_H

/*
 * The messages about files of users on the service topic of the thing model (device guide, file
 * management): no clientToken, numbers as texts. Knows nothing of what the files are.
 */

#include "daemon/cloud/file_order.h"
#include "daemon/cloud/thing.h"

struct filesvc;

#define FILESVC_REQUEST_ID 24 /* of ours, with NUL */

/* What the cloud asks and answers; texts are borrowed for the call. */
struct filesvc_events {
    void (*on_update)(const struct file_order *order, void *userdata);
    void (*on_delete)(const struct file_record *record, void *userdata);
    /* The cloud has this on record: one call for each, after a report of nothing. */
    void (*on_recorded)(const struct file_record *record, void *userdata);
    /* Of a request_url; code 0, or the cloud's. */
    void (*on_url)(const char *request_id, int code, const char *text, const char *url,
                   const char *token, void *userdata);
};

/* thing is borrowed. -ENOMEM */
int filesvc_new(struct filesvc **ret_svc, struct link *link, struct thing *thing,
                const struct filesvc_events *events, void *userdata) MUST_CHECK;
struct filesvc *filesvc_free(struct filesvc *svc);
DEFINE_FREEP(struct filesvc, filesvc_free)

/*
 * Tells what is here; nothing: the cloud answers with what it has on record. As many messages as
 * it takes, and none while those of an earlier call are on their way.
 */
void filesvc_report_versions(struct filesvc *svc, const struct file_record *records, size_t n);

/*
 * All as link_publish(), or -EMSGSIZE for names that cannot be. Progress is told with QoS 0 and
 * fails while the link is down; the others wait for it.
 */
int filesvc_report_progress(struct filesvc *svc, const char *name, const char *version,
                            unsigned percent) MUST_CHECK;
int filesvc_report_result(struct filesvc *svc, const char *name, const char *version, int code,
                          const char *text) MUST_CHECK;
int filesvc_report_deleted(struct filesvc *svc, const char *name, const char *version, int code,
                           const char *text) MUST_CHECK;
/* ret_id is that of on_url. */
int filesvc_request_url(struct filesvc *svc, const struct file_record *record,
                        char ret_id[FILESVC_REQUEST_ID]) MUST_CHECK;
int filesvc_report_posted(struct filesvc *svc, const char *token, int code,
                          const char *text) MUST_CHECK;
/* params: an object as JSON text. */
int filesvc_request_asr(struct filesvc *svc, const char *params) MUST_CHECK;

#endif /* IOTD_CLOUD_FILESVC_H */
