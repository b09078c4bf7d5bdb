/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Envelope, signature, token, dispatch. The actions are in app_*.c. */

#include "examples/localcloud/appapi.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/app_request.h"
#include "examples/localcloud/app_sign.h"
#include "examples/localcloud/sign.h"
#include "libiotclient/base/num.h"

#define SIGN_SKEW_S 600 /* own choice: the documents only say that Timestamp stops replays */
#define REQUEST_ID_MAX 128

static const struct app_action *const tables[] = {
    app_login_actions, app_device_actions, app_data_actions, app_bind_actions, app_firmware_actions,
};

int appapi_new(struct appapi **ret_api, const struct appapi_deps *deps)
{
    CLEANUP(appapi_freep) struct appapi *a = calloc(1, sizeof(*a));
    int e;

    if (!a)
        return -ENOMEM;
    a->deps = *deps;
    list_init(&a->pending);
    e = app_users_new(&a->users);
    if (e < 0)
        return e;
    *ret_api = TAKE(a);
    return 0;
}

struct appapi *appapi_free(struct appapi *a)
{
    if (!a)
        return NULL;
    assert(list_is_empty(&a->pending));
    app_users_free(a->users);
    free(a);
    return NULL;
}

static struct appapi_request *request_free(struct appapi_request *rq)
{
    if (!rq)
        return NULL;
    list_remove(&rq->link);
    json_decref(rq->body);
    json_decref(rq->response);
    free(rq);
    return NULL;
}
DEFINE_FREEP(struct appapi_request, request_free)

enum app_outcome app_fail(struct appapi_request *rq, const char *code, const char *fmt, ...)
{
    va_list ap;

    rq->error = code;
    va_start(ap, fmt);
    (void) vsnprintf(rq->error_text, sizeof(rq->error_text), fmt, ap);
    va_end(ap);
    return APP_DONE;
}

void app_set(struct appapi_request *rq, const char *key, json_t *value)
{
    if (json_object_set_new(rq->response, key, value) < 0)
        (void) app_fail(rq, "InternalError", "no memory");
}

bool app_get_optional_text(struct appapi_request *rq, const char *key, const char **ret_text)
{
    const json_t *v = json_object_get(rq->body, key);

    if (v && !json_is_string(v)) {
        (void) app_fail(rq, "InvalidParameterValue", "%s must be a string", key);
        return false;
    }
    *ret_text = v && json_string_length(v) > 0 ? json_string_value(v) : NULL;
    return true;
}

bool app_get_text(struct appapi_request *rq, const char *key, const char **ret_text)
{
    const char *text;

    if (!app_get_optional_text(rq, key, &text))
        return false;
    if (!text) {
        (void) app_fail(rq, "ErrorRequiredParamNotFound", "%s is missing", key);
        return false;
    }
    *ret_text = text;
    return true;
}

bool app_get_optional_int(struct appapi_request *rq, const char *key, json_int_t min,
                          json_int_t max, json_int_t *value)
{
    const json_t *v = json_object_get(rq->body, key);
    int64_t number;

    if (!v)
        return true;
    if (json_is_integer(v)) {
        number = json_integer_value(v);
    } else if (!json_is_string(v) || num_parse_i64(json_string_value(v), &number) < 0) {
        (void) app_fail(rq, "InvalidParameterValue", "%s must be an integer", key);
        return false;
    }
    if (number < min || number > max) {
        (void) app_fail(rq, "InvalidParameterValue", "%s must be from %lld to %lld", key,
                        (long long) min, (long long) max);
        return false;
    }
    *value = number;
    return true;
}

bool app_get_int(struct appapi_request *rq, const char *key, json_int_t min, json_int_t max,
                 json_int_t *ret_value)
{
    if (!json_object_get(rq->body, key)) {
        (void) app_fail(rq, "ErrorRequiredParamNotFound", "%s is missing", key);
        return false;
    }
    return app_get_optional_int(rq, key, min, max, ret_value);
}

bool app_get_json(struct appapi_request *rq, const char *key, bool optional, json_t **ret_object)
{
    const char *text;
    json_t *object;

    if (optional ? !app_get_optional_text(rq, key, &text) : !app_get_text(rq, key, &text))
        return false;
    object = json_loads(text ? text : "{}", 0, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        (void) app_fail(rq, "InvalidParameterValue.InvalidJSON", "%s must hold a JSON object", key);
        return false;
    }
    *ret_object = object;
    return true;
}

bool app_get_device(struct appapi_request *rq, const struct config_device **ret_device)
{
    const struct config *c = rq->api->deps.config;
    const struct config_device *device;
    const char *id, *product, *name;

    if (!app_get_optional_text(rq, "DeviceId", &id))
        return false;
    if (id && !json_object_get(rq->body, "ProductId")) {
        device = config_find_device_id(c, id);
    } else {
        if (!app_get_text(rq, "ProductId", &product) || !app_get_text(rq, "DeviceName", &name))
            return false;
        if (!config_find_product(c, product)) {
            (void) app_fail(rq, "ResourceNotFound.StudioProductNotExist", "no product %.64s",
                            product);
            return false;
        }
        device = config_find_device(c, product, name);
    }
    if (!device) {
        (void) app_fail(rq, "ResourceNotFound.DeviceNotExist", "no such device");
        return false;
    }
    *ret_device = device;
    return true;
}

static bool check_signature(struct appapi_request *rq)
{
    CLEANUP(freep) char *expected = NULL;
    json_int_t now = (json_int_t) (clock_real_ms(rq->api->deps.clock) / 1000);
    const char *key, *signature;
    json_int_t timestamp, nonce;

    if (!app_get_text(rq, "AppKey", &key) || !app_get_text(rq, "Signature", &signature) ||
        !app_get_int(rq, "Timestamp", 0, INT64_MAX / 2, &timestamp) ||
        !app_get_int(rq, "Nonce", 1, INT64_MAX, &nonce))
        return false;
    rq->app = config_find_app(rq->api->deps.config, key);
    if (!rq->app) {
        (void) app_fail(rq, "InvalidParameterValue.InvalidAppKey", "no app has this AppKey");
        return false;
    }
    if (app_sign(rq->body, rq->app->secret, &expected) < 0) {
        (void) app_fail(rq, "InternalError", "no memory");
        return false;
    }
    if (strcmp(expected, signature) != 0) {
        (void) app_fail(rq, "InvalidParameterValue.InvalidSignature",
                        "Signature does not match the AppSecret");
        return false;
    }
    if (timestamp > now + SIGN_SKEW_S || timestamp < now - SIGN_SKEW_S) {
        (void) app_fail(rq, "InvalidParameterValue.InvalidTimestamp",
                        "Timestamp is more than %d seconds off", SIGN_SKEW_S);
        return false;
    }
    return true;
}

static bool check_token(struct appapi_request *rq)
{
    const char *token;

    if (!app_get_text(rq, "AccessToken", &token))
        return false;
    rq->user =
        app_users_find_token(rq->api->users, token, clock_real_ms(rq->api->deps.clock) / 1000);
    if (!rq->user)
        (void) app_fail(rq, "InvalidParameterValue.InvalidAccessToken", "the token is invalid");
    return rq->user != NULL;
}

static const struct app_action *find_action(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        for (const struct app_action *a = tables[i]; a->name; a++) {
            if (strcmp(a->name, name) == 0)
                return a;
        }
    }
    return NULL;
}

/*
 * A call with an AccessToken is taken on both endpoints: the documents name either for scenes.
 * A login must be signed, so it belongs to appapi.
 */
static enum app_outcome dispatch(struct appapi_request *rq, enum appapi_endpoint endpoint)
{
    const struct app_action *action;
    const char *name;

    if (!json_is_object(rq->body))
        return app_fail(rq, "InvalidParameterValue.InvalidJSON", "the body is not a JSON object");
    if (!app_get_text(rq, "Action", &name))
        return APP_DONE;
    action = find_action(name);
    if (!action)
        return app_fail(rq, "InvalidAction", "no action %.64s", name);
    if (action->needs & APP_NEEDS_SIGNATURE && endpoint != APPAPI_ENDPOINT_SIGNED)
        return app_fail(rq, "InvalidAction", "%s is an action of appapi", name);
    if (action->needs & APP_NEEDS_SIGNATURE && !check_signature(rq))
        return APP_DONE;
    if (action->needs & APP_NEEDS_TOKEN && !check_token(rq))
        return APP_DONE;
    return action->fn(rq);
}

static json_t *request_id(const struct appapi_request *rq)
{
    json_t *id = json_object_get(rq->body, "RequestId");
    char made[REQUEST_ID_MAX];

    if (json_is_string(id) && json_string_length(id) > 0 &&
        json_string_length(id) <= REQUEST_ID_MAX)
        return json_incref(id);
    return sign_random_hex(made, 32) < 0 ? json_string("") : json_string(made);
}

static char *make_answer(struct appapi_request *rq)
{
    json_t *envelope, *response;
    char *text;

    if (rq->error)
        response =
            json_pack("{s:{s:s, s:s}}", "Error", "Code", rq->error, "Message", rq->error_text);
    else
        response = json_incref(rq->response);
    (void) json_object_set_new(response, "RequestId", request_id(rq));
    envelope = json_pack("{s:o}", "Response", response);
    text = json_dumps(envelope, JSON_COMPACT);
    json_decref(envelope);
    return text;
}

int appapi_start(struct appapi *a, enum appapi_endpoint endpoint, const char *body, size_t len,
                 appapi_answer_fn fn, void *userdata, char **ret_answer,
                 struct appapi_request **ret_request)
{
    CLEANUP(request_freep) struct appapi_request *rq = calloc(1, sizeof(*rq));
    char *answer;

    if (!rq)
        return -ENOMEM;
    list_init(&rq->link);
    rq->api = a;
    rq->fn = fn;
    rq->userdata = userdata;
    rq->response = json_object();
    rq->body = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (dispatch(rq, endpoint) == APP_LATER) {
        list_append(&a->pending, &rq->link);
        a->n_pending++;
        *ret_request = TAKE(rq);
        return APPAPI_PENDING;
    }

    answer = make_answer(rq);
    if (!answer)
        return -ENOMEM;
    *ret_answer = answer;
    return 0;
}

void app_finish(struct appapi_request *rq)
{
    char *answer = make_answer(rq);

    rq->api->n_pending--;
    rq->fn(answer, rq->userdata);
    request_free(rq);
}

void appapi_cancel(struct appapi_request *rq)
{
    if (rq->call)
        thing_call_cancel(rq->call);
    rq->api->n_pending--;
    request_free(rq);
}
