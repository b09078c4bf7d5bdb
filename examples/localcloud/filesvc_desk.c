/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the desk asks of file management, as users do in their app. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/filesvc_state.h"

/* With QoS 1, so that a device that is away with a session finds it. Takes message. */
static void send(struct filesvc *f, struct item *item, json_t *message)
{
    item->status = ITEM_PENDING;
    if (message && item->set)
        (void) json_object_update(message, item->set);
    if (message)
        (void) thing_send(f->deps.thing, item->device, FILESVC_DOWN, message, 1);
}

void filesvc_push(struct filesvc *f, struct item *item)
{
    CLEANUP(freep) char *url = NULL;
    char key[BLOBS_KEY_MAX + 1];

    items_key(f->items, item, key);
    if (blobs_get_url(f->deps.blobs, key, 0, &url) < 0)
        return;
    send(f, item,
         json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "method", "update_resource",
                   "resource_name", item->name, "resource_type", item->type, "version",
                   item->version, "url", url, "md5sum", item->md5, "file_size",
                   (json_int_t) item->size));
}

static int add(struct filesvc *f, const struct config_device *device, enum item_kind kind,
               const struct filesvc_file *file, struct item **ret_item)
{
    struct item *item;
    int e;

    if (strlen(file->type) > ITEMS_TYPE_MAX || strlen(file->version) > ITEMS_VERSION_MAX)
        return -EINVAL;
    e = items_add(&item, f->items, device, kind, file->name);
    if (e < 0)
        return e;
    (void) snprintf(item->type, sizeof(item->type), "%s", file->type);
    (void) snprintf(item->version, sizeof(item->version), "%s", file->version);
    item->set = json_incref(file->set);
    *ret_item = item;
    return 0;
}

int filesvc_send(struct filesvc *f, const struct config_device *device,
                 const struct filesvc_file *file, char **ret_url)
{
    char key[BLOBS_KEY_MAX + 1];
    struct item *item;
    int e = add(f, device, ITEM_DOWN, file, &item);

    if (e < 0)
        return e;
    items_key(f->items, item, key);
    items_save(f->items);
    return blobs_put_url(f->deps.blobs, key, 0, NULL, 0, ret_url);
}

int filesvc_retry(struct filesvc *f, const struct config_device *device, const char *name)
{
    struct item *item = items_find(f->items, device, ITEM_DOWN, name, false);

    if (!item)
        return -ENOENT;
    if (item->status == ITEM_WAITING)
        return -EAGAIN;
    filesvc_push(f, item);
    items_save(f->items);
    return 0;
}

int filesvc_delete(struct filesvc *f, const struct config_device *device,
                   const struct filesvc_file *file)
{
    const struct item *had = items_find(f->items, device, ITEM_RECORD, file->name, false);
    struct filesvc_file known = *file;
    struct item *item;
    int e;

    if (!known.type)
        known.type = had ? had->type : "FILE";
    if (!known.version)
        known.version = had ? had->version : "1.0";
    e = add(f, device, ITEM_DELETION, &known, &item);
    if (e < 0)
        return e;
    send(f, item,
         json_pack("{s:s, s:s, s:s, s:s}", "method", "del_resource", "resource_name", item->name,
                   "resource_type", item->type, "version", item->version));
    items_save(f->items);
    return 0;
}

json_t *filesvc_json(const struct filesvc *f, const struct config_device *device)
{
    return items_json(f->items, device);
}
