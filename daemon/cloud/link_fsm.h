/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CLOUD_LINK_FSM_H
#define IOTD_CLOUD_LINK_FSM_H

/* The states of the link as a pure table: (state, event) -> (state, actions). */

#include <stdbool.h>

enum link_state {
    LINK_STATE_OFF,
    LINK_STATE_REGISTERING, /* there is no secret yet: the cloud is asked for one */
    LINK_STATE_RESOLVING,
    LINK_STATE_OPENING,
    LINK_STATE_LOGIN,
    LINK_STATE_SUBSCRIBING,
    LINK_STATE_UP,
    LINK_STATE_CLOSING,  /* DISCONNECT is on its way out */
    LINK_STATE_WAITING,  /* until the next attempt */
    LINK_STATE_REFUSED,  /* the same, slowly: the cloud does not take our credentials */
    LINK_STATE_DISABLED, /* the same: it takes them but not the device */
    LINK_STATE_CONFLICT, /* the same: another client uses our ClientId */
    LINK_STATE_COUNT_,
};

enum link_event {
    LINK_EVENT_ENABLE,
    LINK_EVENT_DISABLE,
    LINK_EVENT_TIMER, /* time for the next attempt */
    LINK_EVENT_RESOLVED,
    LINK_EVENT_OPENED,
    LINK_EVENT_UNREACHABLE,    /* no address, or nobody there */
    LINK_EVENT_ACCEPTED,       /* CONNACK 0, session present */
    LINK_EVENT_ACCEPTED_NEW,   /* CONNACK 0, no session, or not all of it */
    LINK_EVENT_UNAVAILABLE,    /* CONNACK 3 */
    LINK_EVENT_BAD_LOGIN,      /* CONNACK 1, 2, 4; registration refused */
    LINK_EVENT_NOT_ALLOWED,    /* CONNACK 5 */
    LINK_EVENT_SUBSCRIBED,     /* all filters are granted */
    LINK_EVENT_FAILED,         /* no answer in time, broken protocol, refused filter */
    LINK_EVENT_CLOSED,         /* by the server */
    LINK_EVENT_KICKED,         /* the same, once more shortly after it came up */
    LINK_EVENT_TIMER_REGISTER, /* time for the next attempt, and there is no secret */
    LINK_EVENT_REGISTERED,     /* the secret is stored; the owner starts over with it */
    LINK_EVENT_NETWORK,        /* the network changed */
    LINK_EVENT_CLOCK,          /* the clock was set */
    LINK_EVENT_COUNT_,
};

enum link_action { /* run in this order */
                   LINK_ACTION_TELL_DOWN = 1 << 0,
                   LINK_ACTION_ABORT = 1 << 1,
                   LINK_ACTION_GOODBYE = 1 << 2, /* DISCONNECT, flush, close */
                   LINK_ACTION_RESOLVE = 1 << 3,
                   LINK_ACTION_OPEN = 1 << 4,
                   LINK_ACTION_LOGIN = 1 << 5,
                   LINK_ACTION_SUBSCRIBE = 1 << 6,
                   LINK_ACTION_TELL_UP = 1 << 7,
                   LINK_ACTION_RETRY_NOW = 1 << 8,   /* as soon as link.connect_interval allows */
                   LINK_ACTION_RETRY_PROBE = 1 << 9, /* jitter up to link.probe_max */
                   LINK_ACTION_RETRY_BACKOFF = 1 << 10, /* jitter up to link.backoff_max */
                   LINK_ACTION_RETRY_SLOW = 1 << 11,    /* link.backoff_max and more */
                   LINK_ACTION_CANCEL_RETRY = 1 << 12,
                   LINK_ACTION_REGISTER = 1 << 13,
                   LINK_ACTION_PROBE = 1 << 14, /* is the peer still there? */
};

/* How a pair is treated: a transition, nothing to do, or a bug of the caller. */
enum link_verdict { LINK_VERDICT_BUG, LINK_VERDICT_IGNORE, LINK_VERDICT_GO };

struct link_transition {
    enum link_verdict verdict;
    enum link_state next;
    unsigned actions;
};

const struct link_transition *link_fsm_step(enum link_state state, enum link_event event);

const char *link_state_name(enum link_state state); /* internal, for the log */
const char *link_event_name(enum link_event event);
/* As in Link.State: off connecting up waiting refused disabled conflict. */
const char *link_state_public(enum link_state state);

#endif /* IOTD_CLOUD_LINK_FSM_H */
