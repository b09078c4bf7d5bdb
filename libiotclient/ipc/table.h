/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_TABLE_H
#define IOTD_IPC_TABLE_H

/*
 * The table of properties: one writer, readers in other processes and in any of their threads.
 * Writes come in batches, and a reader of several values can tell whether they are of one.
 */

#include <errno.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/latch.h"
#include "libiotclient/ipc/segment.h"

/* --- writer --- */

struct table_writer;

/*
 * @param n_places  room for so many properties, at most LAYOUT_PLACES_MAX
 * @param blobs_len room for values longer than LAYOUT_INLINE, in bytes; untouched it costs nothing
 * @param ret_fd    for programs: cannot be written by anybody; the caller closes it
 */
int table_writer_new(struct table_writer **ret_writer, int *ret_fd, size_t n_places,
                     size_t blobs_len, uint64_t epoch) MUST_CHECK;
struct table_writer *table_writer_free(struct table_writer *w);
DEFINE_FREEP(struct table_writer, table_writer_free)
uint64_t table_writer_get_epoch(const struct table_writer *w);

/* Around the writes that belong together. */
void table_begin(struct table_writer *w);
void table_end(struct table_writer *w);
/* Names a place below n_places; once for each. */
void table_name(struct table_writer *w, size_t place, const char *id);
/*
 * Writes a value to a place below n_places; value may be NULL if flags are without
 * LAYOUT_FLAG_VALUE. A value that has no room among the blobs is left out: the place has none then.
 * @return 0; -ENOBUFS left out
 */
int table_write(struct table_writer *w, size_t place, uint32_t type, uint32_t flags,
                const void *value, size_t len, uint64_t stamp_us) MUST_CHECK;

/* --- reader --- */

#define TABLE_TRIES 100 /* own choice: attempts until a reader gives way to the writer */

/* A table of iotd, verified; every offset was checked against its size. */
struct table_view {
    const struct layout_table *table;
    const struct layout_place *places;
    const struct layout_slot *slots;
    const uint8_t *base; /* of blobs: offsets are from here */
    size_t size;
    size_t n_places;
    uint64_t epoch;
};

/* -EPROTO: offsets that cannot be. */
int table_view_init(struct table_view *view, const struct segment *segment) MUST_CHECK;
/* Places in use, at most n_places. */
size_t table_count(const struct table_view *view);
/* Copies the id; false: nobody's, or none that can be. */
bool table_id(const struct table_view *view, size_t place, char id[LIMIT_FEATURE_ID + 1]);

/*
 * One value. word 0 and 1 as in layout.h; scalars and short values are in copy, longer ones are
 * copied to buf, cut to size (buf may be NULL if size is 0): latch_len() says how long it is. What
 * is in copy and buf after a failure is nothing.
 * @return 0; -EAGAIN the writer was faster TABLE_TRIES times; -EPROTO a length or an offset that
 *         cannot be
 */
int table_read(const struct table_view *view, size_t place, struct layout_copy *ret_copy,
               uint8_t *buf, size_t size) MUST_CHECK;

/*
 * The value of a bool, an int, an enum, a timestamp or a float, as it is: no type is checked.
 * @param place  below n_places
 * @return 0; -EAGAIN
 */
MUST_CHECK static inline int table_read_scalar(const struct table_view *view, size_t place,
                                               struct latch_scalar *ret_scalar)
{
    return latch_read_scalar(&view->slots[place], TABLE_TRIES, ret_scalar) ? 0 : -EAGAIN;
}

/* For several values of one batch: begin; read; and again from begin unless it held. */
static inline uint32_t table_read_begin(const struct table_view *view)
{
    return __atomic_load_n(&view->table->generation, __ATOMIC_ACQUIRE);
}
static inline bool table_read_held(const struct table_view *view, uint32_t generation)
{
    fence_acquire();
    return generation % 2 == 0 &&
           __atomic_load_n(&view->table->generation, __ATOMIC_RELAXED) == generation;
}

#endif /* IOTD_IPC_TABLE_H */
