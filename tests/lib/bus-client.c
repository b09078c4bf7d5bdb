/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/bus-client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/names.h"
#include "tests/lib/proc.h"
#include "tests/lib/suite.h"

#define MAX_KEPT 1024

struct bus_client {
    DBusConnection *conn;
    DBusMessage *kept[MAX_KEPT]; /* in the order of arrival */
    size_t n_kept;
};

/* What is looked for among the kept. */
struct wanted {
    int type;
    const char *member;    /* for signals and calls */
    uint32_t reply_serial; /* for replies */
};

struct bus_client *bus_client_new(void)
{
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    struct bus_client *bc = calloc(1, sizeof(*bc));
    DBusError error = DBUS_ERROR_INIT;

    if (!bc || !address)
        fixture_fatal("no bus: run it with tests/lib/with-bus");
    bc->conn = dbus_connection_open_private(address, &error);
    if (!bc->conn || !dbus_bus_register(bc->conn, &error))
        fixture_fatal("%s: %s", address, error.message);
    dbus_connection_set_exit_on_disconnect(bc->conn, FALSE);
    return bc;
}

struct bus_client *bus_client_free(struct bus_client *bc)
{
    if (!bc)
        return NULL;

    for (size_t i = 0; i < bc->n_kept; i++)
        dbus_message_unref(bc->kept[i]);
    dbus_connection_close(bc->conn);
    dbus_connection_unref(bc->conn);
    free(bc);
    return NULL;
}

const char *bus_client_name(const struct bus_client *bc)
{
    return dbus_bus_get_unique_name(bc->conn);
}

/* Peer and Introspectable are for everybody to answer; libdbus does the first by dispatching. */
static void keep(struct bus_client *bc, DBusMessage *msg)
{
    if (bc->n_kept == MAX_KEPT)
        fixture_fatal("more than %d messages that nobody took", MAX_KEPT);
    bc->kept[bc->n_kept++] = msg;
}

static bool is_wanted(DBusMessage *msg, const struct wanted *w)
{
    int type = dbus_message_get_type(msg);

    if (w->reply_serial != 0)
        return dbus_message_get_reply_serial(msg) == w->reply_serial;
    return type == w->type && strcmp(dbus_message_get_member(msg), w->member) == 0;
}

static DBusMessage *take(struct bus_client *bc, const struct wanted *w)
{
    for (size_t i = 0; i < bc->n_kept; i++) {
        DBusMessage *msg = bc->kept[i];

        if (!is_wanted(msg, w))
            continue;
        bc->n_kept--;
        memmove(&bc->kept[i], &bc->kept[i + 1], (bc->n_kept - i) * sizeof(bc->kept[0]));
        return msg;
    }
    return NULL;
}

static void pump(struct bus_client *bc)
{
    DBusMessage *msg;

    while ((msg = dbus_connection_pop_message(bc->conn)))
        keep(bc, msg);
}

static DBusMessage *wait_for(struct bus_client *bc, const struct wanted *w)
{
    uint64_t deadline = fixture_deadline_ms();

    for (;;) {
        DBusMessage *msg;
        int left = fixture_left_ms(deadline);

        pump(bc);
        msg = take(bc, w);
        if (msg)
            return msg;
        if (left == 0 || !dbus_connection_read_write(bc->conn, left))
            return NULL;
    }
}

uint32_t bus_client_send(struct bus_client *bc, DBusMessage *msg)
{
    dbus_uint32_t serial;

    if (!dbus_connection_send(bc->conn, msg, &serial))
        fixture_fatal("out of memory");
    dbus_connection_flush(bc->conn);
    dbus_message_unref(msg);
    return serial;
}

DBusMessage *bus_client_wait_reply(struct bus_client *bc, uint32_t serial)
{
    DBusMessage *reply = wait_for(bc, &(struct wanted){.reply_serial = serial});

    if (!reply)
        suite_fail(__FILE__, __LINE__, "no reply to call %u", serial);
    return reply;
}

DBusMessage *bus_client_call(struct bus_client *bc, DBusMessage *call)
{
    return bus_client_wait_reply(bc, bus_client_send(bc, call));
}

const char *bus_client_call_error(struct bus_client *bc, DBusMessage *call)
{
    static char name[256];
    CLEANUP(msg_unrefp) DBusMessage *reply = bus_client_call(bc, call);
    const char *error = reply ? dbus_message_get_error_name(reply) : "no reply";

    (void) snprintf(name, sizeof(name), "%s", error ? error : "");
    return name;
}

static DBusMessage *bus_call(const char *member, const char *argument)
{
    DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
                                                     DBUS_INTERFACE_DBUS, member);

    if (!call || !dbus_message_append_args(call, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID))
        fixture_fatal("out of memory");
    return call;
}

static void add_match(struct bus_client *bc, const char *rule)
{
    const char *error = bus_client_call_error(bc, bus_call("AddMatch", rule));

    if (error[0])
        fixture_fatal("match %s: %s", rule, error);
}

void bus_client_subscribe(struct bus_client *bc, const char *sender)
{
    char rule[512];

    (void) snprintf(rule, sizeof(rule), "type='signal',sender='%s'", sender);
    add_match(bc, rule);
}

DBusMessage *bus_client_new_call(const char *path, const char *iface, const char *member)
{
    DBusMessage *call = dbus_message_new_method_call(IOTD_BUS_NAME, path, iface, member);

    if (!call)
        fixture_fatal("out of memory");
    return call;
}

static char *value_text(DBusMessage *reply)
{
    struct msg_value v = {.kind = MSG_KIND_OTHER};
    char *text = NULL;
    DBusMessageIter it;
    int r = -1;

    if (!dbus_message_iter_init(reply, &it) || msg_read_value(&it, &v) < 0)
        return NULL;
    switch (v.kind) {
    case MSG_KIND_BOOL:
        r = asprintf(&text, "%s", v.b ? "true" : "false");
        break;
    case MSG_KIND_INT:
        r = asprintf(&text, "%lld", (long long) v.i);
        break;
    case MSG_KIND_DOUBLE:
        r = asprintf(&text, "%g", v.d);
        break;
    case MSG_KIND_STRING:
        r = asprintf(&text, "%s", v.s);
        break;
    case MSG_KIND_OTHER:
    case MSG_KIND_COUNT_:
        break;
    }
    return r < 0 ? NULL : text;
}

static char *get(struct bus_client *bc, const char *path, const char *iface, const char *name)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessage *call = bus_client_new_call(path, DBUS_INTERFACE_PROPERTIES, "Get");

    if (!dbus_message_append_args(call, DBUS_TYPE_STRING, &iface, DBUS_TYPE_STRING, &name,
                                  DBUS_TYPE_INVALID))
        fixture_fatal("out of memory");
    reply = bus_client_call(bc, call);
    return reply && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN
               ? value_text(reply)
               : NULL;
}

char *bus_client_get(struct bus_client *bc, const char *path, const char *iface, const char *name)
{
    char *text = get(bc, path, iface, name);

    if (!text)
        suite_fail(__FILE__, __LINE__, "no %s.%s at %s", iface, name, path);
    return text;
}

bool bus_client_wait_property(struct bus_client *bc, const char *path, const char *iface,
                              const char *name, const char *text)
{
    static const struct wanted changed = {DBUS_MESSAGE_TYPE_SIGNAL, "PropertiesChanged", 0};
    uint64_t deadline = fixture_deadline_ms();
    CLEANUP(freep) char *value = NULL;

    while (fixture_left_ms(deadline) > 0) {
        CLEANUP(msg_unrefp) DBusMessage *signal = NULL;

        free(TAKE(value));
        value = get(bc, path, iface, name);
        if (value && strcmp(value, text) == 0)
            return true;
        signal = wait_for(bc, &changed);
        if (!signal)
            break;
    }
    suite_fail(__FILE__, __LINE__, "%s.%s is '%s', not '%s'", iface, name, value ? value : "(none)",
               text);
    return false;
}

DBusMessage *bus_client_wait_signal(struct bus_client *bc, const char *member)
{
    DBusMessage *msg = wait_for(bc, &(struct wanted){DBUS_MESSAGE_TYPE_SIGNAL, member, 0});

    if (!msg)
        suite_fail(__FILE__, __LINE__, "no signal %s", member);
    return msg;
}

DBusMessage *bus_client_wait_call(struct bus_client *bc, const char *member)
{
    DBusMessage *msg = wait_for(bc, &(struct wanted){DBUS_MESSAGE_TYPE_METHOD_CALL, member, 0});

    if (!msg)
        suite_fail(__FILE__, __LINE__, "no call of %s", member);
    return msg;
}

DBusMessage *bus_client_take_signal(struct bus_client *bc, const char *member)
{
    pump(bc);
    return take(bc, &(struct wanted){DBUS_MESSAGE_TYPE_SIGNAL, member, 0});
}

DBusMessage *bus_client_next(struct bus_client *bc)
{
    DBusMessage *msg;

    if (bc->n_kept == 0) {
        (void) dbus_connection_read_write(bc->conn, 0);
        return dbus_connection_pop_message(bc->conn);
    }
    msg = bc->kept[0];
    bc->n_kept--;
    memmove(&bc->kept[0], &bc->kept[1], bc->n_kept * sizeof(bc->kept[0]));
    return msg;
}

int bus_client_fd(const struct bus_client *bc)
{
    int fd = -1;

    if (!dbus_connection_get_unix_fd(bc->conn, &fd))
        fixture_fatal("the bus is gone");
    return fd;
}

void bus_client_round_trip(struct bus_client *bc, const char *destination)
{
    DBusMessage *call = dbus_message_new_method_call(destination, "/", DBUS_INTERFACE_PEER, "Ping");

    if (!call)
        fixture_fatal("out of memory");
    msg_unref(bus_client_call(bc, call));
}

bool bus_client_wait_owner(struct bus_client *bc, const char *name, bool owned)
{
    static const struct wanted changed = {DBUS_MESSAGE_TYPE_SIGNAL, "NameOwnerChanged", 0};
    uint64_t deadline = fixture_deadline_ms();
    char rule[512];

    (void) snprintf(
        rule, sizeof(rule),
        "type='signal',sender='" DBUS_SERVICE_DBUS "',member='NameOwnerChanged',arg0='%s'", name);
    add_match(bc, rule);
    while (fixture_left_ms(deadline) > 0) {
        CLEANUP(msg_unrefp) DBusMessage *signal = NULL;
        bool is_owned = bus_client_call_error(bc, bus_call("GetNameOwner", name))[0] == '\0';

        if (is_owned == owned)
            return true;
        signal = wait_for(bc, &changed);
        if (!signal)
            break;
    }
    suite_fail(__FILE__, __LINE__, "%s is %s", name, owned ? "owned by nobody" : "still owned");
    return false;
}
