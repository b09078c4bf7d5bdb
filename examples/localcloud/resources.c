/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/resources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOWN "$resource/down/service"
#define RESULT_INVALID (-1) /* our number: the documents name none */

struct resources {
    struct resources_deps deps;
    struct items *items;
};

/* One message; problem NULL is success. */
struct request {
    struct resources *resources;
    const struct config_device *device;
    const json_t *message;
    const char *problem;
};

/* {"type","size","name","md5sum","url"} of a file for the device. Type: which message it is. */
static json_t *make_offer(struct resources *r, const struct item *item, const char *type)
{
    CLEANUP(freep) char *url = NULL;
    char key[BLOBS_KEY_MAX + 1];
    json_t *o;

    items_key(r->items, item, key);
    if (blobs_get_url(r->deps.blobs, key, 0, &url) < 0)
        return NULL;
    o = json_pack("{s:s, s:I, s:s, s:s, s:s}", "type", type, "size", (json_int_t) item->size,
                  "name", item->name, "md5sum", item->md5, "url", url);
    if (item->set)
        (void) json_object_update(o, item->set);
    return o;
}

/* With QoS 1, so that a device that is away with a session finds it. */
static void push(struct resources *r, struct item *item)
{
    json_t *message = make_offer(r, item, "download");

    item->status = ITEM_PENDING;
    if (message)
        (void) thing_send(r->deps.thing, item->device, DOWN, message, 1); /* the journal tells */
}

static void on_uploaded(const struct blob *blob, void *userdata)
{
    struct resources *r = userdata;
    struct item *item = items_find_key(r->items, blob->key);

    if (!item)
        return;
    items_set_blob(item, blob);
    if (item->kind == ITEM_DOWN)
        push(r, item);
    items_save(r->items);
}

/* --- what devices ask --- */

/* The members of every reply but the results of offers. */
static void reply(const struct request *rq, json_t *message, const char *type)
{
    const char *text = rq->problem ? rq->problem : "ok";
    int code = rq->problem ? RESULT_INVALID : 0;

    if (faults_take_wrong_code(rq->resources->deps.faults, rq->device, type, &code))
        text = "fault";
    (void) json_object_set_new(message, "type", json_string(type));
    (void) json_object_set_new(message, "result_code", json_integer(code));
    (void) json_object_set_new(message, "result_msg", json_string(text));
    thing_send_reply(rq->resources->deps.thing, rq->device, DOWN, message);
}

static bool is_md5(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;
}

/* Another one of that name takes the place of the one before. */
static int add_upload(struct request *rq, const char *name, uint64_t size, const char *md5,
                      char **ret_url)
{
    struct items *items = rq->resources->items;
    struct item *item = items_find(items, rq->device, ITEM_UP, name, false);
    char key[BLOBS_KEY_MAX + 1];
    int e;

    if (item)
        items_remove(items, item);
    e = items_add(&item, items, rq->device, ITEM_UP, name);
    if (e < 0)
        return e;
    item->size = size;
    (void) snprintf(item->md5, sizeof(item->md5), "%s", md5);
    items_key(items, item, key);
    return blobs_put_url(rq->resources->deps.blobs, key, size, md5, 0, ret_url);
}

/* The answer has what was asked for, and the URL unless that was no good. */
static void on_create_upload(struct request *rq)
{
    const char *name = json_string_value(json_object_get(rq->message, "name"));
    const char *md5 = json_string_value(json_object_get(rq->message, "md5sum"));
    const json_t *size = json_object_get(rq->message, "size");
    CLEANUP(freep) char *url = NULL;
    json_t *message = json_object();

    if (!items_is_text(name, ITEMS_DEVICE_NAME_MAX))
        rq->problem = "name must be 1 to 64 characters";
    else if (!json_is_integer(size) || json_integer_value(size) <= 0 ||
             (uint64_t) json_integer_value(size) > BLOBS_SIZE_MAX)
        rq->problem = "size must be a number of bytes, at most 1024 MB";
    else if (!is_md5(md5))
        rq->problem = "md5sum must be 32 hexadecimal digits";
    else if (add_upload(rq, name, (uint64_t) json_integer_value(size), md5, &url) < 0)
        rq->problem = "there is no room";
    for (const char *const *key = (const char *const[]){"size", "name", "md5sum", NULL}; *key;
         key++) {
        json_t *value = json_object_get(rq->message, *key);

        if (value)
            (void) json_object_set(message, *key, value);
    }
    if (url)
        (void) json_object_set_new(message, "url", json_string(url));
    items_save(rq->resources->items);
    reply(rq, message, "create_upload_task_rsp");
}

/* Without a task there is no answer (device guide). */
static void on_get_download(struct request *rq)
{
    struct resources *r = rq->resources;
    json_t *message;

    for (struct item *i = items_next(r->items, rq->device, ITEM_DOWN, NULL); i;
         i = items_next(r->items, rq->device, ITEM_DOWN, i)) {
        if (i->status != ITEM_PENDING && i->status != ITEM_RUNNING)
            continue;
        message = make_offer(r, i, "get_download_task_rsp");
        if (message)
            thing_send_reply(r->deps.thing, rq->device, DOWN, message);
        return;
    }
}

static bool has_bytes(const struct resources *r, const struct item *item)
{
    char key[BLOBS_KEY_MAX + 1];

    items_key(r->items, item, key);
    return blobs_find(r->deps.blobs, key) != NULL;
}

static void take_progress(struct request *rq, enum item_kind kind, const char *type)
{
    const char *name = json_string_value(json_object_get(rq->message, "name"));
    struct item *item =
        name ? items_find(rq->resources->items, rq->device, kind, name, true) : NULL;

    if (!item) {
        rq->problem = "there is no such task";
    } else if (items_take_progress(item, json_object_get(rq->message, "progress")) < 0) {
        rq->problem = "progress must have a state, result_code, and a percent of 0 to 100";
    } else {
        if (kind == ITEM_UP && item->status == ITEM_DONE && !has_bytes(rq->resources, item)) {
            item->status = ITEM_FAILED;
            rq->problem = "nothing was uploaded";
        }
        items_save(rq->resources->items);
    }
    reply(rq, json_object(), type);
}

static void on_upload_progress(struct request *rq)
{
    take_progress(rq, ITEM_UP, "report_upload_progress_rsp");
}

static void on_download_progress(struct request *rq)
{
    take_progress(rq, ITEM_DOWN, "report_download_progress_rsp");
}

static const struct {
    const char *type;
    void (*fn)(struct request *rq);
} types[] = {
    {"create_upload_task", on_create_upload},
    {"report_upload_progress", on_upload_progress},
    {"get_download_task", on_get_download},
    {"report_download_progress", on_download_progress},
};

void resources_on_message(struct resources *r, const struct config_device *device,
                          const uint8_t *payload, size_t len)
{
    json_t *message = json_loadb((const char *) payload, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    struct request rq = {.resources = r, .device = device, .message = message};
    size_t i = 0;

    while (type && i < ARRAY_SIZE(types) && strcmp(types[i].type, type) != 0)
        i++;
    if (type && i < ARRAY_SIZE(types))
        types[i].fn(&rq);
    else
        rq.problem = "not an object with a known type";
    if (rq.problem)
        journal_event(r->deps.journal, device->id, "bad_message", "$resource: %s", rq.problem);
    json_decref(message);
}

/* --- the desk --- */

int resources_send(struct resources *r, const struct config_device *device, const char *name,
                   json_t *set, char **ret_url)
{
    char key[BLOBS_KEY_MAX + 1];
    struct item *item;
    int e = items_add(&item, r->items, device, ITEM_DOWN, name);

    if (e < 0)
        return e;
    item->set = json_incref(set);
    items_key(r->items, item, key);
    items_save(r->items);
    return blobs_put_url(r->deps.blobs, key, 0, NULL, 0, ret_url);
}

int resources_retry(struct resources *r, const struct config_device *device, const char *name)
{
    struct item *item = items_find(r->items, device, ITEM_DOWN, name, false);

    if (!item)
        return -ENOENT;
    if (item->status == ITEM_WAITING)
        return -EAGAIN;
    push(r, item);
    items_save(r->items);
    return 0;
}

int resources_remove(struct resources *r, const struct config_device *device, const char *name)
{
    static const enum item_kind kinds[] = {ITEM_DOWN, ITEM_UP};
    unsigned n = 0;

    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct item *item;

        while ((item = items_find(r->items, device, kinds[k], name, false))) {
            items_remove(r->items, item);
            n++;
        }
    }
    items_save(r->items);
    return n > 0 ? 0 : -ENOENT;
}

json_t *resources_json(const struct resources *r, const struct config_device *device)
{
    return items_json(r->items, device);
}

/* --- life --- */

int resources_new(struct resources **ret_resources, const struct resources_deps *deps)
{
    const struct items_deps items_deps = {deps->config, deps->journal, deps->blobs, deps->dir,
                                          RESOURCES_PREFIX};
    CLEANUP(resources_freep) struct resources *r = calloc(1, sizeof(*r));
    int e;

    if (!r)
        return -ENOMEM;
    r->deps = *deps;
    e = items_new(&r->items, &items_deps);
    if (e == 0)
        e = blobs_listen(deps->blobs, RESOURCES_PREFIX "/", on_uploaded, r);
    if (e < 0)
        return e;
    *ret_resources = TAKE(r);
    return 0;
}

struct resources *resources_free(struct resources *r)
{
    if (!r)
        return NULL;
    items_free(r->items);
    free(r);
    return NULL;
}
