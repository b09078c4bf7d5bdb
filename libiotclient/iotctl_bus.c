/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/iotctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/limits.h"

#define MATCH_OWNER                                                                                \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS                 \
    "',member='NameOwnerChanged',arg0='" IOTD_BUS_NAME "'"

static void print_error(struct ctl *ctl, const char *name, const char *text)
{
    struct strbuf sb;

    fprintf(stderr, "iotctl: %s%s%s\n", name ? name : "", name ? ": " : "", text);
    if (!ctl->json)
        return;
    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, "{\"error\":");
    strbuf_add_json(&sb, name ? name : "");
    strbuf_adds(&sb, ",\"text\":");
    strbuf_add_json(&sb, text);
    strbuf_addc(&sb, '}');
    (void) ctl_print(ctl, &sb); /* the status is a failure anyway */
}

int ctl_fail(struct ctl *ctl, const char *name, const char *fmt, ...)
{
    CLEANUP(freep) char *out = NULL;
    struct strbuf safe;
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, ap); /* cut is good enough for people */
    va_end(ap);
    /* The text may hold what others sent: shown, not obeyed. */
    strbuf_init(&safe, CTL_TEXT_MAX);
    ctl_add_text(&safe, text, strlen(text));
    if (strbuf_finish(&safe, &out) >= 0)
        print_error(ctl, name, out);
    return CTL_FAILED;
}

int ctl_fail_errno(struct ctl *ctl, int error)
{
    return ctl_fail(ctl, errmap_name(error), "%s", errmap_text(error));
}

int ctl_fail_protocol(struct ctl *ctl)
{
    return ctl_fail(ctl, IOTD_ERROR_PREFIX "Protocol",
                    "the answer was not understood: are iotd and iotctl of the same release?");
}

static int no_bus(struct ctl *ctl, const char *why)
{
    (void) ctl_fail(ctl, NULL,
                    "cannot reach the bus \"%s\": %s; give another one with --bus "
                    "system|session|ADDRESS",
                    ctl->bus_name, why);
    return CTL_UNAVAILABLE;
}

static int no_iotd(struct ctl *ctl)
{
    bool is_named = strcmp(ctl->bus_name, "system") == 0 || strcmp(ctl->bus_name, "session") == 0;

    (void) ctl_fail(ctl, NULL,
                    "iotd is not running on the %s%s%s: start it with \"systemctl start iotd\" or "
                    "give --bus",
                    is_named ? ctl->bus_name : "bus ", is_named ? " bus" : "",
                    is_named ? "" : ctl->bus_name);
    return CTL_UNAVAILABLE;
}

void ctl_close(struct ctl *ctl)
{
    if (!ctl->bus)
        return;
    dbus_connection_close(ctl->bus);
    dbus_connection_unref(ctl->bus);
    ctl->bus = NULL;
}

int ctl_new_call(struct ctl *ctl, const char *path, const char *iface, const char *member,
                 DBusMessage **ret_msg)
{
    DBusMessage *msg = dbus_message_new_method_call(IOTD_BUS_NAME, path, iface, member);

    if (!msg)
        return ctl_fail_errno(ctl, -ENOMEM);
    dbus_message_set_auto_start(msg, FALSE);
    *ret_msg = msg;
    return CTL_OK;
}

int ctl_call(struct ctl *ctl, DBusMessage *msg, DBusMessage **ret_reply)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply;
    int r;

    reply = dbus_connection_send_with_reply_and_block(ctl->bus, msg, ctl->timeout_ms, &error);
    if (reply) {
        *ret_reply = reply;
        return CTL_OK;
    }
    if (errmap_from_name(error.name) == -ENOTCONN)
        r = no_iotd(ctl);
    else if (dbus_error_has_name(&error, DBUS_ERROR_NO_REPLY))
        r = ctl_fail(ctl, IOTD_ERROR_PREFIX "Timeout", "iotd did not answer within %d s",
                     ctl->timeout_ms / 1000);
    else
        r = ctl_fail(ctl, error.name, "%s", error.message);
    dbus_error_free(&error);
    return r;
}

static int find_owner(struct ctl *ctl)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    DBusMessageIter it;
    const char *owner;
    int r;

    msg = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                       "GetNameOwner");
    if (!msg)
        return ctl_fail_errno(ctl, -ENOMEM);
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, IOTD_BUS_NAME);
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    r = ctl_call(ctl, msg, &reply);
    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it) || msg_read_string(&it, &owner) < 0)
        return ctl_fail_protocol(ctl);
    (void) snprintf(ctl->owner, sizeof(ctl->owner), "%s", owner); /* a bus name has at most 255 */
    return CTL_OK;
}

static DBusConnection *open_address(const char *address, DBusError *error)
{
    DBusConnection *bus = dbus_connection_open_private(address, error);

    if (bus && !dbus_bus_register(bus, error)) {
        dbus_connection_close(bus);
        dbus_connection_unref(bus);
        bus = NULL;
    }
    return bus;
}

int ctl_open(struct ctl *ctl)
{
    DBusError error = DBUS_ERROR_INIT;
    int r;

    if (strcmp(ctl->bus_name, "system") == 0)
        ctl->bus = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
    else if (strcmp(ctl->bus_name, "session") == 0)
        ctl->bus = dbus_bus_get_private(DBUS_BUS_SESSION, &error);
    else
        ctl->bus = open_address(ctl->bus_name, &error);
    if (!ctl->bus) {
        r = no_bus(ctl, error.message);
        dbus_error_free(&error);
        return r;
    }
    dbus_connection_set_exit_on_disconnect(ctl->bus, FALSE);
    return find_owner(ctl);
}

int ctl_get_all(struct ctl *ctl, const char *path, const char *iface, DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = ctl_new_call(ctl, path, DBUS_INTERFACE_PROPERTIES, "GetAll", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, iface);
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, ret_reply);
}

int ctl_add_match(struct ctl *ctl, const char *rule)
{
    DBusError error = DBUS_ERROR_INIT;
    int r;

    dbus_bus_add_match(ctl->bus, rule, &error);
    if (!dbus_error_is_set(&error))
        return CTL_OK;
    r = ctl_fail(ctl, error.name, "%s", error.message);
    dbus_error_free(&error);
    return r;
}

int ctl_add_owner_match(struct ctl *ctl)
{
    return ctl_add_match(ctl, MATCH_OWNER);
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Whether msg says that iotd or the bus has gone. */
static bool is_end(DBusMessage *msg)
{
    const char *name, *from, *to;

    if (dbus_message_is_signal(msg, DBUS_INTERFACE_LOCAL, "Disconnected"))
        return true;
    return dbus_message_is_signal(msg, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
           dbus_message_has_sender(msg, DBUS_SERVICE_DBUS) &&
           dbus_message_get_args(msg, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &from,
                                 DBUS_TYPE_STRING, &to, DBUS_TYPE_INVALID) &&
           strcmp(name, IOTD_BUS_NAME) == 0 && from[0];
}

static bool is_wanted(DBusMessage *msg, const char *iface, const char *member)
{
    return dbus_message_get_type(msg) == DBUS_MESSAGE_TYPE_SIGNAL &&
           dbus_message_has_interface(msg, iface) &&
           (!member || dbus_message_has_member(msg, member));
}

int ctl_next_signal(struct ctl *ctl, const char *iface, const char *member, int timeout_ms,
                    DBusMessage **ret_msg)
{
    return ctl_next_signal_at(ctl, IOTD_DEVICE_PATH, iface, member, timeout_ms, ret_msg);
}

int ctl_next_signal_at(struct ctl *ctl, const char *path, const char *iface, const char *member,
                       int timeout_ms, DBusMessage **ret_msg)
{
    int64_t end = now_ms() + timeout_ms;

    for (;;) {
        CLEANUP(msg_unrefp) DBusMessage *msg = dbus_connection_pop_message(ctl->bus);
        int64_t left = end - now_ms();

        if (msg && is_end(msg)) {
            (void) ctl_fail(ctl, NULL, "iotd went away");
            return CTL_UNAVAILABLE;
        }
        if (msg && is_wanted(msg, iface, member) && dbus_message_has_sender(msg, ctl->owner) &&
            dbus_message_has_path(msg, path)) {
            *ret_msg = TAKE(msg);
            return CTL_OK;
        }
        if (msg)
            continue;
        if (timeout_ms >= 0 && left <= 0)
            return CTL_FAILED;
        if (!dbus_connection_read_write(ctl->bus, timeout_ms < 0 ? -1 : (int) left) &&
            dbus_connection_get_dispatch_status(ctl->bus) == DBUS_DISPATCH_COMPLETE) {
            (void) ctl_fail(ctl, NULL, "the bus went away");
            return CTL_UNAVAILABLE;
        }
    }
}
