/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Uploads: Upload, then the properties of the transfer that it made until they say how it ended. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/name.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"
#include "libiotclient/file.h"

#define PATH_BYTES 64  /* of a transfer */
#define TEXT_BYTES 256 /* own choice: for people; cut */

struct file_upload {
    struct list link;
    iotc_client *client; /* borrowed: ends its uploads before it goes */
    struct call *call;   /* Upload, then GetAll */
    char *path;          /* NULL: not begun */
    bool is_cancelled;   /* Cancel is to follow */
    uint64_t id, size, done;
    uint64_t told; /* of done */
    int64_t code;  /* the vendor's */
    char state[16];
    char token[LIMIT_FILE_TOKEN + 1];
    char text[TEXT_BYTES];
    iotc_file_progress_fn on_progress; /* may be NULL */
    iotc_file_upload_fn fn;
    void *userdata;
};

static struct file_upload *upload_at(struct list *n)
{
    return LIST_ENTRY(n, struct file_upload, link);
}

/* Frees it first: the function may do anything with the client. */
static void upload_end(struct file_upload *up, int result)
{
    iotc_client *client = up->client;

    list_remove(&up->link);
    (void) call_cancel(up->call);
    client->files.n_pending--;
    client->n_callbacks++;
    up->fn(client, up->id, result, result == 0 ? up->token : "", up->text, up->userdata);
    free(up->path);
    free(up);
}

static void end_all(iotc_client *client, int result)
{
    struct list all;

    list_init(&all);
    list_splice(&all, &client->files.uploads);
    while (!list_is_empty(&all))
        upload_end(upload_at(all.next), result);
}

void uploads_on_detached(iotc_client *client)
{
    end_all(client, -ECONNRESET);
}

void uploads_done(iotc_client *client)
{
    end_all(client, -ECANCELED);
}

/* --- how it goes --- */

static int result_of(const struct file_upload *up)
{
    static const struct {
        int64_t code;
        int result;
    } results[] = {{-1, -ETIMEDOUT}, {-3, -ECONNREFUSED}};

    if (strcmp(up->state, "done") == 0)
        return 0;
    if (strcmp(up->state, "cancelled") == 0)
        return -ECANCELED;
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        if (results[i].code == up->code)
            return results[i].result;
    }
    return -EIO;
}

static bool has_ended(const struct file_upload *up)
{
    return strcmp(up->state, "done") == 0 || strcmp(up->state, "failed") == 0 ||
           strcmp(up->state, "cancelled") == 0;
}

static int read_property(struct file_upload *up, const char *key, DBusMessageIter *value)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } texts[] = {
        {"State", up->state, sizeof(up->state)},
        {"Token", up->token, sizeof(up->token)},
        {"Text", up->text, sizeof(up->text)},
    };
    const char *text;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int r;

        if (strcmp(texts[i].key, key) != 0)
            continue;
        r = msg_read_string(value, &text);
        if (r == 0)
            (void) snprintf(texts[i].text, texts[i].size, "%s", text); /* iotd bounds it */
        return r;
    }
    if (strcmp(key, "Size") == 0)
        return msg_read_uint64(value, &up->size);
    if (strcmp(key, "Done") == 0)
        return msg_read_uint64(value, &up->done);
    return strcmp(key, "Result") == 0 ? msg_read_int64(value, &up->code) : 0;
}

/* May end it. */
static void take_properties(struct file_upload *up, DBusMessageIter *it)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = read_property(up, key, &value);
    if (r < 0) {
        upload_end(up, -EPROTO);
        return;
    }
    if (has_ended(up)) {
        upload_end(up, result_of(up));
        return;
    }
    if (!up->on_progress || up->done == up->told || up->call) /* the size is not known yet */
        return;
    up->told = up->done;
    up->client->n_callbacks++;
    up->on_progress(up->client, up->id, up->done, up->size, up->userdata); /* up may be gone */
}

static void on_properties(DBusMessage *reply, int error, void *userdata)
{
    struct file_upload *up = userdata;
    DBusMessageIter it;

    up->call = NULL;
    if (error == 0 && !dbus_message_iter_init(reply, &it))
        error = -EPROTO;
    if (error < 0)
        upload_end(up, error);
    else
        take_properties(up, &it);
}

static int ask(struct file_upload *up)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct session *session = up->client->session;
    DBusMessageIter it;
    int r = session_new_call(session, &msg, up->path, DBUS_INTERFACE_PROPERTIES, "GetAll");

    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, IOTD_IFACE_TRANSFER);
    if (r < 0)
        return r;
    return call_start(session, msg, CALL_TIMEOUT_MS, on_properties, up, &up->call);
}

static struct file_upload *find_path(iotc_client *client, const char *path)
{
    LIST_FOR_EACH (n, &client->files.uploads) {
        struct file_upload *up = upload_at(n);

        if (up->path && strcmp(up->path, path) == 0)
            return up;
    }
    return NULL;
}

void uploads_on_changed(iotc_client *client, DBusMessage *msg)
{
    struct file_upload *up = find_path(client, dbus_message_get_path(msg));
    DBusMessageIter it;
    const char *iface;

    if (up && dbus_message_iter_init(msg, &it) && msg_read_string(&it, &iface) == 0 &&
        strcmp(iface, IOTD_IFACE_TRANSFER) == 0)
        take_properties(up, &it);
}

/* --- beginning and end --- */

static int send_cancel(struct file_upload *up)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    int r = session_new_call(up->client->session, &msg, up->path, IOTD_IFACE_TRANSFER, "Cancel");

    if (r < 0)
        return r;
    dbus_message_set_no_reply(msg, TRUE);
    return session_send(up->client->session, msg);
}

static int begun(struct file_upload *up, DBusMessage *reply)
{
    DBusMessageIter it;
    const char *path;
    int r;

    if (!dbus_message_iter_init(reply, &it) || msg_read_path(&it, &path) < 0 ||
        strlen(path) >= PATH_BYTES)
        return -EPROTO;
    up->path = strdup(path);
    if (!up->path)
        return -ENOMEM;
    r = up->is_cancelled ? send_cancel(up) : 0;
    return r < 0 ? r : ask(up);
}

static void on_upload(DBusMessage *reply, int error, void *userdata)
{
    struct file_upload *up = userdata;

    up->call = NULL;
    if (error == 0)
        error = begun(up, reply);
    if (error < 0)
        upload_end(up, error);
}

static int append_options(DBusMessageIter *it, const iotc_file_upload_options *options)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    if (options && options->type)
        r = msg_dict_string(&dict, "type", options->type);
    if (r == 0 && options && options->version)
        r = msg_dict_string(&dict, "version", options->version);
    return msg_close(it, &dict, r);
}

static int make_call(iotc_client *client, iotc_file_kind kind, int fd, const char *name,
                     const iotc_file_upload_options *options, DBusMessage **ret_msg)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, file_iface(kind), "Upload");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_fd(&it, fd);
    if (r == 0)
        r = msg_append_string(&it, name);
    if (r == 0)
        r = append_options(&it, options);
    if (r < 0)
        return r;
    *ret_msg = TAKE(msg);
    return 0;
}

static int check_options(iotc_file_kind kind, const iotc_file_upload_options *options)
{
    if (!options)
        return 0;
    if (options->size < sizeof(*options) || (options->type && !name_is_file_type(options->type)) ||
        (options->version && !name_is_file_version(options->version)))
        return -EINVAL;
    return kind == IOTC_FILE_RESOURCE && (options->type || options->version) ? -EINVAL : 0;
}

int iotc_file_upload(iotc_client *client, uint64_t *ret_id, iotc_file_kind kind, int fd,
                     const char *name, const iotc_file_upload_options *options,
                     iotc_file_upload_fn fn, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    CLEANUP(freep) struct file_upload *up = NULL;
    int r = client_check(client);

    if (r == 0 && (fd < 0 || !fn || !file_is_kind(kind) || !name || !name_is_file(name)))
        r = -EINVAL;
    if (r == 0)
        r = check_options(kind, options);
    if (r == 0)
        r = file_may_begin(client);
    if (r < 0)
        return r;
    up = calloc(1, sizeof(*up));
    if (!up)
        return -ENOMEM;
    r = make_call(client, kind, fd, name, options, &msg);
    if (r == 0) /* before there is anything to hear */
        r = session_hear(client->session, SESSION_NEWS_TRANSFERS, true);
    if (r == 0)
        r = call_start(client->session, msg, CALL_TIMEOUT_MS, on_upload, up, &up->call);
    if (r < 0)
        return r == -ECONNRESET ? -ENOTCONN : r;
    up->client = client;
    up->id = ++client->files.last_id;
    up->on_progress = options ? options->on_progress : NULL;
    up->fn = fn;
    up->userdata = userdata;
    list_append(&client->files.uploads, &up->link);
    client->files.n_pending++;
    if (ret_id)
        *ret_id = up->id;
    (void) TAKE(up);
    return 0;
}

int iotc_file_cancel(iotc_client *client, uint64_t id)
{
    int r = client_check(client);

    if (r < 0)
        return r;
    LIST_FOR_EACH (n, &client->files.uploads) {
        struct file_upload *up = upload_at(n);

        if (up->id != id)
            continue;
        up->is_cancelled = true;
        r = up->path ? send_cancel(up) : 0;
        return r == -ECONNRESET ? 0 : r; /* it is about to end with that */
    }
    return -ENOENT;
}
