/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/bench/bus-handler.h"

#include <stdlib.h>

#include <dbus/dbus.h>

#include "dbus/msg.h"
#include "dbus/names.h"

static DBusConnection *connect_bus(void)
{
    const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *conn = address ? dbus_connection_open_private(address, &error) : NULL;

    if (!conn || !dbus_bus_register(conn, &error))
        bench_fatal("no bus: %s", address ? error.message : "run it with tests/lib/with-bus");
    return conn;
}

static void send_message(DBusConnection *conn, DBusMessage *msg)
{
    if (!msg || !dbus_connection_send(conn, msg, NULL))
        bench_fatal("out of memory");
    dbus_connection_flush(conn);
    dbus_message_unref(msg);
}

static void add_ids(DBusMessageIter *args, const char *id)
{
    DBusMessageIter ids;

    if (!dbus_message_iter_open_container(args, DBUS_TYPE_ARRAY, "s", &ids) ||
        (id && !dbus_message_iter_append_basic(&ids, DBUS_TYPE_STRING, &id)) ||
        !dbus_message_iter_close_container(args, &ids))
        bench_fatal("out of memory");
}

static void serve(DBusConnection *conn, const char *property)
{
    const char *path = "/handler";
    DBusMessage *msg =
        dbus_message_new_method_call(IOTD_BUS_NAME, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    DBusMessageIter args, options;

    if (!msg)
        bench_fatal("out of memory");
    dbus_message_iter_init_append(msg, &args);
    add_ids(&args, property);
    add_ids(&args, NULL);
    add_ids(&args, NULL);
    if (!dbus_message_iter_append_basic(&args, DBUS_TYPE_OBJECT_PATH, &path))
        bench_fatal("out of memory");
    bench_must(msg_open_dict(&args, &options), "append");
    bench_must(msg_close(&args, &options, 0), "append");
    send_message(conn, msg);
}

/* Returns at the answer to Register. */
static void take(DBusConnection *conn, DBusMessage *msg, int fd)
{
    dbus_int32_t code = 0;
    const char *text = "";
    DBusMessage *reply;

    switch (dbus_message_get_type(msg)) {
    case DBUS_MESSAGE_TYPE_METHOD_CALL:
        reply = dbus_message_new_method_return(msg);
        if (!reply || !dbus_message_append_args(reply, DBUS_TYPE_INT32, &code, DBUS_TYPE_STRING,
                                                &text, DBUS_TYPE_INVALID))
            bench_fatal("out of memory");
        send_message(conn, reply);
        break;
    case DBUS_MESSAGE_TYPE_METHOD_RETURN:
        helper_tell(fd, 1);
        break;
    case DBUS_MESSAGE_TYPE_ERROR:
        bench_fatal("%s", dbus_message_get_error_name(msg));
    default:
        break;
    }
}

static int run(int fd, void *arg)
{
    DBusConnection *conn = connect_bus();

    serve(conn, arg);
    for (;;) {
        DBusMessage *msg;

        while (!(msg = dbus_connection_pop_message(conn))) {
            if (!dbus_connection_read_write(conn, -1))
                return 1;
        }
        take(conn, msg, fd);
        dbus_message_unref(msg);
    }
}

void bus_handler_start(struct helper *h, const char *property)
{
    uint64_t answer;

    helper_start(h, run, (void *) (uintptr_t) property);
    if (!helper_hear(h->fd, &answer))
        bench_fatal("no program on the bus");
}
