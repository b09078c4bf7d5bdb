/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that misuses its report slots and its bells, beside one that does its work:
 *
 *   scribbler                                  iotd                             lamp
 *   values of others, of no type, too long →
 *                                          ← a code for each
 *   slots and bells as fast as it can      →
 *                                                                             ← Get(brightness)
 *                                              within the deadline, each time →  Control
 */

#include "tests/lib/hostile-scene.h"

static void check_mode(struct hostile_scene *h, const char *mode, const char *want)
{
    hostile_run(h, mode, 1, 0);
    HOSTILE_SAYS(h, want);
    hostile_check_others(h);
    hostile_check_calm(h);
    hostile_end(h, 0);
}

static void test_bad_slots(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "bad-slots", "refused");
    hostile_stop(&h);
}

static void test_flood(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "slot-flood", "served");
    CHECK_THING(h.lamp, "x:2 *", "Get", "s", "color"); /* the last one counts */
    hostile_stop(&h);
}

/* It goes on while the others are looked at. */
static void check_while(struct hostile_scene *h, const char *mode, const char *begins)
{
    hostile_run(h, mode, 1, 0);
    HOSTILE_SAYS(h, begins);
    for (int i = 0; i < 3; i++) {
        hostile_check_others(h);
        hostile_check_calm(h);
    }
    hostile_let_go(h);
    HOSTILE_SAYS(h, "served");
    hostile_end(h, 0);
}

/* A slot that changes without pause, so that iotd never reads it as a whole. */
static void test_churn(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_while(&h, "churn", "churning");
    hostile_stop(&h);
}

static void test_bell_flood(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_while(&h, "bell-flood", "ringing");
    hostile_stop(&h);
}

static void test_bell_odd(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "bell-odd", "served");
    hostile_stop(&h);
}

static void test_bell_closed(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "bell-closed", "closed");
    hostile_stop(&h);
}

const char *const suite_name = "13-limits-shm-slots";
const struct suite_test suite_tests[] = {
    {"bad-slots", test_bad_slots},
    {"flood", test_flood},
    {"churn", test_churn},
    {"bell-flood", test_bell_flood},
    {"bell-odd", test_bell_odd},
    {"bell-closed", test_bell_closed},
    {NULL, NULL},
};
