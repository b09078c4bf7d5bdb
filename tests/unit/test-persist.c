/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/persist.h"
#include "daemon/store/facts.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/fault-vfs.h"
#include "tests/lib/suite.h"

#define N_PARTS 3

/* A part that saves one number as a fact. */
struct part {
    struct persist_part part;
    char name[16];
    int value;
    bool unsaved;
    int fail_with;
    unsigned n_saves, n_told;
    int told;
};

static struct fake_loop fl;
static struct db *db;
static struct persist persist;
static struct part parts[N_PARTS];

static int save(struct db *to, void *userdata)
{
    struct part *p = userdata;
    char text[16];

    CHECK(to == db);
    p->n_saves++;
    if (p->fail_with < 0)
        return p->fail_with;
    (void) snprintf(text, sizeof(text), "%d", p->value);
    return p->unsaved ? facts_put(to, p->name, text) : 0;
}

static void saved(int result, void *userdata)
{
    struct part *p = userdata;

    p->n_told++;
    p->told = result;
    if (result == 0)
        p->unsaved = false;
}

static void begin(void)
{
    char moved[DB_MOVED];

    fault_vfs_init();
    fault_vfs_format();
    fake_loop_init(&fl);
    CHECK_INT(db_open(&db, "state.db", moved), 0);
    CHECK_INT(db_begin(db, true), 0);
    CHECK_INT(facts_put(db, "first", ""), 0);
    CHECK_INT(db_commit(db), 0); /* the head of the log has a sync of its own */
    persist_init(&persist, &fl.loop, db);
    memset(parts, 0, sizeof(parts));
    for (int i = 0; i < N_PARTS; i++) {
        struct part *p = &parts[i];

        p->part = (struct persist_part){.save = save, .saved = saved, .userdata = p};
        (void) snprintf(p->name, sizeof(p->name), "p%d", i);
        persist_add(&persist, &p->part);
    }
    fault_vfs_arm(FAULT_VFS_NONE, 0);
}

static void end(void)
{
    persist_done(&persist);
    db = db_free(db);
    fake_loop_done(&fl);
    fault_vfs_done();
}

static void change(int i, int value, bool durable)
{
    parts[i].value = value;
    parts[i].unsaved = true;
    persist_request(&persist, durable);
}

static int fact(int i)
{
    CLEANUP(freep) char *text = NULL;

    CHECK_INT(facts_get(db, parts[i].name, &text), 0);
    return text && text[0] ? atoi(text) : -1;
}

/* Whatever asks in one turn of the loop goes in one transaction, at its end. */
static void test_group(void)
{
    begin();
    for (int i = 0; i < 100; i++)
        change(i % N_PARTS, i, true);
    CHECK_INT(parts[0].n_saves, 0);
    fake_loop_advance(&fl, 0);
    for (int i = 0; i < N_PARTS; i++) {
        CHECK_INT(parts[i].n_saves, 1);
        CHECK_INT(parts[i].n_told, 1);
        CHECK_INT(parts[i].told, 0);
    }
    CHECK_INT(fault_vfs_n_syncs(), 1);
    CHECK_INT(fact(0), 99);
    CHECK_INT(fact(2), 98);
    fake_loop_advance(&fl, 10 * USEC_PER_SEC);
    CHECK_INT(parts[0].n_saves, 1); /* nothing left to do */
    end();
}

/* The disk is waited for only when somebody asked for it. */
static void test_durable(void)
{
    begin();
    change(0, 1, false);
    change(1, 2, false);
    fake_loop_advance(&fl, 0);
    CHECK_INT(fault_vfs_n_syncs(), 0);
    CHECK_INT(fact(1), 2);
    change(0, 3, true);
    change(1, 4, false); /* does not take it back */
    fake_loop_advance(&fl, 0);
    CHECK_INT(fault_vfs_n_syncs(), 1);
    change(0, 5, false);
    fake_loop_advance(&fl, 0);
    CHECK_INT(fault_vfs_n_syncs(), 1);
    change(0, 6, true);
    CHECK_INT(persist_now(&persist, false), 0); /* what was asked before counts */
    CHECK_INT(fault_vfs_n_syncs(), 2);
    CHECK_INT(persist_now(&persist, true), 0);
    CHECK_INT(fact(0), 6);
    end();
}

static void change_relaxed(int i, int value)
{
    persist_relax(&persist, true);
    change(i, value, false);
    persist_relax(&persist, false);
}

/* What may wait does, but not for ever, and goes with what does not. */
static void test_relaxed(void)
{
    begin();
    change_relaxed(0, 1);
    fake_loop_advance(&fl, 50 * USEC_PER_MSEC);
    CHECK_INT(parts[0].n_saves, 0);
    change_relaxed(1, 2); /* the first counts */
    fake_loop_advance(&fl, 60 * USEC_PER_MSEC);
    CHECK_INT(parts[0].n_saves, 1);
    CHECK_INT(fact(0), 1);
    CHECK_INT(fact(1), 2);
    change_relaxed(0, 3);
    change(1, 4, false);
    fake_loop_advance(&fl, 0);
    CHECK_INT(fact(0), 3);
    change(0, 5, false);
    change_relaxed(1, 6); /* what does not wait still does not */
    fake_loop_advance(&fl, 0);
    CHECK_INT(fact(1), 6);
    change_relaxed(0, 7);
    CHECK_INT(persist_now(&persist, false), 0);
    CHECK_INT(fact(0), 7);
    fake_loop_advance(&fl, USEC_PER_SEC);
    CHECK_INT(parts[0].n_saves, 4);
    end();
}

/* All or nothing; everybody hears; what is still held is tried again. */
static void test_failure(void)
{
    begin();
    change(0, 1, true);
    change(2, 2, true);
    parts[1].fail_with = -ENOMEM;
    fake_loop_advance(&fl, 0);
    for (int i = 0; i < N_PARTS; i++) {
        CHECK_INT(parts[i].n_told, 1);
        CHECK_INT(parts[i].told, -ENOMEM);
    }
    CHECK_INT(parts[2].n_saves, 0);
    CHECK_INT(fact(0), -1);
    fake_loop_advance(&fl, USEC_PER_SEC);
    CHECK_INT(parts[1].n_saves, 1); /* not at once */
    parts[1].fail_with = 0;
    fake_loop_advance(&fl, 2 * USEC_PER_SEC);
    CHECK_INT(parts[0].told, 0);
    CHECK_INT(fact(0), 1);
    CHECK_INT(fact(2), 2);
    end();
}

/* A disk that is full, for a while. */
static void test_full(void)
{
    begin();
    change(0, 1, true);
    fault_vfs_limit(1);
    fake_loop_advance(&fl, 0);
    CHECK_INT(parts[0].told, -ENOSPC);
    CHECK_INT(parts[0].n_told, 1);
    CHECK_INT(fact(0), -1);
    fault_vfs_limit(0);
    change(1, 2, true); /* does not wait for the next attempt */
    fake_loop_advance(&fl, 0);
    CHECK_INT(parts[0].told, 0);
    CHECK_INT(fact(0), 1);
    CHECK_INT(fact(1), 2);
    end();
}

/* The log takes more room than what is in it, but not for ever. */
static void test_small_disk(void)
{
    begin();
    fault_vfs_limit(256 * 1024);
    for (int i = 0; i < 1000; i++) {
        change(i % N_PARTS, i, true);
        fake_loop_advance(&fl, 0);
        CHECK_INT(parts[i % N_PARTS].told, 0);
        CHECK_INT(fact(i % N_PARTS), i);
    }
    end();
}

static void test_now_fails(void)
{
    begin();
    change(0, 1, false);
    fault_vfs_arm(FAULT_VFS_FAIL, 1);
    CHECK_INT(persist_now(&persist, true), -EIO);
    CHECK_INT(fact(0), -1);
    fault_vfs_arm(FAULT_VFS_NONE, 0);
    fake_loop_advance(&fl, 3 * USEC_PER_SEC);
    CHECK_INT(fact(0), 1); /* without being asked */
    end();
}

const char *const suite_name = "persist";
const struct suite_test suite_tests[] = {
    {"group", test_group},         {"durable", test_durable},
    {"failure", test_failure},     {"full", test_full},
    {"relaxed", test_relaxed},     {"small_disk", test_small_disk},
    {"now_fails", test_now_fails}, {NULL, NULL},
};
