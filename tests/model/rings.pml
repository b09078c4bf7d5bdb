/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two rings of a program, each with room for one record, and the bells: libiotclient/ipc/ring.h,
 * doorbell.h. A thread of the program posts; what has no room waits in a queue, which the program's
 * loop sends later. iotd answers every other record and asks once by itself, when the cloud wants it;
 * what has no room waits in its backlog, and meanwhile it takes nothing. Everything arrives, in order.
 *
 * Each of these is a mistake, and must be found:
 *   NO_RING_FENCE   who has published looks at the word without a fence
 *   NO_SLEEP_FENCE  who wants to sleep looks for work without a fence
 *   NO_LOOK         who wants to sleep does not look for records again
 *   NO_ROOM_LOOK    nor for room, for what waits
 *   NO_WANTS_FENCE  who wants room looks for it without a fence
 *   NO_WANTS_LOOK   who wants room does not look for it again
 *   NO_TAKE_FENCE   who made room looks without a fence whether somebody wants it
 *   NO_RELEASE      the index overtakes the record
 */

#define N_POSTS 2
#define IS_ANSWERED(post) ((post) % 2 == 0)
#define N_DOWN (N_POSTS / 2 + 1)
#define THREAD 0
#define LOOP 1
#define IOTD 2
#define N_PROCS 3
#define DEPTH 4

#define UP_HEAD 0
#define UP_TAIL 1
#define UP_RECORD 2
#define UP_WANTS 3
#define DOWN_HEAD 4
#define DOWN_TAIL 5
#define DOWN_RECORD 6
#define DOWN_WANTS 7
#define BELL_RING 8
#define BELL_PROGRAM 9
#define N_VARS 10

#include "memory.pml"

#ifdef NO_RELEASE
#define store_head store
#else
#define store_head store_release
#endif

bit is_locked; /* of the library */
byte up_head, n_queued;
bit pipe_up, pipe_down, cloud;
byte n_taken, n_received;

inline lock()
{
    atomic {
        !is_locked;
        is_locked = 1;
    }
}

inline unlock()
{
    fence_full();
    is_locked = 0;
}

inline ring_if_asleep(bell, pipe)
{
#ifndef NO_RING_FENCE
    fence_full();
#endif
    load(bell, word);
    if
    :: word ->
        exchange(bell, 0, word);
        if
        :: word -> pipe = 1;
        :: else
        fi;
    :: else
    fi;
    word = 0;
}

/* Returns whether there was room. */
inline push_up(ret)
{
    load(UP_TAIL, word);
    if
    :: up_head == word ->
        word = 0;
        up_head++;
        store(UP_RECORD, up_head);
        store_head(UP_HEAD, up_head);
        ring_if_asleep(BELL_RING, pipe_up);
        ret = 1;
    :: else -> ret = 0; word = 0;
    fi;
}

inline want_room_up()
{
    store(UP_WANTS, 1);
#ifndef NO_WANTS_FENCE
    fence_full();
#endif
}

/* Any thread of the program. */
proctype thread()
{
    byte me = THREAD, at, n, word;
    bit done;

    do
    :: n < N_POSTS ->
        lock();
        done = 0;
        if
        :: n_queued == 0 -> push_up(done);
        :: else
        fi;
        if
        :: !done && n_queued == 0 ->
            want_room_up();
#ifndef NO_WANTS_LOOK
            push_up(done);
#endif
        :: else
        fi;
        if
        :: !done -> n_queued++;
        :: else
        fi;
        n++;
        unlock();
    :: else -> break;
    od
}

/* The thread of the program that dispatches. */
proctype program()
{
    byte me = LOOP, at, word, tail, head;
    bit done;

awake:
    do
    ::
        store_release(BELL_PROGRAM, 0);
        do
        ::
            load(DOWN_HEAD, head);
            if
            :: head != tail ->
                load(DOWN_RECORD, word);
                assert(word == tail + 1);
                word = 0;
                tail++;
                n_received++;
                store_release(DOWN_TAIL, tail);
#ifndef NO_TAKE_FENCE
                fence_full();
#endif
                load(DOWN_WANTS, word);
                if
                :: word -> word = 0; ring_if_asleep(BELL_RING, pipe_up);
                :: else
                fi;
            :: else -> break;
            fi;
        od;
        head = 0;
        lock();
        do
        :: n_queued > 0 ->
            push_up(done);
            if
            :: done -> n_queued--;
            :: else ->
                want_room_up();
#ifdef NO_WANTS_LOOK
                break;
#else
                push_up(done);
                if
                :: done -> n_queued--;
                :: else -> break;
                fi;
#endif
            fi;
        :: else -> break;
        od;
        done = 0;
        unlock();
        store_release(BELL_PROGRAM, 1);
#ifndef NO_SLEEP_FENCE
        fence_full();
#endif
        done = 0;
#ifndef NO_LOOK
        load(DOWN_HEAD, head);
        done = (head != tail);
        head = 0;
#endif
#ifndef NO_ROOM_LOOK
        lock();
        load(UP_TAIL, word);
        done = (done || (n_queued > 0 && word == up_head));
        word = 0;
        unlock();
#endif
        if
        :: done
        :: else ->
end_sleep:
            pipe_down;
            pipe_down = 0;
        fi;
        done = 0;
    od
}

inline push_down()
{
    load(DOWN_TAIL, word);
    if
    :: down_head == word ->
        word = 0;
        down_head++;
        store(DOWN_RECORD, down_head);
        store_head(DOWN_HEAD, down_head);
        ring_if_asleep(BELL_PROGRAM, pipe_down);
        n_backlog--;
    :: else -> word = 0; done = 1;
    fi;
}

proctype iotd()
{
    byte me = IOTD, at, word, up_tail, head, down_head, n_backlog;
    bit done;

awake:
    do
    ::
        store_release(BELL_RING, 0);
        do
        :: n_backlog > 0 ->
            push_down();
            if
            :: done ->
                done = 0;
                store(DOWN_WANTS, 1);
                break;
            :: else -> store(DOWN_WANTS, 0);
            fi;
        :: else ->
            load(UP_HEAD, head);
            if
            :: head != up_tail ->
                load(UP_RECORD, word);
                assert(word == up_tail + 1);
                word = 0;
                up_tail++;
                n_taken++;
                n_backlog = n_backlog + IS_ANSWERED(up_tail);
                store_release(UP_TAIL, up_tail);
#ifndef NO_TAKE_FENCE
                fence_full();
#endif
                load(UP_WANTS, word);
                if
                :: word ->
                    exchange(UP_WANTS, 0, word);
                    word = 0;
                    ring_if_asleep(BELL_PROGRAM, pipe_down);
                :: else
                fi;
            :: else -> break;
            fi;
        od;
        head = 0;
        store_release(BELL_RING, 1);
#ifndef NO_SLEEP_FENCE
        fence_full();
#endif
        done = 0;
#ifndef NO_LOOK
        load(UP_HEAD, head);
        done = (n_backlog == 0 && head != up_tail);
        head = 0;
#endif
#ifndef NO_ROOM_LOOK
        load(DOWN_TAIL, word);
        done = (done || (n_backlog > 0 && word == down_head));
        word = 0;
#endif
        if
        :: done
        :: else ->
end_sleep:
            if
            :: pipe_up -> pipe_up = 0;
            :: cloud -> cloud = 0; n_backlog++;
            fi;
        fi;
        done = 0;
    od
}

proctype witness()
{
    timeout;
    assert(n_queued == 0);
    assert(n_taken == N_POSTS);
    assert(n_received == N_DOWN);
}

init
{
    byte p;

    atomic {
        for (p : 0 .. N_PROCS - 1) {
            run store_buffer(p);
        }
        cloud = 1;
        run thread();
        run program();
        run iotd();
        run witness();
    }
}
