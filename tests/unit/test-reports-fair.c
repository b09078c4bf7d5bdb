/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs take turns: what one of them has to say does not hold up the others. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

/* Values with a time stamp of one program do not hold up the others, of either kind. */
static void test_timed_burst(void)
{
    const uint64_t then = FAKE_CLOCK_REAL_US / S - 1000;
    uint64_t timed, newest, own, stamp;
    unsigned n_before = 0;

    crig_begin();
    pace_init(&crig.core->pace, 1000);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.door, FEATURE_PROPERTY, "power");
    for (unsigned i = 0; i < 60; i++)
        CHECK_INT(report_try(LAMP, P_LEVEL, i, then + i, &stamp), 0);
    own = report(LAMP, P_LEVEL, 77);
    newest = report(DOOR, P_POWER, 1);
    CHECK_INT(report_try(DOOR, P_POWER, 0, then, &timed), 0);
    rig_connect(rig, true);
    for (unsigned i = 0; i < 62; i++) {
        rig_advance(rig, 2000);
        CHECK(*report_next());
        n_before += report_code_of(timed) < 0 || report_code_of(newest) < 0;
        CHECK_INT(report_code_of(own), -1);
        report_reply(report_seen.token, 0, "");
    }
    CHECK(n_before <= 4);
    CHECK(report_code_of(timed) == 0 && report_code_of(newest) == 0);
    CHECK_INT(report_code_of(stamp), 0);
    rig_advance(rig, 2000);
    CHECK_STR(report_next(), "{\"level\":77}"); /* behind its own, and the last */
    report_reply(report_seen.token, 0, "");
    CHECK_INT(report_code_of(own), 0);
    CHECK_INT(crig.core->reports.n_waiters, 0);
    crig_end();
}

/* A program with much to say lets others in between its messages, and those before it too. */
static void test_big_burst(void)
{
    static char text[LIMIT_STRING_VALUE + 1];
    char own[] = "p14";
    uint64_t lamp, door;
    struct wire_packet p;
    unsigned n = 0;

    memset(text, '\x01', LIMIT_STRING_VALUE); /* one fills a message */
    report_begin_big();
    for (char id[8] = "p0"; n < 14; n++) {
        (void) snprintf(id, sizeof(id), "p%u", n);
        crig_serve(crig.lamp, FEATURE_PROPERTY, id);
    }
    crig_serve(crig.door, FEATURE_PROPERTY, own);
    rig_connect(rig, true);
    pace_init(&crig.core->pace, 5);
    lamp = report_texts(LAMP, 0, 14, text);
    rig_advance(rig, 0);
    CHECK(rig_next_publish(rig, &p, true));
    door = report_texts(DOOR, 14, 1, text);
    for (n = 1; n < 14 && !strstr(p.payload, own); n++) {
        rig_advance(rig, S / 5);
        CHECK(rig_next_publish(rig, &p, true));
    }
    CHECK(n <= 3);
    CHECK(report_code_of(lamp) == -1 && report_code_of(door) == -1);
    crig_end();

    /* Both at once, the big one first. */
    report_begin_big();
    for (n = 0; n < 14; n++) {
        char id[8];

        (void) snprintf(id, sizeof(id), "p%u", n);
        crig_serve(crig.lamp, FEATURE_PROPERTY, id);
    }
    crig_serve(crig.door, FEATURE_PROPERTY, own);
    (void) report_texts(LAMP, 0, 14, text);
    (void) report_texts(DOOR, 14, 1, text);
    rig_connect(rig, true);
    for (n = 0; n < 14; n++) {
        rig_advance(rig, S / 5);
        CHECK(rig_next_publish(rig, &p, true));
        if (strstr(p.payload, own))
            break;
    }
    CHECK(n <= 2);
    crig_end();
}

/* What is reported while a message waits for its time goes with it. */
static void test_joined(void)
{
    uint64_t a, b;

    report_begin_up();
    (void) report(LAMP, P_LEVEL, 1);
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":1}");
    a = report(LAMP, P_LEVEL, 2);
    rig_advance(rig, 1000);
    b = report(DOOR, P_POWER, 1);
    rig_advance(rig, S / 5);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":2}");
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(a) == 0 && report_code_of(b) == 0);
    rig_advance(rig, S);
    CHECK_STR(report_next(), "");
    crig_end();
}

const char *const suite_name = "reports-fair";
const struct suite_test suite_tests[] = {
    {"timed_burst", test_timed_burst},
    {"big_burst", test_big_burst},
    {"joined", test_joined},
    {NULL, NULL},
};
