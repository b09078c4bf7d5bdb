/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/clients.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/suite.h"

static void test_life(void)
{
    struct client *a = NULL, *b = NULL;
    struct clients cs;

    fake_clock_reset();
    clients_init(&cs);
    CHECK(!clients_find(&cs, ":1.1"));
    CHECK_INT(clients_add(&cs, ":1.1", 1000, 42, &a), 0);
    CHECK_INT(clients_add(&cs, ":1.2", 0, 0, &b), 0);
    if (!a || !b)
        return;
    CHECK(cs.n == 2 && clients_find(&cs, ":1.1") == a && clients_find(&cs, ":1.2") == b);
    CHECK(!clients_find(&cs, ":1.") && !clients_find(&cs, ":1.11"));
    CHECK(a->uid == 1000 && a->pid == 42 && a->number == 1 && b->number == 2);
    CHECK_STR(a->app_id, ":1.1"); /* until one is set */
    CHECK_INT(a->since_real_us, FAKE_CLOCK_REAL_US);
    clients_remove(&cs, a);
    CHECK(!clients_find(&cs, ":1.1") && cs.n == 1);
    CHECK_INT(clients_add(&cs, ":1.1", 1, 1, &a), 0);
    CHECK_INT(a->number, 3); /* never twice */
    clients_remove(&cs, a);
    clients_remove(&cs, b);
    clients_done(&cs);
}

/* The programs of one user are counted. */
static void test_quota(void)
{
    struct client *a = NULL, *b = NULL, *c = NULL;
    struct clients cs;

    clients_init(&cs);
    cs.max_per_user = 2;
    CHECK_INT(clients_add(&cs, ":1.1", 1000, 1, &a), 0);
    CHECK_INT(clients_add(&cs, ":1.2", 1000, 1, &b), 0);
    CHECK_INT(clients_add(&cs, ":1.3", 1000, 1, &c), -EDQUOT);
    CHECK(!c && cs.n == 2);
    CHECK_INT(clients_add(&cs, ":1.3", 1001, 1, &c), 0);
    clients_remove(&cs, a);
    CHECK_INT(clients_add(&cs, ":1.4", 1000, 1, &a), 0);
    clients_remove(&cs, a);
    clients_remove(&cs, b);
    clients_remove(&cs, c);
    clients_done(&cs);
}

static void test_app_id(void)
{
    static const struct {
        const char *id;
        int result;
    } cases[] = {
        {"lamp", 0},
        {"org.example.lamp-1_2", 0},
        {"", -EINVAL},
        {"Lamp", -EINVAL},
        {"a b", -EINVAL},
        {"a/b", -EINVAL},
        {"\xc3\xa9", -EINVAL},
        {"0123456789012345678901234567890123456789012345678901234567890123", 0},
        {"01234567890123456789012345678901234567890123456789012345678901234", -EINVAL},
    };
    struct client *c = NULL;
    struct clients cs;

    clients_init(&cs);
    CHECK_INT(clients_add(&cs, ":1.1", 0, 0, &c), 0);
    for (size_t i = 0; c && i < ARRAY_SIZE(cases); i++) {
        CHECK_INT(client_set_app_id(c, "before"), 0);
        CHECK_INT(client_set_app_id(c, cases[i].id), cases[i].result);
        CHECK_STR(c->app_id, cases[i].result == 0 ? cases[i].id : "before");
    }
    if (c)
        clients_remove(&cs, c);
    clients_done(&cs);
}

static void test_limit(void)
{
    struct client *c = NULL;
    struct clients cs;
    char peer[16];

    clients_init(&cs);
    for (unsigned i = 0; i < LIMIT_CLIENTS; i++) {
        (void) snprintf(peer, sizeof(peer), ":1.%u", i);
        CHECK_INT(clients_add(&cs, peer, 0, 0, &c), 0);
    }
    c = NULL;
    CHECK_INT(clients_add(&cs, ":1.9999", 0, 0, &c), -ENOBUFS);
    CHECK(!c && cs.n == LIMIT_CLIENTS);
    LIST_FOR_EACH_SAFE (n, &cs.list)
        clients_remove(&cs, LIST_ENTRY(n, struct client, link));
    clients_done(&cs);
}

const char *const suite_name = "clients";
const struct suite_test suite_tests[] = {
    {"quota", test_quota}, {"life", test_life}, {"app_id", test_app_id},
    {"limit", test_limit}, {NULL, NULL},
};
