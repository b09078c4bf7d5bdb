/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "examples/localcloud/items.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/persist.h"

struct items {
    struct items_deps deps;
    struct list all; /* oldest first */
    uint64_t last_id;
    char document[32];
};

static const char *const kind_names[ITEM_KIND_COUNT_] = {
    [ITEM_DOWN] = "down",
    [ITEM_UP] = "up",
    [ITEM_DELETION] = "deletion",
    [ITEM_RECORD] = "record",
};

static const char *const status_names[ITEM_STATUS_COUNT_] = {
    [ITEM_WAITING] = "waiting", [ITEM_PENDING] = "pending", [ITEM_RUNNING] = "running",
    [ITEM_DONE] = "done",       [ITEM_FAILED] = "failed",
};

static struct item *item_free(struct item *item)
{
    if (!item)
        return NULL;
    json_decref(item->set);
    free(item->name);
    free(item);
    return NULL;
}
DEFINE_FREEP(struct item, item_free)

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; name && i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -EINVAL;
}

/* --- the document --- */

static json_t *item_json(const struct item *item)
{
    json_t *o =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:s}", "kind", kind_names[item->kind], "id",
                  (json_int_t) item->id, "name", item->name, "status", status_names[item->status],
                  "md5", item->md5, "size", (json_int_t) item->size, "state", item->state);

    if (*item->type)
        (void) json_object_set_new(o, "type", json_string(item->type));
    if (*item->version)
        (void) json_object_set_new(o, "version", json_string(item->version));
    if (*item->token)
        (void) json_object_set_new(o, "token", json_string(item->token));
    if (*item->state) {
        (void) json_object_set_new(o, "percent", json_integer(item->percent));
        (void) json_object_set_new(o, "code", json_integer(item->code));
        (void) json_object_set_new(o, "text", json_string(item->text));
    }
    if (item->set)
        (void) json_object_set(o, "set", item->set);
    return o;
}

static void copy(char *buf, size_t size, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    (void) snprintf(buf, size, "%s", text ? text : "");
}

/* One of a device that is not configured any more is forgotten. */
static int load_item(struct items *s, const json_t *o)
{
    CLEANUP(item_freep) struct item *item = calloc(1, sizeof(*item));
    const char *device = json_string_value(json_object_get(o, "device"));
    const char *name = json_string_value(json_object_get(o, "name"));
    int kind, status;

    if (!item)
        return -ENOMEM;
    kind = find_name(kind_names, ITEM_KIND_COUNT_, json_string_value(json_object_get(o, "kind")));
    status = find_name(status_names, ITEM_STATUS_COUNT_,
                       json_string_value(json_object_get(o, "status")));
    if (kind < 0 || status < 0 || !device || !name)
        return -EINVAL;
    item->device = config_find_device_id(s->deps.config, device);
    if (!item->device)
        return 0;
    item->kind = (enum item_kind) kind;
    item->status = (enum item_status) status;
    item->id = (uint64_t) json_integer_value(json_object_get(o, "id"));
    item->size = (uint64_t) json_integer_value(json_object_get(o, "size"));
    item->percent = (int) json_integer_value(json_object_get(o, "percent"));
    item->code = json_integer_value(json_object_get(o, "code"));
    copy(item->type, sizeof(item->type), o, "type");
    copy(item->version, sizeof(item->version), o, "version");
    copy(item->token, sizeof(item->token), o, "token");
    copy(item->md5, sizeof(item->md5), o, "md5");
    copy(item->state, sizeof(item->state), o, "state");
    copy(item->text, sizeof(item->text), o, "text");
    item->set = json_incref(json_object_get(o, "set"));
    item->name = strdup(name);
    if (!item->name)
        return -ENOMEM;
    if (item->id > s->last_id)
        s->last_id = item->id;
    list_append(&s->all, &item->link);
    item = NULL;
    return 0;
}

static int load(struct items *s)
{
    json_t *document = NULL;
    int e = persist_load(s->deps.dir, s->document, &document);

    if (e < 0)
        return e == -ENOENT ? 0 : e;
    if (!json_is_array(document))
        e = -EINVAL;
    for (size_t i = 0; e == 0 && i < json_array_size(document); i++)
        e = load_item(s, json_array_get(document, i));
    json_decref(document);
    return e;
}

void items_save(const struct items *s)
{
    json_t *document = json_array();
    int e;

    LIST_FOR_EACH (n, &s->all) {
        const struct item *item = LIST_ENTRY(n, struct item, link);
        json_t *o = item_json(item);

        (void) json_object_set_new(o, "device", json_string(item->device->id));
        (void) json_array_append_new(document, o);
    }
    e = persist_save(s->deps.dir, s->document, document);
    json_decref(document);
    if (e < 0)
        journal_event(s->deps.journal, "", "not_kept", "%s: %s", s->document, strerror(-e));
}

int items_new(struct items **ret_items, const struct items_deps *deps)
{
    CLEANUP(items_freep) struct items *s = calloc(1, sizeof(*s));
    int e;

    if (!s)
        return -ENOMEM;
    s->deps = *deps;
    list_init(&s->all);
    (void) snprintf(s->document, sizeof(s->document), "%s.json", deps->prefix);
    e = load(s);
    if (e < 0)
        return e;
    *ret_items = TAKE(s);
    return 0;
}

struct items *items_free(struct items *s)
{
    if (!s)
        return NULL;
    LIST_FOR_EACH_SAFE (n, &s->all)
        item_free(LIST_ENTRY(n, struct item, link));
    free(s);
    return NULL;
}

/* --- items --- */

static bool is_over(const struct item *item)
{
    return item->status == ITEM_DONE || item->status == ITEM_FAILED;
}

struct item *items_next(const struct items *s, const struct config_device *device,
                        enum item_kind kind, const struct item *after)
{
    const struct list *from = after ? &after->link : &s->all;

    for (struct list *n = from->next; n != &s->all; n = n->next) {
        struct item *item = LIST_ENTRY(n, struct item, link);

        if (item->device == device && item->kind == kind)
            return item;
    }
    return NULL;
}

/* A record is always over, as long as it is one. */
static int make_room(struct items *s, const struct config_device *device, enum item_kind kind)
{
    struct item *oldest = NULL;
    unsigned n = 0;

    for (struct item *i = items_next(s, device, kind, NULL); i;
         i = items_next(s, device, kind, i)) {
        n++;
        if (!oldest && is_over(i))
            oldest = i;
    }
    if (n < ITEMS_MAX)
        return 0;
    if (!oldest)
        return -ENOSPC;
    items_remove(s, oldest);
    return 0;
}

int items_add(struct item **ret_item, struct items *s, const struct config_device *device,
              enum item_kind kind, const char *name)
{
    CLEANUP(item_freep) struct item *item = NULL;
    int e;

    if (strlen(name) > ITEMS_NAME_MAX)
        return -EMSGSIZE;
    e = make_room(s, device, kind);
    if (e < 0)
        return e;
    item = calloc(1, sizeof(*item));
    if (!item)
        return -ENOMEM;
    item->device = device;
    item->kind = kind;
    item->id = ++s->last_id;
    item->percent = -1;
    item->name = strdup(name);
    if (!item->name)
        return -ENOMEM;
    list_append(&s->all, &item->link);
    *ret_item = TAKE(item);
    return 0;
}

void items_key(const struct items *s, const struct item *item, char key[BLOBS_KEY_MAX + 1])
{
    (void) snprintf(key, BLOBS_KEY_MAX + 1, "%s/%s/%llu", s->deps.prefix, item->device->id,
                    (unsigned long long) item->id);
}

void items_remove(struct items *s, struct item *item)
{
    char key[BLOBS_KEY_MAX + 1];

    items_key(s, item, key);
    blobs_remove(s->deps.blobs, key);
    list_remove(&item->link);
    item_free(item);
}

struct item *items_find(const struct items *s, const struct config_device *device,
                        enum item_kind kind, const char *name, bool active)
{
    struct item *newest = NULL;

    for (struct item *i = items_next(s, device, kind, NULL); i;
         i = items_next(s, device, kind, i)) {
        if (strcmp(i->name, name) == 0 && (!active || !newest || is_over(newest) || !is_over(i)))
            newest = i;
    }
    return newest;
}

struct item *items_find_token(const struct items *s, const struct config_device *device,
                              const char *token)
{
    for (struct item *i = items_next(s, device, ITEM_UP, NULL); i;
         i = items_next(s, device, ITEM_UP, i)) {
        if (*i->token && strcmp(i->token, token) == 0)
            return i;
    }
    return NULL;
}

struct item *items_find_key(const struct items *s, const char *key)
{
    char own[BLOBS_KEY_MAX + 1];

    LIST_FOR_EACH (n, &s->all) {
        struct item *item = LIST_ENTRY(n, struct item, link);

        items_key(s, item, own);
        if (strcmp(own, key) == 0)
            return item;
    }
    return NULL;
}

void items_set_blob(struct item *item, const struct blob *blob)
{
    item->size = blob->size;
    (void) snprintf(item->md5, sizeof(item->md5), "%s", blob->md5);
}

/* --- what devices say --- */

bool items_number(const json_t *value, int64_t *ret_number)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    long long number;

    if (json_is_integer(value)) {
        *ret_number = json_integer_value(value);
        return true;
    }
    if (!text || !*text)
        return false;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end)
        return false;
    *ret_number = number;
    return true;
}

bool items_is_text(const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return len > 0 && len <= max;
}

int items_take_progress(struct item *item, const json_t *progress)
{
    const char *state = json_string_value(json_object_get(progress, "state"));
    const char *text = json_string_value(json_object_get(progress, "result_msg"));
    const json_t *percent_member = json_object_get(progress, "percent");
    int64_t code = 0, percent = -1;

    if (!items_is_text(state, sizeof(item->state) - 1) ||
        !items_number(json_object_get(progress, "result_code"), &code) ||
        (percent_member &&
         (!items_number(percent_member, &percent) || percent < 0 || percent > 100)))
        return -EINVAL;
    (void) snprintf(item->state, sizeof(item->state), "%s", state);
    (void) snprintf(item->text, sizeof(item->text), "%s", text ? text : "");
    item->percent = (int) percent;
    item->code = code;
    if (code != 0 || strcmp(state, "fail") == 0)
        item->status = ITEM_FAILED; /* files fail with state "done" and a code (vendor SDK) */
    else
        item->status = strcmp(state, "done") == 0 ? ITEM_DONE : ITEM_RUNNING;
    return 0;
}

json_t *items_json(const struct items *s, const struct config_device *device)
{
    json_t *list = json_array();

    LIST_FOR_EACH (n, &s->all) {
        const struct item *item = LIST_ENTRY(n, struct item, link);
        CLEANUP(freep) char *url = NULL;
        char key[BLOBS_KEY_MAX + 1];
        json_t *o;

        if (item->device != device)
            continue;
        o = item_json(item);
        items_key(s, item, key);
        if (blobs_find(s->deps.blobs, key) && blobs_get_url(s->deps.blobs, key, 0, &url) == 0)
            (void) json_object_set_new(o, "url", json_string(url));
        (void) json_array_append_new(list, o);
    }
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}
