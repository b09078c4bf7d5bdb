/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_WORD_H
#define IOTD_IPC_WORD_H

/*
 * Words of eight bytes that others may read or write meanwhile. Where the machine has no such
 * words the halves may be of two writes: for what is believed only if a count has not turned.
 */

#include <stdint.h>
#include <string.h>

#if UINTPTR_MAX > UINT32_MAX
static inline uint64_t word_load(const uint64_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}
static inline void word_store(uint64_t *to, uint64_t word)
{
    __atomic_store_n(to, word, __ATOMIC_RELAXED);
}
#else
typedef uint32_t word_half __attribute__((may_alias));

static inline uint64_t word_load(const uint64_t *from)
{
    const word_half *shared = (const word_half *) from;
    uint32_t halves[2];
    uint64_t word;

    halves[0] = __atomic_load_n(&shared[0], __ATOMIC_RELAXED);
    halves[1] = __atomic_load_n(&shared[1], __ATOMIC_RELAXED);
    memcpy(&word, halves, sizeof(word));
    return word;
}
static inline void word_store(uint64_t *to, uint64_t word)
{
    word_half *shared = (word_half *) to;
    uint32_t halves[2];

    memcpy(halves, &word, sizeof(word));
    __atomic_store_n(&shared[0], halves[0], __ATOMIC_RELAXED);
    __atomic_store_n(&shared[1], halves[1], __ATOMIC_RELAXED);
}
#endif

#endif /* IOTD_IPC_WORD_H */
