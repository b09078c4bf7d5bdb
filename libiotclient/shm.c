/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/shm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/prop_table.h"
#include "libiotclient/shm_report.h"

/*
 * iotd has ended the shared memory, or the bell is cut. If it is on its way out the bus is about to
 * say so, after what iotd had still to say; by then the client attaches again without that.
 */
#define HANGUP_US (USEC_PER_SEC / 5)

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

bool shm_is_active(const iotc_client *client)
{
    return __atomic_load_n(&client->shm.is_active, __ATOMIC_ACQUIRE);
}

void shm_on_detached(iotc_client *client)
{
    struct shm *shm = &client->shm;

    (void) pthread_mutex_lock(&shm->lock); /* cannot fail: a plain mutex that we made */
    __atomic_store_n(&shm->is_active, false, __ATOMIC_RELEASE);
    shm->table_call = call_cancel(shm->table_call);
    loop_timer_cancel(&shm->again);
    loop_timer_cancel(&shm->hangup);
    loop_io_stop(&shm->io);
    shm->bell_up = fd_close(shm->bell_up);
    shm->bell_down = fd_close(shm->bell_down);
    (void) pthread_mutex_unlock(&shm->lock);
}

void shm_done(iotc_client *client)
{
    struct shm *shm = &client->shm;

    if (!shm->is_lock_made)
        return; /* never initialised */
    shm_on_detached(client);
    segment_done(&shm->table_segment);
    segment_done(&shm->up_segment);
    segment_done(&shm->down_segment);
    (void) pthread_mutex_destroy(&shm->lock); /* fails only while it is held */
    shm->is_lock_made = false;
}

void shm_broken(iotc_client *client, const char *what)
{
    client_debug(client, "shared memory: %s", what);
    client->shm.is_avoided = true;
    session_restart(client->session, -EPROTO);
}

/* --- Attach --- */

/* What iotd offers. */
struct offer {
    int fds[LAYOUT_FD_COUNT_];
    size_t n_fds;
    bool is_known; /* of a layout that we know */
};

static void offer_done(struct offer *offer)
{
    while (offer->n_fds > 0)
        (void) fd_close(offer->fds[--offer->n_fds]);
}

static bool is_our_major(const char *layout)
{
    char major[16];
    int len = snprintf(major, sizeof(major), "%u.", LAYOUT_MAJOR);

    return strncmp(layout, major, (size_t) len) == 0;
}

/* fds ah, info a{sv}. What makes no sense is no offer. */
static int read_offer(DBusMessage *reply, struct offer *offer)
{
    DBusMessageIter it, fds, value;
    struct msg_dict info;
    const char *key, *layout;
    size_t n;
    int r;

    if (!dbus_message_has_signature(reply, "aha{sv}") || !dbus_message_iter_init(reply, &it))
        return 0;
    r = msg_read_array(&it, &fds, &n);
    for (size_t i = 0; r >= 0 && i < n && i < LAYOUT_FD_COUNT_; i++) {
        r = msg_read_fd(&fds, &offer->fds[i]);
        if (r >= 0)
            offer->n_fds++;
    }
    if (r < 0 || msg_read_dict(&it, &info) < 0)
        return r;
    while (msg_dict_next(&info, &key, &value)) {
        if (strcmp(key, "layout") == 0)
            offer->is_known = msg_read_string(&value, &layout) >= 0 && is_our_major(layout);
    }
    return 0;
}

int shm_on_attaching(iotc_client *client, DBusMessageIter *options)
{
    if (client->shm.is_avoided || !LAYOUT_IS_USABLE)
        return 0;
    return msg_dict_string(options, "layout", LAYOUT_VERSION_TEXT);
}

static int map_table(iotc_client *client, void *arg)
{
    struct shm *shm = &client->shm;
    const int *fd = arg;
    int r = segment_map(&shm->table_segment, *fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                        LAYOUT_TABLE_MAX, false);

    return r < 0 ? r : table_view_init(&shm->view, &shm->table_segment);
}

static int map_both(struct shm *shm, const struct offer *offer)
{
    int r;

    r = segment_map(&shm->up_segment, offer->fds[LAYOUT_FD_UP], LAYOUT_KIND_UP,
                    sizeof(struct layout_up), LAYOUT_TABLE_MAX, true);
    if (r >= 0)
        r = segment_map(&shm->down_segment, offer->fds[LAYOUT_FD_DOWN], LAYOUT_KIND_DOWN,
                        sizeof(struct layout_down), LAYOUT_TABLE_MAX, false);
    if (r < 0)
        return r;
    shm->up = shm->up_segment.base;
    shm->down = shm->down_segment.base;
    ring_init(&shm->to_iotd, shm->up->ring, &shm->up->ring_head, &shm->down->up_tail);
    ring_init(&shm->from_iotd, shm->down->ring, &shm->down->ring_head, &shm->up->down_tail);
    return 0;
}

static bool has_ended(const struct shm *shm)
{
    return __atomic_load_n(&shm->down->state, __ATOMIC_ACQUIRE) == LAYOUT_STATE_ENDED;
}

static void on_hangup(struct loop_timer *timer, void *userdata)
{
    iotc_client *client = userdata;

    (void) timer;
    client_debug(client, "iotd has left the shared memory");
    session_restart(client->session, -ECONNRESET);
}

static void hang_up_later(iotc_client *client)
{
    struct loop_timer *hangup = &client->shm.hangup;

    if (!loop_timer_is_armed(hangup))
        loop_timer_arm(&client->loop.loop, hangup, HANGUP_US, on_hangup, client);
}

static void on_bell(struct loop_io *io, uint32_t events, void *userdata)
{
    (void) events;
    /* What it rang for is the business of the turn. */
    if (!doorbell_clear(io->fd))
        return;
    loop_io_stop(io);
    hang_up_later(userdata);
}

/* With the lock held: takes over the descriptors of the bells. */
static int start(iotc_client *client, struct offer *offer)
{
    struct shm *shm = &client->shm;
    int r = map_both(shm, offer);

    if (r >= 0)
        r = loop_io_start(&client->loop.loop, &shm->io, offer->fds[LAYOUT_FD_BELL_DOWN], LOOP_READ,
                          on_bell, client);
    if (r < 0)
        return r;
    shm->bell_up = offer->fds[LAYOUT_FD_BELL_UP];
    shm->bell_down = offer->fds[LAYOUT_FD_BELL_DOWN];
    offer->fds[LAYOUT_FD_BELL_UP] = -1;
    offer->fds[LAYOUT_FD_BELL_DOWN] = -1;
    shm->asked_epoch = 0;
    __atomic_store_n(&shm->is_active, true, __ATOMIC_RELEASE);
    return 0;
}

static int take(iotc_client *client, struct offer *offer)
{
    struct shm *shm = &client->shm;
    int r = props_table_change(client, map_table, &offer->fds[LAYOUT_FD_TABLE]);

    if (r < 0)
        return r;
    (void) pthread_mutex_lock(&shm->lock);
    r = start(client, offer);
    (void) pthread_mutex_unlock(&shm->lock);
    if (r >= 0)
        props_table_watch_all(client);
    return r;
}

int shm_on_attached(iotc_client *client, DBusMessage *reply)
{
    CLEANUP(offer_done) struct offer offer = {.n_fds = 0};
    struct shm *shm = &client->shm;
    int r = read_offer(reply, &offer);

    if (r >= 0 && offer.is_known && offer.n_fds == LAYOUT_FD_COUNT_) {
        r = take(client, &offer);
        if (r >= 0)
            return 0;
    }
    if (r < 0) {
        /* iotd believes that it is used: say once more that it is not. */
        client_debug(client, "shared memory: %s", iotc_strerror(r));
        shm->is_avoided = true;
        return r;
    }
    shm->is_avoided = false;
    return props_table_change(client, NULL, NULL);
}

/* --- the table of another view, or with more room --- */

static bool is_stale(const struct shm *shm)
{
    return __atomic_load_n(&shm->down->table_epoch, __ATOMIC_ACQUIRE) != shm->view.epoch;
}

bool shm_table_is_stale(const iotc_client *client)
{
    return shm_is_active(client) && is_stale(&client->shm);
}

static void on_table(DBusMessage *reply, int error, void *userdata)
{
    CLEANUP(offer_done) struct offer offer = {.n_fds = 0};
    iotc_client *client = userdata;
    int r = error;

    client->shm.table_call = NULL;
    if (error == -ECONNRESET)
        return; /* told by the name or by the bus */
    if (reply)
        r = read_offer(reply, &offer);
    if (r >= 0)
        r = offer.n_fds == 1 ? props_table_change(client, map_table, &offer.fds[LAYOUT_FD_TABLE])
                             : -EPROTO;
    if (r < 0) {
        shm_broken(client, "no table");
        return;
    }
    props_table_watch_all(client);
    /* It held up the link: client.c. */
    if (client->link_state == IOTC_LINK_ABSENT)
        client_on_model(client);
    else
        reports_on_model(client);
}

static int send_ask(iotc_client *client)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, dict;
    int r;

    r = session_new_call(client->session, &msg, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, client->app_id);
    if (r >= 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    r = msg_dict_string(&dict, "layout", LAYOUT_VERSION_TEXT);
    if (r >= 0)
        r = msg_dict_bool(&dict, "table", true);
    r = msg_close(&it, &dict, r);
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_table, client,
                      &client->shm.table_call);
}

/* Once for each that iotd names. */
static bool is_to_ask(const struct shm *shm)
{
    return !shm->table_call && is_stale(shm) &&
           __atomic_load_n(&shm->down->table_epoch, __ATOMIC_RELAXED) != shm->asked_epoch;
}

static void ask_table(iotc_client *client)
{
    struct shm *shm = &client->shm;
    int r;

    shm->asked_epoch = __atomic_load_n(&shm->down->table_epoch, __ATOMIC_RELAXED);
    r = send_ask(client);
    if (r < 0)
        session_restart(client->session, r);
}

/* --- a turn --- */

void shm_turn_begin(iotc_client *client)
{
    if (shm_is_active(client))
        doorbell_wake(&client->shm.up->bell_program);
}

void shm_turn_work(iotc_client *client)
{
    struct shm *shm = &client->shm;

    if (client->closed || !shm_is_active(client))
        return;
    if (has_ended(shm))
        hang_up_later(client);
    if (is_to_ask(shm))
        ask_table(client);
    props_table_dispatch(client);
    if (!client->closed && shm_is_active(client))
        shm_ring_dispatch(client);
    if (!client->closed && shm_is_active(client))
        shm_reports_dispatch(client);
}

static bool has_work(iotc_client *client)
{
    const struct shm *shm = &client->shm;

    return (has_ended(shm) && !loop_timer_is_armed(&shm->hangup)) || is_to_ask(shm) ||
           props_table_has_work(client) || shm_ring_has_work(client) ||
           shm_reports_have_work(client);
}

static void on_again(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    (void) userdata; /* the turn does it */
}

void shm_turn_end(iotc_client *client)
{
    struct shm *shm = &client->shm;

    if (client->closed || !shm_is_active(client))
        return;
    doorbell_sleep(&shm->up->bell_program);
    if (!has_work(client))
        return;
    doorbell_wake(&shm->up->bell_program);
    loop_timer_arm(&client->loop.loop, &shm->again, 0, on_again, client);
}
