/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTD_IPC_FENCE_H
#define IOTD_IPC_FENCE_H

/*
 * Fences. ThreadSanitizer executes them but draws no conclusions from them, and gcc warns of that:
 * here it may, since nothing that is ordered by a fence alone is accessed but by atomics.
 */

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Loads before it come before loads and stores after it. */
static inline void fence_acquire(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* Loads and stores before it come before stores after it. */
static inline void fence_release(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Also stores before it come before loads after it. */
static inline void fence_full(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif /* IOTD_IPC_FENCE_H */
