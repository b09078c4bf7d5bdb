/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus layer when memory runs out: each allocation of ours fails in turn. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/tree.h"
#include "dbus/watch.h"
#include "tests/lib/fault.h"
#include "tests/lib/lamp-tree.h"
#include "tests/lib/suite.h"

#define MAX_RUNS 1000

static int run_attach(void *userdata)
{
    struct lamp_tree *lt = userdata;
    struct bus_watch *watch = NULL;
    int r = bus_watch_attach(&watch, lt->p.near, &lt->p.tl.loop);

    watch = bus_watch_detach(watch);
    return r;
}

static void check_attach(void *userdata)
{
    struct lamp_tree *lt = userdata;

    CHECK_INT(lt->p.tl.n_ios, 1); /* the far end's */
    CHECK(dbus_connection_get_is_connected(lt->p.near));
}

static void test_watch(void)
{
    struct lamp_tree lt;

    lamp_tree_init(&lt);
    lt.p.near_watch = bus_watch_detach(lt.p.near_watch);
    fault_sweep("bus_watch_attach", run_attach, check_attach, &lt);
    CHECK_INT(bus_watch_attach(&lt.p.near_watch, lt.p.near, &lt.p.tl.loop), 0);
    CHECK_STR(peer_call_error(&lt.p, lamp_tree_call("a.b.Lamp", "Reset")), "");
    lamp_tree_done(&lt);
}

static int run_tree(void *userdata)
{
    struct lamp_tree *lt = userdata;
    struct tree *tree = NULL;
    int r = tree_new(&tree, lt->p.near, &lt->p.tl.loop, "/other", NULL, NULL);

    tree = tree_free(tree);
    return r;
}

static int run_object(void *userdata)
{
    struct lamp_tree *lt = userdata;
    struct tree_object *obj = NULL;
    int r = tree_add_object(lt->tree, "/a/b/new", &obj);

    if (r >= 0)
        r = tree_add_interface(obj, &lamp, lamp_methods, LAMP_N_METHODS, lamp_properties,
                               LAMP_N_PROPERTIES, lt, NULL);
    obj = tree_object_remove(obj);
    return r;
}

static void check_object(void *userdata)
{
    struct lamp_tree *lt = userdata;

    CHECK(tree_find_object(lt->tree, "/a/b/new") == NULL);
}

static void test_objects(void)
{
    struct lamp_tree lt;

    lamp_tree_init(&lt);
    fault_sweep("tree_new", run_tree, NULL, &lt);
    fault_sweep("tree_add_interface", run_object, check_object, &lt);
    test_loop_settle(&lt.p.tl);
    CHECK_INT(lt.p.n_seen, 0); /* what came and went unannounced is not announced */
    lamp_tree_done(&lt);
}

/* A call that meets the lack of memory is answered all the same, and is not executed twice. */
static void sweep_call(struct lamp_tree *lt, const char *iface, const char *member)
{
    bool has_failed = true;
    unsigned n = 0;

    while (has_failed && n < MAX_RUNS) {
        DBusMessage *call = lamp_tree_call(iface, member);
        unsigned n_handled = lt->n_handled;
        const char *error;

        fault_arm(++n);
        error = peer_call_error(&lt->p, call);
        has_failed = fault_disarm();
        CHECK(error[0] == '\0' || (has_failed && strcmp(error, "org.iotd1.Error.NoMemory") == 0));
        CHECK(lt->n_handled <= n_handled + 1);
    }
    CHECK(n > 1); /* something did fail */
}

static void test_calls(void)
{
    struct lamp_tree lt;

    lamp_tree_init(&lt);
    sweep_call(&lt, "a.b.Lamp", "Reset");
    sweep_call(&lt, "org.freedesktop.DBus.Introspectable", "Introspect");
    lamp_tree_done(&lt);
}

static int run_strv(void *userdata)
{
    CLEANUP(freep) const char **strv = NULL;
    DBusMessageIter it;
    size_t n = 0;
    int r;

    dbus_message_iter_init(userdata, &it);
    r = msg_read_strv(&it, 8, &strv, &n);
    CHECK_INT(n, r < 0 ? 0 : 2);
    return r;
}

static void test_strv(void)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = dbus_message_new_signal("/a", "a.b", "C");
    const char *const ids[] = {"one", "two"};
    DBusMessageIter it;

    dbus_message_iter_init_append(msg, &it);
    CHECK_INT(msg_append_strv(&it, ids, 2), 0);
    fault_sweep("msg_read_strv", run_strv, NULL, msg);
}

const char *const suite_name = "dbus-faults";
const struct suite_test suite_tests[] = {
    {"watch", test_watch}, {"objects", test_objects}, {"calls", test_calls}, {"strv", test_strv},
    {NULL, NULL},
};
