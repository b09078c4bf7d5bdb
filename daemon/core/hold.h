/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_HOLD_H
#define IOTD_CORE_HOLD_H

/*
 * Which newest values their policy holds back, and until when. A value that is held back is
 * overtaken or sent in the end: at min_interval after the last one, or, within the dead band of
 * what was sent, at max_interval.
 */

#include "daemon/cloud/value.h"
#include "daemon/core/policy.h"

struct hold {
    bool was_sent;
    bool is_number;
    double sent; /* if it is one */
    uint64_t sent_us;
    uint64_t due_us; /* 0: not held */
};

struct holds {
    struct hold *all; /* by index of the model */
    size_t n;
    size_t n_held;
};

int holds_init(struct holds *hs, size_t n) MUST_CHECK;
void holds_done(struct holds *hs);
int holds_reserve(struct holds *hs, size_t n) MUST_CHECK;

/* A value was reported: whether it is held back. One that is has taken the place of an older. */
bool holds_take(struct holds *hs, size_t index, const struct policy *policy, const struct value *v,
                uint64_t now_us);
/* A value is sent. */
void holds_sent(struct holds *hs, size_t index, const struct value *v, uint64_t now_us);
/* It leaves without being due. */
void holds_drop(struct holds *hs, size_t index);
/*
 * Drops what is due and calls fn for it.
 * @return the microseconds until the next one is; UINT64_MAX: none is held
 */
uint64_t holds_release(struct holds *hs, uint64_t now_us, void (*fn)(size_t index, void *userdata),
                       void *userdata);

#endif /* IOTD_CORE_HOLD_H */
