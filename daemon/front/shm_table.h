/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_TABLE_H
#define IOTD_FRONT_SHM_TABLE_H

/*
 * The tables of properties that programs read: one for each set of properties that somebody may
 * read, shared by all who may read the same. A place is the index of the property in the model.
 * Made when the first program wants one, gone with the last.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/list.h"
#include "libiotclient/base/macro.h"

struct bus;
struct bus_peer;
struct shm_view;

struct shm_tables {
    struct list views;
    struct shm_place *places; /* by index of the model; NULL while there is no view */
    size_t n_places;
    bool is_failure_told;
};

void shm_tables_init(struct shm_tables *ts);
/* All views are gone: their programs are. */
void shm_tables_done(struct shm_tables *ts);

/*
 * The table of what the peer may read; a reference.
 * @return 0; -ENOMEM, -EMFILE, -ENFILE, -ENOSYS
 */
int shm_view_get(struct bus *bus, const struct bus_peer *peer,
                 struct shm_view **ret_view) MUST_CHECK;
/* Accepts NULL, returns NULL. */
struct shm_view *shm_view_unref(struct shm_view *view);
DEFINE_FREEP(struct shm_view, shm_view_unref)
/* A duplicate for a program, close-on-exec; or -errno. */
int shm_view_dup_fd(const struct shm_view *view) MUST_CHECK;
uint64_t shm_view_epoch(const struct shm_view *view);
/* Whether programs with this view may know of the place. */
bool shm_view_has(const struct shm_view *view, size_t place);

/* Values were written, equal ones too: before anybody hears of it over the bus. */
void shm_tables_on_written(struct bus *bus, const size_t *indices, size_t n);
/* The model is another one. */
void shm_tables_on_model(struct bus *bus);
/* The access rules are others: who may read less or something else gets another table. */
void shm_tables_on_access(struct bus *bus);
/* How properties are reported, or who serves them, may have changed. */
void shm_tables_on_policy(struct bus *bus);

#endif /* IOTD_FRONT_SHM_TABLE_H */
