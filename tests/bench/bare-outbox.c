/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sqlite3.h>

#include "tests/bench/bare-outbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/schema.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"

#define FIRST_TOKEN 1700000000000000 /* as many digits as microseconds since 1970 have */

struct bare_outbox {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *remove, *commit;
};

static void must(struct bare_outbox *b, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
        bench_fatal("sqlite: %s", sqlite3_errmsg(b->db));
}

static void exec(struct bare_outbox *b, const char *sql)
{
    must(b, sqlite3_exec(b->db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(struct bare_outbox *b, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    must(b, sqlite3_prepare_v3(b->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
    return stmt;
}

static void run(struct bare_outbox *b, sqlite3_stmt *stmt)
{
    must(b, sqlite3_step(stmt));
    must(b, sqlite3_reset(stmt));
}

struct bare_outbox *bare_outbox_new(const char *name)
{
    CLEANUP(freep) char *path = fixture_test_path(name);
    struct bare_outbox *b = calloc(1, sizeof(*b));

    if (!b)
        bench_fatal("out of memory");
    must(b,
         sqlite3_open_v2(path, &b->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    exec(b, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
            "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;");
    for (size_t i = 0; i < ARRAY_SIZE(schema_steps); i++)
        exec(b, schema_steps[i]);
    b->begin = prepare(b, "BEGIN IMMEDIATE");
    b->insert = prepare(b, "INSERT INTO outbox (token, class, client_token, event_id, type,"
                           " timestamp_s, params, peer, scope, bytes)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    b->remove = prepare(b, "DELETE FROM outbox WHERE token = ?");
    b->commit = prepare(b, "COMMIT");
    return b;
}

struct bare_outbox *bare_outbox_free(struct bare_outbox *b)
{
    if (!b)
        return NULL;

    (void) sqlite3_finalize(b->begin);
    (void) sqlite3_finalize(b->insert);
    (void) sqlite3_finalize(b->remove);
    (void) sqlite3_finalize(b->commit);
    (void) sqlite3_close(b->db);
    free(b);
    return NULL;
}

void bare_outbox_begin(struct bare_outbox *b)
{
    run(b, b->begin);
}

void bare_outbox_insert(struct bare_outbox *b, int64_t number)
{
    char client_token[32];

    (void) snprintf(client_token, sizeof(client_token), "abcdefgh-%lld", (long long) number);
    must(b, sqlite3_bind_int64(b->insert, 1, FIRST_TOKEN + number));
    must(b, sqlite3_bind_int64(b->insert, 2, EVENT_CLASS_INFO));
    must(b, sqlite3_bind_text(b->insert, 3, client_token, -1, SQLITE_STATIC));
    must(b, sqlite3_bind_text(b->insert, 4, STACK_EVENT, -1, SQLITE_STATIC));
    must(b, sqlite3_bind_int64(b->insert, 5, MODEL_EVENT_INFO));
    must(b, sqlite3_bind_int64(b->insert, 6, 1700000000));
    must(b, sqlite3_bind_text(b->insert, 7, STACK_PARAMS, -1, SQLITE_STATIC));
    must(b, sqlite3_bind_text(b->insert, 8, STACK_PEER, -1, SQLITE_STATIC));
    must(b, sqlite3_bind_text(b->insert, 9, STACK_SCOPE, -1, SQLITE_STATIC));
    must(b, sqlite3_bind_int64(b->insert, 10, 600));
    run(b, b->insert);
}

void bare_outbox_remove(struct bare_outbox *b, int64_t number)
{
    must(b, sqlite3_bind_int64(b->remove, 1, FIRST_TOKEN + number));
    run(b, b->remove);
}

void bare_outbox_commit(struct bare_outbox *b)
{
    run(b, b->commit);
}
