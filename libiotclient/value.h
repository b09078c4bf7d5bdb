/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_LIBIOTCLIENT_VALUE_H
#define IOTD_LIBIOTCLIENT_VALUE_H

/*
 * Typed values, and small lists of id and value: what a{sv} carries on the bus. Every list is
 * bounded by its user. Structs and arrays are lists again: an array of structs is the deepest.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/msg.h"
#include "libiotclient/base/limits.h"
#include "libiotclient/base/macro.h"
#include "libiotclient/base/strbuf.h"
#include "libiotclient/ipc/pack.h"

enum value_kind {
    VALUE_KIND_NONE,
    VALUE_KIND_BOOL,
    VALUE_KIND_INT,
    VALUE_KIND_DOUBLE,
    VALUE_KIND_STRING,
    VALUE_KIND_STRUCT,
    VALUE_KIND_ARRAY,
    VALUE_KIND_COUNT_
};

struct value {
    enum value_kind kind;
    union {
        bool b;
        int64_t i;
        double d;
        char *s;              /* owned */
        struct iotc_value *n; /* owned: struct, array */
    };
};

/* NONE afterwards; harmless on NONE. */
void value_done(struct value *v);
/* A borrowed value becomes an owned one. */
int value_copy(struct value *ret_value, const struct value *from) MUST_CHECK;
bool value_equals(const struct value *a, const struct value *b);
/* About as many bytes as its text has. */
size_t value_size(const struct value *v);
/* What comes from a program: -ERANGE not finite, -EMSGSIZE, -EINVAL not UTF-8. */
int value_check(const struct value *v) MUST_CHECK;

/* Borrowed views, for value_copy() and value_list_set(). */
struct value value_of_bool(bool b);
struct value value_of_int(int64_t i);
struct value value_of_double(double d);
struct value value_of_string(const char *s);
struct value value_of_nested(const struct iotc_value *n);

struct value_item {
    char id[LIMIT_FEATURE_ID + 1]; /* "" for the elements of an array */
    struct value value;
};

struct value_list {
    struct value_item *items;
    size_t n_items;
};

/* A struct or an array: what programs have a pointer to. */
struct iotc_value {
    enum value_kind kind; /* STRUCT, ARRAY */
    struct value_list parts;
};

/* As it travels to the cloud: a bool is 0 or 1, no value null. */
void value_add_json(struct strbuf *sb, const struct value *v);

void value_list_done(struct value_list *list);
/* NULL: not there. */
const struct value *value_list_get(const struct value_list *list, const char *id);
/* Checks id and value, copies, replaces. -EMSGSIZE: more than max. */
int value_list_set(struct value_list *list, const char *id, const struct value *value,
                   size_t max) MUST_CHECK;
/* Appends an element without an id. */
int value_list_add(struct value_list *list, const struct value *value, size_t max) MUST_CHECK;
int value_list_copy(struct value_list *ret_list, const struct value_list *from) MUST_CHECK;

/*
 * The value of id as the wanted kind, for getters of programs: -ENOENT, -EPROTOTYPE, -EINVAL
 */
int value_list_want(const struct value_list *list, const char *id, enum value_kind kind,
                    const struct value **ret_value) MUST_CHECK;
/* Either of the two. */
int value_list_want_nested(const struct value_list *list, const char *id,
                           const struct value **ret_value) MUST_CHECK;

/*
 * The bus: v and a{sv}. Entries whose id cannot be one, or that hold more than the thing model
 * knows, are left out.
 */
int value_read(DBusMessageIter *it, struct value *ret_value) MUST_CHECK;
int value_list_read(DBusMessageIter *it, struct value_list *ret_list, size_t max) MUST_CHECK;
int value_append_entry(DBusMessageIter *dict, const char *id, const struct value *v) MUST_CHECK;
int value_list_append(DBusMessageIter *it, const struct value_list *list) MUST_CHECK;

/*
 * Shared memory: items of pack.h. A value is one item; its parts are those of a struct or of an
 * array without the item around them, as the table has them; a list is the parts of a struct.
 * Reading: -EBADMSG, -EPROTOTYPE nested too deep, else as value_check() and value_list_set().
 */
void value_pack(struct pack_writer *w, const char *key, const struct value *v);
void value_pack_parts(struct pack_writer *w, const struct value_list *parts);
int value_unpack(const struct pack_item *item, struct value *ret_value) MUST_CHECK;
int value_unpack_parts(struct pack_reader items, enum value_kind kind,
                       struct value *ret_value) MUST_CHECK;
int value_list_unpack(struct pack_reader items, struct value_list *ret_list, size_t max) MUST_CHECK;

#endif /* IOTD_LIBIOTCLIENT_VALUE_H */
