/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "daemon/cloud/link_fsm.h"

#define GO(e, n, a)                                                                                \
    [LINK_EVENT_##e] = {.verdict = LINK_VERDICT_GO, .next = LINK_STATE_##n, .actions = (a)}
#define IGNORE(e) [LINK_EVENT_##e] = {.verdict = LINK_VERDICT_IGNORE}

/* A pair that is not here cannot happen; link.c tells if it does. */
static const struct link_transition table[LINK_STATE_COUNT_][LINK_EVENT_COUNT_] =
    {
        [LINK_STATE_OFF] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_RETRY_NOW),
                IGNORE(DISABLE),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_REGISTERING] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, OFF, LINK_ACTION_ABORT),
                GO(REGISTERED, OFF, 0),
                GO(UNREACHABLE, WAITING, LINK_ACTION_RETRY_PROBE),
                GO(BAD_LOGIN, REFUSED, LINK_ACTION_RETRY_SLOW),
                GO(FAILED, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_BACKOFF),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_RESOLVING] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, OFF, LINK_ACTION_ABORT),
                GO(RESOLVED, OPENING, LINK_ACTION_OPEN),
                GO(UNREACHABLE, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_PROBE),
                GO(FAILED, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_PROBE),
                GO(NETWORK, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_NOW),
                IGNORE(CLOCK),
            },
        [LINK_STATE_OPENING] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, OFF, LINK_ACTION_ABORT),
                GO(OPENED, LOGIN, LINK_ACTION_LOGIN),
                GO(UNREACHABLE, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_PROBE),
                GO(FAILED, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_PROBE),
                GO(CLOSED, WAITING, LINK_ACTION_RETRY_BACKOFF),
                GO(NETWORK, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_NOW),
                IGNORE(CLOCK),
            },
        [LINK_STATE_LOGIN] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, OFF, LINK_ACTION_ABORT),
                GO(ACCEPTED, UP, LINK_ACTION_TELL_UP),
                GO(ACCEPTED_NEW, SUBSCRIBING, LINK_ACTION_SUBSCRIBE),
                GO(UNAVAILABLE, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_BACKOFF),
                GO(BAD_LOGIN, REFUSED, LINK_ACTION_ABORT | LINK_ACTION_RETRY_SLOW),
                GO(NOT_ALLOWED, DISABLED, LINK_ACTION_ABORT | LINK_ACTION_RETRY_SLOW),
                GO(FAILED, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_BACKOFF),
                GO(CLOSED, WAITING, LINK_ACTION_RETRY_BACKOFF),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_SUBSCRIBING] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, CLOSING, LINK_ACTION_GOODBYE),
                GO(SUBSCRIBED, UP, LINK_ACTION_TELL_UP),
                GO(FAILED, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_BACKOFF),
                GO(CLOSED, WAITING, LINK_ACTION_RETRY_BACKOFF),
                GO(KICKED, CONFLICT, LINK_ACTION_RETRY_SLOW),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_UP] =
            {
                IGNORE(ENABLE),
                GO(DISABLE, CLOSING, LINK_ACTION_TELL_DOWN | LINK_ACTION_GOODBYE),
                GO(FAILED, WAITING,
                   LINK_ACTION_TELL_DOWN | LINK_ACTION_ABORT | LINK_ACTION_RETRY_BACKOFF),
                GO(CLOSED, WAITING, LINK_ACTION_TELL_DOWN | LINK_ACTION_RETRY_BACKOFF),
                GO(KICKED, CONFLICT, LINK_ACTION_TELL_DOWN | LINK_ACTION_RETRY_SLOW),
                GO(NETWORK, UP, LINK_ACTION_PROBE),
                IGNORE(CLOCK),
            },
        [LINK_STATE_CLOSING] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_ABORT | LINK_ACTION_RETRY_NOW),
                IGNORE(DISABLE),
                GO(CLOSED, OFF, 0),
                GO(KICKED, OFF, 0),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_WAITING] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_RETRY_NOW),
                GO(DISABLE, OFF, LINK_ACTION_CANCEL_RETRY),
                GO(TIMER, RESOLVING, LINK_ACTION_RESOLVE),
                GO(TIMER_REGISTER, REGISTERING, LINK_ACTION_REGISTER),
                GO(NETWORK, WAITING, LINK_ACTION_RETRY_NOW),
                GO(CLOCK, WAITING, LINK_ACTION_RETRY_NOW),
            },
        [LINK_STATE_REFUSED] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_RETRY_NOW),
                GO(DISABLE, OFF, LINK_ACTION_CANCEL_RETRY),
                GO(TIMER, RESOLVING, LINK_ACTION_RESOLVE),
                GO(TIMER_REGISTER, REGISTERING, LINK_ACTION_REGISTER),
                IGNORE(NETWORK),
                GO(CLOCK, WAITING, LINK_ACTION_RETRY_NOW),
            },
        [LINK_STATE_DISABLED] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_RETRY_NOW),
                GO(DISABLE, OFF, LINK_ACTION_CANCEL_RETRY),
                GO(TIMER, RESOLVING, LINK_ACTION_RESOLVE),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
        [LINK_STATE_CONFLICT] =
            {
                GO(ENABLE, WAITING, LINK_ACTION_RETRY_NOW),
                GO(DISABLE, OFF, LINK_ACTION_CANCEL_RETRY),
                GO(TIMER, RESOLVING, LINK_ACTION_RESOLVE),
                IGNORE(NETWORK),
                IGNORE(CLOCK),
            },
};

static const struct {
    const char *name;
    const char *public_name;
} states[LINK_STATE_COUNT_] = {
    [LINK_STATE_OFF] = {"off", "off"},
    [LINK_STATE_REGISTERING] = {"registering", "connecting"},
    [LINK_STATE_RESOLVING] = {"resolving", "connecting"},
    [LINK_STATE_OPENING] = {"opening", "connecting"},
    [LINK_STATE_LOGIN] = {"login", "connecting"},
    [LINK_STATE_SUBSCRIBING] = {"subscribing", "connecting"},
    [LINK_STATE_UP] = {"up", "up"},
    [LINK_STATE_CLOSING] = {"closing", "off"},
    [LINK_STATE_WAITING] = {"waiting", "waiting"},
    [LINK_STATE_REFUSED] = {"refused", "refused"},
    [LINK_STATE_DISABLED] = {"disabled", "disabled"},
    [LINK_STATE_CONFLICT] = {"conflict", "conflict"},
};

static const char *const events[LINK_EVENT_COUNT_] = {
    [LINK_EVENT_ENABLE] = "enable",
    [LINK_EVENT_DISABLE] = "disable",
    [LINK_EVENT_TIMER] = "timer",
    [LINK_EVENT_TIMER_REGISTER] = "timer-register",
    [LINK_EVENT_REGISTERED] = "registered",
    [LINK_EVENT_RESOLVED] = "resolved",
    [LINK_EVENT_OPENED] = "opened",
    [LINK_EVENT_UNREACHABLE] = "unreachable",
    [LINK_EVENT_ACCEPTED] = "accepted",
    [LINK_EVENT_ACCEPTED_NEW] = "accepted-new",
    [LINK_EVENT_UNAVAILABLE] = "unavailable",
    [LINK_EVENT_BAD_LOGIN] = "bad-login",
    [LINK_EVENT_NOT_ALLOWED] = "not-allowed",
    [LINK_EVENT_SUBSCRIBED] = "subscribed",
    [LINK_EVENT_FAILED] = "failed",
    [LINK_EVENT_CLOSED] = "closed",
    [LINK_EVENT_KICKED] = "kicked",
    [LINK_EVENT_NETWORK] = "network",
    [LINK_EVENT_CLOCK] = "clock",
};

const struct link_transition *link_fsm_step(enum link_state state, enum link_event event)
{
    return &table[state][event];
}

const char *link_state_name(enum link_state state)
{
    return states[state].name;
}

const char *link_event_name(enum link_event event)
{
    return events[event];
}

const char *link_state_public(enum link_state state)
{
    return states[state].public_name;
}
