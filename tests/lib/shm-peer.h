/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_SHM_PEER_H
#define IOTD_TESTS_SHM_PEER_H

/* A program that attaches by hand, on a connection of its own, and maps what it is given. */

#include "tests/lib/bus-client.h"
#include "tests/lib/table-reader.h"

struct shm_peer {
    struct bus_client *bus; /* borrowed */
    int fds[LAYOUT_FD_COUNT_];
    size_t n_fds;
    char layout[16]; /* as info says */
    struct table_reader table;
    struct segment up_segment, down_segment;
    struct layout_up *up; /* NULL: not mapped */
    const struct layout_down *down;
};

/* Attach with these options; fds are taken, nothing is mapped. False: a failed check. */
bool shm_peer_call(struct shm_peer *p, struct bus_client *bc, const char *app_id,
                   const char *layout, bool table);
/* The whole, mapped. */
bool shm_peer_attach(struct shm_peer *p, struct bus_client *bc, const char *app_id);
/* Another table, in the place of the one it has. */
bool shm_peer_take_table(struct shm_peer *p, const char *app_id);
/* Closes and unmaps; the connection stays. Harmless on zeros. */
void shm_peer_done(struct shm_peer *p);
/* Closes one of the descriptors. */
void shm_peer_close(struct shm_peer *p, unsigned i);

/* Whether iotd says that another table should be read. */
bool shm_peer_has_moved(const struct shm_peer *p);

#endif /* IOTD_TESTS_SHM_PEER_H */
