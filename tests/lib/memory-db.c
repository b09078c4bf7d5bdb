/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/memory-db.h"

#include <assert.h>

struct db *memory_db(void)
{
    char moved[DB_MOVED];
    struct db *db = NULL;
    int r = db_open(&db, ":memory:", moved);

    assert(r == 0);
    (void) r;
    return db;
}

void memory_persist_init(struct memory_persist *mp)
{
    fake_loop_init(&mp->fl);
    mp->db = memory_db();
    persist_init(&mp->persist, &mp->fl.loop, mp->db);
}

void memory_persist_done(struct memory_persist *mp)
{
    persist_done(&mp->persist);
    fake_loop_done(&mp->fl);
    mp->db = db_free(mp->db);
}
