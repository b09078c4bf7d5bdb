/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_TREE_H
#define IOTD_DBUS_TREE_H

/*
 * Objects on the bus, from the tables of iface-gen.h: introspection, properties, object manager,
 * argument check, and the order of what is sent. For the daemon.
 *
 * Order: property changes and new objects are collected and sent at the end of the loop turn, or
 * right before any other message that the tree sends, whichever comes first. So a caller never
 * sees a reply before the state that it implies. Who sends messages past the tree on the same
 * connection calls tree_flush() before.
 *
 * A handler gets a call and does one of these, once: tree_call_reply(), tree_call_error(),
 * tree_call_finish(), or tree_call_keep() and one of the others later. The sending functions take
 * the address of the pointer and clear it. Calls that want no reply run like any other; the
 * reply is made and dropped.
 *
 * Handlers may add and remove objects, also their own; getters and append functions only read.
 * One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dbus/dbus.h>

#include "dbus/iface.h"
#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct tree;
struct tree_object;
struct tree_call;

typedef void (*tree_method_fn)(struct tree_call *call, void *userdata);
/*
 * Appends one value of the type that the table says; 0 or negative errno. It should fail for lack
 * of memory only: it makes all that asks for the value fail, GetManagedObjects too. A state that
 * is not known has a value that says so.
 */
typedef int (*tree_property_fn)(DBusMessageIter *it, void *userdata);
/* Appends the arguments of a signal; 0 or negative errno. */
typedef int (*tree_append_fn)(DBusMessageIter *it, void *userdata);

struct tree_method_impl {
    const char *name;
    tree_method_fn fn;
};

struct tree_property_impl {
    const char *name;
    tree_property_fn get;
};

/*
 * Asked before each handler, with the flags of the method (IFACE_PRIVILEGED). 0: go on. Negative:
 * refused with that error. TREE_AUTHORIZE_LATER: the hook has stored the call and ends it with
 * tree_call_continue() or tree_call_error(); until then it should hold back later calls of the
 * same sender in the same way, so that they stay in order.
 */
typedef int (*tree_authorize_fn)(struct tree_call *call, uint32_t flags, void *userdata);
enum { TREE_AUTHORIZE_LATER = 1 };

/*
 * Serves root and everything below it. authorize may be NULL. conn must be attached to the loop
 * (watch.h) and outlive the tree. -EEXIST: something else serves root.
 */
int tree_new(struct tree **ret_tree, DBusConnection *conn, struct loop *loop, const char *root,
             tree_authorize_fn authorize, void *userdata) MUST_CHECK;
/* Removes all objects without signals. Kept calls stay valid; answering them sends nothing. */
struct tree *tree_free(struct tree *tree);
DEFINE_FREEP(struct tree, tree_free)

/*
 * path: the root or a path below it. -EEXIST, -EINVAL. The object is announced (InterfacesAdded)
 * at the end of the loop turn, with the interfaces that it has then. The tree owns the object.
 */
int tree_add_object(struct tree *tree, const char *path, struct tree_object **ret_obj) MUST_CHECK;
/* Announces the end if the beginning was announced. Accepts NULL. Always returns NULL. */
struct tree_object *tree_object_remove(struct tree_object *obj);
struct tree_object *tree_find_object(struct tree *tree, const char *path); /* or NULL */
const char *tree_object_path(const struct tree_object *obj);

/*
 * Attaches handlers. Every method and property of the table must have one, and every handler a
 * member: else -ENOSYS (a member without handler) or -EINVAL (a handler without member, or one
 * given twice), and reterr_member (may be NULL) names it. -EOPNOTSUPP: a property that is not read
 * only. -EEXIST: the object has the interface.
 */
int tree_add_interface(struct tree_object *obj, const struct iface *iface,
                       const struct tree_method_impl *methods, size_t n_methods,
                       const struct tree_property_impl *properties, size_t n_properties,
                       void *userdata, const char **reterr_member) MUST_CHECK;

/* Notes that a property changed; what is sent, if anything, says the table. */
void tree_property_changed(struct tree_object *obj, const struct iface *iface, const char *name);
/* Sends what is noted. */
void tree_flush(struct tree *tree);

/*
 * destination: a unique name, or NULL for all who listen. append may be NULL for a signal without
 * arguments. -EINVAL: the signal is not in the table, or its arguments are others. Or what append
 * returned; -ENOMEM.
 */
int tree_emit_signal(struct tree_object *obj, const struct iface *iface, const char *name,
                     const char *destination, tree_append_fn append, void *userdata) MUST_CHECK;

/* A call. Everything is borrowed from it. */
DBusMessage *tree_call_message(const struct tree_call *call);
const char *tree_call_sender(const struct tree_call *call); /* "" on a connection without bus */
const char *tree_call_path(const struct tree_call *call);
const char *tree_call_interface(const struct tree_call *call); /* also if the caller gave none */
const char *tree_call_member(const struct tree_call *call);
/* At the first argument; the signature was checked. */
void tree_call_args(const struct tree_call *call, DBusMessageIter *ret_it);

/* The caller owns the call from now on. Returns it. */
struct tree_call *tree_call_keep(struct tree_call *call);

/* Begins the reply; append the out arguments. A second time: begins again. -ENOMEM. */
int tree_call_open(struct tree_call *call, DBusMessageIter *ret_it) MUST_CHECK;
/* Sends what was opened, or a reply without arguments. */
void tree_call_reply(struct tree_call **call);
/* err: negative errno of errors.def. detail (may be NULL) is added to its text. */
void tree_call_error(struct tree_call **call, int err, const char *detail);
/* tree_call_error() when r is negative, else tree_call_reply(). */
void tree_call_finish(struct tree_call **call, int r);

/* For the authorize hook: runs the handler if r is 0, refuses with r if it is negative. */
void tree_call_continue(struct tree_call **call, int r);

#endif /* IOTD_DBUS_TREE_H */
