/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/serve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/name.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/policy.h"
#include "libiotclient/request.h"

/* Another program may give the id back, or iotd gets room again. */
#define RETRY_US (5 * USEC_PER_SEC)

struct serve {
    iotc_slot *slot;
    enum serve_kind kind;
    uint32_t number;
    const char **ids; /* one block with the texts */
    size_t n_ids;
    iotc_policy *policies; /* parallel to ids; NULL: nothing is asked for */
    bool is_ours;          /* registered since the attach */
    bool again;            /* something changed while Register was on its way */
    struct call *call;     /* Register */
    struct loop_timer retry;
};

static void serve_register(struct serve *serve);

static struct serve *serve_at(struct list *n)
{
    return LIST_ENTRY(n, iotc_slot, link)->serve;
}

void serves_init(struct serves *serves)
{
    slot_list_init(&serves->slots);
    list_init(&serves->requests);
}

static void on_retry(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    serve_register(userdata);
}

/* What only a change of the model or of the policy can cure; of the first iotd tells. */
static bool is_final(int error)
{
    return error == -ENOENT || error == -EACCES || error == -EINVAL || error == -EOPNOTSUPP ||
           error == -EPROTOTYPE || error == -ERANGE;
}

static void on_registered(DBusMessage *reply, int error, void *userdata)
{
    struct serve *serve = userdata;
    struct loop *loop = &serve->slot->client->loop.loop;

    (void) reply;
    serve->call = NULL;
    if (error == -ECONNRESET)
        return; /* serves_on_detached() comes */
    client_flush_later(serve->slot->client, 0);
    serve->is_ours |= error == 0;
    if (serve->again) {
        serve->again = false;
        serve_register(serve);
        return;
    }
    if (error < 0 && !is_final(error))
        loop_timer_arm(loop, &serve->retry, RETRY_US, on_retry, serve);
    slot_set_error(serve->slot, error); /* may end the slot */
}

static void handler_path(const struct serve *serve, char *buf, size_t size)
{
    (void) snprintf(buf, size, IOTD_HANDLER_PATH_PREFIX "%u", serve->number); /* always fits */
}

static int append_ids(const struct serve *serve, DBusMessageIter *it)
{
    int r = 0;

    for (enum serve_kind k = SERVE_KIND_CONTROL; k < SERVE_KIND_COUNT_ && r >= 0; k++)
        r = msg_append_strv(it, serve->ids, k == serve->kind ? serve->n_ids : 0);
    return r;
}

static int send_register(struct serve *serve)
{
    iotc_client *client = serve->slot->client;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, dict;
    char path[64];
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = append_ids(serve, &it);
    handler_path(serve, path, sizeof(path));
    if (r >= 0)
        r = msg_append_path(&it, path);
    if (r >= 0)
        r = msg_open_dict(&it, &dict);
    if (r >= 0)
        r = msg_close(&it, &dict, policy_append(&dict, serve->ids, serve->policies, serve->n_ids));
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_registered, serve, &serve->call);
}

static void serve_register(struct serve *serve)
{
    iotc_client *client = serve->slot->client;

    if (!session_is_attached(client->session) || serve->call)
        return;
    loop_timer_cancel(&serve->retry);
    if (send_register(serve) < 0)
        loop_timer_arm(&client->loop.loop, &serve->retry, CLIENT_MEMORY_PAUSE_US, on_retry, serve);
}

/* Nobody waits for the answer: iotd forgets us anyway if it goes away. */
static void send_unregister(struct serve *serve)
{
    iotc_client *client = serve->slot->client;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;

    if (session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Unregister") <
        0)
        return;
    dbus_message_iter_init_append(msg, &it);
    if (append_ids(serve, &it) < 0)
        return;
    dbus_message_set_no_reply(msg, TRUE);
    (void) session_send(client->session, msg);
}

/* Of all its ids, or none any more. */
static void tell_history(struct serve *serve, bool is_served)
{
    for (size_t i = 0; serve->policies && i < serve->n_ids; i++)
        reports_set_history(serve->slot->client, serve->ids[i],
                            is_served && serve->policies[i].history);
}

static void serve_free(struct serve *serve)
{
    free(serve->policies);
    free(serve->ids);
    free(serve);
}

static void on_slot_end(iotc_slot *slot)
{
    struct serve *serve = slot->serve;
    bool may_own = serve->is_ours || serve->call;

    call_cancel(serve->call);
    loop_timer_cancel(&serve->retry);
    if (may_own && !slot->client->closed) {
        send_unregister(serve);
        client_flush_later(slot->client, 0);
    }
    tell_history(serve, false);
    slot->serve = NULL;
    serve_free(serve);
}

void serves_on_attached(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->serves.slots.head) {
        struct serve *serve = serve_at(n);

        if (!serve)
            continue;
        serve->again = serve->call != NULL;
        serve_register(serve);
    }
}

static void mark_detached(iotc_slot *slot, void *arg)
{
    struct serve *serve = slot->serve;

    (void) arg;
    loop_timer_cancel(&serve->retry);
    serve->is_ours = serve->again = false;
    slot_set_error(slot, -EINPROGRESS);
}

void serves_on_detached(iotc_client *client)
{
    slot_list_walk(&client->serves.slots, mark_detached, NULL);
}

void serves_done(iotc_client *client)
{
    if (!client->serves.slots.head.next)
        return; /* never initialised */
    slot_list_done(&client->serves.slots);
    request_cut_all(client);
}

/* The ids are copied into one block: pointers first, texts after them. */
static int copy_ids(const char *const *ids, size_t n_ids, const char ***ret_ids)
{
    const char **copy = calloc(n_ids, sizeof(*copy) + LIMIT_FEATURE_ID + 1);
    char *text;

    if (!copy)
        return -ENOMEM;
    text = (char *) (copy + n_ids);
    for (size_t i = 0; i < n_ids; i++) {
        copy[i] = strcpy(text, ids[i]); /* the form was checked: it fits */
        text += LIMIT_FEATURE_ID + 1;
    }
    *ret_ids = copy;
    return 0;
}

static bool serves_id(const struct serve *serve, enum serve_kind kind, const char *id)
{
    for (size_t i = 0; serve && serve->kind == kind && i < serve->n_ids; i++) {
        if (strcmp(serve->ids[i], id) == 0)
            return true;
    }
    return false;
}

static int check_ids(iotc_client *client, enum serve_kind kind, const char *const *ids,
                     size_t n_ids)
{
    if (!ids || !n_ids)
        return -EINVAL;
    if (n_ids > LIMIT_CLIENT_IDS)
        return -EMSGSIZE;
    for (size_t i = 0; i < n_ids; i++) {
        if (!name_is_feature_id(ids[i]))
            return -EINVAL;
        LIST_FOR_EACH (n, &client->serves.slots.head) {
            if (serves_id(serve_at(n), kind, ids[i]))
                return -EEXIST;
        }
    }
    return 0;
}

int serve_new(iotc_client *client, iotc_slot **ret_slot, enum serve_kind kind,
              const char *const *ids, size_t n_ids, slot_fn fn, void *userdata,
              iotc_free_fn destroy)
{
    CLEANUP(freep) const char **copy = NULL;
    struct serve *serve;
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r >= 0)
        r = check_ids(client, kind, ids, n_ids);
    if (r >= 0)
        r = copy_ids(ids, n_ids, &copy);
    if (r < 0)
        return r;
    serve = calloc(1, sizeof(*serve));
    if (!serve)
        return -ENOMEM;
    r = slot_new(&slot, &client->serves.slots, client, fn, userdata, destroy);
    if (r < 0) {
        free(serve);
        return r;
    }
    serve->slot = slot;
    serve->kind = kind;
    serve->number = ++client->serves.next_number;
    serve->ids = TAKE(copy);
    serve->n_ids = n_ids;
    slot->has_state = true;
    slot->error = -EINPROGRESS;
    slot->serve = serve;
    slot->on_end = on_slot_end;
    slot->floating = !ret_slot;
    serve_register(serve);
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}

iotc_slot *serve_find(iotc_client *client, const char *path)
{
    char own[64];

    LIST_FOR_EACH (n, &client->serves.slots.head) {
        struct serve *serve = serve_at(n);

        if (!serve)
            continue;
        handler_path(serve, own, sizeof(own));
        if (strcmp(own, path) == 0)
            return serve->slot;
    }
    return NULL;
}

bool serve_owns(iotc_slot *slot, enum serve_kind kind, const char *id)
{
    return serves_id(slot->serve, kind, id);
}

enum serve_kind serve_get_kind(iotc_slot *slot)
{
    return ((struct serve *) slot->serve)->kind;
}

void serves_on_model(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->serves.slots.head) {
        if (serve_at(n))
            tell_history(serve_at(n), true);
    }
}

bool serves_are_registering(const iotc_client *client)
{
    LIST_FOR_EACH (n, &client->serves.slots.head) {
        const struct serve *serve = serve_at(n);

        if (serve && serve->call)
            return true;
    }
    return false;
}

static int set_policy(struct serve *serve, size_t index, const iotc_policy *policy)
{
    static const iotc_policy nothing;
    iotc_client *client = serve->slot->client;
    int r;

    if (!serve->policies)
        serve->policies = calloc(serve->n_ids, sizeof(*serve->policies));
    if (!serve->policies)
        return -ENOMEM;
    r = policy_copy(&serve->policies[index], policy ? policy : &nothing);
    if (r < 0)
        return r;
    reports_set_history(client, serve->ids[index], serve->policies[index].history);
    serve->again = serve->call != NULL;
    if (session_is_attached(client->session))
        serve_register(serve);
    return 0;
}

int iotc_slot_set_policy(iotc_slot *slot, const char *id, const iotc_policy *policy)
{
    struct serve *serve;

    if (!slot || !id)
        return -EINVAL;
    if (!slot->client || slot->ended)
        return -ESHUTDOWN;
    serve = slot->serve;
    if (!serve || serve->kind != SERVE_KIND_CONTROL)
        return -EINVAL;
    for (size_t i = 0; i < serve->n_ids; i++) {
        if (strcmp(serve->ids[i], id) == 0)
            return set_policy(serve, i, policy);
    }
    return -ENOENT;
}
