/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "dbus/tree.h"
#include "tests/lib/peer.h"
#include "tests/lib/suite.h"

#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define BUS_ERROR "org.freedesktop.DBus.Error."

/* An interface with every kind of member. */
static const char *const no_names[] = {NULL};
static const struct iface_method lamp_methods[] = {
    {"Get", "s", "t", no_names, no_names, 0},
    {"Keep", "", "t", no_names, no_names, 0},
    {"Remove", "", "", no_names, no_names, 0},
    {"Reset", "", "", no_names, no_names, IFACE_PRIVILEGED},
    {"Wrong", "", "t", no_names, no_names, 0},
};
static const struct iface_signal lamp_signals[] = {
    {"Blinked", "s", no_names, 0},
    {"Gone", "", no_names, 0},
};
static const struct iface_property lamp_properties[] = {
    {"Level", "x", IFACE_READ, IFACE_EMITS_TRUE, 0},
    {"Name", "s", IFACE_READ, IFACE_EMITS_CONST, 0},
    {"Noise", "x", IFACE_READ, IFACE_EMITS_FALSE, 0},
    {"Secret", "x", IFACE_READ, IFACE_EMITS_INVALIDATES, 0},
};
static const struct iface lamp = {
    "a.b.Lamp",      "  <interface name=\"a.b.Lamp\"/>\n",
    lamp_methods,    ARRAY_SIZE(lamp_methods),
    lamp_signals,    ARRAY_SIZE(lamp_signals),
    lamp_properties, ARRAY_SIZE(lamp_properties),
};

struct fixture {
    struct peer p;
    struct tree *tree;
    struct tree_object *root;
    struct tree_object *obj;
    struct tree_call *kept;
    struct tree_call *waiting; /* held by the authorize hook */
    uint32_t last_flags;
    int authorize_result;
    int getter_result;
    int64_t level;
    unsigned n_handled;
    bool answers_nothing;
};

static void on_get(struct tree_call *call, void *userdata)
{
    struct fixture *f = userdata;
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
    struct fixture *f = userdata;

    f->n_handled++;
    CHECK_STR(tree_call_interface(call), "a.b.Lamp");
    CHECK_STR(tree_call_member(call), "Keep");
    CHECK_STR(tree_call_path(call), "/a/b/lamp");
    CHECK_STR(tree_call_sender(call), "");
    f->kept = tree_call_keep(call);
}

static void on_remove(struct tree_call *call, void *userdata)
{
    struct fixture *f = userdata;

    f->n_handled++;
    f->obj = tree_object_remove(f->obj);
    tree_call_reply(&call);
}

static void on_reset(struct tree_call *call, void *userdata)
{
    ((struct fixture *) userdata)->n_handled++;
    tree_call_finish(&call, 0);
}

static void on_wrong(struct tree_call *call, void *userdata)
{
    (void) userdata;
    tree_call_reply(&call); /* without the t that the table promises */
}

static int get_level(DBusMessageIter *it, void *userdata)
{
    struct fixture *f = userdata;

    return f->getter_result < 0 ? f->getter_result : msg_append_int64(it, f->level);
}

static int get_name(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_string(it, "lamp");
}

static const struct tree_method_impl methods[] = {
    {"Wrong", on_wrong}, {"Get", on_get},       {"Keep", on_keep},
    {"Reset", on_reset}, {"Remove", on_remove},
};
static const struct tree_property_impl properties[] = {
    {"Name", get_name},
    {"Level", get_level},
    {"Secret", get_level},
    {"Noise", get_level},
};

static int on_authorize(struct tree_call *call, uint32_t flags, void *userdata)
{
    struct fixture *f = userdata;

    f->last_flags = flags;
    if (f->authorize_result == TREE_AUTHORIZE_LATER)
        f->waiting = call;
    return f->authorize_result;
}

static struct tree_object *add_lamp(struct fixture *f, const char *path)
{
    struct tree_object *obj = NULL;

    CHECK_INT(tree_add_object(f->tree, path, &obj), 0);
    CHECK_INT(tree_add_interface(obj, &lamp, methods, ARRAY_SIZE(methods), properties,
                                 ARRAY_SIZE(properties), f, NULL),
              0);
    return obj;
}

static void setup(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    peer_init(&f->p);
    CHECK_INT(tree_new(&f->tree, f->p.near, &f->p.tl.loop, "/a/b", on_authorize, f), 0);
    CHECK_INT(tree_add_object(f->tree, "/a/b", &f->root), 0);
    f->obj = add_lamp(f, "/a/b/lamp");
    test_loop_settle(&f->p.tl);
    peer_clear(&f->p);
}

static void teardown(struct fixture *f)
{
    f->tree = tree_free(f->tree);
    peer_done(&f->p);
}

static DBusMessage *lamp_call(const char *iface, const char *member)
{
    return peer_new_call("/a/b/lamp", iface, member);
}

static DBusMessage *with_strings(DBusMessage *call, const char *a, const char *b)
{
    DBusMessageIter it;

    dbus_message_iter_init_append(call, &it);
    CHECK_INT(msg_append_string(&it, a), 0);
    if (b)
        CHECK_INT(msg_append_string(&it, b), 0);
    return call;
}

/* Attaching. */

static void test_attach(void)
{
    struct tree_object *obj = NULL;
    const char *member = NULL;
    struct fixture f;

    setup(&f);
    CHECK_INT(tree_add_object(f.tree, "/a/b/x", &obj), 0);
    CHECK_INT(tree_add_interface(obj, &lamp, methods, ARRAY_SIZE(methods) - 1, properties,
                                 ARRAY_SIZE(properties), &f, &member),
              -ENOSYS);
    CHECK_STR(member, "Remove");
    CHECK_INT(
        tree_add_interface(obj, &lamp, methods, ARRAY_SIZE(methods), properties, 3, &f, &member),
        -ENOSYS);
    CHECK_STR(member, "Noise");
    CHECK_INT(tree_add_interface(obj, &lamp, (const struct tree_method_impl[]){{"Gwt", on_get}}, 1,
                                 properties, ARRAY_SIZE(properties), &f, &member),
              -EINVAL);
    CHECK_STR(member, "Gwt");
    CHECK_INT(tree_add_interface(
                  obj, &lamp, (const struct tree_method_impl[]){{"Get", on_get}, {"Get", on_get}},
                  2, properties, ARRAY_SIZE(properties), &f, &member),
              -EINVAL);
    CHECK_STR(member, "Get");
    CHECK_INT(tree_add_interface(obj, &lamp, methods, ARRAY_SIZE(methods),
                                 (const struct tree_property_impl[]){{"Lewel", get_level}}, 1, &f,
                                 &member),
              -EINVAL);
    CHECK_STR(member, "Lewel");
    CHECK_INT(tree_add_interface(f.obj, &lamp, methods, ARRAY_SIZE(methods), properties,
                                 ARRAY_SIZE(properties), &f, NULL),
              -EEXIST);
    teardown(&f);
}

static void test_writable_property(void)
{
    static const struct iface_property writable[] = {
        {"Level", "x", IFACE_READ | IFACE_WRITE, IFACE_EMITS_TRUE, 0}};
    static const struct iface iface = {"a.b.W", "", NULL, 0, NULL, 0, writable, 1};
    const char *member = NULL;
    struct fixture f;

    setup(&f);
    CHECK_INT(tree_add_interface(f.obj, &iface, NULL, 0,
                                 (const struct tree_property_impl[]){{"Level", get_level}}, 1, &f,
                                 &member),
              -EOPNOTSUPP);
    CHECK_STR(member, "Level");
    teardown(&f);
}

static void test_paths(void)
{
    struct tree_object *obj = NULL;
    struct tree *second = NULL;
    struct fixture f;

    setup(&f);
    CHECK_INT(tree_add_object(f.tree, "/a/b/lamp", &obj), -EEXIST);
    CHECK_INT(tree_add_object(f.tree, "/a/bc", &obj), -EINVAL);
    CHECK_INT(tree_add_object(f.tree, "/a", &obj), -EINVAL);
    CHECK_INT(tree_add_object(f.tree, "/a/b/", &obj), -EINVAL);
    CHECK_INT(tree_add_object(f.tree, "/a/b/x-y", &obj), -EINVAL);
    CHECK(obj == NULL);
    CHECK(tree_find_object(f.tree, "/a/b/lamp") == f.obj);
    CHECK(tree_find_object(f.tree, "/a/b/lam") == NULL);
    CHECK_STR(tree_object_path(f.obj), "/a/b/lamp");
    CHECK_INT(tree_new(&second, f.p.near, &f.p.tl.loop, "/a/b", NULL, NULL), -EEXIST);
    CHECK(second == NULL);
    teardown(&f);
}

/* Calls. */

static void test_call(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it;
    struct fixture f;
    uint64_t u = 0;

    setup(&f);
    reply = peer_call(&f.p, with_strings(lamp_call("a.b.Lamp", "Get"), "level", NULL));
    CHECK_STR(dbus_message_get_signature(reply), "t");
    dbus_message_iter_init(reply, &it);
    CHECK_INT(msg_read_uint64(&it, &u), 0);
    CHECK_INT(u, 1);
    CHECK_INT(f.last_flags, 0);
    CHECK_STR(peer_call_error(&f.p, with_strings(lamp_call("a.b.Lamp", "Get"), "x", NULL)),
              "org.iotd1.Error.UnknownId");
    teardown(&f);
}

static void test_refused_calls(void)
{
    static const struct {
        const char *path;
        const char *iface;
        const char *member;
        const char *error;
    } cases[] = {
        {"/a/b/lamp", "a.b.Lamp", "Get", BUS_ERROR "InvalidArgs"},
        {"/a/b/lamp", "a.b.Lamp", "Got", BUS_ERROR "UnknownMethod"},
        {"/a/b/lamp", "a.b.Lump", "Get", BUS_ERROR "UnknownInterface"},
        {"/a/b/lump", "a.b.Lamp", "Get", BUS_ERROR "UnknownObject"},
        {"/a/b/lump", INTROSPECTABLE, "Introspect", BUS_ERROR "UnknownObject"},
        {"/a/b", "a.b.Lamp", "Get", BUS_ERROR "UnknownInterface"},
        {"/a/b/lamp", NULL, "Got", BUS_ERROR "UnknownMethod"},
        {"/a/b/lamp", OBJECT_MANAGER, "GetManagedObjects", BUS_ERROR "UnknownInterface"},
        {"/a/b/lamp", INTROSPECTABLE, "Inspect", BUS_ERROR "UnknownMethod"},
        {"/a/b/lamp", PROPERTIES, "GetAll", BUS_ERROR "InvalidArgs"},
    };
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_STR(
            peer_call_error(&f.p, peer_new_call(cases[i].path, cases[i].iface, cases[i].member)),
            cases[i].error);
    CHECK_INT(f.n_handled, 0);
    teardown(&f);
}

/* D-Bus allows calls without an interface name; the arguments tell Get from Get. */
static void test_no_interface(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    struct fixture f;

    setup(&f);
    reply = peer_call(&f.p, with_strings(lamp_call(NULL, "Get"), "level", NULL));
    CHECK_STR(dbus_message_get_signature(reply), "t");
    reply = msg_unref(reply);
    reply = peer_call(&f.p, with_strings(lamp_call(NULL, "Get"), "a.b.Lamp", "Level"));
    CHECK_STR(dbus_message_get_signature(reply), "v");
    reply = msg_unref(reply);
    reply = peer_call(&f.p, lamp_call(NULL, "Introspect"));
    CHECK_STR(dbus_message_get_signature(reply), "s");
    CHECK_STR(peer_call_error(&f.p, lamp_call(NULL, "Get")), BUS_ERROR "InvalidArgs");
    teardown(&f);
}

static void test_keep(void)
{
    DBusMessage *call = lamp_call("a.b.Lamp", "Keep");
    DBusMessageIter it;
    struct fixture f;

    setup(&f);
    CHECK(dbus_connection_send(f.p.far, call, NULL));
    dbus_message_unref(call);
    test_loop_settle(&f.p.tl);
    CHECK(f.kept != NULL);
    CHECK_INT(f.p.n_seen, 0);
    CHECK_INT(tree_call_open(f.kept, &it), 0);
    CHECK_INT(msg_append_string(&it, "spoilt"), 0);
    CHECK_INT(tree_call_open(f.kept, &it), 0); /* begins again */
    CHECK_INT(msg_append_uint64(&it, 5), 0);
    tree_call_reply(&f.kept);
    CHECK(f.kept == NULL);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    CHECK_STR(dbus_message_get_signature(f.p.seen[0]), "t");
    teardown(&f);
}

/* A kept call outlives its object and its tree. */
static void test_keep_longer(void)
{
    struct fixture f;

    for (int round = 0; round < 2; round++) {
        DBusMessage *call = lamp_call("a.b.Lamp", "Keep");

        setup(&f);
        CHECK(dbus_connection_send(f.p.far, call, NULL));
        dbus_message_unref(call);
        test_loop_settle(&f.p.tl);
        f.obj = tree_object_remove(f.obj);
        if (round > 0)
            f.tree = tree_free(f.tree);
        test_loop_settle(&f.p.tl);
        peer_clear(&f.p);
        tree_call_error(&f.kept, -ETIMEDOUT, NULL);
        CHECK(f.kept == NULL);
        test_loop_settle(&f.p.tl);
        CHECK_INT(f.p.n_seen, round > 0 ? 0 : 1);
        teardown(&f);
    }
}

static void test_no_reply(void)
{
    struct fixture f;

    setup(&f);
    for (int i = 0; i < 3; i++) {
        DBusMessage *call = lamp_call(i < 2 ? "a.b.Lamp" : PROPERTIES, "Get");

        dbus_message_set_no_reply(call, TRUE);
        (void) with_strings(call, i == 0 ? "level" : "x", NULL); /* good, refused, bad */
        CHECK(dbus_connection_send(f.p.far, call, NULL));
        dbus_message_unref(call);
    }
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.n_handled, 2);
    CHECK_INT(f.level, 1);
    CHECK_INT(f.p.n_seen, 1); /* the state changed, nothing else is said */
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 0), 0);
    teardown(&f);
}

static void test_authorize(void)
{
    struct fixture f;

    setup(&f);
    f.authorize_result = -EACCES;
    CHECK_STR(peer_call_error(&f.p, lamp_call("a.b.Lamp", "Reset")),
              "org.iotd1.Error.NotAuthorized");
    CHECK_INT(f.last_flags, IFACE_PRIVILEGED);
    CHECK_INT(f.n_handled, 0);
    CHECK_STR(peer_call_error(&f.p, lamp_call(INTROSPECTABLE, "Introspect")), "");
    f.authorize_result = 0;
    CHECK_STR(peer_call_error(&f.p, lamp_call("a.b.Lamp", "Reset")), "");
    CHECK_INT(f.n_handled, 1);
    teardown(&f);
}

static void send_waiting(struct fixture *f, const char *member)
{
    DBusMessage *call = lamp_call("a.b.Lamp", member);

    f->authorize_result = TREE_AUTHORIZE_LATER;
    CHECK(dbus_connection_send(f->p.far, call, NULL));
    dbus_message_unref(call);
    test_loop_settle(&f->p.tl);
    CHECK(f->waiting != NULL);
    CHECK_INT(f->n_handled, 0);
    CHECK_INT(f->p.n_seen, 0);
}

static void test_authorize_later(void)
{
    static const char *const errors[] = {NULL, "org.iotd1.Error.NotAuthorized",
                                         "org.iotd1.Error.UnknownId"};
    struct fixture f;

    for (int round = 0; round < 3; round++) {
        setup(&f);
        send_waiting(&f, "Reset");
        if (round == 2)
            f.obj = tree_object_remove(f.obj); /* went while the bus was asked */
        tree_call_continue(&f.waiting, round == 1 ? -EACCES : 0);
        CHECK(f.waiting == NULL);
        test_loop_settle(&f.p.tl);
        CHECK_INT(f.n_handled, round == 0);
        CHECK(f.p.n_seen > 0);
        if (errors[round])
            CHECK_STR(dbus_message_get_error_name(f.p.seen[f.p.n_seen - 1]), errors[round]);
        else
            CHECK_INT(dbus_message_get_type(f.p.seen[0]), DBUS_MESSAGE_TYPE_METHOD_RETURN);
        teardown(&f);
    }
}

static void test_authorize_then_keep(void)
{
    DBusMessageIter it;
    struct fixture f;

    setup(&f);
    send_waiting(&f, "Keep");
    tree_call_continue(&f.waiting, 0);
    CHECK(f.kept != NULL);
    CHECK_INT(tree_call_open(f.kept, &it), 0);
    CHECK_INT(msg_append_uint64(&it, 1), 0);
    tree_call_reply(&f.kept);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    teardown(&f);
}

static void test_remove_in_handler(void)
{
    struct fixture f;

    setup(&f);
    CHECK_STR(peer_call_error(&f.p, lamp_call("a.b.Lamp", "Remove")), "");
    CHECK_INT(f.n_handled, 1);
    CHECK_INT(peer_find_signal(&f.p, "InterfacesRemoved", 0), 0);
    CHECK_STR(peer_call_error(&f.p, lamp_call("a.b.Lamp", "Remove")), BUS_ERROR "UnknownObject");
    teardown(&f);
}

/* Bugs of handlers stop the program at once. */
static void expect_abort(DBusMessage *call, bool answers_nothing)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct fixture f;

        (void) setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void) close(STDERR_FILENO); /* no need to hear what assert() says */
        setup(&f);
        f.answers_nothing = answers_nothing;
        (void) peer_call_error(&f.p, call);
        _exit(0);
    }
    dbus_message_unref(call);
    CHECK(pid > 0);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_handler_bugs(void)
{
    expect_abort(with_strings(lamp_call("a.b.Lamp", "Get"), "level", NULL), true);
    expect_abort(lamp_call("a.b.Lamp", "Wrong"), false);
}

/* Properties. */

static void test_get(void)
{
    static const struct {
        const char *iface;
        const char *name;
        const char *error;
    } cases[] = {
        {"a.b.Lamp", "Level", ""},
        {"", "Level", ""},
        {"a.b.Lamp", "Lewel", BUS_ERROR "UnknownProperty"},
        {"", "Lewel", BUS_ERROR "UnknownProperty"},
        {PROPERTIES, "Level", BUS_ERROR "UnknownProperty"},
        {"a.b.Lump", "Level", BUS_ERROR "UnknownInterface"},
    };
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_STR(peer_call_error(&f.p, with_strings(lamp_call(PROPERTIES, "Get"), cases[i].iface,
                                                     cases[i].name)),
                  cases[i].error);
    f.getter_result = -EIO;
    CHECK_STR(
        peer_call_error(&f.p, with_strings(lamp_call(PROPERTIES, "Get"), "a.b.Lamp", "Level")),
        "org.iotd1.Error.Io");
    CHECK_STR(peer_call_error(&f.p, with_strings(lamp_call(PROPERTIES, "GetAll"), "", NULL)),
              "org.iotd1.Error.Io");
    teardown(&f);
}

static unsigned count_entries(DBusMessage *reply)
{
    DBusMessageIter it, value;
    struct msg_dict dict;
    const char *key;
    unsigned n = 0;

    dbus_message_iter_init(reply, &it);
    if (msg_read_dict(&it, &dict) < 0)
        return 99;
    while (msg_dict_next(&dict, &key, &value))
        n++;
    return n;
}

static void test_get_all(void)
{
    static const struct {
        const char *iface;
        unsigned n;
    } cases[] = {{"a.b.Lamp", 4}, {"", 4}, {INTROSPECTABLE, 0}};
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

        reply =
            peer_call(&f.p, with_strings(lamp_call(PROPERTIES, "GetAll"), cases[i].iface, NULL));
        CHECK_STR(dbus_message_get_signature(reply), "a{sv}");
        CHECK_INT(count_entries(reply), cases[i].n);
    }
    CHECK_STR(peer_call_error(&f.p, with_strings(lamp_call(PROPERTIES, "GetAll"), "a.b", NULL)),
              BUS_ERROR "UnknownInterface");
    teardown(&f);
}

static void test_set(void)
{
    static const struct {
        const char *iface;
        const char *name;
        const char *error;
    } cases[] = {
        {"a.b.Lamp", "Level", BUS_ERROR "PropertyReadOnly"},
        {"a.b.Lamp", "Lewel", BUS_ERROR "UnknownProperty"},
        {"a.b.Lump", "Level", BUS_ERROR "UnknownInterface"},
    };
    struct fixture f;

    setup(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        DBusMessage *call =
            with_strings(lamp_call(PROPERTIES, "Set"), cases[i].iface, cases[i].name);
        DBusMessageIter it;

        dbus_message_iter_init_append(call, &it);
        CHECK_INT(msg_append_variant_int64(&it, 1), 0);
        CHECK_STR(peer_call_error(&f.p, call), cases[i].error);
    }
    teardown(&f);
}

/* The n-th PropertiesChanged that was seen: keys with values, then names without. */
static void describe_change(const struct peer *p, size_t n, char *text, size_t size)
{
    int at = peer_find_signal(p, "PropertiesChanged", n);
    CLEANUP(freep) const char **strv = NULL;
    const char *iface = "", *key;
    DBusMessageIter it, value;
    struct msg_dict dict;
    size_t n_strv;
    int64_t i;

    text[0] = '\0';
    if (at < 0)
        return;
    dbus_message_iter_init(p->seen[at], &it);
    CHECK_INT(msg_read_string(&it, &iface), 0);
    CHECK_STR(iface, "a.b.Lamp");
    CHECK_INT(msg_read_dict(&it, &dict), 0);
    while (msg_dict_next(&dict, &key, &value)) {
        size_t len = strlen(text);

        CHECK_INT(msg_read_int64(&value, &i), 0);
        (void) snprintf(text + len, size - len, "%s=%lld ", key, (long long) i);
    }
    CHECK_INT(msg_read_strv(&it, 10, &strv, &n_strv), 0);
    for (size_t k = 0; k < n_strv; k++) {
        size_t len = strlen(text);

        (void) snprintf(text + len, size - len, "-%s ", strv[k]);
    }
}

static void test_changes_merge(void)
{
    struct fixture f;
    char text[256];

    setup(&f);
    for (int i = 0; i < 5; i++) {
        f.level = i;
        tree_property_changed(f.obj, &lamp, "Level");
        tree_property_changed(f.obj, &lamp, "Secret");
        tree_property_changed(f.obj, &lamp, "Noise");
        tree_property_changed(f.obj, &lamp, "Name");
    }
    CHECK_INT(f.p.n_seen, 0);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    describe_change(&f.p, 0, text, sizeof(text));
    CHECK_STR(text, "Level=4 -Secret ");
    peer_clear(&f.p);

    tree_property_changed(f.obj, &lamp, "Noise");
    tree_property_changed(f.obj, &lamp, "Name");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 0);
    teardown(&f);
}

/* A getter that fails costs the value, not the news. */
static void test_change_without_value(void)
{
    struct fixture f;
    char text[256];

    setup(&f);
    f.getter_result = -EIO;
    tree_property_changed(f.obj, &lamp, "Level");
    test_loop_settle(&f.p.tl);
    describe_change(&f.p, 0, text, sizeof(text));
    CHECK_STR(text, "-Level ");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    teardown(&f);
}

static int append_text(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, userdata);
}

/* No reply and no signal overtakes the state that it implies. */
static void test_order(void)
{
    CLEANUP(msg_unrefp) DBusMessage *call = NULL;
    struct fixture f;

    setup(&f);
    call = with_strings(lamp_call("a.b.Lamp", "Get"), "level", NULL);
    CHECK(dbus_connection_send(f.p.far, call, NULL)); /* no pending call: the reply is seen too */
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 2);
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 0), 0);
    CHECK_INT(dbus_message_get_type(f.p.seen[1]), DBUS_MESSAGE_TYPE_METHOD_RETURN);
    peer_clear(&f.p);

    tree_property_changed(f.obj, &lamp, "Level");
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Blinked", NULL, append_text, (void *) "x"), 0);
    tree_property_changed(f.obj, &lamp, "Level");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 3);
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 0), 0);
    CHECK_INT(peer_find_signal(&f.p, "Blinked", 0), 1);
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 1), 2);
    teardown(&f);
}

/* Signals. */

static int append_wrong(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_bool(it, true);
}

static int append_failing(DBusMessageIter *it, void *userdata)
{
    (void) it;
    (void) userdata;
    return -EMSGSIZE;
}

static void test_signals(void)
{
    struct fixture f;

    setup(&f);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Blonk", NULL, NULL, NULL), -EINVAL);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Blinked", NULL, NULL, NULL), -EINVAL);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Blinked", NULL, append_wrong, NULL), -EINVAL);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Gone", NULL, append_wrong, NULL), -EINVAL);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Blinked", NULL, append_failing, NULL), -EMSGSIZE);
    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Gone", "not a name", NULL, NULL), -EINVAL);
    CHECK_INT(tree_emit_signal(f.root, &lamp, "Gone", NULL, NULL, NULL), -EINVAL);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 0);

    CHECK_INT(tree_emit_signal(f.obj, &lamp, "Gone", ":1.7", NULL, NULL), 0);
    test_loop_settle(&f.p.tl);
    CHECK_INT(peer_find_signal(&f.p, "Gone", 0), 0);
    CHECK_STR(dbus_message_get_destination(f.p.seen[0]), ":1.7");
    CHECK_STR(dbus_message_get_path(f.p.seen[0]), "/a/b/lamp");
    CHECK_STR(dbus_message_get_interface(f.p.seen[0]), "a.b.Lamp");
    teardown(&f);
}

/* Objects. */

static void test_object_manager(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    struct tree_object *second, *never;
    struct fixture f;

    setup(&f);
    reply = peer_call(&f.p, peer_new_call("/a/b", OBJECT_MANAGER, "GetManagedObjects"));
    CHECK_STR(dbus_message_get_signature(reply), "a{oa{sa{sv}}}");
    peer_clear(&f.p);

    second = add_lamp(&f, "/a/b/deep/lamp");
    tree_property_changed(second, &lamp, "Level");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1); /* what is new brings its values along */
    CHECK_INT(peer_find_signal(&f.p, "InterfacesAdded", 0), 0);
    CHECK_STR(dbus_message_get_signature(f.p.seen[0]), "oa{sa{sv}}");
    CHECK_STR(dbus_message_get_path(f.p.seen[0]), "/a/b");
    peer_clear(&f.p);

    never = add_lamp(&f, "/a/b/never");
    never = tree_object_remove(never);
    CHECK(never == NULL);
    tree_property_changed(second, &lamp, "Level");
    second = tree_object_remove(second);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 2);
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 0), 0);
    CHECK_INT(peer_find_signal(&f.p, "InterfacesRemoved", 0), 1);
    CHECK_STR(dbus_message_get_signature(f.p.seen[1]), "oas");
    CHECK(tree_object_remove(NULL) == NULL);
    teardown(&f);
}

/* An interface that joins later is announced alone. */
static void test_late_interface(void)
{
    static const struct iface_property one[] = {{"Level", "x", IFACE_READ, IFACE_EMITS_TRUE, 0}};
    static const struct iface late = {"a.b.Late", "", NULL, 0, NULL, 0, one, 1};
    DBusMessageIter it, array, entry;
    const char *path = "", *iface = "";
    struct fixture f;

    setup(&f);
    CHECK_INT(tree_add_interface(f.obj, &late, NULL, 0,
                                 (const struct tree_property_impl[]){{"Level", get_level}}, 1, &f,
                                 NULL),
              0);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    dbus_message_iter_init(f.p.seen[0], &it);
    CHECK_INT(msg_read_path(&it, &path), 0);
    CHECK_STR(path, "/a/b/lamp");
    CHECK_INT(dbus_message_iter_get_element_count(&it), 1);
    dbus_message_iter_recurse(&it, &array);
    dbus_message_iter_recurse(&array, &entry);
    CHECK_INT(msg_read_string(&entry, &iface), 0);
    CHECK_STR(iface, "a.b.Late");
    teardown(&f);
}

static const char *introspect(struct fixture *f, const char *path)
{
    static char text[8192];
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it;
    const char *xml = "";

    reply = peer_call(&f->p, peer_new_call(path, INTROSPECTABLE, "Introspect"));
    dbus_message_iter_init(reply, &it);
    CHECK_INT(msg_read_string(&it, &xml), 0);
    (void) snprintf(text, sizeof(text), "%s", xml);
    return text;
}

static void test_introspect(void)
{
    const char *xml;
    struct fixture f;

    setup(&f);
    (void) add_lamp(&f, "/a/b/deep/one");
    (void) add_lamp(&f, "/a/b/deep/two");

    xml = introspect(&f, "/a/b");
    CHECK(strstr(xml, "<node name=\"lamp\"/>") != NULL);
    CHECK(strstr(xml, "<node name=\"deep\"/>") != NULL);
    CHECK(strstr(strstr(xml, "<node name=\"deep\"/>") + 1, "<node name=\"deep\"/>") == NULL);
    CHECK(strstr(xml, OBJECT_MANAGER) != NULL);

    xml = introspect(&f, "/a/b/deep"); /* no object, but a place */
    CHECK(strstr(xml, "<node name=\"one\"/>") && strstr(xml, "<node name=\"two\"/>"));
    CHECK(!strstr(xml, PROPERTIES));

    xml = introspect(&f, "/a/b/lamp");
    CHECK(strstr(xml, "<interface name=\"a.b.Lamp\"/>") != NULL);
    CHECK(strstr(xml, PROPERTIES) && !strstr(xml, OBJECT_MANAGER) && !strstr(xml, "<node name"));

    CHECK(strstr(introspect(&f, "/"), "<node name=\"a\"/>") != NULL);
    CHECK_STR(peer_call_error(&f.p, lamp_call("org.freedesktop.DBus.Peer", "Ping")), "");
    teardown(&f);
}

/* The tables and the XML text are of one make. */
static void test_generated(void)
{
    size_t n = 0;

    for (const struct iface *const *i = iface_all; *i; i++, n++) {
        char text[512];

        (void) snprintf(text, sizeof(text), "  <interface name=\"%s\">\n", (*i)->name);
        CHECK(strncmp((*i)->xml, text, strlen(text)) == 0);
        CHECK(i == iface_all || strcmp(i[-1]->name, (*i)->name) < 0);
        for (size_t k = 0; k < (*i)->n_methods; k++) {
            (void) snprintf(text, sizeof(text), "<method name=\"%s\"", (*i)->methods[k].name);
            CHECK(strstr((*i)->xml, text) != NULL);
            CHECK(dbus_signature_validate((*i)->methods[k].in, NULL));
            CHECK(dbus_signature_validate((*i)->methods[k].out, NULL));
        }
        for (size_t k = 0; k < (*i)->n_properties; k++)
            CHECK(dbus_signature_validate_single((*i)->properties[k].type, NULL));
        CHECK(!strstr((*i)->xml, "<!--"));
    }
    CHECK(n >= 6);
    CHECK_STR(iface_thing.methods[0].name, "Register");
    CHECK_STR(iface_thing.methods[0].in, "asasasoa{sv}");
    CHECK_STR(iface_thing.methods[0].in_names[3], "handler");
    CHECK(iface_thing.methods[0].out_names[0] == NULL);
    CHECK_INT(iface_link.methods[0].flags, IFACE_PRIVILEGED);
}

const char *const suite_name = "dbus-tree";
const struct suite_test suite_tests[] = {
    {"attach", test_attach},
    {"writable-property", test_writable_property},
    {"paths", test_paths},
    {"call", test_call},
    {"refused-calls", test_refused_calls},
    {"no-interface", test_no_interface},
    {"keep", test_keep},
    {"keep-longer", test_keep_longer},
    {"no-reply", test_no_reply},
    {"authorize", test_authorize},
    {"authorize-later", test_authorize_later},
    {"authorize-then-keep", test_authorize_then_keep},
    {"remove-in-handler", test_remove_in_handler},
    {"handler-bugs", test_handler_bugs},
    {"get", test_get},
    {"get-all", test_get_all},
    {"set", test_set},
    {"changes-merge", test_changes_merge},
    {"change-without-value", test_change_without_value},
    {"order", test_order},
    {"signals", test_signals},
    {"object-manager", test_object_manager},
    {"late-interface", test_late_interface},
    {"introspect", test_introspect},
    {"generated", test_generated},
    {NULL, NULL},
};
