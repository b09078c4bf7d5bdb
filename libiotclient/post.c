/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/post.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/names.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/done.h"
#include "libiotclient/prop.h"

/* The member of org.iotd1.Thing that takes it, and the record. */
static const struct {
    const char *member;
    uint32_t type;
} doors[POST_KIND_COUNT_] = {
    [POST_EVENT] = {"PostEvent", LAYOUT_UP_EVENT},
    [POST_SAMPLE] = {"Report", LAYOUT_UP_REPORT},
    [POST_EVENTS] = {"PostEvents", LAYOUT_UP_EVENTS_JSON},
    [POST_REPORT] = {"ReportJson", LAYOUT_UP_REPORT_JSON},
};

enum post_state { POST_STATE_QUEUED, POST_STATE_SENT, POST_STATE_ACCEPTED, POST_STATE_COUNT_ };

struct post {
    struct list link;
    iotc_client *client;
    iotc_prop *prop; /* of a sample, as long as iotd has not answered */
    enum post_state state;
    enum post_kind kind;
    char id[LIMIT_FEATURE_ID + 1];
    struct value_list params;
    char *json;
    uint64_t timestamp_s; /* 0: iotd takes the time of arrival */
    uint64_t posted_s;
    uint32_t flags;
    struct list dones;
    struct call *call;
    bool is_beside;  /* the call is too large for a record */
    uint32_t record; /* that waits for its token; 0: none */
    uint64_t token;
    bool is_known; /* by the iotd that answered Attach last */
};

void content_done(struct content *content)
{
    value_list_done(&content->params);
    free(content->json);
}

void posts_init(struct posts *posts)
{
    list_init(&posts->queue);
    list_init(&posts->inbox);
    slot_list_init(&posts->writable);
}

static struct post *post_at(struct list *n)
{
    return LIST_ENTRY(n, struct post, link);
}

static void post_free(struct post *post)
{
    value_list_done(&post->params);
    free(post->json);
    free(post);
}

/* With the lock: what comes after it may take another way. */
static void set_answered(struct post *post)
{
    struct reports *reports = &post->client->reports;

    if (post->prop)
        post->prop->report.n_elsewhere--;
    else if (post->kind == POST_REPORT && post->state != POST_STATE_ACCEPTED)
        reports->n_json--;
    post->prop = NULL;
}

static void complete(struct post *post, int result)
{
    iotc_client *client = post->client;
    struct list dones;

    list_init(&dones);
    list_splice(&dones, &post->dones);
    call_cancel(post->call);
    client_lock(client);
    set_answered(post);
    list_remove(&post->link);
    client->posts.n_posts--;
    client_unlock(client);
    post_free(post);
    dones_run(client, &dones, result);
}

static uint64_t now_s(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
    return (uint64_t) ts.tv_sec;
}

/* With the lock. */
static int new_post(iotc_client *client, struct content *content, struct list *dones,
                    struct post **ret_post)
{
    struct posts *posts = &client->posts;
    struct post *post;

    if (posts->n_posts >= LIMIT_CLIENT_POSTS) {
        posts->was_full = true;
        return -ENOBUFS;
    }
    post = calloc(1, sizeof(*post));
    if (!post)
        return -ENOMEM;
    post->client = client;
    post->kind = content->kind;
    memcpy(post->id, content->id, strlen(content->id) + 1);
    post->params = content->params;
    content->params = (struct value_list){0};
    post->json = TAKE(content->json);
    post->posted_s = now_s();
    post->timestamp_s = content->timestamp_s;
    if (!post->timestamp_s && !posts->is_attached)
        post->timestamp_s = post->posted_s;
    post->flags = content->flags;
    list_init(&post->dones);
    list_splice(&post->dones, dones);
    list_append(&posts->inbox, &post->link);
    posts->n_posts++;
    if (post->kind == POST_REPORT)
        client->reports.n_json++;
    *ret_post = post;
    return 0;
}

int posts_add(iotc_client *client, struct content *content, iotc_done_fn done, void *userdata)
{
    struct list dones;
    struct post *post;
    int r;

    list_init(&dones);
    client_lock(client);
    r = done_add(client, &dones, done, userdata);
    if (r >= 0) {
        r = new_post(client, content, &dones, &post);
        if (r < 0 && done)
            done_drop_last(client, &dones);
    }
    client_unlock(client);
    if (r >= 0)
        client_flush_later(client, 0);
    return r;
}

int posts_add_sample(iotc_prop *prop, const struct value *value, struct list *dones,
                     struct list **ret_dones)
{
    CLEANUP(content_done) struct content c = {.kind = POST_SAMPLE, .id = ""};
    struct post *post;
    int r = value_list_set(&c.params, prop->id, value, 1);

    if (r >= 0)
        r = new_post(prop->client, &c, dones, &post);
    if (r < 0)
        return r;
    post->prop = prop;
    prop->report.n_elsewhere++;
    *ret_dones = &post->dones;
    return 0;
}

static void empty_inbox(iotc_client *client)
{
    client_lock(client);
    list_splice(&client->posts.queue, &client->posts.inbox);
    client_unlock(client);
}

void posts_done(iotc_client *client)
{
    if (!client->posts.queue.next || !client->shm.is_lock_made)
        return; /* never initialised */
    empty_inbox(client);
    while (!list_is_empty(&client->posts.queue))
        complete(post_at(client->posts.queue.next), -ECANCELED);
    slot_list_done(&client->posts.writable);
}

static void on_answer(struct post *post, int error)
{
    iotc_client *client = post->client;

    if (error == 0 && !list_is_empty(&post->dones) && !(post->flags & IOTC_POST_STORED)) {
        client_lock(client);
        set_answered(post);
        client_unlock(client);
        post->state = POST_STATE_ACCEPTED;
        return;
    }
    if (error < 0)
        client_debug(client, "%s %s: %s", doors[post->kind].member, post->id, iotc_strerror(error));
    complete(post, error);
}

bool posts_on_token(iotc_client *client, uint32_t id, int result, uint64_t token)
{
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);

        if (post->record != id)
            continue;
        post->record = 0;
        post->token = token;
        shm_ring_answered(client);
        on_answer(post, result);
        return true;
    }
    return false;
}

static void on_token(DBusMessage *reply, int error, void *userdata)
{
    struct post *post = userdata;
    iotc_client *client = post->client;
    bool has_ended = false;
    DBusMessageIter it;
    uint64_t token = 0;
    int r = error, result;

    post->call = NULL;
    if (r == -ECONNRESET)
        return; /* posts_on_detached() comes */
    if (reply && (!dbus_message_iter_init(reply, &it) || msg_read_uint64(&it, &token) < 0))
        r = -EPROTO;
    post->token = token;
    if (post->is_beside)
        has_ended = shm_ring_bus_answered(client, token, &result);
    post->is_beside = false;
    on_answer(post, r);
    if (has_ended)
        (void) posts_on_completed(client, token, result); /* unless it was stored only */
}

static int append_options(DBusMessageIter *it, const struct post *post)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    if (post->timestamp_s)
        r = msg_dict_uint64(&dict, "timestamp", post->timestamp_s);
    return msg_close(it, &dict, r);
}

static int send_by_bus(struct post *post)
{
    struct session *session = post->client->session;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING,
                         doors[post->kind].member);
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    if (post->kind == POST_EVENT)
        r = msg_append_string(&it, post->id);
    if (r >= 0)
        r = post->json ? msg_append_string(&it, post->json) : value_list_append(&it, &post->params);
    if (r >= 0 && post->kind != POST_REPORT)
        r = append_options(&it, post);
    if (r < 0)
        return r;
    return call_start(session, msg, CALL_TIMEOUT_MS, on_token, post, &post->call);
}

static void fill_post(struct pack_writer *w, const void *data)
{
    const struct post *post = data;
    size_t opened;

    if (post->timestamp_s)
        pack_put_int(w, "timestamp", (int64_t) post->timestamp_s);
    if (post->kind == POST_EVENT)
        pack_put_string(w, "id", post->id, strlen(post->id));
    if (post->json) {
        pack_put_string(w, "json", post->json, strlen(post->json));
        return;
    }
    opened = pack_open(w, post->kind == POST_EVENT ? "params" : "values", PACK_STRUCT);
    value_pack_parts(w, &post->params);
    pack_close(w, opened);
}

/* -EBUSY: not now; the client is flushed when it is time. */
static int send_post(struct post *post)
{
    iotc_client *client = post->client;
    int r;

    if (!shm_is_active(client))
        return send_by_bus(post);
    r = shm_ring_send(client, doors[post->kind].type, fill_post, post, &post->record);
    if (r != -EMSGSIZE)
        return r;
    if (!shm_ring_may_bus(client, false))
        return -EBUSY;
    r = send_by_bus(post);
    if (r < 0)
        return r;
    post->is_beside = true;
    shm_ring_by_bus(client);
    return 0;
}

bool posts_flush(iotc_client *client)
{
    empty_inbox(client);
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);
        int r;

        if (post->state != POST_STATE_QUEUED)
            continue;
        r = send_post(post);
        if (r < 0 && r != -EBUSY)
            client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
        if (r < 0)
            return false;
        post->state = POST_STATE_SENT;
    }
    return true;
}

static void set_attached(iotc_client *client, bool is_attached)
{
    client_lock(client);
    client->posts.is_attached = is_attached;
    client_unlock(client);
}

void posts_on_detached(iotc_client *client)
{
    set_attached(client, false);
    empty_inbox(client);
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);

        if (!post->timestamp_s)
            post->timestamp_s = post->posted_s;
        if (post->state == POST_STATE_SENT)
            post->state = POST_STATE_QUEUED;
        post->is_beside = false;
        post->record = 0;
    }
}

int posts_on_attaching(iotc_client *client, DBusMessageIter *options)
{
    uint64_t tokens[LIMIT_CLIENT_POSTS];
    size_t n_tokens = 0;

    LIST_FOR_EACH (n, &client->posts.queue) {
        const struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED)
            tokens[n_tokens++] = post->token; /* there are no more posts than that */
    }
    return n_tokens > 0 ? msg_dict_uint64s(options, "tokens", tokens, n_tokens) : 0;
}

static void mark_known(iotc_client *client, const uint64_t *tokens, size_t n_tokens)
{
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);

        post->is_known = false;
        for (size_t i = 0; i < n_tokens; i++)
            post->is_known |= post->token == tokens[i];
    }
}

/* Callbacks change the list, so look again each time. */
static struct post *find_forgotten(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED && !post->is_known)
            return post;
    }
    return NULL;
}

void posts_on_attached(iotc_client *client, DBusMessage *reply)
{
    CLEANUP(freep) uint64_t *tokens = NULL;
    DBusMessageIter it, value;
    struct msg_dict info;
    struct post *post;
    size_t n = 0;
    const char *key;

    /* fds ah, info a{sv} */
    if (dbus_message_iter_init(reply, &it) && dbus_message_iter_next(&it) &&
        msg_read_dict(&it, &info) == 0) {
        while (!tokens && msg_dict_next(&info, &key, &value)) {
            if (strcmp(key, "tokens") == 0 &&
                msg_read_uint64s(&value, LIMIT_CLIENT_POSTS, &tokens, &n) < 0)
                client_debug(client, "Attach: tokens that make no sense");
        }
    }
    set_attached(client, true);
    mark_known(client, tokens, n);
    while ((post = find_forgotten(client)))
        complete(post, -ECONNRESET);
}

bool posts_on_completed(iotc_client *client, uint64_t token, int result)
{
    LIST_FOR_EACH (n, &client->posts.queue) {
        struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED && post->token == token) {
            complete(post, result);
            return true;
        }
    }
    return false;
}

static void run_writable(iotc_slot *slot, void *arg)
{
    iotc_client *client = arg;

    client->n_callbacks++;
    ((iotc_writable_fn) slot->fn)(client, slot->userdata);
}

void posts_tell_room(iotc_client *client)
{
    struct posts *posts = &client->posts;
    bool has_room;

    client_lock(client);
    has_room = posts->was_full && posts->n_posts < LIMIT_CLIENT_POSTS &&
               client->reports.n_dones < LIMIT_CLIENT_DONES;
    if (has_room)
        posts->was_full = false;
    client_unlock(client);
    if (has_room)
        slot_list_walk(&posts->writable, run_writable, client);
}

int iotc_client_watch_writable(iotc_client *client, iotc_slot **ret_slot, iotc_writable_fn fn,
                               void *userdata, iotc_free_fn destroy)
{
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!fn)
        return -EINVAL;
    r = slot_new(&slot, &client->posts.writable, client, (slot_fn) fn, userdata, destroy);
    if (r < 0)
        return r;
    slot->floating = !ret_slot;
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}
