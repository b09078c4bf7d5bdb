/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/bus_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"

static int read_one(DBusMessageIter *it, struct policy_wish *ret_wish)
{
    DBusMessageIter value;
    struct msg_dict dict;
    const char *key;
    int r = msg_read_dict(it, &dict);

    while (r == 0 && msg_dict_next(&dict, &key, &value)) {
        if (strcmp(key, "history") == 0) {
            r = msg_read_bool(&value, &ret_wish->policy.history);
            ret_wish->given |= POLICY_HISTORY;
        }
    }
    return r;
}

int bus_policy_read(DBusMessageIter *it, const char *const *ids, size_t n_ids,
                    struct policy_wish **ret_wishes, const char **ret_detail)
{
    CLEANUP(freep) struct policy_wish *wishes = calloc(n_ids ? n_ids : 1, sizeof(*wishes));
    DBusMessageIter value;
    struct msg_dict dict;
    const char *id;
    int r;

    if (!wishes)
        return -ENOMEM;
    r = msg_read_dict(it, &dict);
    if (r < 0)
        *ret_detail = "option policy";
    while (r == 0 && msg_dict_next(&dict, &id, &value)) {
        size_t i = 0;

        while (i < n_ids && strcmp(ids[i], id) != 0)
            i++;
        r = i == n_ids ? -EINVAL : read_one(&value, &wishes[i]);
        if (r < 0)
            *ret_detail = id;
    }
    if (r < 0)
        return r;
    *ret_wishes = TAKE(wishes);
    return 0;
}
