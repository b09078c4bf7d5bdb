/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/value.h"

struct iotc_event {
    struct list link;
    iotc_client *client; /* borrowed; NULL: gone */
    char id[LIMIT_FEATURE_ID + 1];
    struct value_list params;
    uint64_t timestamp_s; /* 0: none */
};

/* The member of org.iotd1.Thing that takes it. */
static const char *const post_members[] = {"PostEvent", "Report", "PostEvents", "ReportJson"};
enum post_kind { POST_EVENT, POST_SAMPLE, POST_EVENTS, POST_REPORT };

enum post_state { POST_STATE_QUEUED, POST_STATE_SENT, POST_STATE_ACCEPTED, POST_STATE_COUNT_ };

struct post {
    struct list link;
    iotc_client *client;
    enum post_state state;
    enum post_kind kind;
    char id[LIMIT_FEATURE_ID + 1]; /* of an event */
    struct value_list params;      /* of an event; of a sample: the property */
    char *json;                    /* of events and reports in JSON: all of them */
    uint64_t timestamp_s;          /* 0: iotd takes the time of arrival */
    uint64_t posted_s;
    uint32_t flags;
    iotc_done_fn done;
    void *userdata;
    struct call *call;
    uint64_t token;
    bool is_known; /* by the iotd that answered Attach last */
};

void events_init(struct events *events)
{
    list_init(&events->drafts);
    list_init(&events->posts);
}

static struct post *post_at(struct list *n)
{
    return LIST_ENTRY(n, struct post, link);
}

static void complete(struct post *post, int result)
{
    iotc_client *client = post->client;
    iotc_done_fn done = post->done;
    void *userdata = post->userdata;

    call_cancel(post->call);
    list_remove(&post->link);
    client->events.n_posts--;
    value_list_done(&post->params);
    free(post->json);
    free(post);
    if (done)
        client_run_done(client, done, userdata, result);
}

void events_done(iotc_client *client)
{
    if (!client->events.posts.next)
        return; /* never initialised */
    while (!list_is_empty(&client->events.posts))
        complete(post_at(client->events.posts.next), -ECANCELED);
    while (!list_is_empty(&client->events.drafts)) {
        iotc_event *event = LIST_ENTRY(client->events.drafts.next, iotc_event, link);

        list_remove(&event->link);
        event->client = NULL;
    }
}

static void on_token(DBusMessage *reply, int error, void *userdata)
{
    struct post *post = userdata;
    DBusMessageIter it;
    int r = error;

    post->call = NULL;
    if (r == -ECONNRESET)
        return; /* events_on_detached() comes */
    if (reply && (!dbus_message_iter_init(reply, &it) || msg_read_uint64(&it, &post->token) < 0))
        r = -EPROTO;
    if (r >= 0 && post->done && !(post->flags & IOTC_POST_STORED)) {
        post->state = POST_STATE_ACCEPTED;
        return;
    }
    if (r < 0)
        client_debug(post->client, "%s %s: %s", post_members[post->kind], post->id,
                     iotc_strerror(r));
    complete(post, r);
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

static int send_post(struct post *post)
{
    struct session *session = post->client->session;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING,
                         post_members[post->kind]);
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

void events_flush(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->events.posts) {
        struct post *post = post_at(n);

        if (post->state != POST_STATE_QUEUED)
            continue;
        if (send_post(post) < 0) {
            client_flush_later(client, CLIENT_MEMORY_PAUSE_US);
            return;
        }
        post->state = POST_STATE_SENT;
    }
}

void events_on_detached(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->events.posts) {
        struct post *post = post_at(n);

        if (!post->timestamp_s)
            post->timestamp_s = post->posted_s;
        if (post->state == POST_STATE_SENT)
            post->state = POST_STATE_QUEUED;
    }
}

int events_on_attaching(iotc_client *client, DBusMessageIter *options)
{
    uint64_t tokens[LIMIT_CLIENT_POSTS];
    size_t n_tokens = 0;

    LIST_FOR_EACH (n, &client->events.posts) {
        const struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED)
            tokens[n_tokens++] = post->token; /* there are no more posts than that */
    }
    return n_tokens > 0 ? msg_dict_uint64s(options, "tokens", tokens, n_tokens) : 0;
}

static void mark_known(iotc_client *client, const uint64_t *tokens, size_t n_tokens)
{
    LIST_FOR_EACH (n, &client->events.posts) {
        struct post *post = post_at(n);

        post->is_known = false;
        for (size_t i = 0; i < n_tokens; i++)
            post->is_known |= post->token == tokens[i];
    }
}

/* Callbacks change the list, so look again each time. */
static struct post *find_forgotten(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->events.posts) {
        struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED && !post->is_known)
            return post;
    }
    return NULL;
}

void events_on_attached(iotc_client *client, DBusMessage *reply)
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
    mark_known(client, tokens, n);
    while ((post = find_forgotten(client)))
        complete(post, -ECONNRESET);
}

bool events_on_completed(iotc_client *client, uint64_t token, int result)
{
    LIST_FOR_EACH (n, &client->events.posts) {
        struct post *post = post_at(n);

        if (post->state == POST_STATE_ACCEPTED && post->token == token) {
            complete(post, result);
            return true;
        }
    }
    return false;
}

int iotc_event_new(iotc_client *client, iotc_event **ret_event, const char *id)
{
    iotc_event *event;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!ret_event || !name_is_feature_id(id))
        return -EINVAL;
    event = calloc(1, sizeof(*event));
    if (!event)
        return -ENOMEM;
    event->client = client;
    memcpy(event->id, id, strlen(id) + 1); /* the form was checked: it fits */
    list_append(&client->events.drafts, &event->link);
    *ret_event = event;
    return 0;
}

iotc_event *iotc_event_free(iotc_event *event)
{
    if (event) {
        list_remove(&event->link);
        value_list_done(&event->params);
        free(event);
    }
    return NULL;
}

static int set(iotc_event *event, const char *param, struct value v)
{
    return event ? value_list_set(&event->params, param, &v, LIMIT_EVENT_PARAMS) : -EINVAL;
}

int iotc_event_set_bool(iotc_event *event, const char *param, bool value)
{
    return set(event, param, value_of_bool(value));
}

int iotc_event_set_int(iotc_event *event, const char *param, int64_t value)
{
    return set(event, param, value_of_int(value));
}

int iotc_event_set_double(iotc_event *event, const char *param, double value)
{
    return set(event, param, value_of_double(value));
}

int iotc_event_set_string(iotc_event *event, const char *param, const char *value)
{
    return set(event, param, value_of_string(value));
}

int iotc_event_set_value(iotc_event *event, const char *param, const iotc_value *value)
{
    return value ? set(event, param, value_of_nested(value)) : -EINVAL;
}

int iotc_event_set_timestamp(iotc_event *event, uint64_t real_s)
{
    if (!event)
        return -EINVAL;
    event->timestamp_s = real_s;
    return 0;
}

static uint64_t now_s(void)
{
    struct timespec ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
    return (uint64_t) ts.tv_sec;
}

/* What a post is made of. */
struct content {
    enum post_kind kind;
    const char *id;           /* its form was checked: it fits */
    struct value_list params; /* taken over */
    char *json;               /* taken over */
    uint64_t timestamp_s;
};

static void content_done(struct content *c)
{
    value_list_done(&c->params);
    free(c->json);
}

static int new_post(iotc_client *client, struct content *content, uint32_t flags, iotc_done_fn done,
                    void *userdata)
{
    struct post *post;

    if (client->events.n_posts >= LIMIT_CLIENT_POSTS)
        return -ENOBUFS;
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
    if (!post->timestamp_s && !session_is_attached(client->session))
        post->timestamp_s = post->posted_s;
    post->flags = flags;
    post->done = done;
    post->userdata = userdata;
    list_append(&client->events.posts, &post->link);
    client->events.n_posts++;
    client_flush_later(client, 0);
    return 0;
}

int events_post_sample(iotc_client *client, const char *id, const struct value *value,
                       iotc_done_fn done, void *userdata)
{
    CLEANUP(content_done) struct content c = {.kind = POST_SAMPLE, .id = ""};
    int r = value_list_set(&c.params, id, value, 1);

    return r < 0 ? r : new_post(client, &c, 0, done, userdata);
}

/* iotd reads it: here it has to be text that can travel. */
static int post_json(iotc_client *client, enum post_kind kind, const char *json, uint32_t flags,
                     iotc_done_fn done, void *userdata)
{
    CLEANUP(content_done) struct content c = {.kind = kind, .id = ""};
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!json || (flags & ~IOTC_POST_STORED))
        return -EINVAL;
    if (strlen(json) > LIMIT_MQTT_PAYLOAD)
        return -EMSGSIZE;
    if (!utf8_is_valid(json, strlen(json)))
        return -EINVAL;
    c.json = strdup(json);
    return c.json ? new_post(client, &c, flags, done, userdata) : -ENOMEM;
}

int iotc_events_post_json(iotc_client *client, const char *json, uint32_t flags, iotc_done_fn done,
                          void *userdata)
{
    return post_json(client, POST_EVENTS, json, flags, done, userdata);
}

int iotc_report_json(iotc_client *client, const char *json, iotc_done_fn done, void *userdata)
{
    return post_json(client, POST_REPORT, json, 0, done, userdata);
}

int iotc_event_post(iotc_event *event, uint32_t flags, iotc_done_fn done, void *userdata)
{
    CLEANUP(content_done) struct content c = {.kind = POST_EVENT};
    int r;

    if (!event || (flags & ~IOTC_POST_STORED))
        return -EINVAL;
    if (!event->client)
        return -ESHUTDOWN;
    r = client_check(event->client);
    if (r >= 0 && event->client->events.n_posts >= LIMIT_CLIENT_POSTS)
        r = -ENOBUFS;
    if (r >= 0)
        r = value_list_copy(&c.params, &event->params);
    if (r < 0)
        return r;
    c.id = event->id;
    c.timestamp_s = event->timestamp_s;
    return new_post(event->client, &c, flags, done, userdata);
}

int iotc_event_claim(iotc_client *client, iotc_slot **ret_slot, const char *id)
{
    if (!id)
        return -EINVAL;
    return serve_new(client, ret_slot, SERVE_KIND_EVENT, &id, 1, NULL, NULL, NULL);
}
