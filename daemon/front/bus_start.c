/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs on demand: D-Bus activation. What they do then is their registration. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_call.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/log.h"
#include "dbus/msg.h"

LOG_AREA("bus");

struct start {
    struct list link; /* in bus->starts until the bus has answered */
    struct bus *bus;
    struct bus_call *call;
    char *bus_name;
};

static void start_free(struct start *s)
{
    list_remove(&s->link);
    bus_call_free(s->call);
    free(s->bus_name);
    free(s);
}

void bus_starts_clear(struct bus *bus)
{
    while (!list_is_empty(&bus->starts))
        start_free(LIST_ENTRY(bus->starts.next, struct start, link));
}

static void on_started(DBusMessage *reply, void *userdata)
{
    struct start *s = userdata;
    struct bus *bus = s->bus;
    CLEANUP(freep) char *bus_name = TAKE(s->bus_name);
    const char *why = "";

    s->call = NULL; /* it frees itself */
    start_free(s);
    if (msg_get_error(reply, &why) < 0)
        calls_not_started(&bus->core->calls, bus_name, why);
    else
        log_debug("started bus_name=%s", bus_name);
}

static int send_start(struct start *s)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    dbus_uint32_t flags = 0;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       "StartServiceByName");
    if (!msg || !dbus_message_append_args(msg, DBUS_TYPE_STRING, &s->bus_name, DBUS_TYPE_UINT32,
                                          &flags, DBUS_TYPE_INVALID))
        return -ENOMEM;
    /* The bus has a deadline of its own, the command that waits has another. */
    return bus_call_send(&s->bus->calls, s->bus->conn, msg, INT_MAX, on_started, s, &s->call);
}

int bus_start_program(const char *bus_name, void *userdata)
{
    struct bus *bus = userdata;
    struct start *s;
    unsigned n = 0;
    int r;

    if (!bus->conn || !bus->tree)
        return -ENOTCONN;
    LIST_FOR_EACH (node, &bus->starts) {
        if (strcmp(LIST_ENTRY(node, struct start, link)->bus_name, bus_name) == 0)
            return 0;
        n++;
    }
    if (n >= LIMIT_STARTS)
        return -ENOBUFS;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->bus = bus;
    list_append(&bus->starts, &s->link);
    s->bus_name = strdup(bus_name);
    r = s->bus_name ? send_start(s) : -ENOMEM;
    if (r < 0) {
        start_free(s);
        return r;
    }
    log_info("starting bus_name=%s", bus_name);
    return 0;
}
