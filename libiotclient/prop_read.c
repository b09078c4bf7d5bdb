/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of properties, for any thread. First what iotd's table has, without a lock; what is not
 * there, or not now, comes from prop_get().
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/prop.h>

#include "libiotclient/client.h"
#include "libiotclient/prop_table.h"

#define KIND(name) (1U << VALUE_KIND_##name)
#define KIND_ANY (KIND(COUNT_) - 1)

/* Types of the table that are read as one kind. */
#define TYPE(name) (1U << LAYOUT_TYPE_##name)
#define TYPES_BOOL TYPE(BOOL)
#define TYPES_INT (TYPE(INT) | TYPE(ENUM) | TYPE(TIMESTAMP))
#define TYPES_DOUBLE TYPE(FLOAT)
#define TYPES_STRING (TYPE(STRING) | TYPE(STRINGENUM))

static bool has_type(uint64_t meta, uint32_t types)
{
    uint32_t type = latch_type(meta);

    return type < 32 && (types >> type & 1);
}

/* The hot way: three words and a few looks around them. */
static inline bool read_scalar(const iotc_prop *prop, uint32_t types, uint64_t *ret_value,
                               uint64_t *ret_stamp_us)
{
    const struct props *props = &prop->client->props;
    uint32_t turn = __atomic_load_n(&props->turn, __ATOMIC_ACQUIRE);
    const struct layout_slot *slot = __atomic_load_n(&prop->slot, __ATOMIC_ACQUIRE);
    struct latch_scalar scalar;

    /* The last look of the latch has the barrier that this last look needs. */
    if (!slot || turn % 2 != 0 || !latch_read_scalar(slot, TABLE_TRIES, &scalar) ||
        __atomic_load_n(&props->turn, __ATOMIC_RELAXED) != turn)
        return false;
    if (!(latch_flags(scalar.meta) & LAYOUT_FLAG_VALUE) || !has_type(scalar.meta, types))
        return false;
    *ret_value = scalar.value;
    if (ret_stamp_us)
        *ret_stamp_us = scalar.stamp;
    return true;
}

static int take_copy(const struct value *v, void *arg)
{
    struct value *copy = arg;

    *copy = *v; /* of kinds without memory of their own */
    return 0;
}

int iotc_prop_get_bool(iotc_prop *prop, bool *ret_value, uint64_t *ret_stamp_us)
{
    struct value v;
    uint64_t word;
    int r;

    if (!prop || !ret_value)
        return -EINVAL;
    if (read_scalar(prop, TYPES_BOOL, &word, ret_stamp_us)) {
        *ret_value = (word & 0xff) != 0;
        return 0;
    }
    r = prop_get(prop, KIND(BOOL), take_copy, &v, ret_stamp_us);
    if (r >= 0)
        *ret_value = v.b;
    return r;
}

int iotc_prop_get_int(iotc_prop *prop, int64_t *ret_value, uint64_t *ret_stamp_us)
{
    struct value v;
    uint64_t word;
    int r;

    if (!prop || !ret_value)
        return -EINVAL;
    if (read_scalar(prop, TYPES_INT, &word, ret_stamp_us)) {
        *ret_value = (int64_t) word;
        return 0;
    }
    r = prop_get(prop, KIND(INT), take_copy, &v, ret_stamp_us);
    if (r >= 0)
        *ret_value = v.i;
    return r;
}

int iotc_prop_get_double(iotc_prop *prop, double *ret_value, uint64_t *ret_stamp_us)
{
    struct value v;
    uint64_t word;
    int r;

    if (!prop || !ret_value)
        return -EINVAL;
    if (read_scalar(prop, TYPES_DOUBLE, &word, ret_stamp_us)) {
        memcpy(ret_value, &word, sizeof(*ret_value));
        return 0;
    }
    r = prop_get(prop, KIND(DOUBLE), take_copy, &v, ret_stamp_us);
    if (r >= 0)
        *ret_value = v.d;
    return r;
}

int prop_copy_text(const char *text, char *buf, size_t size)
{
    size_t len = strlen(text);
    size_t n = len < size ? len : size - 1;

    if (size) {
        memcpy(buf, text, n);
        buf[n] = '\0';
    }
    return (int) len;
}

struct text_out {
    char *buf;
    size_t size;
};

static int take_text(const struct value *v, void *arg)
{
    const struct text_out *out = arg;

    return prop_copy_text(v->s, out->buf, out->size);
}

/* Whether it is a text, and one that can be. */
static bool is_text(uint64_t meta, size_t max_len)
{
    return (latch_flags(meta) & LAYOUT_FLAG_VALUE) && has_type(meta, TYPES_STRING) &&
           latch_len(meta) <= max_len;
}

/* A text that lies in its slot. -ENOENT: not this way. */
static int read_short_text(const iotc_prop *prop, const struct text_out *out,
                           uint64_t *ret_stamp_us)
{
    const struct props *props = &prop->client->props;
    uint32_t turn = __atomic_load_n(&props->turn, __ATOMIC_ACQUIRE);
    const struct layout_slot *slot = __atomic_load_n(&prop->slot, __ATOMIC_ACQUIRE);
    char text[LAYOUT_INLINE + 1];
    struct layout_copy copy;
    uint32_t seq;

    if (!slot || turn % 2 != 0 || !latch_read(slot, TABLE_TRIES, &copy, &seq) ||
        __atomic_load_n(&props->turn, __ATOMIC_RELAXED) != turn)
        return -ENOENT;
    if ((latch_flags(copy.word[0]) & LAYOUT_FLAG_BLOB) || !is_text(copy.word[0], LAYOUT_INLINE))
        return -ENOENT;
    memcpy(text, &copy.word[2], LAYOUT_INLINE);
    text[latch_len(copy.word[0])] = '\0';
    if (ret_stamp_us)
        *ret_stamp_us = copy.word[1];
    return prop_copy_text(text, out->buf, out->size);
}

/* A text among the blobs, all of it on the stack. -ENOENT: not this way. */
static int read_long_text(const iotc_prop *prop, const struct text_out *out, uint64_t *ret_stamp_us)
{
    char text[LIMIT_STRING_VALUE + 1];
    struct table_bytes bytes = {(uint8_t *) text, sizeof(text) - 1, true};
    struct layout_copy copy;

    if (prop_table_read(prop, &copy, &bytes) < 0 ||
        !(latch_flags(copy.word[0]) & LAYOUT_FLAG_BLOB) ||
        !is_text(copy.word[0], LIMIT_STRING_VALUE))
        return -ENOENT;
    text[latch_len(copy.word[0])] = '\0';
    if (ret_stamp_us)
        *ret_stamp_us = copy.word[1];
    return prop_copy_text(text, out->buf, out->size);
}

int iotc_prop_get_string(iotc_prop *prop, char *buf, size_t size, uint64_t *ret_stamp_us)
{
    struct text_out out = {buf, size};
    int r;

    if (!prop || (!buf && size))
        return -EINVAL;
    r = read_short_text(prop, &out, ret_stamp_us);
    if (r == -ENOENT)
        r = read_long_text(prop, &out, ret_stamp_us);
    if (r == -ENOENT)
        r = prop_get(prop, KIND(STRING), take_text, &out, ret_stamp_us);
    return r;
}

/* Any value in the table, as one of the caller's. -ENOENT: not this way. */
static int read_value(const iotc_prop *prop, unsigned kinds, struct value *ret_value,
                      uint64_t *ret_stamp_us)
{
    CLEANUP(table_bytes_done) struct table_bytes bytes = {NULL, 0, false};
    struct value v = {.kind = VALUE_KIND_NONE};
    struct layout_copy copy;

    if (prop_table_read(prop, &copy, &bytes) < 0 || table_value(&copy, &bytes, &v) < 0)
        return -ENOENT;
    if (!(kinds >> v.kind & 1)) {
        value_done(&v);
        return -ENOENT;
    }
    *ret_value = v;
    if (ret_stamp_us)
        *ret_stamp_us = copy.word[1];
    return 0;
}

static int take_owned(const struct value *v, void *arg)
{
    return value_copy(arg, v);
}

static int get_value(iotc_prop *prop, unsigned kinds, struct value *ret_value,
                     uint64_t *ret_stamp_us)
{
    int r = read_value(prop, kinds, ret_value, ret_stamp_us);

    return r == -ENOENT ? prop_get(prop, kinds, take_owned, ret_value, ret_stamp_us) : r;
}

int iotc_prop_get_json(iotc_prop *prop, char *buf, size_t size, uint64_t *ret_stamp_us)
{
    CLEANUP(value_done) struct value v = {.kind = VALUE_KIND_NONE};
    CLEANUP(freep) char *text = NULL;
    struct strbuf sb;
    uint64_t stamp_us;
    int r;

    if (!prop || (!buf && size))
        return -EINVAL;
    r = get_value(prop, KIND_ANY, &v, &stamp_us);
    if (r < 0)
        return r;
    strbuf_init(&sb, LIMIT_DBUS_MESSAGE);
    value_add_json(&sb, &v);
    r = strbuf_finish(&sb, &text);
    if (r < 0)
        return r;
    if (ret_stamp_us)
        *ret_stamp_us = stamp_us;
    return prop_copy_text(text, buf, size);
}

int iotc_prop_get_value(iotc_prop *prop, iotc_value **ret_value, uint64_t *ret_stamp_us)
{
    struct value v = {.kind = VALUE_KIND_NONE};
    int r;

    if (!prop || !ret_value)
        return -EINVAL;
    r = get_value(prop, KIND(STRUCT) | KIND(ARRAY), &v, ret_stamp_us);
    if (r >= 0)
        *ret_value = v.n;
    return r;
}

/* With the lock held. */
static int want(const iotc_prop *prop, const struct value *v, unsigned kinds)
{
    enum value_kind kind;

    if (kinds != KIND_ANY && (prop_kind(prop->type, &kind) < 0 || !(kinds >> kind & 1)))
        return -EPROTOTYPE;
    if (v->kind == VALUE_KIND_NONE)
        return -ENODATA;
    return kinds >> v->kind & 1 ? 0 : -EPROTOTYPE;
}

int prop_get(iotc_prop *prop, unsigned kinds, int (*take)(const struct value *v, void *arg),
             void *arg, uint64_t *ret_stamp_us)
{
    pthread_mutex_t *lock = &prop->client->props.lock;
    CLEANUP(table_bytes_done) struct table_bytes bytes = {NULL, 0, false};
    CLEANUP(value_done) struct value fresh = {.kind = VALUE_KIND_NONE};
    const struct value *v;
    struct layout_copy copy;
    uint64_t stamp_us;
    int r;

    (void) pthread_mutex_lock(lock); /* cannot fail: a plain mutex that we made */
    r = prop_table_read(prop, &copy, &bytes);
    if (r >= 0)
        r = table_value(&copy, &bytes, &fresh);
    v = r < 0 ? &prop->value : &fresh;
    stamp_us = r < 0 ? prop->stamp_us : copy.word[1];
    if (r != -EAGAIN || v->kind != VALUE_KIND_NONE)
        r = want(prop, v, kinds);
    if (r >= 0)
        r = take(v, arg);
    if (r >= 0 && ret_stamp_us)
        *ret_stamp_us = stamp_us;
    (void) pthread_mutex_unlock(lock);
    return r;
}
