/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_TABLE_H
#define IOTD_FRONT_SHM_TABLE_H

/*
 * The tables of properties that programs read: one for each set of properties that somebody may
 * read, shared by all who may read the same. A place is the index of the property in the model.
 * Made when the first program wants one, gone with the last. Who may read what is bus_shm.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/core.h"
#include "daemon/front/shm_bytes.h"

struct shm_view;

/* Places of the model, those that are gone too. */
struct shm_set {
    uint32_t bits[LIMIT_MODEL_PLACES / 32];
};

static inline void shm_set_add(struct shm_set *set, size_t place)
{
    set->bits[place / 32] |= (uint32_t) 1 << place % 32;
}
static inline bool shm_set_has(const struct shm_set *set, size_t place)
{
    return (set->bits[place / 32] >> place % 32 & 1) != 0;
}
bool shm_set_equal(const struct shm_set *a, const struct shm_set *b);
/* Whether all of part is in whole. */
bool shm_set_covers(const struct shm_set *whole, const struct shm_set *part);

struct shm_tables {
    const struct core *core;  /* borrowed: bus */
    struct list views;        /* those that are written */
    unsigned n_views;         /* of all that are referenced */
    struct shm_place *places; /* what was written last, by index of the model */
    size_t n_places;
    struct shm_bytes bytes;
    size_t blobs_first; /* the most room for long values that a table begins with */
    /* A view has got another table, with another epoch: it outgrew the one that it had. */
    void (*on_moved)(struct shm_view *view, void *userdata);
    /* It needs one, and there is none to be had: it is lost, and not written any more. */
    void (*on_lost)(struct shm_view *view, void *userdata);
    void *userdata;
};

/* on_moved and on_lost are the caller's to set. */
void shm_tables_init(struct shm_tables *ts, const struct core *core);
/* All views are gone: their programs are. */
void shm_tables_done(struct shm_tables *ts);

/* Values were written, also equal ones: the stamp counts. */
void shm_tables_write(struct shm_tables *ts, const struct prop_update *updates, size_t n);
/*
 * Types, values or how they are reported may be others: writes what differs.
 * @return 0; -ENOMEM for a model with more places: the tables are as they were
 */
int shm_tables_refresh(struct shm_tables *ts) MUST_CHECK;

/*
 * The table of that set; a reference.
 * @return 0; -ENOMEM, -EMFILE, -ENFILE, -ENOSYS
 */
int shm_view_get(struct shm_tables *ts, const struct shm_set *set,
                 struct shm_view **ret_view) MUST_CHECK;
struct shm_view *shm_view_ref(struct shm_view *view);
/* Accepts NULL, returns NULL. */
struct shm_view *shm_view_unref(struct shm_view *view);
DEFINE_FREEP(struct shm_view, shm_view_unref)
const struct shm_set *shm_view_set(const struct shm_view *view);
/* The same table for a larger set: all who have it may read more. */
void shm_view_extend(struct shm_view *view, const struct shm_set *set);
/* Nothing is written to it any more, and nobody gets it: somebody who has it must not read on. */
void shm_view_retire(struct shm_view *view);
bool shm_view_is_lost(const struct shm_view *view);
/* A duplicate for a program, close-on-exec; or -errno. */
int shm_view_dup_fd(const struct shm_view *view) MUST_CHECK;
uint64_t shm_view_epoch(const struct shm_view *view);

#endif /* IOTD_FRONT_SHM_TABLE_H */
