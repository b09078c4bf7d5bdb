/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl get, watch, controls */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/iotctl.h"

#define MATCH                                                                                      \
    "type='signal',sender='" IOTD_BUS_NAME "',path='" IOTD_DEVICE_PATH                             \
    "',interface='" IOTD_IFACE_THING "',member='"

/* A signal of values, and how one of them is shown to people. */
struct news {
    const char *signal, *match;
    void (*add)(struct strbuf *sb, uint64_t now, const char *id, DBusMessageIter *value);
};

struct row {
    const char *id;
    const char *type;
    const char *mode;
    DBusMessageIter value;
    uint64_t stamp_us; /* 0: no value */
};

static int list_properties(struct ctl *ctl, DBusMessage **ret_reply)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r;

    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "ListProperties", &msg);
    if (r == CTL_OK)
        r = ctl_call(ctl, msg, ret_reply);
    if (r == CTL_OK && !dbus_message_has_signature(*ret_reply, "a(sssvt)")) {
        *ret_reply = msg_unref(*ret_reply);
        r = ctl_fail_protocol(ctl);
    }
    return r;
}

/* The signature was checked: reading cannot fail. Returns false at the end. */
static bool next_row(DBusMessageIter *list, struct row *ret_row)
{
    DBusMessageIter it;

    if (dbus_message_iter_get_arg_type(list) != DBUS_TYPE_STRUCT)
        return false;
    dbus_message_iter_recurse(list, &it);
    dbus_message_iter_get_basic(&it, &ret_row->id);
    dbus_message_iter_next(&it);
    dbus_message_iter_get_basic(&it, &ret_row->type);
    dbus_message_iter_next(&it);
    dbus_message_iter_get_basic(&it, &ret_row->mode);
    dbus_message_iter_next(&it);
    ret_row->value = it;
    dbus_message_iter_next(&it);
    dbus_message_iter_get_basic(&it, &ret_row->stamp_us);
    dbus_message_iter_next(list);
    return true;
}

static void start(DBusMessage *reply, DBusMessageIter *ret_list)
{
    DBusMessageIter it;

    (void) dbus_message_iter_init(reply, &it); /* the signature says that it is not empty */
    dbus_message_iter_recurse(&it, ret_list);
}

static bool is_wanted(const char *id, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], id) == 0)
            return true;
    }
    return argc == 0;
}

/* Each id on the command line must be one of the model. */
static int check_ids(struct ctl *ctl, DBusMessage *reply, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        DBusMessageIter list;
        struct row row;
        bool found = false;

        start(reply, &list);
        while (!found && next_row(&list, &row))
            found = strcmp(row.id, argv[i]) == 0;
        if (!found)
            return ctl_fail(ctl, IOTD_ERROR_PREFIX "UnknownId",
                            "the thing model has no property \"%s\"; iotctl get lists them",
                            argv[i]);
    }
    return CTL_OK;
}

static int print_json(struct ctl *ctl, DBusMessage *reply, int argc, char **argv)
{
    const char *sep = "{";
    DBusMessageIter list;
    struct strbuf sb;
    struct row row;

    strbuf_init(&sb, CTL_TEXT_MAX);
    start(reply, &list);
    while (next_row(&list, &row)) {
        if (!is_wanted(row.id, argc, argv))
            continue;
        strbuf_adds(&sb, sep);
        strbuf_add_json(&sb, row.id);
        strbuf_adds(&sb, ":{\"value\":");
        if (row.stamp_us)
            ctl_add_json(&sb, &row.value);
        else
            strbuf_adds(&sb, "null");
        strbuf_adds(&sb, ",\"type\":");
        strbuf_add_json(&sb, row.type);
        strbuf_adds(&sb, ",\"mode\":");
        strbuf_add_json(&sb, row.mode);
        strbuf_addf(&sb, ",\"stamp_us\":%" PRIu64 "}", row.stamp_us);
        sep = ",";
    }
    strbuf_adds(&sb, sep[0] == '{' ? "{}" : "}");
    return ctl_print(ctl, &sb);
}

static int print_human(struct ctl *ctl, DBusMessage *reply, int argc, char **argv)
{
    uint64_t now = ctl_now_us();
    DBusMessageIter list;
    struct row row;
    int width = 0;

    start(reply, &list);
    while (next_row(&list, &row)) {
        if (is_wanted(row.id, argc, argv) && (int) strlen(row.id) > width)
            width = (int) strlen(row.id);
    }
    start(reply, &list);
    while (next_row(&list, &row)) {
        struct strbuf sb;

        if (!is_wanted(row.id, argc, argv))
            continue;
        strbuf_init(&sb, CTL_TEXT_MAX);
        strbuf_addf(&sb, "%-*s = ", width, row.id);
        if (row.stamp_us) {
            ctl_add_human(&sb, &row.value);
            strbuf_adds(&sb, "  (");
            ctl_add_age(&sb, now > row.stamp_us ? now - row.stamp_us : 0);
            strbuf_adds(&sb, " ago)");
        } else {
            strbuf_adds(&sb, "-  (no value yet)");
        }
        if (ctl_print(ctl, &sb) != CTL_OK)
            return CTL_FAILED;
    }
    return CTL_OK;
}

int ctl_get(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r;

    r = list_properties(ctl, &reply);
    if (r == CTL_OK)
        r = check_ids(ctl, reply, argc, argv);
    if (r != CTL_OK)
        return r;
    return ctl->json ? print_json(ctl, reply, argc, argv) : print_human(ctl, reply, argc, argv);
}

static void add_change(struct strbuf *sb, uint64_t now, const char *id, DBusMessageIter *value)
{
    ctl_add_clock(sb, now);
    strbuf_addc(sb, ' ');
    ctl_add_text(sb, id, strlen(id));
    strbuf_adds(sb, " = ");
    ctl_add_human(sb, value);
}

/* For scripts: what report takes again. */
static void add_control(struct strbuf *sb, uint64_t now, const char *id, DBusMessageIter *value)
{
    (void) now;
    ctl_add_text(sb, id, strlen(id));
    strbuf_addc(sb, '=');
    ctl_add_human(sb, value);
}

static int print_one(struct ctl *ctl, const struct news *news, const char *id,
                     DBusMessageIter *value)
{
    uint64_t now = ctl_now_us();
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"time_us\":%" PRIu64 ",\"id\":", now);
        strbuf_add_json(&sb, id);
        strbuf_adds(&sb, ",\"value\":");
        ctl_add_json(&sb, value);
        strbuf_addc(&sb, '}');
    } else {
        news->add(&sb, now, id, value);
    }
    return ctl_print(ctl, &sb);
}

/* *n_left counts down to the end that --count set. */
static int print_news(struct ctl *ctl, const struct news *news, DBusMessage *msg, int argc,
                      char **argv, uint64_t *n_left)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *id;
    int r = CTL_OK;

    if (!dbus_message_iter_init(msg, &it) || msg_read_dict(&it, &dict) < 0)
        return ctl_fail_protocol(ctl);
    while (r == CTL_OK && *n_left > 0 && msg_dict_next(&dict, &id, &value)) {
        if (!is_wanted(id, argc, argv))
            continue;
        r = print_one(ctl, news, id, &value);
        --*n_left;
    }
    return r;
}

static int follow(struct ctl *ctl, const struct news *news, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    uint64_t n_left = ctl->count ? ctl->count : UINT64_MAX;
    int r;

    r = ctl_add_owner_match(ctl);
    if (r == CTL_OK)
        r = ctl_add_match(ctl, news->match);
    if (r == CTL_OK)
        r = list_properties(ctl, &reply);
    if (r == CTL_OK)
        r = check_ids(ctl, reply, argc, argv);
    if (r == CTL_OK)
        fprintf(stderr, "iotctl: watching, Ctrl-C ends\n");
    while (r == CTL_OK && n_left > 0) {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

        r = ctl_next_signal(ctl, IOTD_IFACE_THING, news->signal, -1, &msg);
        if (r == CTL_OK)
            r = print_news(ctl, news, msg, argc, argv, &n_left);
    }
    return r;
}

int ctl_watch(struct ctl *ctl, int argc, char **argv)
{
    static const struct news changes = {"Changed", MATCH "Changed'", add_change};

    return follow(ctl, &changes, argc, argv);
}

int ctl_controls(struct ctl *ctl, int argc, char **argv)
{
    static const struct news controls = {"Controlled", MATCH "Controlled'", add_control};

    return follow(ctl, &controls, argc, argv);
}
