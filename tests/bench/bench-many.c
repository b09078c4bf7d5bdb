/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The latency of controls of one program while 0, 9 and 99 others flood iotd: with values of
 * numbers (slots), with values of long texts (the ring up), and with the bells of both. What
 * counts is the p99 of a round.
 *
 * All of the others are one process that is nice: how many processors there are is not the
 * question here, but whose turn it is in iotd.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <iotclient/iotclient.h>

#include "tests/bench/cloud-peer.h"
#include "tests/bench/helper.h"
#include "tests/lib/daemon-fixture.h"

#define ROUNDS 15
#define N_CONTROLS 200 /* of a round */
#define PERCENT 99
#define MAX_OTHERS 99
#define N_SLOTS 100 /* values of numbers for each text */
#define SERVED "brightness"
#define NICE 10
#define PRODUCT "IOTDLIGHT1"
#define DEVICE "lamp_001"

/* --- the others --- */

struct other {
    iotc_client *client;
    iotc_prop *number, *text;
    int64_t value;
};

static void other_init(struct other *o, unsigned n)
{
    char app[32];

    memset(o, 0, sizeof(*o));
    (void) snprintf(app, sizeof(app), "other-%u", n);
    bench_must(iotc_client_new(&o->client, app), "client");
    while (iotc_prop_lookup(o->client, "uptime", &o->number) < 0 ||
           iotc_prop_lookup(o->client, "name", &o->text) < 0)
        bench_must(iotc_client_wait(o->client, -1), "wait");
}

static void flood(struct other *o)
{
    char text[64];
    int r;

    for (unsigned i = 0; i < N_SLOTS; i++)
        bench_must(iotc_prop_report_int(o->number, ++o->value, NULL, NULL), "report");
    /* Longer than what a slot holds. */
    (void) snprintf(text, sizeof(text), "a text that is longer than a slot, number %lld",
                    (long long) o->value);
    r = iotc_prop_report_string(o->text, text, NULL, NULL);
    if (r != -ENOBUFS)
        bench_must(r, "report");
    bench_must(iotc_client_dispatch(o->client), "dispatch");
}

static int run_others(int fd, void *arg)
{
    static struct other others[MAX_OTHERS];
    unsigned n = *(const unsigned *) arg;

    for (unsigned i = 0; i < n; i++)
        other_init(&others[i], i);
    (void) !nice(NICE);
    helper_tell(fd, n);
    while (n > 0) {
        for (unsigned i = 0; i < n; i++)
            flood(&others[i]);
    }
    return 0;
}

/* --- the one --- */

static void time_controls(struct cloud_peer *cloud, unsigned *number, struct bench_series *values)
{
    for (int i = 0; i < N_CONTROLS; i++) {
        uint64_t start = bench_now_ns();

        cloud_peer_control(cloud, SERVED, i % 100, ++*number);
        cloud_peer_await_reply(cloud, *number);
        bench_add(values, (double) (bench_now_ns() - start) / 1000);
    }
}

static void measure(struct cloud_peer *cloud, unsigned n_others, unsigned *number,
                    struct bench_series *p99)
{
    struct bench_series all = {.name = p99->name};
    struct helper others;
    uint64_t ready;

    if (n_others > 0) {
        helper_start(&others, run_others, &n_others);
        if (!helper_hear(others.fd, &ready))
            bench_fatal("the others did not start");
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        time_controls(cloud, number, &all);
        bench_add(p99, bench_percentile(&all, PERCENT));
        bench_clear(&all);
    }
    if (n_others > 0)
        helper_kill(&others);
}

static struct proc *start_program(void)
{
    CLEANUP(freep) char *path = fixture_build_path("tests/bench/program");
    CLEANUP(freep) char *line = NULL;
    struct proc *p = proc_start((const char *const[]){path, "one", SERVED, NULL});

    line = proc_wait_line(p, PROC_STDOUT, "ready");
    if (!line)
        bench_fatal("the program did not start");
    return p;
}

int main(void)
{
    struct bench_series series[] = {{.name = "many.control_p99_1", .unit = "us"},
                                    {.name = "many.control_p99_10", .unit = "us"},
                                    {.name = "many.control_p99_100", .unit = "us"}};
    static const unsigned n_others[] = {0, 9, 99};
    struct daemon_fixture *iotd;
    struct cloud_peer cloud;
    struct proc *program;
    unsigned number = 0;
    uint16_t port;
    char url[64];
    int fd = bare_ws_listen(&port);

    (void) snprintf(url, sizeof(url), "ws://127.0.0.1:%u/mqtt", port);
    iotd = daemon_start(
        &(struct daemon_options){.endpoint = url, .settings = "[quota]\nattachments = 200\n"});
    cloud_peer_init(&cloud, fd, PRODUCT, DEVICE);
    program = start_program();
    for (size_t i = 0; i < ARRAY_SIZE(series); i++) {
        measure(&cloud, n_others[i], &number, &series[i]);
        bench_print(&series[i], i > 0 ? &series[0] : NULL);
    }
    for (size_t i = 0; i < ARRAY_SIZE(series); i++)
        bench_clear(&series[i]);
    proc_kill(program);
    daemon_stop(iotd);
    return 0;
}
