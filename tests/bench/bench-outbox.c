/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durable events a second: from events_post() to the answer, which comes when the event is on
 * disk, against SQLite doing the same inserts in the same transactions and nothing else. In
 * flight: how many posts wait at a time, which is how many share a commit.
 *
 * Both write to a new file in TMPDIR in each round, and take turns.
 */

#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/schema.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"

#define ROUNDS 25
#define PEER ":1.42"

/* --- iotd --- */

struct poster {
    struct stack stack;
    unsigned n_left; /* to be posted */
    unsigned n_open; /* not answered yet */
};

static void on_posted(int result, uint64_t token, void *userdata);

static void post(struct poster *p)
{
    p->n_left--;
    p->n_open++;
    bench_must(
        events_post(&p->stack.core->events, PEER, p->stack.event, STACK_PARAMS, 0, on_posted, p),
        "post");
}

static void on_posted(int result, uint64_t token, void *userdata)
{
    struct poster *p = userdata;

    (void) token;
    bench_must(result, "store");
    p->n_open--;
    if (p->n_left > 0)
        post(p);
    else if (p->n_open == 0)
        loop_lws_stop(p->stack.loop);
}

static double run_iotd(struct loop_lws *loop, unsigned n, unsigned in_flight, const char *name)
{
    struct poster p = {.n_left = n};
    uint64_t start;
    double rate;

    stack_init_link(&p.stack, loop, "ws://127.0.0.1:9/mqtt", 0); /* never enabled */
    stack_init_core(&p.stack, name);
    start = bench_now_ns();
    for (unsigned i = 0; i < in_flight; i++)
        post(&p);
    bench_must(loop_lws_run(loop), "loop");
    rate = bench_rate(n, start);
    stack_done(&p.stack);
    return rate;
}

/* --- SQLite --- */

static void must(sqlite3 *db, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
        bench_fatal("sqlite: %s", sqlite3_errmsg(db));
}

static void exec(sqlite3 *db, const char *sql)
{
    must(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* The row that iotd writes, with texts of the same length. */
static void insert(sqlite3 *db, sqlite3_stmt *stmt, int64_t token)
{
    char client_token[32];

    (void) snprintf(client_token, sizeof(client_token), "abcdefgh-%lld", (long long) token);
    must(db, sqlite3_bind_int64(stmt, 1, 1700000000000000 + token));
    must(db, sqlite3_bind_int64(stmt, 2, EVENT_CLASS_INFO));
    must(db, sqlite3_bind_text(stmt, 3, client_token, -1, SQLITE_STATIC));
    must(db, sqlite3_bind_text(stmt, 4, STACK_EVENT, -1, SQLITE_STATIC));
    must(db, sqlite3_bind_int64(stmt, 5, MODEL_EVENT_INFO));
    must(db, sqlite3_bind_int64(stmt, 6, 1700000000));
    must(db, sqlite3_bind_text(stmt, 7, STACK_PARAMS, -1, SQLITE_STATIC));
    must(db, sqlite3_bind_text(stmt, 8, PEER, -1, SQLITE_STATIC));
    must(db, sqlite3_bind_text(stmt, 9, "bench", -1, SQLITE_STATIC));
    must(db, sqlite3_bind_int64(stmt, 10, 600));
    must(db, sqlite3_step(stmt));
    must(db, sqlite3_reset(stmt));
}

static double run_sqlite(unsigned n, unsigned in_flight, const char *name)
{
    CLEANUP(freep) char *path = fixture_test_path(name);
    sqlite3_stmt *begin, *add, *commit;
    sqlite3 *db;
    uint64_t start;
    double rate;

    must(NULL,
         sqlite3_open_v2(path, &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;");
    exec(db, schema_steps[0]);
    must(db, sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL));
    must(db, sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL));
    must(db, sqlite3_prepare_v2(db, "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1,
                                &add, NULL));
    start = bench_now_ns();
    for (unsigned i = 0; i < n;) {
        must(db, sqlite3_step(begin));
        must(db, sqlite3_reset(begin));
        for (unsigned k = 0; k < in_flight && i < n; k++)
            insert(db, add, i++);
        must(db, sqlite3_step(commit));
        must(db, sqlite3_reset(commit));
    }
    rate = bench_rate(n, start);
    (void) sqlite3_finalize(begin);
    (void) sqlite3_finalize(add);
    (void) sqlite3_finalize(commit);
    must(db, sqlite3_close(db));
    return rate;
}

int main(void)
{
    static const struct {
        unsigned in_flight, n;
        const char *name, *baseline;
    } cases[] = {
        {1, 300, "outbox.durable_1", "outbox.sqlite_1"},
        {10, 2000, "outbox.durable_10", "outbox.sqlite_10"},
        {100, 20000, "outbox.durable_100", "outbox.sqlite_100"},
    };
    struct loop_lws *loop;

    bench_must(loop_lws_new(&loop), "loop");
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct bench_series iotd = {.name = cases[c].name, .unit = "events/s"};
        struct bench_series bare = {.name = cases[c].baseline, .unit = "events/s"};

        for (unsigned i = 0; i < ROUNDS; i++) {
            char name[64];

            (void) snprintf(name, sizeof(name), "iotd-%zu-%u.db", c, i);
            bench_add(&iotd, run_iotd(loop, cases[c].n, cases[c].in_flight, name));
            (void) snprintf(name, sizeof(name), "bare-%zu-%u.db", c, i);
            bench_add(&bare, run_sqlite(cases[c].n, cases[c].in_flight, name));
        }
        bench_print_pairs(&iotd, &bare);
        bench_print(&bare, NULL);
        bench_clear(&iotd);
        bench_clear(&bare);
    }
    loop_lws_free(loop);
    return 0;
}
