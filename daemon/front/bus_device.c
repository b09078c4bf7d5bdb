/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Device: the identity. */

#include <errno.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/fdutil.h"

static int get_product_id(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, ((struct bus *) userdata)->core->ident->product_id);
}

static int get_device_name(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, ((struct bus *) userdata)->core->ident->device_name);
}

static int get_bound(DBusMessageIter *it, void *userdata)
{
    return msg_append_bool(it, ((struct bus *) userdata)->core->bound);
}

static int get_time_offset(DBusMessageIter *it, void *userdata)
{
    return msg_append_int64(it, ntp_offset_us(((struct bus *) userdata)->core->ntp));
}

void bus_device_time(void *userdata)
{
    struct bus *bus = userdata;

    if (bus->device_object)
        tree_property_changed(bus->device_object, &iface_device, "TimeOffsetUSec");
}

static int append_timestamp(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, *(const uint64_t *) userdata);
}

void bus_device_bound(bool bound, uint64_t timestamp_s, void *userdata)
{
    struct bus *bus = userdata;

    if (!bus->device_object)
        return;
    tree_property_changed(bus->device_object, &iface_device, "Bound");
    /* Lost for lack of memory, the property still tells. */
    (void) !tree_emit_signal(bus->device_object, &iface_device, bound ? "Bound" : "Unbound", NULL,
                             append_timestamp, &timestamp_s);
}

/* Unknown options are left alone: they may be of a later release. */
static int read_options(DBusMessageIter *it, struct bus_provision *p)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {
        {"format", &p->format},
        {"product_id", &p->product_id},
        {"device_name", &p->device_name},
        {"region", &p->region},
    };
    struct msg_dict dict;
    DBusMessageIter value;
    const char *key;
    int r;

    r = msg_read_dict(it, &dict);
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "line") == 0)
            r = msg_read_uint64(&value, &p->line);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
            if (strcmp(key, texts[i].key) == 0)
                r = msg_read_string(&value, texts[i].text);
        }
    }
    return r < 0 ? -EINVAL : 0;
}

static int append_result(struct tree_call *call, const struct bus_provisioned *result)
{
    DBusMessageIter it, dict;
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    r = msg_dict_string(&dict, "product_id", result->product_id);
    if (r == 0)
        r = msg_dict_string(&dict, "device_name", result->device_name);
    if (r == 0)
        r = msg_dict_string(&dict, "path", result->path);
    if (r == 0)
        r = msg_dict_bool(&dict, "registers", result->needs_registration);
    return msg_close(&it, &dict, r);
}

static void on_provision(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    CLEANUP(fd_closep) int fd = -1;
    struct bus_provision request = {.format = "device-info"};
    char problem[BUS_PROBLEM] = "an option has another type";
    struct bus_provisioned result;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = msg_read_fd(&it, &fd);
    if (r < 0) {
        tree_call_finish(&call, r);
        return;
    }
    request.fd = fd;
    r = read_options(&it, &request);
    if (r == 0)
        r = bus->config.on_provision(&request, &result, problem, bus->config.userdata);
    if (r < 0)
        tree_call_error(&call, r, problem);
    else
        tree_call_finish(&call, append_result(call, &result));
}

static const struct tree_method_impl methods[] = {
    {"BindSignature", bus_bind_signature},  {"Provision", on_provision},
    {"SendBindToken", bus_bind_send_token}, {"Unbind", bus_bind_unbind},
    {"UpdateInfo", bus_info_update},        {"UpdateInfoJson", bus_info_update_json},
};

static const struct tree_property_impl properties[] = {
    {"ProductId", get_product_id},       {"DeviceName", get_device_name}, {"Bound", get_bound},
    {"TimeOffsetUSec", get_time_offset}, {"Info", bus_info_get},
};

int bus_device_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_device, methods, ARRAY_SIZE(methods),
                              properties, ARRAY_SIZE(properties), bus, NULL);
}
