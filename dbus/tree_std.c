/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * org.freedesktop.DBus.{Introspectable,Properties,ObjectManager} of the objects of a tree. Peer
 * is libdbus's own. Results of the functions are turned into the bus's errors by call_std():
 * -ENOENT no such interface, -EOPNOTSUPP no such property, -EROFS not to be set.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/tree_impl.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/strbuf.h"

#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PEER "org.freedesktop.DBus.Peer"

static const char xml_common[] = "  <interface name=\"" INTROSPECTABLE "\">\n"
                                 "    <method name=\"Introspect\">\n"
                                 "      <arg name=\"xml\" type=\"s\" direction=\"out\"/>\n"
                                 "    </method>\n"
                                 "  </interface>\n"
                                 "  <interface name=\"" PEER "\">\n"
                                 "    <method name=\"Ping\"/>\n"
                                 "    <method name=\"GetMachineId\">\n"
                                 "      <arg name=\"machine_uuid\" type=\"s\" direction=\"out\"/>\n"
                                 "    </method>\n"
                                 "  </interface>\n";

static const char xml_properties[] =
    "  <interface name=\"" PROPERTIES "\">\n"
    "    <method name=\"Get\">\n"
    "      <arg name=\"interface_name\" type=\"s\" direction=\"in\"/>\n"
    "      <arg name=\"property_name\" type=\"s\" direction=\"in\"/>\n"
    "      <arg name=\"value\" type=\"v\" direction=\"out\"/>\n"
    "    </method>\n"
    "    <method name=\"GetAll\">\n"
    "      <arg name=\"interface_name\" type=\"s\" direction=\"in\"/>\n"
    "      <arg name=\"properties\" type=\"a{sv}\" direction=\"out\"/>\n"
    "    </method>\n"
    "    <method name=\"Set\">\n"
    "      <arg name=\"interface_name\" type=\"s\" direction=\"in\"/>\n"
    "      <arg name=\"property_name\" type=\"s\" direction=\"in\"/>\n"
    "      <arg name=\"value\" type=\"v\" direction=\"in\"/>\n"
    "    </method>\n"
    "    <signal name=\"PropertiesChanged\">\n"
    "      <arg name=\"interface_name\" type=\"s\"/>\n"
    "      <arg name=\"changed_properties\" type=\"a{sv}\"/>\n"
    "      <arg name=\"invalidated_properties\" type=\"as\"/>\n"
    "    </signal>\n"
    "  </interface>\n";

static const char xml_object_manager[] =
    "  <interface name=\"" OBJECT_MANAGER "\">\n"
    "    <method name=\"GetManagedObjects\">\n"
    "      <arg name=\"objects\" type=\"a{oa{sa{sv}}}\" direction=\"out\"/>\n"
    "    </method>\n"
    "    <signal name=\"InterfacesAdded\">\n"
    "      <arg name=\"object\" type=\"o\"/>\n"
    "      <arg name=\"interfaces\" type=\"a{sa{sv}}\"/>\n"
    "    </signal>\n"
    "    <signal name=\"InterfacesRemoved\">\n"
    "      <arg name=\"object\" type=\"o\"/>\n"
    "      <arg name=\"interfaces\" type=\"as\"/>\n"
    "    </signal>\n"
    "  </interface>\n";

/* The first component of rest; whether an earlier object has the same one is quadratic in the
 * number of children, which LIMIT_CLIENTS bounds. */
static bool is_first_of_its_name(struct tree *tree, const char *path, const struct list *stop,
                                 const char *name, size_t len)
{
    LIST_FOR_EACH (n, &tree->objects) {
        const char *rest;

        if (n == stop)
            return true;
        rest = tree_below(path, LIST_ENTRY(n, struct tree_object, link)->path);
        if (rest && strncmp(rest, name, len) == 0 && (rest[len] == '/' || rest[len] == '\0'))
            return false;
    }
    return true;
}

static void add_children(struct strbuf *sb, struct tree *tree, const char *path)
{
    LIST_FOR_EACH (n, &tree->objects) {
        const char *rest = tree_below(path, LIST_ENTRY(n, struct tree_object, link)->path);
        size_t len;

        if (!rest)
            continue;
        len = strcspn(rest, "/");
        if (is_first_of_its_name(tree, path, n, rest, len))
            strbuf_addf(sb, "  <node name=\"%.*s\"/>\n", (int) len, rest);
    }
}

static int introspect(struct tree *tree, struct tree_object *obj, DBusMessage *msg,
                      DBusMessage *reply)
{
    const char *path = dbus_message_get_path(msg);
    CLEANUP(freep) char *text = NULL;
    DBusMessageIter it;
    struct strbuf sb;
    int r;

    strbuf_init(&sb, LIMIT_DBUS_MESSAGE);
    strbuf_adds(&sb, DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n");
    strbuf_adds(&sb, xml_common);
    if (obj) {
        strbuf_adds(&sb, xml_properties);
        if (strcmp(path, tree->root) == 0)
            strbuf_adds(&sb, xml_object_manager);
        LIST_FOR_EACH (n, &obj->ifaces)
            strbuf_adds(&sb, LIST_ENTRY(n, struct tree_iface, link)->table->xml);
    }
    add_children(&sb, tree, path);
    strbuf_adds(&sb, "</node>\n");
    r = strbuf_finish(&sb, &text);
    if (r < 0)
        return r;
    dbus_message_iter_init_append(reply, &it);
    return msg_append_string(&it, text);
}

static int find_property(const struct tree_iface *ti, const char *name, size_t *ret_i)
{
    for (size_t i = 0; i < ti->table->n_properties; i++) {
        if (strcmp(ti->table->properties[i].name, name) == 0) {
            *ret_i = i;
            return 0;
        }
    }
    return -EOPNOTSUPP;
}

/* An empty interface name means any (D-Bus specification, org.freedesktop.DBus.Properties). */
static int lookup(struct tree_object *obj, const char *iface, const char *name,
                  struct tree_iface **ret_ti, size_t *ret_i)
{
    int r = -ENOENT;

    if (!iface[0])
        r = -EOPNOTSUPP;
    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        if (iface[0] && strcmp(ti->table->name, iface) != 0)
            continue;
        r = find_property(ti, name, ret_i);
        if (r >= 0) {
            *ret_ti = ti;
            return 0;
        }
    }
    if (r == -ENOENT && tree_std_has_iface(iface, true))
        r = -EOPNOTSUPP;
    return r;
}

/* The first two arguments, whose types were checked. */
static int read_names(DBusMessage *msg, const char **ret_iface, const char **ret_name)
{
    DBusMessageIter it;
    int r;

    dbus_message_iter_init(msg, &it);
    r = msg_read_string(&it, ret_iface);
    if (r < 0)
        return r;
    return msg_read_string(&it, ret_name);
}

static int properties_get(struct tree *tree, struct tree_object *obj, DBusMessage *msg,
                          DBusMessage *reply)
{
    const char *iface, *name;
    struct tree_iface *ti;
    DBusMessageIter it;
    size_t i;
    int r;

    (void) tree;
    r = read_names(msg, &iface, &name);
    if (r < 0)
        return r;
    r = lookup(obj, iface, name, &ti, &i);
    if (r < 0)
        return r;
    dbus_message_iter_init_append(reply, &it);
    return tree_append_property(&it, ti, i);
}

static int properties_set(struct tree *tree, struct tree_object *obj, DBusMessage *msg,
                          DBusMessage *reply)
{
    const char *iface, *name;
    struct tree_iface *ti;
    size_t i;
    int r;

    (void) tree;
    (void) reply;
    r = read_names(msg, &iface, &name);
    if (r < 0)
        return r;
    r = lookup(obj, iface, name, &ti, &i);
    return r < 0 ? r : -EROFS;
}

static int append_all(DBusMessageIter *it, struct tree_object *obj, const char *iface)
{
    DBusMessageIter dict;
    int r;

    r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        if (iface[0] && strcmp(ti->table->name, iface) != 0)
            continue;
        for (size_t i = 0; i < ti->table->n_properties && r >= 0; i++)
            r = tree_append_property_entry(&dict, ti, i);
    }
    return msg_close(it, &dict, r);
}

static int properties_get_all(struct tree *tree, struct tree_object *obj, DBusMessage *msg,
                              DBusMessage *reply)
{
    DBusMessageIter it;
    const char *iface;
    int r;

    (void) tree;
    dbus_message_iter_init(msg, &it);
    r = msg_read_string(&it, &iface);
    if (r < 0)
        return r;
    /* The interfaces of the bus have no properties, but they are there. */
    if (iface[0] && !tree_find_iface(obj, iface) && !tree_std_has_iface(iface, true))
        return -ENOENT;
    dbus_message_iter_init_append(reply, &it);
    return append_all(&it, obj, iface);
}

static int append_object(DBusMessageIter *array, struct tree_object *obj)
{
    DBusMessageIter entry;
    int r;

    r = msg_open(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    if (r < 0)
        return r;
    r = msg_append_path(&entry, obj->path);
    if (r >= 0)
        r = tree_append_ifaces(&entry, obj, false);
    return msg_close(array, &entry, r);
}

static int get_managed_objects(struct tree *tree, struct tree_object *root, DBusMessage *msg,
                               DBusMessage *reply)
{
    DBusMessageIter it, array;
    int r;

    (void) msg;
    dbus_message_iter_init_append(reply, &it);
    r = msg_open(&it, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &array);
    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &tree->objects) {
        struct tree_object *obj = LIST_ENTRY(n, struct tree_object, link);

        if (r >= 0 && obj != root)
            r = append_object(&array, obj);
    }
    return msg_close(&it, &array, r);
}

static const struct tree_std_method std_methods[] = {
    {INTROSPECTABLE, "Introspect", "", introspect, true, false},
    {PROPERTIES, "Get", "ss", properties_get, false, false},
    {PROPERTIES, "GetAll", "s", properties_get_all, false, false},
    {PROPERTIES, "Set", "ssv", properties_set, false, false},
    {OBJECT_MANAGER, "GetManagedObjects", "", get_managed_objects, false, true},
};

const struct tree_std_method *tree_std_find(const char *iface, const char *member, bool is_root)
{
    for (size_t i = 0; i < ARRAY_SIZE(std_methods); i++) {
        const struct tree_std_method *m = &std_methods[i];

        if ((!iface || strcmp(iface, m->iface) == 0) && strcmp(member, m->name) == 0 &&
            (is_root || !m->root_only))
            return m;
    }
    return NULL;
}

bool tree_std_has_iface(const char *iface, bool is_root)
{
    if (strcmp(iface, PEER) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(std_methods); i++) {
        if (strcmp(iface, std_methods[i].iface) == 0 && (is_root || !std_methods[i].root_only))
            return true;
    }
    return false;
}
