/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_VALUE_H
#define IOTD_CLOUD_VALUE_H

/*
 * A typed value of the thing model, and what a definition allows. Pure. A value that passed
 * value_fit() or a build is canonical: bool, int, float, string as its type says, in range; the
 * members of a struct in the order of its definition.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/json/jx.h"
#include "libiotclient/base/macro.h"
#include "libiotclient/base/strbuf.h"

/* How a value is held. */
enum value_kind {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT, /* int, enum, timestamp */
    VALUE_FLOAT,
    VALUE_STRING, /* string, stringenum */
    VALUE_STRUCT,
    VALUE_ARRAY,
};

struct value_list;

struct value {
    enum value_kind kind;
    union {
        bool b;
        int64_t i;
        double d;
        char *s;                 /* owned */
        struct value_list *list; /* owned; NULL: empty */
    };
};

struct value_item {
    char *key; /* owned; NULL in an array */
    struct value value;
};

/* The members of a struct that are there, or the elements of an array. */
struct value_list {
    size_t n;
    struct value_item items[];
};

static inline size_t value_count(const struct value *v)
{
    return v->list ? v->list->n : 0;
}

/* Types of the console (console guide, data types). */
enum thing_type {
    THING_BOOL,
    THING_INT,
    THING_FLOAT,
    THING_STRING,
    THING_ENUM,
    THING_TIMESTAMP,
    THING_STRINGENUM,
    THING_STRUCT,
    THING_ARRAY,
    THING_TYPE_COUNT_,
};

/* A "define", "dataType" or "arrayInfo" of the model. */
struct thing_define {
    enum thing_type type;
    union {
        struct {
            int64_t min, max;
        } i;
        struct {
            double min, max;
        } f;
        struct {
            size_t min, max; /* bytes */
        } s;
        struct {
            int64_t *keys; /* owned, ascending */
            size_t n_keys;
        } e;
        struct {
            char **keys; /* owned */
            size_t n_keys;
        } se;
        struct {
            struct thing_member *members; /* owned */
            size_t n_members;
        } st;
        struct {
            struct thing_define *element; /* owned */
        } a;
    };
};

/* One of the "specs" of a struct. */
struct thing_member {
    char *id;
    struct thing_define define;
};

const char *thing_type_name(enum thing_type type);
int thing_type_parse(const char *name, enum thing_type *ret_type) MUST_CHECK;
enum value_kind thing_type_kind(enum thing_type type);
void thing_define_done(struct thing_define *def);

void value_done(struct value *v);
int value_copy(struct value *to, const struct value *from) MUST_CHECK; /* to is overwritten */
bool value_equal(const struct value *a, const struct value *b);
/* Borrows the text; only for values that are not freed. */
static inline struct value value_of_text(const char *text)
{
    return (struct value){.kind = VALUE_STRING, .s = (char *) (uintptr_t) text};
}

/* Whether part says nothing that is not in whole: equal, or members of a struct that are. */
bool value_covers(const struct value *whole, const struct value *part);
/*
 * What a control makes of a value: a struct keeps the members that part does not name, anything
 * else is replaced. base and part stay.
 */
int value_merge(const struct thing_define *def, const struct value *base, const struct value *part,
                struct value *ret_value) MUST_CHECK;

/* Where a value is wrong and why, for people. Written on failure only. */
struct value_fault {
    char path[96]; /* ".r", "[3].Mac"; "" when it is the whole */
    char text[112];
};

/*
 * Turns a value of the natural kind into a canonical one: integers do for floats, 0 and 1 for
 * bools, whole floats for integers. Structs and arrays are put together by a build.
 * @param reterr_fault  may be NULL
 * @return 0; -EPROTOTYPE another type; -ERANGE out of range or not in the list; -EMSGSIZE longer
 *         than a message holds; -ENOMEM
 */
int value_fit(const struct thing_define *def, const struct value *in, struct value *ret_value,
              struct value_fault *reterr_fault) MUST_CHECK;
/* From the JSON of a message; same results. */
int value_from_json(const struct thing_define *def, const json_t *json, struct value *ret_value,
                    struct value_fault *reterr_fault) MUST_CHECK;
/* The same from JSON text; -EPROTOTYPE when it is none. */
int value_from_json_text(const struct thing_define *def, const char *text, struct value *ret_value,
                         struct value_fault *reterr_fault) MUST_CHECK;
/* From what a person types; bool also true, false, on, off; structs and arrays as JSON. */
int value_from_text(const struct thing_define *def, const char *text, struct value *ret_value,
                    struct value_fault *reterr_fault) MUST_CHECK;

/*
 * A struct or array from any source: begin, then for each part get a slot with its definition,
 * fill it, and say so; end in any case, with the result so far, which comes back if negative.
 * Unknown and repeated members are of the wrong type (-EPROTOTYPE), too many elements -ERANGE.
 */
struct value_build {
    const struct thing_define *def;
    struct value_fault *fault; /* may be NULL */
    struct value value;
    struct value *slot; /* being filled */
    size_t n_filled;    /* array: elements so far */
    size_t least;       /* bytes that it has at least as text */
};
/* @param n  elements of the array; not used for a struct */
int value_build_begin(struct value_build *b, const struct thing_define *def, size_t n,
                      struct value_fault *reterr_fault) MUST_CHECK;
/* @param key  NULL: the next element */
int value_build_slot(struct value_build *b, const char *key, struct value **ret_slot,
                     const struct thing_define **ret_define) MUST_CHECK;
/* The slot was filled with this result. */
int value_build_filled(struct value_build *b, int result) MUST_CHECK;
int value_build_end(struct value_build *b, int result, struct value *ret_value) MUST_CHECK;

/* As it travels: bool as 0 or 1, numbers in their shortest form. */
void value_to_json(struct strbuf *sb, const struct value *v);
/* The most bytes that value_to_json() adds. */
size_t value_json_room(const struct value *v);

void value_fault_set(struct value_fault *fault, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "brightness: not within 0 to 100", for people; fault of the call that failed with error. */
void value_explain(const struct value_fault *fault, const char *id, int error, char *buf,
                   size_t len);

#endif /* IOTD_CLOUD_VALUE_H */
