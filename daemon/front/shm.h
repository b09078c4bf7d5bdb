/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_H
#define IOTD_FRONT_SHM_H

/*
 * The shared-memory door of one program: its segments up and down, its two bells. Made at Attach,
 * freed with the program (bus_client_remove()), found with bus_client_shm().
 */

#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/layout.h"

struct bus;
struct client;
struct shm_program;

/*
 * @param ret_fds  for the program, in the order of the layout, to be closed by the caller once they
 *                 are on their way; the one of the table is -1: it comes from shm_table.h
 * @return 0; -ENOMEM, -EMFILE, -ENFILE, -ENOSYS: this program goes on over D-Bus
 */
int shm_program_new(struct shm_program **ret_program, struct bus *bus, struct client *client,
                    int ret_fds[LAYOUT_FD_COUNT_]) MUST_CHECK;
/* Says to the program that it is over. Does not touch the client. */
struct shm_program *shm_program_free(struct shm_program *p);
DEFINE_FREEP(struct shm_program, shm_program_free)

/* New values are in its table, at these places of the model: wakes it if it watches one of them. */
void shm_program_changed(struct shm_program *p, const size_t *places, size_t n);
/* It should read the table of this epoch: says so and wakes it. */
void shm_program_set_table(struct shm_program *p, uint64_t epoch);

#endif /* IOTD_FRONT_SHM_H */
