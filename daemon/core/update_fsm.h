/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOTD_CORE_UPDATE_FSM_H
#define IOTD_CORE_UPDATE_FSM_H

/* The states of an update and what leads from one to another; pure. */

#include "daemon/core/update.h"

/* X(constant, name on the log) */
#define UPDATE_EVENTS(X)                                                                           \
    X(ASK, "an order that somebody is asked about first")                                          \
    X(GO, "the image is fetched, or checked again")                                                \
    X(CHECKED, "the image is what it should be")                                                   \
    X(BEGIN, "an installer gets it")                                                               \
    X(BUSY, "the installer has no time")                                                           \
    X(DONE, "the installer says that it is installed")                                             \
    X(RUNS, "its version runs")                                                                    \
    X(FAIL, "failed")                                                                              \
    X(END, "over")

enum update_event {
#define X(constant, name) UPDATE_EVENT_##constant,
    UPDATE_EVENTS(X)
#undef X
        UPDATE_EVENT_COUNT_
};

const char *update_event_name(enum update_event event);

/* 0; -EINVAL that cannot happen in this state */
int update_fsm_next(enum update_state state, enum update_event event,
                    enum update_state *ret_next) MUST_CHECK;

#endif /* IOTD_CORE_UPDATE_FSM_H */
