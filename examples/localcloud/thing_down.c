/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Controls and actions: from an app to a device, and the answers back. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/sign.h"
#include "examples/localcloud/thing_state.h"

#define TOKEN_PREFIX "clientToken-"
#define UUID_LEN 36

struct thing_call {
    struct list link;
    struct thing *thing;
    const struct config_device *device;
    struct loop_timer deadline;
    thing_result_fn fn; /* NULL: nobody waits */
    void *userdata;
    char token[THING_TOKEN_MAX];
    char action_id[LIMIT_FEATURE_ID + 1];
};

int thing_make_token(char token[THING_TOKEN_MAX])
{
    char *uuid = token + strlen(TOKEN_PREFIX);
    int e;

    memcpy(token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX));
    e = sign_random_hex(uuid, UUID_LEN);
    if (e < 0)
        return e;
    uuid[8] = uuid[13] = uuid[18] = uuid[23] = '-';
    uuid[14] = '4';
    return 0;
}

static void write_free(struct thing_device *d, struct thing_write *w)
{
    list_remove(&w->link);
    d->n_writes--;
    json_decref(w->token);
    free(w);
}

void thing_remember_write(struct thing *t, const struct config_device *device, json_t *token,
                          uint64_t write, bool and_older)
{
    struct thing_device *d = &t->devices[device->index];
    struct thing_write *w = calloc(1, sizeof(*w));

    if (!w)
        return; /* the value stays desired until clear_control */
    *w = (struct thing_write){.token = json_incref(token), .write = write, .and_older = and_older};
    list_append(&d->writes, &w->link);
    if (++d->n_writes > THING_CONTROLS_MAX)
        write_free(d, LIST_ENTRY(d->writes.next, struct thing_write, link));
}

/* Newest first: tokens of devices repeat. */
static struct thing_write *write_find(struct thing_device *d, const json_t *token)
{
    for (struct list *n = d->writes.prev; n != &d->writes; n = n->prev) {
        struct thing_write *w = LIST_ENTRY(n, struct thing_write, link);

        if (json_equal(w->token, token))
            return w;
    }
    return NULL;
}

void thing_on_control_reply(struct thing *t, const struct config_device *device,
                            const json_t *message)
{
    struct thing_device *d = &t->devices[device->index];
    const json_t *code = json_object_get(message, "code");
    struct thing_write *w = write_find(d, json_object_get(message, "clientToken"));

    if (!json_is_integer(code)) {
        journal_event(t->deps.journal, device->id, "bad_message", "control_reply without code");
        return;
    }
    if (!w) {
        journal_event(t->deps.journal, device->id, "unmatched",
                      "control_reply for no control that is waiting");
        return;
    }
    if (json_integer_value(code) == 0)
        store_confirm(t->deps.store, device, w->write, w->and_older);
    write_free(d, w);
}

int thing_control(struct thing *t, const struct config_device *device, json_t *params)
{
    char token[THING_TOKEN_MAX];
    json_t *token_json;
    uint64_t write;
    int e = thing_make_token(token);

    if (e == 0)
        e = store_desire(t->deps.store, device, params, &write);
    if (e < 0)
        return e;
    token_json = json_string(token);
    thing_remember_write(t, device, token_json, write, false);
    json_decref(token_json);
    /* QoS 1, so that a session keeps it; undelivered it stays desired. */
    (void) thing_send(
        t, device, "$thing/down/property",
        json_pack("{s:s, s:s, s:O}", "method", "control", "clientToken", token, "params", params),
        1);
    return 0;
}

static void call_free(struct thing_call *call)
{
    loop_timer_cancel(&call->deadline);
    list_remove(&call->link);
    call->thing->n_calls--;
    free(call);
}

static void call_finish(struct thing_call *call, const struct thing_result *result)
{
    if (call->fn)
        call->fn(call, result, call->userdata);
    call_free(call);
}

static void on_deadline(struct loop_timer *timer, void *userdata)
{
    struct thing_call *call = userdata;

    (void) timer;
    journal_event(call->thing->deps.journal, call->device->id, "action_timeout", "%s %s",
                  call->action_id, call->token);
    call_finish(call, &(struct thing_result){.timed_out = true});
}

int thing_action(struct thing *t, const struct config_device *device, const char *action_id,
                 json_t *params, thing_result_fn fn, void *userdata, struct thing_call **ret_call)
{
    struct thing_call *call;
    json_t *message;
    int e;

    if (t->n_calls >= THING_CALLS_MAX)
        return -ENOBUFS;
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->thing = t;
    call->device = device;
    call->fn = fn;
    call->userdata = userdata;
    (void) snprintf(call->action_id, sizeof(call->action_id), "%s", action_id);
    list_append(&t->calls, &call->link);
    t->n_calls++;
    loop_timer_arm(t->deps.loop, &call->deadline,
                   t->deps.config->limits.action_timeout_ms * USEC_PER_MSEC, on_deadline, call);
    e = thing_make_token(call->token);
    if (e < 0) {
        call_free(call);
        return e;
    }

    message = json_pack("{s:s, s:s, s:s, s:I, s:O}", "method", "action", "clientToken", call->token,
                        "actionId", action_id, "timestamp",
                        (json_int_t) (clock_real_ms(t->deps.clock) / 1000), "params", params);
    /* A call is of now: an offline device is told nothing later. */
    if (!broker_is_online(t->deps.broker, device)) {
        json_decref(message);
        e = -ENOTCONN;
    } else if (thing_send(t, device, "$thing/down/action", message, 1) != BROKER_SENT) {
        e = -ENOTCONN;
    }
    if (e < 0) {
        call_free(call);
        return e;
    }
    *ret_call = call;
    return 0;
}

const char *thing_call_token(const struct thing_call *call)
{
    return call->token;
}

void thing_call_cancel(struct thing_call *call)
{
    call->fn = NULL;
}

static struct thing_call *call_find(const struct thing *t, const struct config_device *device,
                                    const char *token)
{
    LIST_FOR_EACH (n, &t->calls) {
        struct thing_call *call = LIST_ENTRY(n, struct thing_call, link);

        if (call->device == device && token && strcmp(call->token, token) == 0)
            return call;
    }
    return NULL;
}

void thing_on_action_reply(struct thing *t, const struct config_device *device,
                           const json_t *message)
{
    const json_t *code = json_object_get(message, "code");
    json_t *response = json_object_get(message, "response");
    const char *token = json_string_value(json_object_get(message, "clientToken"));
    const char *status = json_string_value(json_object_get(message, "status"));
    struct thing_call *call = call_find(t, device, token);
    struct thing_result result = {.status = status ? status : "", .response = response};
    struct model_verdict v = {.code = MODEL_CODE_OK};

    if (!call) {
        journal_event(t->deps.journal, device->id, "unmatched",
                      "action_reply for no action that is waiting");
        return;
    }
    result.code = json_integer_value(code);
    if (!json_is_integer(code))
        model_verdict_set(&v, MODEL_CODE_VALUE, "code must be an integer");
    else if (response)
        model_check_action_output(device->product->model, call->action_id, response, &v);
    if (v.code != MODEL_CODE_OK) {
        journal_event(t->deps.journal, device->id, "bad_message", "action_reply: %s", v.text);
        result.invalid = v.text;
    }
    call_finish(call, &result);
}

void thing_down_done(struct thing *t)
{
    while (!list_is_empty(&t->calls))
        call_free(LIST_ENTRY(t->calls.next, struct thing_call, link));
    for (size_t i = 0; i < t->deps.config->n_devices; i++) {
        LIST_FOR_EACH_SAFE (n, &t->devices[i].writes)
            write_free(&t->devices[i], LIST_ENTRY(n, struct thing_write, link));
    }
}
