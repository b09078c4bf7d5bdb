/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/sys/rand.h"

#include <stdlib.h>
#include <sys/random.h>

uint64_t rand_u64(void)
{
    uint64_t v;

    /* Short only for requests above 256 bytes; without it there is nothing safe to go on with. */
    if (getrandom(&v, sizeof(v), 0) != sizeof(v))
        abort();
    return v;
}

void rand_text(char *buf, size_t len)
{
    static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = 0; i < len; i++)
        buf[i] = set[rand_u64() % (sizeof(set) - 1)];
    buf[len] = '\0';
}
