/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How events leave, and how they end. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/event-steps.h"
#include "tests/lib/suite.h"

#define INFOS (WINDOW - 8)

static struct rig *const rig = &crig.rig;

static void test_one(void)
{
    uint64_t token;

    event_begin_up();
    token = event_post(E_LOW, 1);
    CHECK(!event_next()); /* not inside the call */
    rig_advance(rig, 0);
    CHECK(event_next() && event_seen.number == 1 && !event_seen.dup);
    CHECK_STR(event_seen.name, "low");
    CHECK_STR(event_seen.type, "alert");
    CHECK_INT(event_seen.timestamp, FAKE_CLOCK_REAL_US / S);
    event_ack(event_seen.id);
    CHECK_INT(event_code_of(token), -1);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(token), 0);
    CHECK_STR(crig_end_of(token)->peer, LAMP);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    rig_advance(rig, 1000 * S);
    CHECK(!event_next());
    crig_end();
}

static void test_timestamps(void)
{
    uint64_t token;

    event_begin_up();
    CHECK_INT(event_try_post(E_LOW, "{}", 1600000000, &token), 0);
    rig_advance(rig, 0);
    CHECK(event_next() && event_seen.timestamp == 1600000000);
    rig_advance(rig, 100 * S);
    (void) event_post(E_LOW, 1);
    rig_drop(rig);
    rig_advance(rig, 100 * S);
    rig_connect(rig, true);
    CHECK(event_next() && event_next());
    CHECK_INT(event_seen.timestamp, FAKE_CLOCK_REAL_US / S + 100); /* when it happened */
    fake_clock_set_real(5 * S); /* never set: the cloud knows better */
    (void) event_post(E_LOW, 2);
    rig_advance(rig, 0);
    CHECK(event_next() && event_seen.timestamp == 0);
    crig_end();
}

/* Alerts and faults first, each class in its order. */
static void test_order(void)
{
    static const struct {
        const char *name;
        unsigned number;
    } want[] = {{"low", 2}, {"broken", 4}, {"low", 5}, {"status", 1}, {"status", 3}};

    event_begin();
    (void) event_post(E_STATUS, 1);
    (void) event_post(E_LOW, 2);
    (void) event_post(E_STATUS, 3);
    (void) event_post(E_BROKEN, 4);
    (void) event_post(E_LOW, 5);
    rig_advance(rig, 100 * S);
    CHECK_INT(crig.n_told, 0);
    rig_connect(rig, true);
    for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
        CHECK(event_next());
        CHECK_STR(event_seen.name, want[i].name);
        CHECK_INT(event_seen.number, want[i].number);
    }
    crig_end();
}

/*
 * No more than the window is out, and of infos a little less, so that an alert need not wait for
 * them; each end lets one more go, an alert before all infos.
 */
static void test_window(void)
{
    struct {
        unsigned id;
        char token[64];
    } out[WINDOW];
    uint64_t alert;

    event_begin_up();
    for (unsigned i = 0; i < WINDOW + 10; i++)
        (void) event_post(E_STATUS, i);
    rig_advance(rig, 0);
    for (unsigned i = 0; i < INFOS; i++) {
        CHECK(event_next() && event_seen.number == i);
        out[i].id = event_seen.id;
        strcpy(out[i].token, event_seen.token);
    }
    CHECK(!event_next());
    for (unsigned i = INFOS; i < WINDOW; i++)
        (void) event_post(E_LOW, i);
    alert = event_post(E_LOW, 1000);
    rig_advance(rig, 0);
    for (unsigned i = INFOS; i < WINDOW; i++)
        CHECK(event_next() && event_seen.number == i);
    CHECK(!event_next());
    event_ack(out[0].id);
    rig_advance(rig, 0);
    CHECK(!event_next()); /* it is done when the reply came */
    event_reply(out[0].token, 0);
    CHECK(event_next() && event_seen.number == 1000);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(alert), 0);
    CHECK(!event_next());
    for (unsigned i = 1; i < 9; i++) { /* down to what infos may have */
        event_ack(out[i].id);
        event_reply(out[i].token, 0);
    }
    CHECK(event_next() && event_seen.number == INFOS);
    CHECK(!event_next());
    crig_end();
}

/* --- losses --- */

/* Before PUBACK the session itself repeats; behind it, the event goes out anew. */
static void test_reconnect(void)
{
    uint64_t a, b;
    char token_a[64], token_b[64];

    event_begin_up();
    a = event_post(E_LOW, 1);
    b = event_post(E_LOW, 2);
    rig_advance(rig, 0);
    CHECK(event_next() && event_seen.number == 1);
    strcpy(token_a, event_seen.token);
    event_ack(event_seen.id);
    CHECK(event_next() && event_seen.number == 2);
    strcpy(token_b, event_seen.token);
    rig_drop(rig);
    (void) event_post(E_LOW, 3);
    rig_connect(rig, true);
    CHECK(event_next() && event_seen.number == 2 && event_seen.dup);
    CHECK_STR(event_seen.token, token_b);
    event_ack(event_seen.id);
    CHECK(event_next() && event_seen.number == 1 &&
          !event_seen.dup);               /* before what was posted later */
    CHECK_STR(event_seen.token, token_a); /* the same event to the cloud */
    event_ack(event_seen.id);
    CHECK(event_next() && event_seen.number == 3);
    CHECK(!event_next());
    event_reply(token_a, 0);
    event_reply(token_b, 0);
    CHECK(event_code_of(a) == 0 && event_code_of(b) == 0);
    crig_end();
}

static void test_timeout(void)
{
    uint64_t token;
    char first[64];

    event_begin_up();
    token = event_post(E_LOW, 1);
    rig_advance(rig, 0);
    CHECK(event_next());
    strcpy(first, event_seen.token);
    for (int i = 0; i < 10; i++) { /* for as long as it takes */
        event_ack(event_seen.id);
        rig_advance(rig, 5 * S - 1);
        CHECK(!event_next());
        rig_advance(rig, 1);
        CHECK(event_next() && event_seen.number == 1);
        CHECK_STR(event_seen.token, first);
    }
    CHECK_INT(event_code_of(token), -1);
    event_reply(first, 0);
    CHECK_INT(event_code_of(token), 0);
    event_ack(event_seen.id);
    CHECK_INT(crig.n_told, 1);
    crig_end();
}

/* The reply may overtake PUBACK. */
static void test_early_reply(void)
{
    uint64_t a, b;

    event_begin_up();
    a = event_post(E_LOW, 1);
    rig_advance(rig, 0);
    CHECK(event_next());
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(a), 0);
    CHECK_INT(crig.core->events.n_all, 0);
    event_ack(event_seen.id);
    rig_advance(rig, 100 * S);
    CHECK(!event_next());

    b = event_post(E_LOW, 2); /* and the core may go before PUBACK */
    rig_advance(rig, 0);
    CHECK(event_next());
    event_reply(event_seen.token, 406);
    CHECK_INT(event_code_of(b), 406);
    crig_end();
}

static void test_final_errors(void)
{
    static const int codes[] = {400, 403, 405, 406, 1, -1, 504};

    event_begin_up();
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        uint64_t token = event_post(E_LOW, (unsigned) i);

        rig_advance(rig, 0);
        CHECK(event_next());
        event_ack(event_seen.id);
        event_reply(event_seen.token, codes[i]);
        CHECK_INT(event_code_of(token), codes[i]);
        CHECK_STR(crig_end_of(token) ? crig_end_of(token)->text : "", "no");
    }
    rig_advance(rig, 100 * S);
    CHECK(!event_next());
    CHECK_INT(crig.core->events.n_all, 0);
    crig_end();
}

/* The cloud's own trouble passes: three times, two seconds apart, in order. */
static void test_503(void)
{
    uint64_t a, b = 0;

    event_begin_up();
    a = event_post(E_LOW, 1);
    rig_advance(rig, 0);
    for (int i = 0; i < 2; i++) {
        CHECK(event_next() && event_seen.number == 1);
        event_ack(event_seen.id);
        event_reply(event_seen.token, 503);
        CHECK_INT(event_code_of(a), -1);
        if (i == 1)
            b = event_post(E_LOW, 2);
        rig_advance(rig, 2 * S - 1);
        CHECK(!event_next()); /* those behind it wait, too */
        rig_advance(rig, 1);
    }
    CHECK(event_next() && event_seen.number == 1);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 503);
    CHECK_INT(event_code_of(a), 503);
    CHECK(event_next() && event_seen.number == 2);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(b), 0);
    crig_end();
}

static void test_503_once(void)
{
    uint64_t a;

    event_begin_up();
    a = event_post(E_LOW, 1);
    rig_advance(rig, 0);
    CHECK(event_next());
    event_ack(event_seen.id);
    event_reply(event_seen.token, 503);
    rig_advance(rig, 2 * S);
    CHECK(event_next());
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(a), 0);
    crig_end();
}

/* It passes also when it overtakes PUBACK; the packet is the session's until then. */
static void test_503_early(void)
{
    uint64_t a;

    event_begin_up();
    a = event_post(E_LOW, 1);
    rig_advance(rig, 0);
    CHECK(event_next());
    event_reply(event_seen.token, 503);
    CHECK_INT(event_code_of(a), -1);
    rig_advance(rig, S);
    event_ack(event_seen.id);
    rig_advance(rig, 2 * S - 1);
    CHECK(!event_next());
    rig_advance(rig, 1);
    CHECK(event_next() && event_seen.number == 1 && !event_seen.dup);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(a), 0);

    a = event_post(E_LOW, 2); /* the connection ends in between */
    rig_advance(rig, 0);
    CHECK(event_next());
    event_reply(event_seen.token, 503);
    rig_drop(rig);
    rig_connect(rig, true);
    CHECK(event_next() && event_seen.number == 2 && event_seen.dup);
    event_ack(event_seen.id);
    rig_advance(rig, 2 * S);
    CHECK(event_next() && event_seen.number == 2 && !event_seen.dup);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(a), 0);
    CHECK_INT(crig.core->events.n_all, 0);
    crig_end();
}

/* The session has no room: an event waits, and no reply is lost over it. */
static void test_session_full(void)
{
    struct wire_packet p;
    unsigned n = 0;

    event_begin();
    while (link_publish(rig->link, "other", "x", 1, 1, NULL, NULL) == 0)
        n++;
    CHECK_INT(n, LIMIT_MQTT_INFLIGHT);
    (void) event_post(E_LOW, 1);
    rig_connect(rig, true);
    while (rig_next(rig, &p)) {
        CHECK(p.type == 3 && strcmp(p.topic, "other") == 0);
        event_ack(p.id);
    }
    rig_advance(rig, S);
    CHECK(event_next() && event_seen.number == 1);
    crig_end();
}

/* The cloud closes whenever the first event comes: given up in the end, and the next one leaves. */
static void test_poison(void)
{
    uint64_t poison, good;
    unsigned n_sent = 0;

    event_begin_up();
    poison = event_post(E_LOW, 1);
    good = event_post(E_LOW, 2);
    while (event_code_of(poison) < 0 && n_sent < 100) {
        bool seen = event_next();

        for (int i = 0; i < 40 && !seen; i++) {
            rig_advance(rig, S / 10);
            seen = event_next();
        }
        CHECK(seen && event_seen.number == 1);
        n_sent++;
        (void) rig_count_publishes(rig);
        rig_drop(rig);
        rig_connect(rig, true);
    }
    CHECK_INT(n_sent, 5);
    CHECK_INT(event_code_of(poison), 400);
    CHECK_INT(event_code_of(good), -1);
    CHECK(event_next() && event_seen.number == 2);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_code_of(good), 0);
    CHECK_INT(crig.core->events.n_all, 0);
    crig_end();
}

/* After a burst no more than events_config.rate a second leave. */
static void test_rate(void)
{
    crig_begin();
    for (unsigned i = 0; i < 40; i++)
        (void) event_post(E_STATUS, i);
    rig_connect(rig, true);
    CHECK_INT(rig_count_publishes(rig), 5);
    rig_advance(rig, S);
    CHECK_INT(rig_count_publishes(rig), 10);
    rig_advance(rig, S);
    CHECK_INT(rig_count_publishes(rig), 10);
    crig_end();
}

const char *const suite_name = "events";
const struct suite_test suite_tests[] = {
    {"one", test_one},
    {"timestamps", test_timestamps},
    {"order", test_order},
    {"window", test_window},
    {"reconnect", test_reconnect},
    {"timeout", test_timeout},
    {"early_reply", test_early_reply},
    {"final_errors", test_final_errors},
    {"503", test_503},
    {"503_once", test_503_once},
    {"503_early", test_503_early},
    {"session_full", test_session_full},
    {"poison", test_poison},
    {"rate", test_rate},
    {NULL, NULL},
};
