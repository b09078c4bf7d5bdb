/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Definitions that a program brings when it registers, as the console's JSON: s, laid out as the
 * console's file; or a{ss}, for ids that it registers one definition each.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/front/bus_access.h"
#include "daemon/front/bus_define.h"
#include "daemon/sys/log.h"
#include "dbus/msg.h"
#include "libiotclient/base/name.h"

LOG_AREA("bus");

_Static_assert(BUS_ACCESS_DETAIL >= BUS_PROBLEM, "one place for both");

static int parse(const char *text, const char *of, json_t **ret_json,
                 char detail[BUS_ACCESS_DETAIL])
{
    struct jx_error error;
    int r;

    if (strlen(text) > LIMIT_MODEL_FILE) {
        (void) snprintf(detail, BUS_ACCESS_DETAIL, "define: more than %d bytes", LIMIT_MODEL_FILE);
        return -EMSGSIZE;
    }
    r = jx_parse_object(text, strlen(text), ret_json, &error);
    if (r == -EBADMSG)
        (void) snprintf(detail, BUS_ACCESS_DETAIL, "define%s%.64s: not JSON: %s", *of ? " " : "",
                        of, error.text);
    return r == -EBADMSG ? -EINVAL : r;
}

/* Which list an id belongs in: that of the call. */
static int find_kind(const struct owners_ids *ids, const char *id)
{
    for (int f = 0; f < FEATURE_COUNT_; f++) {
        for (size_t i = 0; i < ids->n[f]; i++) {
            if (strcmp(ids->ids[f][i], id) == 0)
                return f;
        }
    }
    return -EINVAL;
}

static int add_one(json_t *root, const struct owners_ids *ids, const char *id, const char *text,
                   char detail[BUS_ACCESS_DETAIL])
{
    CLEANUP(jx_decrefp) json_t *item = NULL;
    int kind = find_kind(ids, id), r;
    json_t *list;

    if (kind < 0) {
        (void) snprintf(detail, BUS_ACCESS_DETAIL, "define: \"%.64s\" is not being registered", id);
        return -EINVAL;
    }
    r = parse(text, id, &item, detail);
    if (r < 0)
        return r;
    if (strcmp(jx_string_or(item, "id", ""), id) != 0) {
        (void) snprintf(detail, BUS_ACCESS_DETAIL, "define %.64s: has another id", id);
        return -EINVAL;
    }
    list = json_object_get(root, model_kind_key((enum model_kind) kind));
    return json_array_append(list, item) < 0 ? -ENOMEM : 0;
}

static int new_root(json_t **ret_root)
{
    CLEANUP(jx_decrefp) json_t *root = json_object();

    for (int k = 0; root && k < MODEL_KIND_COUNT_; k++) {
        if (json_object_set_new(root, model_kind_key((enum model_kind) k), json_array()) < 0)
            return -ENOMEM;
    }
    *ret_root = TAKE(root);
    return *ret_root ? 0 : -ENOMEM;
}

static int read_each(struct msg_dict *dict, const struct owners_ids *ids, json_t **ret_root,
                     char detail[BUS_ACCESS_DETAIL])
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    DBusMessageIter value;
    const char *id, *text;
    int r = new_root(&root);

    while (r == 0 && msg_dict_next(dict, &id, &value)) {
        r = msg_read_string(&value, &text);
        if (r == 0)
            r = add_one(root, ids, id, text, detail);
    }
    if (r == 0)
        *ret_root = TAKE(root);
    return r;
}

static int read_all(const DBusMessageIter *value, const struct owners_ids *ids, json_t **ret_root,
                    char detail[BUS_ACCESS_DETAIL])
{
    DBusMessageIter it = *value;
    struct msg_dict dict;
    const char *text;
    int r;

    if (msg_read_map(&it, &dict) == 0)
        return read_each(&dict, ids, ret_root, detail);
    it = *value;
    r = msg_read_string(&it, &text);
    return r < 0 ? r : parse(text, "", ret_root, detail);
}

/* Ids that are none are told as mistakes. */
static int check_access(struct bus *bus, struct bus_peer *peer, const json_t *root,
                        char detail[BUS_ACCESS_DETAIL])
{
    for (int k = 0; k < MODEL_KIND_COUNT_; k++) {
        const json_t *item;
        size_t i;

        json_array_foreach(json_object_get(root, model_kind_key((enum model_kind) k)), i, item)
        {
            const char *id = jx_string_or(item, "id", "");
            int r = name_is_feature_id(id)
                        ? bus_access_check(bus, peer, ACCESS_REGISTER, id, detail)
                        : 0;

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int bus_define(struct bus *bus, struct bus_peer *peer, const DBusMessageIter *value,
               const struct owners_ids *ids, char detail[BUS_ACCESS_DETAIL])
{
    CLEANUP(jx_decrefp) json_t *root = NULL;
    int r;

    r = read_all(value, ids, &root, detail);
    if (r == 0)
        r = check_access(bus, peer, root, detail);
    if (r == 0)
        r = bus->config.on_define(root, detail, bus->config.userdata);
    if (r < 0)
        log_warn_limited(&bus->refusals, "definitions refused name=%s uid=%u reason=\"%s\"",
                         peer->name, peer->uid, detail);
    return r;
}
