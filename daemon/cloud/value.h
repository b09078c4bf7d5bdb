/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_VALUE_H
#define IOTD_CLOUD_VALUE_H

/*
 * A typed value of the thing model, and what a definition allows. Pure. A value that passed
 * value_fit() is canonical: bool, int, float, string as its type says, in range.
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
    VALUE_STRING,
};

struct value {
    enum value_kind kind;
    union {
        bool b;
        int64_t i;
        double d;
        char *s; /* owned */
    };
};

/* Types of the console (console guide, data types). */
enum thing_type {
    THING_BOOL,
    THING_INT,
    THING_FLOAT,
    THING_STRING,
    THING_ENUM,
    THING_TIMESTAMP,
    THING_TYPE_COUNT_,
};

/* A "define" of the model. */
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
    };
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

/*
 * Turns a value of the natural kind into a canonical one: integers do for floats, 0 and 1 for
 * bools, whole floats for integers.
 * @return 0; -EPROTOTYPE another type; -ERANGE out of range or not in the list; -ENOMEM
 */
int value_fit(const struct thing_define *def, const struct value *in,
              struct value *ret_value) MUST_CHECK;
/* From the JSON of a message; same results. */
int value_from_json(const struct thing_define *def, const json_t *json,
                    struct value *ret_value) MUST_CHECK;
/* The same from JSON text; -EPROTOTYPE when it is none. */
int value_from_json_text(const struct thing_define *def, const char *text,
                         struct value *ret_value) MUST_CHECK;
/* From what a person types; bool also true, false, on, off. Same results. */
int value_from_text(const struct thing_define *def, const char *text,
                    struct value *ret_value) MUST_CHECK;

/* As it travels: bool as 0 or 1, numbers in their shortest form. */
void value_to_json(struct strbuf *sb, const struct value *v);

/* "brightness: 101 is not within 0 to 100", for people. */
void value_explain(const struct thing_define *def, const char *id, int error, char *buf,
                   size_t len);

#endif /* IOTD_CLOUD_VALUE_H */
