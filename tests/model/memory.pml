/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as a weak machine has it, for the models beside this file, which define N_PROCS (each
 * knows its number as me), N_VARS and DEPTH. What a process stores waits in a buffer of its own,
 * and gets to the memory later, not always in the order of the program:
 *
 *   - stores to one variable stay in order;
 *   - a release store comes after all that was stored before it;
 *   - nothing overtakes a release fence;
 *   - a full fence, and an exchange, wait until the buffer is empty.
 *
 * A process sees its own stores at once. Loads are made in the order of the program: where a model
 * wants them earlier, it says so.
 */

#define FENCE 255 /* no variable */

byte memory[N_VARS];
byte n_waiting[N_PROCS];
byte waiting_var[N_PROCS * DEPTH];
byte waiting_value[N_PROCS * DEPTH];
bit waiting_release[N_PROCS * DEPTH];

inline put(variable, value, is_release)
{
    atomic {
        n_waiting[me] < DEPTH;
        waiting_var[me * DEPTH + n_waiting[me]] = variable;
        waiting_value[me * DEPTH + n_waiting[me]] = value;
        waiting_release[me * DEPTH + n_waiting[me]] = is_release;
        n_waiting[me]++;
    }
}

#define store(variable, value) put(variable, value, 0)
#define store_release(variable, value) put(variable, value, 1)
#define fence_release() put(FENCE, 0, 1)
#define fence_full() n_waiting[me] == 0

inline load(variable, ret)
{
    d_step {
        ret = memory[variable];
        at = 0;
        do
        :: at < n_waiting[me] ->
            if
            :: waiting_var[me * DEPTH + at] == variable -> ret = waiting_value[me * DEPTH + at];
            :: else
            fi;
            at++;
        :: else -> break;
        od;
        at = 0;
    }
}

/* With what was there before. */
inline exchange(variable, value, ret)
{
    atomic {
        n_waiting[me] == 0;
        ret = memory[variable];
        memory[variable] = value;
    }
}

inline fetch_or(variable, value, ret)
{
    atomic {
        n_waiting[me] == 0;
        ret = memory[variable];
        memory[variable] = memory[variable] | value;
    }
}

/* Whether what waits at place of process p may go to the memory now. */
inline may_leave(p, place, ret)
{
    ret = (place == 0 || !waiting_release[p * DEPTH + place]);
    at = 0;
    do
    :: at < place ->
        ret = ret && waiting_var[p * DEPTH + at] != FENCE &&
              waiting_var[p * DEPTH + at] != waiting_var[p * DEPTH + place];
        at++;
    :: else -> break;
    od;
    at = 0;
}

inline leave(p, place)
{
    if
    :: waiting_var[p * DEPTH + place] != FENCE ->
        memory[waiting_var[p * DEPTH + place]] = waiting_value[p * DEPTH + place];
    :: else
    fi;
    at = place + 1;
    do
    :: at < n_waiting[p] ->
        waiting_var[p * DEPTH + at - 1] = waiting_var[p * DEPTH + at];
        waiting_value[p * DEPTH + at - 1] = waiting_value[p * DEPTH + at];
        waiting_release[p * DEPTH + at - 1] = waiting_release[p * DEPTH + at];
        at++;
    :: else -> break;
    od;
    n_waiting[p]--;
    waiting_var[p * DEPTH + n_waiting[p]] = 0;
    waiting_value[p * DEPTH + n_waiting[p]] = 0;
    waiting_release[p * DEPTH + n_waiting[p]] = 0;
    at = 0;
}

/* One for each process: lets one after the other go, at any time. */
proctype store_buffer(byte p)
{
    byte at, place;
    bool can;

end:
    do
    :: atomic {
        n_waiting[p] > 0;
        place = 0;
        do
        :: place + 1 < n_waiting[p] -> place++;
        :: break;
        od;
        may_leave(p, place, can);
        if
        :: can -> leave(p, place);
        :: else
        fi;
        place = 0;
        can = false;
    }
    od
}
