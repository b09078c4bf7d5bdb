/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl monitor, connect, disconnect, reload: what only a privileged caller may. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/iotctl.h"

static int call_plain(struct ctl *ctl, const char *path, const char *iface, const char *member,
                      DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r = ctl_new_call(ctl, path, iface, member, &msg);

    return r == CTL_OK ? ctl_call(ctl, msg, ret_reply) : r;
}

static int print_done(struct ctl *ctl, const char *text)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "{}" : text);
    return ctl_print(ctl, &sb);
}

static int call_link(struct ctl *ctl, const char *member, const char *text)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r = call_plain(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, member, &reply);

    return r == CTL_OK ? print_done(ctl, text) : r;
}

int ctl_connect(struct ctl *ctl, int argc, char **argv)
{
    (void) argc;
    (void) argv;
    return call_link(ctl, "Connect", "the link is switched on");
}

int ctl_disconnect(struct ctl *ctl, int argc, char **argv)
{
    (void) argc;
    (void) argv;
    return call_link(ctl, "Disconnect", "the link is switched off");
}

int ctl_reload(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    CLEANUP(freep) const char **keys = NULL;
    DBusMessageIter it;
    struct strbuf sb;
    size_t n_keys;
    int r;

    (void) argc;
    (void) argv;
    r = call_plain(ctl, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", &reply);
    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it) || msg_read_strv(&it, UINT16_MAX, &keys, &n_keys) < 0)
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    strbuf_adds(&sb, ctl->json ? "{\"ignored\":[" : "the settings were read");
    for (size_t i = 0; i < n_keys; i++) {
        if (ctl->json) {
            strbuf_adds(&sb, i ? "," : "");
            strbuf_add_json(&sb, keys[i]);
        } else {
            strbuf_adds(&sb, i ? ", " : "; only a restart of iotd changes: ");
            ctl_add_text(&sb, keys[i], strlen(keys[i]));
        }
    }
    strbuf_adds(&sb, ctl->json ? "]}" : "");
    return ctl_print(ctl, &sb);
}

struct message {
    const char *direction;
    const char *topic;
    const char *payload; /* not ended by NUL */
    size_t payload_len;
    uint64_t qos;
    bool dup;
};

static int read_message(DBusMessage *msg, struct message *ret_message)
{
    struct message m = {.qos = 0};
    DBusMessageIter it, bytes, at;
    struct msg_dict info;
    const char *key;
    int len, r = 0;

    if (!dbus_message_has_signature(msg, "ssaya{sv}") || !dbus_message_iter_init(msg, &it) ||
        msg_read_string(&it, &m.direction) < 0 || msg_read_string(&it, &m.topic) < 0)
        return -1;
    dbus_message_iter_recurse(&it, &bytes);
    dbus_message_iter_get_fixed_array(&bytes, &m.payload, &len);
    m.payload_len = (size_t) len;
    if (len == 0)
        m.payload = "";
    dbus_message_iter_next(&it);
    if (msg_read_dict(&it, &info) < 0)
        return -1;
    while (r >= 0 && msg_dict_next(&info, &key, &at)) {
        if (strcmp(key, "qos") == 0)
            r = msg_read_uint64(&at, &m.qos);
        else if (strcmp(key, "dup") == 0)
            r = msg_read_bool(&at, &m.dup);
    }
    *ret_message = m;
    return r;
}

/* As a string when it is text, else as hexadecimal digits. */
static void add_json_payload(struct strbuf *sb, const struct message *m)
{
    CLEANUP(freep) char *text = NULL;

    if (utf8_is_valid(m->payload, m->payload_len) && (text = strndup(m->payload, m->payload_len))) {
        strbuf_adds(sb, ",\"payload\":");
        strbuf_add_json(sb, text);
        return;
    }
    strbuf_adds(sb, ",\"payload_hex\":\"");
    for (size_t i = 0; i < m->payload_len; i++)
        strbuf_addf(sb, "%02x", (unsigned char) m->payload[i]);
    strbuf_addc(sb, '"');
}

static int print_message(struct ctl *ctl, const struct message *m)
{
    bool is_text = utf8_is_valid(m->payload, m->payload_len);
    uint64_t now = ctl_now_us();
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"time_us\":%" PRIu64 ",\"direction\":", now);
        strbuf_add_json(&sb, m->direction);
        strbuf_adds(&sb, ",\"topic\":");
        strbuf_add_json(&sb, m->topic);
        strbuf_addf(&sb, ",\"qos\":%" PRIu64 ",\"dup\":%s", m->qos, m->dup ? "true" : "false");
        add_json_payload(&sb, m);
        strbuf_addc(&sb, '}');
        return ctl_print(ctl, &sb);
    }
    ctl_add_clock(&sb, now);
    strbuf_adds(&sb, strcmp(m->direction, "up") == 0 ? " \xe2\x86\x91 " : " \xe2\x86\x93 ");
    ctl_add_text(&sb, m->topic, strlen(m->topic));
    strbuf_adds(&sb, m->dup ? " (again) " : " ");
    if (is_text)
        ctl_add_text(&sb, m->payload, m->payload_len);
    else
        strbuf_addf(&sb, "(%zu bytes that are no text)", m->payload_len);
    return ctl_print(ctl, &sb);
}

static int start_monitor(struct ctl *ctl)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    DBusMessageIter it;
    int r;

    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_LINK, "Monitor", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_bool(&it, true);
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, &reply);
}

int ctl_monitor(struct ctl *ctl, int argc, char **argv)
{
    uint64_t n_left = ctl->count ? ctl->count : UINT64_MAX;
    int r;

    (void) argc;
    (void) argv;
    /* Messages come to monitors only, without a match; this is for the end of iotd. */
    r = ctl_add_owner_match(ctl);
    if (r == CTL_OK)
        r = start_monitor(ctl);
    if (r == CTL_OK)
        fprintf(stderr, "iotctl: monitoring, Ctrl-C ends\n");
    for (; r == CTL_OK && n_left > 0; n_left--) {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
        struct message m;

        r = ctl_next_signal(ctl, IOTD_IFACE_LINK, "Message", -1, &msg);
        if (r == CTL_OK)
            r = read_message(msg, &m) < 0 ? ctl_fail_protocol(ctl) : print_message(ctl, &m);
    }
    return r;
}
