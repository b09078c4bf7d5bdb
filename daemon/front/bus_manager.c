/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Manager at the root. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/accounts.h"
#include "daemon/sys/log.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"

LOG_AREA("bus");

static int get_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, PACKAGE_VERSION);
}

static int get_layout_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "");
}

/* The tokens that the caller asks about; none if it does not. */
static int read_tokens(DBusMessageIter *it, uint64_t **ret_tokens, size_t *ret_n)
{
    DBusMessageIter value;
    struct msg_dict options;
    const char *key;
    int r;

    r = msg_read_dict(it, &options);
    while (r == 0 && msg_dict_next(&options, &key, &value)) {
        if (strcmp(key, "tokens") == 0 && !*ret_tokens)
            r = msg_read_uint64s(&value, LIMIT_ATTACH_TOKENS, ret_tokens, ret_n);
    }
    return r;
}

/* Leaves those whose end the caller will hear. */
static size_t keep_open(struct bus *bus, const char *peer, uint64_t *tokens, size_t n)
{
    size_t n_open = 0;

    for (size_t i = 0; i < n; i++) {
        bool open = false;
        int r = events_is_open(&bus->core->events, peer, tokens[i], &open);

        if (r < 0)
            log_warn("cannot look up a token error=\"%s\"", strerror(-r));
        if (open)
            tokens[n_open++] = tokens[i];
    }
    return n_open;
}

static int reply_attach(struct tree_call *call, const struct client *c, const uint64_t *tokens,
                        size_t n_tokens)
{
    DBusMessageIter it, fds, info;
    char path[64];
    int r;

    (void) snprintf(path, sizeof(path), IOTD_CLIENT_PATH_PREFIX "%u", c->number);
    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "h", &fds);
    if (r == 0)
        r = msg_close(&it, &fds, 0);
    if (r == 0)
        r = msg_open_dict(&it, &info);
    if (r < 0)
        return r;
    r = msg_dict_string(&info, "version", PACKAGE_VERSION);
    if (r == 0)
        r = msg_dict_string(&info, "layout", "");
    if (r == 0)
        r = msg_dict_path(&info, "path", path);
    if (r == 0 && tokens)
        r = msg_dict_uint64s(&info, "tokens", tokens, n_tokens);
    return msg_close(&it, &info, r);
}

static void on_attach(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_peer *peer = bus_peer_of(bus, call);
    CLEANUP(freep) uint64_t *tokens = NULL;
    size_t n_tokens = 0;
    struct client *c;
    DBusMessageIter it;
    const char *app_id;
    int r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &app_id);
    if (r == 0 && !peer)
        r = -EACCES;
    if (r == 0 && !name_is_app_id(app_id)) {
        tree_call_error(&call, -EINVAL, BUS_APP_ID_PROBLEM);
        return;
    }
    if (r == 0)
        r = read_tokens(&it, &tokens, &n_tokens);
    if (r == 0)
        r = bus_client_get(bus, peer, &c);
    if (r == -EDQUOT) {
        tree_call_error(&call, -ENOBUFS, "quota.attachments");
        return;
    }
    if (r == 0)
        r = client_set_app_id(c, app_id);
    if (r == 0) {
        bus_client_changed(bus, c);
        n_tokens = keep_open(bus, tree_call_sender(call), tokens, n_tokens);
        r = reply_attach(call, c, tokens, n_tokens);
    }
    tree_call_finish(&call, r);
}

struct ignored {
    DBusMessageIter *list;
    int r;
};

static void on_ignored(const char *key, void *data)
{
    struct ignored *ig = data;

    if (ig->r == 0)
        ig->r = msg_append_string(ig->list, key);
}

static void on_reload(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    DBusMessageIter it, list;
    struct ignored ig = {.list = &list};
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "s", &list);
    if (r < 0) {
        tree_call_finish(&call, r);
        return;
    }
    r = bus->config.on_reload(on_ignored, &ig, bus->config.userdata);
    r = msg_close(&it, &list, r < 0 ? r : ig.r);
    if (r == -EINVAL)
        tree_call_error(&call, -EPROTO,
                        "settings or thing model have mistakes, see the log; nothing was changed");
    else
        tree_call_finish(&call, r);
}

struct question {
    struct access_subject subject;
    enum access_verb verb;
    const char *id;
};

/* -EINVAL with problem filled in. */
static int read_question(DBusMessageIter *it, struct question *q, const char **problem)
{
    const char *verb, *key;
    DBusMessageIter value;
    struct msg_dict dict;
    uint64_t uid = 0;
    int r;

    r = msg_read_uint64(it, &uid);
    q->subject.uid = (uint32_t) uid;
    if (r == 0)
        r = msg_read_string(it, &verb);
    if (r == 0)
        r = msg_read_string(it, &q->id);
    if (r == 0)
        r = msg_read_dict(it, &dict);
    if (r < 0)
        return r;
    if (access_verb_parse(verb, &q->verb) < 0) {
        *problem = "the verb is none of register, report, post, read, monitor, manage";
        return -EINVAL;
    }
    while (msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "exe") == 0 && msg_read_string(&value, &q->subject.exe) < 0)
            return -EINVAL;
    }
    if (*q->id ? access_verb_may_have_id(q->verb) && name_is_feature_id(q->id)
               : !access_verb_has_id(q->verb))
        return 0;
    *problem = "register, report, post and read need an id, monitor has none, manage may have one";
    return -EINVAL;
}

static int reply_verdict(struct tree_call *call, const struct access_verdict *v)
{
    DBusMessageIter it;
    int r;

    r = tree_call_open(call, &it);
    if (r == 0)
        r = msg_append_bool(&it, v->allowed);
    if (r == 0)
        r = msg_append_string(&it, v->rule);
    return r == -EINVAL ? msg_append_string(&it, "a file whose name is not UTF-8") : r;
}

/* A user without a record is in no group. */
static void on_test_access(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct question q = {.subject = {.has_gids = true, .exe = ""}};
    CLEANUP(freep) uint32_t *gids = NULL;
    const char *problem = NULL;
    struct access_verdict v;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = read_question(&it, &q, &problem);
    if (r == 0)
        r = accounts_groups_of(q.subject.uid, &gids, &q.subject.n_gids);
    if (r < 0 && r != -ENOENT) {
        tree_call_error(&call, r, problem);
        return;
    }
    q.subject.gids = gids;
    v = access_decide(&bus->core->access, &q.subject, q.verb, q.id);
    tree_call_finish(&call, reply_verdict(call, &v));
}

static const struct tree_method_impl methods[] = {
    {"Attach", on_attach},
    {"Reload", on_reload},
    {"TestAccess", on_test_access},
};

static const struct tree_property_impl properties[] = {
    {"Version", get_version},
    {"LayoutVersion", get_layout_version},
};

int bus_manager_add(struct bus *bus)
{
    return tree_add_interface(bus->root_object, &iface_manager, methods, ARRAY_SIZE(methods),
                              properties, ARRAY_SIZE(properties), bus, NULL);
}
