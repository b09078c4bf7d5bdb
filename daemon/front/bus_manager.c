/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Manager at the root. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/name.h"

static int get_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, PACKAGE_VERSION);
}

static int get_layout_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "");
}

static int reply_attach(struct tree_call *call, const struct client *c)
{
    DBusMessageIter it, fds, info;
    char path[64];
    int r;

    (void) snprintf(path, sizeof(path), IOTD_CLIENT_PATH_PREFIX "%u", c->number);
    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "h", &fds);
    if (r == 0)
        r = msg_close(&it, &fds, 0);
    if (r == 0)
        r = msg_open_dict(&it, &info);
    if (r < 0)
        return r;
    r = msg_dict_string(&info, "version", PACKAGE_VERSION);
    if (r == 0)
        r = msg_dict_string(&info, "layout", "");
    if (r == 0)
        r = msg_dict_path(&info, "path", path);
    return msg_close(&it, &info, r);
}

static void on_attach(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_peer *peer = bus_peer_of(bus, call);
    struct client *c;
    DBusMessageIter it;
    const char *app_id;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &app_id);
    if (r == 0 && !peer)
        r = -EACCES;
    if (r == 0 && !name_is_app_id(app_id)) {
        tree_call_error(&call, -EINVAL, BUS_APP_ID_PROBLEM);
        return;
    }
    if (r == 0)
        r = bus_client_get(bus, peer, &c);
    if (r == 0)
        r = client_set_app_id(c, app_id);
    if (r == 0) {
        bus_client_changed(bus, c);
        r = reply_attach(call, c);
    }
    tree_call_finish(&call, r);
}

struct ignored {
    DBusMessageIter *list;
    int r;
};

static void on_ignored(const char *key, void *data)
{
    struct ignored *ig = data;

    if (ig->r == 0)
        ig->r = msg_append_string(ig->list, key);
}

static void on_reload(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    DBusMessageIter it, list;
    struct ignored ig = {.list = &list};
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "s", &list);
    if (r < 0) {
        tree_call_finish(&call, r);
        return;
    }
    r = bus->config.on_reload(on_ignored, &ig, bus->config.userdata);
    r = msg_close(&it, &list, r < 0 ? r : ig.r);
    if (r == -EINVAL)
        tree_call_error(&call, -EPROTO,
                        "the settings have mistakes, see the log; nothing was changed");
    else
        tree_call_finish(&call, r);
}

static const struct tree_method_impl methods[] = {
    {"Attach", on_attach},
    {"Reload", on_reload},
};

static const struct tree_property_impl properties[] = {
    {"Version", get_version},
    {"LayoutVersion", get_layout_version},
};

int bus_manager_add(struct bus *bus)
{
    return tree_add_interface(bus->root_object, &iface_manager, methods, ARRAY_SIZE(methods),
                              properties, ARRAY_SIZE(properties), bus, NULL);
}
