/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a property from the table of shared memory, idle and while another process writes the
 * same slot without a pause, against the bare mechanism: the same slot, a loop of loads and the
 * look at the count before and after. Also how many system calls it takes.
 *
 * The reader and the writer have a processor each, and what is measured while the writer has none
 * does not count.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiotclient/ipc/table.h"
#include "tests/bench/bench.h"
#include "tests/bench/syscalls.h"
#include "tests/lib/proc.h"

#define ROUNDS 200
#define N_READS 20000    /* of a round */
#define MIN_WRITES 10000 /* of the other process meanwhile */
#define GIVE_UP_MS 60000 /* so many were not to be had */
#define N_COUNTED 1000
#define PLACE 0
#define EPOCH 42

/* The table, as iotd makes it, and as a program sees it. */
struct rig {
    struct table_writer *writer;
    struct segment segment;
    struct table_view view;
    const struct layout_slot *slot;
    uint64_t sum; /* so that no read is for nothing */
};

static void write_value(struct rig *rig, int64_t value)
{
    table_begin(rig->writer);
    bench_must(table_write(rig->writer, PLACE, LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, &value,
                           sizeof(value), 1),
               "write");
    table_end(rig->writer);
}

static void rig_init(struct rig *rig)
{
    int fd;

    memset(rig, 0, sizeof(*rig));
    bench_must(table_writer_new(&rig->writer, &fd, 16, 4096, EPOCH), "table");
    table_name(rig->writer, PLACE, "brightness");
    write_value(rig, 1);
    bench_must(segment_map(&rig->segment, fd, LAYOUT_KIND_TABLE, sizeof(struct layout_table),
                           LAYOUT_TABLE_MAX, false),
               "map");
    bench_must(table_view_init(&rig->view, &rig->segment), "view");
    rig->slot = &rig->view.slots[PLACE];
    (void) close(fd);
}

static void rig_done(struct rig *rig)
{
    segment_done(&rig->segment);
    rig->writer = table_writer_free(rig->writer);
}

/* --- readers: each reads n times --- */

typedef void (*read_fn)(struct rig *rig, unsigned n);

static void read_bare(struct rig *rig, unsigned n)
{
    const struct layout_slot *slot = rig->slot;
    uint64_t words[LAYOUT_COPY_WORDS];
    uint32_t seq;

    while (n-- > 0) {
        do {
            seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
            for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
                words[i] = __atomic_load_n(&slot->copies[seq % 2].word[i], __ATOMIC_RELAXED);
            __asm__ volatile("" : : "r"(words) : "memory"); /* a copy in memory */
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
        } while (__atomic_load_n(&slot->seq, __ATOMIC_RELAXED) != seq);
        rig->sum += words[2];
    }
}

static void read_scalar(struct rig *rig, unsigned n)
{
    struct latch_scalar scalar;

    while (n-- > 0) {
        while (!latch_read_scalar(rig->slot, TABLE_TRIES, &scalar))
            ;
        rig->sum += scalar.value;
    }
}

static void read_table(struct rig *rig, unsigned n)
{
    struct layout_copy copy;
    int r;

    while (n-- > 0) {
        while ((r = table_read(&rig->view, PLACE, &copy, NULL, 0)) == -EAGAIN)
            ;
        bench_must(r, "read");
        rig->sum += copy.word[2];
    }
}

/* --- measurements --- */

/* min_writes: see MIN_WRITES; 0 where nobody writes. */
static void time_reads(struct rig *rig, read_fn fn, uint32_t min_writes, struct bench_series *s)
{
    uint64_t deadline = fixture_now_ms() + GIVE_UP_MS;

    while (fixture_now_ms() < deadline) {
        uint32_t before = latch_begin(rig->slot);
        uint64_t start = bench_now_ns(), end;

        fn(rig, N_READS);
        end = bench_now_ns();
        if (latch_begin(rig->slot) - before >= min_writes) {
            bench_add(s, (double) (end - start) / N_READS);
            return;
        }
    }
    bench_fatal("the writer does not run beside the reader: this takes two processors");
}

static void measure(struct rig *rig, uint32_t min_writes, const char *suffix)
{
    static const struct {
        const char *name;
        read_fn fn;
    } ours[] = {{"shm.read_scalar", read_scalar}, {"shm.read_copy", read_table}};
    char bare_name[64];
    struct bench_series bare = {.name = bare_name, .unit = "ns"};

    (void) snprintf(bare_name, sizeof(bare_name), "shm.read_bare%s", suffix);
    for (size_t k = 0; k < ARRAY_SIZE(ours); k++) {
        char name[64];
        struct bench_series s = {.name = name, .unit = "ns"};

        (void) snprintf(name, sizeof(name), "%s%s", ours[k].name, suffix);
        bench_clear(&bare);
        for (unsigned i = 0; i < ROUNDS; i++) {
            time_reads(rig, read_bare, min_writes, &bare);
            time_reads(rig, ours[k].fn, min_writes, &s);
        }
        bench_print_pairs(&s, &bare);
        bench_clear(&s);
    }
    bench_print(&bare, NULL);
    bench_clear(&bare);
}

/* The n-th of the processors that we may use, if there are several. */
static void use_processor(unsigned n)
{
    cpu_set_t all, one;

    if (sched_getaffinity(0, sizeof(all), &all) < 0)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all) || n-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        (void) sched_setaffinity(0, sizeof(one), &one);
        return;
    }
}

/* Another process that writes and does nothing else. */
static pid_t start_writer(struct rig *rig)
{
    pid_t pid = fork();

    if (pid < 0)
        bench_fatal("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    use_processor(1);
    for (int64_t i = 0;; i++)
        write_value(rig, i);
}

static void read_some(void *userdata)
{
    read_scalar(userdata, N_COUNTED);
    read_table(userdata, N_COUNTED);
}

int main(void)
{
    struct bench_series calls = {.name = "shm.read_calls", .unit = "calls"};
    struct rig rig;
    pid_t writer;

    rig_init(&rig);
    bench_add(&calls, syscalls_count(read_some, &rig));
    bench_print(&calls, NULL);
    bench_clear(&calls);

    measure(&rig, 0, "");
    writer = start_writer(&rig);
    use_processor(0);
    measure(&rig, MIN_WRITES, "_flood");
    (void) kill(writer, SIGKILL);
    (void) waitpid(writer, NULL, 0);
    rig_done(&rig);
    return 0;
}
