/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects, their interfaces, and the order of what is sent. A tree owns its objects, an object
 * its interfaces. Nothing is sent from inside of a getter or an append function.
 */

#include "dbus/tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/tree_impl.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

#define NO_MEMORY_DELAY_US (100U * USEC_PER_MSEC) /* before a flush is tried again */

bool tree_send(struct tree *tree, DBusMessage *msg)
{
    /* On a connection that is closed the message is dropped, which is what we want. */
    return dbus_connection_send(tree->conn, msg, NULL);
}

const char *tree_below(const char *path, const char *object)
{
    size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path);

    if (strncmp(object, path, len) != 0 || object[len] != '/' || !object[len + 1])
        return NULL;
    return object + len + 1;
}

bool tree_is_place(const struct tree *tree, const char *path)
{
    LIST_FOR_EACH (n, &tree->objects) {
        const struct tree_object *obj = LIST_ENTRY(n, struct tree_object, link);

        if (strcmp(obj->path, path) == 0 || tree_below(path, obj->path))
            return true;
    }
    return false;
}

struct tree_object *tree_find_object(struct tree *tree, const char *path)
{
    LIST_FOR_EACH (n, &tree->objects) {
        struct tree_object *obj = LIST_ENTRY(n, struct tree_object, link);

        if (strcmp(obj->path, path) == 0)
            return obj;
    }
    return NULL;
}

const char *tree_object_path(const struct tree_object *obj)
{
    return obj->path;
}

struct tree_iface *tree_find_iface(struct tree_object *obj, const char *name)
{
    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        if (strcmp(ti->table->name, name) == 0)
            return ti;
    }
    return NULL;
}

/* Values. */

int tree_append_property(DBusMessageIter *it, struct tree_iface *ti, size_t i)
{
    DBusMessageIter variant;
    int r;

    r = msg_open(it, DBUS_TYPE_VARIANT, ti->table->properties[i].type, &variant);
    if (r < 0)
        return r;
    return msg_close(it, &variant, ti->properties[i](&variant, ti->userdata));
}

int tree_append_property_entry(DBusMessageIter *dict, struct tree_iface *ti, size_t i)
{
    struct msg_entry entry;
    int r;

    r = msg_dict_open_entry(dict, ti->table->properties[i].name, ti->table->properties[i].type,
                            &entry);
    if (r < 0)
        return r;
    return msg_dict_close_entry(dict, &entry, ti->properties[i](&entry.variant, ti->userdata));
}

int tree_append_properties(DBusMessageIter *it, struct tree_iface *ti)
{
    DBusMessageIter dict;
    int r;

    r = msg_open_dict(it, &dict);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ti->table->n_properties && r >= 0; i++)
        r = tree_append_property_entry(&dict, ti, i);
    return msg_close(it, &dict, r);
}

static int append_iface(DBusMessageIter *array, struct tree_iface *ti)
{
    DBusMessageIter entry;
    int r;

    r = msg_open(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    if (r < 0)
        return r;
    r = msg_append_string(&entry, ti->table->name);
    if (r >= 0)
        r = tree_append_properties(&entry, ti);
    return msg_close(array, &entry, r);
}

int tree_append_ifaces(DBusMessageIter *it, struct tree_object *obj, bool only_new)
{
    DBusMessageIter array;
    int r;

    r = msg_open(it, DBUS_TYPE_ARRAY, "{sa{sv}}", &array);
    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        if (r >= 0 && !(only_new && ti->announced))
            r = append_iface(&array, ti);
    }
    return msg_close(it, &array, r);
}

/* What is noted, and its sending. */

static void on_flush(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    tree_flush(userdata);
}

static void flush_later(struct tree *tree, uint64_t delay_us)
{
    tree->pending = true;
    if (!loop_timer_is_armed(&tree->flush))
        loop_timer_arm(tree->loop, &tree->flush, delay_us, on_flush, tree);
}

static bool is_root(const struct tree_object *obj)
{
    return strcmp(obj->path, obj->tree->root) == 0;
}

/* The root is the manager, not managed: nobody announces it. */
static int send_added(struct tree_object *obj)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    msg = dbus_message_new_signal(obj->tree->root, OBJECT_MANAGER, "InterfacesAdded");
    if (!msg)
        return -ENOMEM;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_path(&it, obj->path);
    if (r >= 0)
        r = tree_append_ifaces(&it, obj, true);
    if (r < 0)
        return r;
    return tree_send(obj->tree, msg) ? 0 : -ENOMEM;
}

static int send_removed(struct tree_object *obj)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, array;
    int r;

    msg = dbus_message_new_signal(obj->tree->root, OBJECT_MANAGER, "InterfacesRemoved");
    if (!msg)
        return -ENOMEM;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_path(&it, obj->path);
    if (r >= 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "s", &array);
    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        if (r >= 0 && ti->announced)
            r = msg_append_string(&array, ti->table->name);
    }
    r = msg_close(&it, &array, r);
    if (r < 0)
        return r;
    return tree_send(obj->tree, msg) ? 0 : -ENOMEM;
}

/* Appends what PropertiesChanged carries; *valueless grows by what has no value to send. */
static int append_changes(DBusMessage *msg, struct tree_iface *ti, uint64_t *valueless)
{
    DBusMessageIter it, sub;
    int r;

    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, ti->table->name);
    if (r < 0)
        return r;
    r = msg_open_dict(&it, &sub);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ti->table->n_properties && r >= 0; i++) {
        if (!((ti->dirty & ~*valueless) >> i & 1))
            continue;
        r = tree_append_property_entry(&sub, ti, i);
        if (r < 0 && r != -ENOMEM)
            *valueless |= UINT64_C(1) << i;
    }
    r = msg_close(&it, &sub, r);
    if (r < 0)
        return r;
    r = msg_open(&it, DBUS_TYPE_ARRAY, "s", &sub);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ti->table->n_properties && r >= 0; i++) {
        if ((ti->dirty & *valueless) >> i & 1)
            r = msg_append_string(&sub, ti->table->properties[i].name);
    }
    return msg_close(&it, &sub, r);
}

static int send_changed(struct tree_iface *ti)
{
    uint64_t valueless = 0, before;
    int r;

    for (size_t i = 0; i < ti->table->n_properties; i++) {
        if (ti->table->properties[i].emits == IFACE_EMITS_INVALIDATES)
            valueless |= UINT64_C(1) << i;
    }

    /* A getter that fails spoils the message: begin again without that value. */
    do {
        CLEANUP(msg_unrefp) DBusMessage *msg = NULL;

        before = valueless;
        msg = dbus_message_new_signal(ti->obj->path, PROPERTIES, "PropertiesChanged");
        if (!msg)
            return -ENOMEM;
        r = append_changes(msg, ti, &valueless);
        if (r >= 0 && !tree_send(ti->obj->tree, msg))
            r = -ENOMEM;
    } while (r < 0 && valueless != before);

    return r;
}

/* -ENOMEM: to be tried again. Any other failure would only repeat. */
static int flush_object(struct tree_object *obj)
{
    bool has_new = false;
    int r;

    LIST_FOR_EACH (n, &obj->ifaces)
        has_new |= !LIST_ENTRY(n, struct tree_iface, link)->announced;
    if ((has_new || !obj->announced) && !is_root(obj)) {
        r = send_added(obj);
        if (r == -ENOMEM)
            return r;
    }
    obj->announced = true;

    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);

        /* What was new went out with its values. */
        if (!ti->announced && !is_root(obj))
            ti->dirty = 0;
        ti->announced = true;
        r = ti->dirty ? send_changed(ti) : 0;
        if (r == -ENOMEM)
            return r;
        ti->dirty = 0;
    }
    return 0;
}

void tree_flush(struct tree *tree)
{
    int r = 0;

    /* A getter must not send; if one does, what is being sent comes first anyway. */
    if (!tree->pending || tree->flushing)
        return;

    tree->pending = false;
    loop_timer_cancel(&tree->flush);
    tree->flushing = true;
    LIST_FOR_EACH (n, &tree->objects) {
        int one = flush_object(LIST_ENTRY(n, struct tree_object, link));

        r = one < 0 ? one : r;
    }
    tree->flushing = false;
    if (r < 0)
        flush_later(tree, NO_MEMORY_DELAY_US);
}

void tree_property_changed(struct tree_object *obj, const struct iface *iface, const char *name)
{
    struct tree_iface *ti = tree_find_iface(obj, iface->name);

    assert(ti && ti->table == iface);
    for (size_t i = 0; i < iface->n_properties; i++) {
        if (strcmp(iface->properties[i].name, name) != 0)
            continue;
        if (iface->properties[i].emits == IFACE_EMITS_TRUE ||
            iface->properties[i].emits == IFACE_EMITS_INVALIDATES) {
            ti->dirty |= UINT64_C(1) << i;
            flush_later(obj->tree, 0);
        }
        return;
    }
    assert(!"the property is in the table");
}

static const struct iface_signal *find_signal(const struct iface *iface, const char *name)
{
    for (size_t i = 0; i < iface->n_signals; i++) {
        if (strcmp(iface->signals[i].name, name) == 0)
            return &iface->signals[i];
    }
    return NULL;
}

int tree_emit_signal(struct tree_object *obj, const struct iface *iface, const char *name,
                     const char *destination, tree_append_fn append, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const struct iface_signal *signal = find_signal(iface, name);
    DBusMessageIter it;
    int r = 0;

    if (!signal || !tree_find_iface(obj, iface->name) ||
        (destination && !dbus_validate_bus_name(destination, NULL)))
        return -EINVAL;

    msg = dbus_message_new_signal(obj->path, iface->name, name);
    if (!msg || !dbus_message_set_destination(msg, destination))
        return -ENOMEM;
    dbus_message_iter_init_append(msg, &it);
    if (append)
        r = append(&it, userdata);
    if (r < 0)
        return r;
    if (!dbus_message_has_signature(msg, signal->signature))
        return -EINVAL;

    tree_flush(obj->tree);
    return tree_send(obj->tree, msg) ? 0 : -ENOMEM;
}

/* Making and ending. */

static struct tree_iface *iface_free(struct tree_iface *ti)
{
    if (!ti)
        return NULL;

    if (ti->obj) {
        tree_calls_forget_iface(ti->obj->tree, ti);
        list_remove(&ti->link);
    }
    free(ti->methods);
    free(ti->properties);
    free(ti);
    return NULL;
}
DEFINE_FREEP(struct tree_iface, iface_free)

static struct tree_object *object_free(struct tree_object *obj)
{
    if (!obj)
        return NULL;

    LIST_FOR_EACH_SAFE (n, &obj->ifaces)
        iface_free(LIST_ENTRY(n, struct tree_iface, link));
    if (obj->tree)
        list_remove(&obj->link);
    free(obj->path);
    free(obj);
    return NULL;
}
DEFINE_FREEP(struct tree_object, object_free)

struct tree_object *tree_object_remove(struct tree_object *obj)
{
    if (!obj)
        return NULL;

    assert(!obj->tree->flushing);
    /* What is noted of others is older than this. */
    if (obj->announced && !is_root(obj)) {
        tree_flush(obj->tree);
        /* Without memory the signal is lost: the reader finds out at its next call. */
        (void) send_removed(obj);
    }
    return object_free(obj);
}

int tree_add_object(struct tree *tree, const char *path, struct tree_object **ret_obj)
{
    CLEANUP(object_freep) struct tree_object *obj = NULL;

    if (!dbus_validate_path(path, NULL) ||
        (strcmp(path, tree->root) != 0 && !tree_below(tree->root, path)))
        return -EINVAL;
    if (tree_find_object(tree, path))
        return -EEXIST;

    obj = calloc(1, sizeof(*obj));
    if (!obj)
        return -ENOMEM;
    list_init(&obj->ifaces);
    obj->path = strdup(path);
    if (!obj->path)
        return -ENOMEM;
    obj->tree = tree;
    list_append(&tree->objects, &obj->link);
    flush_later(tree, 0);
    *ret_obj = TAKE(obj);
    return 0;
}

/* The place of a handler in the table; -EINVAL when it names no member or one that has its own. */
static int bind_methods(struct tree_iface *ti, const struct tree_method_impl *impls, size_t n,
                        const char **reterr_member)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = 0;

        while (i < ti->table->n_methods && strcmp(ti->table->methods[i].name, impls[k].name) != 0)
            i++;
        if (i == ti->table->n_methods || ti->methods[i] || !impls[k].fn) {
            *reterr_member = impls[k].name;
            return -EINVAL;
        }
        ti->methods[i] = impls[k].fn;
    }
    for (size_t i = 0; i < ti->table->n_methods; i++) {
        if (!ti->methods[i]) {
            *reterr_member = ti->table->methods[i].name;
            return -ENOSYS;
        }
    }
    return 0;
}

static int bind_properties(struct tree_iface *ti, const struct tree_property_impl *impls, size_t n,
                           const char **reterr_member)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = 0;

        while (i < ti->table->n_properties &&
               strcmp(ti->table->properties[i].name, impls[k].name) != 0)
            i++;
        if (i == ti->table->n_properties || ti->properties[i] || !impls[k].get) {
            *reterr_member = impls[k].name;
            return -EINVAL;
        }
        ti->properties[i] = impls[k].get;
    }
    for (size_t i = 0; i < ti->table->n_properties; i++) {
        if (!ti->properties[i] || ti->table->properties[i].access != IFACE_READ) {
            *reterr_member = ti->table->properties[i].name;
            return ti->properties[i] ? -EOPNOTSUPP : -ENOSYS;
        }
    }
    return 0;
}

int tree_add_interface(struct tree_object *obj, const struct iface *iface,
                       const struct tree_method_impl *methods, size_t n_methods,
                       const struct tree_property_impl *properties, size_t n_properties,
                       void *userdata, const char **reterr_member)
{
    CLEANUP(iface_freep) struct tree_iface *ti = NULL;
    const char *member = iface->name;
    int r;

    if (tree_find_iface(obj, iface->name))
        return -EEXIST;
    ti = calloc(1, sizeof(*ti));
    if (!ti)
        return -ENOMEM;
    ti->table = iface;
    ti->userdata = userdata;
    ti->methods = calloc(iface->n_methods + 1, sizeof(*ti->methods));
    ti->properties = calloc(iface->n_properties + 1, sizeof(*ti->properties));
    if (!ti->methods || !ti->properties)
        return -ENOMEM;
    assert(iface->n_properties <= TREE_MAX_PROPERTIES);

    r = bind_methods(ti, methods, n_methods, &member);
    if (r >= 0)
        r = bind_properties(ti, properties, n_properties, &member);
    if (r < 0) {
        if (reterr_member)
            *reterr_member = member;
        return r;
    }

    ti->obj = obj;
    list_append(&obj->ifaces, &ti->link);
    flush_later(obj->tree, 0);
    ti = NULL; /* the object's now */
    return 0;
}

struct tree *tree_free(struct tree *tree)
{
    if (!tree)
        return NULL;

    if (tree->root)
        (void) dbus_connection_unregister_object_path(tree->conn, tree->root);
    loop_timer_cancel(&tree->flush);
    LIST_FOR_EACH_SAFE (n, &tree->objects)
        object_free(LIST_ENTRY(n, struct tree_object, link));
    tree_calls_forget_tree(tree);
    free(tree->root);
    free(tree);
    return NULL;
}

int tree_new(struct tree **ret_tree, DBusConnection *conn, struct loop *loop, const char *root,
             tree_authorize_fn authorize, void *userdata)
{
    static const DBusObjectPathVTable vtable = {.message_function = tree_on_message};
    CLEANUP(tree_freep) struct tree *tree = NULL;
    CLEANUP(freep) char *path = NULL;
    DBusError error = DBUS_ERROR_INIT;
    bool exists;

    if (!dbus_validate_path(root, NULL))
        return -EINVAL;
    tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    tree->conn = conn;
    tree->loop = loop;
    tree->authorize = authorize;
    tree->userdata = userdata;
    list_init(&tree->objects);
    list_init(&tree->calls);

    path = strdup(root);
    if (!path)
        return -ENOMEM;
    if (!dbus_connection_try_register_fallback(conn, path, &vtable, tree, &error)) {
        exists = dbus_error_has_name(&error, DBUS_ERROR_OBJECT_PATH_IN_USE);
        dbus_error_free(&error);
        return exists ? -EEXIST : -ENOMEM;
    }
    tree->root = TAKE(path); /* registered: tree_free() ends it */
    *ret_tree = TAKE(tree);
    return 0;
}
