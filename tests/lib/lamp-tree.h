/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_LAMP_TREE_H
#define IOTD_TESTS_LAMP_TREE_H

/*
 * A tree at /a/b with one object, /a/b/lamp, whose interface a.b.Lamp has every kind of member;
 * the other end of the connection is peer.far.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dbus/dbus.h>

#include "dbus/tree.h"
#include "tests/lib/peer.h"

#define INTROSPECTABLE "org.freedesktop.DBus.Introspectable"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define BUS_ERROR "org.freedesktop.DBus.Error."

extern const struct iface lamp;
/* The handlers of lamp; the last method is Remove, the last property Noise. */
#define LAMP_N_METHODS 5
#define LAMP_N_PROPERTIES 4
extern const struct tree_method_impl lamp_methods[LAMP_N_METHODS];
extern const struct tree_property_impl lamp_properties[LAMP_N_PROPERTIES];

struct lamp_tree {
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

void lamp_tree_init(struct lamp_tree *f);
void lamp_tree_done(struct lamp_tree *f);
/* One more object with the interface. */
struct tree_object *lamp_tree_add(struct lamp_tree *f, const char *path);

/* A call to /a/b/lamp; and one or two string arguments for it. */
DBusMessage *lamp_tree_call(const char *iface, const char *member);
DBusMessage *lamp_tree_strings(DBusMessage *call, const char *a, const char *b);

#endif /* IOTD_TESTS_LAMP_TREE_H */
