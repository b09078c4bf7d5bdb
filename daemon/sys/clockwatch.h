/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_SYS_CLOCKWATCH_H
#define IOTD_SYS_CLOCKWATCH_H

/*
 * Tells when the machine has slept, and when somebody has set its clock: a timer that the kernel
 * cancels at both (TFD_TIMER_CANCEL_ON_SET) says when to look, the clocks say what it was.
 */

#include <stdint.h>

#include "libiotclient/base/loop.h"
#include "libiotclient/base/macro.h"

struct clockwatch;

/* Members may be NULL. A step during a sleep is told first. */
struct clockwatch_events {
    void (*on_stepped)(int64_t by_us, void *userdata);
    void (*on_resumed)(uint64_t slept_us, void *userdata);
};

/* events is borrowed. 0; -ENOMEM; others where there is no such timer */
int clockwatch_new(struct clockwatch **ret_clockwatch, struct loop *loop,
                   const struct clockwatch_events *events, void *userdata) MUST_CHECK;
struct clockwatch *clockwatch_free(struct clockwatch *c);
DEFINE_FREEP(struct clockwatch, clockwatch_free)

/* What the timer triggers: compares the clocks with what they were, and tells. */
void clockwatch_check(struct clockwatch *c);

#endif /* IOTD_SYS_CLOCKWATCH_H */
