/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_rauc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/sys/log.h"
#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

LOG_AREA("install");

#define RAUC_NAME "de.pengutronix.rauc"
#define RAUC_PATH "/"
#define RAUC_IFACE "de.pengutronix.rauc.Installer"

#define ASK_AGAIN_US (10 * USEC_PER_SEC)  /* own choice: signals tell it sooner */
#define ASK_SOON_US (100 * USEC_PER_MSEC) /* own choice: after such a signal */
#define ABSENT_US (30 * USEC_PER_SEC)     /* own choice: time for a restart of RAUC */

static const char *const matches[] = {
    "type='signal',sender='" RAUC_NAME "',path='" RAUC_PATH "',interface='" RAUC_IFACE
    "',member='Completed'",
    "type='signal',sender='" RAUC_NAME "',path='" RAUC_PATH
    "',interface='" DBUS_INTERFACE_PROPERTIES "',member='PropertiesChanged',arg0='" RAUC_IFACE "'",
    "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS
    "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" RAUC_NAME "'",
};

/*
 *  IDLE ─ start ─► ASKING ── "idle" ──► ORDERING ── reply ──► RUNNING ── Completed(0) ──► IDLE
 *                   │  ▲                   │                   │ Completed(n)             ▲
 *     busy, absent  ▼  │ signal, timer     │ busy              ▼                          │
 *                  WAITING ◄───────────────┘               READING ── LastError ──────────┘
 */
enum rauc_state {
    RAUC_IDLE,
    RAUC_ASKING,   /* for Operation */
    RAUC_WAITING,  /* for the end of what others let it do, or for RAUC */
    RAUC_ORDERING, /* InstallBundle is on its way */
    RAUC_RUNNING,
    RAUC_READING, /* LastError */
};

struct bus_rauc {
    struct installer base;
    struct loop *loop;
    uint64_t timeout_us;
    DBusConnection *conn; /* NULL while there is no bus */
    struct list calls;
    enum rauc_state state;
    char *path;
    const struct installer_events *events;
    void *userdata;
    char owner[LIMIT_BUS_NAME + 1]; /* who answered last: the unique name of RAUC */
    uint64_t absent_since_us;       /* 0: it is there */
    struct loop_timer deadline;
    struct loop_timer again; /* in WAITING */
    struct loop_timer lost;  /* the bus went away */
    unsigned percent;
    char text[INSTALLER_TEXT + 1];
};

static struct bus_rauc *of(struct installer *i)
{
    return CONTAINER_OF(i, struct bus_rauc, base);
}

/* A text of RAUC for people; what does not fit is cut. */
static void copy_text(char to[INSTALLER_TEXT + 1], const char *from)
{
    (void) snprintf(to, INSTALLER_TEXT + 1, "%s", from);
    utf8_trim(to);
    utf8_clean(to);
}

/* --- begin and end of a job --- */

static void watch(struct bus_rauc *br, bool on)
{
    if (!br->conn || !dbus_connection_get_is_connected(br->conn))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
        /* Without an error to fill: no wait. */
        if (on)
            dbus_bus_add_match(br->conn, matches[i], NULL);
        else
            dbus_bus_remove_match(br->conn, matches[i], NULL);
    }
}

static void drop_calls(struct bus_rauc *br)
{
    while (!list_is_empty(&br->calls))
        bus_call_free(LIST_ENTRY(br->calls.next, struct bus_call, link));
}

static void clear(struct bus_rauc *br)
{
    if (br->state == RAUC_IDLE)
        return;
    br->state = RAUC_IDLE;
    drop_calls(br);
    watch(br, false);
    loop_timer_cancel(&br->deadline);
    loop_timer_cancel(&br->again);
    loop_timer_cancel(&br->lost);
    free(TAKE(br->path));
}

static void finish(struct bus_rauc *br, int result, const char *said)
{
    const struct installer_events *events = br->events;
    void *userdata = br->userdata;
    char text[INSTALLER_TEXT + 1];

    copy_text(text, said);
    clear(br);
    if (result == 0)
        log_info("RAUC is done");
    else
        log_info("RAUC failed error=\"%s\"", text);
    events->done(result, text, userdata);
}

static void tell(struct bus_rauc *br, unsigned percent, const char *said)
{
    char text[INSTALLER_TEXT + 1];

    copy_text(text, said);
    if (br->percent == percent && strcmp(br->text, text) == 0)
        return;
    br->percent = percent;
    memcpy(br->text, text, sizeof(text));
    br->events->progress(percent, text, br->userdata);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct bus_rauc *br = userdata;
    char text[64];

    (void) timer;
    (void) snprintf(text, sizeof(text), "RAUC was not done after %" PRIu64 " s",
                    (uint64_t) (br->timeout_us / USEC_PER_SEC));
    finish(br, -ETIMEDOUT, text);
}

/* --- calls --- */

static DBusMessage *new_call(const char *iface, const char *member)
{
    return dbus_message_new_method_call(RAUC_NAME, RAUC_PATH, iface, member);
}

static int send_get(struct bus_rauc *br, const char *name, bus_call_fn fn)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = new_call(DBUS_INTERFACE_PROPERTIES, "Get");
    const char *iface = RAUC_IFACE;

    if (!msg || !dbus_message_append_args(msg, DBUS_TYPE_STRING, &iface, DBUS_TYPE_STRING, &name,
                                          DBUS_TYPE_INVALID))
        return -ENOMEM;
    return bus_call_send(&br->calls, br->conn, msg, -1, fn, br, NULL);
}

/* Whose signals count. */
static void keep_owner(struct bus_rauc *br, DBusMessage *reply)
{
    const char *sender = dbus_message_get_sender(reply);

    if (sender && strcmp(sender, DBUS_SERVICE_DBUS) != 0)
        (void) snprintf(br->owner, sizeof(br->owner), "%s", sender);
}

/* The errors of a bus that has nobody of that name, and cannot start him. */
static bool is_absent(DBusMessage *reply)
{
    static const char *const names[] = {
        DBUS_ERROR_SERVICE_UNKNOWN,
        DBUS_ERROR_NAME_HAS_NO_OWNER,
        "org.freedesktop.DBus.Error.Spawn.",
    };
    const char *name = dbus_message_get_error_name(reply);

    for (size_t i = 0; name && i < ARRAY_SIZE(names); i++) {
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void ask(struct bus_rauc *br);
static void wait_for_rauc(struct bus_rauc *br, const char *what);

static void on_again(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    ask(userdata);
}

static void wait_until(struct bus_rauc *br, uint64_t delay_us)
{
    br->state = RAUC_WAITING;
    loop_timer_arm(br->loop, &br->again, delay_us, on_again, br);
}

static void take_error(struct bus_rauc *br, DBusMessage *reply, const char *text)
{
    const char *name = dbus_message_get_error_name(reply);

    if (is_absent(reply)) {
        wait_for_rauc(br, "RAUC is not on the bus");
    } else if (name && strcmp(name, DBUS_ERROR_NO_REPLY) == 0) {
        finish(br, -ECONNRESET, "RAUC did not answer");
    } else {
        finish(br, -EREMOTEIO, *text ? text : "RAUC refused it");
    }
}

/* RAUC 1.x: the text is all that tells it from other refusals; Operation is wrong then. */
static bool is_busy(const char *text)
{
    return strstr(text, "lready processing") != NULL;
}

static void wait_for_others(struct bus_rauc *br)
{
    static const char text[] = "RAUC works for somebody else";

    if (strcmp(br->text, text) != 0)
        log_info("%s, waiting", text);
    wait_until(br, ASK_AGAIN_US);
    tell(br, 0, text);
}

static void on_ordered(DBusMessage *reply, void *userdata)
{
    struct bus_rauc *br = userdata;
    const char *text = "";

    if (msg_get_error(reply, &text) == 0) {
        keep_owner(br, reply);
        br->state = RAUC_RUNNING;
    } else if (is_busy(text)) {
        wait_for_others(br);
    } else {
        take_error(br, reply, text);
    }
}

static int send_order(struct bus_rauc *br)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = new_call(RAUC_IFACE, "InstallBundle");
    DBusMessageIter it, dict;
    int r;

    if (!msg)
        return -ENOMEM;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, br->path);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r == 0)
        r = msg_close(&it, &dict, 0);
    if (r == 0)
        r = bus_call_send(&br->calls, br->conn, msg, -1, on_ordered, br, NULL);
    return r;
}

/* The text in the variant of an answer to Get; "" if there is none. */
static const char *text_of(DBusMessage *reply)
{
    const char *text = "";
    DBusMessageIter it;

    if (!dbus_message_iter_init(reply, &it) || msg_read_string(&it, &text) < 0)
        return "";
    return text;
}

static void on_operation(DBusMessage *reply, void *userdata)
{
    struct bus_rauc *br = userdata;
    const char *text = "";
    int r;

    if (msg_get_error(reply, &text) < 0) {
        take_error(br, reply, text);
        return;
    }
    keep_owner(br, reply);
    br->absent_since_us = 0;
    if (strcmp(text_of(reply), "idle") != 0) {
        wait_for_others(br);
        return;
    }
    br->state = RAUC_ORDERING;
    r = send_order(br);
    if (r < 0)
        finish(br, r, strerror(-r));
}

static void wait_for_rauc(struct bus_rauc *br, const char *what)
{
    uint64_t now = loop_now_us(br->loop);

    if (br->absent_since_us == 0)
        br->absent_since_us = now;
    if (now - br->absent_since_us >= ABSENT_US)
        finish(br, -ENXIO, what);
    else
        wait_until(br, ASK_AGAIN_US);
}

static void ask(struct bus_rauc *br)
{
    int r;

    loop_timer_cancel(&br->again);
    if (!br->conn) {
        wait_for_rauc(br, "iotd is not on the bus");
        return;
    }
    br->state = RAUC_ASKING;
    r = send_get(br, "Operation", on_operation);
    if (r < 0)
        finish(br, r, strerror(-r));
}

static void on_last_error(DBusMessage *reply, void *userdata)
{
    const char *text = "";

    if (msg_get_error(reply, &text) == 0)
        text = text_of(reply);
    finish(userdata, -EREMOTEIO, *text ? text : "RAUC failed and does not say why");
}

/* --- signals --- */

static bool is_from_owner(const struct bus_rauc *br, DBusMessage *msg)
{
    const char *sender = dbus_message_get_sender(msg);

    return sender && *br->owner && strcmp(sender, br->owner) == 0;
}

static void on_completed(struct bus_rauc *br, DBusMessage *msg)
{
    dbus_int32_t result;

    if (!dbus_message_get_args(msg, NULL, DBUS_TYPE_INT32, &result, DBUS_TYPE_INVALID))
        return;
    if (br->state == RAUC_WAITING) {
        wait_until(br, ASK_SOON_US);
    } else if (br->state == RAUC_RUNNING) {
        /* One at a time: after the answer to our order it is the end of ours. */
        if (result == 0) {
            finish(br, 0, "");
            return;
        }
        br->state = RAUC_READING;
        if (send_get(br, "LastError", on_last_error) < 0)
            finish(br, -EREMOTEIO, "RAUC failed");
    }
}

/* (isi): percent, what it does, how deep that is nested. */
static void take_progress(struct bus_rauc *br, const DBusMessageIter *value)
{
    DBusMessageIter it = *value, variant, part;
    const char *text;
    int64_t percent;

    dbus_message_iter_recurse(&it, &variant);
    if (dbus_message_iter_get_arg_type(&variant) != DBUS_TYPE_STRUCT)
        return;
    dbus_message_iter_recurse(&variant, &part);
    if (msg_read_int64(&part, &percent) < 0 || msg_read_string(&part, &text) < 0)
        return;
    tell(br, percent < 0 ? 0 : percent > 100 ? 100 : (unsigned) percent, text);
}

static void on_properties(struct bus_rauc *br, DBusMessage *msg)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *iface, *key;

    if (!dbus_message_iter_init(msg, &it) || msg_read_string(&it, &iface) < 0 ||
        strcmp(iface, RAUC_IFACE) != 0 || msg_read_dict(&it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "Progress") == 0 && br->state == RAUC_RUNNING)
            take_progress(br, &value);
        else if (strcmp(key, "Operation") == 0 && br->state == RAUC_WAITING)
            wait_until(br, ASK_SOON_US);
        if (br->state == RAUC_IDLE)
            return; /* cancelled from there */
    }
}

static void on_owner(struct bus_rauc *br, DBusMessage *msg)
{
    const char *name, *before, *now;

    if (!dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                               DBUS_TYPE_STRING, &now, DBUS_TYPE_INVALID) ||
        strcmp(name, RAUC_NAME) != 0)
        return;
    if (br->state == RAUC_WAITING && *now)
        wait_until(br, ASK_SOON_US);
    else if ((br->state == RAUC_RUNNING || br->state == RAUC_READING) &&
             strcmp(before, br->owner) == 0)
        finish(br, -ECONNRESET, "RAUC ended in the middle of the installation");
}

static DBusHandlerResult on_message(DBusConnection *conn, DBusMessage *msg, void *userdata)
{
    struct bus_rauc *br = userdata;

    (void) conn;
    if (br->state == RAUC_IDLE || dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_SIGNAL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (dbus_message_is_signal(msg, DBUS_INTERFACE_DBUS, "NameOwnerChanged")) {
        if (dbus_message_has_sender(msg, DBUS_SERVICE_DBUS))
            on_owner(br, msg);
    } else if (is_from_owner(br, msg) && dbus_message_has_path(msg, RAUC_PATH)) {
        if (dbus_message_is_signal(msg, RAUC_IFACE, "Completed"))
            on_completed(br, msg);
        else if (dbus_message_is_signal(msg, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged"))
            on_properties(br, msg);
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED; /* others may want it, too */
}

/* --- the bus --- */

static void on_lost(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    finish(userdata, -ECONNRESET, "the connection to the bus broke in the middle");
}

int bus_rauc_attach(struct installer *i, DBusConnection *conn)
{
    struct bus_rauc *br = of(i);

    bus_rauc_detach(i);
    if (!dbus_connection_add_filter(conn, on_message, br, NULL))
        return -ENOMEM;
    br->conn = conn;
    if (br->state == RAUC_WAITING) {
        watch(br, true); /* before the question: no signal is missed */
        wait_until(br, 0);
    }
    return 0;
}

void bus_rauc_detach(struct installer *i)
{
    struct bus_rauc *br = of(i);

    if (!br->conn)
        return;
    drop_calls(br);
    loop_timer_cancel(&br->again);
    watch(br, false);
    dbus_connection_remove_filter(br->conn, on_message, br);
    br->conn = NULL;
    if (br->state == RAUC_ASKING || br->state == RAUC_WAITING) /* nothing has begun */
        wait_until(br, ASK_AGAIN_US);
    else if (br->state != RAUC_IDLE)
        loop_timer_arm(br->loop, &br->lost, 0, on_lost, br);
}

/* --- what an installer is --- */

static int start(struct installer *i, const struct install_job *job,
                 const struct installer_events *events, void *userdata)
{
    struct bus_rauc *br = of(i);

    if (br->state != RAUC_IDLE)
        return -EBUSY;
    br->path = strdup(job->path);
    if (!br->path)
        return -ENOMEM;
    br->events = events;
    br->userdata = userdata;
    br->owner[0] = br->text[0] = '\0';
    br->percent = 0;
    br->absent_since_us = 0;
    watch(br, true); /* before the question: no signal is missed */
    wait_until(br, 0);
    loop_timer_arm(br->loop, &br->deadline, br->timeout_us, on_deadline, br);
    log_info("RAUC is asked to install version=%s path=\"%s\"", job->version, job->path);
    return 0;
}

static void cancel(struct installer *i)
{
    clear(of(i));
}

static const struct installer_ops ops = {
    .name = "rauc",
    .restarts_by_itself = false,
    .start = start,
    .cancel = cancel,
};

int bus_rauc_new(struct installer **ret_installer, struct loop *loop, uint64_t timeout_us)
{
    struct bus_rauc *br = calloc(1, sizeof(*br));

    if (!br)
        return -ENOMEM;
    br->base.ops = &ops;
    br->loop = loop;
    br->timeout_us = timeout_us;
    list_init(&br->calls);
    *ret_installer = &br->base;
    return 0;
}

struct installer *bus_rauc_free(struct installer *i)
{
    if (!i)
        return NULL;

    clear(of(i));
    bus_rauc_detach(i);
    free(of(i));
    return NULL;
}
