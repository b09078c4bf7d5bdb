/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and sleep. iotd over TLS with ten programs that are attached, after reports, events and
 * reads of each kind: its PSS and RSS; what the library adds to a program, against one that does
 * nothing; how often iotd wakes up while nobody wants anything of it, which it should only for the
 * keep-alive of the link.
 *
 * PSS divides what is shared by those who share it, so it depends on who else runs: here the cloud
 * maps OpenSSL too, the programs libdbus. RSS counts all of it in full.
 *
 *   bench-size [--quick]     the idle time is 60 s, or 5
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/lib/certs.h"
#include "tests/lib/scene.h"
#include "tests/lib/tls-matrix.h"

#define N_PROGRAMS 10
#define N_WORK 20
#define SETTLE_MS 3000  /* iotd has given back what a new connection needed */
#define TIMERS_MS 12000 /* the timers of what was asked have run out */
#define IDLE_MS 60000
#define QUICK_MS 5000

/* A number of a file of /proc/PID, behind its key. */
static double proc_number(const struct proc *p, const char *file, const char *key)
{
    char path[64], line[256];
    double value = -1;
    FILE *f;

    (void) snprintf(path, sizeof(path), "/proc/%d/%s", (int) proc_pid(p), file);
    f = fopen(path, "re");
    while (f && value < 0 && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtod(line + strlen(key), NULL);
    }
    if (f)
        (void) fclose(f);
    if (value < 0)
        bench_fatal("%s has no %s", path, key);
    return value;
}

static double n_wakes(const struct proc *p)
{
    return proc_number(p, "status", "voluntary_ctxt_switches:");
}

static struct proc *start(const char *name, const char *app)
{
    CLEANUP(freep) char *path = fixture_build_path(name);
    CLEANUP(freep) char *line = NULL;
    const char *const argv[] = {path, app, NULL};
    int fd; /* stays open for as long as the program shall run */
    struct proc *p = proc_start_with_stdin(argv, &fd);

    line = proc_wait_line(p, PROC_STDOUT, "ready");
    if (!line)
        bench_fatal("%s did not start", name);
    return p;
}

static void rest(int ms)
{
    (void) poll(NULL, 0, ms);
}

/* All that iotd does every day. */
static void work(struct cloud_fixture *cloud, struct daemon_fixture *iotd)
{
    struct bus_client *bus = daemon_bus(iotd);
    uint64_t token = 0;

    for (int i = 0; i < N_WORK; i++) {
        token = thing_token(bus, "ReportValue", "sv", "cpu_load", "d", i / 2.0);
        CHECK_COMPLETED(bus, token, 0);
        token = thing_token(bus, "PostEventJson", "ss", "low_voltage", "{\"voltage\":2.5}");
        CHECK_COMPLETED(bus, token, 0);
        json_decref(cloud_control(cloud, "{\"brightness\":30}"));
        msg_unref(thing_call(bus, "GetAll", ""));
    }
}

static void print_one(const char *name, double value, const char *unit)
{
    struct bench_series s = {.name = name, .unit = unit};

    bench_add(&s, value);
    bench_print(&s, NULL);
    bench_clear(&s);
}

int main(int argc, char **argv)
{
    static const struct cloud_tls tls = {.cert = "right"};
    int idle_ms = argc == 2 && strcmp(argv[1], "--quick") == 0 ? QUICK_MS : IDLE_MS;
    struct proc *programs[N_PROGRAMS], *bare;
    struct cloud_fixture *cloud;
    struct daemon_fixture *iotd;
    double pss, wakes;

    certs_make();
    cloud = cloud_start_tls(NULL, &tls);
    iotd = tls_start_iotd(cloud_wss_url(cloud), "ca", NULL);
    if (!daemon_wait_link(iotd, "up"))
        bench_fatal("no link");
    bare = start("tests/bench/bare-program", NULL);
    programs[0] = start("tests/bench/program", "program-0");
    rest(SETTLE_MS);
    pss = proc_number(programs[0], "smaps_rollup", "Pss:");
    print_one("size.library", pss - proc_number(bare, "smaps_rollup", "Pss:"), "KiB");
    for (unsigned i = 1; i < N_PROGRAMS; i++) {
        char app[32];

        (void) snprintf(app, sizeof(app), "program-%u", i);
        programs[i] = start("tests/bench/program", app);
    }
    rest(SETTLE_MS);
    work(cloud, iotd);
    print_one("size.iotd_pss", proc_number(daemon_proc(iotd), "smaps_rollup", "Pss:"), "KiB");
    print_one("size.iotd_rss", proc_number(daemon_proc(iotd), "smaps_rollup", "Rss:"), "KiB");
    rest(TIMERS_MS);
    wakes = n_wakes(daemon_proc(iotd));
    rest(idle_ms);
    print_one("size.iotd_wakes", n_wakes(daemon_proc(iotd)) - wakes, "wakes");

    for (unsigned i = 0; i < N_PROGRAMS; i++)
        programs[i] = proc_kill(programs[i]);
    proc_kill(bare);
    daemon_stop(iotd);
    cloud_stop(cloud);
    return 0;
}
