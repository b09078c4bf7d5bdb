/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_REGISTRAR_H
#define IOTD_CLOUD_REGISTRAR_H

/*
 * Runs one dynamic registration at a time: request, answer, and the store of what came. When to
 * try is the business of the link. Owned by the manager.
 */

#include "daemon/cloud/dynreg.h"
#include "daemon/cloud/ident.h"
#include "daemon/net/endpoint.h"

struct http;
struct registrar;

struct registrar_config {
    struct http *http; /* borrowed, outlives the registrar */
    struct endpoint url;
    const struct ident *ident; /* borrowed; has a product secret */
    /*
     * Keeps what the cloud gave, for good, before anybody uses it: the first login activates the
     * device, and the cloud does not give its secret again. 0, or -errno with problem filled in.
     */
    int (*store)(const struct dynreg_answer *answer, char problem[DYNREG_PROBLEM], void *userdata);
    void *userdata;
};

enum registrar_outcome {
    REGISTRAR_DONE,
    REGISTRAR_UNREACHABLE, /* nobody there */
    REGISTRAR_FAILED,      /* no good answer, or it could not be stored */
    REGISTRAR_REFUSED,     /* by the cloud; it takes somebody to change that */
};

/* Once, from the loop, unless cancelled before. reason is for people; "" when done. */
typedef void (*registrar_fn)(enum registrar_outcome outcome, const char *reason, void *userdata);

int registrar_new(struct registrar **ret_registrar,
                  const struct registrar_config *config) MUST_CHECK;
struct registrar *registrar_free(struct registrar *registrar);
DEFINE_FREEP(struct registrar, registrar_free)

/* 0; -EALREADY; what http_start() failed with. */
int registrar_start(struct registrar *registrar, registrar_fn fn, void *userdata) MUST_CHECK;
/* Harmless when nothing runs. */
void registrar_cancel(struct registrar *registrar);

#endif /* IOTD_CLOUD_REGISTRAR_H */
