/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object tree: properties, signals, objects and their order. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "tests/lib/lamp-tree.h"
#include "tests/lib/suite.h"

static int get_any(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_int64(it, 1);
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
    struct lamp_tree f;

    lamp_tree_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        CHECK_STR(peer_call_error(&f.p, lamp_tree_strings(lamp_tree_call(PROPERTIES, "Get"),
                                                          cases[i].iface, cases[i].name)),
                  cases[i].error);
    f.getter_result = -EIO;
    CHECK_STR(peer_call_error(
                  &f.p, lamp_tree_strings(lamp_tree_call(PROPERTIES, "Get"), "a.b.Lamp", "Level")),
              "org.iotd1.Error.Io");
    CHECK_STR(
        peer_call_error(&f.p, lamp_tree_strings(lamp_tree_call(PROPERTIES, "GetAll"), "", NULL)),
        "org.iotd1.Error.Io");
    lamp_tree_done(&f);
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
    struct lamp_tree f;

    lamp_tree_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

        reply = peer_call(
            &f.p, lamp_tree_strings(lamp_tree_call(PROPERTIES, "GetAll"), cases[i].iface, NULL));
        CHECK_STR(dbus_message_get_signature(reply), "a{sv}");
        CHECK_INT(count_entries(reply), cases[i].n);
    }
    CHECK_STR(
        peer_call_error(&f.p, lamp_tree_strings(lamp_tree_call(PROPERTIES, "GetAll"), "a.b", NULL)),
        BUS_ERROR "UnknownInterface");
    lamp_tree_done(&f);
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
    struct lamp_tree f;

    lamp_tree_init(&f);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        DBusMessage *call =
            lamp_tree_strings(lamp_tree_call(PROPERTIES, "Set"), cases[i].iface, cases[i].name);
        DBusMessageIter it;

        dbus_message_iter_init_append(call, &it);
        CHECK_INT(msg_append_variant_int64(&it, 1), 0);
        CHECK_STR(peer_call_error(&f.p, call), cases[i].error);
    }
    lamp_tree_done(&f);
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
    struct lamp_tree f;
    char text[256];

    lamp_tree_init(&f);
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
    lamp_tree_done(&f);
}

/* A getter that fails costs the value, not the news. */
static void test_change_without_value(void)
{
    struct lamp_tree f;
    char text[256];

    lamp_tree_init(&f);
    f.getter_result = -EIO;
    tree_property_changed(f.obj, &lamp, "Level");
    test_loop_settle(&f.p.tl);
    describe_change(&f.p, 0, text, sizeof(text));
    CHECK_STR(text, "-Level ");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1);
    lamp_tree_done(&f);
}

static int append_text(DBusMessageIter *it, void *userdata)
{
    return msg_append_string(it, userdata);
}

/* No reply and no signal overtakes the state that it implies. */
static void test_order(void)
{
    CLEANUP(msg_unrefp) DBusMessage *call = NULL;
    struct lamp_tree f;

    lamp_tree_init(&f);
    call = lamp_tree_strings(lamp_tree_call("a.b.Lamp", "Get"), "level", NULL);
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
    lamp_tree_done(&f);
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
    struct lamp_tree f;

    lamp_tree_init(&f);
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
    lamp_tree_done(&f);
}

/* Objects. */

static void test_object_manager(void)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    struct tree_object *second, *never;
    struct lamp_tree f;

    lamp_tree_init(&f);
    reply = peer_call(&f.p, peer_new_call("/a/b", OBJECT_MANAGER, "GetManagedObjects"));
    CHECK_STR(dbus_message_get_signature(reply), "a{oa{sa{sv}}}");
    peer_clear(&f.p);

    second = lamp_tree_add(&f, "/a/b/deep/lamp");
    tree_property_changed(second, &lamp, "Level");
    test_loop_settle(&f.p.tl);
    CHECK_INT(f.p.n_seen, 1); /* what is new brings its values along */
    CHECK_INT(peer_find_signal(&f.p, "InterfacesAdded", 0), 0);
    CHECK_STR(dbus_message_get_signature(f.p.seen[0]), "oa{sa{sv}}");
    CHECK_STR(dbus_message_get_path(f.p.seen[0]), "/a/b");
    peer_clear(&f.p);

    never = lamp_tree_add(&f, "/a/b/never");
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
    lamp_tree_done(&f);
}

/* An interface that joins later is announced alone. */
static void test_late_interface(void)
{
    static const struct iface_property one[] = {{"Level", "x", IFACE_READ, IFACE_EMITS_TRUE, 0}};
    static const struct iface late = {"a.b.Late", "", NULL, 0, NULL, 0, one, 1};
    DBusMessageIter it, array, entry;
    const char *path = "", *iface = "";
    struct lamp_tree f;

    lamp_tree_init(&f);
    CHECK_INT(tree_add_interface(f.obj, &late, NULL, 0,
                                 (const struct tree_property_impl[]){{"Level", get_any}}, 1, &f,
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
    lamp_tree_done(&f);
}

static const char *introspect(struct lamp_tree *f, const char *path)
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
    struct lamp_tree f;

    lamp_tree_init(&f);
    (void) lamp_tree_add(&f, "/a/b/deep/one");
    (void) lamp_tree_add(&f, "/a/b/deep/two");

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
    CHECK_STR(peer_call_error(&f.p, lamp_tree_call("org.freedesktop.DBus.Peer", "Ping")), "");
    lamp_tree_done(&f);
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

const char *const suite_name = "dbus-tree-state";
const struct suite_test suite_tests[] = {
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
