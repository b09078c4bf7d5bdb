/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl set, action call: what the cloud does, done from here. */

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/name.h"
#include "libiotclient/iotctl.h"

/* The programs have the deadlines of iotd, whatever they are set to. */
static int call_patiently(struct ctl *ctl, DBusMessage *msg, DBusMessage **ret_reply)
{
    int timeout_ms = ctl->timeout_ms, r;

    ctl->timeout_ms = INT_MAX;
    r = ctl_call(ctl, msg, ret_reply);
    ctl->timeout_ms = timeout_ms;
    return r;
}

static void add_outcome(struct strbuf *sb, int64_t code, const char *text)
{
    if (code == 0) {
        strbuf_adds(sb, "done");
        if (*text && strcmp(text, "success") != 0)
            strbuf_adds(sb, ": ");
        else
            text = "";
    } else {
        strbuf_addf(sb, "refused %" PRId64 ": ", code);
        if (!*text)
            text = errmap_text(errmap_from_code((int32_t) code));
    }
    ctl_add_text(sb, text, strlen(text));
}

/* is, and what came out of an action as one more argument. */
static int print(struct ctl *ctl, DBusMessage *reply)
{
    DBusMessageIter it;
    struct strbuf sb;
    const char *text, *output = NULL;
    int64_t code;
    bool has_output;

    if (!dbus_message_iter_init(reply, &it) || msg_read_int64(&it, &code) < 0 ||
        msg_read_string(&it, &text) < 0)
        return ctl_fail_protocol(ctl);
    has_output = dbus_message_iter_get_arg_type(&it) != DBUS_TYPE_INVALID;
    if (has_output && dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_STRING)
        dbus_message_iter_get_basic(&it, &output); /* JSON already */
    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"code\":%" PRId64 ",\"text\":", code);
        strbuf_add_json(&sb, text);
        if (has_output) {
            strbuf_adds(&sb, ",\"output\":");
            if (output)
                strbuf_adds(&sb, output);
            else
                ctl_add_json(&sb, &it);
        }
        strbuf_addc(&sb, '}');
    } else {
        add_outcome(&sb, code, text);
        if (has_output && code == 0) {
            strbuf_addc(&sb, '\n');
            if (output)
                ctl_add_text(&sb, output, strlen(output));
            else
                ctl_add_human(&sb, &it);
        }
    }
    if (ctl_print(ctl, &sb) != CTL_OK)
        return CTL_FAILED;
    return code == 0 ? CTL_OK : CTL_FAILED;
}

static int command(struct ctl *ctl, const char *action, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL, *reply = NULL;
    DBusMessageIter it;
    const char *member;
    bool is_json;
    int r;

    r = ctl_parse_pairs(ctl, argc, argv, &is_json);
    if (r != CTL_OK)
        return r;
    /* Outputs are wanted as values: Invoke, which takes values or the texts of people. */
    if (action && is_json)
        member = "InvokeJson";
    else if (action)
        member = "Invoke";
    else
        member = is_json ? "ControlJson" : "Control";
    r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_THING, member, &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = action ? msg_append_string(&it, action) : 0;
    if (r == 0)
        r = ctl_append_pairs(&it, is_json, argc, argv);
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    r = call_patiently(ctl, msg, &reply);
    return r == CTL_OK ? print(ctl, reply) : r;
}

int ctl_set(struct ctl *ctl, int argc, char **argv)
{
    return command(ctl, NULL, argc, argv);
}

int ctl_action(struct ctl *ctl, int argc, char **argv)
{
    if (strcmp(argv[0], "call") != 0 || !name_is_feature_id(argv[1])) {
        (void) ctl_fail(ctl, NULL, "iotctl action wants call and the id of an action");
        return CTL_USAGE;
    }
    return command(ctl, argv[1], argc - 2, argv + 2);
}
