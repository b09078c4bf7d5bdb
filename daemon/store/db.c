/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sqlite3.h>

#include "daemon/store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/store/schema.h"

#define MAX_STATEMENTS 48 /* own choice: above the number of db_run() calls in the source */
#define MAX_MOVED 1000    /* own choice: files moved aside in one second */

/* A statement is found by the address of its text: it is a constant. */
struct statement {
    const char *sql;
    sqlite3_stmt *stmt;
};

struct db {
    sqlite3 *handle;
    struct statement statements[MAX_STATEMENTS];
    unsigned n_statements;
    bool durable;
};

struct db_row {
    sqlite3_stmt *stmt;
};

static int to_errno(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

struct db *db_free(struct db *db)
{
    if (!db)
        return NULL;

    for (unsigned i = 0; i < db->n_statements; i++)
        (void) sqlite3_finalize(db->statements[i].stmt);
    (void) sqlite3_close(db->handle);
    free(db);
    return NULL;
}

static int exec(struct db *db, const char *sql)
{
    return to_errno(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

static int on_number(void *userdata, int n, char **values, char **names)
{
    (void) names;
    if (n == 1 && values[0])
        *(int64_t *) userdata = strtoll(values[0], NULL, 10); /* SQLite's own number */
    return 0;
}

static int pragma_number(struct db *db, const char *sql, int64_t *ret_value)
{
    return to_errno(sqlite3_exec(db->handle, sql, on_number, ret_value, NULL));
}

static int on_check(void *userdata, int n, char **values, char **names)
{
    (void) names;
    if (n == 1 && values[0] && strcmp(values[0], "ok") == 0)
        *(bool *) userdata = true;
    return 0;
}

static int migrate(struct db *db, int64_t version)
{
    char sql[64];
    int r = 0;

    while (r == 0 && version < (int64_t) ARRAY_SIZE(schema_steps)) {
        r = exec(db, "BEGIN IMMEDIATE");
        if (r == 0)
            r = exec(db, schema_steps[version]);
        (void) snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
                        SCHEMA_APPLICATION_ID, (int) ++version);
        if (r == 0)
            r = exec(db, sql);
        if (r == 0)
            r = exec(db, "COMMIT");
        if (r < 0)
            db_rollback(db);
    }
    if (r == 0) /* the tables get their place before the disk may be full; else later */
        (void) !db_make_room(db);
    return r;
}

/* -EBADMSG for what has to be moved aside. */
static int prepare(struct db *db)
{
    int64_t application = 0, version = 0, n_tables = 0;
    bool is_ok = false;
    int r;

    /* Exclusive: no second daemon on the same state, and no shared-memory file. */
    r = exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;"
                 "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
                 "PRAGMA cache_size = -512;");
    if (r == 0)
        r = pragma_number(db, "PRAGMA application_id", &application);
    if (r == 0)
        r = pragma_number(db, "PRAGMA user_version", &version);
    if (r == 0)
        r = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables);
    if (r < 0)
        return r;
    if (application != SCHEMA_APPLICATION_ID && (n_tables > 0 || application || version))
        return -EBADMSG; /* somebody else's */
    if (version > (int64_t) ARRAY_SIZE(schema_steps))
        return -EPERM;
    /* Writes, so not before it is known to be ours. */
    r = exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                 "PRAGMA journal_size_limit = 1048576;");
    if (r < 0)
        return r;
    r = to_errno(sqlite3_exec(db->handle, "PRAGMA quick_check(1)", on_check, &is_ok, NULL));
    if (r < 0)
        return r;
    if (!is_ok)
        return -EBADMSG;
    return migrate(db, version);
}

static int open_once(struct db **ret_db, const char *path)
{
    CLEANUP(db_freep) struct db *db = calloc(1, sizeof(*db));
    int r;

    if (!db)
        return -ENOMEM;
    r = to_errno(sqlite3_open_v2(path, &db->handle,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_NOFOLLOW,
                                 NULL));
    if (r < 0)
        return r;
    db->durable = true;
    (void) sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    r = prepare(db);
    if (r < 0)
        return r;
    *ret_db = TAKE(db);
    return 0;
}

/* The database and what lies beside it. */
static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-answers"};

static bool is_there(const char *path, const char *suffix, off_t *ret_size)
{
    char name[DB_MOVED + 16];
    struct stat st;

    (void) snprintf(name, sizeof(name), "%s%s", path, suffix);
    if (lstat(name, &st) < 0)
        return false;
    *ret_size = st.st_size;
    return true;
}

/*
 * An empty file, or a log whose database is gone: SQLite would take either for a new database and
 * delete the log.
 */
static bool is_remnant(const char *path)
{
    off_t size;

    if (is_there(path, "", &size))
        return size == 0;
    return is_there(path, "-wal", &size) && size > 0;
}

/* A name that nothing has: a clock that stands still must not replace what was saved before. */
static int choose_name(const char *path, const char *why, char ret_moved[DB_MOVED])
{
    for (unsigned n = 0; n < MAX_MOVED; n++) {
        bool taken = false;
        off_t size;

        (void) snprintf(ret_moved, DB_MOVED, "%s.%.16s-%lld-%u", path, why, (long long) time(NULL),
                        n);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
            taken |= is_there(ret_moved, suffixes[i], &size);
        if (!taken)
            return 0;
    }
    return -EEXIST;
}

/* The database with its log: either is worth nothing without the other. */
int db_move_aside(const char *path, const char *why, char ret_moved[DB_MOVED])
{
    char from[DB_MOVED + 16], to[DB_MOVED + 16];
    int r = strlen(path) > DB_MOVED - 48 ? -ENAMETOOLONG : choose_name(path, why, ret_moved);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void) snprintf(from, sizeof(from), "%s%s", path, suffixes[i]);
        (void) snprintf(to, sizeof(to), "%s%s", ret_moved, suffixes[i]);
        if (rename(from, to) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int db_open(struct db **ret_db, const char *path, char ret_moved[DB_MOVED])
{
    int r;

    ret_moved[0] = '\0';
    if (strlen(path) > DB_MOVED - 48)
        return -ENAMETOOLONG;
    r = is_remnant(path) ? -EBADMSG : open_once(ret_db, path);
    if (r != -EBADMSG)
        return r;
    r = db_move_aside(path, "unusable", ret_moved);
    return r < 0 ? r : open_once(ret_db, path);
}

int db_begin(struct db *db, bool durable)
{
    int r;

    if (db->durable != durable) {
        r = exec(db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        if (r < 0)
            return r;
        db->durable = durable;
    }
    return db_run(db, "BEGIN IMMEDIATE", NULL, NULL, "");
}

int db_commit(struct db *db)
{
    return db_run(db, "COMMIT", NULL, NULL, "");
}

void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void) exec(db, "ROLLBACK"); /* what failed before has been told */
}

int db_make_room(struct db *db)
{
    return exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

const char *db_path(const struct db *db)
{
    const char *path = sqlite3_db_filename(db->handle, "main");

    return path ? path : "";
}

int64_t db_row_i64(const struct db_row *row, int column)
{
    return sqlite3_column_int64(row->stmt, column);
}

const char *db_row_text(const struct db_row *row, int column)
{
    const unsigned char *text = sqlite3_column_text(row->stmt, column);

    return text ? (const char *) text : "";
}

bool db_row_is_null(const struct db_row *row, int column)
{
    return sqlite3_column_type(row->stmt, column) == SQLITE_NULL;
}

static int get_statement(struct db *db, const char *sql, sqlite3_stmt **ret_stmt)
{
    struct statement *s;
    int r;

    for (unsigned i = 0; i < db->n_statements; i++) {
        if (db->statements[i].sql == sql) {
            *ret_stmt = db->statements[i].stmt;
            return 0;
        }
    }
    if (db->n_statements == MAX_STATEMENTS)
        return -EIO;
    s = &db->statements[db->n_statements];
    r = to_errno(
        sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL));
    if (r < 0)
        return r;
    s->sql = sql;
    db->n_statements++;
    *ret_stmt = s->stmt;
    return 0;
}

static int bind(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    int rc = SQLITE_OK;

    for (int i = 1; *types && rc == SQLITE_OK; i++, types++) {
        if (*types == 'i') {
            rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
        } else {
            const char *text = va_arg(ap, const char *);

            rc = text ? sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC)
                      : sqlite3_bind_null(stmt, i);
        }
    }
    return to_errno(rc);
}

int db_run(struct db *db, const char *sql, db_row_fn fn, void *userdata, const char *types, ...)
{
    sqlite3_stmt *stmt;
    va_list ap;
    int r, rc;

    r = get_statement(db, sql, &stmt);
    if (r < 0)
        return r;
    va_start(ap, types);
    r = bind(stmt, types, ap);
    va_end(ap);
    while (r == 0) {
        struct db_row row = {stmt};

        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW) {
            r = to_errno(rc);
            break;
        }
        if (fn)
            r = fn(&row, userdata);
    }
    (void) sqlite3_reset(stmt); /* repeats the error of the step */
    (void) sqlite3_clear_bindings(stmt);
    return r;
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}
