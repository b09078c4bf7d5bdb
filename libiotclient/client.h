/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_CLIENT_H
#define IOTD_LIBIOTCLIENT_CLIENT_H

/* The inside of iotc_client: what the modules of the library share. */

#include <iotclient/iotclient.h>

#include "libiotclient/define.h"
#include "libiotclient/event.h"
#include "libiotclient/file.h"
#include "libiotclient/loop_epoll.h"
#include "libiotclient/ota.h"
#include "libiotclient/post.h"
#include "libiotclient/prop.h"
#include "libiotclient/report.h"
#include "libiotclient/serve.h"
#include "libiotclient/session.h"
#include "libiotclient/shm.h"
#include "libiotclient/shm_ring.h"
#include "libiotclient/slot.h"
#include "libiotclient/twecall.h"
#include "libiotclient/wake.h"

struct iotc_client {
    unsigned n_ref;
    bool dispatching;
    bool closed; /* the last reference is gone: nothing new starts */
    int n_callbacks;
    char *app_id;
    struct loop_epoll loop;
    struct session *session;
    struct shm shm;
    struct rings rings;
    struct slot_list link_slots;
    iotc_link_state link_state;
    struct props props;
    struct reports reports;
    struct events events;
    struct posts posts;
    struct serves serves;
    struct defines defines;
    struct twecalls twecalls;
    struct otas otas;
    struct files files;
    struct loop_timer flush;
    bool is_flush_due; /* at the end of this turn */
    struct wake wake;  /* reports of other threads */
    iotc_debug_fn debug;
    void *debug_userdata;
};

/* 0; -EINVAL for NULL; -ESHUTDOWN once the last reference is gone. */
int client_check(const iotc_client *client) MUST_CHECK;
/*
 * The lock of what other threads touch: reports, posts, and the way to iotd through shared memory.
 * No callback runs with it. Cannot fail: a plain mutex that we made.
 */
static inline void client_lock(iotc_client *client)
{
    (void) pthread_mutex_lock(&client->shm.lock);
}
static inline void client_unlock(iotc_client *client)
{
    (void) pthread_mutex_unlock(&client->shm.lock);
}
/* Before memory that was not there is asked for again. */
#define CLIENT_MEMORY_PAUSE_US (100 * USEC_PER_MSEC)
/* Sends what is queued when this turn of the program is over (delay 0), or later. */
void client_flush_later(iotc_client *client, uint64_t delay_us);
/* The model has arrived after an attach: everything that needs it may start. */
void client_on_model(iotc_client *client);
/* iotd has come to the end of a token. False: it is none of ours. */
bool client_on_completed(iotc_client *client, uint64_t token, int result);
void client_run_done(iotc_client *client, iotc_done_fn done, void *userdata, int result);
void client_debug(iotc_client *client, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif /* IOTD_LIBIOTCLIENT_CLIENT_H */
