/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /org/iotd1/transfer/N: one object for each transfer. Those of an earlier bus are shown anew. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_files.h"
#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/names.h"

/* The object's userdata; kept in transfer->front. */
struct transfer_object {
    struct bus *bus;
    struct transfer *transfer;
    struct tree_object *object;
};

static const struct transfer *transfer_of(void *userdata)
{
    return ((struct transfer_object *) userdata)->transfer;
}

static int get_kind(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, transfer_kind_name(transfer_of(userdata)->kind));
}

static int get_name(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, transfer_of(userdata)->name);
}

static int get_size(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, transfer_of(userdata)->size);
}

static int get_done(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, transfer_of(userdata)->done);
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, transfer_state_name(transfer_of(userdata)->state));
}

static int get_result(DBusMessageIter *it, void *userdata)
{
    return msg_append_int32(it, transfer_of(userdata)->result);
}

static int get_text(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, transfer_of(userdata)->text);
}

static int get_token(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, transfer_of(userdata)->token);
}

static const struct tree_property_impl properties[] = {
    {"Kind", get_kind},   {"Name", get_name},     {"Size", get_size}, {"Done", get_done},
    {"State", get_state}, {"Result", get_result}, {"Text", get_text}, {"Token", get_token},
};

static void on_cancel(struct tree_call *call, void *userdata)
{
    struct transfer_object *to = userdata;
    char detail[BUS_ACCESS_DETAIL];
    int r = 0;

    if (strcmp(to->transfer->program, tree_call_sender(call)) != 0)
        r = bus_access_check(to->bus, bus_peer_of(to->bus, call), ACCESS_FILES, to->transfer->name,
                             detail);
    if (r < 0) {
        tree_call_error(&call, r, detail);
        return;
    }
    r = transfer_cancel(to->transfer);
    if (r < 0)
        tree_call_error(&call, r, "it has ended");
    else
        tree_call_reply(&call);
}

static const struct tree_method_impl methods[] = {{"Cancel", on_cancel}};

void bus_transfer_path(const struct transfer *t, char path[BUS_TRANSFER_PATH])
{
    (void) snprintf(path, BUS_TRANSFER_PATH, IOTD_TRANSFER_PATH_PREFIX "%u", t->number);
}

static int show(struct bus *bus, struct transfer *t)
{
    struct transfer_object *to = calloc(1, sizeof(*to));
    char path[BUS_TRANSFER_PATH];
    int r;

    if (!to)
        return -ENOMEM;
    *to = (struct transfer_object){.bus = bus, .transfer = t};
    bus_transfer_path(t, path);
    r = tree_add_object(bus->tree, path, &to->object);
    if (r == 0)
        r = tree_add_interface(to->object, &iface_transfer, methods, ARRAY_SIZE(methods),
                               properties, ARRAY_SIZE(properties), to, NULL);
    if (r < 0) {
        tree_object_remove(to->object);
        free(to);
        return r;
    }
    t->front = to;
    return 0;
}

static void on_added(struct transfer *t, void *userdata)
{
    int r = show(userdata, t);

    if (r < 0) /* it runs all the same */
        log_write(LOG_LEVEL_WARN, "bus", "a transfer is not shown name=\"%s\" error=\"%s\"",
                  t->name, strerror(-r));
}

static void on_changed(struct transfer *t, void *userdata)
{
    static const char *const names[] = {"State", "Result", "Text", "Token"};
    const struct transfer_object *to = t->front;

    (void) userdata;
    for (size_t i = 0; to && i < ARRAY_SIZE(names); i++)
        tree_property_changed(to->object, &iface_transfer, names[i]);
}

static void on_progressed(struct transfer *t, void *userdata)
{
    const struct transfer_object *to = t->front;

    (void) userdata;
    if (to)
        tree_property_changed(to->object, &iface_transfer, "Done");
}

static void on_removed(struct transfer *t, void *userdata)
{
    struct transfer_object *to = t->front;

    (void) userdata;
    if (!to)
        return;
    tree_object_remove(to->object);
    free(to);
    t->front = NULL;
}

static const struct transfers_front front = {on_added, on_changed, on_progressed, on_removed};

static int show_all(struct bus *bus, struct list *transfers)
{
    int r = 0;

    LIST_FOR_EACH (n, transfers) {
        if (r == 0)
            r = show(bus, LIST_ENTRY(n, struct transfer, link));
    }
    return r;
}

int bus_transfers_add(struct bus *bus)
{
    struct transfers *ts = files_transfers(bus->core->files);
    int r = show_all(bus, &ts->running);

    if (r == 0)
        r = show_all(bus, &ts->ended);
    transfers_listen(ts, &front, bus);
    return r;
}

static void hide_all(struct list *transfers)
{
    LIST_FOR_EACH (n, transfers)
        on_removed(LIST_ENTRY(n, struct transfer, link), NULL);
}

void bus_transfers_remove(struct bus *bus)
{
    struct transfers *ts = files_transfers(bus->core->files);

    hide_all(&ts->running);
    hide_all(&ts->ended);
    transfers_listen(ts, NULL, NULL);
}
