/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/define.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"
#include "libiotclient/client.h"

static void on_defined(DBusMessage *reply, int error, void *userdata)
{
    iotc_client *client = userdata;
    struct defines *d = &client->defines;

    (void) reply;
    d->call = NULL;
    if (error == -ECONNRESET)
        return; /* told again after the next attach */
    d->error = error;
    if (error < 0)
        client_debug(client, "definitions refused: %s", iotc_strerror(error));
    if (d->fn && !client->closed)
        client_run_done(client, d->fn, d->userdata, error);
}

static int append_option(DBusMessageIter *it, const char *json)
{
    DBusMessageIter dict;
    int r = msg_open_dict(it, &dict);

    return r < 0 ? r : msg_close(it, &dict, msg_dict_string(&dict, "define", json));
}

/* A registration of no ids. */
static int send_define(iotc_client *client)
{
    CLEANUP(msg_unrefp) DBusMessage *msg = NULL;
    struct defines *d = &client->defines;
    DBusMessageIter it;
    int r;

    r = session_new_call(client->session, &msg, IOTD_DEVICE_PATH, IOTD_IFACE_THING, "Register");
    if (r < 0)
        return r;
    dbus_message_iter_init_append(msg, &it);
    for (int k = 0; k < SERVE_KIND_COUNT_ && r >= 0; k++)
        r = msg_append_strv(&it, NULL, 0);
    if (r >= 0)
        r = msg_append_path(&it, "/");
    if (r >= 0)
        r = append_option(&it, d->json);
    if (r < 0)
        return r;
    return call_start(client->session, msg, CALL_TIMEOUT_MS, on_defined, client, &d->call);
}

static int tell(iotc_client *client)
{
    struct defines *d = &client->defines;

    if (!d->json || !session_is_attached(client->session))
        return 0;
    d->call = call_cancel(d->call);
    d->error = -EINPROGRESS;
    return send_define(client);
}

void defines_on_attached(iotc_client *client)
{
    int r = tell(client);

    if (r < 0)
        session_restart(client->session, r);
}

void defines_on_detached(iotc_client *client)
{
    client->defines.error = -EINPROGRESS;
}

void defines_on_model_changed(iotc_client *client)
{
    if (client->defines.error < 0 && client->defines.error != -EINPROGRESS)
        defines_on_attached(client);
}

void defines_done(iotc_client *client)
{
    struct defines *d = &client->defines;

    d->call = call_cancel(d->call);
    free(TAKE(d->json));
}

int iotc_client_define(iotc_client *client, const char *json, iotc_done_fn fn, void *userdata)
{
    struct defines *d;
    char *copy;
    int r;

    r = client_check(client);
    if (r < 0)
        return r;
    if (!json || !utf8_is_valid(json, strlen(json)))
        return -EINVAL;
    if (strlen(json) > LIMIT_MODEL_FILE)
        return -EMSGSIZE;
    copy = strdup(json);
    if (!copy)
        return -ENOMEM;
    d = &client->defines;
    free(d->json);
    d->json = copy;
    d->fn = fn;
    d->userdata = userdata;
    return tell(client);
}
