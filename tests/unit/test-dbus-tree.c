/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object tree: attaching handlers, and calls. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbus/msg.h"
#include "tests/lib/lamp-tree.h"
#include "tests/lib/suite.h"

static void on_any(struct tree_call *call, void *userdata)
{
    (void) userdata;
    tree_call_finish(&call, 0);
}

static int get_any(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_int64(it, 1);
}

/* Attaching. */

static void test_attach(void)
{
    struct tree_object *obj = NULL;
    const char *member = NULL;
    struct lamp_tree f;

    lamp_tree_init(&f);
    CHECK_INT(tree_add_object(f.tree, "/a/b/x", &obj), 0);
    CHECK_INT(tree_add_interface(obj, &lamp, lamp_methods, LAMP_N_METHODS - 1, lamp_properties,
                                 LAMP_N_PROPERTIES, &f, &member),
              -ENOSYS);
    CHECK_STR(member, "Remove");
    CHECK_INT(tree_add_interface(obj, &lamp, lamp_methods, LAMP_N_METHODS, lamp_properties, 3, &f,
                                 &member),
              -ENOSYS);
    CHECK_STR(member, "Noise");
    CHECK_INT(tree_add_interface(obj, &lamp, (const struct tree_method_impl[]){{"Gwt", on_any}}, 1,
                                 lamp_properties, LAMP_N_PROPERTIES, &f, &member),
              -EINVAL);
    CHECK_STR(member, "Gwt");
    CHECK_INT(tree_add_interface(
                  obj, &lamp, (const struct tree_method_impl[]){{"Get", on_any}, {"Get", on_any}},
                  2, lamp_properties, LAMP_N_PROPERTIES, &f, &member),
              -EINVAL);
    CHECK_STR(member, "Get");
    CHECK_INT(tree_add_interface(obj, &lamp, lamp_methods, LAMP_N_METHODS,
                                 (const struct tree_property_impl[]){{"Lewel", get_any}}, 1, &f,
                                 &member),
              -EINVAL);
    CHECK_STR(member, "Lewel");
    CHECK_INT(tree_add_interface(f.obj, &lamp, lamp_methods, LAMP_N_METHODS, lamp_properties,
                                 LAMP_N_PROPERTIES, &f, NULL),
              -EEXIST);
    lamp_tree_done(&f);
}

static void test_writable_property(void)
{
    static const struct iface_property writable[] = {
        {"Level", "x", IFACE_READ | IFACE_WRITE, IFACE_EMITS_TRUE, 0}};
    static const struct iface iface = {"a.b.W", "", NULL, 0, NULL, 0, writable, 1};
    const char *member = NULL;
    struct lamp_tree f;

    lamp_tree_init(&f);
    CHECK_INT(tree_add_interface(f.obj, &iface, NULL, 0,
                                 (const struct tree_property_impl[]){{"Level", get_any}}, 1, &f,
                                 &member),
              -EOPNOTSUPP);
    CHECK_STR(member, "Level");
    lamp_tree_done(&f);
}

static void test_paths(void)
{
    struct tree_object *obj = NULL;
    struct tree *second = NULL;
    struct lamp_tree f;

    lamp_tree_init(&f);
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
    lamp_tree_done(&f);
}

/* Calls. */

static void test_call(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    DBusMessageIter it;
    struct lamp_tree f;
    uint64_t u = 0;

    lamp_tree_init(&f);
    reply = peer_call(&f.p, lamp_tree_strings(lamp_tree_call("a.b.Lamp", "Get"), "level", NULL));
    CHECK_STR(dbus_message_get_signature(reply), "t");
    dbus_message_iter_init(reply, &it);
    CHECK_INT(msg_read_uint64(&it, &u), 0);
    CHECK_INT(u, 1);
    CHECK_INT(f.last_flags, 0);
    CHECK_STR(
        peer_call_error(&f.p, lamp_tree_strings(lamp_tree_call("a.b.Lamp", "Get"), "x", NULL)),
        "org.iotd1.Error.UnknownId");
    lamp_tree_done(&f);
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
    struct lamp_tree f;

    lamp_tree_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_STR(
            peer_call_error(&f.p, peer_new_call(cases[i].path, cases[i].iface, cases[i].member)),
            cases[i].error);
    CHECK_INT(f.n_handled, 0);
    lamp_tree_done(&f);
}

/* D-Bus allows calls without an interface name; the arguments tell Get from Get. */
static void test_no_interface(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    struct lamp_tree f;

    lamp_tree_init(&f);
    reply = peer_call(&f.p, lamp_tree_strings(lamp_tree_call(NULL, "Get"), "level", NULL));
    CHECK_STR(dbus_message_get_signature(reply), "t");
    reply = msg_unref(reply);
    reply = peer_call(&f.p, lamp_tree_strings(lamp_tree_call(NULL, "Get"), "a.b.Lamp", "Level"));
    CHECK_STR(dbus_message_get_signature(reply), "v");
    reply = msg_unref(reply);
    reply = peer_call(&f.p, lamp_tree_call(NULL, "Introspect"));
    CHECK_STR(dbus_message_get_signature(reply), "s");
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call(NULL, "Get")), BUS_ERROR "InvalidArgs");
    lamp_tree_done(&f);
}

static void test_keep(void)
{
    DBusMessage *call = lamp_tree_call("a.b.Lamp", "Keep");
    DBusMessageIter it;
    struct lamp_tree f;

    lamp_tree_init(&f);
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
    lamp_tree_done(&f);
}

/* A kept call outlives its object and its tree. */
static void test_keep_longer(void)
{
    struct lamp_tree f;

    for (int round = 0; round < 2; round++) {
        DBusMessage *call = lamp_tree_call("a.b.Lamp", "Keep");

        lamp_tree_init(&f);
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
        lamp_tree_done(&f);
    }
}

static void test_no_reply(void)
{
    struct lamp_tree f;

    lamp_tree_init(&f);
    for (int i = 0; i < 3; i++) {
        DBusMessage *call = lamp_tree_call(i < 2 ? "a.b.Lamp" : PROPERTIES, "Get");

        dbus_message_set_no_reply(call, TRUE);
        (void) lamp_tree_strings(call, i == 0 ? "level" : "x", NULL); /* good, refused, bad */
        CHECK(dbus_connection_send(f.p.far, call, NULL));
        dbus_message_unref(call);
    }
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.n_handled, 2);
    CHECK_INT(f.level, 1);
    CHECK_INT(f.p.n_seen, 1); /* the state changed, nothing else is said */
    CHECK_INT(peer_find_signal(&f.p, "PropertiesChanged", 0), 0);
    lamp_tree_done(&f);
}

static void test_authorize(void)
{
    struct lamp_tree f;

    lamp_tree_init(&f);
    f.authorize_result = -EACCES;
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call("a.b.Lamp", "Reset")),
              "org.iotd1.Error.NotAuthorized");
    CHECK_INT(f.last_flags, IFACE_PRIVILEGED);
    CHECK_INT(f.n_handled, 0);
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call(INTROSPECTABLE, "Introspect")), "");
    f.authorize_result = 0;
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call("a.b.Lamp", "Reset")), "");
    CHECK_INT(f.n_handled, 1);
    lamp_tree_done(&f);
}

static void send_waiting(struct lamp_tree *f, const char *member)
{
    DBusMessage *call = lamp_tree_call("a.b.Lamp", member);

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
    struct lamp_tree f;

    for (int round = 0; round < 3; round++) {
        lamp_tree_init(&f);
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
        lamp_tree_done(&f);
    }
}

static void test_authorize_then_keep(void)
{
    DBusMessageIter it;
    struct lamp_tree f;

    lamp_tree_init(&f);
    send_waiting(&f, "Keep");
    tree_call_continue(&f.waiting, 0);
    CHECK(f.kept != NULL);
    CHECK_INT(tree_call_open(f.kept, &it), 0);
    CHECK_INT(msg_append_uint64(&it, 1), 0);
    tree_call_reply(&f.kept);
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    lamp_tree_done(&f);
}

static void test_remove_in_handler(void)
{
    struct lamp_tree f;

    lamp_tree_init(&f);
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call("a.b.Lamp", "Remove")), "");
    CHECK_INT(f.n_handled, 1);
    CHECK_INT(peer_find_signal(&f.p, "InterfacesRemoved", 0), 0);
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call("a.b.Lamp", "Remove")),
              BUS_ERROR "UnknownObject");
    lamp_tree_done(&f);
}

/* Bugs of handlers stop the program at once. */
static void expect_abort(DBusMessage *call, bool answers_nothing)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct lamp_tree f;

        (void) setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void) close(STDERR_FILENO); /* no need to hear what assert() says */
        lamp_tree_init(&f);
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
    expect_abort(lamp_tree_strings(lamp_tree_call("a.b.Lamp", "Get"), "level", NULL), true);
    expect_abort(lamp_tree_call("a.b.Lamp", "Wrong"), false);
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
    {NULL, NULL},
};
