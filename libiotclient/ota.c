/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/ota.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "dbus/names.h"
#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/name.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"

#define HANDLER_PATH IOTD_HANDLER_PATH_PREFIX "ota"
/* Another program may go, or iotd gets room again. */
#define RETRY_US (5 * USEC_PER_SEC)
#define MD5_HEX 32

/* What this program installs, from on_install until iotd has heard the result. */
struct job {
    char *version; /* NULL: nothing */
    char md5[MD5_HEX + 1];
    bool has_ended;
    int result;
    char text[OTA_TEXT + 1];
    struct call *call; /* Finish */
};

struct ota_serve {
    iotc_slot *slot;
    iotc_ota_ops ops;
    char *version; /* NULL: not said */
    bool is_ours;  /* registered since the attach */
    struct call *call;
    struct loop_timer retry;
    struct job job;
};

static void serve_register(struct ota_serve *serve);
static void send_finish(struct ota_serve *serve);

static struct ota_serve *serve_of(iotc_client *client)
{
    LIST_FOR_EACH (n, &client->otas.serves.head) {
        iotc_slot *slot = LIST_ENTRY(n, iotc_slot, link);

        if (slot->serve)
            return slot->serve;
    }
    return NULL;
}

static void job_drop(struct job *job)
{
    call_cancel(job->call);
    free(job->version);
    *job = (struct job){.version = NULL};
}

/* --- registration --- */

static void on_retry(struct loop_timer *timer, void *userdata)
{
    (void) timer;
    serve_register(userdata);
}

static bool is_final(int error)
{
    return error == -EACCES || error == -EINVAL || error == -EOPNOTSUPP;
}

static void on_registered(DBusMessage *reply, int error, void *userdata)
{
    struct ota_serve *serve = userdata;

    (void) reply;
    serve->call = NULL;
    if (error == -ECONNRESET)
        return; /* otas_on_detached() comes */
    serve->is_ours = error == 0;
    if (error < 0 && !is_final(error))
        loop_timer_arm(&serve->slot->client->loop.loop, &serve->retry, RETRY_US, on_retry, serve);
    slot_set_error(serve->slot, error); /* may end the slot */
}

static int send_register(struct ota_serve *serve)
{
    iotc_client *client = serve->slot->client;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it, dict;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE,
                         "RegisterInstaller");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_path(&it, HANDLER_PATH);
    if (r == 0)
        r = msg_open_dict(&it, &dict);
    if (r < 0)
        return r;
    if (serve->version)
        r = msg_dict_string(&dict, "version", serve->version);
    r = msg_close(&it, &dict, r);
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_registered, serve, &serve->call);
}

static void serve_register(struct ota_serve *serve)
{
    iotc_client *client = serve->slot->client;

    if (!session_is_attached(client->session) || serve->call)
        return;
    loop_timer_cancel(&serve->retry);
    if (send_register(serve) < 0)
        loop_timer_arm(&client->loop.loop, &serve->retry, CLIENT_MEMORY_PAUSE_US, on_retry, serve);
}

/* A call that nobody waits for; number is left out where it is negative, a text where it is NULL.
 */
static int send_quietly(iotc_client *client, const char *member, int number, const char *text)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, member);
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    if (number >= 0)
        r = msg_append_uint32(&it, (uint32_t) number);
    if (r == 0 && text)
        r = msg_append_string(&it, text);
    if (r < 0)
        return r;
    dbus_message_set_no_reply(msg, TRUE);
    return session_send(client->session, msg);
}

static void on_slot_end(iotc_slot *slot)
{
    struct ota_serve *serve = slot->serve;
    bool may_own = serve->is_ours || serve->call;

    call_cancel(serve->call);
    loop_timer_cancel(&serve->retry);
    if (may_own && !slot->client->closed)
        (void) send_quietly(slot->client, "UnregisterInstaller", -1, NULL);
    job_drop(&serve->job);
    slot->serve = NULL;
    free(serve->version);
    free(serve);
}

void otas_init(struct otas *otas)
{
    slot_list_init(&otas->serves);
    slot_list_init(&otas->watches);
    list_init(&otas->requests);
}

void otas_on_attached(iotc_client *client)
{
    struct ota_serve *serve = serve_of(client);

    if (serve)
        serve_register(serve);
    ota_info_on_attached(client);
}

void otas_on_detached(iotc_client *client)
{
    struct ota_serve *serve = serve_of(client);

    if (!serve)
        return;
    loop_timer_cancel(&serve->retry);
    serve->is_ours = false;
    slot_set_error(serve->slot, -EINPROGRESS);
}

void otas_done(iotc_client *client)
{
    if (!client->otas.serves.head.next)
        return; /* never initialised */
    ota_info_done(client);
    slot_list_done(&client->otas.serves);
    slot_list_done(&client->otas.watches);
}

int iotc_ota_serve(iotc_client *client, iotc_slot **ret_slot, const char *version,
                   const iotc_ota_ops *ops, void *userdata, iotc_free_fn destroy)
{
    CLEANUP(freep) struct ota_serve *serve = NULL;
    CLEANUP(freep) char *copy = NULL;
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!ops || ops->size < sizeof(*ops) || !ops->on_install ||
        (version && !name_is_version(version)))
        return -EINVAL;
    if (serve_of(client))
        return -EEXIST;
    serve = calloc(1, sizeof(*serve));
    copy = version ? strdup(version) : NULL;
    if (!serve || (version && !copy))
        return -ENOMEM;
    r = slot_new(&slot, &client->otas.serves, client, NULL, userdata, destroy);
    if (r < 0)
        return r;
    r = ota_info_want(client); /* tells when a result is of no interest any more */
    if (r < 0) {
        slot_discard(slot);
        return r;
    }
    serve->slot = slot;
    serve->ops = *ops;
    serve->version = TAKE(copy);
    slot->serve = serve;
    slot->on_end = on_slot_end;
    slot->has_state = true;
    slot->error = -EINPROGRESS;
    slot->floating = !ret_slot;
    serve_register(TAKE(serve));
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}

int iotc_ota_set_version(iotc_client *client, const char *version)
{
    struct ota_serve *serve;
    char *copy;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!name_is_version(version))
        return -EINVAL;
    serve = serve_of(client);
    if (!serve)
        return -ENOENT;
    copy = strdup(version);
    if (!copy)
        return -ENOMEM;
    if (serve->is_ours || serve->call)
        r = send_quietly(client, "SetVersion", -1, version);
    if (r == -ENOMEM) {
        free(copy);
        return r;
    }
    free(serve->version); /* else it is told after the next attach */
    serve->version = copy;
    return 0;
}

/* --- the job --- */

static bool is_over(iotc_ota_state state)
{
    return state == IOTC_OTA_IDLE || state == IOTC_OTA_OFFERED || state == IOTC_OTA_INSTALLED ||
           state == IOTC_OTA_FAILED;
}

/* A result that nobody waits for is dropped: the same image may be ordered anew. */
static void drop_if_over(struct ota_serve *serve)
{
    const struct otas *o = &serve->slot->client->otas;

    if (serve->job.version && serve->job.has_ended && !serve->job.call && !serve->call &&
        o->is_known && !o->ask && is_over(o->info.state))
        job_drop(&serve->job);
}

void ota_serve_on_info(iotc_client *client)
{
    struct ota_serve *serve = serve_of(client);

    if (serve)
        drop_if_over(serve);
}

static void on_finished(DBusMessage *reply, int error, void *userdata)
{
    struct ota_serve *serve = userdata;

    (void) reply;
    serve->job.call = NULL;
    if (error == 0)
        job_drop(&serve->job);
    else if (error == -ECONNRESET || error == -EAGAIN || error == -EPERM)
        drop_if_over(serve); /* told when iotd comes back with the job */
    else
        client_debug(serve->slot->client, "iotd did not take the result (error %d)", -error);
}

/* Not sent for lack of memory, it is told when iotd comes back with the job. */
static void send_finish(struct ota_serve *serve)
{
    iotc_client *client = serve->slot->client;
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct job *job = &serve->job;
    DBusMessageIter it;

    if (job->call || !session_is_attached(client->session) ||
        session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, "Finish") <
            0)
        return;
    dbus_message_iter_init_append(msg, &it);
    if (msg_append_int32(&it, errmap_code(job->result)) == 0 &&
        msg_append_string(&it, job->text) == 0)
        (void) !call_start(client->session, msg, CALL_TIMEOUT_MS, on_finished, serve, &job->call);
}

int iotc_ota_finish(iotc_client *client, int result, const char *text)
{
    struct ota_serve *serve;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (result > 0)
        return -EINVAL;
    serve = serve_of(client);
    if (!serve || !serve->job.version || serve->job.has_ended)
        return -ENOENT;
    r = ota_cut_text(serve->job.text, text);
    if (r < 0)
        return r;
    serve->job.has_ended = true;
    serve->job.result = result;
    send_finish(serve);
    return 0;
}

int iotc_ota_progress(iotc_client *client, unsigned percent, const char *text)
{
    const struct ota_serve *serve;
    char cut[OTA_TEXT + 1];
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (percent > 100)
        return -EINVAL;
    serve = serve_of(client);
    if (!serve || !serve->job.version || serve->job.has_ended)
        return -ENOENT;
    r = ota_cut_text(cut, text);
    return r < 0 ? r : send_quietly(client, "ReportProgress", (int) percent, cut);
}

/* --- calls of iotd --- */

struct text_entry {
    const char *key;
    const char **text;
};

static int read_info(DBusMessageIter *it, const struct text_entry *texts, size_t n,
                     uint64_t *ret_size)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "size") == 0)
            r = msg_read_uint64(&value, ret_size);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(key, texts[i].key) == 0)
                r = msg_read_string(&value, texts[i].text);
        }
    }
    return r;
}

static void run_cancel(iotc_slot *slot, void *arg)
{
    struct ota_serve *serve = slot->serve;
    CLEANUP(freep) char *version = TAKE(serve->job.version);

    (void) arg;
    job_drop(&serve->job);
    if (!serve->ops.on_cancel)
        return;
    slot->client->n_callbacks++;
    serve->ops.on_cancel(slot->client, version, slot->userdata);
}

struct install {
    iotc_ota_image image;
    int result;
};

static void run_install(iotc_slot *slot, void *arg)
{
    struct ota_serve *serve = slot->serve;
    struct install *in = arg;

    slot->client->n_callbacks++;
    in->result = serve->ops.on_install(slot->client, &in->image, slot->userdata);
    /* The callback may have ended the slot, or the job. */
    serve = slot->serve;
    if (in->result < 0 && serve && serve->job.has_ended)
        in->result = 0;
    else if (in->result < 0 && serve)
        job_drop(&serve->job);
}

static int begin_job(iotc_client *client, struct install *in)
{
    struct ota_serve *serve = serve_of(client);
    struct job *job = &serve->job;

    if (job->version && !job->has_ended)
        slot_call(serve->slot, run_cancel, NULL); /* iotd has lost it, and has another one */
    serve = serve_of(client);
    if (!serve)
        return -EPERM;
    job = &serve->job;
    job_drop(job);
    job->version = strdup(in->image.version);
    if (!job->version)
        return -ENOMEM;
    (void) snprintf(job->md5, sizeof(job->md5), "%s", in->image.md5);
    slot_call(serve->slot, run_install, in);
    return in->result;
}

static int on_install(iotc_client *client, DBusMessageIter *it)
{
    struct ota_serve *serve = serve_of(client);
    CLEANUP(fd_closep) int fd = -1;
    struct install in = {
        .image = {.version = "", .md5 = "", .sha256 = "", .custom = "", .extra = ""},
    };
    const struct text_entry texts[] = {
        {"version", &in.image.version}, {"md5", &in.image.md5},     {"sha256", &in.image.sha256},
        {"custom", &in.image.custom},   {"extra", &in.image.extra},
    };
    int r = msg_read_fd(it, &fd);

    if (r == 0)
        r = read_info(it, texts, ARRAY_SIZE(texts), &in.image.size);
    if (r < 0)
        return r;
    in.image.fd = fd;
    if (!serve->job.version || strcmp(serve->job.version, in.image.version) != 0 ||
        strncmp(serve->job.md5, in.image.md5, MD5_HEX) != 0)
        return begin_job(client, &in);
    /* The one that is in work: another iotd asks for it. */
    if (serve->job.has_ended)
        send_finish(serve);
    return 0;
}

static void run_offer(iotc_slot *slot, void *arg)
{
    struct ota_serve *serve = slot->serve;
    const iotc_ota_offer *offer = arg;

    if (!serve->ops.on_offer)
        return;
    slot->client->n_callbacks++;
    serve->ops.on_offer(slot->client, offer, slot->userdata);
}

static int on_offer(iotc_client *client, DBusMessageIter *it)
{
    const char *state = "offered";
    iotc_ota_offer offer = {.version = "", .running = "", .custom = "", .extra = ""};
    const struct text_entry texts[] = {
        {"version", &offer.version}, {"running", &offer.running}, {"custom", &offer.custom},
        {"extra", &offer.extra},     {"state", &state},
    };
    int r = read_info(it, texts, ARRAY_SIZE(texts), &offer.size);

    if (r < 0)
        return r;
    offer.state = ota_state_parse(state);
    slot_call(serve_of(client)->slot, run_offer, &offer);
    return 0;
}

static int on_cancel(iotc_client *client, DBusMessageIter *it)
{
    struct ota_serve *serve = serve_of(client);
    const char *version;
    int r = msg_read_string(it, &version);

    if (r == 0 && serve->job.version && !serve->job.has_ended &&
        strcmp(serve->job.version, version) == 0)
        slot_call(serve->slot, run_cancel, NULL);
    return r;
}

static void answer(iotc_client *client, DBusMessage *msg, int r)
{
    CLEANUP(msg_unrefp) DBusMessage *reply = NULL;

    if (dbus_message_get_no_reply(msg))
        return;
    if (r < 0)
        (void) !msg_new_error(&reply, msg, r, NULL);
    else
        reply = dbus_message_new_method_return(msg);
    if (reply) /* else iotd gives it up by itself */
        (void) session_send(client->session, reply);
}

void otas_on_call(iotc_client *client, DBusMessage *msg)
{
    static const struct {
        const char *member, *signature;
        int (*fn)(iotc_client *client, DBusMessageIter *it);
    } calls[] = {
        {"Offer", "a{sv}", on_offer},
        {"Install", "ha{sv}", on_install},
        {"Cancel", "s", on_cancel},
    };
    DBusMessageIter it;
    int r = -EOPNOTSUPP;

    if (!serve_of(client) || client->closed || !dbus_message_has_path(msg, HANDLER_PATH))
        r = -EPERM; /* given back a moment ago */
    for (size_t i = 0; r == -EOPNOTSUPP && i < ARRAY_SIZE(calls); i++) {
        if (!dbus_message_has_member(msg, calls[i].member))
            continue;
        r = -EINVAL;
        if (dbus_message_has_signature(msg, calls[i].signature) && dbus_message_iter_init(msg, &it))
            r = calls[i].fn(client, &it);
        break;
    }
    answer(client, msg, r);
}
