/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /resource and POST /device-file: files for devices, as users and the console send them. */

#include <errno.h>
#include <string.h>

#include "examples/localcloud/desk.h"

#define STATUS_OK 200
#define STATUS_BAD_REQUEST 400

static void answer(struct http_request *rq, int e, const char *url)
{
    json_t *o = url ? json_pack("{s:s}", "url", url) : json_pack("{s:b}", "ok", 1);

    if (e == -ENOENT)
        http_request_fail(rq, STATUS_BAD_REQUEST, "there is nothing of that name");
    else if (e == -EAGAIN)
        http_request_fail(rq, STATUS_BAD_REQUEST, "its bytes have not come yet");
    else if (e == -ENOSPC)
        http_request_fail(rq, STATUS_BAD_REQUEST, "the device has too many that are not over");
    else if (e == -EMSGSIZE || e == -EINVAL)
        http_request_fail(rq, STATUS_BAD_REQUEST, "the name, type, version or text is too long");
    else
        http_request_answer(rq, STATUS_OK, e < 0 ? NULL : json_dumps(o, JSON_COMPACT));
    json_decref(o);
}

/* What both requests have; NULL after an answer. The caller's. */
static json_t *read_request(const struct desk *d, struct http_request *rq,
                            const struct config_device **ret_device)
{
    size_t len;
    const char *body = http_request_body(rq, &len);
    json_t *request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(request, "device"));
    const json_t *set = json_object_get(request, "set");

    *ret_device = id ? config_find_device_id(d->config, id) : NULL;
    if (id && !*ret_device) {
        http_request_fail(rq, STATUS_BAD_REQUEST, "there is no such device");
    } else if (!json_is_object(request) || (set && !json_is_object(set))) {
        http_request_fail(rq, STATUS_BAD_REQUEST, "not an object, or \"set\" is none");
    } else {
        return request;
    }
    json_decref(request);
    return NULL;
}

static const char *text_or(const json_t *request, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(request, key));

    return text ? text : fallback;
}

void desk_on_resource(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    const struct config_device *device;
    CLEANUP(freep) char *url = NULL;
    json_t *request = read_request(d, rq, &device);
    const char *op = text_or(request, "op", "send"), *name = text_or(request, "name", NULL);
    int e;

    if (!request)
        return;
    if (!device || !name) {
        http_request_fail(rq, STATUS_BAD_REQUEST, "needs device and name");
    } else if (strcmp(op, "send") == 0) {
        e = resources_send(d->resources, device, name, json_object_get(request, "set"), &url);
        answer(rq, e, url);
    } else if (strcmp(op, "retry") == 0) {
        answer(rq, resources_retry(d->resources, device, name), NULL);
    } else if (strcmp(op, "remove") == 0) {
        answer(rq, resources_remove(d->resources, device, name), NULL);
    } else {
        http_request_fail(rq, STATUS_BAD_REQUEST, "op must be send, retry or remove");
    }
    json_decref(request);
}

static void device_file(const struct desk *d, struct http_request *rq,
                        const struct config_device *device, const json_t *request)
{
    const char *op = text_or(request, "op", "send");
    struct filesvc_file file = {
        .name = text_or(request, "name", NULL),
        .type = text_or(request, "type", NULL),
        .version = text_or(request, "version", NULL),
        .set = json_object_get(request, "set"),
    };
    CLEANUP(freep) char *url = NULL;
    int e;

    if (strcmp(op, "retry") == 0) {
        answer(rq, filesvc_retry(d->filesvc, device, file.name), NULL);
    } else if (strcmp(op, "delete") == 0) {
        answer(rq, filesvc_delete(d->filesvc, device, &file), NULL);
    } else if (strcmp(op, "send") == 0) {
        file.type = file.type ? file.type : "FILE";
        file.version = file.version ? file.version : "1.0";
        e = filesvc_send(d->filesvc, device, &file, &url);
        answer(rq, e, url);
    } else {
        http_request_fail(rq, STATUS_BAD_REQUEST, "op must be send, retry, delete or asr");
    }
}

void desk_on_device_file(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    const struct config_device *device;
    json_t *request = read_request(d, rq, &device);
    const json_t *code = json_object_get(request, "code");

    if (!request)
        return;
    if (strcmp(text_or(request, "op", ""), "asr") == 0)
        answer(rq,
               filesvc_set_asr(d->filesvc, text_or(request, "text", ""),
                               (int) json_integer_value(code)),
               NULL);
    else if (!device || !text_or(request, "name", NULL))
        http_request_fail(rq, STATUS_BAD_REQUEST, "needs device and name");
    else
        device_file(d, rq, device, request);
    json_decref(request);
}
