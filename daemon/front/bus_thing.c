/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.iotd1.Thing, part one: who serves what, what is known, and the news. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_define.h"
#include "daemon/front/bus_internal.h"
#include "daemon/front/bus_policy.h"
#include "daemon/front/bus_thing.h"
#include "daemon/front/bus_value.h"
#include "daemon/sys/log.h"
#include "dbus/iface-gen.h"
#include "dbus/msg.h"
#include "libiotclient/base/name.h"

LOG_AREA("bus");

/* --- registration --- */

struct id_lists {
    const char **lists[FEATURE_COUNT_];
    struct owners_ids ids;
};

static void id_lists_done(struct id_lists *il)
{
    for (int f = 0; f < FEATURE_COUNT_; f++)
        free(il->lists[f]);
}

static int read_id_lists(DBusMessageIter *it, struct id_lists *ret_lists)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        int r = msg_read_strv(it, LIMIT_CLIENT_IDS, &ret_lists->lists[f], &ret_lists->ids.n[f]);

        if (r < 0)
            return r;
        ret_lists->ids.ids[f] = ret_lists->lists[f];
    }
    return 0;
}

/* options of Register: "app_id" s, "policy" a{sv}, "define"; the last two are only found here. */
struct register_options {
    const char *app_id; /* NULL: not given */
    DBusMessageIter policy, define;
    bool has_policy, has_define;
};

static int read_options(DBusMessageIter *it, struct register_options *ret_options)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "app_id") == 0) {
            r = msg_read_string(&value, &ret_options->app_id);
        } else if (strcmp(key, "policy") == 0) {
            ret_options->policy = value;
            ret_options->has_policy = true;
        } else if (strcmp(key, "define") == 0) {
            ret_options->define = value;
            ret_options->has_define = true;
        }
    }
    return r;
}

static int read_policy(const struct core *core, struct register_options *options,
                       const struct owners_ids *ids, struct policy_wish **ret_wishes,
                       const char **detail)
{
    const char *const *properties = ids->ids[FEATURE_PROPERTY];
    size_t n = ids->n[FEATURE_PROPERTY];
    int r = 0;

    if (options->has_policy)
        r = bus_policy_read(&options->policy, properties, n, ret_wishes, detail);
    for (size_t i = 0; r == 0 && *ret_wishes && i < n; i++) {
        int index = model_find_property(core->model, properties[i]);

        r = index < 0 ? index : policies_check(&core->policies, (size_t) index, *ret_wishes + i);
        if (r < 0)
            *detail = properties[i];
    }
    return r;
}

/* What it asked for at an earlier registration holds no more. */
static void ask_policy(struct bus *bus, struct client *c, const struct owners_ids *ids,
                       const struct policy_wish *wishes)
{
    static const struct policy_wish nothing;

    for (size_t i = 0; i < ids->n[FEATURE_PROPERTY]; i++) {
        int index = model_find_property(bus->core->model, ids->ids[FEATURE_PROPERTY][i]);

        if (index >= 0)
            policies_ask(&bus->core->policies, c, (size_t) index, wishes ? &wishes[i] : &nothing);
    }
}

/* Ids that are none are left to owners_check(), which says so. */
static int check_access(struct bus *bus, struct bus_peer *peer, const struct id_lists *lists,
                        char detail[BUS_ACCESS_DETAIL])
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        for (size_t i = 0; i < lists->ids.n[f]; i++) {
            const char *id = lists->lists[f][i];
            int r = name_is_feature_id(id)
                        ? bus_access_check(bus, peer, ACCESS_REGISTER, id, detail)
                        : 0;

            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* What is defined stays, also when the ids cannot be had. */
static int define(struct bus *bus, struct bus_peer *peer, const struct register_options *options,
                  const struct owners_ids *ids, const char **detail, char text[BUS_ACCESS_DETAIL])
{
    int r;

    if (!options->has_define)
        return 0;
    text[0] = '\0';
    r = bus_define(bus, peer, &options->define, ids, text);
    if (r < 0 && text[0])
        *detail = text;
    return r;
}

static int do_register(struct bus *bus, struct tree_call *call, const struct id_lists *lists,
                       DBusMessageIter *it, const char **detail, char access[BUS_ACCESS_DETAIL])
{
    CLEANUP(freep) struct policy_wish *wishes = NULL;
    struct register_options options = {0};
    struct bus_peer *peer = bus_peer_of(bus, call);
    const char *handler;
    struct client *c;
    int r;

    r = msg_read_path(it, &handler);
    if (r == 0)
        r = read_options(it, &options);
    if (r == 0 && !peer)
        r = -EACCES;
    if (r == 0 && options.app_id && !name_is_app_id(options.app_id)) {
        *detail = BUS_APP_ID_PROBLEM;
        return -EINVAL;
    }
    if (r == 0)
        r = define(bus, peer, &options, &lists->ids, detail, access);
    if (r == 0)
        r = read_policy(bus->core, &options, &lists->ids, &wishes, detail);
    /* Before there is an object of the program: a refusal leaves nothing. */
    if (r == 0) {
        r = check_access(bus, peer, lists, access);
        if (r < 0)
            *detail = access;
    }
    if (r == 0)
        r = owners_check(&bus->core->owners, peer->client, &lists->ids, detail);
    if (r == -EDQUOT) {
        *detail = "quota.ids";
        return -ENOBUFS;
    }
    if (r == 0)
        r = bus_client_get(bus, peer, &c);
    if (r == -EDQUOT) {
        *detail = "quota.attachments";
        return -ENOBUFS;
    }
    if (r == 0 && options.app_id)
        r = client_set_app_id(c, options.app_id);
    if (r == 0)
        r = owners_register(&bus->core->owners, c, &lists->ids, handler, detail);
    if (r == 0) {
        ask_policy(bus, c, &lists->ids, wishes);
        bus_shm_policy_changed(bus);
        log_info("registered client=%u app=%s ids=%u", c->number, c->app_id, c->n_ids);
        bus_client_changed(bus, c);
        calls_offer_desired(&bus->core->calls, c);
        calls_registered(&bus->core->calls);
    }
    return r;
}

static void on_register(struct tree_call *call, void *userdata)
{
    CLEANUP(id_lists_done) struct id_lists lists = {0};
    char access[BUS_ACCESS_DETAIL];
    const char *detail = NULL;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = read_id_lists(&it, &lists);
    if (r == 0)
        r = do_register(userdata, call, &lists, &it, &detail, access);
    if (r < 0)
        tree_call_error(&call, r, detail);
    else
        tree_call_reply(&call);
}

static void on_unregister(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct bus_peer *peer = bus_peer_of(bus, call);
    CLEANUP(id_lists_done) struct id_lists lists = {0};
    const char *detail = NULL;
    DBusMessageIter it;
    int r;

    tree_call_args(call, &it);
    r = read_id_lists(&it, &lists);
    if (r == 0 && (!peer || !peer->client))
        r = -EPERM;
    if (r == 0)
        r = owners_unregister(&bus->core->owners, peer->client, &lists.ids, &detail);
    if (r == 0) {
        bus_shm_policy_changed(bus);
        bus_client_changed(bus, peer->client);
    }
    if (r < 0)
        tree_call_error(&call, r, detail);
    else
        tree_call_reply(&call);
}

/* --- reading --- */

static void on_get(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    struct core *core = bus->core;
    char detail[BUS_ACCESS_DETAIL];
    const struct prop *p;
    DBusMessageIter it;
    const char *id = NULL;
    int index, r;

    tree_call_args(call, &it);
    r = msg_read_string(&it, &id);
    if (r < 0) {
        tree_call_finish(&call, r);
        return;
    }
    index = model_find_property(core->model, id);
    if (index < 0) {
        tree_call_error(&call, index, id);
        return;
    }
    r = bus_access_check(bus, bus_peer_of(bus, call), ACCESS_READ, id, detail);
    if (r < 0) {
        tree_call_error(&call, r, detail);
        return;
    }
    p = &core->props.all[index];
    if (p->value.kind == VALUE_NONE) {
        tree_call_error(&call, -EAGAIN, "the property has no value yet");
        return;
    }
    r = tree_call_open(call, &it);
    if (r == 0)
        r = bus_value_append(&it, &p->value);
    if (r == 0)
        r = msg_append_uint64(&it, p->stamp_real_us);
    tree_call_finish(&call, r);
}

static int append_all(DBusMessageIter *it, const struct bus *bus, const struct bus_peer *peer)
{
    const struct core *core = bus->core;
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < core->model->n_properties; i++) {
        if (core->props.all[i].value.kind != VALUE_NONE && !core->model->properties[i].is_gone &&
            bus_access_may(bus, peer, ACCESS_READ, core->model->properties[i].id))
            r = bus_value_append_entry(&dict, core->model->properties[i].id,
                                       &core->props.all[i].value);
    }
    return msg_close(it, &dict, r);
}

static void on_get_all(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    DBusMessageIter it;
    int r = tree_call_open(call, &it);

    if (r == 0)
        r = append_all(&it, bus, bus_peer_of(bus, call));
    tree_call_finish(&call, r);
}

static void on_get_model(struct tree_call *call, void *userdata)
{
    DBusMessageIter it;
    int r = tree_call_open(call, &it);

    if (r == 0)
        r = msg_append_string(&it, ((struct bus *) userdata)->core->model->text);
    tree_call_finish(&call, r);
}

/* A value that stands for none, of the kind that the type has. */
static struct value zero_of(enum thing_type type)
{
    struct value v = {.kind = thing_type_kind(type)};

    if (v.kind == VALUE_STRING)
        v = value_of_text("");
    return v; /* empty, if it is a struct or an array */
}

static int append_property(DBusMessageIter *list, const struct model_property *mp,
                           const struct prop *p)
{
    struct value zero = zero_of(mp->define.type);
    DBusMessageIter one;
    int r = msg_open(list, DBUS_TYPE_STRUCT, NULL, &one);

    if (r < 0)
        return r;
    r = msg_append_string(&one, mp->id);
    if (r == 0)
        r = msg_append_string(&one, thing_type_name(mp->define.type));
    if (r == 0)
        r = msg_append_string(&one, mp->writable ? "rw" : "r");
    if (r == 0)
        r = bus_value_append(&one, p->value.kind == VALUE_NONE ? &zero : &p->value);
    if (r == 0)
        r = msg_append_uint64(&one, p->stamp_real_us);
    return msg_close(list, &one, r);
}

static void on_list_properties(struct tree_call *call, void *userdata)
{
    struct bus *bus = userdata;
    const struct bus_peer *peer = bus_peer_of(bus, call);
    struct core *core = bus->core;
    DBusMessageIter it, list;
    int r = tree_call_open(call, &it);

    if (r == 0)
        r = msg_open(&it, DBUS_TYPE_ARRAY, "(sssvt)", &list);
    if (r == 0) {
        for (size_t i = 0; r == 0 && i < core->model->n_properties; i++) {
            if (!core->model->properties[i].is_gone &&
                bus_access_may(bus, peer, ACCESS_READ, core->model->properties[i].id))
                r = append_property(&list, &core->model->properties[i], &core->props.all[i]);
        }
        r = msg_close(&it, &list, r);
    }
    tree_call_finish(&call, r);
}

/* --- news --- */

struct completed {
    uint64_t token;
    int code;
    const char *text;
};

static int append_completed(DBusMessageIter *it, void *userdata)
{
    const struct completed *c = userdata;
    int r;

    r = msg_append_uint64(it, c->token);
    if (r == 0)
        r = msg_append_int32(it, c->code);
    return r < 0 ? r : msg_append_string(it, c->text);
}

void bus_thing_completed(const char *peer, uint64_t token, int code, const char *text,
                         void *userdata)
{
    struct bus *bus = userdata;
    const struct bus_peer *p = bus_peer_find(bus, peer);
    struct shm_program *shm = p && p->client ? bus_client_shm(p->client) : NULL;
    struct completed c = {token, code, text};
    int r;

    if (!bus->device_object || (shm && shm_program_completed(shm, token, code)))
        return;
    r = tree_emit_signal(bus->device_object, &iface_thing, "Completed", peer, append_completed, &c);
    if (r < 0)
        log_warn("completion not told name=%s error=\"%s\"", peer, strerror(-r));
}

struct changed {
    const struct core *core;
    const size_t *properties;
    const size_t *picked; /* of properties */
    size_t n;
};

static int append_changed(DBusMessageIter *it, void *userdata)
{
    const struct changed *c = userdata;
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < c->n; i++) {
        size_t index = c->properties[c->picked[i]];

        r = bus_value_append_entry(&dict, c->core->model->properties[index].id,
                                   &c->core->props.all[index].value);
    }
    return msg_close(it, &dict, r);
}

static const char *changed_id(size_t i, const void *data)
{
    const struct changed *c = data;

    return c->core->model->properties[c->properties[i]].id;
}

static void send_changed(struct bus *bus, const char *peer, const size_t *picked, size_t n,
                         const void *data)
{
    struct changed c = *(const struct changed *) data;
    int r;

    c.picked = picked;
    c.n = n;
    r = tree_emit_signal(bus->device_object, &iface_thing, "Changed", peer, append_changed, &c);
    if (r < 0)
        log_warn("change not told error=\"%s\"", strerror(-r));
}

void bus_thing_changed(const size_t *indices, size_t n, void *userdata)
{
    struct bus *bus = userdata;
    const struct changed c = {.core = bus->core, .properties = indices};
    const struct bus_news news = {changed_id, send_changed, &c};

    if (bus->device_object)
        bus_access_share(bus, &news, n);
}

struct controlled {
    const struct model *model;
    const struct prop_update *updates;
    const size_t *picked;
    size_t n;
};

static int append_controlled(DBusMessageIter *it, void *userdata)
{
    const struct controlled *c = userdata;
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < c->n; i++) {
        const struct prop_update *u = &c->updates[c->picked[i]];

        r = bus_value_append_entry(&dict, c->model->properties[u->index].id, &u->value);
    }
    return msg_close(it, &dict, r);
}

static const char *controlled_id(size_t i, const void *data)
{
    const struct controlled *c = data;

    return c->model->properties[c->updates[i].index].id;
}

static void send_controlled(struct bus *bus, const char *peer, const size_t *picked, size_t n,
                            const void *data)
{
    struct controlled c = *(const struct controlled *) data;
    int r;

    c.picked = picked;
    c.n = n;
    r = tree_emit_signal(bus->device_object, &iface_thing, "Controlled", peer, append_controlled,
                         &c);
    if (r < 0)
        log_warn("control not told error=\"%s\"", strerror(-r));
}

void bus_thing_controlled(struct bus *bus, const struct prop_update *updates, size_t n)
{
    const struct controlled c = {.model = bus->core->model, .updates = updates};
    const struct bus_news news = {controlled_id, send_controlled, &c};

    if (bus->device_object)
        bus_access_share(bus, &news, n);
}

void bus_model_changed(struct bus *bus)
{
    int r = 0;

    if (!bus->device_object)
        return;
    bus_shm_review(bus); /* before the news of it */
    LIST_FOR_EACH (n, &bus->core->clients.list)
        bus_client_changed(bus, LIST_ENTRY(n, struct client, link));
    r = tree_emit_signal(bus->device_object, &iface_thing, "ModelChanged", NULL, NULL, NULL);
    if (r < 0)
        log_warn("change of the model not told error=\"%s\"", strerror(-r));
}

static const struct tree_method_impl methods[] = {
    {"Register", on_register},
    {"Unregister", on_unregister},
    {"Report", bus_thing_on_report},
    {"ReportValue", bus_thing_on_report_value},
    {"ReportJson", bus_thing_on_report_json},
    {"PostEvent", bus_thing_on_post_event},
    {"PostEventJson", bus_thing_on_post_event_json},
    {"PostEvents", bus_thing_on_post_events},
    {"PostEventsJson", bus_thing_on_post_events},
    {"Control", bus_thing_on_control},
    {"ControlJson", bus_thing_on_control_json},
    {"Invoke", bus_thing_on_invoke},
    {"InvokeJson", bus_thing_on_invoke_json},
    {"Get", on_get},
    {"GetAll", on_get_all},
    {"GetModel", on_get_model},
    {"ListProperties", on_list_properties},
};

int bus_thing_add(struct bus *bus)
{
    return tree_add_interface(bus->device_object, &iface_thing, methods, ARRAY_SIZE(methods), NULL,
                              0, bus, NULL);
}
