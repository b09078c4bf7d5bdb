/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_STORE_DB_H
#define IOTD_STORE_DB_H

/*
 * The one database of the daemon: SQLite with a write-ahead log. Opens, checks, migrates; runs
 * statements for outbox.c and facts.c. A file that is damaged or not ours is moved aside, never
 * emptied. Errors: -ENOSPC disk full, -EBADMSG damaged, -EBUSY another process has it, -ENOMEM,
 * -EIO.
 */

#include <stdbool.h>
#include <stdint.h>

#include "libiotclient/base/macro.h"

struct db;

#define DB_MOVED 512

/*
 * @param ret_moved  where an unusable file was moved to, "" if it was not
 * @return 0; -EBUSY; -EPERM written by a newer release; -ENOSPC, -EIO, -ENOMEM, -EACCES
 */
int db_open(struct db **ret_db, const char *path, char ret_moved[DB_MOVED]) MUST_CHECK;
/*
 * Moves a database that nobody has open, with its log and neighbours, to path.WHY-TIME. why is a
 * word. 0; -ENAMETOOLONG; what rename(2) says
 */
int db_move_aside(const char *path, const char *why, char ret_moved[DB_MOVED]) MUST_CHECK;
struct db *db_free(struct db *db);
DEFINE_FREEP(struct db, db_free)

/* Of its file; "" when it is in memory. */
const char *db_path(const struct db *db);

/* durable: on the disk when db_commit() returns, else safe from the end of this process only. */
int db_begin(struct db *db, bool durable) MUST_CHECK;
int db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db);
/*
 * After -ENOSPC, outside of a transaction: moves the write-ahead log into the database, so that it
 * begins anew. 0 when that worked: then there may be room.
 */
int db_make_room(struct db *db) MUST_CHECK;

/* One row of a result; columns count from 0. Texts are borrowed for the call; never NULL. */
struct db_row;
int64_t db_row_i64(const struct db_row *row, int column);
const char *db_row_text(const struct db_row *row, int column);
bool db_row_is_null(const struct db_row *row, int column);

/* 0 goes on, negative ends and is passed on. */
typedef int (*db_row_fn)(const struct db_row *row, void *userdata);

/*
 * Runs one statement, which must be a string constant: it is prepared once. types has a letter
 * for each parameter: i int64_t, s const char * (NULL is a null). fn may be NULL.
 */
int db_run(struct db *db, const char *sql, db_row_fn fn, void *userdata, const char *types,
           ...) MUST_CHECK;
/* The row id of the last insert. */
int64_t db_last_id(const struct db *db);

#endif /* IOTD_STORE_DB_H */
