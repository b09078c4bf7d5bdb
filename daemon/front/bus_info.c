/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Device: the basic information. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"

#define DEPTH 2 /* device_label holds texts */

int bus_info_get(DBusMessageIter *it, void *userdata)
{
    CLEANUP(freep) char *text = NULL;
    int r = info_text(&((struct bus *) userdata)->core->info, &text);

    return r < 0 ? r : msg_append_string(it, text);
}

static int set_member(json_t *object, const char *key, json_t *value)
{
    if (!value)
        return -ENOMEM;
    return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

/* Texts and dictionaries of texts; what else there is, info_update() refuses. */
static int read_members(DBusMessageIter *it, json_t *object, int depth)
{
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key, *text;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        DBusMessageIter at = value;
        struct msg_value v;

        if (depth < DEPTH && msg_read_value(&at, &v) == 0 && v.kind == MSG_KIND_OTHER) {
            CLEANUP(jx_decrefp) json_t *nested = json_object();

            r = nested ? read_members(&value, nested, depth + 1) : -ENOMEM;
            if (r == 0)
                r = set_member(object, key, json_incref(nested));
        } else {
            r = msg_read_string(&value, &text);
            if (r == 0)
                r = set_member(object, key, json_string(text));
        }
    }
    return r;
}

/* It is reported like a property, under a name of its own. */
static void update(struct tree_call *call, struct bus *bus, const json_t *members)
{
    char problem[INFO_PROBLEM_MAX] = "", access[BUS_ACCESS_DETAIL];
    CLEANUP(freep) char *before = NULL, *after = NULL;
    int r = bus_access_check(bus, bus_peer_of(bus, call), ACCESS_REPORT, "report_info", access);

    if (r < 0) {
        tree_call_error(&call, r, access);
        return;
    }
    r = info_text(&bus->core->info, &before);
    if (r == 0)
        r = info_update(&bus->core->info, members, problem);
    if (r == 0)
        r = info_text(&bus->core->info, &after);
    if (r < 0) {
        tree_call_error(&call, r, *problem ? problem : NULL);
        return;
    }
    if (strcmp(before, after) != 0)
        tree_property_changed(bus->device_object, &iface_device, "Info");
    tree_call_finish(&call, 0);
}

void bus_info_update(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *members = json_object();
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = members ? read_members(&it, members, 1) : -ENOMEM;
    if (r < 0)
        tree_call_error(&call, r,
                        r == -ENOMEM ? NULL : "values are texts, or dictionaries of texts");
    else
        update(call, userdata, members);
}

void bus_info_update_json(struct tree_call *call, void *userdata)
{
    CLEANUP(jx_decrefp) json_t *members = NULL;
    struct jx_error error = {.text = ""};
    DBusMessageIter it;
    const char *text;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &text);
    if (r == 0 && strlen(text) > LIMIT_MQTT_PAYLOAD) /* parsed it takes many times that */
        r = -EMSGSIZE;
    if (r == 0)
        r = jx_parse_object(text, strlen(text), &members, &error);
    if (r == -EBADMSG)
        tree_call_error(&call, -EINVAL, error.text);
    else if (r < 0)
        tree_call_error(&call, r, NULL);
    else
        update(call, userdata, members);
}
