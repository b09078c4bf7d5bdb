/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl bind-signature, bind-token, unbind, notices: who the device belongs to. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/iotctl.h"

#define MATCH_DEVICE                                                                               \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_DEVICE "'"
#define TOKEN_TIMEOUT_MS 35000 /* three tries of 10 s, and a reserve */

/* One text, and an a{sv} of texts; NULL values are left out. */
struct argument {
    const char *key, *text;
};

static int append_arguments(DBusMessage *msg, const char *text, const struct argument *options,
                            size_t n)
{
    DBusMessageIter it, dict;
    int r;

    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, text);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (options[i].text)
            r = msg_dict_string(&dict, options[i].key, options[i].text);
    }
    return msg_close(&it, &dict, r);
}

static int call_device(struct ctl *ctl, const char *member, const char *text,
                       const struct argument *options, size_t n, DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r;

    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, member, &msg);
    if (r != CTL_OK)
        return r;
    r = text ? append_arguments(msg, text, options, n) : 0;
    if (r == -EINVAL) {
        (void) ctl_fail(ctl, NULL, "an argument is not text in UTF-8");
        return CTL_USAGE;
    }
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, ret_reply);
}

static int print_done(struct ctl *ctl, const char *text)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "{}" : text);
    return ctl_print(ctl, &sb);
}

/* "key: value" lines in the order in which an app wants them. */
static int print_signature(struct ctl *ctl, DBusMessage *reply)
{
    static const struct {
        const char *key, *label;
    } rows[] = {
        {"signature", "Signature"},    {"timestamp", "DeviceTimestamp"},
        {"conn_id", "ConnId"},         {"bind_type", "BindType"},
        {"method", "SignMethod"},      {"product_id", "ProductId"},
        {"device_name", "DeviceName"},
    };
    DBusMessageIter it, value;
    struct strbuf sb;
    const char *key;

    if (!dbus_message_has_signature(reply, "a{sv}") || !dbus_message_iter_init(reply, &it))
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        ctl_add_json(&sb, &it);
        return ctl_print(ctl, &sb);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        DBusMessageIter at = it;
        struct msg_dict dict;

        if (msg_read_dict(&at, &dict) < 0)
            break; /* cannot be: the signature was checked */
        while (msg_dict_next(&dict, &key, &value)) {
            if (strcmp(key, rows[i].key) != 0)
                continue;
            strbuf_addf(&sb, "%s%-15s ", i > 0 ? "\n" : "", rows[i].label);
            ctl_add_human(&sb, &value);
        }
    }
    return ctl_print(ctl, &sb);
}

int ctl_bind_signature(struct ctl *ctl, int argc, char **argv)
{
    const struct ctl_binding *b = &ctl->binding;
    const struct argument options[] = {{"conn_id", b->conn_id}, {"method", b->method}};
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r;

    (void) argc;
    (void) argv;
    r = call_device(ctl, "BindSignature", b->kind ? b->kind : "wifi", options, ARRAY_SIZE(options),
                    &reply);
    return r == CTL_OK ? print_signature(ctl, reply) : r;
}

int ctl_bind_token(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r;

    (void) argc;
    if (!ctl->has_timeout)
        ctl->timeout_ms = TOKEN_TIMEOUT_MS;
    r = call_device(ctl, "SendBindToken", argv[0], NULL, 0, &reply);
    return r == CTL_OK ? print_done(ctl, "the cloud took the token") : r;
}

int ctl_unbind(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r;

    (void) argc;
    (void) argv;
    r = call_device(ctl, "Unbind", NULL, NULL, 0, &reply);
    return r == CTL_OK ? print_done(ctl, "the device is unbound") : r;
}

static void add_members(struct strbuf *sb, DBusMessageIter *it)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;

    if (msg_read_dict(it, &dict) < 0)
        return;
    while (msg_dict_next(&dict, &key, &value)) {
        strbuf_addc(sb, ' ');
        ctl_add_text(sb, key, strlen(key));
        strbuf_addc(sb, '=');
        ctl_add_human(sb, &value);
    }
}

/* Bound and Unbound have a time, FenceAlert a dictionary. */
static int print_notice(struct ctl *ctl, DBusMessage *msg)
{
    static const struct {
        const char *member, *signature, *name;
    } notices[] = {
        {"Bound", "t", "bound"},
        {"Unbound", "t", "unbound"},
        {"FenceAlert", "a{sv}", "fence"},
    };
    uint64_t now = ctl_now_us();
    DBusMessageIter it;
    struct strbuf sb;
    size_t i = 0;

    while (i < ARRAY_SIZE(notices) && !dbus_message_has_member(msg, notices[i].member))
        i++;
    if (i == ARRAY_SIZE(notices))
        return -1; /* of a later release */
    if (!dbus_message_has_signature(msg, notices[i].signature) || !dbus_message_iter_init(msg, &it))
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"time_us\":%" PRIu64 ",\"notice\":\"%s\",\"%s\":", now, notices[i].name,
                    i == 2 ? "alert" : "timestamp");
        ctl_add_json(&sb, &it);
        strbuf_addc(&sb, '}');
    } else {
        ctl_add_clock(&sb, now);
        strbuf_addf(&sb, " %s", notices[i].name);
        if (i == 2)
            add_members(&sb, &it);
    }
    return ctl_print(ctl, &sb);
}

int ctl_notices(struct ctl *ctl, int argc, char **argv)
{
    uint64_t n_left = ctl->count ? ctl->count : UINT64_MAX;
    int r;

    (void) argc;
    (void) argv;
    r = ctl_add_owner_match(ctl);
    if (r == CTL_OK)
        r = ctl_add_match(ctl, MATCH_DEVICE);
    if (r == CTL_OK)
        fprintf(stderr, "iotctl: waiting for notices, Ctrl-C ends\n");
    while (r == CTL_OK && n_left > 0) {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

        r = ctl_next_signal(ctl, IOTD_IFACE_DEVICE, NULL, -1, &msg);
        if (r != CTL_OK)
            break;
        r = print_notice(ctl, msg);
        if (r == CTL_OK)
            n_left--;
        else if (r < 0)
            r = CTL_OK;
    }
    return r;
}
