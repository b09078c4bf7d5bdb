/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dbus/names.h"
#include "dbus/watch.h"
#include "libiotclient/base/backoff.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/call.h"

/* The address that the D-Bus specification fixes for the system bus. */
#define SYSTEM_BUS "unix:path=/var/run/dbus/system_bus_socket"

#define MATCH_OWNER                                                                                \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS                           \
    "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" IOTD_BUS_NAME "'"
#define MATCH_CHANGED                                                                              \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_THING "',member='Changed'"
#define MATCH_LINK                                                                                 \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" DBUS_INTERFACE_PROPERTIES                                                      \
    "',member='PropertiesChanged',arg0='" IOTD_IFACE_LINK "'"

#define MATCH_FIRMWARE                                                                             \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" DBUS_INTERFACE_PROPERTIES                                                      \
    "',member='PropertiesChanged',arg0='" IOTD_IFACE_FIRMWARE "'"
#define MATCH_MODEL                                                                                \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_THING "',member='ModelChanged'"

#define MATCH_FILES                                                                                \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_FILES "'"
#define MATCH_RESOURCES                                                                            \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_RESOURCES "'"
#define MATCH_TRANSFERS                                                                            \
    "type='signal',sender='" IOTD_BUS_NAME "',interface='" DBUS_INTERFACE_PROPERTIES               \
    "',member='PropertiesChanged',arg0='" IOTD_IFACE_TRANSFER "'"

#define BUS_RETRY_US (200 * USEC_PER_MSEC)
#define BUS_RETRY_MAX_US (5 * USEC_PER_SEC)
#define ATTACH_RETRY_US (1 * USEC_PER_SEC)
#define ATTACH_RETRY_MAX_US (30 * USEC_PER_SEC)

struct session {
    struct loop *loop; /* borrowed: client */
    const struct session_ops *ops;
    void *userdata;
    char app_id[LIMIT_APP_ID + 1];

    DBusConnection *bus; /* NULL: not connected */
    struct bus_watch *watch;
    struct list calls;
    struct loop_timer retry; /* of the bus, or of Attach */
    struct backoff bus_backoff;
    struct backoff attach_backoff;

    bool hears[SESSION_NEWS_COUNT_]; /* has the match */
    char *owner;                     /* unique name of iotd; NULL: not there */
    bool attached;
    uint64_t epoch;
    int error; /* why it is not attached */
};

static void say(struct session *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct session *s, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* cut is good enough for people */
    va_end(ap);
    s->ops->on_debug(text, s->userdata);
}

static uint64_t random64(void)
{
    uint64_t v = 0;

    /* Without entropy the delay is the shortest: no harm. */
    if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t) sizeof(v))
        return 0;
    return v;
}

static void bus_retry_later(struct session *s);
static void attach(struct session *s);

static void detached(struct session *s, int error)
{
    bool was = s->attached;

    s->attached = false;
    loop_timer_cancel(&s->retry);
    call_complete_all(s, -ECONNRESET);
    s->error = error;
    if (was)
        s->ops->on_detached(s->userdata);
}

static void close_bus(struct session *s)
{
    s->watch = bus_watch_detach(s->watch);
    memset(s->hears, 0, sizeof(s->hears));
    if (s->bus) {
        dbus_connection_close(s->bus);
        dbus_connection_unref(s->bus);
        s->bus = NULL;
    }
    free(s->owner);
    s->owner = NULL;
}

static void bus_lost(struct session *s)
{
    say(s, "the bus is gone");
    detached(s, -EHOSTDOWN);
    close_bus(s);
    bus_retry_later(s);
}

static void on_attach_retry(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    attach(userdata);
}

static void attach_retry_later(struct session *s, int error)
{
    s->error = error;
    loop_timer_arm(s->loop, &s->retry,
                   ATTACH_RETRY_US / 2 + backoff_next_us(&s->attach_backoff, random64()),
                   on_attach_retry, s);
}

static void on_attach(DBusMessage *reply, int error, void *userdata)
{
    struct session *s = userdata;

    if (error == -ECONNRESET)
        return; /* told by the name or by the bus */
    if (!reply) {
        say(s, "iotd refused Attach (error %d)", -error);
        attach_retry_later(s, error);
        return;
    }
    s->attached = true;
    s->error = 0;
    s->epoch++;
    say(s, "attached to iotd %s", s->owner);
    s->ops->on_attached(reply, s->userdata);
}

static int send_attach(struct session *s)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, dict;
    int r;

    r = session_new_call(s, &msg, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Attach");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, s->app_id);
    if (r >= 0)
        r = msg_open_dict(&it, &dict);
    if (r >= 0)
        r = msg_close(&it, &dict, s->ops->on_attaching(&dict, s->userdata));
    if (r < 0)
        return r;
    return call_start(s, msg, CALL_TIMEOUT_MS, on_attach, s, NULL);
}

static void attach(struct session *s)
{
    int r;

    s->error = -EINPROGRESS;
    r = send_attach(s);
    if (r < 0)
        attach_retry_later(s, r);
}

static void set_owner(struct session *s, const char *owner)
{
    if (s->owner && owner && strcmp(s->owner, owner) == 0)
        return;

    if (s->owner) {
        say(s, "iotd is gone");
        free(s->owner);
        s->owner = NULL;
        detached(s, -ENOENT);
    }
    if (!owner)
        return;
    s->owner = strdup(owner);
    if (!s->owner) {
        bus_lost(s); /* comes back here after a pause */
        return;
    }
    backoff_reset(&s->attach_backoff);
    attach(s);
}

static void on_owner(DBusMessage *reply, int error, void *userdata)
{
    struct session *s = userdata;
    DBusMessageIter it;
    const char *owner;

    if (error == -ECONNRESET && s->bus && !s->owner) {
        /* NameHasNoOwner. */
        s->error = -ENOENT;
        say(s, "iotd is not on the bus");
        return;
    }
    if (error == -ECONNRESET)
        return;
    if (!reply || !dbus_message_iter_init(reply, &it) || msg_read_string(&it, &owner) < 0) {
        bus_lost(s); /* a bus that does not answer that is of no use: start again */
        return;
    }
    set_owner(s, owner);
}

static int call_driver(struct session *s, const char *member, const char *arg, call_fn fn)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       member);
    if (!msg)
        return -ENOMEM;
    if (arg) {
        dbus_message_iter_init_append(msg, &it);
        r = msg_append_string(&it, arg);
        if (r < 0)
            return r;
    }
    return call_start(s, msg, CALL_TIMEOUT_MS, fn, s, NULL);
}

static void on_match(DBusMessage *reply, int error, void *userdata)
{
    struct session *s = userdata;

    (void) reply;
    /* Without its matches the client is blind: better start again. */
    if (error < 0 && error != -ECONNRESET)
        bus_lost(s);
}

int session_hear(struct session *s, enum session_news news, bool on)
{
    static const char *const matches[SESSION_NEWS_COUNT_] = {
        [SESSION_NEWS_CHANGED] = MATCH_CHANGED,     [SESSION_NEWS_FIRMWARE] = MATCH_FIRMWARE,
        [SESSION_NEWS_FILES] = MATCH_FILES,         [SESSION_NEWS_RESOURCES] = MATCH_RESOURCES,
        [SESSION_NEWS_TRANSFERS] = MATCH_TRANSFERS,
    };
    int r;

    if (s->hears[news] == on)
        return 0;
    r = call_driver(s, on ? "AddMatch" : "RemoveMatch", matches[news], on_match);
    if (r >= 0)
        s->hears[news] = on;
    return r;
}

static void on_hello(DBusMessage *reply, int error, void *userdata)
{
    struct session *s = userdata;
    DBusMessageIter it;
    const char *name;
    int r = error;

    if (error == -ECONNRESET)
        return;
    if (!reply || !dbus_message_iter_init(reply, &it) || msg_read_string(&it, &name) < 0)
        r = -EPROTO;
    if (r >= 0 && !dbus_bus_set_unique_name(s->bus, name))
        r = -ENOMEM;
    /* In this order, so that no change of the owner is missed. */
    if (r >= 0)
        r = call_driver(s, "AddMatch", MATCH_OWNER, on_match);
    if (r >= 0)
        r = call_driver(s, "AddMatch", MATCH_LINK, on_match);
    if (r >= 0)
        r = call_driver(s, "AddMatch", MATCH_MODEL, on_match);
    if (r >= 0)
        r = call_driver(s, "GetNameOwner", IOTD_BUS_NAME, on_owner);
    if (r < 0) {
        bus_lost(s);
        return;
    }
    backoff_reset(&s->bus_backoff);
    say(s, "on the bus as %s", name);
}

static void on_owner_changed(struct session *s, DBusMessage *msg)
{
    const char *name, *from, *to;
    DBusMessageIter it;

    if (!dbus_message_has_sender(msg, DBUS_SERVICE_DBUS) || !dbus_message_iter_init(msg, &it) ||
        msg_read_string(&it, &name) < 0 || msg_read_string(&it, &from) < 0 ||
        msg_read_string(&it, &to) < 0 || strcmp(name, IOTD_BUS_NAME) != 0)
        return;
    set_owner(s, to[0] ? to : NULL);
    if (!s->owner)
        s->error = -ENOENT;
}

static bool is_from_iotd(struct session *s, DBusMessage *msg)
{
    return s->owner && dbus_message_has_sender(msg, s->owner);
}

/* An interface of objects of ours. */
static bool is_for_us(DBusMessage *msg)
{
    return dbus_message_has_interface(msg, IOTD_IFACE_HANDLER) ||
           dbus_message_has_interface(msg, IOTD_IFACE_INSTALLER);
}

static DBusHandlerResult refuse(struct session *s, DBusMessage *msg)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    if (!is_for_us(msg))
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (dbus_message_get_no_reply(msg))
        return DBUS_HANDLER_RESULT_HANDLED;
    if (msg_new_error(&reply, msg, -EACCES, NULL) < 0 || !dbus_connection_send(s->bus, reply, NULL))
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    return DBUS_HANDLER_RESULT_HANDLED;
}

/* The device; a transfer, of which only the properties are of interest. */
static bool is_news_object(DBusMessage *msg)
{
    const char *path = dbus_message_get_path(msg);

    return dbus_message_has_path(msg, IOTD_DEVICE_PATH) ||
           (path &&
            strncmp(path, IOTD_TRANSFER_PATH_PREFIX, strlen(IOTD_TRANSFER_PATH_PREFIX)) == 0 &&
            dbus_message_is_signal(msg, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"));
}

static DBusHandlerResult on_message(DBusConnection *bus, DBusMessage *msg, void *userdata)
{
    struct session *s = userdata;

    (void) bus;
    if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
        if (!is_from_iotd(s, msg))
            return refuse(s, msg);
        if (!is_for_us(msg))
            return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
        s->ops->on_call(msg, s->userdata);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_is_signal(msg, DBUS_INTERFACE_LOCAL, "Disconnected"))
        bus_lost(s);
    else if (dbus_message_is_signal(msg, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
        on_owner_changed(s, msg);
    else if (dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_SIGNAL && is_from_iotd(s, msg) &&
             is_news_object(msg) && (s->attached || dbus_message_has_member(msg, "Completed")))
        s->ops->on_signal(msg, s->userdata);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static int open_bus(struct session *s)
{
    const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    int r;

    if (!address || !address[0])
        address = SYSTEM_BUS;
    /* connect() to a local socket is done at once; authentication goes on in the loop. */
    s->bus = dbus_connection_open_private(address, NULL);
    if (!s->bus)
        return -EHOSTDOWN;
    /* No max_message_size: libdbus ends the whole connection over one message that is longer. */
    r = bus_watch_attach(&s->watch, s->bus, s->loop);
    if (r < 0)
        return r;
    if (!dbus_connection_add_filter(s->bus, on_message, s, NULL))
        return -ENOMEM;
    return call_driver(s, "Hello", NULL, on_hello);
}

static void on_connect(struct loop_timer *timer, void *userdata)
{
    struct session *s = userdata;
    int r;

    (void) timer;
    s->error = -EINPROGRESS;
    r = open_bus(s);
    if (r >= 0)
        return;
    s->error = -EHOSTDOWN;
    call_cancel_all(s);
    close_bus(s);
    bus_retry_later(s);
}

static void bus_retry_later(struct session *s)
{
    loop_timer_arm(s->loop, &s->retry,
                   BUS_RETRY_US / 4 + backoff_next_us(&s->bus_backoff, random64()), on_connect, s);
}

int session_new(struct session **ret_session, struct loop *loop, const char *app_id,
                const struct session_ops *ops, void *userdata)
{
    struct session *s;

    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->ops = ops;
    s->userdata = userdata;
    (void) snprintf(s->app_id, sizeof(s->app_id), "%s", app_id); /* checked: it fits */
    s->error = -EINPROGRESS;
    list_init(&s->calls);
    backoff_init(&s->bus_backoff, BUS_RETRY_US, BUS_RETRY_MAX_US);
    backoff_init(&s->attach_backoff, ATTACH_RETRY_US, ATTACH_RETRY_MAX_US);
    loop_timer_arm(loop, &s->retry, 0, on_connect, s);
    *ret_session = s;
    return 0;
}

struct session *session_free(struct session *s)
{
    if (!s)
        return NULL;

    loop_timer_cancel(&s->retry);
    call_cancel_all(s);
    close_bus(s);
    free(s);
    return NULL;
}

bool session_is_attached(const struct session *s)
{
    return s->attached;
}

int session_get_error(const struct session *s)
{
    return s->error;
}

uint64_t session_get_epoch(const struct session *s)
{
    return s->epoch;
}

int session_new_call(struct session *s, DBusMessage **ret_msg, const char *path, const char *iface,
                     const char *member)
{
    DBusMessage *msg;

    if (!s->owner)
        return -ECONNRESET;
    /* The unique name: what starts in between must not get what was meant for another. */
    msg = dbus_message_new_method_call(s->owner, path, iface, member);
    if (!msg)
        return -ENOMEM;
    *ret_msg = msg;
    return 0;
}

int session_send(struct session *s, DBusMessage *msg)
{
    if (!s->attached)
        return -ECONNRESET;
    return dbus_connection_send(s->bus, msg, NULL) ? 0 : -ENOMEM;
}

void session_restart(struct session *s, int error)
{
    if (!s->attached)
        return;
    detached(s, error);
    attach_retry_later(s, error);
}

DBusConnection *session_get_bus(struct session *s)
{
    return s->bus;
}

struct list *session_get_calls(struct session *s)
{
    return &s->calls;
}
