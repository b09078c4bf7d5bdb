/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions: products, states of devices, control, calls. */

#include <errno.h>
#include <string.h>

#include "examples/localcloud/app_request.h"

#define LIST_MAX 200 /* ids of one request */

/* NULL or an array of strings. */
static bool get_id_list(struct appapi_request *rq, const char *key, json_t **ret_list)
{
    json_t *list = json_object_get(rq->body, key);

    if (list && (!json_is_array(list) || json_array_size(list) > LIST_MAX)) {
        (void) app_fail(rq, "InvalidParameterValue", "%s must be a list of at most %d", key,
                        LIST_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i))) {
            (void) app_fail(rq, "InvalidParameterValue", "%s must hold strings", key);
            return false;
        }
    }
    *ret_list = list;
    return true;
}

static json_t *product_json(const struct config_product *p)
{
    CLEANUP(freep) char *template = json_dumps(model_json(p->model), JSON_COMPACT);
    const json_t *profile = json_object_get(model_json(p->model), "profile");
    const char *category = json_string_value(json_object_get(profile, "CategoryId"));

    if (!template)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "ProductId", p->id,
                     "Name", p->name ? p->name : p->id, "Description", "", "State", "all",
                     "DataTemplate", template, "AppTemplate", "", "NetType", "wifi", "CategoryId",
                     category ? category : "", "ProductType", 0, "UpdateTime", 0);
}

static bool add_product(struct appapi_request *rq, json_t *products, json_t *seen, const char *id)
{
    const struct config_product *p = config_find_product(rq->api->deps.config, id);

    if (!p) {
        (void) app_fail(rq, "ResourceNotFound.StudioProductNotExist", "no product %.64s", id);
        return false;
    }
    if (!json_object_get(seen, id)) {
        (void) json_object_set_new(seen, id, json_true());
        (void) json_array_append_new(products, product_json(p));
    }
    return true;
}

static void fill_products(struct appapi_request *rq, const json_t *product_ids,
                          const json_t *device_ids, json_t *products, json_t *seen)
{
    for (size_t i = 0; i < json_array_size(product_ids); i++) {
        if (!add_product(rq, products, seen, json_string_value(json_array_get(product_ids, i))))
            return;
    }
    for (size_t i = 0; i < json_array_size(device_ids); i++) {
        const char *id = json_string_value(json_array_get(device_ids, i));
        const struct config_device *device = config_find_device_id(rq->api->deps.config, id);

        if (!device) {
            (void) app_fail(rq, "ResourceNotFound.DeviceNotExist", "no device %.64s", id);
            return;
        }
        if (!add_product(rq, products, seen, device->product->id))
            return;
    }
}

static enum app_outcome get_products(struct appapi_request *rq)
{
    json_t *product_ids, *device_ids, *products, *seen;

    if (!get_id_list(rq, "ProductIds", &product_ids) || !get_id_list(rq, "DeviceIds", &device_ids))
        return APP_DONE;
    if (json_array_size(product_ids) + json_array_size(device_ids) == 0)
        return app_fail(rq, "ErrorRequiredParamNotFound", "ProductIds or DeviceIds is missing");
    products = json_array();
    seen = json_object();
    fill_products(rq, product_ids, device_ids, products, seen);
    json_decref(seen);
    app_set(rq, "Products", products);
    return APP_DONE;
}

static enum app_outcome get_device_statuses(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    json_t *ids, *statuses;

    if (!get_id_list(rq, "DeviceIds", &ids))
        return APP_DONE;
    if (json_array_size(ids) == 0)
        return app_fail(rq, "ErrorRequiredParamNotFound", "DeviceIds is missing");
    statuses = json_array();
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const struct config_device *device = config_find_device_id(deps->config, id);

        if (!device) {
            json_decref(statuses);
            return app_fail(rq, "ResourceNotFound.DeviceNotExist", "no device %.64s", id);
        }
        (void) json_array_append_new(
            statuses, json_pack("{s:s, s:s, s:s, s:i}", "DeviceId", device->id, "ProductId",
                                device->product->id, "DeviceName", device->name, "Online",
                                (int) broker_is_online(deps->broker, device)));
    }
    app_set(rq, "DeviceStatuses", statuses);
    return APP_DONE;
}

/* What the device told with report_info and report_version, and where it is. */
static enum app_outcome get_device_ext_info(struct appapi_request *rq)
{
    static const struct {
        const char *name;
        const char *info;
    } members[] = {
        {"ProductModel", "module_hardinfo"},
        {"Mac", "mac"},
        {"FwVer", "fw_ver"},
    };
    const struct config_device *device;
    const json_t *info;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    info = store_info(rq->api->deps.store, device);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        const char *text = json_string_value(json_object_get(info, members[i].info));

        app_set(rq, members[i].name, json_string(text ? text : ""));
    }
    if (!json_object_get(info, "fw_ver"))
        app_set(rq, "FwVer", json_string(store_version(rq->api->deps.store, device)));
    app_set(rq, "ManufacturerName", json_string("")); /* belongs to the product, not told here */
    app_set(rq, "IP", json_string(broker_peer(rq->api->deps.broker, device)));
    return APP_DONE;
}

static enum app_outcome control_device_data(struct appapi_request *rq)
{
    const struct config_device *device;
    struct model_verdict v;
    json_t *data;
    int e;

    if (!app_get_device(rq, &device) || !app_get_json(rq, "Data", false, &data))
        return APP_DONE;
    model_check_properties(device->product->model, data, true, &v);
    if (v.code != MODEL_CODE_OK || json_object_size(data) == 0) {
        json_decref(data);
        return app_fail(rq, "InvalidParameterValue", "Data: %s",
                        v.code == MODEL_CODE_OK ? "is empty" : v.text);
    }
    e = thing_control(rq->api->deps.thing, device, data);
    json_decref(data);
    if (e < 0)
        return app_fail(rq, "InternalError", "%s", strerror(-e));
    app_set(rq, "Data", json_string(""));
    return APP_DONE;
}

static void on_action_result(struct thing_call *call, const struct thing_result *result,
                             void *userdata)
{
    struct appapi_request *rq = userdata;
    char *output = result->response ? json_dumps(result->response, JSON_COMPACT) : NULL;

    rq->call = NULL;
    if (result->timed_out) {
        (void) app_fail(rq, "FailedOperation.Timeout", "the device did not answer in time");
    } else if (result->invalid) {
        (void) app_fail(rq, "FailedOperation.ActionReplyInvalid", "the device's answer: %s",
                        result->invalid);
    } else {
        app_set(rq, "ClientToken", json_string(thing_call_token(call)));
        app_set(rq, "OutputParams", json_string(output ? output : ""));
        app_set(rq, "Status",
                json_string(result->code == 0 ? "succ"
                            : *result->status ? result->status
                                              : "fail"));
        app_set(rq, "Code", json_integer(result->code)); /* ours: tells refusals apart */
    }
    free(output);
    app_finish(rq);
}

/* Sends the action; fn NULL when the app does not wait. */
static bool start_action(struct appapi_request *rq, thing_result_fn fn,
                         struct thing_call **ret_call)
{
    const struct config_device *device;
    struct model_verdict v;
    const char *action_id;
    json_t *input;
    int e;

    if (!app_get_device(rq, &device) || !app_get_text(rq, "ActionId", &action_id) ||
        !app_get_json(rq, "InputParams", true, &input))
        return false;
    model_check_action_input(device->product->model, action_id, input, &v);
    if (v.code == MODEL_CODE_OK)
        e = thing_action(rq->api->deps.thing, device, action_id, input, fn, rq, ret_call);
    else
        e = -EINVAL;
    json_decref(input);
    if (e == 0)
        return true;
    if (e == -EINVAL)
        (void) app_fail(rq, "InvalidParameterValue", "%s", v.text);
    else if (e == -ENOTCONN)
        (void) app_fail(rq, "FailedOperation.DeviceOffline",
                        "the device is offline or not subscribed to its actions");
    else if (e == -ENOBUFS)
        (void) app_fail(rq, "LimitExceeded", "too many actions are waiting");
    else
        (void) app_fail(rq, "InternalError", "%s", strerror(-e));
    return false;
}

static enum app_outcome call_device_action_sync(struct appapi_request *rq)
{
    if (rq->api->n_pending >= APPAPI_PENDING_MAX)
        return app_fail(rq, "LimitExceeded", "too many calls are waiting");
    return start_action(rq, on_action_result, &rq->call) ? APP_LATER : APP_DONE;
}

static enum app_outcome call_device_action_async(struct appapi_request *rq)
{
    struct thing_call *call;

    if (!start_action(rq, NULL, &call))
        return APP_DONE;
    app_set(rq, "ClientToken", json_string(thing_call_token(call)));
    app_set(rq, "Status", json_string("Sent"));
    return APP_DONE;
}

const struct app_action app_device_actions[] = {
    {"AppGetProducts", APP_NEEDS_TOKEN, get_products},
    {"AppGetDeviceStatuses", APP_NEEDS_TOKEN, get_device_statuses},
    {"AppGetDeviceExtInfo", APP_NEEDS_TOKEN, get_device_ext_info},
    {"AppControlDeviceData", APP_NEEDS_TOKEN, control_device_data},
    {"AppCallDeviceActionSync", APP_NEEDS_TOKEN, call_device_action_sync},
    {"AppCallDeviceActionAsync", APP_NEEDS_TOKEN, call_device_action_async},
    {NULL, 0, NULL},
};
