/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_SERVICE_H
#define IOTD_CORE_SERVICE_H

/*
 * What a program asks of the cloud's service topic, each with one outcome: the token of an app
 * that wants to bind the device, and the end of a binding from this side.
 */

#include "daemon/cloud/thing.h"

#define SERVICE_REQUESTS 8    /* own choice: that wait for the cloud; Full beyond */
#define SERVICE_TOKEN 32      /* vendor SDK: bytes of the token */
#define SERVICE_PAIR_TIME 512 /* own choice: bytes of pairTime as JSON */

struct service {
    struct link *link; /* borrowed: core, as the next two */
    const struct ident *ident;
    struct thing *thing;
    struct list pending;
    unsigned n_pending;
};

void service_init(struct service *s, struct link *link, const struct ident *ident,
                  struct thing *thing);
/* Ends all with -ECANCELED. */
void service_done(struct service *s);

/* code: 0, the cloud's, or -ETIMEDOUT, -ENETDOWN, -ECANCELED. text: for people. */
typedef void (*service_fn)(int code, const char *text, void *userdata);

/*
 * app_bind_token: three tries of 10 s each (vendor SDK).
 * @param token      1 to SERVICE_TOKEN printable characters without a blank
 * @param pair_time  the times of the pairing as a JSON object, or NULL; borrowed for the call
 * @return 0; -EINVAL; -EMSGSIZE pair_time is too long; -ENETDOWN; -ENOBUFS; -ENOMEM
 */
int service_send_bind_token(struct service *s, const char *token, const json_t *pair_time,
                            service_fn fn, void *userdata) MUST_CHECK;
/* unbind_device_request: 5 s. The same results. */
int service_unbind(struct service *s, service_fn fn, void *userdata) MUST_CHECK;

#endif /* IOTD_CORE_SERVICE_H */
