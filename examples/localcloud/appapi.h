/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_APPAPI_H
#define IOTD_LOCALCLOUD_APPAPI_H

/* The application-side API: one JSON object in, one envelope out. Knows no HTTP. */

#include <stddef.h>

#include "examples/localcloud/ota.h"

enum appapi_endpoint {
    APPAPI_ENDPOINT_SIGNED, /* /api/exploreropen/appapi */
    APPAPI_ENDPOINT_TOKEN,  /* /api/exploreropen/tokenapi */
};

#define APPAPI_PENDING_MAX 256

struct appapi;
struct appapi_request;

struct appapi_deps {
    const struct cloud_clock *clock;
    const struct config *config;
    struct broker *broker;
    struct store *store;
    struct thing *thing;
    struct binds *binds;
    struct blobs *blobs;
    struct ota *ota;
};

int appapi_new(struct appapi **ret_api, const struct appapi_deps *deps) MUST_CHECK;
/* Nothing may be pending. */
struct appapi *appapi_free(struct appapi *a);
DEFINE_FREEP(struct appapi, appapi_free)

/* answer is the envelope, and the receiver's to free. */
typedef void (*appapi_answer_fn)(char *answer, void *userdata);

enum { APPAPI_PENDING = 1 };
/*
 * 0: ret_answer is set (a new string, also for every mistake of the caller).
 * APPAPI_PENDING: ret_request is set; fn runs once, later, unless appapi_cancel() comes first.
 * -ENOMEM.
 */
int appapi_start(struct appapi *a, enum appapi_endpoint endpoint, const char *body, size_t len,
                 appapi_answer_fn fn, void *userdata, char **ret_answer,
                 struct appapi_request **ret_request) MUST_CHECK;
void appapi_cancel(struct appapi_request *rq);

#endif /* IOTD_LOCALCLOUD_APPAPI_H */
