/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-rauc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"

#define PATH "/"
#define IFACE "de.pengutronix.rauc.Installer"

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void send(struct fake_rauc *fr, DBusMessage *msg)
{
    NEED(msg);
    if (!fr->has_bus)
        NEED(dbus_message_set_sender(msg, FAKE_RAUC_SENDER));
    NEED(dbus_connection_send(fr->conn, msg, NULL));
    dbus_message_unref(msg);
}

static void send_error(struct fake_rauc *fr, DBusMessage *call, const char *name, const char *text)
{
    send(fr, dbus_message_new_error(call, name, text));
}

static void on_install(struct fake_rauc *fr, DBusMessage *call)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *path, *key;

    NEED(dbus_message_iter_init(call, &it) && msg_read_string(&it, &path) == 0 &&
         msg_read_dict(&it, &dict) == 0);
    fr->n_orders++;
    (void) snprintf(fr->path, sizeof(fr->path), "%s", path);
    for (fr->n_options = 0; msg_dict_next(&dict, &key, &value);)
        fr->n_options++;
    if (fr->refusal) {
        fake_rauc_operation(fr, "idle"); /* RAUC does so, also when it is busy */
        send_error(fr, call, "org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code30",
                   fr->refusal);
        return;
    }
    fake_rauc_operation(fr, "installing");
    send(fr, dbus_message_new_method_return(call));
    if (fr->on_order)
        fr->on_order(fr, fr->userdata);
}

static void on_get(struct fake_rauc *fr, DBusMessage *call)
{
    const char *iface, *name, *value;
    DBusMessage *reply;
    DBusMessageIter it;

    NEED(dbus_message_get_args(call, NULL, DBUS_TYPE_STRING, &iface, DBUS_TYPE_STRING, &name,
                               DBUS_TYPE_INVALID));
    NEED(strcmp(iface, IFACE) == 0);
    fr->n_asked++;
    value = strcmp(name, "Operation") == 0 ? fr->operation : fr->last_error;
    reply = dbus_message_new_method_return(call);
    NEED(reply);
    dbus_message_iter_init_append(reply, &it);
    NEED(msg_append_variant_string(&it, value) == 0);
    send(fr, reply);
}

static DBusHandlerResult on_message(DBusConnection *conn, DBusMessage *msg, void *userdata)
{
    struct fake_rauc *fr = userdata;

    (void) conn;
    if (dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
        !dbus_message_has_path(msg, PATH))
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    if (fr->is_mute)
        return DBUS_HANDLER_RESULT_HANDLED;
    if (fr->missing)
        send_error(fr, msg, fr->missing, "the name is not there");
    else if (dbus_message_is_method_call(msg, IFACE, "InstallBundle"))
        on_install(fr, msg);
    else if (dbus_message_is_method_call(msg, DBUS_INTERFACE_PROPERTIES, "Get"))
        on_get(fr, msg);
    else
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    return DBUS_HANDLER_RESULT_HANDLED;
}

bool fake_rauc_init(struct fake_rauc *fr, DBusConnection *conn, bool has_bus)
{
    *fr =
        (struct fake_rauc){.conn = conn, .has_bus = has_bus, .operation = "idle", .last_error = ""};
    NEED(dbus_connection_add_filter(conn, on_message, fr, NULL));
    return !has_bus || dbus_bus_request_name(conn, FAKE_RAUC_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE,
                                             NULL) == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER;
}

void fake_rauc_done(struct fake_rauc *fr)
{
    dbus_connection_remove_filter(fr->conn, on_message, fr);
}

static DBusMessage *new_changed(DBusMessageIter *it, DBusMessageIter *dict)
{
    DBusMessage *msg =
        dbus_message_new_signal(PATH, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");

    NEED(msg);
    dbus_message_iter_init_append(msg, it);
    NEED(msg_append_string(it, IFACE) == 0 && msg_open_dict(it, dict) == 0);
    return msg;
}

static void send_changed(struct fake_rauc *fr, DBusMessage *msg, DBusMessageIter *it,
                         DBusMessageIter *dict)
{
    NEED(msg_close(it, dict, 0) == 0 && msg_append_strv(it, NULL, 0) == 0);
    send(fr, msg);
}

void fake_rauc_progress(struct fake_rauc *fr, int percent, const char *text)
{
    DBusMessageIter it, dict, part;
    struct msg_entry entry;
    DBusMessage *msg = new_changed(&it, &dict);

    NEED(msg_dict_open_entry(&dict, "Progress", "(isi)", &entry) == 0);
    NEED(msg_open(&entry.variant, DBUS_TYPE_STRUCT, NULL, &part) == 0);
    NEED(msg_append_int32(&part, percent) == 0 && msg_append_string(&part, text) == 0 &&
         msg_append_int32(&part, 1) == 0);
    NEED(msg_close(&entry.variant, &part, 0) == 0);
    NEED(msg_dict_close_entry(&dict, &entry, 0) == 0);
    send_changed(fr, msg, &it, &dict);
}

static void send_text(struct fake_rauc *fr, const char *name, const char *value)
{
    DBusMessageIter it, dict;
    DBusMessage *msg = new_changed(&it, &dict);

    NEED(msg_dict_string(&dict, name, value) == 0);
    send_changed(fr, msg, &it, &dict);
}

void fake_rauc_operation(struct fake_rauc *fr, const char *operation)
{
    fr->operation = operation;
    send_text(fr, "Operation", operation);
}

void fake_rauc_odd(struct fake_rauc *fr, const char *member, int type, const void *value)
{
    const char *iface = strcmp(member, "Completed") == 0 ? IFACE : DBUS_INTERFACE_PROPERTIES;
    DBusMessage *msg = dbus_message_new_signal(PATH, iface, member);

    NEED(msg && dbus_message_append_args(msg, type, value, DBUS_TYPE_INVALID));
    send(fr, msg);
}

void fake_rauc_completed(struct fake_rauc *fr, int result, const char *last_error)
{
    dbus_int32_t value = result;

    fr->last_error = last_error;
    send_text(fr, "LastError", last_error);
    fake_rauc_odd(fr, "Completed", DBUS_TYPE_INT32, &value);
    fake_rauc_operation(fr, "idle");
}

void fake_rauc_owner(struct fake_rauc *fr, const char *before, const char *now)
{
    const char *name = FAKE_RAUC_NAME;
    DBusMessage *msg =
        dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameOwnerChanged");

    NEED(msg && dbus_message_set_sender(msg, DBUS_SERVICE_DBUS));
    NEED(dbus_message_append_args(msg, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                                  DBUS_TYPE_STRING, &now, DBUS_TYPE_INVALID));
    NEED(dbus_connection_send(fr->conn, msg, NULL));
    dbus_message_unref(msg);
}
