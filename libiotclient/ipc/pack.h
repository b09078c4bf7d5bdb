/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_PACK_H
#define IOTD_IPC_PACK_H

/*
 * Typed values in bytes: a sequence of items, each with a key that may be empty. An item is
 *
 *   u32 length of the value in bytes, u8 kind, u8 length of the key, u16 0,
 *   the key with a NUL, padded to 8 (nothing if the key is empty),
 *   the value, padded to 8 with zeros
 *
 * bool, int, float: 8 bytes (bool 0 or 1, int64_t, IEEE double). string: its bytes and a NUL that
 * length does not count. struct: items with keys. array: items without. Readers refuse what is
 * deeper than PACK_DEPTH; that keys are where they should be is up to who reads them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

enum pack_kind {
    PACK_NONE, /* never written */
    PACK_BOOL,
    PACK_INT,
    PACK_FLOAT,
    PACK_STRING,
    PACK_STRUCT,
    PACK_ARRAY,
    PACK_KIND_COUNT_,
};

#define PACK_DEPTH 4 /* own choice: a record holds a struct of arrays of structs */

/* Bytes go to a buffer of the caller; what does not fit sets full, and no more is written. */
struct pack_writer {
    uint8_t *data; /* 8-byte aligned; NULL: only counts, then size is SIZE_MAX */
    size_t size;
    size_t len;
    bool full;
};

/* key is "" for elements of arrays; one of more than 255 bytes does not fit. */
void pack_put_bool(struct pack_writer *w, const char *key, bool b);
void pack_put_int(struct pack_writer *w, const char *key, int64_t i);
void pack_put_float(struct pack_writer *w, const char *key, double d);
void pack_put_string(struct pack_writer *w, const char *key, const char *s, size_t len);
/* What is put until pack_close() is inside of it. Returns what pack_close() wants. */
size_t pack_open(struct pack_writer *w, const char *key, enum pack_kind kind);
void pack_close(struct pack_writer *w, size_t opened);

struct pack_reader {
    const uint8_t *data; /* 8-byte aligned, and nobody else writes there */
    size_t len;
    unsigned depth; /* 0 for a whole record or value */
};

/* Texts are borrowed, end with a NUL and have none inside; they may be no UTF-8. */
struct pack_item {
    const char *key;
    enum pack_kind kind;
    union {
        bool b;
        int64_t i;
        double d; /* may be not finite */
        struct {
            const char *text;
            size_t len;
        } s;
        struct pack_reader items; /* of a struct or an array; not checked yet */
    };
};

/* @return 1 an item; 0 the end; -EBADMSG. The reader stays at what is wrong. */
int pack_next(struct pack_reader *r, struct pack_item *ret_item) MUST_CHECK;
/* The first item with that key: 0; -ENOENT; -EPROTOTYPE another kind; -EBADMSG */
int pack_find(struct pack_reader r, const char *key, enum pack_kind kind,
              struct pack_item *ret_item) MUST_CHECK;

#endif /* IOTD_IPC_PACK_H */
