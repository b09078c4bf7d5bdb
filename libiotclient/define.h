/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_DEFINE_H
#define IOTD_LIBIOTCLIENT_DEFINE_H

/* What the program defines of the thing model: told after each attach, before it serves. */

#include <iotclient/client.h>

#include "libiotclient/call.h"

struct defines {
    char *json; /* NULL: nothing */
    int error;
    struct call *call;
    iotc_done_fn fn; /* may be NULL */
    void *userdata;
};

void defines_on_attached(iotc_client *client);
void defines_on_detached(iotc_client *client);
/* The model is another one: what was refused may fit now. */
void defines_on_model_changed(iotc_client *client);
void defines_done(iotc_client *client);

#endif /* IOTD_LIBIOTCLIENT_DEFINE_H */
