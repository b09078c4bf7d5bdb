/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mapped file of records: a process that puts records is stopped after each instruction, and
 * each time the file has to have what was put last, or what is being put, whole: that is what a
 * kill there leaves. The file that is written instead is in test-answers-faults.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/slots.h"
#include "tests/lib/suite.h"

#define N_PUTS 6
#define MAX_STEPS 2000000 /* above what the sanitizers make of them */

static char dir[64], path[96];
static struct db *db;

/* In a file system that is mapped for sure, if there is one. */
static void begin(void)
{
    char moved[DB_MOVED];

    (void) snprintf(dir, sizeof(dir), "%s/test-slots-XXXXXX",
                    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(dir));
    (void) snprintf(path, sizeof(path), "%s/state.db", dir);
    CHECK_INT(db_open(&db, path, moved), 0);
}

static void end(void)
{
    char command[128];

    db = db_free(db);
    (void) snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK_INT(system(command), 0);
}

static bool is_mapped(void)
{
    char line[512], name[112];
    FILE *f = fopen("/proc/self/maps", "re");
    bool found = false;

    (void) snprintf(name, sizeof(name), "%s-answers", path);
    while (f && fgets(line, sizeof(line), f))
        found |= strstr(line, name) != NULL;
    if (f)
        (void) fclose(f);
    return found;
}

/* Of different lengths; the number is in each word of it. */
static size_t make_record(unsigned number, uint8_t data[SLOTS_RECORD])
{
    static const size_t lens[] = {9, 200, 64, SLOTS_RECORD, 1};
    size_t len = lens[number % ARRAY_SIZE(lens)];

    memset(data, (int) (number + 1), len);
    return len;
}

static bool has_record(struct slots *s, unsigned number)
{
    uint8_t data[SLOTS_RECORD], wanted[SLOTS_RECORD];
    size_t len = 0, wanted_len = make_record(number, wanted);

    return slots_get(s, 1, data, &len) == 0 && len == wanted_len && memcmp(data, wanted, len) == 0;
}

static void test_mapped(void)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    uint8_t data[SLOTS_RECORD];
    size_t len = 0;

    begin();
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK(is_mapped() || strncmp(dir, "/dev/shm", 8) != 0);
    CHECK_INT(slots_get(s, 0, data, &len), -ENODATA);
    CHECK_INT(slots_put(s, 0, "zero", 4), 0);
    CHECK_INT(slots_put(s, 2, "one", 3), 0);
    CHECK_INT(slots_put(s, 2, "two", 3), 0);
    CHECK_INT(slots_put(s, 2, "three", 5), 0);
    CHECK_INT(slots_put(s, 3, "four", 4), -EMSGSIZE);
    s = slots_free(s);
    CHECK(!is_mapped());
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    CHECK(len == 4 && memcmp(data, "zero", 4) == 0);
    CHECK_INT(slots_get(s, 1, data, &len), -ENODATA);
    CHECK_INT(slots_get(s, 2, data, &len), 0);
    CHECK(len == 5 && memcmp(data, "three", 5) == 0);
    s = slots_free(s);
    end();
}

/* A file that somebody cut while nobody had it open is one of another size. */
static void test_cut(void)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    uint8_t data[SLOTS_RECORD];
    size_t len = 0;
    char name[112];

    begin();
    (void) snprintf(name, sizeof(name), "%s-answers", path);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_put(s, 0, "zero", 4), 0);
    CHECK_INT(slots_put(s, 2, "two", 3), 0);
    s = slots_free(s);
    CHECK_INT(truncate(name, 2000), 0); /* slot 0 is before it */
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_get(s, 0, data, &len), 0);
    CHECK_INT(slots_get(s, 2, data, &len), -ENODATA);
    CHECK_INT(slots_put(s, 2, "three", 5), 0);
    CHECK_INT(slots_get(s, 2, data, &len), 0);
    CHECK(len == 5 && memcmp(data, "three", 5) == 0);
    s = slots_free(s);
    end();
}

/* n_done: shared, how many were put. */
static void put_records(struct slots *s, unsigned *n_done)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
        _exit(2);
    (void) raise(SIGSTOP);
    for (unsigned i = 1; i <= N_PUTS; i++) {
        uint8_t data[SLOTS_RECORD];
        size_t len = make_record(i, data);

        if (slots_put(s, 1, data, len) < 0)
            _exit(1);
        __atomic_store_n(n_done, i, __ATOMIC_SEQ_CST);
    }
    _exit(0);
}

/* Stops it after each instruction until it ends. */
static void watch_puts(struct slots *s, pid_t pid, const unsigned *n_done)
{
    unsigned n_steps = 0, n_wrong = 0, n_early = 0;
    int status = 0;

    CHECK_INT(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status) && n_steps < MAX_STEPS) {
        unsigned n = __atomic_load_n(n_done, __ATOMIC_SEQ_CST);
        bool is_next = has_record(s, n + 1);

        n_early += is_next;
        n_wrong += !is_next && !has_record(s, n);
        n_steps++;
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
            break; /* not on this machine */
        CHECK_INT(waitpid(pid, &status, 0), pid);
    }
    if (WIFSTOPPED(status)) {
        CHECK_INT(n_steps, 1);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, &status, 0);
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return; /* nobody may be traced here */
    CHECK_INT(status, 0);
    CHECK_INT(*n_done, N_PUTS);
    CHECK_INT(n_wrong, 0);
    CHECK(n_steps > N_PUTS * 20 && n_early > N_PUTS); /* it was seen in the middle */
}

static void test_kill(void)
{
    CLEANUP(slots_freep) struct slots *s = NULL;
    uint8_t data[SLOTS_RECORD];
    size_t len = make_record(0, data);
    unsigned *n_done;
    pid_t pid;

    begin();
    n_done = mmap(NULL, sizeof(*n_done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(n_done != MAP_FAILED);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    CHECK_INT(slots_put(s, 1, data, len), 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        put_records(s, n_done);
    if (pid > 0)
        watch_puts(s, pid, n_done);
    (void) munmap(n_done, sizeof(*n_done));
    s = slots_free(s);
    CHECK_INT(slots_open(&s, db, "answers", 3, 42), 0);
    s = slots_free(s);
    end();
}

const char *const suite_name = "slots";
const struct suite_test suite_tests[] = {
    {"mapped", test_mapped}, {"cut", test_cut}, {"kill", test_kill}, {NULL, NULL}};
