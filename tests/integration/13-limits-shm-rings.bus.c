/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that misuses its rings, beside one that does its work:
 *
 *   scribbler                                  iotd                             lamp
 *   an index or a record that cannot be    →
 *                                          ← ENDED; it attaches again
 *   records, and reads no answers          →
 *                                            takes no more of them
 *   (a control for it)                       one answer to the cloud
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

static void test_bad_records(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "bad-records", "refused");
    hostile_stop(&h);
}

static void test_answers(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "answers", "served|ended");
    hostile_stop(&h);
}

static void test_flood(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_mode(&h, "ring-flood", "served");
    hostile_stop(&h);
}

/* It goes on while the others are looked at. */
static void check_while(struct hostile_scene *h, const char *mode)
{
    hostile_run(h, mode, 1, 0);
    HOSTILE_SAYS(h, "flooding");
    for (int i = 0; i < 3; i++) {
        hostile_check_others(h);
        hostile_check_calm(h);
    }
    hostile_let_go(h);
    HOSTILE_SAYS(h, "served");
    hostile_end(h, 0);
}

static void test_answer_flood(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_while(&h, "answer-flood");
    hostile_stop(&h);
}

static void test_refused_flood(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    check_while(&h, "refused-flood");
    hostile_stop(&h);
}

/*
 * It has no answer in time; there is no room to ask it; it ends meanwhile; or its id is nobody's
 * any more.
 */
static void check_any_answer(struct hostile_scene *h)
{
    CLEANUP(json_decrefp) json_t *reply = cloud_wait_method(h->s.cloud, "up", "control_reply");
    int code = scene_int(reply, "code");

    if (!reply || (code != 408 && code != 429 && code != 405 && code != 0))
        suite_fail(__FILE__, __LINE__, "code %d", code);
}

static void test_deaf(void)
{
    struct hostile_scene h;

    hostile_start(&h);
    hostile_run(&h, "deaf", 1, 0);
    HOSTILE_SAYS(&h, "deaf|ended");
    hostile_check_others(&h);
    hostile_check_calm(&h);
    json_decref(cloud_control(h.s.cloud, "{\"color\":1}"));
    check_any_answer(&h);
    hostile_check_others(&h);
    hostile_end(&h, 0);
    hostile_stop(&h);
}

const char *const suite_name = "13-limits-shm-rings";
const struct suite_test suite_tests[] = {
    {"bad-records", test_bad_records},
    {"answers", test_answers},
    {"flood", test_flood},
    {"answer-flood", test_answer_flood},
    {"refused-flood", test_refused_flood},
    {"deaf", test_deaf},
    {NULL, NULL},
};
