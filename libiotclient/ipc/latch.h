/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_LATCH_H
#define IOTD_IPC_LATCH_H

/*
 * A value in two copies: the writer fills the one that nobody is sent to and then turns the count,
 * so a writer that never stops delays a reader only by overtaking it, and one that stops half way
 * not at all. One writer at a time; any number of readers, in any process.
 */

#include <stdbool.h>

#include "libiotclient/ipc/fence.h"
#include "libiotclient/ipc/layout.h"
#include "libiotclient/ipc/word.h"

/* The new count. Release: who sees the count sees the copy. */
static inline uint32_t latch_write(struct layout_slot *slot, const struct layout_copy *copy)
{
    uint32_t seq = __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) + 1;
    struct layout_copy *to = &slot->copies[seq % 2];

    /* The last turn of the count stays before the words that overwrite what it retired. */
    fence_release();
    for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
        word_store(&to->word[i], copy->word[i]);
    __atomic_store_n(&slot->seq, seq, __ATOMIC_RELEASE);
    return seq;
}

/* Where a read begins: the count and the copy that it stands for. */
static inline uint32_t latch_begin(const struct layout_slot *slot)
{
    return __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
}

static inline uint64_t latch_word(const struct layout_slot *slot, uint32_t seq, unsigned i)
{
    return word_load(&slot->copies[seq % 2].word[i]);
}

/* Whether all that was read since latch_begin() belongs together. */
static inline bool latch_is_good(const struct layout_slot *slot, uint32_t seq)
{
    fence_acquire();
    return __atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq;
}

/*
 * A whole copy, in at most tries attempts. False: the writer was faster each time. Each attempt
 * goes to ret_copy, also one that fails: to copy it once more costs twice as much as to read it.
 */
static inline bool latch_read(const struct layout_slot *slot, unsigned tries,
                              struct layout_copy *ret_copy, uint32_t *ret_seq)
{
    while (tries-- > 0) {
        uint32_t seq = latch_begin(slot);

        for (unsigned i = 0; i < LAYOUT_COPY_WORDS; i++)
            ret_copy->word[i] = latch_word(slot, seq, i);
        if (latch_is_good(slot, seq)) {
            *ret_seq = seq;
            return true;
        }
    }
    return false;
}

/* The words of a copy that a scalar needs, read as latch_read() does. */
struct latch_scalar {
    uint64_t meta;
    uint64_t stamp; /* word 1 */
    uint64_t value; /* word 2 */
};

static inline bool latch_read_scalar(const struct layout_slot *slot, unsigned tries,
                                     struct latch_scalar *ret_scalar)
{
    while (tries-- > 0) {
        uint32_t seq = latch_begin(slot);
        struct latch_scalar scalar = {
            latch_word(slot, seq, 0),
            latch_word(slot, seq, 1),
            latch_word(slot, seq, 2),
        };

        if (latch_is_good(slot, seq)) {
            *ret_scalar = scalar;
            return true;
        }
    }
    return false;
}

/* The parts of word 0. */
static inline uint64_t latch_meta(uint32_t type, uint32_t flags, uint32_t len)
{
    return (uint64_t) len << 32 | (flags & 0xffU) << 8 | (type & 0xffU);
}
static inline uint32_t latch_type(uint64_t meta)
{
    return (uint32_t) (meta & 0xff);
}
static inline uint32_t latch_flags(uint64_t meta)
{
    return (uint32_t) (meta >> 8 & 0xff);
}
static inline uint32_t latch_len(uint64_t meta)
{
    return (uint32_t) (meta >> 32);
}

#endif /* IOTD_IPC_LATCH_H */
