/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/done.h"

#include <errno.h>
#include <stdlib.h>

#include "libiotclient/client.h"

int done_add(iotc_client *client, struct list *dones, iotc_done_fn fn, void *userdata)
{
    struct done *d;

    if (!fn)
        return 0;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->fn = fn;
    d->userdata = userdata;
    list_append(dones, &d->link);
    client->reports.n_dones++;
    return 0;
}

static struct done *unlink_at(struct list *n)
{
    list_remove(n);
    return LIST_ENTRY(n, struct done, link);
}

void done_drop_last(iotc_client *client, struct list *dones)
{
    free(unlink_at(dones->prev));
    client->reports.n_dones--;
}

void dones_prepend(struct list *dones, struct list *older)
{
    list_splice(older, dones);
    list_splice(dones, older);
}

void dones_run_own(iotc_client *client, struct list *dones)
{
    while (!list_is_empty(dones)) {
        struct done *d = unlink_at(dones->next);
        const struct done done = *d;

        free(d);
        client_lock(client);
        client->reports.n_dones--;
        client_unlock(client);
        client_run_done(client, done.fn, done.userdata, done.result);
    }
}

void dones_set_result(struct list *dones, int result)
{
    LIST_FOR_EACH (n, dones)
        LIST_ENTRY(n, struct done, link)->result = result;
}

void dones_run(iotc_client *client, struct list *dones, int result)
{
    dones_set_result(dones, result);
    dones_run_own(client, dones);
}
