/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose share of the queue is used up, and that nobody else is the poorer. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/event-steps.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

static void on_posted(int result, uint64_t token, void *userdata)
{
    if (userdata)
        *(uint64_t *) userdata = token;
    CHECK_INT(result, 0);
}

/* The programs of the table, and two connections of one. */
static void account_of(const char *peer, char name[EVENTS_ACCOUNT], void *userdata)
{
    (void) userdata;
    if (strcmp(peer, ":1.1") == 0 || strcmp(peer, ":1.11") == 0)
        strcpy(name, "1000 lamp");
    else if (strcmp(peer, ":1.9") != 0)
        (void) snprintf(name, EVENTS_ACCOUNT, "1000 %s", peer);
}

static int post_as(const char *peer, size_t event, uint64_t *ret_token)
{
    return events_post(&crig.core->events, peer, &crig.model->events[event], "{}", 0, on_posted,
                       ret_token);
}

static void begin(int64_t max_events, unsigned share)
{
    event_begin();
    crig.core->events.config.max_events = max_events;
    crig.core->events.config.share = share;
    crig.core->events.account_of = account_of;
}

static void save(void)
{
    (void) persist_now(&crig.core->persist, true);
}

static void test_share(void)
{
    begin(10, 50);
    for (int i = 0; i < 5; i++)
        CHECK_INT(post_as(i % 2 ? ":1.1" : ":1.11", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.1", E_LOW, NULL), -EDQUOT);
    CHECK_INT(post_as(":1.11", E_STATUS, NULL), -EDQUOT);
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), 0);
    save();
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT); /* on disk as before */
    /* Who is nobody has no share; the queue has its own bound. */
    for (int i = 0; i < 4; i++)
        CHECK_INT(post_as(":1.9", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.9", E_STATUS, NULL), -ENOBUFS);
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), -ENOBUFS);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    CHECK_INT(crig.core->events.n_all, 10);
    CHECK_INT(crig.core->events.n_accounts, 2);
    crig_end();
}

/* What has left makes room, and who has nothing there is forgotten. */
static void test_leaves(void)
{
    begin(4, 50);
    rig_connect(rig, true);
    for (int i = 0; i < 2; i++)
        CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    save();
    rig_advance(rig, 0);
    CHECK(event_next());
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    save();
    while (event_next()) {
        event_ack(event_seen.id);
        event_reply(event_seen.token, 0);
    }
    CHECK_INT(crig.core->events.n_all, 0);
    CHECK_INT(crig.core->events.n_accounts, 0);
    crig_end();
}

/* Bytes count as well, the first one fits always, and without a share there is none. */
static void test_bytes(void)
{
    int64_t one;

    begin(1000000, 1);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    one = crig.core->events.n_bytes;
    crig.core->events.config.max_bytes = one * 400;
    for (int i = 0; i < 3; i++)
        CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    crig.core->events.config.max_bytes = one * 10;
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), -EDQUOT);
    crig.core->events.config.share = 100;
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), 0);
    crig.core->events.config.share = 0;
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    crig_end();
}

/* With drop-oldest a program drops its own, not those of others. */
static void test_drop_own(void)
{
    uint64_t first = 0, second = 0, other = 0;

    begin(6, 50);
    crig.core->events.config.drop_oldest_info = true;
    CHECK_INT(post_as(":1.2", E_STATUS, &other), 0);
    CHECK_INT(post_as(":1.1", E_STATUS, &first), 0);
    CHECK_INT(post_as(":1.1", E_STATUS, &second), 0);
    CHECK_INT(post_as(":1.1", E_LOW, NULL), 0);
    save();
    CHECK_INT(post_as(":1.1", E_LOW, NULL), 0);
    CHECK_INT(event_code_of(first), 429);
    save();
    CHECK_INT(post_as(":1.1", E_LOW, NULL), 0);
    CHECK_INT(event_code_of(second), 429);
    save();
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT); /* three alerts are not given up */
    CHECK_INT(event_code_of(other), -1);
    CHECK_INT(crig.core->events.n_all, 4);
    crig_end();
}

/* The last event of a program is dropped for its own next one. */
static void test_drop_last(void)
{
    uint64_t first = 0, second = 0;

    begin(2, 60);
    crig.core->events.config.drop_oldest_info = true;
    CHECK_INT(post_as(":1.1", E_STATUS, &first), 0);
    CHECK_INT(post_as(":1.9", E_LOW, NULL), 0);
    save();
    CHECK_INT(post_as(":1.1", E_STATUS, &second), 0);
    CHECK_INT(event_code_of(first), 429);
    save();
    CHECK_INT(crig.core->events.n_accounts, 1);
    CHECK_INT(crig.core->events.n_all, 2);
    crig_end();
}

/* A program that was restarted, or iotd, does not get another share. */
static void test_restart(void)
{
    const struct core_config config = {
        .report_rate = 5,
        .events = {.max_events = 1000, .max_bytes = 16777216, .share = 50},
    };

    begin(1000, 50);
    for (int i = 0; i < 500; i++)
        CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    CHECK_INT(post_as(":1.2", E_LOW, NULL), 0);
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
    crig.core->events.account_of = account_of;
    CHECK_INT(crig.core->events.n_accounts, 2);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    CHECK_INT(post_as(":1.2", E_STATUS, NULL), 0);
    save();
    rig_connect(rig, true);
    for (int i = 0; event_next(); i++) { /* also those that were on disk only */
        event_ack(event_seen.id);
        event_reply(event_seen.token, 0);
    }
    CHECK_INT(crig.core->events.n_all, 0);
    CHECK_INT(crig.core->events.n_accounts, 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    save();
    crig_end();
}

/* Samples take the same share; one that was prepared only takes none. */
static void test_samples(void)
{
    struct event *e = NULL, *other = NULL;

    begin(4, 50);
    CHECK_INT(events_prepare_sample(&crig.core->events, ":1.1", "{}", 0, &e), 0);
    events_abandon(e);
    CHECK_INT(crig.core->events.n_accounts, 0);
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), 0);
    CHECK_INT(events_prepare_sample(&crig.core->events, ":1.1", "{}", 0, &e), 0);
    CHECK_INT(events_prepare_sample(&crig.core->events, ":1.1", "{}", 0, &other), -EDQUOT);
    events_keep(e, on_posted, NULL);
    CHECK_INT(events_prepare_sample(&crig.core->events, "", "{}", 0, &other), 0); /* of a control */
    events_keep(other, on_posted, NULL);
    save();
    crig_end();
}

/* So many programs that there is no room for one more. */
static void test_many_programs(void)
{
    begin(10000, 50);
    for (int i = 0; i < LIMIT_ACCOUNTS; i++) {
        char peer[16];

        (void) snprintf(peer, sizeof(peer), ":2.%d", i);
        CHECK_INT(post_as(peer, E_STATUS, NULL), 0);
    }
    CHECK_INT(post_as(":1.1", E_STATUS, NULL), -EDQUOT);
    CHECK_INT(post_as(":2.5", E_STATUS, NULL), 0);
    save();
    crig_end();
}

const char *const suite_name = "events-quota";
const struct suite_test suite_tests[] = {
    {"share", test_share},
    {"leaves", test_leaves},
    {"bytes", test_bytes},
    {"drop_own", test_drop_own},
    {"drop_last", test_drop_last},
    {"restart", test_restart},
    {"samples", test_samples},
    {"many_programs", test_many_programs},
    {NULL, NULL},
};
