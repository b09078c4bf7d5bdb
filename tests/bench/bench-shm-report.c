/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reporting a value: what it costs the program in a burst, against a bare write of the two-copy
 * latch, and how many system calls it makes; and what a million values a second from one program
 * cost iotd, at the default report.rate and with a cloud that takes the reports.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iotclient/iotclient.h>

#include "libiotclient/ipc/report_slots.h"
#include "tests/bench/helper.h"
#include "tests/bench/syscalls.h"
#include "tests/lib/fixture.h"

#define ROUNDS 200
#define N_BURST 2000 /* of a round */
#define N_COUNTED 1000
#define FLOODS 5
#define FLOOD_MS 2000
#define PER_MS 1000 /* values: a million a second */

struct reporter {
    iotc_client *client;
    iotc_prop *prop;
    int64_t value;
};

static void reporter_init(struct reporter *r, const char *app)
{
    memset(r, 0, sizeof(*r));
    bench_must(iotc_client_new(&r->client, app), "client");
    while (iotc_prop_lookup(r->client, "uptime", &r->prop) < 0)
        bench_must(iotc_client_wait(r->client, -1), "wait");
}

static void report(struct reporter *r, unsigned n)
{
    while (n-- > 0)
        bench_must(iotc_prop_report_int(r->prop, ++r->value, NULL, NULL), "report");
}

/* --- a burst --- */

static void write_bare(struct layout_slot *slot, unsigned n)
{
    struct layout_copy copy = {{latch_meta(LAYOUT_TYPE_INT, LAYOUT_FLAG_VALUE, 8), 0}};

    while (n-- > 0) {
        copy.word[2]++;
        (void) latch_write(slot, &copy);
    }
}

/* As soon as iotd has taken what came before, the first report rings; those after it do not. */
static void measure_burst(struct reporter *r)
{
    static struct layout_slot slot;
    struct bench_series ours = {.name = "shm.report", .unit = "ns"};
    struct bench_series bare = {.name = "shm.report_bare", .unit = "ns"};

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = bench_now_ns();

        write_bare(&slot, N_BURST);
        bench_add(&bare, (double) (bench_now_ns() - start) / N_BURST);
        start = bench_now_ns();
        report(r, N_BURST);
        bench_add(&ours, (double) (bench_now_ns() - start) / N_BURST);
        bench_must(iotc_client_wait(r->client, 1), "wait");
    }
    bench_print_pairs(&ours, &bare);
    bench_print(&bare, NULL);
    bench_clear(&ours);
    bench_clear(&bare);
}

static void report_some(void *userdata)
{
    report(userdata, N_COUNTED);
}

static void measure_calls(struct reporter *r)
{
    struct bench_series calls = {.name = "shm.report_calls", .unit = "calls"};

    report(r, 1); /* rings if that is wanted */
    bench_add(&calls, syscalls_count(report_some, r));
    bench_print(&calls, NULL);
    bench_clear(&calls);
}

/* --- a flood --- */

/* Each number that comes is milliseconds of flood; the answer is how many were reported. */
static int run_flood(int fd, void *arg)
{
    struct reporter r;
    uint64_t ms;

    (void) arg;
    reporter_init(&r, "flood");
    helper_tell(fd, 0);
    while (helper_hear(fd, &ms)) {
        uint64_t begin = fixture_now_ms(), now;
        int64_t n = 0;

        while ((now = fixture_now_ms() - begin) < ms) {
            /* What was missed while others had the processor is made up for. */
            int64_t due = (int64_t) (now + 1) * PER_MS;

            report(&r, (unsigned) (due - n));
            n = due;
            bench_must(iotc_client_wait(r.client, 1), "wait");
        }
        helper_tell(fd, (uint64_t) n);
    }
    return 0;
}

/* The processor time of a process. */
static uint64_t cpu_ns(const struct proc *p)
{
    unsigned long long ns;
    char path[64];
    FILE *f;
    int n;

    (void) snprintf(path, sizeof(path), "/proc/%d/schedstat", (int) proc_pid(p));
    f = fopen(path, "re");
    n = f ? fscanf(f, "%llu", &ns) : 0;
    if (f)
        (void) fclose(f);
    if (n != 1)
        bench_fatal("no %s", path);
    return ns;
}

static void measure_flood(const struct proc *iotd)
{
    struct bench_series cpu = {.name = "shm.flood_cpu", .unit = "percent"};
    struct bench_series rate = {.name = "shm.flood_rate", .unit = "values/s"};
    struct helper flood;
    uint64_t n;

    helper_start(&flood, run_flood, NULL);
    if (!helper_hear(flood.fd, &n))
        bench_fatal("the program did not start");
    for (unsigned i = 0; i < FLOODS; i++) {
        uint64_t begin = bench_now_ns(), before = cpu_ns(iotd);

        helper_tell(flood.fd, FLOOD_MS);
        if (!helper_hear(flood.fd, &n))
            bench_fatal("the program has ended");
        bench_add(&cpu, (double) (cpu_ns(iotd) - before) * 100 / (double) (bench_now_ns() - begin));
        bench_add(&rate, bench_rate(n, begin));
    }
    bench_print(&cpu, NULL);
    bench_print(&rate, NULL);
    bench_clear(&cpu);
    bench_clear(&rate);
    helper_kill(&flood);
}

int main(void)
{
    struct cloud_fixture *cloud = cloud_start(NULL);
    struct daemon_fixture *iotd =
        daemon_start(&(struct daemon_options){.endpoint = cloud_ws_url(cloud)});
    struct reporter r;

    if (!daemon_wait_link(iotd, "up"))
        bench_fatal("no link");
    reporter_init(&r, "burst");
    measure_burst(&r);
    measure_calls(&r);
    iotc_client_unref(r.client);
    measure_flood(daemon_proc(iotd));
    daemon_stop(iotd);
    cloud_stop(cloud);
    return 0;
}
