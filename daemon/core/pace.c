/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/pace.h"

#include "libiotclient/base/macro.h"

void pace_init(struct pace *p, unsigned rate)
{
    *p = (struct pace){.last = PACE_SAMPLES};
    ratelimit_init(&p->rate, rate, USEC_PER_SEC, 1);
}

uint64_t pace_take(struct pace *p, enum pace_user user, uint64_t now_us)
{
    enum pace_user other = user == PACE_STATE ? PACE_SAMPLES : PACE_STATE;
    uint64_t wait;

    /* Who asked and had to wait comes back in time, or does not want it any more. */
    if (p->last == user && p->wanted_until_us[other] > now_us)
        wait = p->rate.interval_us;
    else
        wait = ratelimit_take(&p->rate, now_us);
    p->wanted_until_us[user] = wait ? now_us + wait + p->rate.interval_us : 0;
    if (wait == 0)
        p->last = user;
    return wait;
}
