/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_BACKOFF_H
#define IOTD_BASE_BACKOFF_H

/*
 * Exponential back-off with full jitter: the n-th delay is uniform in [0, min(max, base * 2^n)].
 * Randomness is an argument, so that it can be tested.
 */

#include <stdint.h>

struct backoff {
    uint64_t base_us;
    uint64_t max_us;
    unsigned attempt;
};

void backoff_init(struct backoff *b, uint64_t base_us, uint64_t max_us);
void backoff_reset(struct backoff *b);
/* The next delay; random is any 64 random bits. */
uint64_t backoff_next_us(struct backoff *b, uint64_t random);

#endif /* IOTD_BASE_BACKOFF_H */
