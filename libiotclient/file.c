/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"

/* More than iotd has of a kind, with those that the cloud alone has: the answer of another iotd. */
#define LIST_MAX (8 * LIMIT_FILES)

struct file_request {
    struct list link;
    iotc_client *client; /* borrowed: ends its requests before it goes */
    struct call *call;
    /* At most one of them. */
    iotc_file_list_fn on_list;
    iotc_file_open_fn on_open;
    iotc_done_fn done;
    void *userdata;
    char name[LIMIT_FILE_NAME + 1]; /* of open */
};

bool file_is_kind(iotc_file_kind kind)
{
    return kind == IOTC_FILE_USER || kind == IOTC_FILE_RESOURCE;
}

const char *file_iface(iotc_file_kind kind)
{
    return kind == IOTC_FILE_USER ? IOTD_IFACE_FILES : IOTD_IFACE_RESOURCES;
}

int file_may_begin(iotc_client *client)
{
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!session_is_attached(client->session))
        return -ENOTCONN;
    return client->files.n_pending >= FILE_REQUESTS ? -ENOBUFS : 0;
}

void files_init(struct files *files)
{
    for (size_t i = 0; i < FILE_KINDS; i++)
        slot_list_init(&files->watches[i]);
    list_init(&files->requests);
    list_init(&files->uploads);
}

/* --- what iotd answers --- */

static iotc_file_info empty_info(void)
{
    return (iotc_file_info){.name = "", .type = "", .version = "", .md5 = ""};
}

/* a{sv} of Open and Received. */
static int read_info(DBusMessageIter *it, iotc_file_info *info)
{
    const struct {
        const char *key, **text;
    } texts[] = {{"type", &info->type}, {"version", &info->version}, {"md5", &info->md5}};
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
            if (strcmp(texts[i].key, key) == 0)
                r = msg_read_string(&value, texts[i].text);
        }
        if (r == 0 && strcmp(key, "size") == 0)
            r = msg_read_uint64(&value, &info->size);
        else if (r == 0 && strcmp(key, "stamp") == 0)
            r = msg_read_uint64(&value, &info->stamp_us);
    }
    return r;
}

/* (sssttu) */
static int read_row(DBusMessageIter *array, iotc_file_info *info)
{
    DBusMessageIter it;
    uint64_t state = 0;
    int r;

    if (dbus_message_iter_get_arg_type(array) != DBUS_TYPE_STRUCT)
        return -EPROTO;
    dbus_message_iter_recurse(array, &it);
    *info = empty_info();
    r = msg_read_string(&it, &info->name);
    if (r == 0)
        r = msg_read_string(&it, &info->type);
    if (r == 0)
        r = msg_read_string(&it, &info->version);
    if (r == 0)
        r = msg_read_uint64(&it, &info->size);
    if (r == 0)
        r = msg_read_uint64(&it, &info->stamp_us);
    if (r == 0)
        r = msg_read_uint64(&it, &state);
    if (r < 0)
        return -EPROTO;
    info->state = state > IOTC_FILE_AWAY ? IOTC_FILE_AWAY : (iotc_file_state) state;
    dbus_message_iter_next(array);
    return 0;
}

static int read_rows(DBusMessageIter *array, size_t n, iotc_file_info *rows,
                     const iotc_file_info **pointers)
{
    for (size_t i = 0; i < n; i++) {
        int r = read_row(array, &rows[i]);

        if (r < 0)
            return r;
        pointers[i] = &rows[i];
    }
    return 0;
}

static void run_list(const struct file_request *rq, DBusMessageIter *it, int result)
{
    CLEANUP(freep) iotc_file_info *rows = NULL;
    CLEANUP(freep) const iotc_file_info **pointers = NULL;
    DBusMessageIter array;
    size_t n = 0;

    if (result == 0 && (msg_read_array(it, &array, &n) < 0 || n > LIST_MAX))
        result = -EPROTO;
    if (result == 0) {
        rows = calloc(n + 1, sizeof(*rows));
        pointers = calloc(n + 1, sizeof(const iotc_file_info *));
        result = rows && pointers ? read_rows(&array, n, rows, pointers) : -ENOMEM;
    }
    rq->on_list(rq->client, result, result == 0 ? pointers : NULL, result == 0 ? n : 0,
                rq->userdata);
}

static void run_open(const struct file_request *rq, DBusMessageIter *it, int result)
{
    CLEANUP(fd_closep) int fd = -1;
    iotc_file_info info = empty_info();

    info.name = rq->name;
    if (result == 0) {
        result = msg_read_fd(it, &fd);
        if (result == 0)
            result = read_info(it, &info);
        if (result < 0 && result != -EMFILE)
            result = -EPROTO;
    }
    rq->on_open(rq->client, result, result == 0 ? fd : -1, result == 0 ? &info : NULL,
                rq->userdata);
}

/* Frees it first: the function may do anything with the client. */
static void request_end(struct file_request *rq, DBusMessageIter *it, int result)
{
    const struct file_request copy = *rq;
    iotc_client *client = copy.client;

    list_remove(&rq->link);
    (void) call_cancel(rq->call);
    client->files.n_pending--;
    free(rq);
    if (copy.done) {
        client_run_done(client, copy.done, copy.userdata, result);
        return;
    }
    client->n_callbacks++;
    if (copy.on_list)
        run_list(&copy, it, result);
    else if (copy.on_open)
        run_open(&copy, it, result);
    else
        client->n_callbacks--;
}

static void on_reply(DBusMessage *reply, int error, void *userdata)
{
    struct file_request *rq = userdata;
    DBusMessageIter it;

    rq->call = NULL;
    if (reply && !dbus_message_iter_init(reply, &it) && !rq->done)
        error = -EPROTO;
    request_end(rq, &it, error);
}

/* What waits is completed with -ECANCELED. */
void files_done(iotc_client *client)
{
    struct files *fs = &client->files;

    if (!fs->requests.next)
        return; /* never initialised */
    while (!list_is_empty(&fs->requests))
        request_end(LIST_ENTRY(fs->requests.next, struct file_request, link), NULL, -ECANCELED);
    uploads_done(client);
    for (size_t i = 0; i < FILE_KINDS; i++)
        slot_list_done(&fs->watches[i]);
}

/* --- what it is asked --- */

static int new_call(iotc_client *client, iotc_file_kind kind, const char *member,
                    DBusMessage **ret_msg, DBusMessageIter *ret_it)
{
    int r = session_new_call(client->session, ret_msg, IOTD_DEVICE_PATH, file_iface(kind), member);

    if (r == 0)
        dbus_message_iter_init_append(*ret_msg, ret_it);
    return r;
}

/* Sends a copy of the request. r: the result of making msg. */
static int request_send(const struct file_request *template, DBusMessage *msg, int r)
{
    CLEANUP(freep) struct file_request *rq = NULL;
    iotc_client *client = template->client;

    if (r == 0) {
        rq = malloc(sizeof(*rq));
        r = rq ? 0 : -ENOMEM;
    }
    if (r == 0) {
        *rq = *template;
        r = call_start(client->session, msg, CALL_TIMEOUT_MS, on_reply, rq, &rq->call);
    }
    if (r < 0)
        return r == -ECONNRESET ? -ENOTCONN : r;
    list_append(&client->files.requests, &rq->link);
    client->files.n_pending++;
    (void) TAKE(rq);
    return 0;
}

int iotc_file_list(iotc_client *client, iotc_file_kind kind, iotc_file_list_fn fn, void *userdata)
{
    const struct file_request rq = {.client = client, .on_list = fn, .userdata = userdata};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = fn && file_is_kind(kind) ? file_may_begin(client) : -EINVAL;

    if (r == 0)
        r = new_call(client, kind, "List", &msg, &it);
    return request_send(&rq, msg, r);
}

/* Open and Delete. */
static int ask_by_name(struct file_request *rq, iotc_file_kind kind, const char *member,
                       const char *name)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = name && file_is_kind(kind) && name_is_file(name) ? file_may_begin(rq->client) : -EINVAL;

    if (r < 0)
        return r;
    memcpy(rq->name, name, strlen(name) + 1);
    r = new_call(rq->client, kind, member, &msg, &it);
    if (r == 0)
        r = msg_append_string(&it, name);
    return request_send(rq, msg, r);
}

int iotc_file_open(iotc_client *client, iotc_file_kind kind, const char *name, iotc_file_open_fn fn,
                   void *userdata)
{
    struct file_request rq = {.client = client, .on_open = fn, .userdata = userdata};

    return fn ? ask_by_name(&rq, kind, "Open", name) : -EINVAL;
}

int iotc_file_delete(iotc_client *client, iotc_file_kind kind, const char *name, iotc_done_fn done,
                     void *userdata)
{
    struct file_request rq = {.client = client, .done = done, .userdata = userdata};

    return ask_by_name(&rq, kind, "Delete", name);
}

int iotc_file_check(iotc_client *client, iotc_done_fn done, void *userdata)
{
    const struct file_request rq = {.client = client, .done = done, .userdata = userdata};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = file_may_begin(client);

    if (r == 0)
        r = new_call(client, IOTC_FILE_RESOURCE, "Check", &msg, &it);
    return request_send(&rq, msg, r);
}

int iotc_file_request_asr(iotc_client *client, const char *token, const char *json,
                          iotc_done_fn done, void *userdata)
{
    const struct file_request rq = {.client = client, .done = done, .userdata = userdata};
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = token ? file_may_begin(client) : -EINVAL;

    if (r == 0)
        r = new_call(client, IOTC_FILE_USER, "RequestAsr", &msg, &it);
    if (r == 0)
        r = msg_append_string(&it, token);
    if (r == 0)
        r = msg_append_string(&it, json ? json : "");
    return request_send(&rq, msg, r);
}

/* --- news --- */

static int hear(iotc_client *client, iotc_file_kind kind)
{
    const enum session_news news =
        kind == IOTC_FILE_USER ? SESSION_NEWS_FILES : SESSION_NEWS_RESOURCES;

    if (!session_is_attached(client->session) || list_is_empty(&client->files.watches[kind].head))
        return 0;
    return session_hear(client->session, news, true);
}

void files_on_attached(iotc_client *client)
{
    int r = hear(client, IOTC_FILE_USER);

    if (r == 0)
        r = hear(client, IOTC_FILE_RESOURCE);
    if (r < 0)
        session_restart(client->session, r);
}

void files_on_detached(iotc_client *client)
{
    uploads_on_detached(client); /* requests have ended with their calls */
}

struct news {
    iotc_file_kind kind;
    bool is_here;
    iotc_file_info info;
};

static void run_watch(iotc_slot *slot, void *arg)
{
    const struct news *n = arg;

    slot->client->n_callbacks++;
    ((iotc_file_fn) slot->fn)(slot->client, n->kind, n->is_here, &n->info, slot->userdata);
}

void files_on_signal(iotc_client *client, DBusMessage *msg)
{
    struct news n = {
        .kind =
            dbus_message_has_interface(msg, IOTD_IFACE_FILES) ? IOTC_FILE_USER : IOTC_FILE_RESOURCE,
        .is_here = dbus_message_has_member(msg, "Received"),
        .info = empty_info(),
    };
    DBusMessageIter it;

    if ((!n.is_here && !dbus_message_has_member(msg, "Removed")) ||
        !dbus_message_iter_init(msg, &it) || msg_read_string(&it, &n.info.name) < 0)
        return;
    if (n.is_here && read_info(&it, &n.info) < 0)
        return;
    if (!n.is_here)
        n.info.state = IOTC_FILE_AWAY;
    slot_list_walk(&client->files.watches[n.kind], run_watch, &n);
}

int iotc_file_watch(iotc_client *client, iotc_slot **ret_slot, iotc_file_kind kind, iotc_file_fn fn,
                    void *userdata, iotc_free_fn destroy)
{
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!fn || !file_is_kind(kind))
        return -EINVAL;
    r = slot_new(&slot, &client->files.watches[kind], client, (slot_fn) fn, userdata, destroy);
    if (r < 0)
        return r;
    r = hear(client, kind);
    if (r < 0) {
        slot_discard(slot);
        return r;
    }
    slot->floating = !ret_slot;
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}
