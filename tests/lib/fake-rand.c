/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tests/lib/fake-rand.h"

#include <stdbool.h>

#include "daemon/sys/rand.h"

#define SEED 88172645463325252ULL

static uint64_t state = SEED, fixed, n_texts;
static bool is_fixed;

uint64_t rand_u64(void)
{
    if (is_fixed)
        return fixed;
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void rand_text(char *buf, size_t len)
{
    uint64_t n = ++n_texts;

    buf[len] = '\0';
    while (len-- > 0) {
        buf[len] = (char) ('0' + n % 10);
        n /= 10;
    }
}

void fake_rand_reset(void)
{
    state = SEED;
    is_fixed = false;
    n_texts = 0;
}

void fake_rand_fix(uint64_t value)
{
    is_fixed = true;
    fixed = value;
}
