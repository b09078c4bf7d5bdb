/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/desk_files.h"

#include <errno.h>
#include <string.h>

#include "examples/localcloud/desk.h"

#define STATUS_OK 200
#define STATUS_BAD_REQUEST 400

static void answer_json(struct http_request *rq, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);

    json_decref(value);
    http_request_answer(rq, STATUS_OK, text);
}

/* {"key","method":"GET"|"PUT","size","md5","life_s"}: a pre-signed URL of any file. */
void desk_on_file_url(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    const char *key = "", *method = "GET", *md5 = "";
    json_int_t size = 0, life_s = 0;
    CLEANUP(freep) char *url = NULL;
    json_t *request;
    size_t len;
    const char *body = http_request_body(rq, &len);
    int e = -EINVAL;

    request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (json_unpack(request, "{s:s, s?s, s?s, s?I, s?I!}", "key", &key, "method", &method, "md5",
                    &md5, "size", &size, "life_s", &life_s) == 0 &&
        size >= 0 && life_s >= 0) {
        if (strcmp(method, "GET") == 0)
            e = blobs_get_url(d->files->blobs, key, (uint64_t) life_s, &url);
        else if (strcmp(method, "PUT") == 0)
            e = blobs_put_url(d->files->blobs, key, (uint64_t) size, md5, (uint64_t) life_s, &url);
    }
    json_decref(request);
    if (e == -EINVAL)
        http_request_fail(rq, STATUS_BAD_REQUEST,
                          "needs key; method is GET or PUT; there may be size, md5, life_s");
    else if (e < 0)
        http_request_answer(rq, STATUS_OK, NULL);
    else
        answer_json(rq, json_pack("{s:s}", "url", url));
}

void desk_on_file_get(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;

    files_on_get(d->files, rq, http_request_route(rq)->tag != 0);
}

void desk_on_file_put(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;

    files_on_put(d->files, rq);
}

static int (*const firmware_requests[])(struct ota *o, const json_t *request, json_t **ret_answer,
                                        char ret_error[OTA_ERROR_MAX]) = {
    [DESK_FIRMWARE_ADD] = ota_add_firmware, [DESK_FIRMWARE_REMOVE] = ota_remove_firmware,
    [DESK_FIRMWARE_TASK] = ota_add_task,    [DESK_FIRMWARE_CANCEL] = ota_cancel,
    [DESK_FIRMWARE_RETRY] = ota_retry,
};

void desk_on_firmware_post(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;
    char error[OTA_ERROR_MAX] = "";
    json_t *request, *answer = NULL;
    const char *body;
    size_t len;
    int e;

    body = http_request_body(rq, &len);
    request = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request)) {
        json_decref(request);
        http_request_fail(rq, STATUS_BAD_REQUEST, "the body is no JSON object");
        return;
    }
    e = firmware_requests[http_request_route(rq)->tag](d->ota, request, &answer, error);
    json_decref(request);
    if (e == 0)
        answer_json(rq, answer);
    else if (*error)
        http_request_fail(rq, STATUS_BAD_REQUEST, error);
    else
        http_request_answer(rq, STATUS_OK, NULL); /* no memory */
}

void desk_on_firmware_get(struct http_request *rq, void *userdata)
{
    const struct desk *d = userdata;

    answer_json(rq, ota_json(d->ota));
}
