/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database and its tables, on real files: what is damaged is what is tested. */

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/facts.h"
#include "daemon/store/outbox.h"
#include "daemon/store/schema.h"
#include "libiotclient/base/fdutil.h"
#include "tests/lib/memory-db.h"
#include "tests/lib/suite.h"

#define MAX_FILE (1024 * 1024)
#define N_EVENTS 200

static char dir[64], path[96];

static void begin(void)
{
    strcpy(dir, "/tmp/test-store-XXXXXX");
    CHECK(mkdtemp(dir));
    (void) snprintf(path, sizeof(path), "%s/state.db", dir);
}

static void end(void)
{
    char command[128];

    (void) snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK_INT(system(command), 0);
}

static int open_db(struct db **ret_db, char moved[DB_MOVED])
{
    return db_open(ret_db, path, moved);
}

static int add(struct db *db, int64_t token, int class)
{
    const struct outbox_entry e = {
        .token = token,
        .class = class,
        .client_token = "abc-1",
        .event_id = "low",
        .type = 1,
        .timestamp_s = 1700000000,
        .params = "{\"text\":\"Gr\xc3\xbc\xc3\x9f' \\\"\"}",
        .peer = ":1.7",
        .scope = "bus",
        .bytes = 100 + token,
    };

    return outbox_add(db, &e);
}

/* A closed database with events in it. */
static void fill(void)
{
    char moved[DB_MOVED];
    struct db *db = NULL;

    CHECK_INT(open_db(&db, moved), 0);
    if (!db)
        return;
    CHECK_STR(moved, "");
    CHECK_INT(db_begin(db, true), 0);
    for (int64_t t = 1; t <= N_EVENTS; t++)
        CHECK_INT(add(db, t, 0), 0);
    CHECK_INT(db_commit(db), 0);
    db_free(db);
}

static int64_t count_events(struct db *db)
{
    struct outbox_totals t = {0};

    CHECK_INT(outbox_get_totals(db, 0, &t), 0);
    return t.n;
}

static char *contents(const char *name, size_t *ret_len)
{
    CLEANUP(fd_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);
    char *data = NULL;

    *ret_len = 0;
    CHECK(fd >= 0 && fd_read_file(fd, MAX_FILE, &data, ret_len) == 0);
    return data;
}

static void overwrite(const char *name, off_t at, const void *data, size_t len)
{
    CLEANUP(fd_closep) int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && pwrite(fd, data, len, at) == (ssize_t) len);
}

/* --- files that are not ours to use --- */

static void damage_header(void)
{
    overwrite(path, 0, "This is a text, and no database.", 32);
}

static void damage_middle(void)
{
    char garbage[1024];

    memset(garbage, 0xa5, sizeof(garbage));
    for (int i = 0; i < 16; i++)
        overwrite(path, 2 * 4096 + i * (int) sizeof(garbage), garbage, sizeof(garbage));
}

static void damage_cells(void)
{
    char garbage[64];

    memset(garbage, 0xff, sizeof(garbage));
    overwrite(path, 3 * 4096, garbage, sizeof(garbage)); /* the head of one page */
}

static void damage_cut(void)
{
    CHECK_INT(truncate(path, 3 * 4096), 0);
}

static void damage_empty(void)
{
    CHECK_INT(truncate(path, 0), 0);
}

static void damage_text(void)
{
    (void) unlink(path); /* it may be there */
    overwrite(path, 0, "[link]\n", 7);
}

static void exec_foreign(const char *sql)
{
    sqlite3 *handle = NULL;

    CHECK_INT(sqlite3_open(path, &handle), SQLITE_OK);
    CHECK_INT(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    (void) sqlite3_close(handle);
}

static void damage_foreign(void)
{
    CHECK_INT(unlink(path), 0);
    exec_foreign("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('la');");
}

static void damage_foreign_id(void)
{
    CHECK_INT(unlink(path), 0);
    exec_foreign("PRAGMA application_id = 77;");
}

static void damage_no_tables(void)
{
    exec_foreign("DROP TABLE outbox; PRAGMA application_id = 0;");
}

/* A log whose database is gone. */
static void damage_log_only(void)
{
    char log[128];

    (void) snprintf(log, sizeof(log), "%s-wal", path);
    CHECK_INT(rename(path, log), 0);
}

static const struct damage {
    const char *name;
    void (*fn)(void);
} damages[] = {
    {"header", damage_header},   {"middle", damage_middle},         {"cells", damage_cells},
    {"cut", damage_cut},         {"empty", damage_empty},           {"text", damage_text},
    {"foreign", damage_foreign}, {"foreign-id", damage_foreign_id}, {"no-tables", damage_no_tables},
};

static void check_moved(const struct damage *d)
{
    CLEANUP(freep) char *before = NULL, *after = NULL;
    char moved[DB_MOVED] = "";
    size_t before_len, after_len;
    struct db *db = NULL;

    fill();
    d->fn();
    before = contents(path, &before_len);
    CHECK_INT(open_db(&db, moved), 0);
    if (!db || !moved[0]) {
        suite_fail(__FILE__, __LINE__, "%s: taken as a good database", d->name);
        db_free(db);
        return;
    }
    after = contents(moved, &after_len);
    if (after_len != before_len || memcmp(before, after, after_len) != 0)
        suite_fail(__FILE__, __LINE__, "%s: moved aside, but not as it was", d->name);
    CHECK_INT(count_events(db), 0);
    CHECK_INT(add(db, 1, 0), 0);
    db_free(db);
    CHECK_INT(open_db(&db, moved), 0);
    CHECK_STR(moved, ""); /* the new one is good */
    CHECK_INT(count_events(db), 1);
    db_free(db);
}

static void test_damaged(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        begin();
        check_moved(&damages[i]);
        end();
    }
}

static void test_log_only(void)
{
    char moved[DB_MOVED] = "", log[DB_MOVED + 8];
    struct db *db = NULL;

    begin();
    fill();
    damage_log_only();
    CHECK_INT(open_db(&db, moved), 0);
    CHECK(moved[0]);
    (void) snprintf(log, sizeof(log), "%s-wal", moved);
    CHECK_INT(access(log, F_OK), 0);
    db_free(db);
    end();
}

/* Twice within a second: the first is not replaced. */
static void test_moved_twice(void)
{
    char moved[3][DB_MOVED];
    struct db *db = NULL;

    begin();
    for (int i = 0; i < 3; i++) {
        damage_text();
        CHECK_INT(open_db(&db, moved[i]), 0);
        db = db_free(db);
    }
    for (int i = 0; i < 3; i++) {
        CHECK_INT(access(moved[i], F_OK), 0);
        CHECK(strcmp(moved[i], moved[(i + 1) % 3]) != 0);
    }
    end();
}

/* Of an older release: brought up, with all that is in it. */
static void test_older(void)
{
    char sql[200], moved[DB_MOVED];
    struct db *db = NULL;

    begin();
    (void) snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = 1;",
                    SCHEMA_APPLICATION_ID);
    exec_foreign(schema_steps[0]);
    exec_foreign(sql);
    exec_foreign("INSERT INTO outbox VALUES (20, 0, 'abc-2', 'low', 1, 0, '{}', ':1.7', 'b', 9);"
                 "INSERT INTO outbox VALUES (10, 0, 'abc-1', 'low', 1, 0, '{}', ':1.7', 'b', 9);");
    CHECK_INT(open_db(&db, moved), 0);
    CHECK_STR(moved, "");
    if (db) {
        struct outbox_totals t = {0};

        CHECK_INT(count_events(db), 2);
        CHECK_INT(outbox_get_totals(db, 0, &t), 0);
        CHECK(t.last_turn == 0 && t.last_token == 20);
        CHECK_INT(add(db, 30, 0), 0);
    }
    db = db_free(db);
    CHECK_INT(open_db(&db, moved), 0); /* once */
    CHECK_INT(db ? count_events(db) : 0, 3);
    db = db_free(db);
    end();
}

/* Of a newer release: left alone. */
static void test_newer(void)
{
    CLEANUP(freep) char *before = NULL, *after = NULL;
    size_t before_len, after_len;
    char moved[DB_MOVED];
    struct db *db = NULL;

    begin();
    fill();
    exec_foreign("PRAGMA user_version = 99;");
    before = contents(path, &before_len);
    CHECK_INT(open_db(&db, moved), -EPERM);
    CHECK(!db);
    CHECK_STR(moved, "");
    after = contents(path, &after_len);
    CHECK(after_len == before_len && memcmp(before, after, after_len) == 0);
    end();
}

static void test_refused(void)
{
    char moved[DB_MOVED], other[160], dots[700];
    struct db *db = NULL, *second = NULL;

    begin();
    CHECK_INT(open_db(&db, moved), 0);
    CHECK_INT(open_db(&second, moved), -EBUSY); /* somebody works with it */
    CHECK_STR(moved, "");
    db = db_free(db);

    (void) snprintf(other, sizeof(other), "%s/other.db", dir);
    CHECK_INT(rename(path, other), 0);
    CHECK_INT(symlink(other, path), 0);
    CHECK_INT(open_db(&db, moved), -EACCES);
    CHECK_STR(moved, "");
    CHECK_INT(unlink(path), 0);
    CHECK_INT(mkdir(path, 0700), 0);
    CHECK(open_db(&db, moved) < 0);

    memset(dots, 'x', sizeof(dots));
    dots[sizeof(dots) - 1] = '\0';
    CHECK_INT(db_open(&db, dots, moved), -ENAMETOOLONG);
    CHECK_INT(db_open(&db, "/nowhere/at/all/state.db", moved), -EACCES);
    CHECK(!db);
    end();
}

/* --- tables --- */

struct seen {
    int64_t tokens[64];
    unsigned n;
    int stop_with;
};

static int on_entry(const struct outbox_entry *e, void *userdata)
{
    struct seen *s = userdata;

    CHECK_STR(e->client_token, "abc-1");
    CHECK_STR(e->event_id, "low");
    CHECK_STR(e->params, "{\"text\":\"Gr\xc3\xbc\xc3\x9f' \\\"\"}");
    CHECK_STR(e->peer, ":1.7");
    CHECK_STR(e->scope, "bus");
    CHECK_INT(e->type, 1);
    CHECK_INT(e->timestamp_s, 1700000000);
    CHECK_INT(e->bytes, 100 + e->token);
    s->tokens[s->n++] = e->token;
    return s->stop_with;
}

static void test_outbox(void)
{
    struct db *db = memory_db();
    struct outbox_totals t = {0};
    struct seen s = {0};

    CHECK_INT(outbox_get_totals(db, 0, &t), 0);
    CHECK_INT(t.n + t.bytes + t.last_token, 0);
    for (int64_t i = 10; i > 0; i--)
        CHECK_INT(add(db, i * 10, (int) i % 2), 0);
    CHECK(add(db, 50, 0) < 0); /* a token is one event */
    CHECK_INT(outbox_get_totals(db, 1, &t), 0);
    CHECK_INT(t.n, 5);
    CHECK_INT(t.bytes, 5 * 100 + 10 + 30 + 50 + 70 + 90);
    CHECK_INT(t.last_token, 100); /* of the other class */
    CHECK_INT(outbox_load(db, 1, 0, 30, 2, on_entry, &s), 0);
    CHECK(s.n == 2 && s.tokens[0] == 50 && s.tokens[1] == 70);
    CHECK_INT(outbox_remove(db, 50), 0);
    CHECK_INT(outbox_remove(db, 51), 0); /* is not there already */
    s.n = 0;
    CHECK_INT(outbox_load(db, 1, 0, 0, 100, on_entry, &s), 0);
    CHECK(s.n == 4 && s.tokens[0] == 10 && s.tokens[2] == 70);
    s = (struct seen){.stop_with = -ENOMEM};
    CHECK_INT(outbox_load(db, 1, 0, 0, 100, on_entry, &s), -ENOMEM);
    CHECK_INT(s.n, 1);
    db_free(db);
}

static int on_property(const struct fact_property *p, void *userdata)
{
    char *text = userdata;
    size_t n = strlen(text);

    (void) snprintf(text + n, 200 - n, "%s=%s,%s,%lld,%d ", p->id, p->value ? p->value : "-",
                    p->desired ? p->desired : "-", (long long) p->stamp_us, p->confirmed);
    return 0;
}

static int on_answer(const struct fact_answer *a, void *userdata)
{
    char *text = userdata;
    size_t n = strlen(text);

    (void) snprintf(text + n, 200 - n, "%lld:%s,%lld,%d,%d,%s,%s,%lld ", (long long) a->slot,
                    a->token, (long long) a->content, a->state, a->code, a->text,
                    a->response ? a->response : "-", (long long) a->taken);
    return 0;
}

static void test_facts(void)
{
    struct db *db = memory_db();
    const struct fact_property properties[] = {
        {"a", "1", NULL, 5, true},
        {"b", NULL, "\"x\"", 6, false},
        {"a", "2", "3", 7, false}, /* again */
    };
    const struct fact_answer answers[] = {
        {0, 10, "t0", -1, 2, 0, "ok", NULL},
        {9, 11, "t9", INT64_MAX, 1, 406, "", "{}"},
        {0, 12, "t1", 3, 3, 5, "no", "{\"a\":1}"}, /* the slot again */
    };
    CLEANUP(freep) char *value = NULL;
    char text[200] = "";

    for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
        CHECK_INT(facts_put_property(db, &properties[i]), 0);
    CHECK_INT(facts_load_properties(db, on_property, text), 0);
    CHECK_STR(text, "a=2,3,7,0 b=-,\"x\",6,0 ");
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
        CHECK_INT(facts_put_answer(db, &answers[i]), 0);
    text[0] = '\0';
    CHECK_INT(facts_load_answers(db, on_answer, text), 0);
    CHECK_STR(text, "0:t1,3,3,5,no,{\"a\":1},12 9:t9,9223372036854775807,1,406,,{},11 ");
    CHECK_INT(facts_get(db, "bound", &value), 0);
    CHECK_STR(value, "");
    CHECK_INT(facts_put(db, "bound", "1"), 0);
    CHECK_INT(facts_put(db, "bound", "0"), 0);
    free(TAKE(value));
    CHECK_INT(facts_get(db, "bound", &value), 0);
    CHECK_STR(value, "0");
    db_free(db);
}

static void test_transaction(void)
{
    char moved[DB_MOVED];
    struct db *db = NULL;

    begin();
    CHECK_INT(open_db(&db, moved), 0);
    for (int i = 0; i < 4; i++) { /* durable or not by turns */
        CHECK_INT(db_begin(db, i % 2), 0);
        CHECK_INT(add(db, i + 1, 0), 0);
        if (i < 2)
            CHECK_INT(db_commit(db), 0);
        else
            db_rollback(db);
        CHECK_INT(count_events(db), i < 2 ? i + 1 : 2);
    }
    db_rollback(db); /* there is none */
    CHECK_INT(db_begin(db, true), 0);
    CHECK_INT(add(db, 9, 0), 0);
    db_free(db); /* a transaction that nobody ended */
    CHECK_INT(open_db(&db, moved), 0);
    CHECK_INT(count_events(db), 2);
    db_free(db);
    end();
}

const char *const suite_name = "store";
const struct suite_test suite_tests[] = {
    {"damaged", test_damaged},
    {"log_only", test_log_only},
    {"moved_twice", test_moved_twice},
    {"older", test_older},
    {"newer", test_newer},
    {"refused", test_refused},
    {"outbox", test_outbox},
    {"facts", test_facts},
    {"transaction", test_transaction},
    {NULL, NULL},
};
