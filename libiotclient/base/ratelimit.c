/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/ratelimit.h"

void ratelimit_init(struct ratelimit *rl, unsigned rate, uint64_t per_us, unsigned burst)
{
    *rl = (struct ratelimit){
        .interval_us = rate ? per_us / rate : 0,
        .burst = burst ? burst : 1,
    };
    rl->tokens = rl->burst;
}

uint64_t ratelimit_peek(struct ratelimit *rl, uint64_t now_us)
{
    uint64_t passed, earned;

    if (rl->interval_us == 0)
        return 0;

    if (now_us < rl->filled_us || rl->tokens >= rl->burst)
        rl->filled_us = now_us; /* a full bucket earns nothing; a clock never goes back */
    passed = now_us - rl->filled_us;
    earned = passed / rl->interval_us;
    if (earned >= rl->burst - rl->tokens) {
        rl->tokens = rl->burst;
        rl->filled_us = now_us;
    } else {
        rl->tokens += (unsigned) earned;
        rl->filled_us += earned * rl->interval_us;
    }
    return rl->tokens ? 0 : rl->filled_us + rl->interval_us - now_us;
}

uint64_t ratelimit_take(struct ratelimit *rl, uint64_t now_us)
{
    uint64_t wait = ratelimit_peek(rl, now_us);

    if (wait == 0 && rl->interval_us)
        rl->tokens--;
    return wait;
}
