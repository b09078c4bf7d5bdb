/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that writes what it likes into its shared memory, beside one that does its work:
 *
 *   scribbler                                  iotd                             lamp
 *   random bytes over all of it            →
 *                                          ← ENDED, or it is served on
 *                                                                             ← Get(brightness)
 *                                              within the deadline, each time →  Control
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/hostile-scene.h"

/* Runs it to its end; the others notice nothing. */
static void check_mode(struct hostile_scene *h, const char *mode, unsigned seed, const char *want)
{
    hostile_run(h, mode, seed, 0);
    HOSTILE_SAYS(h, want);
    hostile_check_others(h);
    hostile_check_calm(h);
    hostile_end(h, 0);
    hostile_check_others(h);
}

static void test_scribble(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    for (unsigned seed = 1; seed <= 3; seed++)
        check_mode(&h, "scribble", seed, "ended|served");
    hostile_stop(&h);
}

static void test_scribble_slots(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    for (unsigned seed = 1; seed <= 3; seed++)
        check_mode(&h, "scribble-slots", seed, "ended|served");
    hostile_stop(&h);
}

static void test_walk(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    for (unsigned seed = 1; seed <= 3; seed++)
        check_mode(&h, "walk", seed, "ended|served");
    hostile_stop(&h);
}

static void test_fork(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "fork", 1, "ended|served");
    hostile_stop(&h);
}

static bool child_is_over(struct hostile_scene *h)
{
    uint64_t deadline = fixture_deadline_ms();

    while (fixture_left_ms(deadline) > 0) {
        CLEANUP(freep) char *text = proc_output(h->scribbler, PROC_STDOUT);

        if (strstr(text, "\nover\n"))
            return true;
        bus_client_round_trip(h->lamp, IOTD_BUS_NAME);
    }
    return false;
}

/* What a child of the dead program writes is nobody's any more. */
static void test_orphan(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    hostile_run(&h, "orphan", 1, 0);
    HOSTILE_SAYS(&h, "now");
    CHECK_INT(proc_wait(h.scribbler), 128 + SIGKILL);
    hostile_check_others(&h);
    hostile_check_calm(&h);
    CHECK_MSG(scene_register(h.s.bus, "color", "", ""), ""); /* it is free */
    CHECK_MSG(thing_call(h.s.bus, "Unregister", "asasas", 1, "color", 0, 0), "");
    hostile_let_go(&h);
    CHECK(child_is_over(&h));
    hostile_end(&h, 128 + SIGKILL);
    hostile_stop(&h);
}

static void test_seals(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "seals", 1, "served");
    hostile_stop(&h);
}

static void test_punch(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "punch", 1, "ended|served");
    hostile_stop(&h);
}

const char *const suite_name = "13-limits-shm-memory";
const struct suite_test suite_tests[] = {
    {"scribble", test_scribble}, {"scribble-slots", test_scribble_slots},
    {"walk", test_walk},         {"fork", test_fork},
    {"orphan", test_orphan},     {"seals", test_seals},
    {"punch", test_punch},       {NULL, NULL},
};
