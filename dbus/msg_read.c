/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading: every value checked for its type, variants taken off. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/msg.h"
#include "libiotclient/base/fdutil.h"

/*
 * The iterator of what is inside of any variants. The depth is bounded by libdbus, which refuses
 * messages that nest deeper than 64 (DBUS_MAXIMUM_TYPE_RECURSION_DEPTH).
 */
static int unwrap(const DBusMessageIter *it, DBusMessageIter *ret_inner)
{
    DBusMessageIter at = *it;
    int type;

    while ((type = dbus_message_iter_get_arg_type(&at)) == DBUS_TYPE_VARIANT) {
        DBusMessageIter sub;

        dbus_message_iter_recurse(&at, &sub);
        at = sub;
    }
    *ret_inner = at;
    return type;
}

int msg_read_value(DBusMessageIter *it, struct msg_value *ret_value)
{
    struct msg_value v = {.kind = MSG_KIND_INT};
    DBusMessageIter at;
    DBusBasicValue raw;
    int type;

    type = unwrap(it, &at);
    if (type == DBUS_TYPE_INVALID)
        return -EPROTOTYPE;
    if (dbus_type_is_basic(type) && type != DBUS_TYPE_UNIX_FD)
        dbus_message_iter_get_basic(&at, &raw);

    switch (type) {
    case DBUS_TYPE_BOOLEAN:
        v.kind = MSG_KIND_BOOL;
        v.b = raw.bool_val;
        break;
    case DBUS_TYPE_BYTE:
        v.i = raw.byt;
        break;
    case DBUS_TYPE_INT16:
        v.i = raw.i16;
        break;
    case DBUS_TYPE_UINT16:
        v.i = raw.u16;
        break;
    case DBUS_TYPE_INT32:
        v.i = raw.i32;
        break;
    case DBUS_TYPE_UINT32:
        v.i = raw.u32;
        break;
    case DBUS_TYPE_INT64:
        v.i = raw.i64;
        break;
    case DBUS_TYPE_UINT64:
        if (raw.u64 > INT64_MAX)
            return -ERANGE;
        v.i = (int64_t) raw.u64;
        break;
    case DBUS_TYPE_DOUBLE:
        v.kind = MSG_KIND_DOUBLE;
        v.d = raw.dbl;
        break;
    case DBUS_TYPE_STRING:
        v.kind = MSG_KIND_STRING;
        v.s = raw.str;
        break;
    default:
        v.kind = MSG_KIND_OTHER;
        break;
    }
    *ret_value = v;
    dbus_message_iter_next(it);
    return 0;
}

/* Reads one value of the wanted kind; the iterator stays where it is on failure. */
static int read_kind(DBusMessageIter *it, enum msg_kind kind, struct msg_value *ret_value)
{
    DBusMessageIter at = *it;
    struct msg_value v;
    int r;

    r = msg_read_value(&at, &v);
    if (r < 0)
        return r;
    if (v.kind != kind)
        return -EPROTOTYPE;
    *it = at;
    *ret_value = v;
    return 0;
}

int msg_read_bool(DBusMessageIter *it, bool *ret_value)
{
    struct msg_value v;
    int r;

    r = read_kind(it, MSG_KIND_BOOL, &v);
    if (r >= 0)
        *ret_value = v.b;
    return r;
}

int msg_read_int64(DBusMessageIter *it, int64_t *ret_value)
{
    struct msg_value v;
    int r;

    r = read_kind(it, MSG_KIND_INT, &v);
    if (r >= 0)
        *ret_value = v.i;
    return r;
}

int msg_read_uint64(DBusMessageIter *it, uint64_t *ret_value)
{
    DBusMessageIter at;
    struct msg_value v;
    int r;

    if (unwrap(it, &at) == DBUS_TYPE_UINT64) {
        dbus_uint64_t raw;

        dbus_message_iter_get_basic(&at, &raw);
        dbus_message_iter_next(it);
        *ret_value = raw;
        return 0;
    }
    at = *it;
    r = read_kind(&at, MSG_KIND_INT, &v);
    if (r < 0)
        return r;
    if (v.i < 0)
        return -ERANGE;
    *it = at;
    *ret_value = (uint64_t) v.i;
    return 0;
}

int msg_read_double(DBusMessageIter *it, double *ret_value)
{
    DBusMessageIter at = *it;
    struct msg_value v;
    int r;

    r = msg_read_value(&at, &v);
    if (r < 0)
        return r;
    if (v.kind != MSG_KIND_DOUBLE && v.kind != MSG_KIND_INT)
        return -EPROTOTYPE;
    *it = at;
    *ret_value = v.kind == MSG_KIND_DOUBLE ? v.d : (double) v.i;
    return 0;
}

int msg_read_string(DBusMessageIter *it, const char **ret_value)
{
    struct msg_value v;
    int r;

    r = read_kind(it, MSG_KIND_STRING, &v);
    if (r >= 0)
        *ret_value = v.s;
    return r;
}

int msg_read_path(DBusMessageIter *it, const char **ret_value)
{
    DBusMessageIter at;

    if (unwrap(it, &at) != DBUS_TYPE_OBJECT_PATH)
        return -EPROTOTYPE;
    dbus_message_iter_get_basic(&at, ret_value);
    dbus_message_iter_next(it);
    return 0;
}

int msg_read_fd(DBusMessageIter *it, int *ret_fd)
{
    int fd = -1;

    if (dbus_message_iter_get_arg_type(it) != DBUS_TYPE_UNIX_FD)
        return -EPROTOTYPE;
    dbus_message_iter_get_basic(it, &fd);
    dbus_message_iter_next(it);
    if (fd < 0)
        return -EMFILE;
    *ret_fd = fd;
    return 0;
}

/* Of an array of descriptors; on failure the first *n were read. */
static int read_fds(DBusMessageIter *list, size_t max, int *fds, size_t *n)
{
    while (dbus_message_iter_get_arg_type(list) != DBUS_TYPE_INVALID) {
        int r;

        if (*n == max)
            return -ENOBUFS;
        r = msg_read_fd(list, &fds[*n]);
        if (r < 0)
            return r;
        (*n)++;
    }
    return 0;
}

int msg_read_fds(DBusMessageIter *it, size_t max, int *ret_fds, size_t *ret_n)
{
    CLEANUP(freep) int *fds = NULL;
    DBusMessageIter list;
    size_t n = 0;
    int r;

    if (dbus_message_iter_get_arg_type(it) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(it) != DBUS_TYPE_UNIX_FD)
        return -EPROTOTYPE;
    fds = calloc(max ? max : 1, sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    dbus_message_iter_recurse(it, &list);
    r = read_fds(&list, max, fds, &n);
    if (r < 0) {
        for (size_t i = 0; i < n; i++)
            (void) fd_close(fds[i]);
        return r;
    }
    memcpy(ret_fds, fds, n * sizeof(*fds));
    *ret_n = n;
    dbus_message_iter_next(it);
    return 0;
}

int msg_read_strv(DBusMessageIter *it, size_t max, const char ***ret_strv, size_t *ret_n)
{
    CLEANUP(freep) const char **strv = NULL;
    DBusMessageIter at, sub;
    size_t n, i = 0;

    if (unwrap(it, &at) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(&at) != DBUS_TYPE_STRING)
        return -EPROTOTYPE;
    n = (size_t) dbus_message_iter_get_element_count(&at);
    if (n > max)
        return -ENOBUFS;
    strv = calloc(n + 1, sizeof(*strv));
    if (!strv)
        return -ENOMEM;
    dbus_message_iter_recurse(&at, &sub);
    for (; i < n; i++) {
        dbus_message_iter_get_basic(&sub, &strv[i]);
        dbus_message_iter_next(&sub);
    }
    dbus_message_iter_next(it);
    *ret_strv = TAKE(strv);
    *ret_n = n;
    return 0;
}

int msg_read_uint64s(DBusMessageIter *it, size_t max, uint64_t **ret_list, size_t *ret_n)
{
    CLEANUP(freep) uint64_t *list = NULL;
    DBusMessageIter at, sub;
    size_t n;

    if (unwrap(it, &at) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(&at) != DBUS_TYPE_UINT64)
        return -EPROTOTYPE;
    n = (size_t) dbus_message_iter_get_element_count(&at);
    if (n > max)
        return -ENOBUFS;
    list = calloc(n + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    dbus_message_iter_recurse(&at, &sub);
    for (size_t i = 0; i < n; i++) {
        dbus_uint64_t v;

        dbus_message_iter_get_basic(&sub, &v);
        list[i] = v;
        dbus_message_iter_next(&sub);
    }
    dbus_message_iter_next(it);
    *ret_list = TAKE(list);
    *ret_n = n;
    return 0;
}

int msg_read_dict(DBusMessageIter *it, struct msg_dict *ret_dict)
{
    DBusMessageIter at, sub;
    char *signature;
    bool fits;

    if (unwrap(it, &at) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(&at) != DBUS_TYPE_DICT_ENTRY)
        return -EPROTOTYPE;
    signature = dbus_message_iter_get_signature(&at);
    if (!signature)
        return -ENOMEM;
    fits = strcmp(signature, "a{sv}") == 0;
    dbus_free(signature);
    if (!fits)
        return -EPROTOTYPE;

    dbus_message_iter_recurse(&at, &sub);
    dbus_message_iter_next(it);
    ret_dict->iter = sub;
    return 0;
}

bool msg_dict_next(struct msg_dict *dict, const char **ret_key, DBusMessageIter *ret_value)
{
    DBusMessageIter entry;

    if (dbus_message_iter_get_arg_type(&dict->iter) != DBUS_TYPE_DICT_ENTRY)
        return false;
    dbus_message_iter_recurse(&dict->iter, &entry);
    dbus_message_iter_get_basic(&entry, ret_key);
    dbus_message_iter_next(&entry);
    *ret_value = entry;
    dbus_message_iter_next(&dict->iter);
    return true;
}

int msg_read_map(DBusMessageIter *it, struct msg_dict *ret_dict)
{
    DBusMessageIter at, sub;
    char *signature;
    bool fits;

    if (unwrap(it, &at) != DBUS_TYPE_ARRAY)
        return -EPROTOTYPE;
    signature = dbus_message_iter_get_signature(&at);
    if (!signature)
        return -ENOMEM;
    fits = strncmp(signature, "a{s", 3) == 0;
    dbus_free(signature);
    if (!fits)
        return -EPROTOTYPE;

    dbus_message_iter_recurse(&at, &sub);
    dbus_message_iter_next(it);
    ret_dict->iter = sub;
    return 0;
}

int msg_read_array(DBusMessageIter *it, DBusMessageIter *ret_elements, size_t *ret_n)
{
    DBusMessageIter at, sub;

    if (unwrap(it, &at) != DBUS_TYPE_ARRAY ||
        dbus_message_iter_get_element_type(&at) == DBUS_TYPE_DICT_ENTRY)
        return -EPROTOTYPE;
    *ret_n = (size_t) dbus_message_iter_get_element_count(&at);
    dbus_message_iter_recurse(&at, &sub);
    dbus_message_iter_next(it);
    *ret_elements = sub;
    return 0;
}
