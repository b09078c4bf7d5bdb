/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/front/shm_table.h"

#include <errno.h>

struct shm_view {
    struct list link;
};

void shm_tables_init(struct shm_tables *ts)
{
    *ts = (struct shm_tables){0};
    list_init(&ts->views);
}

void shm_tables_done(struct shm_tables *ts)
{
    (void) ts;
}

int shm_view_get(struct bus *bus, const struct bus_peer *peer, struct shm_view **ret_view)
{
    (void) bus;
    (void) peer;
    (void) ret_view;
    return -ENOSYS;
}

struct shm_view *shm_view_unref(struct shm_view *view)
{
    (void) view;
    return NULL;
}

int shm_view_dup_fd(const struct shm_view *view)
{
    (void) view;
    return -ENOSYS;
}

uint64_t shm_view_epoch(const struct shm_view *view)
{
    (void) view;
    return 0;
}

bool shm_view_has(const struct shm_view *view, size_t place)
{
    (void) view;
    (void) place;
    return false;
}

void shm_tables_on_written(struct bus *bus, const size_t *indices, size_t n)
{
    (void) bus;
    (void) indices;
    (void) n;
}

void shm_tables_on_model(struct bus *bus)
{
    (void) bus;
}

void shm_tables_on_access(struct bus *bus)
{
    (void) bus;
}

void shm_tables_on_policy(struct bus *bus)
{
    (void) bus;
}
