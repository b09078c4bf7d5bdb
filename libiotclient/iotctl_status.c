/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl status */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/iotctl.h"

#define CLOCK_WORTH_US (60 * USEC_PER_SEC) /* own choice: a clock so far off is worth a line */

/* What is asked for; the names are those of the JSON output. */
enum part { PART_LINK, PART_DEVICE, PART_MANAGER, PART_OBJECTS, PART_COUNT_ };

struct status {
    DBusMessage *replies[PART_COUNT_];
};

static void status_done(struct status *st)
{
    for (size_t i = 0; i < PART_COUNT_; i++)
        st->replies[i] = msg_unref(st->replies[i]);
}

static int get_objects(struct ctl *ctl, DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r;

    r = ctl_new_call(ctl, IOTD_ROOT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                     &msg);
    if (r == CTL_OK)
        r = ctl_call(ctl, msg, ret_reply);
    if (r == CTL_OK && !dbus_message_has_signature(*ret_reply, "a{oa{sa{sv}}}")) {
        *ret_reply = msg_unref(*ret_reply);
        r = ctl_fail_protocol(ctl);
    }
    return r;
}

static int status_get(struct ctl *ctl, struct status *st)
{
    int r;

    r = ctl_get_all(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, &st->replies[PART_LINK]);
    if (r == CTL_OK)
        r = ctl_get_all(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, &st->replies[PART_DEVICE]);
    if (r == CTL_OK)
        r = ctl_get_all(ctl, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, &st->replies[PART_MANAGER]);
    if (r == CTL_OK)
        r = get_objects(ctl, &st->replies[PART_OBJECTS]);
    return r;
}

/* The value of a key of an a{sv}; false: not there. */
static bool find(const DBusMessageIter *dict_at, const char *key, DBusMessageIter *ret_value)
{
    DBusMessageIter it = *dict_at;
    struct msg_dict dict;
    const char *k;

    if (msg_read_dict(&it, &dict) < 0)
        return false;
    while (msg_dict_next(&dict, &k, ret_value)) {
        if (strcmp(k, key) == 0)
            return true;
    }
    return false;
}

static uint64_t find_number(const DBusMessageIter *dict, const char *key)
{
    DBusMessageIter value;
    uint64_t n;

    return find(dict, key, &value) && msg_read_uint64(&value, &n) >= 0 ? n : 0;
}

static int64_t find_signed(const DBusMessageIter *dict, const char *key)
{
    DBusMessageIter value;
    int64_t n;

    return find(dict, key, &value) && msg_read_int64(&value, &n) >= 0 ? n : 0;
}

static bool find_bool(const DBusMessageIter *dict, const char *key)
{
    DBusMessageIter value;
    bool b;

    return find(dict, key, &value) && msg_read_bool(&value, &b) >= 0 && b;
}

static const char *find_text(const DBusMessageIter *dict, const char *key)
{
    DBusMessageIter value;
    const char *text;

    return find(dict, key, &value) && msg_read_string(&value, &text) >= 0 ? text : "";
}

static void add_found(struct strbuf *sb, const DBusMessageIter *dict, const char *key)
{
    const char *text = find_text(dict, key);

    ctl_add_text(sb, text, strlen(text));
}

/* " for 3 min" or "in 4 s", relative to now. */
static void add_span(struct strbuf *sb, const char *word, uint64_t from_us, uint64_t to_us)
{
    strbuf_addf(sb, "%s ", word);
    ctl_add_age(sb, to_us > from_us ? to_us - from_us : 0);
}

static void add_link(struct strbuf *sb, const DBusMessageIter *link)
{
    uint64_t now = ctl_now_us();
    uint64_t next = find_number(link, "NextTryUSec"), trip = find_number(link, "RoundTripUSec");

    strbuf_adds(sb, "link      ");
    add_found(sb, link, "State");
    add_span(sb, " for", find_number(link, "SinceUSec"), now);
    if (find_text(link, "Reason")[0]) {
        /* On the way it is why the attempt before failed. */
        strbuf_adds(sb, strcmp(find_text(link, "State"), "connecting") == 0 ? "; before: " : ": ");
        add_found(sb, link, "Reason");
    }
    if (next)
        add_span(sb, "; next try in", now, next);
    if (trip)
        strbuf_addf(sb, "; round trip %.1f ms", (double) trip / 1000);
    strbuf_adds(sb, "\nendpoint  ");
    add_found(sb, link, "Endpoint");
}

static void add_counters(struct strbuf *sb, const DBusMessageIter *link)
{
    strbuf_addf(sb, "\nqueue     %" PRIu64 " events, %" PRIu64 " bytes",
                find_number(link, "QueuedEvents"), find_number(link, "QueuedBytes"));
    strbuf_addf(sb, "\ntraffic   %" PRIu64 " messages up, %" PRIu64 " down, %" PRIu64 " reconnects",
                find_number(link, "SentMessages"), find_number(link, "ReceivedMessages"),
                find_number(link, "Reconnects"));
}

static void add_device(struct strbuf *sb, const DBusMessageIter *device)
{
    strbuf_adds(sb, "\ndevice    ");
    add_found(sb, device, "ProductId");
    strbuf_addc(sb, '/');
    add_found(sb, device, "DeviceName");
    strbuf_adds(sb, find_bool(device, "Bound") ? ", bound to a user" : ", not known to be bound");
}

static void add_clock(struct strbuf *sb, const DBusMessageIter *device)
{
    int64_t offset = find_signed(device, "TimeOffsetUSec");
    uint64_t off = offset < 0 ? -(uint64_t) offset : (uint64_t) offset;

    if (off < CLOCK_WORTH_US)
        return;
    strbuf_adds(sb, "\nclock     ");
    ctl_add_age(sb, off);
    strbuf_adds(sb, offset > 0 ? " behind the cloud's" : " ahead of the cloud's");
}

static void add_ids(struct strbuf *sb, const DBusMessageIter *client, const char *key,
                    const char *title)
{
    CLEANUP(freep) const char **ids = NULL;
    DBusMessageIter value;
    size_t n = 0;

    if (!find(client, key, &value) || msg_read_strv(&value, UINT16_MAX, &ids, &n) < 0 || n == 0)
        return;
    strbuf_addf(sb, "\n          %s", title);
    for (size_t i = 0; i < n; i++) {
        strbuf_addc(sb, ' ');
        ctl_add_text(sb, ids[i], strlen(ids[i]));
    }
}

static void add_program_text(struct strbuf *sb, DBusMessageIter *client)
{
    strbuf_adds(sb, "\nprogram   ");
    add_found(sb, client, "AppId");
    strbuf_addf(sb, "  pid %" PRIu64 ", uid %" PRIu64 ", ", find_number(client, "Pid"),
                find_number(client, "Uid"));
    add_found(sb, client, "BusName");
    add_span(sb, ", for", find_number(client, "SinceUSec"), ctl_now_us());
    add_ids(sb, client, "Properties", "properties:");
    add_ids(sb, client, "Events", "events:");
    add_ids(sb, client, "Actions", "actions:");
}

/* Calls fn for the properties of each object with the interface Client. */
static size_t for_programs(DBusMessage *objects, void (*fn)(struct strbuf *, DBusMessageIter *),
                           struct strbuf *sb)
{
    DBusMessageIter it, list, object, ifaces, iface;
    const char *name;
    size_t n = 0;

    (void) dbus_message_iter_init(objects, &it); /* the signature was checked */
    dbus_message_iter_recurse(&it, &list);
    for (; dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&list)) {
        dbus_message_iter_recurse(&list, &object);
        dbus_message_iter_next(&object);
        dbus_message_iter_recurse(&object, &ifaces);
        for (; dbus_message_iter_get_arg_type(&ifaces) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&ifaces)) {
            dbus_message_iter_recurse(&ifaces, &iface);
            dbus_message_iter_get_basic(&iface, &name);
            if (strcmp(name, IOTD_IFACE_CLIENT) != 0)
                continue;
            dbus_message_iter_next(&iface);
            fn(sb, &iface);
            n++;
        }
    }
    return n;
}

static void add_program_json(struct strbuf *sb, DBusMessageIter *client)
{
    if (sb->data[sb->len - 1] != '[')
        strbuf_addc(sb, ',');
    ctl_add_json(sb, client);
}

static void add_part(struct strbuf *sb, const char *name, DBusMessage *reply)
{
    DBusMessageIter it;

    strbuf_addf(sb, "%s\"%s\":", sb->len > 1 ? "," : "", name);
    if (dbus_message_iter_init(reply, &it))
        ctl_add_json(sb, &it);
    else
        strbuf_adds(sb, "null");
}

static int print_json(struct ctl *ctl, const struct status *st)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_addc(&sb, '{');
    add_part(&sb, "link", st->replies[PART_LINK]);
    add_part(&sb, "device", st->replies[PART_DEVICE]);
    add_part(&sb, "iotd", st->replies[PART_MANAGER]);
    strbuf_adds(&sb, ",\"programs\":[");
    if (!sb.error)
        (void) for_programs(st->replies[PART_OBJECTS], add_program_json, &sb);
    strbuf_adds(&sb, "]}");
    return ctl_print(ctl, &sb);
}

static int print_human(struct ctl *ctl, const struct status *st)
{
    DBusMessageIter link, device, manager;
    struct strbuf sb;

    if (!dbus_message_iter_init(st->replies[PART_LINK], &link) ||
        !dbus_message_iter_init(st->replies[PART_DEVICE], &device) ||
        !dbus_message_iter_init(st->replies[PART_MANAGER], &manager))
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    add_link(&sb, &link);
    add_device(&sb, &device);
    add_clock(&sb, &device);
    add_counters(&sb, &link);
    strbuf_adds(&sb, "\niotd      ");
    add_found(&sb, &manager, "Version");
    if (for_programs(st->replies[PART_OBJECTS], add_program_text, &sb) == 0)
        strbuf_adds(&sb, "\nprogram   none is attached");
    return ctl_print(ctl, &sb);
}

int ctl_status(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(status_done) struct status st = {{NULL}};
    int r;

    (void) argc;
    (void) argv;
    r = status_get(ctl, &st);
    if (r != CTL_OK)
        return r;
    return ctl->json ? print_json(ctl, &st) : print_human(ctl, &st);
}
