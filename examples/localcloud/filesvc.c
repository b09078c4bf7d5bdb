/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/filesvc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/filesvc_state.h"
#include "examples/localcloud/sign.h"

#define RESULT_INVALID (-1) /* our number: the documents name none */

/* One message; problem NULL is success. */
struct request {
    struct filesvc *filesvc;
    const struct config_device *device;
    const json_t *message;
    const json_t *report;
    const char *problem;
};

/* What names a file, as the device says it. */
struct file {
    const char *name, *version, *type;
};

static const char *read_file(const json_t *o, struct file *ret_file)
{
    struct file f = {
        json_string_value(json_object_get(o, "resource_name")),
        json_string_value(json_object_get(o, "version")),
        json_string_value(json_object_get(o, "resource_type")),
    };

    if (!items_is_text(f.name, ITEMS_DEVICE_NAME_MAX))
        return "resource_name must be 1 to 64 characters";
    if (!items_is_text(f.version, ITEMS_VERSION_MAX))
        return "version must be 1 to 32 characters";
    if (!items_is_text(f.type, ITEMS_TYPE_MAX))
        return "resource_type must be 1 to 10 characters";
    *ret_file = f;
    return NULL;
}

/* --- which files the device has --- */

static int record(struct filesvc *f, const struct config_device *device, const struct file *file)
{
    struct item *item = items_find(f->items, device, ITEM_RECORD, file->name, false);
    int e = item ? 0 : items_add(&item, f->items, device, ITEM_RECORD, file->name);

    if (e < 0)
        return e;
    item->status = ITEM_DONE;
    (void) snprintf(item->type, sizeof(item->type), "%s", file->type);
    (void) snprintf(item->version, sizeof(item->version), "%s", file->version);
    return 0;
}

static json_t *recorded(const struct filesvc *f, const struct config_device *device)
{
    json_t *list = json_array();

    for (struct item *i = items_next(f->items, device, ITEM_RECORD, NULL); i;
         i = items_next(f->items, device, ITEM_RECORD, i))
        (void) json_array_append_new(list,
                                     json_pack("{s:s, s:s, s:s}", "resource_name", i->name,
                                               "version", i->version, "resource_type", i->type));
    return list;
}

/* A reply with its result, and with the request_id if there was one. */
static void reply(const struct request *rq, json_t *message, const char *method)
{
    const char *text = rq->problem ? rq->problem : "success";
    json_t *id = json_object_get(rq->message, "request_id");
    int code = rq->problem ? RESULT_INVALID : 0;

    if (faults_take_wrong_code(rq->filesvc->deps.faults, rq->device, method, &code))
        text = "fault";
    (void) json_object_set_new(message, "method", json_string(method));
    (void) json_object_set_new(message, "result_code", json_integer(code));
    (void) json_object_set_new(message, "result_msg", json_string(text));
    if (id)
        (void) json_object_set(message, "request_id", id);
    thing_send_reply(rq->filesvc->deps.thing, rq->device, FILESVC_DOWN, message);
}

/* One file stands in report itself, or several in its resource_list; all or nothing. */
static void on_report_version(struct request *rq)
{
    json_t *list = json_object_get(rq->report, "resource_list"), *told;
    size_t n;
    struct file file;

    told = list ? json_incref(list) : json_array();
    if (!list)
        (void) json_array_append(told, (json_t *) (uintptr_t) rq->report);
    n = json_array_size(told);
    if (!json_is_array(told) || n > ITEMS_MAX)
        rq->problem = "resource_list must be a list of at most 64 files";
    for (size_t i = 0; !rq->problem && i < n; i++)
        rq->problem = read_file(json_array_get(told, i), &file);
    for (size_t i = 0; !rq->problem && i < n; i++) {
        (void) read_file(json_array_get(told, i), &file); /* it was good */
        if (record(rq->filesvc, rq->device, &file) < 0)
            rq->problem = "there is no room";
    }
    if (!rq->problem && n == 0) { /* the device has lost its list and wants ours */
        json_decref(told);
        told = recorded(rq->filesvc, rq->device);
    }
    items_save(rq->filesvc->items);
    reply(rq, json_pack("{s:o}", "resource_list", told), "report_version_rsp");
}

/* --- to the device --- */

/* The order that a report of the device is about; NULL sets the problem. */
static struct item *find_order(struct request *rq, enum item_kind kind)
{
    const json_t *progress = json_object_get(rq->report, "progress");
    const char *name = json_string_value(json_object_get(progress, "resource_name"));
    struct item *item = name ? items_find(rq->filesvc->items, rq->device, kind, name, true) : NULL;

    if (!item)
        rq->problem = "a report of no file that is on its way";
    else if (items_take_progress(item, progress) < 0)
        rq->problem = "progress must have a state, result_code, and a percent of 0 to 100";
    return rq->problem ? NULL : item;
}

static void on_progress(struct request *rq)
{
    struct item *item = find_order(rq, ITEM_DOWN);

    if (item && item->status == ITEM_DONE)
        item->status = ITEM_RUNNING; /* report_result tells how it ended */
}

static void on_result(struct request *rq)
{
    struct item *item = find_order(rq, ITEM_DOWN);

    if (!item || item->status != ITEM_DONE)
        return;
    if (record(rq->filesvc, rq->device, &(struct file){item->name, item->version, item->type}) < 0)
        rq->problem = "there is no room";
}

static void on_deleted(struct request *rq)
{
    struct item *item = find_order(rq, ITEM_DELETION), *had;

    if (!item || item->status != ITEM_DONE)
        return;
    had = items_find(rq->filesvc->items, rq->device, ITEM_RECORD, item->name, false);
    if (had)
        items_remove(rq->filesvc->items, had);
}

/* --- from the device --- */

static int add_upload(struct request *rq, const struct file *file, struct item **ret_item,
                      char **ret_url)
{
    struct items *items = rq->filesvc->items;
    char key[BLOBS_KEY_MAX + 1];
    struct item *item;
    int e = items_add(&item, items, rq->device, ITEM_UP, file->name);

    if (e < 0)
        return e;
    (void) snprintf(item->type, sizeof(item->type), "%s", file->type);
    (void) snprintf(item->version, sizeof(item->version), "%s", file->version);
    items_key(items, item, key);
    e = sign_random_hex(item->token, ITEMS_TOKEN_MAX);
    if (e == 0)
        e = blobs_put_url(rq->filesvc->deps.blobs, key, 0, NULL, 0, ret_url);
    if (e < 0)
        items_remove(items, item);
    else
        *ret_item = item;
    return e;
}

static void on_request_url(struct request *rq)
{
    CLEANUP(freep) char *url = NULL;
    json_t *message = json_object();
    struct item *item = NULL;
    struct file file;

    rq->problem = read_file(rq->report, &file);
    if (!rq->problem && !json_object_get(rq->message, "request_id"))
        rq->problem = "request_id is missing";
    if (!rq->problem && add_upload(rq, &file, &item, &url) < 0)
        rq->problem = "there is no room";
    if (!rq->problem) {
        (void) json_object_set_new(message, "resource_url", json_string(url));
        (void) json_object_set_new(message, "resource_token", json_string(item->token));
        items_save(rq->filesvc->items);
    }
    reply(rq, message, "request_url_resp");
}

static bool has_bytes(const struct filesvc *f, const struct item *item)
{
    char key[BLOBS_KEY_MAX + 1];

    items_key(f->items, item, key);
    return blobs_find(f->deps.blobs, key) != NULL;
}

static void on_post_result(struct request *rq)
{
    const json_t *progress = json_object_get(rq->report, "progress");
    const char *token = json_string_value(json_object_get(progress, "resource_token"));
    struct item *item = token ? items_find_token(rq->filesvc->items, rq->device, token) : NULL;

    if (!item) {
        rq->problem = "report_post_result with a resource_token of no upload";
    } else if (items_take_progress(item, progress) < 0) {
        rq->problem = "progress must have a state and result_code";
    } else if (item->status == ITEM_DONE && !has_bytes(rq->filesvc, item)) {
        item->status = ITEM_FAILED;
        rq->problem = "report_post_result of what was not uploaded";
    }
}

static void on_asr(struct request *rq)
{
    rq->problem = filesvc_take_asr(rq->filesvc, rq->device, rq->message);
}

static const struct {
    const char *name;
    void (*fn)(struct request *rq);
} methods[] = {
    {"report_version", on_report_version},
    {"report_progress", on_progress},
    {"report_result", on_result},
    {"del_result", on_deleted},
    {"request_url", on_request_url},
    {"report_post_result", on_post_result},
    {"request_asr", on_asr},
};

static bool on_service(const struct config_device *device, const char *method,
                       const json_t *message, void *userdata)
{
    struct request rq = {
        .filesvc = userdata,
        .device = device,
        .message = message,
        .report = json_object_get(message, "report"),
    };
    size_t i = 0;

    while (i < ARRAY_SIZE(methods) && strcmp(methods[i].name, method) != 0)
        i++;
    if (i == ARRAY_SIZE(methods))
        return false;
    methods[i].fn(&rq);
    items_save(rq.filesvc->items);
    if (rq.problem)
        journal_event(rq.filesvc->deps.journal, device->id, "bad_message", "%s: %s", method,
                      rq.problem);
    return true;
}

static void on_uploaded(const struct blob *blob, void *userdata)
{
    struct filesvc *f = userdata;
    struct item *item = items_find_key(f->items, blob->key);

    if (!item)
        return;
    items_set_blob(item, blob);
    if (item->kind == ITEM_DOWN)
        filesvc_push(f, item);
    items_save(f->items);
}

int filesvc_new(struct filesvc **ret_filesvc, const struct filesvc_deps *deps)
{
    const struct items_deps items_deps = {deps->config, deps->journal, deps->blobs, deps->dir,
                                          FILESVC_PREFIX};
    CLEANUP(filesvc_freep) struct filesvc *f = calloc(1, sizeof(*f));
    int e;

    if (!f)
        return -ENOMEM;
    f->deps = *deps;
    (void) snprintf(f->asr_text, sizeof(f->asr_text), "hello");
    e = items_new(&f->items, &items_deps);
    if (e == 0)
        e = blobs_listen(deps->blobs, FILESVC_PREFIX "/", on_uploaded, f);
    if (e < 0)
        return e;
    thing_set_service(deps->thing, on_service, f);
    *ret_filesvc = TAKE(f);
    return 0;
}

struct filesvc *filesvc_free(struct filesvc *f)
{
    if (!f)
        return NULL;
    items_free(f->items);
    free(f);
    return NULL;
}
