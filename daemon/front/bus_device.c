/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Device: the identity. */

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"

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

static const struct tree_property_impl properties[] = {
    {"ProductId", get_product_id},
    {"DeviceName", get_device_name},
    {"Bound", get_bound},
    {"TimeOffsetUSec", get_time_offset},
};

int bus_device_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_device, NULL, 0, properties,
                              ARRAY_SIZE(properties), bus, NULL);
}
