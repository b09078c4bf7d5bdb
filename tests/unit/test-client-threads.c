/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that report while the client has its turns and iotd comes and goes: no value of a
 * property ever follows a newer one, none is lost, each completion runs once.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "libiotclient/ipc/latch.h"
#include "tests/lib/shm-iotd.h"
#include "tests/lib/suite.h"

#define N_THREADS 4
#define N_REPORTS 30000
#define N_SAMPLES 300
#define N_DEATHS 20
#define TURNS_OF_LIFE 4 /* of an iotd */

struct reporter {
    pthread_t thread;
    iotc_prop *prop;
    size_t place;
    int n_reports; /* at least; then until it is told to end */
    int step;      /* every so manieth has a done */
    int n_all;     /* when the thread has ended */
    atomic_bool ends;
    unsigned n_done; /* the client's thread only */
    int64_t seen;    /* by iotd */
    unsigned n_seen;
    unsigned n_backward;
};

struct stage {
    struct shm_iotd *d;
    struct reporter reporters[N_THREADS];
    uint64_t token;
};

static void on_done(iotc_client *client, int result, void *userdata)
{
    struct reporter *r = userdata;

    (void) client;
    CHECK_INT(result, 0);
    r->n_done++;
}

static void *report_all(void *userdata)
{
    struct reporter *r = userdata;

    for (int i = 1; i <= r->n_reports || !r->ends; i++) {
        iotc_done_fn done = i % r->step ? NULL : on_done;

        while (iotc_prop_report_int(r->prop, i, done, r) == -ENOBUFS)
            (void) sched_yield();
        r->n_all = i;
    }
    return NULL;
}

static void see(struct reporter *r, int64_t value)
{
    r->n_backward += value < r->seen;
    r->seen = value;
    r->n_seen++;
}

static void see_record(struct stage *s)
{
    struct pack_item values, item;

    CHECK_INT(s->d->head.type, LAYOUT_UP_REPORT);
    CHECK_INT(pack_find(s->d->items, "values", PACK_STRUCT, &values), 0);
    for (int i = 0; i < N_THREADS; i++) {
        struct reporter *r = &s->reporters[i];

        if (pack_find(values.items, r->prop->id, PACK_INT, &item) == 0)
            see(r, item.i);
    }
}

/* Both have a turn. */
static void turn(struct stage *s)
{
    struct shm_iotd_report report;

    for (int i = 0; i < N_THREADS; i++) {
        if (!shm_iotd_take(s->d, s->reporters[i].place, &report))
            continue;
        see(&s->reporters[i], (int64_t) report.copy.word[2]);
        shm_iotd_done(s->d, &report, 0);
    }
    for (int n = 0; n < 16 && shm_iotd_next(s->d); n++) {
        see_record(s);
        shm_iotd_token(s->d, s->d->head.id, 0, ++s->token);
        shm_iotd_completed(s->d, s->token, 0);
    }
    shm_iotd_give_room(s->d);
    shm_iotd_turns(s->d);
}

static bool are_through(const struct stage *s)
{
    for (int i = 0; i < N_THREADS; i++) {
        const struct reporter *r = &s->reporters[i];

        if (r->seen < r->n_all || r->n_done < (unsigned) (r->n_all / r->step))
            return false;
    }
    return true;
}

static void begin(struct stage *s, int n_reports, int step)
{
    char id[16];

    *s = (struct stage){.d = calloc(1, sizeof(*s->d))};
    shm_iotd_open(s->d, 1);
    for (size_t i = 0; i < N_THREADS; i++) {
        struct reporter *r = &s->reporters[i];

        r->place = SHM_IOTD_N_NAMED + i;
        (void) snprintf(id, sizeof(id), "p%zu", r->place);
        r->prop = table_rig_prop(s->d->client, id);
        r->n_reports = n_reports;
        r->step = step;
        r->ends = false;
    }
}

static void start(struct stage *s)
{
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_INT(pthread_create(&s->reporters[i].thread, NULL, report_all, &s->reporters[i]), 0);
}

/* The threads wait for room now and then: they get it until they have ended. */
static void end_threads(struct stage *s)
{
    for (size_t i = 0; i < N_THREADS; i++)
        s->reporters[i].ends = true;
    for (size_t i = 0; i < N_THREADS; i++) {
        while (pthread_tryjoin_np(s->reporters[i].thread, NULL) == EBUSY)
            turn(s);
    }
}

static void check_and_close(struct stage *s)
{
    for (size_t i = 0; i < N_THREADS; i++) {
        const struct reporter *r = &s->reporters[i];

        CHECK(r->n_all >= r->n_reports);
        CHECK_INT(r->n_backward, 0);
        CHECK_INT(r->seen, r->n_all);
        CHECK_INT(r->n_done, r->n_all / r->step);
    }
    CHECK_INT(s->d->client->reports.n_dones, 0);
    shm_iotd_close(s->d);
    free(s->d);
}

static void end(struct stage *s)
{
    end_threads(s);
    while (!are_through(s))
        turn(s);
    check_and_close(s);
}

static void test_slots(void)
{
    struct stage s;

    begin(&s, N_REPORTS, 10);
    start(&s);
    end(&s);
}

/* iotd dies again and again, and each time the next one hears what was not confirmed. */
static void test_deaths(void)
{
    struct stage s;

    begin(&s, N_REPORTS, 1000000000);
    s.reporters[0].step = 10;
    start(&s);
    for (uint64_t n = 0; n < N_DEATHS; n++) {
        iotc_client *client = s.d->client;

        for (int i = 0; i < TURNS_OF_LIFE; i++)
            turn(&s);
        shm_iotd_die(s.d);
        shm_iotd_open_for(s.d, client, n + 2);
    }
    end(&s);
}

/* With a history each value arrives, in the order of its thread. */
static void test_samples(void)
{
    struct stage s;

    begin(&s, N_SAMPLES, 1);
    for (size_t i = 0; i < N_THREADS; i++)
        reports_set_history(s.d->client, s.reporters[i].prop->id, true);
    start(&s);
    end_threads(&s);
    while (!are_through(&s))
        turn(&s);
    for (size_t i = 0; i < N_THREADS; i++)
        CHECK_INT(s.reporters[i].n_seen, s.reporters[i].n_all);
    check_and_close(&s);
}

const char *const suite_name = "client-threads";
const struct suite_test suite_tests[] = {
    {"slots", test_slots},
    {"deaths", test_deaths},
    {"samples", test_samples},
    {NULL, NULL},
};
