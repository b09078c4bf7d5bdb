/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/ota.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/name.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/call.h"
#include "libiotclient/client.h"

#define POSTPONE_MIN_S 60
#define POSTPONE_MAX_S (7 * 86400)

/* One of accept, postpone, refuse, install. */
struct ota_request {
    struct list link;
    iotc_client *client; /* borrowed: it ends before */
    iotc_done_fn done;   /* may be NULL */
    void *userdata;
};

static const char *const states[] = {
    [IOTC_OTA_IDLE] = "idle",
    [IOTC_OTA_OFFERED] = "offered",
    [IOTC_OTA_DOWNLOADING] = "downloading",
    [IOTC_OTA_READY] = "ready",
    [IOTC_OTA_INSTALLING] = "installing",
    [IOTC_OTA_INSTALLED] = "installed",
    [IOTC_OTA_FAILED] = "failed",
};

iotc_ota_state ota_state_parse(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (strcmp(states[i], text) == 0)
            return (iotc_ota_state) i;
    }
    return IOTC_OTA_INSTALLING;
}

int ota_cut_text(char buf[OTA_TEXT + 1], const char *text)
{
    size_t len = text ? strnlen(text, OTA_TEXT + 1) : 0;

    if (len > OTA_TEXT) {
        len = OTA_TEXT;
        while (len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80)
            len--;
    }
    if (len > 0 && !utf8_is_valid(text, len))
        return -EINVAL;
    if (len > 0)
        memcpy(buf, text, len);
    buf[len] = '\0';
    return 0;
}

/* --- what iotd tells --- */

/* Index in texts, or -ENOENT. */
static int find_text(const char *key)
{
    static const char *const keys[OTA_TEXTS] = {
        "Version", "TargetVersion", "Custom", "Extra", "Reason", "Installer",
    };

    for (int i = 0; i < OTA_TEXTS; i++) {
        if (strcmp(keys[i], key) == 0)
            return i;
    }
    return -ENOENT;
}

static void set_pointers(struct otas *o)
{
    const char **const members[OTA_TEXTS] = {
        &o->info.version, &o->info.target, &o->info.custom,
        &o->info.extra,   &o->info.reason, &o->info.installer,
    };

    for (size_t i = 0; i < OTA_TEXTS; i++)
        *members[i] = o->texts[i] ? o->texts[i] : "";
}

static int set_text(struct otas *o, int i, DBusMessageIter *value)
{
    const char *text;
    char *copy;
    int r = msg_read_string(value, &text);

    if (r < 0)
        return r;
    copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(o->texts[i]);
    o->texts[i] = copy;
    return 0;
}

static int read_property(struct otas *o, const char *key, DBusMessageIter *value)
{
    int text = find_text(key), r = 0;
    const char *state;
    uint64_t n;
    int64_t i;

    if (text >= 0)
        return set_text(o, text, value);
    if (strcmp(key, "State") == 0) {
        r = msg_read_string(value, &state);
        if (r == 0)
            o->info.state = ota_state_parse(state);
    } else if (strcmp(key, "Size") == 0) {
        r = msg_read_uint64(value, &o->info.size);
    } else if (strcmp(key, "Done") == 0) {
        r = msg_read_uint64(value, &o->info.done);
    } else if (strcmp(key, "Progress") == 0) {
        r = msg_read_uint64(value, &n);
        if (r == 0)
            o->info.percent = n > 100 ? 100 : (uint32_t) n;
    } else if (strcmp(key, "Code") == 0) {
        r = msg_read_int64(value, &i);
        if (r == 0)
            o->info.code = (int32_t) i;
    } else if (strcmp(key, "NeedsConfirmation") == 0) {
        r = msg_read_bool(value, &o->info.needs_confirmation);
    }
    return r;
}

static int read_properties(struct otas *o, DBusMessageIter *it)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value))
        r = read_property(o, key, &value);
    set_pointers(o);
    return r;
}

static void run_watch(iotc_slot *slot, void *arg)
{
    const iotc_ota_info *info = arg;

    slot->client->n_callbacks++;
    ((iotc_ota_fn) slot->fn)(slot->client, info, slot->userdata);
}

static void tell(iotc_client *client)
{
    ota_serve_on_info(client);
    slot_list_walk(&client->otas.watches, run_watch, &client->otas.info);
}

static void on_properties(DBusMessage *reply, int error, void *userdata)
{
    iotc_client *client = userdata;
    struct otas *o = &client->otas;
    DBusMessageIter it;
    int r = error;

    o->ask = NULL;
    if (error == -ECONNRESET)
        return; /* asked again after the next attach */
    if (r == 0)
        r = dbus_message_iter_init(reply, &it) ? read_properties(o, &it) : -EPROTO;
    if (r < 0) {
        client_debug(client, "no state of the firmware (error %d)", -r);
        return; /* an older iotd */
    }
    o->is_known = true;
    tell(client);
}

static int ask(iotc_client *client)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct otas *o = &client->otas;
    DBusMessageIter it;
    int r;

    if (!o->is_wanted || !session_is_attached(client->session) || o->ask)
        return 0;
    r = session_hear(client->session, SESSION_NEWS_FIRMWARE, true);
    if (r == 0)
        r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, DBUS_INTERFACE_PROPERTIES,
                             "GetAll");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    r = msg_append_string(&it, IOTD_IFACE_FIRMWARE);
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_properties, client, &o->ask);
}

int ota_info_want(iotc_client *client)
{
    client->otas.is_wanted = true;
    return ask(client);
}

void ota_info_on_attached(iotc_client *client)
{
    int r = ask(client);

    if (r < 0)
        session_restart(client->session, r);
}

/* PropertiesChanged of org.iotd1.Firmware: s a{sv} as. Before the answer it is older than that. */
void ota_info_on_changed(iotc_client *client, DBusMessage *msg)
{
    struct otas *o = &client->otas;
    DBusMessageIter it;
    const char *iface;
    int r;

    if (!o->is_known || o->ask || !dbus_message_iter_init(msg, &it) ||
        msg_read_string(&it, &iface) < 0 || strcmp(iface, IOTD_IFACE_FIRMWARE) != 0)
        return;
    r = read_properties(o, &it);
    if (r == -ENOMEM)
        (void) ask(client); /* else with the next change */
    else if (r == 0)
        tell(client);
}

int iotc_ota_watch(iotc_client *client, iotc_slot **ret_slot, iotc_ota_fn fn, void *userdata,
                   iotc_free_fn destroy)
{
    iotc_slot *slot;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!fn)
        return -EINVAL;
    r = slot_new(&slot, &client->otas.watches, client, (slot_fn) fn, userdata, destroy);
    if (r < 0)
        return r;
    r = ota_info_want(client); /* also for the first call of a later watch */
    if (r < 0) {
        slot_discard(slot);
        return r;
    }
    slot->floating = !ret_slot;
    if (ret_slot)
        *ret_slot = slot;
    return 0;
}

int iotc_ota_get_info(iotc_client *client, const iotc_ota_info **ret_info)
{
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!ret_info)
        return -EINVAL;
    if (!client->otas.is_known)
        return -ENODATA;
    *ret_info = &client->otas.info;
    return 0;
}

/* --- what it is asked --- */

static void request_end(struct ota_request *rq, int result)
{
    iotc_client *client = rq->client;
    const struct ota_request copy = *rq;

    list_remove(&rq->link);
    client->otas.n_requests--;
    free(rq);
    if (copy.done)
        client_run_done(client, copy.done, copy.userdata, result);
}

static void on_request(DBusMessage *reply, int error, void *userdata)
{
    (void) reply;
    request_end(userdata, error);
}

void ota_info_done(iotc_client *client)
{
    struct otas *o = &client->otas;

    o->ask = call_cancel(o->ask);
    while (!list_is_empty(&o->requests))
        request_end(LIST_ENTRY(o->requests.next, struct ota_request, link), -ECANCELED);
    for (size_t i = 0; i < OTA_TEXTS; i++)
        free(TAKE(o->texts[i]));
    set_pointers(o);
}

/* A call with a version as its first argument; the others follow at it. */
static int request_begin(iotc_client *client, const char *member, const char *version,
                         DBusMessage **ret_msg, DBusMessageIter *ret_it)
{
    int r = client_check(client);

    if (r < 0)
        return r;
    if (!name_is_version(version))
        return -EINVAL;
    if (!session_is_attached(client->session))
        return -ENOTCONN;
    if (client->otas.n_requests >= OTA_REQUESTS)
        return -ENOBUFS;
    r = session_new_call(client->session, ret_msg, IOTD_DEVICE_PATH, IOTD_IFACE_FIRMWARE, member);
    if (r == 0)
        dbus_message_iter_init_append(*ret_msg, ret_it);
    return r;
}

static int request_send(iotc_client *client, DBusMessage *msg, iotc_done_fn done, void *userdata)
{
    struct ota_request *rq = calloc(1, sizeof(*rq));
    int r;

    if (!rq)
        return -ENOMEM;
    *rq = (struct ota_request){.client = client, .done = done, .userdata = userdata};
    r = call_start(client->session, msg, CALL_TIMEOUT_MS, on_request, rq, NULL);
    if (r < 0) {
        free(rq);
        return r == -ECONNRESET ? -ENOTCONN : r;
    }
    list_append(&client->otas.requests, &rq->link);
    client->otas.n_requests++;
    return 0;
}

int iotc_ota_accept(iotc_client *client, const char *version, iotc_done_fn done, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = request_begin(client, "Accept", version, &msg, &it);

    if (r == 0)
        r = msg_append_string(&it, version);
    return r < 0 ? r : request_send(client, msg, done, userdata);
}

int iotc_ota_postpone(iotc_client *client, const char *version, uint32_t seconds, iotc_done_fn done,
                      void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = request_begin(client, "Postpone", version, &msg, &it);

    if (r == 0 && (seconds < POSTPONE_MIN_S || seconds > POSTPONE_MAX_S))
        r = -ERANGE;
    if (r == 0)
        r = msg_append_string(&it, version);
    if (r == 0)
        r = msg_append_uint32(&it, seconds);
    return r < 0 ? r : request_send(client, msg, done, userdata);
}

int iotc_ota_refuse(iotc_client *client, const char *version, const char *text, iotc_done_fn done,
                    void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    char cut[OTA_TEXT + 1];
    DBusMessageIter it;
    int r = request_begin(client, "Refuse", version, &msg, &it);

    if (r == 0)
        r = ota_cut_text(cut, text);
    if (r == 0)
        r = msg_append_string(&it, version);
    if (r == 0)
        r = msg_append_string(&it, cut);
    return r < 0 ? r : request_send(client, msg, done, userdata);
}

static int append_signature(DBusMessageIter *it, const char *signature)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    if (r < 0)
        return r;
    return msg_close(it, &dict, signature ? msg_dict_string(&dict, "signature", signature) : 0);
}

int iotc_ota_install(iotc_client *client, int fd, const char *version, const char *signature,
                     iotc_done_fn done, void *userdata)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    DBusMessageIter it;
    int r = fd < 0 ? -EINVAL : request_begin(client, "Install", version, &msg, &it);

    if (r == 0)
        r = msg_append_fd(&it, fd);
    if (r == 0)
        r = msg_append_string(&it, version);
    if (r == 0)
        r = append_signature(&it, signature);
    return r < 0 ? r : request_send(client, msg, done, userdata);
}
