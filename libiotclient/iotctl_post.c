/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iotctl report, event: what goes up, and the cloud's answer. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/iotctl.h"

/* id=value or id:=json */
struct pair {
    char id[64];
    const char *value;
    bool is_json;
};

static int parse_pair(const char *arg, struct pair *ret_pair)
{
    const char *eq = strchr(arg, '=');
    struct pair pair;
    size_t len;

    if (!eq)
        return -1;
    pair.is_json = eq > arg && eq[-1] == ':';
    len = (size_t) (eq - arg) - (pair.is_json ? 1 : 0);
    if (len >= sizeof(pair.id))
        return -1;
    memcpy(pair.id, arg, len);
    pair.id[len] = '\0';
    pair.value = eq + 1;
    if (!name_is_feature_id(pair.id))
        return -1;
    *ret_pair = pair;
    return 0;
}

int ctl_parse_pairs(struct ctl *ctl, int argc, char **argv, bool *ret_is_json)
{
    struct pair pair;
    int n_json = 0;

    for (int i = 0; i < argc; i++) {
        if (parse_pair(argv[i], &pair) < 0) {
            (void) ctl_fail(ctl, NULL, "\"%s\" is neither ID=VALUE nor ID:=JSON", argv[i]);
            return CTL_USAGE;
        }
        n_json += pair.is_json;
    }
    if (n_json != 0 && n_json != argc) {
        (void) ctl_fail(ctl, NULL, "use either = or := for all of them");
        return CTL_USAGE;
    }
    *ret_is_json = n_json > 0;
    return CTL_OK;
}

/* {"a":…,"b":…}: iotd checks what stands right of := */
static int append_json(DBusMessageIter *it, int argc, char **argv)
{
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    struct pair pair;
    int r;

    strbuf_init(&sb, LIMIT_DBUS_MESSAGE);
    strbuf_addc(&sb, '{');
    for (int i = 0; i < argc; i++) {
        (void) parse_pair(argv[i], &pair); /* succeeded before */
        strbuf_addf(&sb, "%s\"%s\":", i ? "," : "", pair.id);
        strbuf_adds(&sb, pair.value);
    }
    strbuf_addc(&sb, '}');
    r = strbuf_finish(&sb, &text);
    return r < 0 ? r : msg_append_string(it, text);
}

static int append_texts(DBusMessageIter *it, int argc, char **argv)
{
    DBusMessageIter dict;
    struct pair pair;
    int r;

    r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    for (int i = 0; i < argc && r >= 0; i++) {
        (void) parse_pair(argv[i], &pair); /* succeeded before */
        r = msg_dict_string(&dict, pair.id, pair.value);
    }
    r = msg_close(it, &dict, r);
    if (r < 0)
        return r;
    /* The model says what the texts mean, and iotd has the model. */
    r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    return msg_close(it, &dict, msg_dict_bool(&dict, "text", true));
}

int ctl_append_pairs(DBusMessageIter *it, bool is_json, int argc, char **argv)
{
    return is_json ? append_json(it, argc, argv) : append_texts(it, argc, argv);
}

static int send_and_take_token(struct ctl *ctl, DBusMessage *msg, uint64_t *ret_token)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it;
    int r = ctl_call(ctl, msg, &reply);

    if (r != CTL_OK)
        return r;
    if (!dbus_message_iter_init(reply, &it) || msg_read_uint64(&it, ret_token) < 0)
        return ctl_fail_protocol(ctl);
    return CTL_OK;
}

/* Sends what msg has so far with the values; the token comes back. */
static int send_values(struct ctl *ctl, DBusMessage *msg, bool is_json, int argc, char **argv,
                       uint64_t *ret_token)
{
    DBusMessageIter it;
    int r;

    dbus_message_iter_init_append(msg, &it);
    r = ctl_append_pairs(&it, is_json, argc, argv);
    return r < 0 ? ctl_fail_errno(ctl, r) : send_and_take_token(ctl, msg, ret_token);
}

static int print_token(struct ctl *ctl, uint64_t token)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json)
        strbuf_addf(&sb, "{\"token\":%" PRIu64 "}", token);
    else
        strbuf_addf(&sb, "iotd took it (token %" PRIu64 ")", token);
    return ctl_print(ctl, &sb);
}

static int print_answer(struct ctl *ctl, uint64_t token, int64_t code, const char *text)
{
    struct strbuf sb;

    strbuf_init(&sb, CTL_TEXT_MAX);
    if (ctl->json) {
        strbuf_addf(&sb, "{\"token\":%" PRIu64 ",\"code\":%" PRId64 ",\"text\":", token, code);
        strbuf_add_json(&sb, text);
        strbuf_addc(&sb, '}');
    } else if (code == 0) {
        strbuf_adds(&sb, "the cloud took it");
    } else {
        strbuf_addf(&sb, "the cloud answered %" PRId64 ": ", code);
        if (!text[0])
            text = errmap_text(errmap_from_code((int32_t) code));
        ctl_add_text(&sb, text, strlen(text));
    }
    if (ctl_print(ctl, &sb) != CTL_OK)
        return CTL_FAILED;
    return code == 0 ? CTL_OK : CTL_FAILED;
}

static int wait_answer(struct ctl *ctl, uint64_t token)
{
    for (;;) {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
        DBusMessageIter it;
        const char *text;
        uint64_t got;
        int64_t code;
        int r;

        r = ctl_next_signal(ctl, IOTD_IFACE_THING, "Completed", ctl->timeout_ms, &msg);
        if (r == CTL_FAILED)
            return ctl_fail(ctl, IOTD_ERROR_PREFIX "Timeout",
                            "no answer of the cloud within %d s; iotd has it, see iotctl status",
                            ctl->timeout_ms / 1000);
        if (r != CTL_OK)
            return r;
        if (!dbus_message_iter_init(msg, &it) || msg_read_uint64(&it, &got) < 0 ||
            msg_read_int64(&it, &code) < 0 || msg_read_string(&it, &text) < 0)
            return ctl_fail_protocol(ctl);
        if (got == token)
            return print_answer(ctl, token, code, text);
    }
}

static int send_and_wait(struct ctl *ctl, DBusMessage *msg, bool is_json, int argc, char **argv)
{
    uint64_t token;
    int r;

    r = ctl_add_owner_match(ctl);
    if (r == CTL_OK)
        r = send_values(ctl, msg, is_json, argc, argv, &token);
    if (r != CTL_OK)
        return r;
    return ctl->no_wait ? print_token(ctl, token) : wait_answer(ctl, token);
}

int ctl_report(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    bool is_json;
    int r;

    r = ctl_parse_pairs(ctl, argc, argv, &is_json);
    if (r == CTL_OK)
        r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_THING, is_json ? "ReportJson" : "Report",
                         &msg);
    return r == CTL_OK ? send_and_wait(ctl, msg, is_json, argc, argv) : r;
}

int ctl_event(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    bool is_json;
    int r;

    if (!name_is_feature_id(argv[0])) {
        (void) ctl_fail(ctl, NULL, "\"%s\" cannot be the id of an event", argv[0]);
        return CTL_USAGE;
    }
    r = ctl_parse_pairs(ctl, argc - 1, argv + 1, &is_json);
    if (r == CTL_OK)
        r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_THING,
                         is_json ? "PostEventJson" : "PostEvent", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, argv[0]);
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    return send_and_wait(ctl, msg, is_json, argc - 1, argv + 1);
}

int ctl_events(struct ctl *ctl, int argc, char **argv)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    uint64_t token;
    int r;

    (void) argc;
    r = ctl_add_owner_match(ctl);
    if (r == CTL_OK)
        r = ctl_new_call(ctl, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "PostEventsJson", &msg);
    if (r != CTL_OK)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, argv[0]);
    if (r < 0)
        return ctl_fail_errno(ctl, r);
    r = send_and_take_token(ctl, msg, &token);
    if (r != CTL_OK)
        return r;
    return ctl->no_wait ? print_token(ctl, token) : wait_answer(ctl, token);
}
