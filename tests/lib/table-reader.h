/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_TABLE_READER_H
#define IOTD_TESTS_TABLE_READER_H

/* A table of properties as a program reads it, by names and in JSON. */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "libiotclient/ipc/table.h"

struct table_reader {
    struct segment segment;
    struct table_view view;
};

/* Maps it as libiotclient does; fd stays the caller's. False: a failed check. */
bool table_reader_open(struct table_reader *r, int fd);
void table_reader_done(struct table_reader *r);

/* -ENOENT: no place has that name. */
int table_reader_find(const struct table_reader *r, const char *id);
/* The copy of a place; all zeros if there is none. */
struct layout_copy table_reader_copy(const struct table_reader *r, const char *id);
uint32_t table_reader_flags(const struct table_reader *r, const char *id);
uint64_t table_reader_stamp(const struct table_reader *r, const char *id);
/* The value as it travels in JSON, a new reference; NULL: none. */
json_t *table_reader_json(const struct table_reader *r, const char *id);
/* The same compared; want with single quotes for double ones, "" for no value. */
#define CHECK_TABLE(r, id, want) table_reader_check(__FILE__, __LINE__, r, id, want)
void table_reader_check(const char *file, int line, const struct table_reader *r, const char *id,
                        const char *want);
/* Whether the bytes of the whole segment contain the text. */
bool table_reader_contains(const struct table_reader *r, const char *text);

#endif /* IOTD_TESTS_TABLE_READER_H */
