/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls: from the message to the handler, and the answer back, exactly once.
 *
 * A call has two holders at most: the dispatcher while the handler runs, and whoever has to
 * answer. It is freed when both are through.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dbus/msg.h"
#include "dbus/tree_impl.h"

static void call_unref(struct tree_call *call)
{
    if (--call->n_refs > 0)
        return;

    list_remove(&call->link);
    msg_unref(call->reply);
    msg_unref(call->msg);
    free(call);
}

static struct tree_call *call_new(struct tree *tree, struct tree_iface *ti,
                                  const struct iface_method *method, DBusMessage *msg)
{
    struct tree_call *call;

    call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->tree = tree;
    call->iface = ti;
    call->iface_name = ti->table->name;
    call->method = method;
    call->msg = dbus_message_ref(msg);
    call->n_refs = 2;
    list_append(&tree->calls, &call->link);
    return call;
}

void tree_calls_forget_iface(struct tree *tree, const struct tree_iface *ti)
{
    LIST_FOR_EACH (n, &tree->calls) {
        struct tree_call *call = LIST_ENTRY(n, struct tree_call, link);

        if (call->iface == ti)
            call->iface = NULL;
    }
}

void tree_calls_forget_tree(struct tree *tree)
{
    LIST_FOR_EACH_SAFE (n, &tree->calls) {
        LIST_ENTRY(n, struct tree_call, link)->tree = NULL;
        list_remove(n);
    }
}

DBusMessage *tree_call_message(const struct tree_call *call)
{
    return call->msg;
}

const char *tree_call_sender(const struct tree_call *call)
{
    const char *sender = dbus_message_get_sender(call->msg);

    return sender ? sender : "";
}

const char *tree_call_path(const struct tree_call *call)
{
    return dbus_message_get_path(call->msg);
}

const char *tree_call_interface(const struct tree_call *call)
{
    return call->iface_name;
}

const char *tree_call_member(const struct tree_call *call)
{
    return call->method->name;
}

void tree_call_args(const struct tree_call *call, DBusMessageIter *ret_it)
{
    /* false only says that there are none. */
    (void) dbus_message_iter_init(call->msg, ret_it);
}

struct tree_call *tree_call_keep(struct tree_call *call)
{
    assert(!call->answered);
    call->kept = true;
    return call;
}

int tree_call_open(struct tree_call *call, DBusMessageIter *ret_it)
{
    assert(!call->answered);
    call->reply = msg_unref(call->reply);
    call->reply = dbus_message_new_method_return(call->msg);
    if (!call->reply)
        return -ENOMEM;
    dbus_message_iter_init_append(call->reply, ret_it);
    return 0;
}

/* Sends a reply, whatever was noted before it first. NULL: there was no memory for one. */
static void send_answer(struct tree *tree, DBusMessage *call, DBusMessage *reply)
{
    tree_flush(tree);
    if (dbus_message_get_no_reply(call) || !reply)
        return;
    /* Without memory the caller runs into its deadline, as with any loss. */
    (void) tree_send(tree, reply);
}

/* The last thing that happens to a call. */
static void answer(struct tree_call **pcall, DBusMessage *reply)
{
    struct tree_call *call = TAKE(*pcall);

    assert(!call->answered);
    call->answered = true;
    if (call->tree)
        send_answer(call->tree, call->msg, reply);
    call_unref(call);
}

void tree_call_error(struct tree_call **pcall, int err, const char *detail)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    if (msg_new_error(&reply, (*pcall)->msg, err, detail) < 0)
        reply = NULL;
    answer(pcall, reply);
}

void tree_call_reply(struct tree_call **pcall)
{
    struct tree_call *call = *pcall;
    DBusMessageIter it;

    if (!call->reply && tree_call_open(call, &it) < 0) {
        tree_call_error(pcall, -ENOMEM, NULL);
        return;
    }
    /* A handler that answers something else than the XML promises is a bug of ours. */
    assert(dbus_message_has_signature(call->reply, call->method->out));
    answer(pcall, call->reply);
}

void tree_call_finish(struct tree_call **pcall, int r)
{
    if (r < 0)
        tree_call_error(pcall, r, NULL);
    else
        tree_call_reply(pcall);
}

static void run_handler(struct tree_call *call)
{
    size_t i;

    if (!call->iface) {
        tree_call_error(&call, -ENOENT, "the object is gone");
        return;
    }
    i = (size_t) (call->method - call->iface->table->methods);
    call->kept = false;
    call->iface->methods[i](call, call->iface->userdata);
}

/* The dispatcher's end of a call: by now it is answered, or somebody keeps it. */
static void let_go(struct tree_call *call)
{
    bool kept = call->answered || call->kept;

    assert(kept && "a handler answers or keeps its call");
    if (!kept)
        tree_call_error(&(struct tree_call *){call}, -EIO, "the call was not answered");
    call_unref(call);
}

void tree_call_continue(struct tree_call **pcall, int r)
{
    struct tree_call *call = TAKE(*pcall);

    if (r < 0) {
        tree_call_error(&call, r, NULL);
        return;
    }
    call->n_refs++;
    run_handler(call);
    let_go(call);
}

static void call_method(struct tree *tree, struct tree_call *call)
{
    int r = 0;

    if (tree->authorize)
        r = tree->authorize(call, call->method->flags, tree->userdata);
    if (r == TREE_AUTHORIZE_LATER)
        call->kept = true;
    else if (r < 0)
        tree_call_error(&(struct tree_call *){call}, r, NULL);
    else
        run_handler(call);
    let_go(call);
}

/* Errors of the dispatcher, in the bus's own names. */
static DBusHandlerResult refuse(struct tree *tree, DBusMessage *msg, const char *error,
                                const char *what, const char *subject)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    reply = dbus_message_new_error_printf(msg, error, "%s '%s'", what, subject);
    if (!reply)
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    send_answer(tree, msg, reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static DBusHandlerResult refuse_signature(struct tree *tree, DBusMessage *msg, const char *wanted)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    reply = dbus_message_new_error_printf(
        msg, DBUS_ERROR_INVALID_ARGS, "%s takes arguments of type '%s', not '%s'",
        dbus_message_get_member(msg), wanted, dbus_message_get_signature(msg));
    if (!reply)
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    send_answer(tree, msg, reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static DBusHandlerResult call_std(struct tree *tree, struct tree_object *obj, DBusMessage *msg,
                                  const struct tree_std_method *std)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;
    int r;

    if (!dbus_message_has_signature(msg, std->in))
        return refuse_signature(tree, msg, std->in);
    reply = dbus_message_new_method_return(msg);
    if (!reply)
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    r = std->fn(tree, obj, msg, reply);
    if (r == -ENOMEM)
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    if (r == -EOPNOTSUPP)
        return refuse(tree, msg, DBUS_ERROR_UNKNOWN_PROPERTY, "no property like this on",
                      obj->path);
    if (r == -ENOENT)
        return refuse(tree, msg, DBUS_ERROR_UNKNOWN_INTERFACE, "no interface like this on",
                      obj->path);
    if (r == -EROFS)
        return refuse(tree, msg, DBUS_ERROR_PROPERTY_READ_ONLY, "no property can be set on",
                      obj->path);
    if (r < 0) {
        reply = msg_unref(reply);
        r = msg_new_error(&reply, msg, r, NULL);
        if (r < 0)
            return DBUS_HANDLER_RESULT_NEED_MEMORY;
    }
    send_answer(tree, msg, reply);
    return DBUS_HANDLER_RESULT_HANDLED;
}

static const struct iface_method *find_method(const struct tree_iface *ti, const char *member)
{
    for (size_t i = 0; i < ti->table->n_methods; i++) {
        if (strcmp(ti->table->methods[i].name, member) == 0)
            return &ti->table->methods[i];
    }
    return NULL;
}

/*
 * The method of an interface of ours that a message means. Without an interface name the first
 * one with fitting arguments is meant, else the first one of that name: Thing.Get(s) and
 * Properties.Get(ss) are told apart so.
 */
static const struct iface_method *resolve(struct tree_object *obj, DBusMessage *msg,
                                          struct tree_iface **ret_iface)
{
    const char *iface = dbus_message_get_interface(msg);
    const struct iface_method *found = NULL;

    LIST_FOR_EACH (n, &obj->ifaces) {
        struct tree_iface *ti = LIST_ENTRY(n, struct tree_iface, link);
        const struct iface_method *m;

        if (iface && strcmp(iface, ti->table->name) != 0)
            continue;
        m = find_method(ti, dbus_message_get_member(msg));
        if (!m || (found && !dbus_message_has_signature(msg, m->in)))
            continue;
        found = m;
        *ret_iface = ti;
        if (dbus_message_has_signature(msg, m->in))
            break;
    }
    return found;
}

static DBusHandlerResult refuse_unknown(struct tree *tree, struct tree_object *obj,
                                        DBusMessage *msg, bool is_root)
{
    const char *iface = dbus_message_get_interface(msg);

    if (!obj)
        return refuse(tree, msg, DBUS_ERROR_UNKNOWN_OBJECT, "there is no object",
                      dbus_message_get_path(msg));
    if (iface && !tree_find_iface(obj, iface) && !tree_std_has_iface(iface, is_root))
        return refuse(tree, msg, DBUS_ERROR_UNKNOWN_INTERFACE, "the object has no interface",
                      iface);
    return refuse(tree, msg, DBUS_ERROR_UNKNOWN_METHOD, "there is no method",
                  dbus_message_get_member(msg));
}

DBusHandlerResult tree_on_message(DBusConnection *conn, DBusMessage *msg, void *userdata)
{
    struct tree *tree = userdata;
    const char *path = dbus_message_get_path(msg);
    const struct tree_std_method *std;
    const struct iface_method *method = NULL;
    struct tree_iface *ti = NULL;
    struct tree_object *obj;
    struct tree_call *call;
    bool is_root;

    (void) conn;
    if (dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_METHOD_CALL)
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;

    is_root = strcmp(path, tree->root) == 0;
    obj = tree_find_object(tree, path);
    if (obj)
        method = resolve(obj, msg, &ti);
    std = tree_std_find(dbus_message_get_interface(msg), dbus_message_get_member(msg), is_root);
    if (std && (obj || (std->any_path && tree_is_place(tree, path))) &&
        (!method || !dbus_message_has_signature(msg, method->in)))
        return call_std(tree, obj, msg, std);
    if (!method)
        return refuse_unknown(tree, obj, msg, is_root);
    if (!dbus_message_has_signature(msg, method->in))
        return refuse_signature(tree, msg, method->in);

    call = call_new(tree, ti, method, msg);
    if (!call)
        return DBUS_HANDLER_RESULT_NEED_MEMORY;
    call_method(tree, call);
    return DBUS_HANDLER_RESULT_HANDLED;
}
