/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_LOCALCLOUD_ITEMS_H
#define IOTD_LOCALCLOUD_ITEMS_H

/*
 * What resource management and file management remember: files that go to a device or come from
 * one, how far they are, and which the device has. One set of items for each of the two, each set
 * a document in the directory of --data-dir. The bytes are in the store of files.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "examples/localcloud/blobs.h"
#include "examples/localcloud/config.h"
#include "libiotclient/base/list.h"

#define ITEMS_MAX 64        /* per device and kind */
#define ITEMS_NAME_MAX 1024 /* what a desk may send to try a device; devices have less */
#define ITEMS_TYPE_MAX 10   /* vendor SDK, as the next */
#define ITEMS_VERSION_MAX 32
#define ITEMS_DEVICE_NAME_MAX 64
#define ITEMS_TOKEN_MAX 32
#define ITEMS_TEXT_MAX 128

enum item_kind {
    ITEM_DOWN,     /* goes to the device */
    ITEM_UP,       /* comes from it */
    ITEM_DELETION, /* the device is to delete it */
    ITEM_RECORD,   /* the device has it, as far as is known */
    ITEM_KIND_COUNT_,
};

enum item_status {
    ITEM_WAITING, /* for its bytes */
    ITEM_PENDING, /* the device has been told, or will be */
    ITEM_RUNNING,
    ITEM_DONE,
    ITEM_FAILED,
    ITEM_STATUS_COUNT_,
};

struct item {
    struct list link;
    const struct config_device *device;
    enum item_kind kind;
    enum item_status status;
    uint64_t id;
    char *name;
    char type[ITEMS_TYPE_MAX + 1];
    char version[ITEMS_VERSION_MAX + 1];
    char token[ITEMS_TOKEN_MAX + 1]; /* of an upload; "" */
    uint64_t size;
    char md5[BLOBS_MD5_MAX];
    int percent;    /* as told; -1: not told */
    int64_t code;   /* as told, as the next */
    char state[17]; /* the device's word; "" */
    char text[ITEMS_TEXT_MAX];
    json_t *set; /* members of the message that the desk wants to be others; NULL */
};

struct items;
struct items_deps {
    const struct config *config;
    struct journal *journal;
    struct blobs *blobs;
    int dir;            /* -1: nothing outlives the program */
    const char *prefix; /* of keys and of the document: "resource" */
};

/* System errors, -EINVAL: the document is no good. */
int items_new(struct items **ret_items, const struct items_deps *deps) MUST_CHECK;
struct items *items_free(struct items *s);
DEFINE_FREEP(struct items, items_free)

/*
 * Adds one. If the device has ITEMS_MAX of that kind the oldest that is over, or else a record,
 * goes. -ENOSPC; -EMSGSIZE the name is too long; -ENOMEM.
 */
int items_add(struct item **ret_item, struct items *s, const struct config_device *device,
              enum item_kind kind, const char *name) MUST_CHECK;
/* With its bytes. */
void items_remove(struct items *s, struct item *item);
/* After changes. What cannot be kept is noted in the journal. */
void items_save(const struct items *s);

/* The newest of that name; active: of those that are not over, if there are any. NULL. */
struct item *items_find(const struct items *s, const struct config_device *device,
                        enum item_kind kind, const char *name, bool active);
struct item *items_find_token(const struct items *s, const struct config_device *device,
                              const char *token);
struct item *items_find_key(const struct items *s, const char *key);
/* The oldest of that kind after one (NULL: of all), to go through them. */
struct item *items_next(const struct items *s, const struct config_device *device,
                        enum item_kind kind, const struct item *after);

/* The key of its bytes. */
void items_key(const struct items *s, const struct item *item, char key[BLOBS_KEY_MAX + 1]);
/* Its bytes have come: size, md5. */
void items_set_blob(struct item *item, const struct blob *blob);
/* {"state","percent","result_code","result_msg"} of a report, numbers or texts. -EINVAL. */
int items_take_progress(struct item *item, const json_t *progress) MUST_CHECK;

/* For GET /state: the items of a device, with URLs of what is there; NULL: none. */
json_t *items_json(const struct items *s, const struct config_device *device);

/* A number, or one as text. */
bool items_number(const json_t *value, int64_t *ret_number);
/* What a device says: 1 to max bytes without control characters. */
bool items_is_text(const char *text, size_t max);

#endif /* IOTD_LOCALCLOUD_ITEMS_H */
