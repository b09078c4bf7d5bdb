/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/link_fsm.h"
#include "libiotclient/base/macro.h"
#include "tests/lib/suite.h"

/*
 * Every state with every event, in plain words: "-" cannot happen, "." nothing to do, else
 * "next: actions". Written apart from the table in link_fsm.c, so that a change needs two hands.
 */
static const char *const states[LINK_STATE_COUNT_] = {
    [LINK_STATE_OFF] = "off",
    [LINK_STATE_REGISTERING] = "registering",
    [LINK_STATE_RESOLVING] = "resolving",
    [LINK_STATE_OPENING] = "opening",
    [LINK_STATE_LOGIN] = "login",
    [LINK_STATE_SUBSCRIBING] = "subscribing",
    [LINK_STATE_UP] = "up",
    [LINK_STATE_CLOSING] = "closing",
    [LINK_STATE_WAITING] = "waiting",
    [LINK_STATE_REFUSED] = "refused",
    [LINK_STATE_DISABLED] = "disabled",
    [LINK_STATE_CONFLICT] = "conflict",
};

static const char *const events[LINK_EVENT_COUNT_] = {
    "enable",         "disable",    "timer",        "resolved",    "opened",
    "unreachable",    "accepted",   "accepted-new", "unavailable", "bad-login",
    "not-allowed",    "subscribed", "failed",       "closed",      "kicked",
    "timer-register", "registered", "network",      "clock",
};

#define WAIT_ROW(register_row, network, clock)                                                     \
    {                                                                                              \
        "waiting: now", "off: cancel", "resolving: resolve", "-", "-", "-", "-", "-", "-", "-",    \
            "-", "-", "-", "-", "-", register_row, "-", network, clock                             \
    }

static const char *const want[LINK_STATE_COUNT_][LINK_EVENT_COUNT_] = {
    [LINK_STATE_OFF] = {"waiting: now", ".", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-",
                        "-", "-", "-", "-", ".", "."},
    [LINK_STATE_REGISTERING] = {".", "off: abort", "-", "-", "-", "waiting: probe", "-", "-", "-",
                                "refused: slow", "-", "-", "waiting: abort backoff", "-", "-", "-",
                                "off:", ".", "."},
    [LINK_STATE_RESOLVING] = {".", "off: abort", "-", "opening: open", "-", "waiting: abort probe",
                              "-", "-", "-", "-", "-", "-", "waiting: abort probe", "-", "-", "-",
                              "-", "waiting: abort now", "."},
    [LINK_STATE_OPENING] = {".", "off: abort", "-", "-", "login: login", "waiting: abort probe",
                            "-", "-", "-", "-", "-", "-", "waiting: abort probe",
                            "waiting: backoff", "-", "-", "-", "waiting: abort now", "."},
    [LINK_STATE_LOGIN] = {".", "off: abort", "-", "-", "-", "-", "up: up", "subscribing: subscribe",
                          "waiting: abort backoff", "refused: abort slow", "disabled: abort slow",
                          "-", "waiting: abort backoff", "waiting: backoff", "-", "-", "-", ".",
                          "."},
    [LINK_STATE_SUBSCRIBING] = {".", "closing: goodbye", "-", "-", "-", "-", "-", "-", "-", "-",
                                "-", "up: up", "waiting: abort backoff", "waiting: backoff",
                                "conflict: slow", "-", "-", ".", "."},
    [LINK_STATE_UP] = {".", "closing: down goodbye", "-", "-", "-", "-", "-", "-", "-", "-", "-",
                       "-", "waiting: down abort backoff", "waiting: down backoff",
                       "conflict: down slow", "-", "-", "up: ping", "."},
    [LINK_STATE_CLOSING] = {"waiting: abort now", ".", "-", "-", "-", "-", "-", "-", "-", "-", "-",
                            "-", "-", "off:", "off:", "-", "-", ".", "."},
    [LINK_STATE_WAITING] = WAIT_ROW("registering: register", "waiting: now", "waiting: now"),
    [LINK_STATE_REFUSED] = WAIT_ROW("registering: register", ".", "waiting: now"),
    [LINK_STATE_DISABLED] = WAIT_ROW("-", ".", "."),
    [LINK_STATE_CONFLICT] = WAIT_ROW("-", ".", "."),
};

static const struct {
    unsigned bit;
    const char *name;
} actions[] = {
    {LINK_ACTION_TELL_DOWN, "down"},
    {LINK_ACTION_ABORT, "abort"},
    {LINK_ACTION_GOODBYE, "goodbye"},
    {LINK_ACTION_RESOLVE, "resolve"},
    {LINK_ACTION_OPEN, "open"},
    {LINK_ACTION_LOGIN, "login"},
    {LINK_ACTION_SUBSCRIBE, "subscribe"},
    {LINK_ACTION_TELL_UP, "up"},
    {LINK_ACTION_RETRY_NOW, "now"},
    {LINK_ACTION_RETRY_PROBE, "probe"},
    {LINK_ACTION_RETRY_BACKOFF, "backoff"},
    {LINK_ACTION_RETRY_SLOW, "slow"},
    {LINK_ACTION_CANCEL_RETRY, "cancel"},
    {LINK_ACTION_REGISTER, "register"},
    {LINK_ACTION_PROBE, "ping"},
};

static void show(const struct link_transition *t, char *buf, size_t size)
{
    unsigned left = t->actions;
    size_t n;

    if (t->verdict != LINK_VERDICT_GO) {
        (void) snprintf(buf, size, "%s", t->verdict == LINK_VERDICT_BUG ? "-" : ".");
        return;
    }
    n = (size_t) snprintf(buf, size, "%s:", states[t->next]);
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (left & actions[i].bit)
            n += (size_t) snprintf(buf + n, size - n, " %s", actions[i].name);
        left &= ~actions[i].bit;
    }
    if (left)
        (void) snprintf(buf + n, size - n, " unknown-%x", left);
}

static void test_matrix(void)
{
    for (int s = 0; s < LINK_STATE_COUNT_; s++) {
        for (int e = 0; e < LINK_EVENT_COUNT_; e++) {
            char text[128];

            show(link_fsm_step((enum link_state) s, (enum link_event) e), text, sizeof(text));
            if (!want[s][e] || strcmp(text, want[s][e]) != 0)
                suite_fail(__FILE__, __LINE__, "%s + %s = \"%s\", wanted \"%s\"", states[s],
                           events[e], text, want[s][e] ? want[s][e] : "(nothing)");
        }
    }
}

/* What has to hold whatever the table says. */
static void test_rules(void)
{
    const unsigned retry = LINK_ACTION_RETRY_NOW | LINK_ACTION_RETRY_PROBE |
                           LINK_ACTION_RETRY_BACKOFF | LINK_ACTION_RETRY_SLOW;
    const unsigned can_fail = LINK_ACTION_RESOLVE | LINK_ACTION_OPEN | LINK_ACTION_LOGIN |
                              LINK_ACTION_SUBSCRIBE | LINK_ACTION_TELL_UP | LINK_ACTION_REGISTER;

    for (int s = 0; s < LINK_STATE_COUNT_; s++) {
        for (int e = 0; e < LINK_EVENT_COUNT_; e++) {
            const struct link_transition *t =
                link_fsm_step((enum link_state) s, (enum link_event) e);
            bool was_up = s == LINK_STATE_UP, is_up = t->next == LINK_STATE_UP;
            bool waits = t->next >= LINK_STATE_WAITING;

            if (t->verdict != LINK_VERDICT_GO) {
                CHECK_INT(t->actions, 0);
                continue;
            }
            /* Up and down are told in turns. */
            CHECK_INT(!!(t->actions & LINK_ACTION_TELL_UP), is_up && !was_up);
            CHECK_INT(!!(t->actions & LINK_ACTION_TELL_DOWN), was_up && !is_up);
            /* Who waits has one timer, who does not has none. */
            CHECK_INT(__builtin_popcount(t->actions & retry), waits);
            /* link.c asks for one result only. */
            CHECK(__builtin_popcount(t->actions & can_fail) <= 1);
            /* It never gives up but when told to. */
            if (t->next == LINK_STATE_OFF)
                CHECK(e == LINK_EVENT_DISABLE || e == LINK_EVENT_REGISTERED ||
                      s == LINK_STATE_CLOSING);
        }
    }
    /* What fails inside an action comes back as FAILED, which then has a rule. */
    for (int s = 0; s < LINK_STATE_COUNT_; s++) {
        for (int e = 0; e < LINK_EVENT_COUNT_; e++) {
            const struct link_transition *t =
                link_fsm_step((enum link_state) s, (enum link_event) e);

            if (t->actions & can_fail)
                CHECK_INT(link_fsm_step(t->next, LINK_EVENT_FAILED)->verdict, LINK_VERDICT_GO);
        }
    }
}

static void test_names(void)
{
    static const char *const public_names[LINK_STATE_COUNT_] = {
        [LINK_STATE_OFF] = "off",
        [LINK_STATE_REGISTERING] = "connecting",
        [LINK_STATE_RESOLVING] = "connecting",
        [LINK_STATE_OPENING] = "connecting",
        [LINK_STATE_LOGIN] = "connecting",
        [LINK_STATE_SUBSCRIBING] = "connecting",
        [LINK_STATE_UP] = "up",
        [LINK_STATE_CLOSING] = "off",
        [LINK_STATE_WAITING] = "waiting",
        [LINK_STATE_REFUSED] = "refused",
        [LINK_STATE_DISABLED] = "disabled",
        [LINK_STATE_CONFLICT] = "conflict",
    };

    for (int s = 0; s < LINK_STATE_COUNT_; s++) {
        CHECK_STR(link_state_name((enum link_state) s), states[s]);
        CHECK_STR(link_state_public((enum link_state) s), public_names[s]);
    }
    for (int e = 0; e < LINK_EVENT_COUNT_; e++)
        CHECK_STR(link_event_name((enum link_event) e), events[e]);
}

const char *const suite_name = "link-fsm";
const struct suite_test suite_tests[] = {
    {"matrix", test_matrix},
    {"rules", test_rules},
    {"names", test_names},
    {NULL, NULL},
};
