/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Life and dispatch of a client. The order of a turn: bus and timers, then what they queued. */

#include "libiotclient/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/name.h"
#include "libiotclient/call.h"
#include "libiotclient/snapshot.h"

int client_check(const iotc_client *client)
{
    if (!client)
        return -EINVAL;
    return client->closed ? -ESHUTDOWN : 0;
}

void client_debug(iotc_client *client, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (!client->debug)
        return;
    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* cut is good enough for people */
    va_end(ap);
    client->debug(client, text, client->debug_userdata);
}

void client_run_done(iotc_client *client, iotc_done_fn done, void *userdata, int result)
{
    client->n_callbacks++;
    done(client, result, userdata);
}

static void flush(iotc_client *client)
{
    /* Types and owners are known after the model only. */
    if (client->link_state == IOTC_LINK_ABSENT || client->closed)
        return;
    /* What goes through memory would overtake on the bus what says how it is to be taken. */
    if (shm_is_active(client) && serves_are_registering(client))
        return;
    if (client->rings.reports_first)
        reports_flush(client);
    if (posts_flush(client))
        reports_flush(client);
}

static void on_wake(void *userdata)
{
    flush(userdata);
}

static void on_flush(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    flush(userdata);
}

void client_flush_later(iotc_client *client, uint64_t delay_us)
{
    struct loop *loop = &client->loop.loop;

    if (client->dispatching && !delay_us) {
        client->is_flush_due = true; /* without a timer */
        return;
    }
    /* What is due now is neither put off by someone who can wait nor armed again. */
    if (client->closed || (loop_timer_is_armed(&client->flush) &&
                           (delay_us || client->flush.due_us <= loop_now_us(loop))))
        return;
    loop_timer_arm(loop, &client->flush, delay_us, on_flush, client);
}

static void run_link(iotc_slot *slot, void *arg)
{
    iotc_client *client = arg;

    client->n_callbacks++;
    ((iotc_link_fn) slot->fn)(client, client->link_state, slot->userdata);
}

static void set_link_state(iotc_client *client, iotc_link_state state)
{
    if (client->link_state == state)
        return;
    client->link_state = state;
    slot_list_walk(&client->link_slots, run_link, client);
}

static void set_link_state_text(iotc_client *client, const char *text)
{
    set_link_state(client, strcmp(text, "up") == 0 ? IOTC_LINK_UP : IOTC_LINK_DOWN);
}

static void on_link_state(DBusMessage *reply, int error, void *userdata)
{
    iotc_client *client = userdata;
    DBusMessageIter it;
    const char *text;

    if (error == -ECONNRESET)
        return;
    if (!reply || !dbus_message_iter_init(reply, &it) || msg_read_string(&it, &text) < 0) {
        session_restart(client->session, error < 0 ? error : -EPROTO);
        return;
    }
    /* It may be about what this program has just defined. */
    if (shm_table_is_stale(client))
        return;
    client->props.is_known = true;
    set_link_state_text(client, text);
    client_flush_later(client, 0);
}

static int ask_link_state(iotc_client *client)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES, "Get");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, IOTD_IFACE_LINK);
    if (r >= 0)
        r = msg_append_string(&it, "State");
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_link_state, client, NULL);
}

void client_on_model(iotc_client *client)
{
    int r = ask_link_state(client);

    reports_on_model(client);
    serves_on_model(client);
    if (r < 0)
        session_restart(client->session, r);
}

static int on_attaching(DBusMessageIter *options, void *userdata)
{
    int r = posts_on_attaching(userdata, options);

    return r < 0 ? r : shm_on_attaching(userdata, options);
}

static void on_attached(DBusMessage *reply, void *userdata)
{
    iotc_client *client = userdata;
    int r;

    r = shm_on_attached(client, reply);
    if (r >= 0)
        r = shm_ring_on_attached(client);
    if (r >= 0)
        r = session_hear(client->session, SESSION_NEWS_CHANGED, !shm_is_active(client));
    if (r < 0) {
        session_restart(client->session, r);
        return;
    }
    posts_on_attached(client, reply);

    defines_on_attached(client);
    /* Ids first: no control may find them unserved when the program has been told of the link. */
    serves_on_attached(client);
    otas_on_attached(client);
    files_on_attached(client);
    r = props_load(client);
    if (r < 0)
        session_restart(client->session, r);
}

static void on_detached(void *userdata)
{
    iotc_client *client = userdata;

    shm_on_detached(client);
    shm_ring_on_detached(client);
    reports_on_detached(client);
    set_link_state(client, IOTC_LINK_ABSENT);
    posts_on_detached(client);
    serves_on_detached(client);
    defines_on_detached(client);
    otas_on_detached(client);
    files_on_detached(client);
}

/* PropertiesChanged of org.iotd1.Link: s a{sv} as */
static void on_link_changed(iotc_client *client, DBusMessage *msg)
{
    DBusMessageIter it, at;
    struct msg_dict dict;
    const char *iface, *key, *text;

    if (!dbus_message_iter_init(msg, &it) || msg_read_string(&it, &iface) < 0 ||
        strcmp(iface, IOTD_IFACE_LINK) != 0 || msg_read_dict(&it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &at)) {
        /* Before the first answer it is not our turn to leave ABSENT: that answer is newer. */
        if (strcmp(key, "State") == 0 && msg_read_string(&at, &text) >= 0 &&
            client->link_state != IOTC_LINK_ABSENT)
            set_link_state_text(client, text);
    }
}

static void on_properties_changed(iotc_client *client, DBusMessage *msg)
{
    on_link_changed(client, msg);
    ota_info_on_changed(client, msg);
}

bool client_on_completed(iotc_client *client, uint64_t token, int result)
{
    return reports_on_completed(client, token, result) || posts_on_completed(client, token, result);
}

static void on_completed(iotc_client *client, DBusMessage *msg)
{
    DBusMessageIter it;
    uint64_t token;
    int64_t code;
    int result;

    if (!dbus_message_iter_init(msg, &it) || msg_read_uint64(&it, &token) < 0 ||
        msg_read_int64(&it, &code) < 0)
        return;
    result = code < INT32_MIN || code > INT32_MAX ? -EPROTO : errmap_from_code((int32_t) code);
    (void) client_on_completed(client, token, result); /* or nobody waits for it */
}

/* What is served is registered once more: so it is seen which ids are gone, and which are back. */
static void on_model_changed(iotc_client *client)
{
    int r;

    client_debug(client, "the thing model has changed");
    defines_on_model_changed(client);
    serves_on_attached(client);
    r = props_load(client);
    if (r < 0)
        session_restart(client->session, r);
}

static void on_signal(DBusMessage *msg, void *userdata)
{
    iotc_client *client = userdata;

    if (!dbus_message_has_path(msg, IOTD_DEVICE_PATH)) /* a transfer */
        uploads_on_changed(client, msg);
    else if (dbus_message_is_signal(msg, IOTD_IFACE_THING, "Changed"))
        props_on_changed(client, msg);
    else if (dbus_message_is_signal(msg, IOTD_IFACE_THING, "Completed"))
        on_completed(client, msg);
    else if (dbus_message_is_signal(msg, IOTD_IFACE_THING, "ModelChanged"))
        on_model_changed(client);
    else if (dbus_message_is_signal(msg, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"))
        on_properties_changed(client, msg);
    else if (dbus_message_has_interface(msg, IOTD_IFACE_FILES) ||
             dbus_message_has_interface(msg, IOTD_IFACE_RESOURCES))
        files_on_signal(client, msg);
}

static void on_call(DBusMessage *msg, void *userdata)
{
    if (dbus_message_has_interface(msg, IOTD_IFACE_INSTALLER))
        otas_on_call(userdata, msg);
    else
        serves_on_call(userdata, msg);
}

static void on_debug(const char *text, void *userdata)
{
    client_debug(userdata, "%s", text);
}

static const struct session_ops session_ops = {
    .on_attaching = on_attaching,
    .on_attached = on_attached,
    .on_detached = on_detached,
    .on_signal = on_signal,
    .on_call = on_call,
    .on_debug = on_debug,
};

/* Accepts half-built objects. */
static void client_free(iotc_client *client)
{
    if (!client)
        return;

    client->closed = true;
    events_done(client);
    posts_done(client);
    twecalls_done(client);
    reports_done(client);
    serves_done(client);
    otas_done(client);
    files_done(client);
    defines_done(client);
    snapshots_done(client);
    props_done(&client->props);
    slot_list_done(&client->link_slots);
    shm_ring_done(client);
    shm_done(client);
    session_free(client->session);
    loop_timer_cancel(&client->flush);
    wake_done(&client->wake);
    loop_epoll_done(&client->loop);
    free(client->app_id);
    free(client);
}
DEFINE_FREEP(iotc_client, client_free)

int iotc_client_new(iotc_client **ret_client, const char *app_id)
{
    CLEANUP(client_freep) iotc_client *client = NULL;
    int r;

    if (!ret_client || !name_is_app_id(app_id))
        return -EINVAL;
    client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
    client->n_ref = 1;
    client->link_state = IOTC_LINK_ABSENT;
    client->loop.epoll_fd = -1;
    client->loop.timer_fd = -1;
    client->wake.fd = -1;
    slot_list_init(&client->link_slots);
    reports_init(&client->reports);
    events_init(&client->events);
    posts_init(&client->posts);
    shm_ring_init(&client->rings);
    serves_init(&client->serves);
    twecalls_init(&client->twecalls);
    otas_init(&client->otas);
    files_init(&client->files);
    client->app_id = strdup(app_id);
    if (!client->app_id)
        return -ENOMEM;
    r = shm_init(client);
    if (r >= 0)
        r = props_init(&client->props);
    if (r >= 0)
        r = loop_epoll_init(&client->loop);
    if (r >= 0)
        r = wake_init(&client->wake, &client->loop.loop, on_wake, client);
    if (r >= 0)
        r = session_new(&client->session, &client->loop.loop, app_id, &session_ops, client);
    if (r < 0)
        return r;
    *ret_client = TAKE(client);
    return 0;
}

iotc_client *iotc_client_ref(iotc_client *client)
{
    if (client)
        client->n_ref++;
    return client;
}

iotc_client *iotc_client_unref(iotc_client *client)
{
    if (!client || client->closed || --client->n_ref > 0)
        return NULL;

    client->closed = true;
    if (!client->dispatching)
        client_free(client);
    return NULL;
}

int iotc_client_get_fd(iotc_client *client)
{
    return client ? client->loop.epoll_fd : -EINVAL;
}

/* What callbacks and other threads queued in this turn leaves with it. */
static void flush_what_is_due(iotc_client *client)
{
    struct loop_timer *timer = &client->flush;
    bool is_due = client->is_flush_due;

    if (loop_timer_is_armed(timer) && timer->due_us <= loop_now_us(&client->loop.loop)) {
        loop_timer_cancel(timer);
        is_due = true;
    }
    client->is_flush_due = false;
    if (wake_hear(&client->wake) || is_due)
        flush(client);
    shm_ring_bell(client);
}

int iotc_client_dispatch(iotc_client *client)
{
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (client->dispatching)
        return -EBUSY;

    client->dispatching = true;
    client->n_callbacks = 0;
    shm_turn_begin(client);
    reports_turn_begin(client);
    r = loop_epoll_run(&client->loop);
    shm_turn_work(client);
    if (!client->closed)
        posts_tell_room(client);
    flush_what_is_due(client);
    reports_turn_end(client);
    shm_turn_end(client);
    if (r >= 0)
        r = client->n_callbacks;
    client->dispatching = false;
    if (client->is_flush_due)
        client_flush_later(client, 0); /* what the flush itself has brought up */
    client->is_flush_due = false;
    if (client->closed)
        client_free(client);
    return r;
}

int iotc_client_wait(iotc_client *client, int timeout_ms)
{
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (client->dispatching)
        return -EBUSY;
    r = loop_epoll_wait(&client->loop, timeout_ms < 0 ? -1 : timeout_ms);
    return r <= 0 ? r : iotc_client_dispatch(client);
}

iotc_link_state iotc_client_get_link_state(iotc_client *client)
{
    return client ? client->link_state : IOTC_LINK_ABSENT;
}

int iotc_client_get_error(iotc_client *client)
{
    int r = client_check(client);

    return r < 0 ? r : session_get_error(client->session);
}

int iotc_client_watch_link(iotc_client *client, iotc_slot **ret_slot, iotc_link_fn fn,
                           void *userdata, iotc_free_fn destroy)
{
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!fn)
        return -EINVAL;
    r = slot_new(&slot, &client->link_slots, client, (slot_fn) fn, userdata, destroy);
    if (r < 0)
        return r;
    slot->floating = !ret_slot;
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}

void iotc_set_debug(iotc_client *client, iotc_debug_fn fn, void *userdata)
{
    if (!client)
        return;
    client->debug = fn;
    client->debug_userdata = userdata;
}
