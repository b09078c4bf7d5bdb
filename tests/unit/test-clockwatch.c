/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeps and settings of the clock, told apart by what the clocks say. */

#include <errno.h>
#include <sys/resource.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/clockwatch.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/fake-loop.h"
#include "tests/lib/suite.h"

#define S ((int64_t) USEC_PER_SEC)

static struct fake_loop fl;
static struct clockwatch *clockwatch;
static unsigned n_steps, n_resumes;
static int64_t stepped_us, slept_us;

static void on_stepped(int64_t by_us, void *userdata)
{
    (void) userdata;
    CHECK_INT(n_resumes, 0); /* first */
    n_steps++;
    stepped_us = by_us;
}

static void on_resumed(uint64_t us, void *userdata)
{
    (void) userdata;
    n_resumes++;
    slept_us = (int64_t) us;
}

static const struct clockwatch_events events = {on_stepped, on_resumed};

static void begin(void)
{
    fake_clock_reset();
    fake_loop_init(&fl);
    CHECK_INT(clockwatch_new(&clockwatch, &fl.loop, &events, NULL), 0);
}

static void end(void)
{
    clockwatch = clockwatch_free(clockwatch);
    fake_loop_done(&fl);
}

/* The two since the last look; 0 for what was not told. */
static void check(int64_t step, int64_t slept)
{
    n_steps = n_resumes = 0;
    stepped_us = slept_us = 0;
    clockwatch_check(clockwatch);
    CHECK_INT(n_steps, step != 0);
    CHECK_INT(stepped_us, step);
    CHECK_INT(n_resumes, slept != 0);
    CHECK_INT(slept_us, slept);
}

static void test_nothing(void)
{
    begin();
    check(0, 0);
    fake_clock_advance(100000 * USEC_PER_SEC);
    check(0, 0);
    fake_clock_set_real(clock_real_us() + 999999); /* NTP does that all the time */
    check(0, 0);
    fake_clock_sleep(999999);
    check(0, 0);
    end();
}

static void test_steps(void)
{
    begin();
    fake_clock_advance(10 * USEC_PER_SEC);
    fake_clock_set_real(clock_real_us() + USEC_PER_SEC);
    check(S, 0);
    check(0, 0); /* once */
    fake_clock_set_real(0);
    check(-(int64_t) FAKE_CLOCK_REAL_US - 11 * S, 0);
    fake_clock_set_real(FAKE_CLOCK_REAL_US);
    check((int64_t) FAKE_CLOCK_REAL_US, 0);
    end();
}

static void test_sleeps(void)
{
    begin();
    fake_clock_sleep(3600 * USEC_PER_SEC);
    fake_clock_advance(USEC_PER_SEC);
    check(0, 3600 * S);
    check(0, 0);
    fake_clock_sleep(5 * USEC_PER_SEC); /* with a clock that stood still meanwhile */
    fake_clock_set_real(clock_real_us() - 5 * USEC_PER_SEC);
    check(-5 * S, 5 * S);
    end();
}

/* Not everybody wants to know everything. */
static void test_no_listener(void)
{
    static const struct clockwatch_events none = {.on_stepped = NULL};
    struct clockwatch *c;

    fake_clock_reset();
    fake_loop_init(&fl);
    CHECK_INT(clockwatch_new(&c, &fl.loop, &none, NULL), 0);
    fake_clock_sleep(60 * USEC_PER_SEC);
    fake_clock_set_real(0);
    clockwatch_check(c);
    c = clockwatch_free(c);
    fake_loop_done(&fl);
}

/* Where there is no such timer for us. */
static void test_denied(void)
{
    struct rlimit was, none;

    fake_clock_reset();
    fake_loop_init(&fl);
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = was;
    none.rlim_cur = 0;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    CHECK_INT(clockwatch_new(&clockwatch, &fl.loop, &events, NULL), -EMFILE);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK(!clockwatch);
    fake_loop_done(&fl);
}

const char *const suite_name = "clockwatch";
const struct suite_test suite_tests[] = {
    {"nothing", test_nothing},         {"steps", test_steps},   {"sleeps", test_sleeps},
    {"no_listener", test_no_listener}, {"denied", test_denied}, {NULL, NULL},
};
