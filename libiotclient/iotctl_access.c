/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl access: what the rules of access.d say. */

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/num.h"
#include "libiotclient/iotctl.h"

static int find_uid(struct ctl *ctl, const char *user, uint32_t *ret_uid)
{
    const struct passwd *pw;
    uint64_t number;

    if (num_parse_u64(user, &number) == 0 && number < UINT32_MAX) {
        *ret_uid = (uint32_t) number;
        return CTL_OK;
    }
    pw = getpwnam(user);
    if (!pw)
        return ctl_fail(ctl, "UnknownUser", "there is no user \"%s\"", user);
    *ret_uid = pw->pw_uid;
    return CTL_OK;
}

static int append_question(DBusMessage *msg, uint32_t uid, const char *verb, const char *id,
                           const char *exe)
{
    DBusMessageIter it, dict;
    int r;

    dbus_message_iter_init_append(msg, &it);
    r = msg_append_uint32(&it, uid);
    if (r == 0)
        r = msg_append_string(&it, verb);
    if (r == 0)
        r = msg_append_string(&it, id);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    if (exe)
        r = msg_dict_string(&dict, "exe", exe);
    return msg_close(&it, &dict, r);
}

static int print_verdict(struct ctl *ctl, bool allowed, const char *rule)
{
    struct strbuf sb;
    int r;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"allowed\":%s,\"rule\":", allowed ? "true" : "false");
        strbuf_add_json(&sb, rule);
        strbuf_addc(&sb, '}');
    } else {
        strbuf_adds(&sb, allowed ? "allowed by " : "denied by ");
        ctl_add_text(&sb, rule, strlen(rule));
    }
    r = ctl_print(ctl, &sb);
    return r == CTL_OK && !allowed ? CTL_FAILED : r;
}

/* test USER VERB [ID] */
int ctl_access(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    const char *rule;
    DBusMessageIter it;
    uint32_t uid = 0;
    bool allowed;
    int r;

    r = find_uid(ctl, argv[1], &uid);
    if (r == CTL_OK)
        r = ctl_new_call(ctl, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "TestAccess", &msg);
    if (r != CTL_OK)
        return r;
    r = append_question(msg, uid, argv[2], argc > 3 ? argv[3] : "", ctl->exe);
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    r = ctl_call(ctl, msg, &reply);
    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it) || msg_read_bool(&it, &allowed) < 0 ||
        msg_read_string(&it, &rule) < 0)
        return ctl_fail_protocol(ctl);
    return print_verdict(ctl, allowed, rule);
}

int ctl_check_access(char **argv)
{
    if (strcmp(argv[0], "test") == 0)
        return CTL_OK;
    fprintf(stderr, "iotctl: access knows test only; see iotctl --help\n");
    return CTL_USAGE;
}
