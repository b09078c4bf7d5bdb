/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_H
#define IOTD_FRONT_SHM_H

/*
 * The shared-memory door of one program: its segments up and down, its two bells. Made at Attach,
 * freed with the program (bus_client_remove()), found with bus_client_shm().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"
#include "libiotclient/ipc/layout.h"

struct bus;
struct call_part;
struct client;
struct model_action;
struct shm_program;
struct value;

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

/* It is gone, but what it wrote counts: takes all that it left. */
void shm_program_drain(struct shm_program *p);

/* As struct completion has it; for this program. False: not this way any more. */
bool shm_program_completed(struct shm_program *p, uint64_t token, int code);
/*
 * A command for it, as struct calls_front has them.
 * @return 0; -EMSGSIZE larger than a record: over the bus then; -ENOBUFS it does not read;
 * -ENOTCONN it is being detached; -ENOMEM
 */
int shm_program_control(struct shm_program *p, struct call_part *part) MUST_CHECK;
int shm_program_invoke(struct shm_program *p, struct call_part *part,
                       const struct model_action *action, const struct value *inputs) MUST_CHECK;
/* Its answer does not matter any more. False: that is no command for it. */
bool shm_program_cancel(struct shm_program *p, struct call_part *part);

#endif /* IOTD_FRONT_SHM_H */
