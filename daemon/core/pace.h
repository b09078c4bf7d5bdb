/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_PACE_H
#define IOTD_CORE_PACE_H

/*
 * The one report.rate of two who send reports: newest values and samples. While both have
 * something to send they take turns, so that neither waits for the end of the other.
 */

#include "libiotclient/base/ratelimit.h"

enum pace_user {
    PACE_STATE,
    PACE_SAMPLES,
    PACE_USER_COUNT_,
};

struct pace {
    struct ratelimit rate;
    enum pace_user last;
    uint64_t wanted_until_us[PACE_USER_COUNT_];
};

void pace_init(struct pace *p, unsigned rate);
/* One message: 0, or the microseconds until one may be sent (nothing is taken then). */
uint64_t pace_take(struct pace *p, enum pace_user user, uint64_t now_us);

#endif /* IOTD_CORE_PACE_H */
