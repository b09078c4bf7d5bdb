/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Back in service after an outage: from "the server listens again" to "the link is up", with the
 * default settings. The cloud is killed, is away for a while, and starts again; a second process
 * has links of its own devices in one loop, so that one outage is as many tries.
 *
 *   bench-reconnect [--quick]     --quick: gaps of 3 s only
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/stack.h"

#define N_DEVICES 20
#define ROUNDS 3
/* A link that goes down soon after its CONNECT looks like a kick, and that is another rule. */
#define SETTLE_S 11

/* --- the devices --- */

struct device {
    struct stack stack;
    struct link_watch watch;
    unsigned number;
};

static void on_up(void *userdata)
{
    const struct device *d = userdata;

    printf("up %u %llu\n", d->number, (unsigned long long) bench_now_ns());
    (void) fflush(stdout);
}

static int run_devices(const char *url)
{
    struct device *devices = calloc(N_DEVICES, sizeof(*devices));
    struct loop_lws *loop;

    if (!devices)
        bench_fatal("out of memory");
    bench_must(loop_lws_new(&loop), "loop");
    for (unsigned i = 0; i < N_DEVICES; i++) {
        struct device *d = &devices[i];

        d->number = i;
        stack_init_link(&d->stack, loop, url, i);
        d->watch = (struct link_watch){.on_up = on_up, .userdata = d};
        link_watch(d->stack.link, &d->watch);
        link_enable(d->stack.link);
    }
    bench_must(loop_lws_run(loop), "loop"); /* until it is killed */
    return 0;
}

/* --- the outages --- */

/* Each device says once that it is up; when the last did, the series has a value for each. */
static void wait_up(struct proc *devices, uint64_t since_ns, struct bench_series *series)
{
    for (unsigned i = 0; i < N_DEVICES; i++) {
        CLEANUP(freep) char *line = proc_wait_line(devices, PROC_STDOUT, "up ");
        const char *time = strrchr(line, ' ');

        if (series)
            bench_add(series, ((double) strtoull(time, NULL, 10) - (double) since_ns) / 1e9);
    }
}

/* The time that passes is what is measured: there is nothing to wait for. */
static void let_pass(int seconds)
{
    (void) poll(NULL, 0, seconds * 1000);
}

static void one_gap(struct stack_cloud *cloud, const char *self, int gap_s,
                    struct bench_series *series)
{
    struct proc *devices =
        proc_start((const char *const[]){self, "--devices", stack_cloud_url(cloud), NULL});

    wait_up(devices, 0, NULL);
    let_pass(SETTLE_S);
    stack_cloud_kill(cloud);
    let_pass(gap_s);
    stack_cloud_run(cloud);
    wait_up(devices, bench_now_ns(), series);
    proc_kill(devices);
}

int main(int argc, char **argv)
{
    static const struct {
        int gap_s;
        const char *name;
    } cases[] = {
        {3, "reconnect.after_3s"},
        {20, "reconnect.after_20s"},
        {60, "reconnect.after_60s"},
    };
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    struct stack_cloud *cloud;

    if (argc == 3 && strcmp(argv[1], "--devices") == 0)
        return run_devices(argv[2]);
    cloud = stack_cloud_start(N_DEVICES);
    for (size_t c = 0; c < (quick ? 1 : ARRAY_SIZE(cases)); c++) {
        struct bench_series series = {.name = cases[c].name, .unit = "s"};

        for (unsigned i = 0; i < ROUNDS; i++)
            one_gap(cloud, argv[0], cases[c].gap_s, &series);
        bench_print(&series, NULL);
        bench_clear(&series);
    }
    stack_cloud_stop(cloud);
    return 0;
}
