/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_MODEL_READER_H
#define IOTD_CLOUD_MODEL_READER_H

/* Where the parser of the thing model stands; only the model*.c that read include this.
 */

#include "daemon/cloud/model.h"

struct model_reader {
    struct model *model;
    model_mistake_fn on_mistake;
    void *userdata;
    unsigned n_mistakes;
    bool no_memory;
    char path[256];
};

void model_reader_mistake(struct model_reader *rd, const char *member, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Extends the path; the length before is given back to model_reader_pop(). */
size_t model_reader_push(struct model_reader *rd, const char *fmt, ...) PRINTF_LIKE(2, 3);
void model_reader_pop(struct model_reader *rd, size_t len);
void model_reader_id(struct model_reader *rd, const json_t *item, char **ret_id);
/*
 * Reads one array of the file into a new array of slots of the given size; a missing one is
 * empty. *items and *n are set only when the whole was allocated; content may be partial then.
 */
typedef void (*model_reader_fn)(struct model_reader *rd, const json_t *item, void *slot);
void model_reader_list(struct model_reader *rd, const json_t *parent, const char *key, size_t max,
                       size_t slot_size, model_reader_fn read_one, void **items, size_t *n);

/* model_define.c: the object at key of item. */
void model_reader_define(struct model_reader *rd, const json_t *item, const char *key,
                         struct thing_define *d);

/* model_platform.c: ids of the platform are used as it has fixed them. p was read without mistake.
 */
void model_reader_platform_property(struct model_reader *rd, const struct model_property *p);
/* Of an event or action; id may be NULL. */
void model_reader_platform_other(struct model_reader *rd, const char *id);

/* model.c: the last step of reading, from which on model_find_…() work. */
int model_sort(struct model *m) MUST_CHECK;
/* The same in an array that is taken over, with room for all: cannot fail. */
void model_sort_into(struct model *m, uint16_t *sorted);

#endif /* IOTD_CLOUD_MODEL_READER_H */
