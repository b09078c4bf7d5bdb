/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions: binding of devices to families. Families are what apps name; they are not created here.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "examples/localcloud/app_request.h"
#include "examples/localcloud/sign.h"

#define SIGN_SKEW_S 600 /* own choice */
#define CONN_ID_MAX 64  /* own choice */
#define PAGE_MAX 50
#define DEFAULT_ROOM "0"

/* FamilyId, the device, RoomId. */
struct place {
    const char *family;
    const char *room;
    const struct config_device *device;
};

static bool get_name(struct appapi_request *rq, const char *key, const char **ret_name)
{
    if (!app_get_optional_text(rq, key, ret_name))
        return false;
    if (*ret_name && strlen(*ret_name) > BINDS_NAME_MAX) {
        (void) app_fail(rq, "InvalidParameterValue", "%s is longer than %d", key, BINDS_NAME_MAX);
        return false;
    }
    return true;
}

static bool get_place(struct appapi_request *rq, struct place *p)
{
    if (!app_get_text(rq, "FamilyId", &p->family) || !get_name(rq, "FamilyId", &p->family) ||
        !get_name(rq, "RoomId", &p->room) || !app_get_device(rq, &p->device))
        return false;
    if (!p->room)
        p->room = DEFAULT_ROOM;
    return true;
}

static bool bind_device(struct appapi_request *rq, const struct place *p)
{
    const struct appapi_deps *deps = &rq->api->deps;
    const struct bind *before = binds_get(deps->binds, p->device);

    if (before && strcmp(before->family, p->family) == 0) {
        (void) app_fail(rq, "UnsupportedOperation.CannotBindSameFamily",
                        "the device has been bound to this family");
        return false;
    }
    if (binds_set(deps->binds, p->device, p->family, p->room, rq->user->id) < 0) {
        (void) app_fail(rq, "InvalidParameterValue", "FamilyId or RoomId is no good");
        return false;
    }
    thing_tell_bound(deps->thing, p->device, true);
    return true;
}

static json_t *device_json(const struct config_device *device, const struct bind *b)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "DeviceId", device->id,
                     "ProductId", device->product->id, "DeviceName", device->name, "AliasName", "",
                     "RoomId", b->room, "IconUrl", "", "CreateTime", (json_int_t) b->time_s,
                     "UpdateTime", (json_int_t) b->time_s);
}

/* --- by signature --- */

struct proof {
    json_int_t timestamp;
    const char *conn_id;
    const char *signature;
    const char *type;
    enum sign_method method;
};

static bool get_proof(struct appapi_request *rq, struct proof *p)
{
    static const char *const types[] = {"wifi_sign", "bluetooth_sign", "other_sign"};
    const char *method;
    size_t i = 0;

    if (!app_get_int(rq, "DeviceTimestamp", 0, INT64_MAX / 2, &p->timestamp) ||
        !app_get_optional_text(rq, "ConnId", &p->conn_id) ||
        !app_get_text(rq, "Signature", &p->signature) ||
        !app_get_optional_text(rq, "BindType", &p->type) ||
        !app_get_optional_text(rq, "SignMethod", &method))
        return false;
    p->conn_id = p->conn_id ? p->conn_id : "";
    p->type = p->type ? p->type : types[0];
    while (i < ARRAY_SIZE(types) && strcmp(types[i], p->type) != 0)
        i++;
    if (i == ARRAY_SIZE(types))
        (void) app_fail(rq, "InvalidParameterValue",
                        "BindType must be wifi_sign, bluetooth_sign or other_sign");
    else if (sign_method_parse(method ? method : "hmacsha1", &p->method) < 0)
        (void) app_fail(rq, "InvalidParameterValue", "SignMethod must be hmacsha1 or hmacsha256");
    else if (strlen(p->conn_id) > CONN_ID_MAX)
        (void) app_fail(rq, "InvalidParameterValue", "ConnId is longer than %d", CONN_ID_MAX);
    return !rq->error;
}

/* The two texts of the vendor's document. */
static bool is_proven(const struct proof *p, const struct config_device *device)
{
    struct sign_digest digest;
    char text[512];
    int n;

    if (strcmp(p->type, "wifi_sign") == 0)
        n = snprintf(text, sizeof(text),
                     "DeviceName=%s&DeviceTimestamp=%lld&ProductId=%s&ConnId=%s", device->name,
                     (long long) p->timestamp, device->product->id, p->conn_id);
    else
        n = snprintf(text, sizeof(text), "%s%s;%s;%lld", device->product->id, device->name,
                     p->conn_id, (long long) p->timestamp);
    return n > 0 && (size_t) n < sizeof(text) &&
           sign_hmac(p->method, device->secret, device->secret_len, text, (size_t) n, &digest) ==
               0 &&
           sign_digest_equals_hex(&digest, p->signature);
}

static enum app_outcome sig_bind(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    json_int_t now = (json_int_t) (clock_real_ms(deps->clock) / 1000);
    struct place place;
    struct proof proof;
    json_t *device;

    if (!get_place(rq, &place) || !get_proof(rq, &proof))
        return APP_DONE;
    if (place.device->secret_len == 0)
        return app_fail(rq, "UnsupportedOperation", "a certificate device has no secret");
    if (!is_proven(&proof, place.device))
        return app_fail(rq, "InvalidParameterValue.BindDeviceSigMismatch",
                        "Signature is not that of the device");
    if (proof.timestamp > now + SIGN_SKEW_S || proof.timestamp < now - SIGN_SKEW_S)
        return app_fail(rq, "InvalidParameterValue.BindDeviceSigExpired",
                        "DeviceTimestamp is more than %d seconds off", SIGN_SKEW_S);
    if (!broker_was_online(deps->broker, place.device))
        return app_fail(rq, "InvalidParameterValue.BindDeviceNotConnected",
                        "the device has never connected");
    if (!bind_device(rq, &place))
        return APP_DONE;
    device = device_json(place.device, binds_get(deps->binds, place.device));
    (void) json_object_set_new(device, "FamilyId", json_string(place.family));
    app_set(rq, "Data", json_pack("{s:o}", "AppDeviceInfo", device));
    return APP_DONE;
}

static enum app_outcome delete_device(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    const struct bind *b;
    struct place place;

    if (!get_place(rq, &place))
        return APP_DONE;
    b = binds_get(deps->binds, place.device);
    if (!b || strcmp(b->family, place.family) != 0)
        return app_fail(rq, "ResourceNotFound.DeviceNotExist", "the family has no such device");
    binds_clear(deps->binds, place.device);
    thing_tell_bound(deps->thing, place.device, false);
    return APP_DONE;
}

/* --- by token --- */

static enum app_outcome create_token(struct appapi_request *rq)
{
    char token[BINDS_TOKEN_LEN + 1];

    if (binds_new_token(rq->api->deps.binds, token) < 0)
        return app_fail(rq, "InvalidParameterValue.TokenInfoSaveError", "no token can be made");
    app_set(rq, "Data", json_pack("{s:s}", "Token", token));
    return APP_DONE;
}

static bool get_token(struct appapi_request *rq, struct bind_token **ret_token)
{
    const char *text;
    int e;

    if (!app_get_text(rq, "Token", &text))
        return false;
    e = binds_find_token(rq->api->deps.binds, text, ret_token);
    if (e == -ETIME)
        (void) app_fail(rq, "InvalidParameterValue.TokenIsExpire", "Token has expired");
    else if (e < 0)
        (void) app_fail(rq, "InvalidParameterValue.TokenNotExist", "Token does not exist");
    return e == 0;
}

static enum app_outcome get_token_state(struct appapi_request *rq)
{
    struct bind_token *token;

    if (get_token(rq, &token))
        app_set(rq, "Data", json_pack("{s:i}", "State", token->device ? 2 : 1));
    return APP_DONE;
}

static enum app_outcome token_bind(struct appapi_request *rq)
{
    struct bind_token *token;
    struct place place;

    if (!get_token(rq, &token) || !get_place(rq, &place))
        return APP_DONE;
    if (token->device != place.device)
        return app_fail(rq, "InvalidParameterValue.TokenNotBind",
                        "the device has not sent this token");
    if (!bind_device(rq, &place))
        return APP_DONE;
    binds_remove_token(rq->api->deps.binds, token);
    app_set(rq, "Data", json_object());
    return APP_DONE;
}

/* --- lists --- */

static enum app_outcome get_device_list(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    json_int_t offset = 0, limit = PAGE_MAX, total = 0;
    const char *family, *room;
    json_t *list;

    if (!app_get_text(rq, "FamilyId", &family) || !app_get_optional_text(rq, "RoomId", &room) ||
        !app_get_optional_int(rq, "Offset", 0, INT32_MAX, &offset) ||
        !app_get_optional_int(rq, "Limit", 1, PAGE_MAX, &limit))
        return APP_DONE;
    list = json_array();
    for (size_t i = 0; i < deps->config->n_devices; i++) {
        const struct config_device *device = &deps->config->devices[i];
        const struct bind *b = binds_get(deps->binds, device);
        json_t *o;

        if (!b || strcmp(b->family, family) != 0 || (room && strcmp(b->room, room) != 0))
            continue;
        if (total++ < offset || (json_int_t) json_array_size(list) >= limit)
            continue;
        o = device_json(device, b);
        (void) json_object_set_new(o, "UserID", json_string(b->user));
        (void) json_array_append_new(list, o);
    }
    app_set(rq, "Total", json_integer(total));
    app_set(rq, "DeviceList", list);
    return APP_DONE;
}

const struct app_action app_bind_actions[] = {
    {"AppSigBindDeviceInFamily", APP_NEEDS_TOKEN, sig_bind},
    {"AppDeleteDeviceInFamily", APP_NEEDS_TOKEN, delete_device},
    {"AppCreateDeviceBindToken", APP_NEEDS_TOKEN, create_token},
    {"AppGetDeviceBindTokenState", APP_NEEDS_TOKEN, get_token_state},
    {"AppTokenBindDeviceFamily", APP_NEEDS_TOKEN, token_bind},
    {"AppGetFamilyDeviceList", APP_NEEDS_TOKEN, get_device_list},
    {NULL, 0, NULL},
};
