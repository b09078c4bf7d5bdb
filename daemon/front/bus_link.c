/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Link: the state of the connection, and the traffic for those who may watch it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_internal.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"

static struct link_info info_of(void *userdata)
{
    struct link_info info;

    link_get_info(((struct bus *) userdata)->core->link, &info);
    return info;
}

static int get_state(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, link_state_public(info_of(userdata).state));
}

static int get_reason(DBusMessageIter *it, void *userdata)
{
    const char *reason = info_of(userdata).reason;
    int r = msg_append_string(it, reason);

    /* A text of a library or the cloud may be anything. */
    return r == -EINVAL ? msg_append_string(it, "the reason is not readable") : r;
}

static int get_endpoint(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, ((struct bus *) userdata)->config.endpoint);
}

static int get_since(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).since_real_us);
}

static int get_next_try(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).next_try_real_us);
}

static int get_session_present(DBusMessageIter *it, void *userdata)
{
    return msg_append_bool(it, info_of(userdata).session_present);
}

static int get_round_trip(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).rtt_us);
}

static int get_queued_events(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, ((struct bus *) userdata)->core->events.n_all);
}

static int get_queued_bytes(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, ((struct bus *) userdata)->core->events.n_bytes);
}

static int get_sent(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).sent);
}

static int get_received(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).received);
}

static int get_reconnects(DBusMessageIter *it, void *userdata)
{
    return msg_append_uint64(it, info_of(userdata).reconnects);
}

static void on_connect(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct link_info info;

    link_enable(bus->core->link);
    link_get_info(bus->core->link, &info);
    if (info.state == LINK_STATE_OFF)
        tree_call_error(&call, -EAGAIN, info.reason);
    else
        tree_call_reply(&call);
}

static void on_disconnect(struct tree_call *call, void *userdata)
{
    link_disable(((struct bus *) userdata)->core->link);
    tree_call_reply(&call);
}

static int find_monitor(const struct bus *bus, const char *peer)
{
    for (unsigned i = 0; i < bus->n_monitors; i++) {
        if (strcmp(bus->monitors[i], peer) == 0)
            return (int) i;
    }
    return -ENOENT;
}

bool bus_link_is_monitor(const struct bus *bus, const char *peer)
{
    return find_monitor(bus, peer) >= 0;
}

void bus_link_forget_monitor(struct bus *bus, const char *peer)
{
    int i = find_monitor(bus, peer);

    if (i < 0)
        return;
    free(bus->monitors[i]);
    bus->monitors[i] = bus->monitors[--bus->n_monitors];
    bus->monitors[bus->n_monitors] = NULL;
}

static int add_monitor(struct bus *bus, const char *peer)
{
    char *copy;

    if (find_monitor(bus, peer) >= 0)
        return 0;
    if (bus->n_monitors >= LIMIT_MONITORS)
        return -ENOBUFS;
    copy = strdup(peer);
    if (!copy)
        return -ENOMEM;
    bus->monitors[bus->n_monitors++] = copy;
    return 0;
}

static void on_monitor(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    DBusMessageIter it;
    bool enable;
    int r;

    tree_call_args(call, &it);
    r = msg_read_bool(&it, &enable);
    if (r == 0 && enable)
        r = add_monitor(bus, tree_call_sender(call));
    else if (r == 0)
        bus_link_forget_monitor(bus, tree_call_sender(call));
    tree_call_finish(&call, r);
}

struct traffic {
    bool up;
    const struct mqtt_publish *publish;
};

static int append_message(DBusMessageIter *it, void *userdata)
{
    const struct traffic *t = userdata;
    char topic[LIMIT_MQTT_TOPIC + 1] = "";
    DBusMessageIter info;
    int r;

    if (t->publish->topic_len < sizeof(topic))
        memcpy(topic, t->publish->topic, t->publish->topic_len);
    r = msg_append_string(it, t->up ? "up" : "down");
    if (r == 0)
        r = msg_append_string(it, topic);
    if (r == 0)
        r = msg_append_bytes(it, t->publish->payload, t->publish->payload_len);
    if (r == 0)
        r = msg_open_dict(it, &info);
    if (r < 0)
        return r;
    r = msg_dict_uint32(&info, "qos", t->publish->qos);
    if (r == 0)
        r = msg_dict_bool(&info, "dup", t->publish->dup);
    return msg_close(it, &info, r);
}

void bus_link_traffic(bool up, const struct mqtt_publish *publish, void *userdata)
{
    struct bus *bus = userdata;
    struct traffic t = {up, publish};

    for (unsigned i = 0; bus->tree && i < bus->n_monitors; i++)
        (void) !tree_emit_signal(bus->device_object, &iface_link, "Message", bus->monitors[i],
                                 append_message, &t); /* watchers miss one without memory */
}

void bus_link_changed(void *userdata)
{
    static const char *const names[] = {"State", "Reason", "SinceUSec", "NextTryUSec",
                                        "SessionPresent"};
    struct bus *bus = userdata;

    for (size_t i = 0; bus->tree && bus->device_object && i < ARRAY_SIZE(names); i++)
        tree_property_changed(bus->device_object, &iface_link, names[i]);
}

static const struct tree_method_impl methods[] = {
    {"Connect", on_connect},
    {"Disconnect", on_disconnect},
    {"Monitor", on_monitor},
};

static const struct tree_property_impl properties[] = {
    {"State", get_state},
    {"Reason", get_reason},
    {"Endpoint", get_endpoint},
    {"SinceUSec", get_since},
    {"NextTryUSec", get_next_try},
    {"SessionPresent", get_session_present},
    {"RoundTripUSec", get_round_trip},
    {"QueuedEvents", get_queued_events},
    {"QueuedBytes", get_queued_bytes},
    {"SentMessages", get_sent},
    {"ReceivedMessages", get_received},
    {"Reconnects", get_reconnects},
};

int bus_link_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_link, methods, ARRAY_SIZE(methods),
                              properties, ARRAY_SIZE(properties), bus, NULL);
}
