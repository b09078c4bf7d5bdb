/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the queue holds: its limits, and over a restart. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/event-steps.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static void test_full(void)
{
    uint64_t token = 7;

    event_begin();
    crig.core->events.config.max_events = 3;
    for (unsigned i = 0; i < 3; i++)
        (void) event_post(E_STATUS, i);
    CHECK_INT(event_try_post(E_LOW, "{}", 0, &token), -ENOBUFS);
    CHECK_INT(token, 7);
    CHECK_INT(crig.core->events.n_all, 3);
    rig_connect(rig, true);
    CHECK(event_next());
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(event_try_post(E_LOW, "{}", 0, &token), 0);
    crig_end();
}

static void test_full_bytes(void)
{
    static char params[LIMIT_MQTT_PAYLOAD];
    uint64_t token;
    int64_t before;
    unsigned n = 0;

    event_begin();
    crig.core->events.config.max_bytes = 65536;
    memset(params, ' ', sizeof(params));
    params[8000] = '\0';
    while (n < 100 && event_try_post(E_STATUS, params, 0, &token) == 0)
        n++;
    CHECK(n >= 7 && n <= 8);
    before = crig.core->events.n_bytes;
    CHECK(before <= 65536 && before >= 56000);
    CHECK_INT(event_try_post(E_STATUS, params, 0, &token), -ENOBUFS);
    CHECK_INT(crig.core->events.n_bytes, before);

    params[8000] = ' ';
    params[LIMIT_MQTT_PAYLOAD - 511] = '\0';
    crig.core->events.config.max_bytes = 16777216;
    CHECK_INT(event_try_post(E_STATUS, params, 0, &token), -EMSGSIZE);
    params[LIMIT_MQTT_PAYLOAD - 512] = '\0';
    CHECK_INT(event_try_post(E_STATUS, params, 0, &token),
              0); /* the most still fits its envelope */
    rig_connect(rig, true);
    CHECK_INT(rig_count_publishes(rig), n + 1);
    crig_end();
}

/* Infos may make room for newer events, if the settings say so; alerts do not. */
static void test_drop_oldest(void)
{
    uint64_t first, second, alert, token;

    event_begin();
    crig.core->events.config.max_events = 3;
    crig.core->events.config.drop_oldest_info = true;
    first = event_post(E_STATUS, 1);
    second = event_post(E_STATUS, 2);
    alert = event_post(E_LOW, 3);
    CHECK_INT(event_try_post(E_STATUS, "{}", 0, &token), 0);
    CHECK_INT(event_code_of(first), 429);
    CHECK_STR(crig_end_of(first)->text, "dropped for a newer event, as outbox.info_policy says");
    (void) event_post(E_LOW, 4);
    (void) event_post(E_LOW, 5);
    CHECK(event_code_of(second) == 429 && event_code_of(token) == 429 &&
          event_code_of(alert) == -1);
    CHECK_INT(event_try_post(E_STATUS, "{}", 0, &token), -ENOBUFS);
    CHECK_INT(crig.core->events.n_all, 3);
    crig_end();
}

/* The next run takes up what this one left, in order, with the same clientTokens. */
static void test_restart(void)
{
    const struct core_config config = {
        .report_rate = 5,
        .events = {.max_events = 10000, .max_bytes = 16777216},
    };
    char token[64];

    event_begin_up();
    (void) event_post(E_STATUS, 1);
    (void) event_post(E_STATUS, 2);
    rig_advance(rig, 0);
    CHECK(event_next() && event_seen.number == 1);
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK(event_next() && event_seen.number == 2);
    strcpy(token, event_seen.token);
    (void) event_post(E_STATUS, 3);
    (void) event_post(E_LOW, 4);
    core_save(crig.core);
    crig_remove(&crig.lamp);
    crig_remove(&crig.door);
    crig.core = core_free(crig.core);
    link_unwatch(&rig->watch);
    rig->link = link_free(rig->link);

    rig_remake_link(rig);
    CHECK_INT(
        core_new(&crig.core, &rig->fl.loop, rig->link, rig->ident, crig.model, &config, crig.db),
        0);
    CHECK_INT(crig.core->events.n_all, 3);
    rig_connect(rig, true);
    CHECK(event_next() && event_seen.number == 4);
    CHECK(event_next() && event_seen.number == 2);
    CHECK_STR(event_seen.token, token);
    CHECK(event_next() && event_seen.number == 3);
    CHECK(!event_next());
    crig_end();
}

/* More than is kept in memory: what is on disk only comes in its order. */
static void test_many(void)
{
    unsigned n = 0;

    event_begin();
    for (unsigned i = 0; i < 1000; i++)
        (void) event_post(E_STATUS, i);
    CHECK_INT(crig.core->events.n_all, 1000);
    rig_connect(rig, true);
    while (event_next()) {
        CHECK_INT(event_seen.number, n);
        n++;
        event_ack(event_seen.id);
        event_reply(event_seen.token, 0);
    }
    CHECK_INT(n, 1000);
    rig_advance(rig, 0);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    crig_end();
}

/* Freed with events in every state; the sanitizer looks for what is left. */
static void test_free(void)
{
    event_begin_up();
    (void) event_post(E_LOW, 1);
    (void) event_post(E_LOW, 2);
    (void) event_post(E_LOW, 3);
    rig_advance(rig, 0);
    CHECK(event_next());
    event_ack(event_seen.id); /* 1 waits for its reply */
    CHECK(event_next());
    event_reply(event_seen.token, 0); /* 2 is done but for PUBACK, 3 is out */
    (void) event_post(E_LOW, 4);
    CHECK_INT(crig.core->events.n_all, 3);
    crig_end();
}

const char *const suite_name = "events-store";
const struct suite_test suite_tests[] = {
    {"full", test_full},
    {"full_bytes", test_full_bytes},
    {"drop_oldest", test_drop_oldest},
    {"restart", test_restart},
    {"many", test_many},
    {"free", test_free},
    {NULL, NULL},
};
