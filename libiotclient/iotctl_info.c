/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl info: the basic information of the device. */

#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/iotctl.h"

#define LABEL "device_label."
#define KEY_MAX 160

/* What stands before the first =; NULL when there is none, or too much. */
static const char *split(const char *arg, char key[KEY_MAX])
{
    const char *eq = strchr(arg, '=');

    if (!eq || eq == arg || (size_t) (eq - arg) >= KEY_MAX)
        return NULL;
    memcpy(key, arg, (size_t) (eq - arg));
    key[eq - arg] = '\0';
    return eq + 1;
}

static bool is_label(const char *key)
{
    return strncmp(key, LABEL, strlen(LABEL)) == 0;
}

/* The texts of one of the two dictionaries. */
static int append_texts(DBusMessageIter *dict, char **argv, bool labels)
{
    char key[KEY_MAX];
    int r = 0;

    for (; r == 0 && *argv; argv++) {
        const char *text = split(*argv, key);

        if (is_label(key) == labels)
            r = msg_dict_string(dict, key + (labels ? strlen(LABEL) : 0), text);
    }
    return r;
}

static int append_labels(DBusMessageIter *dict, char **argv)
{
    DBusMessageIter nested;
    struct msg_entry entry;
    int r;

    r = msg_dict_open_entry(dict, "device_label", "a{sv}", &entry);
    if (r < 0)
        return r;
    r = msg_open_dict(&entry.variant, &nested);
    if (r == 0)
        r = msg_close(&entry.variant, &nested, append_texts(&nested, argv, true));
    return msg_dict_close_entry(dict, &entry, r);
}

static int update(struct ctl *ctl, char **argv, bool any_label)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    DBusMessageIter it, dict;
    int r;

    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, "UpdateInfo", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_open_dict(&it, &dict);
    if (r == 0) {
        int e = append_texts(&dict, argv, false);

        if (e == 0 && any_label)
            e = append_labels(&dict, argv);
        r = msg_close(&it, &dict, e);
    }
    return r < 0 ? ctl_fail_errno(ctl, r) : ctl_call(ctl, msg, &reply);
}

static int print(struct ctl *ctl)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it, value;
    struct strbuf sb;
    struct msg_dict dict;
    const char *key, *text = NULL;
    int r = ctl_get_all(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_DEVICE, &reply);

    if (r != CTL_OK)
        return r;
    r = dbus_message_iter_init(reply, &it) ? msg_read_dict(&it, &dict) : -1;
    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "Info") == 0)
            r = msg_read_string(&value, &text);
    }
    if (r < 0 || !text)
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    ctl_add_text(&sb, text, strlen(text));
    return ctl_print(ctl, &sb);
}

int ctl_info(struct ctl *ctl, int argc, char **argv)
{
    bool any_label = false;
    char key[KEY_MAX];

    for (int i = 0; i < argc; i++) {
        if (!split(argv[i], key)) {
            (void) ctl_fail(ctl, NULL, "\"%s\" is not NAME=TEXT", argv[i]);
            return CTL_USAGE;
        }
        any_label = any_label || is_label(key);
    }
    if (argc > 0) {
        int r = update(ctl, argv, any_label);

        if (r != CTL_OK)
            return r;
    }
    return print(ctl);
}
