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
    (void) event_post(E_STATUS, 5); /* behind what there was */
    (void) event_post(E_LOW, 6);
    rig_drop(rig);
    rig_connect(rig, true);
    for (unsigned i = 0; i < 3; i++)
        CHECK(event_next() && event_seen.dup);
    CHECK(event_next() && event_seen.number == 6);
    CHECK(event_next() && event_seen.number == 5);
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

/* --- programs --- */

#define DOOR ":1.2"

static int result_of_post;

static void on_posted(int result, uint64_t token, void *userdata)
{
    (void) token;
    (void) userdata;
    result_of_post = result;
}

/* In one commit for all of them: persist_now() is the caller's. */
static void post_of(const char *peer, size_t event, unsigned number)
{
    char params[32];

    (void) snprintf(params, sizeof(params), "{\"n\":%u}", number);
    CHECK_INT(events_post(&crig.core->events, peer, &crig.model->events[event], params, 0,
                          on_posted, NULL),
              0);
}

static void post_many(const char *peer, size_t event, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        post_of(peer, event, i);
    (void) persist_now(&crig.core->persist, true);
    CHECK_INT(result_of_post, 0);
}

static bool settle_next(void)
{
    if (!event_next())
        return false;
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    crig.n_told = 0;
    return true;
}

/* What came after a burst of another program, also one that is on disk, leaves among the first. */
static void test_burst(void)
{
    static const size_t kinds[] = {E_STATUS, E_LOW};

    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        unsigned next_lamp = 0, next_door = 10000;

        event_begin();
        post_many(LAMP, kinds[k], 0, 2000);
        post_many(DOOR, kinds[k], 10000, 20);
        rig_connect(rig, true);
        for (unsigned i = 0; i < 2020; i++) {
            if (!settle_next())
                break;
            if (event_seen.number >= 10000)
                CHECK_INT(event_seen.number, next_door++);
            else
                CHECK_INT(event_seen.number, next_lamp++);
            if (i == 41)
                CHECK(next_door >= 10020);
        }
        CHECK(next_lamp == 2000 && next_door == 10020);
        CHECK(!event_next() && crig.core->events.n_all == 0);
        crig_end();
    }
}

/* Many programs, each after the bursts of those before it: bounded in memory, all of it arrives. */
static void test_many_programs(void)
{
    struct client *clients[20] = {NULL};
    unsigned next[20], n = 0;

    event_begin();
    for (unsigned p = 0; p < ARRAY_SIZE(next); p++) {
        char peer[16];

        (void) snprintf(peer, sizeof(peer), ":1.%u", 100 + p);
        next[p] = p * 1000;
        if (p < 2 || p > 17) /* the others are scripts */
            CHECK_INT(clients_add(&crig.core->clients, peer, 0, 0, &clients[p]), 0);
        post_many(peer, E_STATUS, p * 1000, 200);
        CHECK(crig.core->events.queues[EVENT_CLASS_INFO].n_queued <= 512);
    }
    rig_connect(rig, true);
    while (settle_next()) {
        unsigned p = event_seen.number / 1000;

        CHECK_INT(event_seen.number, next[p]++);
        n++;
    }
    CHECK_INT(n, 200 * ARRAY_SIZE(next));
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    for (unsigned p = 0; p < ARRAY_SIZE(clients); p++) {
        if (clients[p])
            clients_remove(&crig.core->clients, clients[p]);
    }
    crig_end();
}

/* A program keeps its order over its own restart, and when it gets its name late. */
static void test_same_program(void)
{
    unsigned n = 0;

    event_begin();
    post_many(":1.9", E_STATUS, 0, 10); /* nobody knows it yet */
    CHECK_INT(client_set_app_id(crig.lamp, "meter"), 0);
    post_many(LAMP, E_STATUS, 100, 300);
    crig_remove(&crig.lamp);
    CHECK_INT(clients_add(&crig.core->clients, ":1.77", 1000, 3, &crig.lamp), 0);
    CHECK_INT(client_set_app_id(crig.lamp, "meter"), 0);
    post_many(":1.77", E_STATUS, 400, 10);
    rig_connect(rig, true);
    while (settle_next()) {
        if (event_seen.number >= 100)
            CHECK_INT(event_seen.number, 100 + n++);
    }
    CHECK_INT(n, 310);
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
    {"burst", test_burst},
    {"many_programs", test_many_programs},
    {"same_program", test_same_program},
    {"free", test_free},
    {NULL, NULL},
};
