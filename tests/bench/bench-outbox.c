/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durable events a second: from events_post() to the answer, which comes when the event is on
 * disk, against SQLite doing the same inserts in the same transactions and nothing else. In
 * flight: how many posts wait at a time, which is how many share a commit.
 *
 * Both write to a new file in TMPDIR in each round, and take turns.
 */

#include <stdio.h>

#include "tests/bench/bare-outbox.h"
#include "tests/bench/bench.h"
#include "tests/bench/stack.h"

#define ROUNDS 12

struct poster {
    struct stack stack;
    unsigned n_left; /* to be posted */
    unsigned n_open; /* not answered yet */
};

static void on_posted(int result, uint64_t token, void *userdata);

static void post(struct poster *p)
{
    p->n_left--;
    p->n_open++;
    bench_must(events_post(&p->stack.core->events, STACK_PEER, p->stack.event, STACK_PARAMS, 0,
                           on_posted, p),
               "post");
}

static void on_posted(int result, uint64_t token, void *userdata)
{
    struct poster *p = userdata;

    (void) token;
    bench_must(result, "store");
    p->n_open--;
    if (p->n_left > 0)
        post(p);
    else if (p->n_open == 0)
        loop_lws_stop(p->stack.loop);
}

static double run_iotd(struct loop_lws *loop, unsigned n, unsigned in_flight, const char *name)
{
    struct poster p = {.n_left = n};
    uint64_t start;
    double rate;

    stack_init_link(&p.stack, loop, "ws://127.0.0.1:9/mqtt", 0); /* never enabled */
    stack_init_core(&p.stack, name);
    start = bench_now_ns();
    for (unsigned i = 0; i < in_flight; i++)
        post(&p);
    bench_must(loop_lws_run(loop), "loop");
    rate = bench_rate(n, start);
    stack_done(&p.stack);
    return rate;
}

static double run_sqlite(unsigned n, unsigned in_flight, const char *name)
{
    struct bare_outbox *b = bare_outbox_new(name);
    uint64_t start = bench_now_ns();
    double rate;

    for (unsigned i = 0; i < n;) {
        bare_outbox_begin(b);
        for (unsigned k = 0; k < in_flight && i < n; k++)
            bare_outbox_insert(b, i++);
        bare_outbox_commit(b);
    }
    rate = bench_rate(n, start);
    bare_outbox_free(b);
    return rate;
}

int main(void)
{
    static const struct {
        unsigned in_flight, n;
        const char *name, *baseline;
    } cases[] = {
        {1, 1000, "outbox.durable_1", "outbox.sqlite_1"},
        {10, 10000, "outbox.durable_10", "outbox.sqlite_10"},
        {100, 50000, "outbox.durable_100", "outbox.sqlite_100"},
    };
    struct loop_lws *loop;

    bench_must(loop_lws_new(&loop), "loop");
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        struct bench_series iotd = {.name = cases[c].name, .unit = "events/s"};
        struct bench_series bare = {.name = cases[c].baseline, .unit = "events/s"};

        for (unsigned i = 0; i < ROUNDS; i++) {
            char name[64];

            /* Who comes second may have to wait for what the first left to the disk. */
            for (unsigned turn = 0; turn < 2; turn++) {
                (void) snprintf(name, sizeof(name), "%zu-%u-%u.db", c, i, turn);
                if (turn == i % 2)
                    bench_add(&iotd, run_iotd(loop, cases[c].n, cases[c].in_flight, name));
                else
                    bench_add(&bare, run_sqlite(cases[c].n, cases[c].in_flight, name));
            }
        }
        bench_print_pairs(&iotd, &bare);
        bench_print(&bare, NULL);
        bench_clear(&iotd);
        bench_clear(&bare);
    }
    loop_lws_free(loop);
    return 0;
}
