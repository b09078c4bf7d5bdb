/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_MEMORY_DB_H
#define IOTD_TESTS_MEMORY_DB_H

/* The daemon's database without a file, and a group commit on a fake loop over it. */

#include "daemon/core/persist.h"
#include "tests/lib/fake-loop.h"

struct db *memory_db(void); /* db_free() it */

struct memory_persist {
    struct fake_loop fl;
    struct db *db;
    struct persist persist;
};

void memory_persist_init(struct memory_persist *mp);
void memory_persist_done(struct memory_persist *mp);

#endif /* IOTD_TESTS_MEMORY_DB_H */
