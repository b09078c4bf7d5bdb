/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_TESTS_FAKE_LOOP_H
#define IOTD_TESTS_FAKE_LOOP_H

/* A loop on the fake clock: timers run when the test moves the time, descriptors never do. */

#include <stdint.h>

#include "libiotclient/base/loop.h"

struct fake_loop {
    struct loop loop; /* pass &fl->loop on */
    uint64_t wake_us; /* what the timers asked for; UINT64_MAX: nothing */
};

void fake_loop_init(struct fake_loop *fl);
/* Asserts that no timer is left. */
void fake_loop_done(struct fake_loop *fl);
/* Goes on to now + us and runs each timer at its own time; 0 runs what is due. */
void fake_loop_advance(struct fake_loop *fl, uint64_t us);

#endif /* IOTD_TESTS_FAKE_LOOP_H */
