/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/lamp-tree.h"

#include <errno.h>
#include <string.h>

#include "dbus/msg.h"
#include "tests/lib/suite.h"

static const char *const no_names[] = {NULL};
static const struct iface_method member_methods[] = {
    {"Get", "s", "t", no_names, no_names, 0},
    {"Keep", "", "t", no_names, no_names, 0},
    {"Remove", "", "", no_names, no_names, 0},
    {"Reset", "", "", no_names, no_names, IFACE_PRIVILEGED},
    {"Wrong", "", "t", no_names, no_names, 0},
};
static const struct iface_signal member_signals[] = {
    {"Blinked", "s", no_names, 0},
    {"Gone", "", no_names, 0},
};
static const struct iface_property member_properties[] = {
    {"Level", "x", IFACE_READ, IFACE_EMITS_TRUE, 0},
    {"Name", "s", IFACE_READ, IFACE_EMITS_CONST, 0},
    {"Noise", "x", IFACE_READ, IFACE_EMITS_FALSE, 0},
    {"Secret", "x", IFACE_READ, IFACE_EMITS_INVALIDATES, 0},
};
const struct iface lamp = {
    "a.b.Lamp",        "  <interface name=\"a.b.Lamp\"/>\n",
    member_methods,    ARRAY_SIZE(member_methods),
    member_signals,    ARRAY_SIZE(member_signals),
    member_properties, ARRAY_SIZE(member_properties),
};

static void on_get(struct tree_call *call, void *userdata)
{
    struct lamp_tree *f = userdata;
    DBusMessageIter args, it;
    const char *id;
    int r;

    f->n_handled++;
    if (f->answers_nothing)
        return;
    tree_call_args(call, &args);
    r = msg_read_string(&args, &id);
    if (r >= 0 && strcmp(id, "level") != 0) {
        tree_call_error(&call, -ENOENT, id);
        return;
    }
    f->level++;
    tree_property_changed(f->obj, &lamp, "Level");
    if (r >= 0)
        r = tree_call_open(call, &it);
    if (r >= 0)
        r = msg_append_uint64(&it, (uint64_t) f->level);
    tree_call_finish(&call, r);
    CHECK(call == NULL);
}

static void on_keep(struct tree_call *call, void *userdata)
{
    struct lamp_tree *f = userdata;

    f->n_handled++;
    CHECK_STR(tree_call_interface(call), "a.b.Lamp");
    CHECK_STR(tree_call_member(call), "Keep");
    CHECK_STR(tree_call_path(call), "/a/b/lamp");
    CHECK_STR(tree_call_sender(call), "");
    f->kept = tree_call_keep(call);
}

static void on_remove(struct tree_call *call, void *userdata)
{
    struct lamp_tree *f = userdata;

    f->n_handled++;
    f->obj = tree_object_remove(f->obj);
    tree_call_reply(&call);
}

static void on_reset(struct tree_call *call, void *userdata)
{
    ((struct lamp_tree *) userdata)->n_handled++;
    tree_call_finish(&call, 0);
}

static void on_wrong(struct tree_call *call, void *userdata)
{
    (void) userdata;
    tree_call_reply(&call); /* without the t that the table promises */
}

static int get_level(DBusMessageIter *it, void *userdata)
{
    struct lamp_tree *f = userdata;

    return f->getter_result < 0 ? f->getter_result : msg_append_int64(it, f->level);
}

static int get_name(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "lamp");
}

const struct tree_method_impl lamp_methods[LAMP_N_METHODS] = {
    {"Wrong", on_wrong}, {"Get", on_get},       {"Keep", on_keep},
    {"Reset", on_reset}, {"Remove", on_remove},
};
const struct tree_property_impl lamp_properties[LAMP_N_PROPERTIES] = {
    {"Name", get_name},
    {"Level", get_level},
    {"Secret", get_level},
    {"Noise", get_level},
};

static int on_authorize(struct tree_call *call, uint32_t flags, void *userdata)
{
    struct lamp_tree *f = userdata;

    f->last_flags = flags;
    if (f->authorize_result == TREE_AUTHORIZE_LATER)
        f->waiting = call;
    return f->authorize_result;
}

struct tree_object *lamp_tree_add(struct lamp_tree *f, const char *path)
{
    struct tree_object *obj = NULL;

    CHECK_INT(tree_add_object(f->tree, path, &obj), 0);
    CHECK_INT(tree_add_interface(obj, &lamp, lamp_methods, LAMP_N_METHODS, lamp_properties,
                                 LAMP_N_PROPERTIES, f, NULL),
              0);
    return obj;
}

void lamp_tree_init(struct lamp_tree *f)
{
    memset(f, 0, sizeof(*f));
    peer_init(&f->p);
    CHECK_INT(tree_new(&f->tree, f->p.near, &f->p.tl.loop, "/a/b", on_authorize, f), 0);
    CHECK_INT(tree_add_object(f->tree, "/a/b", &f->root), 0);
    f->obj = lamp_tree_add(f, "/a/b/lamp");
    test_loop_settle(&f->p.tl);
    peer_clear(&f->p);
}

void lamp_tree_done(struct lamp_tree *f)
{
    f->tree = tree_free(f->tree);
    peer_done(&f->p);
}

DBusMessage *lamp_tree_call(const char *iface, const char *member)
{
    return peer_new_call("/a/b/lamp", iface, member);
}

DBusMessage *lamp_tree_strings(DBusMessage *call, const char *a, const char *b)
{
    DBusMessageIter it;

    dbus_message_iter_init_append(call, &it);
    CHECK_INT(msg_append_string(&it, a), 0);
    if (b)
        CHECK_INT(msg_append_string(&it, b), 0);
    return call;
}
