/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misbehaviour with the memory itself. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/scribbler.h"

#define ROUNDS 100
#define WALK 20000

/* Random words over all that it may write. */
static void scribble(struct scribbler *s, unsigned n_rounds)
{
    uint64_t *words = (void *) s->up;

    for (unsigned round = 0; round < n_rounds; round++) {
        for (size_t i = 0; i < sizeof(*s->up) / sizeof(*words); i++)
            __atomic_store_n(&words[i], scribbler_random(s), __ATOMIC_RELAXED);
        scribbler_bell(s);
    }
}

static const char *run_scribble(struct scribbler *s)
{
    scribble(s, ROUNDS);
    return scribbler_outcome(s);
}

/* The slots only: the rings stay as they should be, so that iotd has no reason to end it. */
static const char *run_scribble_slots(struct scribbler *s)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        scribbler_random_bytes(s, s->up->slots, sizeof(s->up->slots));
        memset(s->up->dirty, 0xff, sizeof(s->up->dirty));
        scribbler_bell(s);
    }
    return scribbler_outcome(s);
}

/* A little of everything, most of it nearly right. */
static void walk_step(struct scribbler *s)
{
    uint32_t *words = (void *) s->up;
    uint64_t dice = scribbler_random(s);
    uint32_t i = (uint32_t) (dice >> 32);
    struct layout_copy copy = scribbler_int(i % 16, i / 16 % 12, (int32_t) dice);
    struct layout_record record = {16 + i % 64, i / 64 % 24, i, (int32_t) (dice >> 8)};
    uint8_t bytes[48];

    switch (dice % 16) {
    case 0:
        words[i % (sizeof(*s->up) / sizeof(*words))] = (uint32_t) (dice >> 16);
        return;
    case 1:
        s->up->down_tail += 8 * (i % 8);
        return;
    case 2:
        copy.word[0] = dice;
        (void) scribbler_slot(s, i % LAYOUT_REPORT_SLOTS, &copy);
        return;
    case 3:
    case 4:
        memset(bytes, 0, sizeof(bytes));
        scribbler_random_bytes(s, bytes, i % sizeof(bytes));
        if (scribbler_has_room(s, sizeof(bytes)))
            scribbler_record(s, &record, bytes, sizeof(bytes));
        return;
    case 5:
        scribbler_bell(s);
        return;
    case 6:
        s->up->watch[i % ARRAY_SIZE(s->up->watch)] = (uint32_t) dice;
        return;
    case 7:
        s->up->bell_program = i % 2;
        s->up->wants_room = i / 2 % 2;
        return;
    default:
        (void) scribbler_slot(s, i % LAYOUT_REPORT_SLOTS, &copy);
        return;
    }
}

static const char *run_walk(struct scribbler *s)
{
    for (unsigned i = 0; i < WALK; i++) {
        walk_step(s);
        if (i % 64 == 0 && scribbler_is_ended(s))
            scribbler_attach_again(s);
    }
    return scribbler_outcome(s);
}

/* Both write. */
static const char *run_fork(struct scribbler *s)
{
    pid_t pid = fork();

    if (pid < 0)
        scribbler_fatal("fork: %s", strerror(errno));
    s->random += (uint64_t) pid;
    scribble(s, ROUNDS);
    if (pid == 0)
        _exit(0);
    (void) waitpid(pid, NULL, 0);
    return scribbler_outcome(s);
}

/* The program dies, and its child goes on with what it has inherited. */
static const char *run_orphan(struct scribbler *s)
{
    if (fork() != 0) {
        scribbler_say("now");
        (void) raise(SIGKILL);
    }
    while (scribbler_goes_on())
        scribble(s, 1);
    scribbler_say("over");
    _exit(0);
}

/* Each of these must be refused; what is not is said. */
static const char *try_to_change(const struct scribbler *s, int fd, bool is_writable)
{
    char path[32];
    CLEANUP(fd_closep) int again = -1;
    off_t size = lseek(fd, 0, SEEK_END);

    (void) s;
    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (open(path, O_RDWR | O_TRUNC | O_CLOEXEC) >= 0)
        return "opened and truncated";
    again = open(path, O_RDWR | O_CLOEXEC);
    if (again < 0)
        again = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (ftruncate(again, size - 4096) == 0)
        return "made smaller";
    if (ftruncate(again, 0) == 0)
        return "emptied";
    if (ftruncate(again, size + 4096) == 0 || fallocate(again, 0, size, 4096) == 0)
        return "made larger";
    if (fcntl(again, F_ADD_SEALS, F_SEAL_WRITE) == 0)
        return "sealed";
    if (is_writable)
        return NULL;
    if (pwrite(again, "x", 1, 0) >= 0)
        return "written";
    if (fallocate(again, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
        return "punched";
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) != MAP_FAILED)
        return "mapped for writing";
    return NULL;
}

static const char *run_seals(struct scribbler *s)
{
    static const struct {
        int fd;
        bool is_writable;
    } segments[] = {
        {LAYOUT_FD_TABLE, false},
        {LAYOUT_FD_UP, true},
        {LAYOUT_FD_DOWN, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
        const char *breach = try_to_change(s, s->fds[segments[i].fd], segments[i].is_writable);

        if (breach) {
            scribbler_say("segment %d: %s", segments[i].fd, breach);
            return "breach";
        }
    }
    if (mprotect((void *) (uintptr_t) s->down, sizeof(*s->down), PROT_READ | PROT_WRITE) == 0 ||
        mprotect((void *) (uintptr_t) s->table, s->table_size, PROT_READ | PROT_WRITE) == 0)
        return "breach: made writable";
    if (madvise((void *) (uintptr_t) s->down, 4096, MADV_REMOVE) == 0)
        return "breach: removed";
    return scribbler_outcome(s);
}

/* Its own memory it may empty: that reads as zeros. */
static const char *run_punch(struct scribbler *s)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct layout_copy copy = scribbler_int(scribbler_place(s, "color"), LAYOUT_TYPE_ENUM, 1);

        (void) scribbler_slot(s, i, &copy);
        if (fallocate(s->fds[LAYOUT_FD_UP], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      sizeof(*s->up)) < 0)
            scribbler_fatal("fallocate: %s", strerror(errno));
        scribbler_bell(s);
    }
    return scribbler_outcome(s);
}

const struct scribbler_mode scribbler_memory_modes[] = {
    {"scribble", run_scribble}, {"scribble-slots", run_scribble_slots},
    {"walk", run_walk},         {"fork", run_fork},
    {"orphan", run_orphan},     {"seals", run_seals},
    {"punch", run_punch},       {NULL, NULL},
};
