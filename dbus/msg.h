/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_DBUS_MSG_H
#define IOTD_DBUS_MSG_H

/*
 * Typed append and read over libdbus iterators.
 *
 * Append: what libdbus would answer with a warning and abort() is checked before and refused:
 * -EINVAL for text that is not UTF-8 or not a path, -EMSGSIZE for text above LIMIT_DBUS_MESSAGE,
 * -ENOMEM. After a failure the message is incomplete and may only be dropped; containers opened
 * here are closed in any case by their msg_close_*() function, which takes the result so far.
 *
 * Read: -EPROTOTYPE when another type stands there, also at the end of the arguments; on success
 * the iterator moves on. A value inside variants (any depth) is read as itself. Texts are
 * borrowed from the message and are UTF-8, which libdbus checks on receipt.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dbus/dbus.h>

#include "libiotclient/base/macro.h"

static inline DBusMessage *msg_unref(DBusMessage *msg)
{
    if (msg)
        dbus_message_unref(msg);
    return NULL;
}
DEFINE_FREEP(DBusMessage, msg_unref)

/* Append: one value. */
int msg_append_bool(DBusMessageIter *it, bool value) MUST_CHECK;
int msg_append_int32(DBusMessageIter *it, int32_t value) MUST_CHECK;
int msg_append_uint32(DBusMessageIter *it, uint32_t value) MUST_CHECK;
int msg_append_int64(DBusMessageIter *it, int64_t value) MUST_CHECK;
int msg_append_uint64(DBusMessageIter *it, uint64_t value) MUST_CHECK;
int msg_append_double(DBusMessageIter *it, double value) MUST_CHECK;
int msg_append_string(DBusMessageIter *it, const char *value) MUST_CHECK;
int msg_append_path(DBusMessageIter *it, const char *value) MUST_CHECK;
/* `h`: the message has a duplicate, fd stays the caller's. */
int msg_append_fd(DBusMessageIter *it, int fd) MUST_CHECK;
/* `ah`: the same for each; fds may be NULL when n is 0. */
int msg_append_fds(DBusMessageIter *it, const int *fds, size_t n) MUST_CHECK;
/* `as`; strv may be NULL when n is 0. */
int msg_append_strv(DBusMessageIter *it, const char *const *strv, size_t n) MUST_CHECK;
/* `ay` */
int msg_append_bytes(DBusMessageIter *it, const void *data, size_t len) MUST_CHECK;

/* Append: one variant. */
int msg_append_variant_bool(DBusMessageIter *it, bool value) MUST_CHECK;
int msg_append_variant_int64(DBusMessageIter *it, int64_t value) MUST_CHECK;
int msg_append_variant_double(DBusMessageIter *it, double value) MUST_CHECK;
int msg_append_variant_string(DBusMessageIter *it, const char *value) MUST_CHECK;

/*
 * Containers. open: 0 or -ENOMEM. close: r is the result of what was done inside; when negative
 * the container is abandoned and r comes back. signature is that of one element or of the
 * content of the variant; NULL for structs and dictionary entries.
 */
int msg_open(DBusMessageIter *it, int type, const char *signature,
             DBusMessageIter *ret_sub) MUST_CHECK;
int msg_close(DBusMessageIter *it, DBusMessageIter *sub, int r) MUST_CHECK;
static inline int msg_open_dict(DBusMessageIter *it, DBusMessageIter *ret_dict)
{
    return msg_open(it, DBUS_TYPE_ARRAY, "{sv}", ret_dict);
}

/* Append to an open a{sv}: one entry. */
int msg_dict_bool(DBusMessageIter *dict, const char *key, bool value) MUST_CHECK;
int msg_dict_uint32(DBusMessageIter *dict, const char *key, uint32_t value) MUST_CHECK;
int msg_dict_int64(DBusMessageIter *dict, const char *key, int64_t value) MUST_CHECK;
int msg_dict_uint64(DBusMessageIter *dict, const char *key, uint64_t value) MUST_CHECK;
int msg_dict_double(DBusMessageIter *dict, const char *key, double value) MUST_CHECK;
int msg_dict_string(DBusMessageIter *dict, const char *key, const char *value) MUST_CHECK;
int msg_dict_path(DBusMessageIter *dict, const char *key, const char *value) MUST_CHECK;
/* `at`; list may be NULL when n is 0. */
int msg_dict_uint64s(DBusMessageIter *dict, const char *key, const uint64_t *list,
                     size_t n) MUST_CHECK;
/*
 * An entry whose value the caller appends: opens the entry and a variant of signature. Close
 * with msg_dict_close_entry(), which takes the result so far, as msg_close().
 */
struct msg_entry {
    DBusMessageIter entry;
    DBusMessageIter variant; /* append here */
};
int msg_dict_open_entry(DBusMessageIter *dict, const char *key, const char *signature,
                        struct msg_entry *ret_entry) MUST_CHECK;
int msg_dict_close_entry(DBusMessageIter *dict, struct msg_entry *entry, int r) MUST_CHECK;

/* Read: what a value is, once variants are taken off. */
enum msg_kind {
    MSG_KIND_BOOL,
    MSG_KIND_INT, /* y n q i u x t */
    MSG_KIND_DOUBLE,
    MSG_KIND_STRING, /* s, not o and g */
    MSG_KIND_OTHER,  /* containers, paths, signatures, descriptors; nothing is read */
    MSG_KIND_COUNT_
};

struct msg_value {
    enum msg_kind kind;
    union {
        bool b;
        int64_t i;
        double d;
        const char *s; /* borrowed from the message */
    };
};

/* Any single value. -ERANGE: a t above INT64_MAX. -EPROTOTYPE: nothing is there. */
int msg_read_value(DBusMessageIter *it, struct msg_value *ret_value) MUST_CHECK;
int msg_read_bool(DBusMessageIter *it, bool *ret_value) MUST_CHECK;
/* Any integer type; -ERANGE as above. */
int msg_read_int64(DBusMessageIter *it, int64_t *ret_value) MUST_CHECK;
/* Any integer type that is not negative; -ERANGE. */
int msg_read_uint64(DBusMessageIter *it, uint64_t *ret_value) MUST_CHECK;
/* d, or any integer type. */
int msg_read_double(DBusMessageIter *it, double *ret_value) MUST_CHECK;
int msg_read_string(DBusMessageIter *it, const char **ret_value) MUST_CHECK;
int msg_read_path(DBusMessageIter *it, const char **ret_value) MUST_CHECK;
/* `h`: a duplicate that the caller closes. -EMFILE: there is none to be had. */
int msg_read_fd(DBusMessageIter *it, int *ret_fd) MUST_CHECK;
/* `ah` of at most max elements (-ENOBUFS): duplicates, close-on-exec, that the caller closes. */
int msg_read_fds(DBusMessageIter *it, size_t max, int *ret_fds, size_t *ret_n) MUST_CHECK;
/*
 * `as` of at most max elements (-ENOBUFS). The list is ended by NULL and freed with free(), its
 * texts are borrowed.
 */
int msg_read_strv(DBusMessageIter *it, size_t max, const char ***ret_strv,
                  size_t *ret_n) MUST_CHECK;
/* `at` of at most max elements (-ENOBUFS). The list is freed with free(). */
int msg_read_uint64s(DBusMessageIter *it, size_t max, uint64_t **ret_list,
                     size_t *ret_n) MUST_CHECK;

/* Walks an a{sv}. The same key may come twice: the format does not forbid it. */
struct msg_dict {
    DBusMessageIter iter;
};
int msg_read_dict(DBusMessageIter *it, struct msg_dict *ret_dict) MUST_CHECK;
/* false at the end; else key and an iterator that stands on the variant. */
bool msg_dict_next(struct msg_dict *dict, const char **ret_key, DBusMessageIter *ret_value);
/* The same for a dictionary of strings and values of any one type: a{sv}, a{si}, … */
int msg_read_map(DBusMessageIter *it, struct msg_dict *ret_dict) MUST_CHECK;
/* An array of anything but dictionary entries: an iterator on its first element, and their count.
 */
int msg_read_array(DBusMessageIter *it, DBusMessageIter *ret_elements, size_t *ret_n) MUST_CHECK;

/*
 * Errors as messages. detail (may be NULL) is added to the text of errors.def; what is not UTF-8
 * of it is dropped.
 */
int msg_new_error(DBusMessage **ret_msg, DBusMessage *call, int err, const char *detail) MUST_CHECK;
/* 0 for anything but an error message; else its errno, and its text or "" (borrowed). */
int msg_get_error(DBusMessage *msg, const char **ret_text);

#endif /* IOTD_DBUS_MSG_H */
