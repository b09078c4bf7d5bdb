/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libiotclient/base/backoff.h"

void backoff_init(struct backoff *b, uint64_t base_us, uint64_t max_us)
{
    *b = (struct backoff){.base_us = base_us, .max_us = max_us};
}

void backoff_reset(struct backoff *b)
{
    b->attempt = 0;
}

uint64_t backoff_next_us(struct backoff *b, uint64_t random)
{
    uint64_t ceiling = b->base_us;

    for (unsigned i = 0; i < b->attempt && ceiling < b->max_us; i++)
        ceiling = ceiling > UINT64_MAX / 2 ? UINT64_MAX : ceiling * 2;
    if (ceiling > b->max_us)
        ceiling = b->max_us;
    if (b->attempt < 64)
        b->attempt++;
    return ceiling == UINT64_MAX ? random : random % (ceiling + 1);
}
