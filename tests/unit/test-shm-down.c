/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring down: what iotd has for a program, also for one that does not read. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/event-steps.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/shm-rig.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

/* --- commands of this device; how they ended --- */

static struct {
    unsigned n;
    int code;
} ended;

static void on_ended(int code, const char *text, const char *response, void *userdata)
{
    (void) text;
    (void) response;
    (void) userdata;
    ended.n++;
    ended.code = code;
}

static void control_text(size_t len)
{
    char *text = calloc(1, len + 1);
    json_t *params = json_object();

    if (!text || !params)
        abort();
    memset(text, 'x', len);
    (void) json_object_set_new(params, "name", json_string(text));
    calls_control(&crig.core->calls, params, on_ended, NULL);
    json_decref(params);
    free(text);
}

static void begin_served(void)
{
    memset(&ended, 0, sizeof(ended));
    srig_begin_up();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "name");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
}

/* A control that is there when the call returns, and the bell with it. */
static void test_control(void)
{
    begin_served();
    srig_sleep();
    control_text(3);
    CHECK(srig_was_rung());
    CHECK_INT(srig.up->bell_program, 0);
    control_text(4);
    CHECK(!srig_was_rung()); /* it is awake */
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={name=\"xxx\"}");
    CHECK_STR(srig_next(), "CONTROL 2 0 handler=\"/handler\" values={name=\"xxxx\"}");
    CHECK_INT(ended.n, 0);
    srig_end();
    CHECK_INT(ended.n, 2);
}

static void test_invoke(void)
{
    json_t *params = json_object();

    begin_served();
    calls_invoke(&crig.core->calls, "ping", params, on_ended, NULL);
    CHECK_STR(srig_next(), "INVOKE 1 0 handler=\"/handler\" action=\"ping\" input={}");
    srig_items();
    srig_send(LAYOUT_UP_ANSWER, 1, 0);
    srig_run();
    CHECK_INT(ended.n, 1);
    CHECK_INT(ended.code, 0);
    json_decref(params);
    srig_end();
}

/* A program that is gone is asked for nothing. */
static void test_over(void)
{
    begin_served();
    srig.up->ring_head = 4;
    doorbell_ring(srig.bell_up);
    srig.p->io.fn(&srig.p->io, LOOP_READ, srig.p);
    CHECK(srig.p && srig.p->is_over);
    control_text(3); /* before the loop had its turn */
    CHECK_INT(ended.n, 1);
    CHECK_INT(ended.code, 405);
    shm_program_set_table(srig.p, 7);
    CHECK_INT(srig.down->table_epoch, 0);
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    srig_end();
}

/* --- a program that does not read --- */

/* Tokens until one does not fit. */
static unsigned fill_ring(void)
{
    unsigned n = 0;

    while (list_is_empty(&srig.p->backlog))
        shm_down_token(srig.p, n++, 0, 1, NULL);
    CHECK_INT(srig.down->wants_room, 1);
    return n;
}

static void test_backlog(void)
{
    unsigned n, seen = 0;

    begin_served();
    n = fill_ring();
    CHECK(n > 1000);
    for (; n < 3000; n++)
        shm_down_token(srig.p, n, 0, 1, NULL);
    CHECK_STR(srig_next(), "TOKEN 0 0 token=1"); /* which says that there is room */
    srig_run();
    do {
        seen++;
        CHECK_INT(strtoull(srig.text + 6, NULL, 10), seen - 1); /* in order */
        srig_run();
    } while (*srig_next());
    CHECK_INT(seen, n);
    CHECK(list_is_empty(&srig.p->backlog));
    CHECK_INT(srig.p->n_backlog, 0);
    CHECK_INT(srig.down->wants_room, 0);
    CHECK_INT(srig.up->bell_ring, 1);
    CHECK(!loop_timer_is_armed(&srig.p->ring_timer));
    srig_end();
}

/* What it hands in stays where it is until it has read. */
static void test_back_pressure(void)
{
    begin_served();
    (void) fill_ring();
    while (srig.p->n_backlog <= SHM_BACKLOG_PRESSURE)
        shm_down_token(srig.p, 1, 0, 1, NULL);
    srig_report(1, "level", 5);
    srig_run();
    rig_advance(rig, 10 * S);
    srig_run();
    CHECK_STR(report_next(), "");
    CHECK(!ring_is_empty(&srig.p->from_program));
    while (*srig_next())
        srig_run();
    CHECK_STR(report_next(), "{\"level\":5}");
    srig_end();
}

/* It reads nothing before it is rid of its answer, for which its ring has no room. */
static void test_both_full(void)
{
    begin_served();
    control_text(3);
    CHECK_STR(srig_next(), "CONTROL 1 0 handler=\"/handler\" values={name=\"xxx\"}");
    (void) fill_ring();
    do {
        struct pack_writer *w = srig_items();
        size_t opened = pack_open(w, "values", PACK_STRUCT);

        pack_put_int(w, "level", 5);
        pack_close(w, opened);
    } while (srig_try_send(LAYOUT_UP_REPORT, 1, 0) == 0);
    srig_items();
    while (srig_try_send(LAYOUT_UP_REPORT, 1, 0) == 0)
        continue;
    CHECK_INT(srig_try_send(LAYOUT_UP_ANSWER, 1, 0), -ENOBUFS);
    srig.up->wants_room = 1;
    srig_sleep();
    srig_advance(S);
    CHECK(srig_was_rung());
    CHECK_INT(srig.up->wants_room, 0);
    srig_items();
    CHECK_INT(srig_try_send(LAYOUT_UP_ANSWER, 1, 0), 0);
    srig_advance(S);
    CHECK_INT(ended.n, 1);
    CHECK_INT(ended.code, 0);
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

/* Commands are refused before there is no room for what cannot be. */
static void test_commands_bound(void)
{
    begin_served();
    (void) fill_ring();
    while (srig.p->n_backlog < SHM_BACKLOG_COMMANDS - 10000)
        shm_down_token(srig.p, 1, 0, 1, NULL);
    for (int i = 0; i < 6; i++)
        control_text(2048);
    CHECK_INT(ended.n, 2); /* of six there was room for four */
    CHECK_INT(ended.code, 405);
    CHECK(srig.p->n_backlog <= SHM_BACKLOG_COMMANDS);
    CHECK(shm_program_completed(srig.p, 1, 0));
    CHECK(!srig.p->is_over);
    srig_run();
    CHECK_INT(srig.n_offences, 0);
    srig_end();
}

/* Who lets it grow and grow is detached. */
static void test_bound(void)
{
    unsigned n, before;

    begin_served();
    n = before = fill_ring();
    while (!srig.p->is_over && n < 100000) {
        (void) shm_program_completed(srig.p, n, 0);
        n++;
        CHECK(srig.p->n_backlog <= SHM_BACKLOG);
    }
    CHECK(n - before > 1000);
    CHECK(!shm_program_completed(srig.p, n, 0));
    CHECK_INT(srig.n_offences, 0); /* from the loop */
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    srig_end();
}

/* It says of its end of the ring down what cannot be. */
static void test_broken_tail(void)
{
    begin_served();
    srig.up->down_tail = 8;
    control_text(3);
    CHECK_INT(ended.code, 405);
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    srig_end();

    begin_served();
    (void) fill_ring();
    srig.up->down_tail = 3;
    doorbell_ring(srig.bell_up);
    srig_run();
    CHECK_INT(srig.n_offences, 1);
    srig_end();
}

/* --- completions, watches --- */

static void test_completions(void)
{
    uint64_t token = 0;

    srig_begin_up();
    srig_sleep();
    CHECK_INT(report_try(LAMP, P_LEVEL, 5, 0, &token), 0); /* over the bus */
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":5}");
    report_reply(report_seen.token, 406, "no");
    CHECK(srig_was_rung());
    CHECK(strncmp(srig_next(), "COMPLETED 0 406 token=", 22) == 0);
    CHECK_INT(srig_token(), token);
    CHECK_INT(report_try(DOOR, P_LEVEL, 6, 0, &token), 0);
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":6}");
    report_reply(report_seen.token, 0, "");
    CHECK_STR(srig_next(), "");
    srig_end();
}

static void test_watch(void)
{
    const size_t some[] = {P_COLOR, P_LEVEL}, far[] = {LAYOUT_PLACES_MAX, SIZE_MAX};

    srig_begin();
    srig_sleep();
    shm_program_changed(srig.p, some, 2);
    CHECK(!srig_was_rung());
    srig.up->watch[0] = 1U << P_LEVEL;
    shm_program_changed(srig.p, some, 1);
    CHECK(!srig_was_rung());
    shm_program_changed(srig.p, some, 2);
    CHECK(srig_was_rung());
    shm_program_changed(srig.p, some, 2);
    CHECK(!srig_was_rung()); /* it has not slept again */
    memset(srig.up->watch, 0xff, sizeof(srig.up->watch));
    srig_sleep();
    shm_program_changed(srig.p, far, 2);
    CHECK(!srig_was_rung());
    shm_program_set_table(srig.p, 0x123456789abcdef0);
    CHECK(srig_was_rung());
    CHECK(srig.down->table_epoch == 0x123456789abcdef0);
    srig_end();
}

/* A program that does not hear its bell: the pipe is full, and iotd goes on. */
static void test_deaf(void)
{
    begin_served();
    for (int i = 0; i < 100000; i++) {
        srig_sleep();
        shm_program_set_table(srig.p, 1);
    }
    CHECK(srig_was_rung());
    srig_end();
}

const char *const suite_name = "shm-down";

const struct suite_test suite_tests[] = {
    {"control", test_control},
    {"action", test_invoke},
    {"after the end", test_over},
    {"backlog", test_backlog},
    {"back-pressure", test_back_pressure},
    {"both rings full", test_both_full},
    {"bound of commands", test_commands_bound},
    {"bound", test_bound},
    {"a tail that cannot be", test_broken_tail},
    {"completions", test_completions},
    {"watches and tables", test_watch},
    {"a deaf program", test_deaf},
    {NULL, NULL},
};
