/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions: firmware. */

#include <errno.h>
#include <string.h>

#include "examples/localcloud/app_request.h"
#include "examples/localcloud/ota.h"

/* The numbers of the document; pending is of the cloud, offline of the device. */
#define STATUS_OFFLINE 0
#define STATUS_DOWNLOADED 20
static const int status_numbers[OTA_STATE_COUNT_] = {
    [OTA_STATE_pending] = 1,     [OTA_STATE_confirming] = 8, [OTA_STATE_pushed] = 2,
    [OTA_STATE_downloading] = 3, [OTA_STATE_burning] = 4,    [OTA_STATE_succeeded] = 6,
    [OTA_STATE_failed] = 5,
};

static bool is_over(const struct ota_status *s)
{
    return s->state == OTA_STATE_succeeded || s->state == OTA_STATE_failed;
}

static enum app_outcome check_firmware_update(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    const struct config_device *device;
    const char *version;
    struct ota_status s;
    bool wanted;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    version = store_version(deps->store, device);
    if (!*version)
        return app_fail(rq, "FailedOperation.DeviceInfoOutdated",
                        "the device has not reported its version");
    wanted = ota_get_status(deps->ota, device, &s) == 0 && s.state != OTA_STATE_succeeded;
    app_set(rq, "CurrentVersion", json_string(version));
    app_set(rq, "DstVersion", json_string(wanted ? s.target : ""));
    return APP_DONE;
}

static enum app_outcome publish_firmware_update_message(struct appapi_request *rq)
{
    const struct config_device *device;
    int e;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    e = ota_confirm(rq->api->deps.ota, device);
    if (e == -ENOENT)
        return app_fail(rq, "ResourceNotFound.DeviceHasNoFirmware",
                        "there is no firmware for the device");
    if (e == -ENOTCONN)
        return app_fail(rq, "FailedOperation.DeviceOffline", "the device is offline");
    return APP_DONE;
}

static enum app_outcome describe_firmware_update_status(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    const struct config_device *device;
    struct ota_status s;
    int number;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    if (ota_get_status(deps->ota, device, &s) < 0)
        return app_fail(rq, "ResourceNotFound.DeviceFirmwareTaskNotExist",
                        "no task has this device");
    number = status_numbers[s.state];
    if (!is_over(&s) && !broker_is_online(deps->broker, device))
        number = STATUS_OFFLINE;
    else if (s.state == OTA_STATE_downloading && s.percent == 100)
        number = STATUS_DOWNLOADED;
    app_set(rq, "OriVersion", json_string(s.from));
    app_set(rq, "DstVersion", json_string(s.target));
    app_set(rq, "ErrMsg", json_string(s.state == OTA_STATE_failed ? s.text : ""));
    app_set(rq, "Percent", json_integer(s.state == OTA_STATE_succeeded ? 100 : s.percent));
    app_set(rq, "Status", json_integer(number));
    return APP_DONE;
}

static enum app_outcome get_device_ota_info(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    CLEANUP(freep) char *url = NULL;
    const struct config_device *device;
    const struct ota_firmware *f;
    struct ota_status s;

    if (!app_get_device(rq, &device))
        return APP_DONE;
    f = ota_get_status(deps->ota, device, &s) == 0 && !is_over(&s)
            ? ota_find_firmware(deps->ota, device->product, s.target)
            : NULL;
    if (!f)
        return app_fail(rq, "ResourceNotFound.DeviceFirmwareTaskNotExist",
                        "no task wants firmware for the device");
    if (blobs_get_url(deps->blobs, f->key, 0, &url) < 0)
        return app_fail(rq, "InternalError", "no memory");
    app_set(rq, "FirmwareURL", json_string(url));
    app_set(rq, "TargetVersion", json_string(s.target));
    app_set(rq, "UploadVersion", json_string(store_version(deps->store, device)));
    return APP_DONE;
}

static enum app_outcome describe_firmware(struct appapi_request *rq)
{
    const struct appapi_deps *deps = &rq->api->deps;
    /* The document writes ID here, and Id everywhere else. */
    const char *key = json_object_get(rq->body, "ProductID") ? "ProductID" : "ProductId";
    const char *product_id, *version;
    const struct config_product *product;
    const struct ota_firmware *f;
    const struct blob *blob;

    if (!app_get_text(rq, key, &product_id) || !app_get_text(rq, "FirmwareVersion", &version))
        return APP_DONE;
    product = config_find_product(deps->config, product_id);
    if (!product)
        return app_fail(rq, "ResourceNotFound.StudioProductNotExist", "no product %.64s",
                        product_id);
    f = ota_find_firmware(deps->ota, product, version);
    blob = f ? ota_firmware_blob(deps->ota, f) : NULL;
    if (!blob)
        return app_fail(rq, "ResourceNotFound.FirmwareNotExist", "no firmware %.32s", version);
    app_set(rq, "ProductId", json_string(product->id));
    app_set(rq, "ProductName", json_string(product->name ? product->name : product->id));
    app_set(rq, "Name", json_string(f->name));
    app_set(rq, "Description", json_string(f->description));
    app_set(rq, "Md5sum", json_string(blob->md5));
    app_set(rq, "Createtime", json_integer((json_int_t) f->time_s));
    app_set(rq, "FwType", json_string(f->fw_type));
    app_set(rq, "Version", json_string(f->version));
    return APP_DONE;
}

const struct app_action app_firmware_actions[] = {
    {"AppCheckFirmwareUpdate", APP_NEEDS_TOKEN, check_firmware_update},
    {"AppPublishFirmwareUpdateMessage", APP_NEEDS_TOKEN, publish_firmware_update_message},
    {"AppDescribeFirmwareUpdateStatus", APP_NEEDS_TOKEN, describe_firmware_update_status},
    {"AppGetDeviceOTAInfo", APP_NEEDS_TOKEN, get_device_ota_info},
    {"AppDescribeFirmware", APP_NEEDS_TOKEN, describe_firmware},
    {NULL, 0, NULL},
};
