/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_REPORT_SLOTS_H
#define IOTD_IPC_REPORT_SLOTS_H

/*
 * Newest values on their way up: a slot for each property that the program reports, overwritten in
 * place, and a bit that says iotd has not seen it. Both ends.
 */

#include "libiotclient/ipc/doorbell.h"
#include "libiotclient/ipc/latch.h"

/*
 * The program: writes a slot, and whether it has to ring. The bit is turned with a full barrier
 * after the value: either iotd, which turns it back before it reads, sees the value, or it finds
 * the bit again. If the bit was on already, who turned it on rings. One thread at a time for each
 * slot.
 */
static inline bool report_slots_write(struct layout_up *up, uint32_t slot,
                                      const struct layout_copy *copy, uint32_t *ret_seq)
{
    uint32_t bit = (uint32_t) 1 << slot % 32;

    *ret_seq = latch_write(&up->slots[slot], copy);
    if (__atomic_fetch_or(&up->dirty[slot / 32], bit, __ATOMIC_SEQ_CST) & bit)
        return false;
    return doorbell_must_ring(&up->bell_slots);
}

/* iotd: the dirty slots of word i, which are clean from now on. */
static inline uint32_t report_slots_take(struct layout_up *up, unsigned i)
{
    if (__atomic_load_n(&up->dirty[i], __ATOMIC_RELAXED) == 0)
        return 0;
    return __atomic_exchange_n(&up->dirty[i], 0, __ATOMIC_SEQ_CST);
}

/* iotd, before it sleeps. */
static inline bool report_slots_are_clean(const struct layout_up *up)
{
    uint32_t any = 0;

    for (unsigned i = 0; i < LAYOUT_REPORT_SLOTS / 32; i++)
        any |= __atomic_load_n(&up->dirty[i], __ATOMIC_RELAXED);
    return any == 0;
}

/* iotd: what was in the slot could not be read as a whole; it is looked at again. */
static inline void report_slots_put_back(struct layout_up *up, uint32_t slot)
{
    (void) __atomic_fetch_or(&up->dirty[slot / 32], (uint32_t) 1 << slot % 32, __ATOMIC_SEQ_CST);
}

#endif /* IOTD_IPC_REPORT_SLOTS_H */
