/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Manager at the root. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/access.h"
#include "daemon/front/bus_internal.h"
#include "daemon/sys/accounts.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/name.h"

static int get_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, PACKAGE_VERSION);
}

static int get_layout_version(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, LAYOUT_VERSION_TEXT);
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
        *problem = "the verb is none of register, report, post, read, files, monitor, firmware, "
                   "call, manage";
        return -EINVAL;
    }
    while (msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "exe") == 0 && msg_read_string(&value, &q->subject.exe) < 0)
            return -EINVAL;
    }
    if (*q->id ? access_verb_may_have_id(q->verb) && name_is_feature_id(q->id)
               : !access_verb_has_id(q->verb))
        return 0;
    *problem = "register, report, post, read and files need an id, monitor and call have none, "
               "manage may have one";
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
    {"Attach", bus_attach},
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
