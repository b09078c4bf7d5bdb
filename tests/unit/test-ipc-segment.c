/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libiotclient/base/fdutil.h"
#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/segment.h"
#include "tests/lib/suite.h"

#define PAGE 4096U
#define NAME "test-ipc"
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define SIZE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define ALL_SEALS (SIZE_SEALS | F_SEAL_FUTURE_WRITE)

/* --- calls of segment.c and doorbell.c that fail on demand --- */

static unsigned countdown; /* 0: nothing is to fail */
static bool has_failed;

static bool must_fail(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    has_failed = true;
    errno = ENFILE;
    return true;
}

static bool disarm(void)
{
    bool had_failed = has_failed;

    countdown = 0;
    has_failed = false;
    return had_failed;
}

void *__real_malloc(size_t size);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_memfd_create(const char *name, unsigned flags);
int __real_ftruncate(int fd, off_t size);
int __real_fcntl(int fd, int command, ...);
int __real_pipe2(int fds[2], int flags);
int __real_open(const char *path, int flags, ...);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t offset);

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    return must_fail() ? MAP_FAILED : __real_mmap(at, size, prot, flags, fd, offset);
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return must_fail() ? -1 : __real_memfd_create(name, flags);
}

int __wrap_ftruncate(int fd, off_t size)
{
    return must_fail() ? -1 : __real_ftruncate(fd, size);
}

int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;
    int value;

    va_start(args, command);
    value = va_arg(args, int);
    va_end(args);
    /* The size of a pipe is a wish. */
    return command != F_SETPIPE_SZ && must_fail() ? -1 : __real_fcntl(fd, command, value);
}

int __wrap_pipe2(int fds[2], int flags)
{
    return must_fail() ? -1 : __real_pipe2(fds, flags);
}

int __wrap_open(const char *path, int flags, ...)
{
    return must_fail() ? -1 : __real_open(path, flags);
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t offset)
{
    return must_fail() ? -1 : __real_pread(fd, buf, len, offset);
}

static unsigned count_lines(const char *path, const char *part)
{
    FILE *file = fopen(path, "re");
    char line[512];
    unsigned n = 0;

    CHECK(file != NULL);
    while (file && fgets(line, sizeof(line), file))
        n += strstr(line, part) != NULL;
    if (file)
        (void) fclose(file);
    return n;
}

static unsigned count_mappings(void)
{
    return count_lines("/proc/self/maps", "memfd:" NAME);
}

static unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    CHECK(dir != NULL);
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void) closedir(dir);
    return n;
}

/* --- the owner --- */

static struct segment_spec spec_of(size_t size, bool is_read_only)
{
    return (struct segment_spec){
        .name = NAME,
        .kind = LAYOUT_KIND_DOWN,
        .size = size,
        .epoch = 77,
        .is_read_only = is_read_only,
    };
}

static int create(struct segment *ret_segment, size_t size, bool is_read_only)
{
    struct segment_spec spec = spec_of(size, is_read_only);
    int fd = -1;

    CHECK_INT(segment_create(ret_segment, &fd, &spec), 0);
    return fd;
}

static void test_create(void)
{
    CLEANUP(segment_done) struct segment segment = {0};
    CLEANUP(fd_closep) int fd = create(&segment, 3 * PAGE + 8, true);
    const struct layout_head *head = segment.base;
    size_t n_set = 0;

    CHECK_INT(fcntl(fd, F_GET_SEALS) & ALL_SEALS, ALL_SEALS);
    CHECK_INT(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_INT(segment.size, 3 * PAGE + 8);
    CHECK_INT(head->magic, LAYOUT_MAGIC);
    CHECK_INT(head->kind, LAYOUT_KIND_DOWN);
    CHECK_INT(head->major, LAYOUT_MAJOR);
    CHECK_INT(head->minor, LAYOUT_MINOR);
    CHECK_INT(head->size, 3 * PAGE + 8);
    CHECK_INT(head->epoch, 77);
    for (size_t i = sizeof(*head); i < segment.size; i++)
        n_set += ((uint8_t *) segment.base)[i] != 0;
    CHECK_INT(n_set, 0);
    ((uint8_t *) segment.base)[segment.size - 1] = 1; /* the owner still writes */
}

/* What the others can do with a descriptor. */
static void test_others(void)
{
    CLEANUP(segment_done) struct segment segment = {0}, theirs = {0}, shared = {0};
    CLEANUP(fd_closep) int fd = create(&segment, 2 * PAGE, true);
    CLEANUP(fd_closep) int shared_fd = create(&shared, 2 * PAGE, false);
    char path[32];
    void *p;
    int again;

    CHECK_INT(segment_map(&theirs, fd, LAYOUT_KIND_DOWN, PAGE, 9 * PAGE, false), 0);
    CHECK(theirs.base != segment.base);
    __atomic_store_n((uint32_t *) segment.base + 20, 5U, __ATOMIC_RELAXED);
    CHECK_INT(__atomic_load_n((uint32_t *) theirs.base + 20, __ATOMIC_RELAXED), 5);

    CHECK(ftruncate(fd, PAGE) < 0 && errno == EPERM);
    CHECK(ftruncate(fd, 3 * PAGE) < 0 && errno == EPERM);
    CHECK(write(fd, "x", 1) < 0 && errno == EPERM);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EPERM);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p == MAP_FAILED && errno == EPERM);
    CHECK(mprotect(theirs.base, PAGE, PROT_READ | PROT_WRITE) < 0);
    /* Opened again it is no better. */
    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, O_RDWR | O_CLOEXEC);
    CHECK(again >= 0);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
    CHECK(p == MAP_FAILED && errno == EPERM);
    (void) fd_close(again);

    segment_done(&theirs);
    CHECK_INT(segment_map(&theirs, shared_fd, LAYOUT_KIND_DOWN, PAGE, 9 * PAGE, true), 0);
    ((uint8_t *) theirs.base)[2 * PAGE - 1] = 9;
    CHECK_INT(((uint8_t *) shared.base)[2 * PAGE - 1], 9);
    CHECK(ftruncate(shared_fd, PAGE) < 0 && errno == EPERM);
}

/* --- what a program is handed --- */

struct handed {
    const char *name;
    bool writable;
    int seals;
    off_t size;
    struct layout_head head;
    int wanted;
};

#define HEAD(...)                                                                                  \
    {                                                                                              \
        .magic = LAYOUT_MAGIC, .kind = LAYOUT_KIND_DOWN, .major = LAYOUT_MAJOR, .epoch = 1,        \
        __VA_ARGS__                                                                                \
    }

/* Overrides come after what HEAD() says. */
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct handed handed[] = {
    {"good", false, ALL_SEALS, 8192, HEAD(.size = 8192), 0},
    {"good, not of whole pages", false, ALL_SEALS, 8200, HEAD(.size = 8200), 0},
    {"good, the least", false, ALL_SEALS, 4096, HEAD(.size = 4096), 0},
    {"good, the most", false, ALL_SEALS, 16384, HEAD(.size = 16384), 0},
    {"good, written by nobody", false, SIZE_SEALS | F_SEAL_WRITE, 8192, HEAD(.size = 8192), 0},
    {"good, of a later minor", false, ALL_SEALS, 8192, HEAD(.size = 8192, .minor = 9), 0},
    {"good, to write", true, SIZE_SEALS, 8192, HEAD(.size = 8192), 0},
    {"no seals", false, 0, 8192, HEAD(.size = 8192), -EPROTO},
    {"can shrink", false, ALL_SEALS & ~F_SEAL_SHRINK, 8192, HEAD(.size = 8192), -EPROTO},
    {"can grow", false, ALL_SEALS & ~F_SEAL_GROW, 8192, HEAD(.size = 8192), -EPROTO},
    {"can be sealed", false, ALL_SEALS & ~F_SEAL_SEAL, 8192, HEAD(.size = 8192), -EPROTO},
    {"others can write", false, SIZE_SEALS, 8192, HEAD(.size = 8192), -EPROTO},
    {"can shrink, to write", true, F_SEAL_SEAL | F_SEAL_GROW, 8192, HEAD(.size = 8192), -EPROTO},
    {"cannot be written, to write", true, ALL_SEALS, 8192, HEAD(.size = 8192), -EPERM},
    {"too small", false, ALL_SEALS, 4095, HEAD(.size = 4095), -EPROTO},
    {"empty", false, ALL_SEALS, 0, HEAD(.size = 0), -EPROTO},
    {"too large", false, ALL_SEALS, 16385, HEAD(.size = 16385), -EPROTO},
    {"enormous", false, ALL_SEALS, (off_t) 1 << 40, HEAD(.size = (uint64_t) 1 << 40), -EPROTO},
    {"larger than it says", false, ALL_SEALS, 8192, HEAD(.size = 4096), -EPROTO},
    {"smaller than it says", false, ALL_SEALS, 8192, HEAD(.size = 16384), -EPROTO},
    {"another magic", false, ALL_SEALS, 8192, HEAD(.size = 8192, .magic = 1), -EPROTO},
    {"another kind", false, ALL_SEALS, 8192, HEAD(.size = 8192, .kind = LAYOUT_KIND_UP), -EPROTO},
    {"another major", false, ALL_SEALS, 8192, HEAD(.size = 8192, .major = 2), -EPROTO},
    {"no epoch", false, ALL_SEALS, 8192, HEAD(.size = 8192, .epoch = 0), -EPROTO},
};

static int hand(const struct handed *h)
{
    int fd = memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    CHECK(fd >= 0);
    CHECK_INT(ftruncate(fd, h->size), 0);
    if (h->size > 0)
        CHECK_INT(pwrite(fd, &h->head, sizeof(h->head), 0), (ssize_t) sizeof(h->head));
    CHECK_INT(ftruncate(fd, h->size), 0);
    if (h->seals)
        CHECK_INT(fcntl(fd, F_ADD_SEALS, h->seals), 0);
    return fd;
}

static void test_handed(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(handed); i++) {
        CLEANUP(segment_done) struct segment segment = {0};
        CLEANUP(fd_closep) int fd = hand(&handed[i]);
        int r = segment_map(&segment, fd, LAYOUT_KIND_DOWN, PAGE, 4 * PAGE, handed[i].writable);

        if (r != handed[i].wanted)
            suite_fail(__FILE__, __LINE__, "%s: %d, wanted %d", handed[i].name, r,
                       handed[i].wanted);
        CHECK((r == 0) == (segment.base != NULL));
        if (r == 0)
            CHECK_INT(segment.size, handed[i].size);
    }
    CHECK_INT(count_mappings(), 0);
}

/* Descriptors that are no memory. */
static void test_no_memory(void)
{
    static const char *const paths[] = {"/dev/null", "/dev/zero", "/proc/self/exe", "/proc"};
    CLEANUP(segment_done) struct segment segment = {0};
    int fds[2];

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        CLEANUP(fd_closep) int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

        CHECK(fd >= 0);
        CHECK_INT(segment_map(&segment, fd, LAYOUT_KIND_DOWN, PAGE, 4 * PAGE, false), -EPROTO);
    }
    CHECK_INT(pipe(fds), 0);
    CHECK_INT(segment_map(&segment, fds[0], LAYOUT_KIND_DOWN, PAGE, 4 * PAGE, false), -EPROTO);
    (void) fd_close(fds[0]);
    (void) fd_close(fds[1]);
    CHECK_INT(segment_map(&segment, -1, LAYOUT_KIND_DOWN, PAGE, 4 * PAGE, false), -EPROTO);
    CHECK(!segment.base);
}

/* --- one after the other --- */

static void map_next(struct segment *segment, size_t size, uint8_t mark)
{
    CLEANUP(segment_done) struct segment owner = {0};
    CLEANUP(fd_closep) int fd = create(&owner, size, true);

    memset((uint8_t *) owner.base + sizeof(struct layout_head), mark,
           size - sizeof(struct layout_head));
    CHECK_INT(segment_map(segment, fd, LAYOUT_KIND_DOWN, PAGE, 64 * PAGE, false), 0);
    CHECK_INT(segment->size, size);
    CHECK_INT(((uint8_t *) segment->base)[size - 1], mark);
}

static void test_replace(void)
{
    struct segment segment = {0};
    const uint8_t *base;

    map_next(&segment, 4 * PAGE, 1);
    base = segment.base;
    CHECK_INT(segment.room, 8 * PAGE);
    map_next(&segment, 8 * PAGE, 2);
    CHECK(segment.base == base && segment.mapped == 8 * PAGE);
    CHECK_INT(base[5 * PAGE], 2);
    /* A smaller one: who reads by the old size finds zeros. */
    map_next(&segment, 3 * PAGE - 100, 3);
    CHECK(segment.base == base && segment.mapped == 8 * PAGE);
    CHECK_INT(base[2 * PAGE], 3);
    CHECK_INT(base[3 * PAGE], 0);
    CHECK_INT(base[8 * PAGE - 1], 0);
    map_next(&segment, 6 * PAGE, 4);
    CHECK(segment.base == base && segment.mapped == 8 * PAGE);
    CHECK_INT(base[6 * PAGE - 1], 4);
    CHECK_INT(base[6 * PAGE], 0);
    CHECK_INT(count_mappings(), 1);
    /* One that is too large gets another place; the old one can still be read. */
    map_next(&segment, 9 * PAGE, 5);
    CHECK(segment.base != base && segment.retired);
    CHECK_INT(base[6 * PAGE - 1], 4);
    CHECK_INT(segment.room, 18 * PAGE);
    map_next(&segment, 40 * PAGE, 6);
    CHECK_INT(segment.room, 64 * PAGE); /* none that is believed is larger */
    CHECK_INT(base[6 * PAGE - 1], 4);
    CHECK_INT(count_mappings(), 3);
    map_next(&segment, 64 * PAGE, 7);
    CHECK_INT(count_mappings(), 3);

    segment_done(&segment);
    CHECK(!segment.base && !segment.retired && segment.size == 0);
    segment_done(&segment);
    CHECK_INT(count_mappings(), 0);
}

/* --- when the system refuses --- */

static void test_create_faults(void)
{
    struct segment_spec spec = spec_of(2 * PAGE, true);
    unsigned n_fds = count_fds(), n_failed = 0;
    int r = -1;

    for (unsigned n = 1; r < 0; n++) {
        struct segment segment = {0};
        int fd = -7;

        countdown = n;
        r = segment_create(&segment, &fd, &spec);
        if (disarm()) {
            n_failed++;
            CHECK_INT(r, -ENFILE);
            CHECK(!segment.base && fd == -7);
        } else {
            CHECK_INT(r, 0);
            segment_done(&segment);
            (void) fd_close(fd);
        }
        CHECK_INT(count_mappings(), 0);
        CHECK_INT(count_fds(), n_fds);
    }
    CHECK_INT(n_failed, 4);
}

/* Segments of size in the place of one of four pages, with each call failing in turn. */
static void sweep_map(size_t size, unsigned wanted_failures)
{
    CLEANUP(segment_done) struct segment owner = {0};
    CLEANUP(fd_closep) int fd = create(&owner, size, true);
    unsigned n_failed = 0;
    bool had_failed = true;

    for (unsigned n = 1; had_failed; n++) {
        struct segment segment = {0}, before;
        int r;

        map_next(&segment, 4 * PAGE, 1);
        before = segment;
        countdown = n;
        r = segment_map(&segment, fd, LAYOUT_KIND_DOWN, PAGE, 64 * PAGE, false);
        had_failed = disarm();
        CHECK(r == 0 || had_failed);
        CHECK(r == 0 || r == -EPROTO || r == -ENOMEM || r == -ENFILE);
        if (r < 0) {
            n_failed++;
            CHECK(memcmp(&segment, &before, sizeof(segment)) == 0);
            CHECK_INT(((uint8_t *) segment.base)[4 * PAGE - 1], 1);
        } else {
            CHECK_INT(segment.size, size);
        }
        segment_done(&segment);
        CHECK_INT(count_mappings(), 1);
    }
    CHECK_INT(n_failed, wanted_failures);
}

static void test_map_faults(void)
{
    unsigned n_fds = count_fds();

    sweep_map(5 * PAGE, 3);  /* at the same place: seals, head, mapping */
    sweep_map(PAGE, 3);      /* the same; what is behind it may stay as it was */
    sweep_map(20 * PAGE, 5); /* elsewhere: also the list, and the room */
    CHECK_INT(count_fds(), n_fds);
}

/* --- bells --- */

static int poll_now(int fd)
{
    struct pollfd pollfd = {fd, POLLIN, 0};

    return poll(&pollfd, 1, 0) > 0 ? pollfd.revents : 0;
}

static void test_bell(void)
{
    CLEANUP(fd_closep) int read_fd = -1;
    int write_fd = -1;

    CHECK_INT(doorbell_new(&read_fd, &write_fd), 0);
    CHECK_INT(fcntl(read_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_INT(fcntl(write_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    CHECK_INT(poll_now(read_fd), 0);
    CHECK(!doorbell_clear(read_fd));
    doorbell_ring(write_fd);
    CHECK_INT(poll_now(read_fd), POLLIN);
    CHECK(!doorbell_clear(read_fd));
    CHECK_INT(poll_now(read_fd), 0);

    /* Many rings: never blocks, and is soon empty. */
    for (int i = 0; i < 100000; i++)
        doorbell_ring(write_fd);
    for (int i = 0; i < 2 && poll_now(read_fd); i++)
        CHECK(!doorbell_clear(read_fd));
    CHECK_INT(poll_now(read_fd), 0);

    /* Who has the other end cannot make this one block. */
    CHECK_INT(fcntl(write_fd, F_SETFL, 0), 0);
    CHECK_INT(fcntl(read_fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_INT(fcntl(write_fd, F_SETFL, O_NONBLOCK), 0);

    doorbell_ring(write_fd);
    (void) fd_close(write_fd);
    CHECK(poll_now(read_fd) & POLLHUP);
    CHECK(!doorbell_clear(read_fd)); /* first what was rung */
    CHECK(doorbell_clear(read_fd));
}

/* As in programs: SIGPIPE would end this one. */
static void test_bell_unheard(void)
{
    int read_fd = -1, write_fd = -1;

    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    CHECK_INT(doorbell_new(&read_fd, &write_fd), 0);
    (void) fd_close(read_fd);
    for (int i = 0; i < 10000; i++)
        doorbell_ring(write_fd);
    (void) fd_close(write_fd);
    doorbell_ring(-1);
    CHECK(doorbell_clear(-1));
}

/* iotd may not be traced nor dumped: the way through /proc must be open to itself. */
static void test_bell_undumpable(void)
{
    int read_fd = -1, write_fd = -1;

    CHECK_INT(prctl(PR_SET_DUMPABLE, 0), 0);
    CHECK_INT(doorbell_new(&read_fd, &write_fd), 0);
    CHECK_INT(prctl(PR_SET_DUMPABLE, 1), 0);
    (void) fd_close(read_fd);
    (void) fd_close(write_fd);
}

static void test_bell_faults(void)
{
    unsigned n_fds = count_fds(), n_failed = 0;
    int r = -1;

    for (unsigned n = 1; r < 0; n++) {
        int read_fd = -7, write_fd = -7;

        countdown = n;
        r = doorbell_new(&read_fd, &write_fd);
        if (disarm()) {
            n_failed++;
            CHECK(r == -ENFILE && read_fd == -7 && write_fd == -7);
        } else {
            (void) fd_close(read_fd);
            (void) fd_close(write_fd);
        }
        CHECK_INT(count_fds(), n_fds);
    }
    CHECK_INT(n_failed, 2);
}

const char *const suite_name = "ipc-segment";
const struct suite_test suite_tests[] = {
    {"create", test_create},
    {"others", test_others},
    {"handed", test_handed},
    {"no memory", test_no_memory},
    {"replace", test_replace},
    {"create faults", test_create_faults},
    {"map faults", test_map_faults},
    {"bell", test_bell},
    {"bell unheard", test_bell_unheard},
    {"bell undumpable", test_bell_undumpable},
    {"bell faults", test_bell_faults},
    {NULL, NULL},
};
