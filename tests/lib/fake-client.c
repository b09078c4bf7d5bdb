/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs of the fake: what they claim, their objects, the calls of their handlers. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/iface-gen.h"
#include "dbus/names.h"
#include "tests/lib/fake-iotd-impl.h"

static struct fake_claim *find_claim(struct fake *f, char kind, const char *id)
{
    for (size_t i = 0; i < f->n_claims; i++) {
        if (f->claims[i].kind == kind && strcmp(f->claims[i].id, id) == 0)
            return &f->claims[i];
    }
    return NULL;
}

bool fake_is_claimed(const struct fake *f, char kind, const char *id)
{
    for (size_t i = 0; i < f->n_claims; i++) {
        if (f->claims[i].kind == kind && strcmp(f->claims[i].id, id) == 0)
            return true;
    }
    return false;
}

static int claim(struct fake *f, char kind, const char *id, const char *owner, const char *handler)
{
    struct fake_claim *c = find_claim(f, kind, id);

    if (kind == 'p' && fake_find_prop(f, id) < 0)
        return -ENOENT;
    if (c)
        return strcmp(c->owner, owner) == 0 ? 0 : -EEXIST;
    if (f->n_claims >= FAKE_MAX_CLAIMS)
        return -ENOBUFS;
    c = &f->claims[f->n_claims++];
    c->kind = kind;
    (void) snprintf(c->id, sizeof(c->id), "%s", id);
    (void) snprintf(c->owner, sizeof(c->owner), "%s", owner);
    (void) snprintf(c->handler, sizeof(c->handler), "%s", handler);
    return 0;
}

static const char kinds[] = "pea";

/* The three lists, in order; fn stops at its first failure. */
static int for_ids(struct tree_call *call, struct fake *f, const char *handler,
                   int (*fn)(struct fake *, char, const char *, const char *, const char *))
{
    DBusMessageIter it;
    int r = 0;

    tree_call_args(call, &it);
    for (size_t k = 0; kinds[k] && r >= 0; k++) {
        CLEANUP(freep) const char **ids = NULL;
        size_t n;

        r = msg_read_strv(&it, FAKE_MAX_CLAIMS, &ids, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
            r = fn(f, kinds[k], ids[i], tree_call_sender(call), handler);
    }
    return r;
}

void fake_on_register(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;
    DBusMessageIter it;
    const char *handler = NULL;
    int r;

    f->n_register++;
    tree_call_args(call, &it);
    for (int i = 0; i < 3; i++)
        (void) dbus_message_iter_next(&it);
    r = msg_read_path(&it, &handler);
    if (r >= 0)
        r = f->register_error;
    if (r >= 0)
        r = for_ids(call, f, handler, claim);
    tree_call_finish(&call, r);
}

static int unclaim(struct fake *f, char kind, const char *id, const char *owner,
                   const char *handler)
{
    struct fake_claim *c = find_claim(f, kind, id);

    (void) handler;
    if (!c || strcmp(c->owner, owner) != 0)
        return -EPERM;
    *c = f->claims[--f->n_claims];
    return 0;
}

void fake_on_unregister(struct tree_call *call, void *userdata)
{
    struct fake *f = userdata;

    f->n_unregister++;
    tree_call_finish(&call, for_ids(call, f, NULL, unclaim));
}

void fake_forget(struct fake *f, const char *sender)
{
    for (size_t i = f->n_claims; i-- > 0;) {
        if (strcmp(f->claims[i].owner, sender) == 0)
            f->claims[i] = f->claims[--f->n_claims];
    }
}

static int get_app_id(DBusMessageIter *it, void *userdata)
{
    struct fake *f = userdata;

    return msg_append_string(it, f->app_id);
}

static int get_bus_name(DBusMessageIter *it, void *userdata)
{
    struct fake *f = userdata;

    return msg_append_string(it, f->sender);
}

static int get_number(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_uint32(it, 7);
}

static int get_since(DBusMessageIter *it, void *userdata)
{
    (void) userdata;
    return msg_append_uint64(it, 1);
}

static int append_claims(DBusMessageIter *it, struct fake *f, char kind)
{
    const char *ids[FAKE_MAX_CLAIMS];
    size_t n = 0;

    for (size_t i = 0; i < f->n_claims; i++) {
        if (f->claims[i].kind == kind)
            ids[n++] = f->claims[i].id;
    }
    return msg_append_strv(it, ids, n);
}

static int get_properties(DBusMessageIter *it, void *userdata)
{
    return append_claims(it, userdata, 'p');
}

static int get_events(DBusMessageIter *it, void *userdata)
{
    return append_claims(it, userdata, 'e');
}

static int get_actions(DBusMessageIter *it, void *userdata)
{
    return append_claims(it, userdata, 'a');
}

static const struct tree_property_impl properties[] = {
    {"AppId", get_app_id},  {"BusName", get_bus_name}, {"Uid", get_number},
    {"Pid", get_number},    {"SinceUSec", get_since},  {"Properties", get_properties},
    {"Events", get_events}, {"Actions", get_actions},
};

int fake_add_client(struct fake *f)
{
    const char *member;
    int r;

    if (f->client)
        return 0;
    r = tree_add_object(f->tree, IOTD_CLIENT_PATH_PREFIX "1", &f->client);
    return r < 0 ? r
                 : tree_add_interface(f->client, &iface_client, NULL, 0, properties,
                                      ARRAY_SIZE(properties), f, &member);
}

static int read_answer(struct fake *f, DBusMessage *reply)
{
    DBusMessageIter it;
    const char *text;
    int64_t code;
    int r;

    r = msg_get_error(reply, &text);
    if (r < 0)
        return r;
    if (!dbus_message_iter_init(reply, &it))
        return -EPROTO;
    r = msg_read_int64(&it, &code);
    if (r >= 0)
        r = msg_read_string(&it, &text);
    if (r < 0)
        return r;
    f->answer_code = (int32_t) code;
    (void) snprintf(f->answer_text, sizeof(f->answer_text), "%s", text);
    value_list_done(&f->answer_output);
    if (dbus_message_iter_get_arg_type(&it) != DBUS_TYPE_INVALID)
        r = value_list_read(&it, &f->answer_output, LIMIT_EVENT_PARAMS);
    return r;
}

static void on_answer(DBusPendingCall *pending, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    struct fake *f = userdata;

    f->n_answers++;
    f->answer_error = read_answer(f, reply);
}

static int append_empty(DBusMessageIter *it)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    return r < 0 ? r : msg_close(it, &dict, 0);
}

static bool call_handler(struct fake *f, char kind, const char *id, const char *member,
                         const char *action, const struct value_list *values)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    const struct fake_claim *claim = NULL;
    DBusPendingCall *pending = NULL;
    DBusMessageIter it;
    int r = 0;

    for (size_t i = 0; i < f->n_claims; i++) {
        if (f->claims[i].kind == kind && strcmp(f->claims[i].id, id) == 0)
            claim = &f->claims[i];
    }
    if (!claim)
        return false;
    msg = dbus_message_new_method_call(claim->owner, claim->handler, IOTD_IFACE_HANDLER, member);
    if (!msg)
        return false;
    dbus_message_iter_init_append(msg, &it);
    if (action)
        r = msg_append_string(&it, action);
    if (r >= 0)
        r = value_list_append(&it, values);
    if (r >= 0)
        r = append_empty(&it);
    if (r < 0 || !dbus_connection_send_with_reply(f->bus, msg, &pending, -1) || !pending)
        return false;
    (void) dbus_pending_call_set_notify(pending, on_answer, f, NULL);
    dbus_pending_call_unref(pending);
    return true;
}

bool fake_control(struct fake *f, const struct value_list *values)
{
    return call_handler(f, 'p', values->items[0].id, "Control", NULL, values);
}

bool fake_invoke(struct fake *f, const char *action, const struct value_list *input)
{
    return call_handler(f, 'a', action, "Invoke", action, input);
}
