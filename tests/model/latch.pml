/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A value in two copies: libiotclient/ipc/latch.h. One writer, which may stop for ever after any
 * step; a reader that never takes half of one value and half of another for one, and that needs no
 * second attempt once the writer has stopped.
 *
 * Each of these is a mistake, and must be found:
 *   NO_WRITE_FENCE  the words of the next value overtake the count of the last one
 *   NO_RELEASE      the count overtakes the words
 *   NO_ACQUIRE      the reader's words are loaded before the count
 *   NO_READ_FENCE   the second look at the count is not behind the words
 *   ONE_COPY        a value in one copy: who stops in the middle stops the reader
 */

#define N_WRITES 3
#define WRITER 0
#define READER 1
#define N_PROCS 2
#define DEPTH 8
#define SEQ 0
#define WORD(count, i) (1 + COPY(count) * 2 + (i))
#define N_VARS 5
#ifdef ONE_COPY
#define COPY(count) 0
#else
#define COPY(count) ((count) % 2)
#endif

#include "memory.pml"

bit has_stopped;

#ifdef NO_RELEASE
#define store_count store
#else
#define store_count store_release
#endif

proctype writer()
{
    byte me = WRITER, count = 0;

    do
    :: count < N_WRITES ->
        count++;
#ifndef NO_WRITE_FENCE
        fence_release();
#endif
        store(WORD(count, 0), count);
        if
        :: store(WORD(count, 1), count);
        :: break; /* stopped in the middle */
        fi;
        if
        :: store_count(SEQ, count);
        :: break;
        fi;
    :: break;
    od;
    fence_full();
    has_stopped = 1;
}

/* One attempt: loads in each order that the fences allow. */
inline attempt()
{
    is_good = 0;
#ifdef NO_ACQUIRE
    if /* of the first word as if the count were one that it will be */
    :: load(WORD(0, 0), word0); guess = 0; is_early = 1;
    :: load(WORD(1, 0), word0); guess = COPY(1); is_early = 1;
    :: skip;
    fi;
#endif
    load(SEQ, count);
    if
    :: is_early && guess != COPY(count) -> is_early = 0;
    :: else
    fi;
    if
    :: is_early -> load(WORD(count, 1), word1);
    :: !is_early -> load(WORD(count, 0), word0); load(WORD(count, 1), word1);
    :: !is_early -> load(WORD(count, 1), word1); load(WORD(count, 0), word0);
#ifdef NO_READ_FENCE
    :: !is_early -> load(SEQ, again); load(WORD(count, 0), word0); load(WORD(count, 1), word1);
        has_looked = 1;
    :: !is_early -> load(WORD(count, 0), word0); load(SEQ, again); load(WORD(count, 1), word1);
        has_looked = 1;
#endif
    fi;
    if
    :: has_looked
    :: else -> load(SEQ, again);
    fi;
    is_good = (again == count);
    assert(!is_good || (word0 == count && word1 == count));
    again = 0;
    has_looked = 0;
    is_early = 0;
    guess = 0;
}

proctype reader()
{
    byte me = READER, at, count, again, word0, word1, guess;
    bit is_good, is_early, has_looked;

    attempt();
    attempt();
    has_stopped;
    attempt();
    assert(is_good);
}

init
{
    byte p;

    atomic {
        for (p : 0 .. N_PROCS - 1) {
            run store_buffer(p);
        }
        run writer();
        run reader();
    }
}
