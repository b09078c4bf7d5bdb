/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/shm.h"

#include <errno.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/client.h"
#include "libiotclient/ipc/doorbell.h"

int shm_init(iotc_client *client)
{
    struct shm *shm = &client->shm;
    int r;

    shm->bell_up = -1;
    shm->bell_down = -1;
    r = pthread_mutex_init(&shm->lock, NULL);
    shm->is_lock_made = r == 0;
    return -r;
}

void shm_done(iotc_client *client)
{
    struct shm *shm = &client->shm;

    if (!shm->is_lock_made)
        return; /* never initialised */
    shm_on_detached(client);
    (void) pthread_mutex_destroy(&shm->lock); /* fails only while it is held */
    shm->is_lock_made = false;
}

bool shm_is_active(const iotc_client *client)
{
    return __atomic_load_n(&client->shm.is_active, __ATOMIC_ACQUIRE);
}

void shm_on_detached(iotc_client *client)
{
    struct shm *shm = &client->shm;

    (void) pthread_mutex_lock(&shm->lock); /* cannot fail: a plain mutex that we made */
    __atomic_store_n(&shm->is_active, false, __ATOMIC_RELEASE);
    loop_timer_cancel(&shm->again);
    loop_io_stop(&shm->io);
    shm->bell_up = fd_close(shm->bell_up);
    shm->bell_down = fd_close(shm->bell_down);
    (void) pthread_mutex_unlock(&shm->lock);
}

void shm_broken(iotc_client *client, const char *what)
{
    client_debug(client, "shared memory: %s", what);
    session_restart(client->session, -EPROTO);
}

int shm_on_attaching(iotc_client *client, DBusMessageIter *options)
{
    (void) client;
    (void) options;
    return 0; /* nothing is asked for: the bus carries all */
}

int shm_on_attached(iotc_client *client, DBusMessage *reply)
{
    (void) client;
    (void) reply;
    return 0;
}

void shm_turn_begin(iotc_client *client)
{
    if (shm_is_active(client))
        doorbell_wake(&client->shm.up->bell_program);
}

void shm_turn_work(iotc_client *client)
{
    (void) client;
}

void shm_turn_end(iotc_client *client)
{
    if (shm_is_active(client))
        doorbell_sleep(&client->shm.up->bell_program);
}
