/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that dies, or stops, before each of its stores into the shared memory, or that comes
 * and goes all the time:
 *
 *   scribbler                                  iotd                             lamp
 *   half of a value, of a record; SIGKILL  →
 *                                            its ids are free
 *   the same; SIGSTOP                      →
 *                                                                             ← Get(brightness)
 *                                              within the deadline, each time →  Control
 *   SIGCONT: goes on                       →
 *                                          ← served
 *   attached 200 times                     →
 *                                            as much memory and descriptors as before
 */

#include <signal.h>

#include "tests/lib/hostile-scene.h"

#define STEPS 34 /* a slot and a record take as many */

static void test_die(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    for (unsigned n = 1; n <= STEPS; n++) {
        hostile_run(&h, "die", 1, n);
        HOSTILE_SAYS(&h, "now");
        hostile_end(&h, 128 + SIGKILL);
        if (n % 8 == 0)
            hostile_check_others(&h);
    }
    hostile_check_calm(&h);
    hostile_stop(&h);
}

static void test_stop(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    for (unsigned n = 1; n <= STEPS; n += 3) {
        hostile_run(&h, "stop", 1, n);
        HOSTILE_SAYS(&h, "now");
        hostile_check_others(&h);
        if (n % 2 == 0)
            hostile_check_calm(&h);
        proc_signal(h.scribbler, SIGCONT);
        HOSTILE_SAYS(&h, "served");
        hostile_end(&h, 0);
    }
    hostile_stop(&h);
}

/* Memory is what is looked at. */
static void test_comings(void)
{
    struct hostile_scene h;
    long rss_kib, n_fds;

    hostile_start(&h);
    hostile_run(&h, "comings", 1, 20);
    HOSTILE_SAYS(&h, "served");
    rss_kib = proc_rss_kib(daemon_proc(h.s.iotd));
    n_fds = proc_n_fds(daemon_proc(h.s.iotd));
    hostile_end(&h, 0);
    hostile_run(&h, "comings", 2, 200);
    HOSTILE_SAYS(&h, "served");
    CHECK(proc_n_fds(daemon_proc(h.s.iotd)) <= n_fds + 2);
    if (PROC_RSS_IS_TELLING)
        CHECK(proc_rss_kib(daemon_proc(h.s.iotd)) <= rss_kib + 1024);
    hostile_check_others(&h);
    hostile_end(&h, 0);
    hostile_check_calm(&h);
    hostile_stop(&h);
}

static void test_tables(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    hostile_run(&h, "tables", 1, 500);
    HOSTILE_SAYS(&h, "served");
    hostile_check_others(&h);
    hostile_end(&h, 0);
    hostile_stop(&h);
}

const char *const suite_name = "13-limits-shm-ends";
const struct suite_test suite_tests[] = {
    {"die", test_die},       {"stop", test_stop}, {"comings", test_comings},
    {"tables", test_tables}, {NULL, NULL},
};
