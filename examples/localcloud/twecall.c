/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/twecall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/sign.h"

#define PACKAGE_MAX 4 /* device guide: 0 test … 4 intercom and other */
#define TICKET_LEN 32
#define STATUS_MAX 96

struct licence {
    bool active;
    int package;
    char model_id[TWECALL_NAME_MAX + 1];
    char app_id[TWECALL_NAME_MAX + 1];
    json_int_t expires_s;
};

struct twecall {
    struct twecall_deps deps;
    struct licence *devices;
};

/* One request and what becomes of it; status "" is success, as the documents have it. */
struct request {
    struct twecall *twecall;
    const struct config_device *device;
    const json_t *params;
    const char *model_id, *app_id;
    char status[STATUS_MAX];
};

int twecall_new(struct twecall **ret_twecall, const struct twecall_deps *deps)
{
    CLEANUP(twecall_freep) struct twecall *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->deps = *deps;
    t->devices = calloc(deps->config->n_devices + 1, sizeof(*t->devices));
    if (!t->devices)
        return -ENOMEM;
    *ret_twecall = TAKE(t);
    return 0;
}

struct twecall *twecall_free(struct twecall *t)
{
    if (!t)
        return NULL;

    free(t->devices);
    free(t);
    return NULL;
}

static json_int_t now_s(const struct twecall *t)
{
    return (json_int_t) (clock_real_ms(t->deps.clock) / 1000);
}

/* The results are the params of the reply; NULL: only an object without members. */

static json_t *on_ticket(struct request *rq)
{
    char ticket[TICKET_LEN + 1];

    if (sign_random_hex(ticket, TICKET_LEN) < 0) {
        (void) snprintf(rq->status, sizeof(rq->status), "no ticket can be made");
        return NULL;
    }
    return json_pack("{s:s}", "snTicket", ticket);
}

/* Activated again before its end, a licence stays as it is: nothing is paid twice. */
static json_t *on_activate(struct request *rq)
{
    struct licence *l = &rq->twecall->devices[rq->device->index];
    const json_t *package = json_object_get(rq->params, "pkgType");
    json_int_t number = json_integer_value(package);

    if (!json_is_integer(package) || number < 0 || number > PACKAGE_MAX) {
        (void) snprintf(rq->status, sizeof(rq->status), "pkgType must be 0 to %d", PACKAGE_MAX);
        return NULL;
    }
    if (l->active && l->package == number && l->expires_s > now_s(rq->twecall) &&
        strcmp(l->model_id, rq->model_id) == 0 && strcmp(l->app_id, rq->app_id) == 0)
        return NULL;
    l->active = true;
    l->package = (int) number;
    l->expires_s = now_s(rq->twecall) + TWECALL_LICENCE_S;
    (void) snprintf(l->model_id, sizeof(l->model_id), "%s", rq->model_id);
    (void) snprintf(l->app_id, sizeof(l->app_id), "%s", rq->app_id);
    return NULL;
}

static json_t *on_state(struct request *rq)
{
    const struct licence *l = &rq->twecall->devices[rq->device->index];
    char sn[CONFIG_DEVICE_ID_MAX + 1];

    if (!l->active || strcmp(l->model_id, rq->model_id) != 0 ||
        strcmp(l->app_id, rq->app_id) != 0) {
        (void) snprintf(rq->status, sizeof(rq->status),
                        "the device has no licence of this model and mini program");
        return NULL;
    }
    (void) snprintf(sn, sizeof(sn), "%s_%s", rq->device->product->id, rq->device->name);
    return json_pack("{s:s, s:s, s:I}", "modelId", l->model_id, "sn", sn, "ExpireTime",
                     l->expires_s);
}

/* The model has a capital letter in the first and not in the others (device guide). */
static const struct method {
    const char *name, *reply, *model_key;
    json_t *(*fn)(struct request *rq);
} methods[] = {
    {"get_wechat_sn_ticket", "get_wechat_sn_ticket_reply", "ModelId", on_ticket},
    {"active_device_voip_license", "active_device_voip_license_reply", "modelId", on_activate},
    {"get_voip_device_active_info", "get_voip_device_active_info_reply", "modelId", on_state},
};

static bool is_name(const char *text)
{
    return text && *text && strlen(text) <= TWECALL_NAME_MAX;
}

/* What all three have. */
static bool check(struct request *rq, const struct method *m, const json_t *message)
{
    const json_t *timestamp = json_object_get(message, "timestamp");
    const char *problem = NULL;

    rq->params = json_object_get(message, "params");
    rq->model_id = json_string_value(json_object_get(rq->params, m->model_key));
    rq->app_id = json_string_value(json_object_get(rq->params, "miniProgramAppId"));
    if (!json_is_string(json_object_get(message, "clientToken")))
        problem = "clientToken is missing";
    else if (!json_is_integer(timestamp) || json_integer_value(timestamp) <= 0)
        problem = "timestamp must be a time in seconds";
    else if (!is_name(rq->model_id))
        problem = m->model_key;
    else if (!is_name(rq->app_id))
        problem = "miniProgramAppId";
    if (problem)
        (void) snprintf(rq->status, sizeof(rq->status), "%s%s", problem,
                        strchr(problem, ' ') ? "" : " must be 1 to 128 characters");
    return !problem;
}

static void answer(struct request *rq, const struct method *m, const json_t *message)
{
    struct twecall_deps *deps = &rq->twecall->deps;
    json_t *token = json_object_get(message, "clientToken"), *params = NULL;
    json_t *reply = json_object();
    int code;

    if (check(rq, m, message))
        params = m->fn(rq);
    code = *rq->status ? 1 : 0;
    if (faults_take_wrong_code(deps->faults, rq->device, m->reply, &code))
        (void) snprintf(rq->status, sizeof(rq->status), "fault");
    (void) json_object_set_new(reply, "method", json_string(m->reply));
    if (token)
        (void) json_object_set(reply, "clientToken", token);
    (void) json_object_set_new(reply, "code", json_integer(code));
    (void) json_object_set_new(reply, "status", json_string(rq->status));
    (void) json_object_set_new(reply, "params", params ? params : json_object());
    thing_send_reply(deps->thing, rq->device, "$twecall/down/service", reply);
}

void twecall_on_message(struct twecall *t, const struct config_device *device,
                        const uint8_t *payload, size_t len)
{
    json_t *message = json_loadb((const char *) payload, len, 0, NULL);
    const char *name = json_string_value(json_object_get(message, "method"));
    struct request rq = {.twecall = t, .device = device};
    size_t i = 0;

    while (name && i < ARRAY_SIZE(methods) && strcmp(methods[i].name, name) != 0)
        i++;
    if (name && i < ARRAY_SIZE(methods))
        answer(&rq, &methods[i], message);
    else
        journal_event(t->deps.journal, device->id, "bad_message",
                      "$twecall: not an object with a known method");
    json_decref(message);
}

json_t *twecall_json(const struct twecall *t, const struct config_device *device)
{
    const struct licence *l = &t->devices[device->index];

    if (!l->active)
        return NULL;
    return json_pack("{s:i, s:s, s:s, s:I}", "package", l->package, "model_id", l->model_id,
                     "app_id", l->app_id, "expires", l->expires_s);
}
