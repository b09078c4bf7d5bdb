/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_FRONT_SHM_BYTES_H
#define IOTD_FRONT_SHM_BYTES_H

/* Values of the thing model as a slot of the table has them (layout.h). */

#include "daemon/cloud/value.h"
#include "libiotclient/ipc/layout.h"

/* LAYOUT_TYPE_... */
uint32_t shm_type_of(enum thing_type type);

/*
 * The bytes of a value in a slot: what a copy or a blob holds.
 * Room for what is packed; zero-initialised memory is empty.
 */
struct shm_bytes {
    uint64_t *room; /* owned */
    size_t size;    /* bytes of it */
    uint64_t word;  /* of a scalar */
    const void *data;
    size_t len;
};

/* Room for a packed value of so many bytes: none that is smaller fails. -ENOMEM */
int shm_bytes_reserve(struct shm_bytes *b, size_t size) MUST_CHECK;
/* data and len, valid until the next call or a change of v. 0; -ENOMEM; -EINVAL no kind. */
int shm_bytes_of(struct shm_bytes *b, const struct value *v) MUST_CHECK;
void shm_bytes_done(struct shm_bytes *b);

#endif /* IOTD_FRONT_SHM_BYTES_H */
