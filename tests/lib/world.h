/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_WORLD_H
#define IOTD_TESTS_WORLD_H

/* A client of the library and a fake iotd in one loop, on the private bus of the test. */

#include <stdbool.h>

#include <iotclient/iotclient.h>

#include "tests/lib/fake-iotd.h"

struct world {
    struct test_loop tl;
    struct fake *fake; /* NULL: iotd does not run */
    iotc_client *client;
    struct loop_io io;
    int last_dispatch; /* the lowest result of a dispatch */
    /* of world_done() */
    unsigned n_done;
    int done_result;
};

/* Without iotd, with a client. Ends the program on failure. */
void world_init(struct world *w);
/* The same and waits for the attach and the link state. */
void world_init_attached(struct world *w);
void world_fini(struct world *w);

void world_start_fake(struct world *w);
void world_start_fake_at(struct world *w, const char *address);
void world_kill_fake(struct world *w);
void world_add_client(struct world *w);
void world_drop_client(struct world *w);

/* Runs the loop until the condition holds; a failed check otherwise. */
bool world_until(struct world *w, bool (*fn)(void *userdata), void *userdata, const char *what);
#define WORLD_UNTIL(w, fn) world_until((w), (fn), (w), #fn)
/* Runs until the bus and both sides have nothing more to do. */
void world_settle(struct world *w);

bool world_is_up(void *userdata);     /* link state UP */
bool world_is_absent(void *userdata); /* link state ABSENT */
iotc_prop *world_prop(struct world *w, const char *id);

/* An iotc_done_fn that counts in the world (userdata). */
void world_done(iotc_client *client, int result, void *userdata);

#endif /* IOTD_TESTS_WORLD_H */
