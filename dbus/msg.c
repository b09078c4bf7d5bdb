/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing, and errors; reading is in msg_read.c. */

#include "dbus/msg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/errmap.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/utf8.h"

static int append(DBusMessageIter *it, int type, const void *value)
{
    return dbus_message_iter_append_basic(it, type, value) ? 0 : -ENOMEM;
}

static int check_text(const char *text)
{
    size_t len;

    if (!text)
        return -EINVAL;
    len = strnlen(text, LIMIT_DBUS_MESSAGE + 1);
    if (len > LIMIT_DBUS_MESSAGE)
        return -EMSGSIZE;
    return utf8_is_valid(text, len) ? 0 : -EINVAL;
}

int msg_append_bool(DBusMessageIter *it, bool value)
{
    return append(it, DBUS_TYPE_BOOLEAN, &(dbus_bool_t){value});
}

int msg_append_int32(DBusMessageIter *it, int32_t value)
{
    return append(it, DBUS_TYPE_INT32, &(dbus_int32_t){value});
}

int msg_append_uint32(DBusMessageIter *it, uint32_t value)
{
    return append(it, DBUS_TYPE_UINT32, &(dbus_uint32_t){value});
}

int msg_append_int64(DBusMessageIter *it, int64_t value)
{
    return append(it, DBUS_TYPE_INT64, &(dbus_int64_t){value});
}

int msg_append_uint64(DBusMessageIter *it, uint64_t value)
{
    return append(it, DBUS_TYPE_UINT64, &(dbus_uint64_t){value});
}

int msg_append_double(DBusMessageIter *it, double value)
{
    return append(it, DBUS_TYPE_DOUBLE, &value);
}

int msg_append_string(DBusMessageIter *it, const char *value)
{
    int r = check_text(value);

    return r < 0 ? r : append(it, DBUS_TYPE_STRING, &value);
}

int msg_append_path(DBusMessageIter *it, const char *value)
{
    int r = check_text(value);

    if (r < 0)
        return r;
    if (!dbus_validate_path(value, NULL))
        return -EINVAL;
    return append(it, DBUS_TYPE_OBJECT_PATH, &value);
}

int msg_open(DBusMessageIter *it, int type, const char *signature, DBusMessageIter *ret_sub)
{
    return dbus_message_iter_open_container(it, type, signature, ret_sub) ? 0 : -ENOMEM;
}

int msg_close(DBusMessageIter *it, DBusMessageIter *sub, int r)
{
    if (r < 0) {
        dbus_message_iter_abandon_container(it, sub);
        return r;
    }
    return dbus_message_iter_close_container(it, sub) ? 0 : -ENOMEM;
}

int msg_append_fd(DBusMessageIter *it, int fd)
{
    return dbus_message_iter_append_basic(it, DBUS_TYPE_UNIX_FD, &fd) ? 0 : -ENOMEM;
}

int msg_append_fds(DBusMessageIter *it, const int *fds, size_t n)
{
    DBusMessageIter sub;
    int r;

    r = msg_open(it, DBUS_TYPE_ARRAY, "h", &sub);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n && r >= 0; i++)
        r = msg_append_fd(&sub, fds[i]);
    return msg_close(it, &sub, r);
}

int msg_append_strv(DBusMessageIter *it, const char *const *strv, size_t n)
{
    DBusMessageIter sub;
    int r;

    r = msg_open(it, DBUS_TYPE_ARRAY, "s", &sub);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n && r >= 0; i++)
        r = msg_append_string(&sub, strv[i]);
    return msg_close(it, &sub, r);
}

int msg_append_bytes(DBusMessageIter *it, const void *data, size_t len)
{
    const void *at = len > 0 ? data : "";
    DBusMessageIter sub;
    int r;

    if (len > LIMIT_DBUS_MESSAGE)
        return -EMSGSIZE;
    r = msg_open(it, DBUS_TYPE_ARRAY, "y", &sub);
    if (r < 0)
        return r;
    if (!dbus_message_iter_append_fixed_array(&sub, DBUS_TYPE_BYTE, &at, (int) len))
        r = -ENOMEM;
    return msg_close(it, &sub, r);
}

/* A variant of one basic value that was checked before. */
static int append_variant(DBusMessageIter *it, int type, const void *value)
{
    const char signature[] = {(char) type, '\0'};
    DBusMessageIter sub;
    int r;

    r = msg_open(it, DBUS_TYPE_VARIANT, signature, &sub);
    if (r < 0)
        return r;
    return msg_close(it, &sub, append(&sub, type, value));
}

int msg_append_variant_bool(DBusMessageIter *it, bool value)
{
    return append_variant(it, DBUS_TYPE_BOOLEAN, &(dbus_bool_t){value});
}

int msg_append_variant_int64(DBusMessageIter *it, int64_t value)
{
    return append_variant(it, DBUS_TYPE_INT64, &(dbus_int64_t){value});
}

int msg_append_variant_double(DBusMessageIter *it, double value)
{
    return append_variant(it, DBUS_TYPE_DOUBLE, &value);
}

int msg_append_variant_string(DBusMessageIter *it, const char *value)
{
    int r = check_text(value);

    return r < 0 ? r : append_variant(it, DBUS_TYPE_STRING, &value);
}

static int dict_basic(DBusMessageIter *dict, const char *key, int type, const void *value)
{
    DBusMessageIter entry;
    int r;

    r = msg_open(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    if (r < 0)
        return r;
    r = msg_append_string(&entry, key);
    if (r >= 0)
        r = append_variant(&entry, type, value);
    return msg_close(dict, &entry, r);
}

int msg_dict_bool(DBusMessageIter *dict, const char *key, bool value)
{
    return dict_basic(dict, key, DBUS_TYPE_BOOLEAN, &(dbus_bool_t){value});
}

int msg_dict_uint32(DBusMessageIter *dict, const char *key, uint32_t value)
{
    return dict_basic(dict, key, DBUS_TYPE_UINT32, &(dbus_uint32_t){value});
}

int msg_dict_int64(DBusMessageIter *dict, const char *key, int64_t value)
{
    return dict_basic(dict, key, DBUS_TYPE_INT64, &(dbus_int64_t){value});
}

int msg_dict_uint64(DBusMessageIter *dict, const char *key, uint64_t value)
{
    return dict_basic(dict, key, DBUS_TYPE_UINT64, &(dbus_uint64_t){value});
}

int msg_dict_double(DBusMessageIter *dict, const char *key, double value)
{
    return dict_basic(dict, key, DBUS_TYPE_DOUBLE, &value);
}

int msg_dict_string(DBusMessageIter *dict, const char *key, const char *value)
{
    int r = check_text(value);

    return r < 0 ? r : dict_basic(dict, key, DBUS_TYPE_STRING, &value);
}

int msg_dict_path(DBusMessageIter *dict, const char *key, const char *value)
{
    int r = check_text(value);

    if (r < 0)
        return r;
    if (!dbus_validate_path(value, NULL))
        return -EINVAL;
    return dict_basic(dict, key, DBUS_TYPE_OBJECT_PATH, &value);
}

int msg_dict_open_entry(DBusMessageIter *dict, const char *key, const char *signature,
                        struct msg_entry *ret_entry)
{
    int r;

    r = msg_open(dict, DBUS_TYPE_DICT_ENTRY, NULL, &ret_entry->entry);
    if (r < 0)
        return r;
    r = msg_append_string(&ret_entry->entry, key);
    if (r >= 0)
        r = msg_open(&ret_entry->entry, DBUS_TYPE_VARIANT, signature, &ret_entry->variant);
    if (r < 0)
        return msg_close(dict, &ret_entry->entry, r);
    return 0;
}

int msg_dict_close_entry(DBusMessageIter *dict, struct msg_entry *entry, int r)
{
    r = msg_close(&entry->entry, &entry->variant, r);
    return msg_close(dict, &entry->entry, r);
}

int msg_dict_uint64s(DBusMessageIter *dict, const char *key, const uint64_t *list, size_t n)
{
    struct msg_entry entry;
    DBusMessageIter sub;
    int r;

    r = msg_dict_open_entry(dict, key, "at", &entry);
    if (r < 0)
        return r;
    r = msg_open(&entry.variant, DBUS_TYPE_ARRAY, "t", &sub);
    if (r < 0)
        return msg_dict_close_entry(dict, &entry, r);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = msg_append_uint64(&sub, list[i]);
    r = msg_close(&entry.variant, &sub, r);
    return msg_dict_close_entry(dict, &entry, r);
}

int msg_new_error(DBusMessage **ret_msg, DBusMessage *call, int err, const char *detail)
{
    DBusMessage *msg;

    assert(err < 0);

    if (detail && detail[0] && check_text(detail) >= 0)
        msg = dbus_message_new_error_printf(call, errmap_name(err), "%s: %s", errmap_text(err),
                                            detail);
    else
        msg = dbus_message_new_error(call, errmap_name(err), errmap_text(err));
    if (!msg)
        return -ENOMEM;
    *ret_msg = msg;
    return 0;
}

int msg_get_error(DBusMessage *msg, const char **ret_text)
{
    const char *text = "";
    DBusMessageIter it;

    if (dbus_message_get_type(msg) != DBUS_MESSAGE_TYPE_ERROR)
        return 0;
    if (dbus_message_iter_init(msg, &it) && dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_STRING)
        dbus_message_iter_get_basic(&it, &text);
    if (ret_text)
        *ret_text = text;
    return errmap_from_name(dbus_message_get_error_name(msg));
}
