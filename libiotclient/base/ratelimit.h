/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_BASE_RATELIMIT_H
#define IOTD_BASE_RATELIMIT_H

/* Token bucket on an injected clock. */

#include <stdint.h>

struct ratelimit {
    uint64_t interval_us; /* one token per interval; 0 means no limit */
    unsigned burst;
    unsigned tokens;
    uint64_t filled_us; /* time up to which tokens were credited */
};

/* rate per second, may be fractional as rate / per_us. */
void ratelimit_init(struct ratelimit *rl, unsigned rate, uint64_t per_us, unsigned burst);
/* Takes a token: 0, or the microseconds until one is there (nothing is taken then). */
uint64_t ratelimit_take(struct ratelimit *rl, uint64_t now_us);
/* The same without taking it. */
uint64_t ratelimit_peek(struct ratelimit *rl, uint64_t now_us);

#endif /* IOTD_BASE_RATELIMIT_H */
