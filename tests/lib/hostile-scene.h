/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_HOSTILE_SCENE_H
#define IOTD_TESTS_HOSTILE_SCENE_H

/*
 * A scene with two well-behaved programs, which hear nothing of what happens: one on the bus that
 * serves brightness, one of the library, with shared memory, that serves power_switch; and a
 * hostile one (scribbler.h).
 */

#include "tests/lib/scene.h"
#include "tests/lib/world.h"

struct hostile_scene {
    struct scene s;
    struct bus_client *lamp;
    struct world world;
    iotc_slot *slot;
    unsigned n_controls, n_wanted;
    struct proc *scribbler; /* NULL: none runs */
    int input;              /* of it */
    bool is_let_go;
    int begin_fds;
};

void hostile_start(struct hostile_scene *h);
/* Everything is as it was before. */
void hostile_stop(struct hostile_scene *h);

/* Starts it; seed and n may be 0. It is attached on return. */
void hostile_run(struct hostile_scene *h, const char *mode, unsigned seed, unsigned n);
/* A line that it prints; a want with a | in it is one or the other. */
#define HOSTILE_SAYS(h, want) hostile_says(__FILE__, __LINE__, h, want)
void hostile_says(const char *file, int line, struct hostile_scene *h, const char *want);
/* Tells it, or what is left of it, to end. */
void hostile_let_go(struct hostile_scene *h);
/* Waits for its end: 0 once it was let go, or 128 + the signal that it sent to itself. */
void hostile_end(struct hostile_scene *h, int status);

/* The others are served: values are read and reported, controls answered. Nothing of theirs has
 * changed. */
void hostile_check_others(struct hostile_scene *h);
/* iotd waits, and does not turn round and round: its processor time until a deadline of its own. */
void hostile_check_calm(struct hostile_scene *h);

#endif /* IOTD_TESTS_HOSTILE_SCENE_H */
