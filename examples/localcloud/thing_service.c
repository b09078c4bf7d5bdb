/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service topic: bindings, from both sides, and fence alarms. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/thing_state.h"
#include "libiotclient/base/num.h"

#define FENCES_MAX 64 /* alarms that wait for their answer; the oldest is forgotten */

struct thing_fence {
    struct list link;
    const struct config_device *device;
    char token[THING_TOKEN_MAX];
};

static json_int_t now_s(const struct thing *t)
{
    return (json_int_t) (clock_real_ms(t->deps.clock) / 1000);
}

void thing_take_bind_token(struct thing *t, const struct config_device *device,
                           const json_t *message, struct model_verdict *v)
{
    const json_t *params = json_object_get(message, "params");
    const json_t *times = json_object_get(params, "pairTime");
    const char *text = json_string_value(json_object_get(params, "token"));
    struct bind_token *token;
    int e;

    model_verdict_set(v, MODEL_CODE_OK, "success");
    if (!text || !*text || strlen(text) > BINDS_TOKEN_LEN) {
        model_verdict_set(v, MODEL_CODE_VALUE, "token must be 1 to %d characters", BINDS_TOKEN_LEN);
        return;
    }
    if (times && !json_is_object(times)) {
        model_verdict_set(v, MODEL_CODE_VALUE, "pairTime must be an object");
        return;
    }
    e = binds_find_token(t->deps.binds, text, &token);
    if (e < 0)
        model_verdict_set(v, MODEL_CODE_VALUE,
                          e == -ETIME ? "the token has expired" : "there is no such token");
    else
        token->device = device;
}

/* NULL: not told, which is good as well. */
static bool is_text(const json_t *message, const char *key, const char *want)
{
    const json_t *v = json_object_get(message, key);

    return !v || (json_is_string(v) && strcmp(json_string_value(v), want) == 0);
}

void thing_take_unbind(struct thing *t, const struct config_device *device, const json_t *message,
                       struct model_verdict *v)
{
    model_verdict_set(v, MODEL_CODE_OK, "success");
    if (!is_text(message, "deviceName", device->name) ||
        !is_text(message, "productId", device->product->id)) {
        model_verdict_set(v, MODEL_CODE_VALUE,
                          "deviceName and productId must be those of the topic");
        return;
    }
    if (binds_get(t->deps.binds, device))
        journal_event(t->deps.journal, device->id, "unbound", "by the device");
    binds_clear(t->deps.binds, device);
}

void thing_tell_bound(struct thing *t, const struct config_device *device, bool bound)
{
    char token[THING_TOKEN_MAX];

    if (thing_make_token(token) < 0)
        return;
    (void) thing_send(t, device, "$thing/down/service", /* the journal tells what became of it */
                      json_pack("{s:s, s:s, s:I}", "method",
                                bound ? "bind_device" : "unbind_device", "clientToken", token,
                                "timestamp", now_s(t)),
                      1);
}

/* --- fence alarms --- */

static void fence_free(struct thing *t, struct thing_fence *f)
{
    list_remove(&f->link);
    t->n_fences--;
    free(f);
}

int thing_fence(struct thing *t, const struct config_device *device, json_t *data,
                char ret_token[THING_TOKEN_MAX])
{
    struct thing_fence *f = calloc(1, sizeof(*f));
    int e = f ? thing_make_token(f->token) : -ENOMEM;

    if (e < 0) {
        free(f);
        return e;
    }
    f->device = device;
    list_append(&t->fences, &f->link);
    if (++t->n_fences > FENCES_MAX)
        fence_free(t, LIST_ENTRY(t->fences.next, struct thing_fence, link));
    memcpy(ret_token, f->token, sizeof(f->token));
    if (!json_object_get(data, "alarm_time"))
        (void) json_object_set_new(data, "alarm_time", json_integer(now_s(t)));
    (void) thing_send(t, device, "$thing/down/service", /* as above */
                      json_pack("{s:s, s:s, s:I, s:O}", "method", "alert_fence_event",
                                "clientToken", f->token, "timestamp", now_s(t), "data", data),
                      1);
    return 0;
}

/* A number, or as the vendor's client sends it, in a text. */
static bool get_number(const json_t *message, const char *key, int64_t *ret_number)
{
    const json_t *v = json_object_get(message, key);

    if (json_is_integer(v)) {
        *ret_number = json_integer_value(v);
        return true;
    }
    return json_is_string(v) && num_parse_i64(json_string_value(v), ret_number) == 0;
}

static struct thing_fence *fence_find(const struct thing *t, const struct config_device *device,
                                      const char *token)
{
    LIST_FOR_EACH (n, &t->fences) {
        struct thing_fence *f = LIST_ENTRY(n, struct thing_fence, link);

        if (f->device == device && strcmp(f->token, token) == 0)
            return f;
    }
    return NULL;
}

void thing_on_fence_reply(struct thing *t, const struct config_device *device,
                          const json_t *message)
{
    const char *token = json_string_value(json_object_get(message, "clientToken"));
    const char *status = json_string_value(json_object_get(message, "status"));
    struct thing_fence *f = token ? fence_find(t, device, token) : NULL;
    int64_t code, timestamp;

    if (!f) {
        journal_event(t->deps.journal, device->id, "unmatched",
                      "alert_fence_event_reply for no alarm that is waiting");
        return;
    }
    if (!get_number(message, "code", &code) || !get_number(message, "timestamp", &timestamp)) {
        journal_event(t->deps.journal, device->id, "bad_message",
                      "alert_fence_event_reply without code or timestamp");
        return;
    }
    journal_event(t->deps.journal, device->id, "fence_answered", "%s %lld %s", f->token,
                  (long long) code, status ? status : "");
    fence_free(t, f);
}

void thing_service_done(struct thing *t)
{
    while (!list_is_empty(&t->fences))
        fence_free(t, LIST_ENTRY(t->fences.next, struct thing_fence, link));
}
