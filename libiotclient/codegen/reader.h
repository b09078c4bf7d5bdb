/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_CODEGEN_READER_H
#define IOTD_CODEGEN_READER_H

/* Between reader.c (the file, features, parameters) and define.c (the types). */

#include <jansson.h>

#include "libiotclient/codegen/model.h"

struct cg_reader {
    struct cg_model *model; /* borrowed */
    cg_mistake_fn on_mistake;
    void *userdata;
    unsigned n_mistakes;
    bool no_memory;
    char path[256];
};

void cg_reader_mistake(struct cg_reader *rd, const char *member, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Extends the path; the length before is given back to cg_reader_pop(). */
size_t cg_reader_push(struct cg_reader *rd, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cg_reader_pop(struct cg_reader *rd, size_t len);

/* -ENOENT missing; -EPROTOTYPE of another type, or a text with a NUL. */
int cg_reader_text(const json_t *object, const char *key, const char **ret_text) MUST_CHECK;
/* A text that may be missing: "". */
const char *cg_reader_words(struct cg_reader *rd, const json_t *object, const char *key);
/* id, name, desc. */
void cg_reader_names(struct cg_reader *rd, const json_t *item, const char **ret_id,
                     const char **ret_name, const char **ret_desc);

/* Reads one entry of a list into its slot. */
typedef void (*cg_reader_fn)(struct cg_reader *rd, const json_t *item, void *slot);
/* A list of objects into new slots; a missing one is empty. NULL when there is none. */
void *cg_reader_list(struct cg_reader *rd, const json_t *parent, const char *key, size_t max,
                     size_t slot_size, cg_reader_fn fn, size_t *ret_n);
/* Mistakes where two fields have one id. */
void cg_reader_unique(struct cg_reader *rd, const char *key, const struct cg_field *fields,
                      size_t n);

/* define.c: the object at key of item. */
void cg_reader_define(struct cg_reader *rd, const json_t *item, const char *key,
                      struct cg_field *field);

#endif /* IOTD_CODEGEN_READER_H */
