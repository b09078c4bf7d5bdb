/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/core/update_fsm.h"

#include <errno.h>

#define EVENT(e) (1U << UPDATE_EVENT_##e)
/* In any state but INSTALLING a new order may come; wherever there is one its version may run. */
#define ORDERS (EVENT(ASK) | EVENT(GO))

static const unsigned allowed[UPDATE_STATE_COUNT_] = {
    [UPDATE_IDLE] = ORDERS,
    [UPDATE_OFFERED] = ORDERS | EVENT(RUNS) | EVENT(FAIL),
    [UPDATE_DOWNLOADING] = ORDERS | EVENT(CHECKED) | EVENT(RUNS) | EVENT(FAIL),
    [UPDATE_READY] = ORDERS | EVENT(BEGIN) | EVENT(RUNS) | EVENT(FAIL),
    [UPDATE_INSTALLING] =
        EVENT(GO) | EVENT(BUSY) | EVENT(DONE) | EVENT(RUNS) | EVENT(FAIL), /* GO: after a restart */
    [UPDATE_INSTALLED] = ORDERS | EVENT(RUNS) | EVENT(FAIL) | EVENT(END),
    [UPDATE_FAILED] = ORDERS | EVENT(RUNS) | EVENT(END),
};

static const enum update_state next[UPDATE_EVENT_COUNT_] = {
    [UPDATE_EVENT_ASK] = UPDATE_OFFERED,    [UPDATE_EVENT_GO] = UPDATE_DOWNLOADING,
    [UPDATE_EVENT_CHECKED] = UPDATE_READY,  [UPDATE_EVENT_BEGIN] = UPDATE_INSTALLING,
    [UPDATE_EVENT_BUSY] = UPDATE_READY,     [UPDATE_EVENT_DONE] = UPDATE_INSTALLED,
    [UPDATE_EVENT_RUNS] = UPDATE_INSTALLED, [UPDATE_EVENT_FAIL] = UPDATE_FAILED,
    [UPDATE_EVENT_END] = UPDATE_IDLE,
};

const char *update_state_name(enum update_state state)
{
    static const char *const names[] = {
#define X(constant, name) [UPDATE_##constant] = (name),
        UPDATE_STATES(X)
#undef X
    };

    return names[state];
}

const char *update_event_name(enum update_event event)
{
    static const char *const names[] = {
#define X(constant, name) [UPDATE_EVENT_##constant] = (name),
        UPDATE_EVENTS(X)
#undef X
    };

    return names[event];
}

int update_fsm_next(enum update_state state, enum update_event event, enum update_state *ret_next)
{
    if (!(allowed[state] & (1U << event)))
        return -EINVAL;
    *ret_next = next[event];
    return 0;
}
