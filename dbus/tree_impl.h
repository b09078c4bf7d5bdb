/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_TREE_IMPL_H
#define IOTD_DBUS_TREE_IMPL_H

/* Shared by the parts of tree: objects and order (tree), calls (tree_call), org.freedesktop
 * interfaces (tree_std). */

#include "dbus/tree.h"
#include "libiotclient/base/list.h"

/* Dirty properties are one bit each. */
#define TREE_MAX_PROPERTIES 64

struct tree {
    DBusConnection *conn; /* borrowed */
    struct loop *loop;    /* borrowed */
    char *root;
    tree_authorize_fn authorize; /* or NULL */
    void *userdata;
    struct list objects; /* struct tree_object */
    struct list calls;   /* struct tree_call that are not answered */
    struct loop_timer flush;
    bool pending; /* something is noted */
    bool flushing;
};

struct tree_object {
    struct list link;
    struct tree *tree; /* the owner */
    char *path;
    struct list ifaces; /* struct tree_iface, in the order they were added */
    bool announced;
};

/* One interface of one object. Handlers are in the order of the table. */
struct tree_iface {
    struct list link;
    struct tree_object *obj;
    const struct iface *table;
    tree_method_fn *methods;
    tree_property_fn *properties;
    void *userdata;
    uint64_t dirty; /* bit i: properties[i] changed */
    bool announced;
};

struct tree_call {
    struct list link;         /* in tree->calls */
    struct tree *tree;        /* NULL once the tree is gone */
    struct tree_iface *iface; /* NULL once the object is gone, and for org.freedesktop */
    const struct iface_method *method;
    const char *iface_name;
    DBusMessage *msg;
    DBusMessage *reply; /* opened */
    unsigned n_refs;    /* the dispatcher, the handler */
    bool answered;
    bool kept;
};

/* A method of org.freedesktop.DBus.*; obj may be NULL only if any_path. */
struct tree_std_method {
    const char *iface;
    const char *name;
    const char *in;
    int (*fn)(struct tree *tree, struct tree_object *obj, DBusMessage *msg, DBusMessage *reply);
    bool any_path;  /* also below root where no object is */
    bool root_only; /* only on the root */
};

const struct tree_std_method *tree_std_find(const char *iface, const char *member, bool is_root);
bool tree_std_has_iface(const char *iface, bool is_root);

/* The child nodes of path, once each, and whether path is a place at all. */
bool tree_is_place(const struct tree *tree, const char *path);
/* The rest of object path below path, or NULL when it is not below. */
const char *tree_below(const char *path, const char *object);

struct tree_iface *tree_find_iface(struct tree_object *obj, const char *name);
/* Appends {sa{sv}} entries of the interfaces to an open a{sa{sv}}; only: announced or not. */
int tree_append_ifaces(DBusMessageIter *array, struct tree_object *obj, bool only_new);
int tree_append_properties(DBusMessageIter *it, struct tree_iface *ti);
int tree_append_property(DBusMessageIter *it, struct tree_iface *ti, size_t i);
/* As tree_append_property(), but as entry of an open a{sv}. */
int tree_append_property_entry(DBusMessageIter *dict, struct tree_iface *ti, size_t i);

/* Sends past the flush; false: no memory. */
bool tree_send(struct tree *tree, DBusMessage *msg);

/* The filter for everything below root. */
DBusHandlerResult tree_on_message(DBusConnection *conn, DBusMessage *msg, void *userdata);
void tree_calls_forget_iface(struct tree *tree, const struct tree_iface *ti);
void tree_calls_forget_tree(struct tree *tree);

#endif /* IOTD_DBUS_TREE_IMPL_H */
