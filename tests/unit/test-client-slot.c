/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/client.h"
#include "libiotclient/slot.h"
#include "tests/lib/suite.h"

#define N_SLOTS 4

/* What a slot does when it is called. */
struct actor {
    struct world *world;
    iotc_slot *slot;
    unsigned n_calls;
    unsigned n_freed;
    int ends; /* the index of the slot that it ends, or -1 */
    bool adds;
    bool closes;
    bool walks;
};

struct world {
    struct iotc_client client; /* only what slots look at */
    struct slot_list list;
    struct actor actors[N_SLOTS + 1];
    unsigned n_walked;
};

static void on_free(void *userdata)
{
    struct actor *a = userdata;

    a->n_freed++;
}

static void call(iotc_slot *slot, void *arg);

static void act(struct actor *a)
{
    struct world *w = a->world;

    a->n_calls++;
    if (a->ends >= 0)
        w->actors[a->ends].slot = iotc_slot_unref(w->actors[a->ends].slot);
    if (a->closes)
        w->client.closed = true;
    if (a->adds) {
        a->adds = false;
        CHECK_INT(slot_new(&w->actors[N_SLOTS].slot, &w->list, &w->client, NULL,
                           &w->actors[N_SLOTS], on_free),
                  0);
    }
    if (a->walks) {
        a->walks = false;
        slot_list_walk(&w->list, call, w);
    }
}

static void call(iotc_slot *slot, void *arg)
{
    struct world *w = arg;

    w->n_walked++;
    act(slot->userdata);
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));

    CHECK(w != NULL);
    slot_list_init(&w->list);
    for (int i = 0; i <= N_SLOTS; i++)
        w->actors[i] = (struct actor){.world = w, .ends = -1};
    for (int i = 0; i < N_SLOTS; i++)
        CHECK_INT(slot_new(&w->actors[i].slot, &w->list, &w->client, NULL, &w->actors[i], on_free),
                  0);
    return w;
}

/* Ends what is left; everything must have been freed once. */
static void world_free(struct world *w)
{
    slot_list_done(&w->list);
    for (int i = 0; i <= N_SLOTS; i++) {
        bool existed = i < N_SLOTS || w->actors[i].n_freed > 0;

        CHECK_INT(w->actors[i].n_freed, existed ? 1 : 0);
        iotc_slot_unref(w->actors[i].slot);
        CHECK_INT(w->actors[i].n_freed, existed ? 1 : 0);
    }
    free(w);
}

static void check_calls(struct world *w, unsigned a, unsigned b, unsigned c, unsigned d)
{
    const unsigned wanted[N_SLOTS] = {a, b, c, d};

    for (int i = 0; i < N_SLOTS; i++)
        CHECK_INT(w->actors[i].n_calls, wanted[i]);
}

static void test_walk(void)
{
    struct slot_list empty;
    struct world *w = world_new();

    slot_list_init(&empty);
    slot_list_walk(&empty, call, w);
    slot_list_walk(&w->list, call, w);
    check_calls(w, 1, 1, 1, 1);
    world_free(w);
}

/* Every slot ends every slot, also itself. */
static void test_end_matrix(void)
{
    for (int from = 0; from < N_SLOTS; from++) {
        for (int to = 0; to < N_SLOTS; to++) {
            struct world *w = world_new();

            w->actors[from].ends = to;
            slot_list_walk(&w->list, call, w);
            for (int i = 0; i < N_SLOTS; i++)
                CHECK_INT(w->actors[i].n_calls, i == to && to > from ? 0 : 1);
            CHECK_INT(w->actors[to].n_freed, 1);
            slot_list_walk(&w->list, call, w);
            CHECK_INT(w->actors[to].n_calls, to > from ? 0 : 1);
            world_free(w);
        }
    }
}

/* What is added during a walk waits for the next. */
static void test_add(void)
{
    struct world *w = world_new();

    w->actors[N_SLOTS - 1].adds = true;
    slot_list_walk(&w->list, call, w);
    CHECK_INT(w->actors[N_SLOTS].n_calls, 0);
    slot_list_walk(&w->list, call, w);
    CHECK_INT(w->actors[N_SLOTS].n_calls, 1);
    world_free(w);
}

static void test_close(void)
{
    struct world *w = world_new();

    w->actors[1].closes = true;
    slot_list_walk(&w->list, call, w);
    check_calls(w, 1, 1, 0, 0);
    world_free(w);
}

/* A walk in a walk, and ends in both: nothing is freed under anyone's feet. */
static void test_nested(void)
{
    struct world *w = world_new();

    w->actors[0].walks = true;
    w->actors[2].ends = 0;
    w->actors[3].ends = 1;
    slot_list_walk(&w->list, call, w);
    check_calls(w, 2, 1, 2, 2);
    CHECK_INT(w->actors[0].n_freed, 1);
    CHECK_INT(w->actors[1].n_freed, 1);
    world_free(w);
}

static void test_floating(void)
{
    struct world *w = world_new();

    w->actors[0].slot->floating = true;
    w->actors[0].slot = NULL;
    world_free(w); /* the sanitizer tells if it leaks */
}

static void test_nothing(void)
{
    CHECK(iotc_slot_unref(NULL) == NULL);
    CHECK_INT(iotc_slot_get_error(NULL), -EINVAL);
    CHECK_INT(iotc_slot_watch(NULL, NULL, NULL), -EINVAL);
}

const char *const suite_name = "client-slot";
const struct suite_test suite_tests[] = {
    {"walk", test_walk},       {"end_matrix", test_end_matrix},
    {"add", test_add},         {"close", test_close},
    {"nested", test_nested},   {"floating", test_floating},
    {"nothing", test_nothing}, {NULL, NULL},
};
