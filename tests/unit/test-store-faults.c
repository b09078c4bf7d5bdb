/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database on a disk that fails (tests/lib/fault-vfs.h): each operation once, and the end of
 * the process and of the power at each of them. What was committed as durable is there
 * afterwards, whole; what failed told so with a promised error, and works the next time.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "daemon/store/outbox.h"
#include "tests/lib/fault-vfs.h"
#include "tests/lib/suite.h"

#define PATH "state.db"
#define N_EVENTS 12
#define PARAMS_LEN 3000 /* an event has pages of its own */

enum fate { FATE_NOT_THERE, FATE_MAY_BE, FATE_THERE };

struct work {
    enum fate fates[N_EVENTS + 1]; /* by token */
    unsigned n_failed;
    int fact; /* the newest that is certain */
    int fact_may_be;
};

static char params[N_EVENTS + 1][PARAMS_LEN + 1];

static void make_params(void)
{
    for (unsigned i = 1; i <= N_EVENTS; i++) {
        memset(params[i], 'a' + (int) i, PARAMS_LEN);
        params[i][PARAMS_LEN] = '\0';
    }
}

static int open_db(struct db **ret_db)
{
    char moved[DB_MOVED] = "";
    int r = db_open(ret_db, PATH, moved);

    CHECK_STR(moved, ""); /* trouble is no damage */
    return r;
}

static void check_error(int r)
{
    if (r != -EIO && r != -ENOSPC && r != -EACCES && r != -ENOMEM)
        suite_fail(__FILE__, __LINE__, "an error that was not promised: %d", r);
}

static int end(struct db *db, int r)
{
    if (r == 0)
        r = db_commit(db);
    if (r < 0)
        db_rollback(db);
    return r;
}

static int add(struct db *db, int64_t token)
{
    const struct outbox_entry e = {
        .token = token,
        .class = (int) token % 2,
        .client_token = "token",
        .event_id = "id",
        .params = params[token],
        .peer = ":1.1",
        .scope = "bus",
        .bytes = PARAMS_LEN,
    };
    int r = db_begin(db, true);

    return r < 0 ? r : end(db, outbox_add(db, &e));
}

/* An event that ended goes without a sync: it may come back after a power failure. */
static int forget(struct db *db, int64_t token, int number)
{
    char text[16];
    int r = db_begin(db, false);

    if (r < 0)
        return r;
    r = outbox_remove(db, token);
    (void) snprintf(text, sizeof(text), "%d", number);
    if (r == 0)
        r = facts_put(db, "number", text);
    return end(db, r);
}

static void add_one(struct db *db, struct work *w, int64_t token)
{
    int r = add(db, token);

    if (r < 0) {
        check_error(r);
        w->n_failed++;
        w->fates[token] = FATE_MAY_BE;
    } else {
        w->fates[token] = FATE_THERE;
    }
}

static void forget_one(struct db *db, struct work *w, int64_t token)
{
    int r = forget(db, token, (int) token);

    w->fates[token] = FATE_MAY_BE;
    w->fact_may_be = (int) token;
    if (r < 0)
        check_error(r);
    else
        w->fact = (int) token;
}

static void run_work(struct work *w)
{
    struct db *db = NULL;
    int r = open_db(&db);

    if (r < 0) {
        check_error(r);
        w->n_failed++;
        return;
    }
    for (int64_t token = 1; token <= N_EVENTS; token++) {
        add_one(db, w, token);
        if (token % 3 == 0)
            forget_one(db, w, token - 1);
    }
    db_free(db); /* writes the log into the database */
}

struct found {
    bool there[N_EVENTS + 1];
    unsigned n;
};

static int on_entry(const struct outbox_entry *e, void *userdata)
{
    struct found *f = userdata;

    if (e->token < 1 || e->token > N_EVENTS || strcmp(e->params, params[e->token]) != 0 ||
        strcmp(e->peer, ":1.1") != 0 || e->bytes != PARAMS_LEN || f->there[e->token])
        suite_fail(__FILE__, __LINE__, "entry %lld is not as it was", (long long) e->token);
    else
        f->there[e->token] = true;
    f->n++;
    return 0;
}

static void check_found(struct db *db, const struct work *w, const char *what, unsigned n)
{
    struct outbox_totals totals = {0};
    struct found found = {0};
    unsigned n_total = 0;

    for (int c = 0; c < 2; c++) {
        CHECK_INT(outbox_load(db, c, 0, 0, 1000, on_entry, &found), 0);
        CHECK_INT(outbox_get_totals(db, c, &totals), 0);
        n_total += (unsigned) totals.n;
    }
    CHECK_INT(found.n, n_total);
    for (int i = 1; i <= N_EVENTS; i++) {
        if (found.there[i] ? w->fates[i] == FATE_NOT_THERE : w->fates[i] == FATE_THERE)
            suite_fail(__FILE__, __LINE__, "%s at %u: entry %d %s", what, n, i,
                       found.there[i] ? "is back" : "is lost");
    }
}

/* The disk works again: everything is there, and it goes on. */
static void check_after(const struct work *w, const char *what, unsigned n, bool keeps_facts)
{
    CLEANUP(freep) char *text = NULL;
    struct db *db = NULL;
    struct work more = *w;
    int r = open_db(&db);

    if (r < 0) {
        suite_fail(__FILE__, __LINE__, "%s at %u: not opened: %d", what, n, r);
        return;
    }
    check_found(db, w, what, n);
    CHECK_INT(facts_get(db, "number", &text), 0);
    if (keeps_facts && atoi(text) != w->fact && atoi(text) != w->fact_may_be)
        suite_fail(__FILE__, __LINE__, "%s at %u: fact %s, not %d", what, n, text, w->fact);
    for (int64_t token = 1; token <= N_EVENTS; token++) {
        CHECK_INT(forget(db, token, 0), 0);
        CHECK_INT(add(db, token), 0);
        more.fates[token] = FATE_THERE;
    }
    check_found(db, &more, what, n);
    db_free(db);
}

static void begin(void)
{
    make_params();
    fault_vfs_init();
}

static unsigned count_operations(void)
{
    struct work w = {0};

    fault_vfs_format();
    fault_vfs_arm(FAULT_VFS_NONE, 0);
    run_work(&w);
    CHECK_INT(w.n_failed, 0);
    CHECK(fault_vfs_n_syncs() >= N_EVENTS); /* one for each, at the least */
    return fault_vfs_n_operations();
}

/* A disk that fails once: told, and over. */
static void sweep_once(enum fault_vfs_mode mode, const char *what)
{
    unsigned n_operations, n_told = 0;

    begin();
    n_operations = count_operations();
    for (unsigned n = 1; n <= n_operations; n++) {
        struct work w = {0};

        fault_vfs_format();
        fault_vfs_arm(mode, n);
        run_work(&w);
        n_told += w.n_failed;
        CHECK(w.n_failed <= 1); /* the next one works */
        fault_vfs_boot(FAULT_VFS_BOOT_PROCESS, 0);
        check_after(&w, what, n, true);
    }
    CHECK(n_told >= N_EVENTS);
    fault_vfs_done();
}

static void test_fail(void)
{
    sweep_once(FAULT_VFS_FAIL, "failure");
}

static void test_full(void)
{
    sweep_once(FAULT_VFS_FULL, "full disk");
}

static void sweep_stop(enum fault_vfs_boot boot, unsigned n_seeds, const char *what)
{
    unsigned n_operations;

    begin();
    n_operations = count_operations();
    for (unsigned n = 1; n <= n_operations; n++) {
        for (unsigned seed = 1; seed <= n_seeds; seed++) {
            struct work w = {0};

            fault_vfs_format();
            fault_vfs_arm(FAULT_VFS_STOP, n);
            run_work(&w);
            fault_vfs_boot(boot, seed);
            check_after(&w, what, n, boot == FAULT_VFS_BOOT_PROCESS);
        }
    }
    fault_vfs_done();
}

static void test_kill(void)
{
    sweep_stop(FAULT_VFS_BOOT_PROCESS, 1, "kill");
}

static void test_power(void)
{
    sweep_stop(FAULT_VFS_BOOT_SYNCED, 1, "power failure");
}

static void test_torn(void)
{
    sweep_stop(FAULT_VFS_BOOT_TORN, 8, "torn writes");
}

/* In the session that saw the failure nothing is there that was answered with an error. */
static void test_not_kept(void)
{
    unsigned n_operations, n_failed = 0;

    begin();
    n_operations = count_operations();
    for (unsigned n = 1; n <= n_operations; n++) {
        struct work w = {0};
        struct db *db = NULL;

        fault_vfs_format();
        fault_vfs_arm(FAULT_VFS_FULL, n);
        if (open_db(&db) < 0)
            continue;
        for (int64_t token = 1; token <= 4; token++) {
            add_one(db, &w, token);
            if (w.fates[token] == FATE_MAY_BE)
                w.fates[token] = FATE_NOT_THERE;
        }
        n_failed += w.n_failed;
        check_found(db, &w, "full disk", n);
        db_free(db);
    }
    CHECK(n_failed >= 4);
    fault_vfs_done();
}

const char *const suite_name = "store-faults";
const struct suite_test suite_tests[] = {
    {"fail", test_fail}, {"full", test_full},         {"kill", test_kill}, {"power", test_power},
    {"torn", test_torn}, {"not_kept", test_not_kept}, {NULL, NULL},
};
