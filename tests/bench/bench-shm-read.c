/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a property from the table of shared memory, idle and while another process writes the
 * same slot without a pause: through the library, and as a whole copy, which is what strings and
 * the library itself are made of. The bare mechanism is the same slot, a loop of loads and the look
 * at the count before and after. Also how many system calls the library makes.
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

#include <iotclient/iotclient.h>

#include "tests/bench/bench.h"
#include "tests/bench/syscalls.h"
#include "tests/lib/proc.h"
#include "tests/lib/table-rig.h"

#define ROUNDS 200
#define N_READS 20000      /* of a round */
#define N_FLOOD_READS 1000 /* the same, short enough to find both processors free */
#define GIVE_UP_MS 10000   /* for each way to read */
#define N_COUNTED 1000
#define N_PLACES 2
#define NUMBER 0 /* places */
#define TEXT 1
#define EPOCH 42

struct reader {
    struct table_rig rig;
    iotc_client *client;
    iotc_prop *number, *text;
    struct segment segment; /* the table as any program sees it */
    struct table_view view;
    const struct layout_slot *slot; /* of what is being read */
    uint64_t sum;                   /* so that no read is for nothing */
};

static void reader_init(struct reader *r)
{
    memset(r, 0, sizeof(*r));
    r->client = table_rig_client();
    table_rig_open(&r->rig, N_PLACES, 0, EPOCH);
    table_rig_name(&r->rig, NUMBER, "brightness", LAYOUT_TYPE_INT, 0);
    table_rig_name(&r->rig, TEXT, "name", LAYOUT_TYPE_STRING, 0);
    table_rig_put_int(&r->rig, NUMBER, 1);
    table_rig_put_text(&r->rig, TEXT, "the door to the garden");
    bench_must(table_rig_attach(&r->rig, r->client), "attach");
    r->number = table_rig_prop(r->client, "brightness");
    r->text = table_rig_prop(r->client, "name");
    bench_must(segment_map(&r->segment, r->rig.fds[LAYOUT_FD_TABLE], LAYOUT_KIND_TABLE,
                           sizeof(struct layout_table), LAYOUT_TABLE_MAX, false),
               "map");
    bench_must(table_view_init(&r->view, &r->segment), "view");
}

static void reader_done(struct reader *r)
{
    r->client = iotc_client_unref(r->client);
    segment_done(&r->segment);
    table_rig_close(&r->rig);
}

/* --- what is measured: each reads n times --- */

static void read_bare(struct reader *r, unsigned n)
{
    const struct layout_slot *slot = r->slot;
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
        r->sum += words[2];
    }
}

static void read_copy(struct reader *r, unsigned n)
{
    struct layout_copy copy;
    int result;

    while (n-- > 0) {
        while ((result = table_read(&r->view, NUMBER, &copy, NULL, 0)) == -EAGAIN)
            ;
        bench_must(result, "read");
        r->sum += copy.word[2];
    }
}

static void get_int(struct reader *r, unsigned n)
{
    int64_t value;
    int result;

    while (n-- > 0) {
        while ((result = iotc_prop_get_int(r->number, &value, NULL)) == -EAGAIN)
            ;
        bench_must(result, "get");
        r->sum += (uint64_t) value;
    }
}

static void get_string(struct reader *r, unsigned n)
{
    char text[64];
    int result;

    while (n-- > 0) {
        while ((result = iotc_prop_get_string(r->text, text, sizeof(text), NULL)) == -EAGAIN)
            ;
        bench_must(result, "get");
        r->sum += (unsigned char) text[0];
    }
}

typedef void (*read_fn)(struct reader *r, unsigned n);

static const struct {
    const char *name;
    read_fn fn;
    size_t place;
} ways[] = {
    {"shm.get_int", get_int, NUMBER},
    {"shm.get_string", get_string, TEXT},
    {"shm.read_copy", read_copy, NUMBER},
};

/* --- measurements --- */

/* A row: ours and the bare one in turns. */
struct pair {
    struct bench_series ours, bare;
    unsigned n_reads;
    bool is_flood;
    uint64_t deadline_ms;
};

/*
 * In the processor time of the reader. False: no sample, since others had the reader's processor,
 * or the writer had none.
 */
static bool time_reads(struct reader *r, read_fn fn, const struct pair *p, double *ret_ns)
{
    uint32_t before = latch_begin(r->slot);
    uint64_t wall = bench_now_ns(), cpu = bench_cpu_ns();

    fn(r, p->n_reads);
    cpu = bench_cpu_ns() - cpu;
    wall = bench_now_ns() - wall;
    *ret_ns = (double) cpu / p->n_reads;
    return !p->is_flood || (latch_begin(r->slot) - before >= p->n_reads / 2 && wall < 2 * cpu);
}

static void time_pair(struct reader *r, read_fn fn, struct pair *p)
{
    double ours, bare;

    do {
        if (time_reads(r, read_bare, p, &bare) && time_reads(r, fn, p, &ours)) {
            bench_add(&p->bare, bare);
            bench_add(&p->ours, ours);
            return;
        }
    } while (fixture_now_ms() < p->deadline_ms);
}

static void measure(struct reader *r, bool is_flood)
{
    const char *suffix = is_flood ? "_flood" : "";
    char name[64], bare_name[64];
    struct pair p = {
        .ours = {.name = name, .unit = "ns"},
        .bare = {.name = bare_name, .unit = "ns"},
        .n_reads = is_flood ? N_FLOOD_READS : N_READS,
        .is_flood = is_flood,
    };

    (void) snprintf(bare_name, sizeof(bare_name), "shm.read_bare%s", suffix);
    for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
        (void) snprintf(name, sizeof(name), "%s%s", ways[k].name, suffix);
        r->slot = &r->view.slots[ways[k].place];
        bench_clear(&p.ours);
        bench_clear(&p.bare);
        p.deadline_ms = fixture_now_ms() + GIVE_UP_MS;
        for (unsigned i = 0; i < ROUNDS && fixture_now_ms() < p.deadline_ms; i++)
            time_pair(r, ways[k].fn, &p);
        if (p.ours.n == 0)
            bench_fatal("%s: reader and writer need a processor each", name);
        bench_print_pairs(&p.ours, &p.bare);
    }
    bench_print(&p.bare, NULL);
    bench_clear(&p.ours);
    bench_clear(&p.bare);
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
static pid_t start_writer(struct reader *r)
{
    pid_t pid = fork();

    if (pid < 0)
        bench_fatal("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    use_processor(1);
    for (int64_t i = 0;; i++) {
        table_rig_put_int(&r->rig, NUMBER, i);
        table_rig_put_text(&r->rig, TEXT, "the door to the garden");
    }
}

static void get_some(void *userdata)
{
    get_int(userdata, N_COUNTED);
    get_string(userdata, N_COUNTED);
}

int main(void)
{
    struct bench_series calls = {.name = "shm.get_calls", .unit = "calls"};
    struct reader r;
    pid_t writer;

    reader_init(&r);
    bench_add(&calls, syscalls_count(get_some, &r));
    bench_print(&calls, NULL);
    bench_clear(&calls);

    measure(&r, false);
    writer = start_writer(&r);
    use_processor(0);
    measure(&r, true);
    (void) kill(writer, SIGKILL);
    (void) waitpid(writer, NULL, 0);
    reader_done(&r);
    return 0;
}
