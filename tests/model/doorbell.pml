/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Report slots: libiotclient/ipc/doorbell.h, report_slots.h, and iotd, which takes the dirty slots
 * once in a turn. Two threads of a program write one slot, each several times; iotd must see the
 * last value, and must not need a bell that nobody rings. Somebody else rings the same pipe, too.
 *
 * Each of these is a mistake, and must be found:
 *   NO_RING_FENCE   who has published looks at the word without a fence
 *   NO_SLEEP_FENCE  who wants to sleep looks for work without a fence
 *   NO_LOOK         who wants to sleep does not look again
 *   LATE_CLEAR      empties the pipe when it is about to sleep, not when it woke up
 *   LATE_TAKE       reads the slot, then takes the bit
 */

#define N_THREADS 2
#define N_WRITES 2
#define IOTD N_THREADS
#define N_PROCS 3
#define DEPTH 3
#define DIRTY 0
#define BELL 1
#define VALUE 2
#define N_VARS 3

#include "memory.pml"

byte n_written; /* one thread at a time writes the slot: the lock of the library */
bit is_locked;
bit pipe; /* something is in it */
byte seen;
bit has_strayed;

inline ring_if_asleep()
{
#ifdef NO_RING_FENCE
    if
    :: is_early -> is_early = 0; /* as looked before */
    :: else -> load(BELL, word);
    fi;
#else
    fence_full();
    load(BELL, word);
#endif
    if
    :: word ->
        exchange(BELL, 0, word);
        if
        :: word -> pipe = 1;
        :: else
        fi;
    :: else
    fi;
    word = 0;
}

proctype thread(byte me)
{
    byte at, n, old, word;
    bit is_early;

    do
    :: n < N_WRITES ->
        atomic {
            !is_locked;
            is_locked = 1;
        }
        n_written++;
        store_release(VALUE, n_written);
        fence_full(); /* of the lock */
        is_locked = 0;
#ifdef NO_RING_FENCE
        /* Nothing keeps the load of the word behind the exchange, whose store may take its time. */
        if
        :: load(BELL, word); is_early = 1;
        :: skip;
        fi;
#endif
        fetch_or(DIRTY, 1, old);
        if
        :: !old -> ring_if_asleep();
        :: else -> is_early = 0; word = 0;
        fi;
        old = 0;
        n++;
    :: else -> break;
    od
}

/* The bell word of the rings shares the pipe. */
proctype stray()
{
    pipe = 1;
    has_strayed = 1;
}

proctype iotd()
{
    byte me = IOTD, at, taken, value;

turn:
    do
    ::
#ifdef LATE_TAKE
        load(VALUE, value);
        exchange(DIRTY, 0, taken);
#else
        exchange(DIRTY, 0, taken);
        load(VALUE, value);
#endif
        if
        :: taken ->
            assert(value >= seen);
            seen = value;
            value = 0;
            taken = 0; /* until the timer: the word stays as it is, nobody rings */
        :: else ->
            value = 0;
            store_release(BELL, 1);
#ifndef NO_SLEEP_FENCE
            fence_full();
#endif
#ifndef NO_LOOK
            load(DIRTY, value);
#endif
            if
            :: value -> value = 0;
            :: else ->
#ifdef LATE_CLEAR
                pipe = 0;
#endif
end_sleep:
                pipe;
#ifndef LATE_CLEAR
                pipe = 0;
#endif
            fi;
            store_release(BELL, 0);
        fi;
    od
}

/* Nobody can go on: all that was written has been seen. */
proctype witness()
{
    timeout;
    assert(n_written == N_THREADS * N_WRITES && has_strayed);
    assert(seen == n_written);
}

init
{
    byte p;

    atomic {
        for (p : 0 .. N_PROCS - 1) {
            run store_buffer(p);
        }
        for (p : 0 .. N_THREADS - 1) {
            run thread(p);
        }
        run stray();
        run iotd();
        run witness();
    }
}
