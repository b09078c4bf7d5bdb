/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands and their answers on a disk that fails (tests/lib/fault-vfs.h): each operation once,
 * and the end of the process and of the power at each of them. What iotd went on from is known
 * after the end of the process, in the file or in the database: a command begun is never a new
 * one, one that was answered has that answer.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/answers.h"
#include "daemon/store/facts.h"
#include "daemon/store/slots.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/fault-vfs.h"
#include "tests/lib/suite.h"

#define PATH "state.db"
#define LONG_LEN 3000 /* of a response: does not fit into a slot */
#define DURABLE_AT 7  /* the disk is waited for after it */

static char long_response[LONG_LEN + 1];
static const struct command {
    const char *token;
    uint64_t content;
    enum answer_kind kind;
    const char *response;
    bool arrives;
} commands[] = {
    /* controls set a property to their content */
    {"one", 1, ANSWER_CONTROL, NULL, true},
    {"two", 2, ANSWER_ACTION, "{\"a\":1}", false},
    {"three", 3, ANSWER_ACTION, long_response, true},
    {"four", 4, ANSWER_CONTROL, NULL, false},
    {"one", 5, ANSWER_CONTROL, NULL, true}, /* of a client that counts from 1 again */
    {"six", 6, ANSWER_FENCE, NULL, true},
    {"seven", 7, ANSWER_ACTION, long_response, false},
    {"eight", 8, ANSWER_CONTROL, NULL, true},
    {"two", 9, ANSWER_CONTROL, NULL, false},
    {"ten", 10, ANSWER_ACTION, "{}", true},
    {"one", 11, ANSWER_CONTROL, NULL, true},
    {"twelve", 12, ANSWER_CONTROL, NULL, false},
};
#define N_COMMANDS ARRAY_SIZE(commands)

/* How far iotd came. */
struct work {
    bool is_open;
    enum answer_state states[N_COMMANDS]; /* that iotd went on from */
    enum answer_state may_be[N_COMMANDS]; /* that it was at when it was hit */
    unsigned n_durable;                   /* commands that power failures leave */
};

static struct fake_loop fl;
static struct db *db;
static struct persist persist;
static struct answers as; /* too large for a stack frame */
static uint64_t level;    /* the property */
static struct persist_part level_part;

static void make_response(void)
{
    memset(long_response, 'x', LONG_LEN);
    long_response[0] = '"';
    long_response[LONG_LEN - 1] = '"';
}

static int code_of(size_t i)
{
    return (int) (100 + i);
}

static void check_error(int r)
{
    if (r != -EIO && r != -ENOSPC && r != -EACCES && r != -ENOMEM)
        suite_fail(__FILE__, __LINE__, "an error that was not promised: %d", r);
}

static int save_level(struct db *to, void *userdata)
{
    char text[24];
    const struct fact_property p = {.id = "level", .value = text};

    (void) userdata;
    (void) snprintf(text, sizeof(text), "%u", (unsigned) level);
    return level ? facts_put_property(to, &p) : 0;
}

static void level_saved(int result, void *userdata)
{
    (void) result;
    (void) userdata;
}

/* As apply_part() of calls.c does: the answer follows. */
static void set_level(uint64_t value, char lines[32])
{
    (void) snprintf(lines, 32, "level=%u\n", (unsigned) value);
    level = value;
    persist_relax(&persist, true);
    persist_request(&persist, false);
    persist_relax(&persist, false);
}

static int on_property(const struct fact_property *p, void *userdata)
{
    if (strcmp(p->id, "level") == 0)
        *(uint64_t *) userdata = strtoull(p->value, NULL, 10);
    return 0;
}

static bool start(void)
{
    char moved[DB_MOVED] = "";
    int r = db_open(&db, PATH, moved);

    CHECK_STR(moved, "");
    if (r < 0) {
        check_error(r);
        return false;
    }
    fake_loop_init(&fl);
    persist_init(&persist, &fl.loop, db);
    level = 0;
    level_part = (struct persist_part){.save = save_level, .saved = level_saved};
    persist_add(&persist, &level_part);
    r = answers_init(&as, &persist);
    if (r < 0)
        check_error(r);
    return r == 0;
}

/* Nothing more reaches the disk. */
static void end(void)
{
    if (!db)
        return;
    fault_vfs_arm(FAULT_VFS_STOP, 1);
    answers_done(&as);
    persist_done(&persist);
    db = db_free(db);
    fake_loop_done(&fl);
}

/* False: the process ended in it. */
static bool reached(struct work *w, size_t i, enum answer_state state, unsigned stop_at)
{
    w->may_be[i] = state;
    if (stop_at > 0 && fault_vfs_n_operations() >= stop_at)
        return false;
    w->states[i] = state;
    return true;
}

static bool run_command(struct work *w, size_t i, unsigned stop_at)
{
    const struct command *c = &commands[i];
    const char *response = c->response;
    struct answer *a;
    char lines[32];

    answers_begin(&as, c->token, c->content, c->kind);
    if (!reached(w, i, ANSWER_PENDING, stop_at))
        return false;
    if (c->kind == ANSWER_CONTROL) {
        set_level(c->content, lines);
        response = lines;
    }
    CHECK(answers_give(&as, c->token, c->content, c->kind, code_of(i), c->token, response));
    if (!reached(w, i, ANSWER_GIVEN, stop_at))
        return false;
    a = answers_next_unsent(&as);
    CHECK(a != NULL);
    if (!a || !c->arrives)
        return true;
    while (a && a->content != c->content) { /* those of others that never arrive */
        answers_sending(a);
        a = answers_next_unsent(&as);
    }
    CHECK(a != NULL);
    if (!a)
        return true;
    answers_sending(a);
    answers_arrived(&as, a->taken);
    fake_loop_advance(&fl, 0); /* the end of the turn */
    return reached(w, i, ANSWER_ARRIVED, stop_at);
}

/* stop_at: the operation that the process ends in; 0: it ends afterwards. */
static void run_work(struct work *w, unsigned stop_at)
{
    *w = (struct work){.is_open = start()};
    if (!w->is_open)
        return;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!run_command(w, i, stop_at))
            return;
        if (i == DURABLE_AT && persist_now(&persist, true) == 0 &&
            (stop_at == 0 || fault_vfs_n_operations() < stop_at))
            w->n_durable = DURABLE_AT + 1;
    }
}

/* Whether a later command of this token may have taken its place. */
static bool is_replaced(const struct work *w, size_t i)
{
    for (size_t k = i + 1; k < N_COMMANDS; k++) {
        if (w->may_be[k] != ANSWER_FREE && strcmp(commands[k].token, commands[i].token) == 0)
            return true;
    }
    return false;
}

/* It is whole, and something that was so. */
static void check_whole(const struct answer *a, size_t i, const char *what, unsigned n)
{
    const struct command *c = &commands[i];
    bool given = a->state != ANSWER_PENDING;
    const char *response = given ? c->response : NULL;

    if (given && (a->code != code_of(i) || strcmp(a->text, c->token) != 0))
        suite_fail(__FILE__, __LINE__, "%s %u: another answer to %zu", what, n, i);
    if (a->kind != c->kind)
        suite_fail(__FILE__, __LINE__, "%s %u: %zu is of another kind", what, n, i);
    if (response && (!a->response || strcmp(a->response, response) != 0))
        suite_fail(__FILE__, __LINE__, "%s %u: another response to %zu", what, n, i);
}

static void check_command(const struct work *w, size_t i, bool is_certain, const char *what,
                          unsigned n)
{
    const struct answer *a = answers_find(&as, commands[i].token, commands[i].content);

    if (a)
        check_whole(a, i, what, n);
    if (is_replaced(w, i))
        return;
    if (is_certain && !a && w->states[i] != ANSWER_FREE)
        suite_fail(__FILE__, __LINE__, "%s %u: %zu is not known", what, n, i);
    if (a && is_certain && a->state < w->states[i])
        suite_fail(__FILE__, __LINE__, "%s %u: %zu was further than %d", what, n, i, a->state);
    if (a && a->state > w->may_be[i])
        suite_fail(__FILE__, __LINE__, "%s %u: %zu is further than it was", what, n, i);
}

/* Of the latest control that was answered, or of the one that was being answered. */
static void check_level(const struct work *w, const char *what, unsigned n)
{
    uint64_t found = 0, certain = 0, may_be = 0;

    CHECK_INT(facts_load_properties(db, on_property, &found), 0);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (commands[i].kind != ANSWER_CONTROL)
            continue;
        if (w->states[i] >= ANSWER_GIVEN)
            certain = commands[i].content;
        if (w->may_be[i] >= ANSWER_PENDING)
            may_be = commands[i].content;
    }
    if (found != certain && found != may_be)
        suite_fail(__FILE__, __LINE__, "%s %u: the level is %u, not %u", what, n, (unsigned) found,
                   (unsigned) certain);
}

/* After the next start. */
static void check_after(const struct work *w, size_t n_certain, const char *what, unsigned n)
{
    unsigned n_unsent = 0;
    struct answer *a;

    CHECK(start());
    for (size_t i = 0; i < N_COMMANDS; i++)
        check_command(w, i, i < n_certain, what, n);
    if (n_certain == N_COMMANDS)
        check_level(w, what, n);
    for (uint64_t taken = 0; (a = answers_next_unsent(&as)); n_unsent++) {
        CHECK(a->taken > taken); /* in the order in which they were given */
        taken = a->taken;
        answers_sending(a);
    }
    CHECK(n_unsent <= N_COMMANDS);
    end();
}

static unsigned count_operations(void)
{
    struct work w;

    make_response();
    fault_vfs_init();
    fault_vfs_arm(FAULT_VFS_NONE, 0);
    run_work(&w, 0);
    for (size_t i = 0; i < N_COMMANDS; i++)
        CHECK(w.states[i] >= ANSWER_GIVEN);
    return fault_vfs_n_operations();
}

/* The disk fails once: told, and what had to be kept is kept in the other place. */
static void sweep_once(enum fault_vfs_mode mode, const char *what)
{
    unsigned n_operations = count_operations(), n_ran = 0;
    struct work w;

    end();
    for (unsigned n = 1; n <= n_operations; n++) {
        fault_vfs_boot(FAULT_VFS_BOOT_PROCESS, 0);
        fault_vfs_format();
        fault_vfs_arm(mode, n);
        run_work(&w, 0);
        n_ran += w.is_open;
        end();
        fault_vfs_boot(FAULT_VFS_BOOT_PROCESS, 0);
        if (w.is_open)
            check_after(&w, N_COMMANDS, what, n);
    }
    CHECK(n_ran > n_operations / 2); /* most of it comes after the start */
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
    unsigned n_operations = count_operations();
    struct work w;

    end();
    for (unsigned n = 1; n <= n_operations; n++) {
        for (unsigned seed = 1; seed <= n_seeds; seed++) {
            fault_vfs_boot(FAULT_VFS_BOOT_PROCESS, 0);
            fault_vfs_format();
            fault_vfs_arm(FAULT_VFS_STOP, n);
            run_work(&w, n);
            end();
            fault_vfs_boot(boot, seed);
            check_after(&w, boot == FAULT_VFS_BOOT_PROCESS ? N_COMMANDS : w.n_durable, what, n);
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

/* A control costs a write when it comes, when it is answered, when the answer arrived. */
static void test_cost(void)
{
    struct answer *a;

    fault_vfs_init();
    CHECK(start());
    fault_vfs_arm(FAULT_VFS_NONE, 0);
    answers_begin(&as, "t", 1, ANSWER_CONTROL);
    CHECK_INT(fault_vfs_n_operations(), 1);
    CHECK(answers_give(&as, "t", 1, ANSWER_CONTROL, 0, "ok", NULL));
    CHECK_INT(fault_vfs_n_operations(), 2);
    a = answers_next_unsent(&as);
    CHECK(a != NULL);
    if (a) {
        answers_sending(a);
        answers_arrived(&as, a->taken);
    }
    fake_loop_advance(&fl, 10 * USEC_PER_SEC);
    CHECK_INT(fault_vfs_n_operations(), 3);
    end();
    fault_vfs_done();
}

/* Records of places: what was put, also by an earlier run; nothing of another file or id. */
static void test_slots(void)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    uint8_t data[SLOTS_RECORD], long_data[SLOTS_RECORD + 1] = {7};
    char moved[DB_MOVED];
    size_t len = 0;

    fault_vfs_init();
    CHECK_INT(db_open(&db, PATH, moved), 0);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_get(s, 0, data, &len), -ENODATA);
    CHECK_INT(slots_put(s, 0, "zero", 4), 0);
    CHECK_INT(slots_put(s, 2, long_data, SLOTS_RECORD), 0);
    CHECK_INT(slots_put(s, 2, long_data, SLOTS_RECORD + 1), -EMSGSIZE);
    CHECK_INT(slots_put(s, 3, "three", 5), -EMSGSIZE);
    CHECK_INT(slots_get(s, 3, data, &len), -ENODATA);
    s = slots_free(s);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    CHECK(len == 4 && memcmp(data, "zero", 4) == 0);
    CHECK_INT(slots_get(s, 1, data, &len), -ENODATA);
    CHECK_INT(slots_get(s, 2, data, &len), 0);
    CHECK(len == SLOTS_RECORD && data[0] == 7);
    s = slots_free(s);
    CHECK_INT(slots_open(&s, db, "answers", 3, 43), 0); /* beside another database before */
    CHECK_INT(slots_get(s, 0, data, &len), -ENODATA);
    CHECK_INT(slots_put(s, 0, "zero", 4), 0);
    s = slots_free(s);
    CHECK_INT(slots_open(&s, db, "answers", 4, 43), 0); /* of a release with fewer */
    CHECK_INT(slots_get(s, 0, data, &len), -ENODATA);
    s = slots_free(s);
    db = db_free(db);
    CHECK_INT(db_open(&db, ":memory:", moved), 0);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), -ENOENT);
    db = db_free(db);
    fault_vfs_done();
}

/* Every bit counts, and a record at another place is none. */
static void test_damage(void)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    uint8_t data[SLOTS_RECORD], *file;
    char moved[DB_MOVED];
    size_t len = 0, size = 0, n_found = 0;

    fault_vfs_init();
    CHECK_INT(db_open(&db, PATH, moved), 0);
    CHECK_INT(slots_open(&s, db, "answers", 2, 42), 0);
    CHECK_INT(slots_put(s, 0, "zero", 4), 0);
    file = fault_vfs_contents(PATH "-answers", &size);
    CHECK(file && size % 5 == 0); /* the label, and two copies of two slots */
    for (size_t bit = 0; file && bit < 8 * size / 5; bit++) {
        uint8_t *byte = file + 2 * size / 5 + bit / 8;

        *byte ^= (uint8_t) (1U << bit % 8);
        n_found += slots_get(s, 0, data, &len) == 0;
        *byte ^= (uint8_t) (1U << bit % 8);
    }
    CHECK_INT(n_found, 8 * (size / 5 - 16 - 4)); /* behind its head and its four bytes */
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    if (file)
        memcpy(file + 4 * size / 5, file + 2 * size / 5, size / 5);
    CHECK_INT(slots_get(s, 1, data, &len), -ENODATA);
    /* Of two copies the newer whole one counts. */
    CHECK_INT(slots_put(s, 0, "one", 3), 0);
    CHECK_INT(slots_put(s, 0, "two", 3), 0);
    CHECK_INT(slots_put(s, 0, "three", 5), 0);
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    CHECK(len == 5 && memcmp(data, "three", 5) == 0);
    if (file)
        file[size / 5 + 16] ^= 1; /* its fourth record */
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    CHECK(len == 3 && memcmp(data, "two", 3) == 0);
    s = slots_free(s);
    db = db_free(db);
    fault_vfs_done();
}

const char *const suite_name = "answers-faults";
const struct suite_test suite_tests[] = {
    {"slots", test_slots}, {"damage", test_damage}, {"cost", test_cost},
    {"fail", test_fail},   {"full", test_full},     {"kill", test_kill},
    {"power", test_power}, {"torn", test_torn},     {NULL, NULL},
};
