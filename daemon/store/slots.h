/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_SLOTS_H
#define IOTD_STORE_SLOTS_H

/*
 * A file of small records of fixed places beside the database, for what has to survive the end of
 * this process at any moment and cannot wait for a transaction. The file was made as large as it
 * will be; putting a record is some stores into a mapping of it where the file system writes in
 * place (ext, tmpfs), elsewhere one write(2). A slot has room for two records, written in turns
 * and each with a checksum: one that was not written to its end leaves the one before it. The disk
 * is not waited for: after a power failure a slot has the record put last, an older one, or none.
 */

#include <stddef.h>
#include <stdint.h>

#include "daemon/store/db.h"

#define SLOTS_RECORD 488 /* bytes of one record at most */

struct slots;

/*
 * Opens PATH-SUFFIX, PATH being the database's. A file with another id or size begins anew, empty.
 * db: borrowed for the call. suffix: letters; one of those that db_move_aside() knows.
 * @return 0; -ENOENT the database is in memory; -ENOSPC, -EIO, -ENOMEM, -EACCES
 */
int slots_open(struct slots **ret_slots, const struct db *db, const char *suffix, unsigned n_slots,
               uint64_t id) MUST_CHECK;
struct slots *slots_free(struct slots *s);
DEFINE_FREEP(struct slots, slots_free)

/* 0; -EMSGSIZE; -ENOSPC, -EIO: then the slot is as it was. */
int slots_put(struct slots *s, unsigned slot, const void *data, size_t len) MUST_CHECK;
/* 0; -ENODATA there is none that is whole; -EIO */
int slots_get(struct slots *s, unsigned slot, uint8_t data[SLOTS_RECORD],
              size_t *ret_len) MUST_CHECK;

#endif /* IOTD_STORE_SLOTS_H */
