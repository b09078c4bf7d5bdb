/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl call: what a device needs of the cloud to call WeChat. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/num.h"
#include "libiotclient/iotctl.h"

static int usage(const char *what)
{
    fprintf(stderr, "iotctl: %s; see iotctl --help\n", what);
    return CTL_USAGE;
}

static int append(DBusMessage *msg, int argc, char **argv)
{
    DBusMessageIter it;
    uint64_t package = 0;
    int r;

    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, argv[1]);
    if (r == 0)
        r = msg_append_string(&it, argv[2]);
    if (r < 0 || argc < 4)
        return r;
    r = num_parse_u64(argv[3], &package); /* checked before */
    return r < 0 ? r : msg_append_uint32(&it, (uint32_t) package);
}

static int print_ticket(struct ctl *ctl, DBusMessageIter *it)
{
    struct strbuf sb;
    const char *ticket;

    if (msg_read_string(it, &ticket) < 0)
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_adds(&sb, "{\"ticket\":");
        strbuf_add_json(&sb, ticket);
        strbuf_addc(&sb, '}');
    } else {
        ctl_add_text(&sb, ticket, strlen(ticket));
    }
    return ctl_print(ctl, &sb);
}

static int print_activation(struct ctl *ctl, DBusMessageIter *it)
{
    struct strbuf sb;
    const char *text;
    int64_t code;
    int r;

    if (msg_read_int64(it, &code) < 0 || msg_read_string(it, &text) < 0)
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"code\":%" PRId64 ",\"text\":", code);
        strbuf_add_json(&sb, text);
        strbuf_addc(&sb, '}');
    } else if (code == 0) {
        strbuf_adds(&sb, "the licence is active");
    } else {
        strbuf_addf(&sb, "the cloud answered %" PRId64 ": ", code);
        ctl_add_text(&sb, text, strlen(text));
    }
    r = ctl_print(ctl, &sb);
    return r == CTL_OK && code != 0 ? CTL_FAILED : r;
}

static int print_state(struct ctl *ctl, DBusMessageIter *it)
{
    struct strbuf sb;
    int64_t expires;
    const char *sn;

    if (msg_read_string(it, &sn) < 0 || msg_read_int64(it, &expires) < 0)
        return ctl_fail_protocol(ctl);
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_adds(&sb, "{\"sn\":");
        strbuf_add_json(&sb, sn);
        strbuf_addf(&sb, ",\"expire_time\":%" PRId64 "}", expires);
    } else {
        strbuf_adds(&sb, "sn      ");
        ctl_add_text(&sb, sn, strlen(sn));
        strbuf_addf(&sb, "\nexpires %" PRId64, expires);
    }
    return ctl_print(ctl, &sb);
}

static const struct verb {
    const char *name, *member;
    int argc;
    int (*print)(struct ctl *ctl, DBusMessageIter *it);
} verbs[] = {
    {"ticket", "GetTicket", 3, print_ticket},
    {"activate", "Activate", 4, print_activation},
    {"state", "GetState", 3, print_state},
};

static const struct verb *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    return NULL;
}

int ctl_check_call(int argc, char **argv)
{
    const struct verb *verb = find(argv[0]);
    uint64_t package;

    if (!verb)
        return usage("call knows ticket, activate and state");
    if (argc != verb->argc)
        return usage("call activate wants MODEL APP PACKAGE, the others MODEL APP");
    if (argc == 4 && (num_parse_u64(argv[3], &package) < 0 || package > UINT32_MAX))
        return usage("PACKAGE is a number");
    return CTL_OK;
}

int ctl_twecall(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    const struct verb *verb = find(argv[0]);
    DBusMessageIter it;
    int r;

    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_CALL, verb->member, &msg);
    if (r != CTL_OK)
        return r;
    r = append(msg, argc, argv);
    if (r == -EINVAL)
        return usage("an argument is not text in UTF-8");
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    r = ctl_call(ctl, msg, &reply);
    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it))
        return ctl_fail_protocol(ctl);
    return verb->print(ctl, &it);
}
