/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_DONE_H
#define IOTD_LIBIOTCLIENT_DONE_H

/* The completions that a program waits for. Each runs once, in the thread of the client. */

#include <iotclient/client.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

struct done {
    struct list link;
    iotc_done_fn fn;
    void *userdata;
    uint64_t count; /* of the writes of a report slot: the one that it waits for */
    int result;     /* for dones_run_own() */
};

/* Any thread, with the client's lock. Without fn nothing is added. 0; -ENOMEM */
int done_add(iotc_client *client, struct list *dones, iotc_done_fn fn, void *userdata) MUST_CHECK;
/* Any thread, with the lock: takes the youngest back. */
void done_drop_last(iotc_client *client, struct list *dones);
/* Runs and frees a list that nobody else sees any more, without the lock. */
void dones_run(iotc_client *client, struct list *dones, int result);
/* The same; each has its own result. */
void dones_run_own(iotc_client *client, struct list *dones);
void dones_set_result(struct list *dones, int result);
/* With the lock: older ones come before those that are there. */
void dones_prepend(struct list *dones, struct list *older);

#endif /* IOTD_LIBIOTCLIENT_DONE_H */
