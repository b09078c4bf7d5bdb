/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared memory of several users: what somebody may not read is not in the memory that he gets.
 *
 *   person (nobody)               iotd                        guest (bin)
 *                                 [allow] nobody: name
 *   Attach →  ← a table with name                             ← Attach; a table without →
 *                                 both may read all
 *                ← another table: the same one →
 *                                 the guest may not read brightness any more
 *                ← another table each; the last one is written no more →
 */

#include <errno.h>
#include <string.h>

#include "libiotclient/base/fdutil.h"
#include "tests/lib/policy-scene.h"
#include "tests/lib/scene.h"
#include "tests/lib/shm-peer.h"

#define SECRET "a-name-that-the-guest-may-not-see"
#define SECRET_LONG SECRET "-nor-any-slot-can-hold"

static void set_rules(struct policy *p, const char *text)
{
    policy_rules(p, "10-test.conf", text);
    CHECK_MSG(scene_call(p->root, IOTD_ROOT_PATH, IOTD_IFACE_MANAGER, "Reload", ""), "[]");
}

#define FOR_PERSON(id)                                                                             \
    "[allow]\nuser = " POLICY_PERSON "\nverbs = read\nids = " id "\n\n"                            \
    "[deny]\nverbs = read\nids = " id "\n\n"

static void report(struct policy *p, const char *name, int brightness)
{
    CHECK(thing_token(p->root, "ReportValue", "sv", "name", "s", name) != 0);
    CHECK(thing_token(p->root, "ReportValue", "sv", "brightness", "i", brightness) != 0);
}

static void test_two_users(void)
{
    struct shm_peer person = {0}, guest = {0};
    struct bus_client *a, *b;
    struct policy p;

    policy_start(&p);
    set_rules(&p, FOR_PERSON("name"));
    a = policy_client_as(POLICY_PERSON, POLICY_GROUP);
    b = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK(shm_peer_attach(&person, a, "person"));
    CHECK(shm_peer_attach(&guest, b, "guest"));
    report(&p, SECRET, 5);
    report(&p, SECRET_LONG, 6);
    report(&p, "x", 7);
    CHECK_TABLE(&person.table, "name", "'x'");
    CHECK_TABLE(&person.table, "brightness", "7");
    CHECK_TABLE(&guest.table, "brightness", "7");
    CHECK_INT(table_reader_find(&guest.table, "name"), -ENOENT);
    CHECK(!table_reader_contains(&guest.table, "name"));
    CHECK(!table_reader_contains(&guest.table, "may-not-see"));
    CHECK(table_reader_contains(&person.table, "may-not-see")); /* the older copy */
    shm_peer_done(&person);
    shm_peer_done(&guest);
    a = bus_client_free(a);
    b = bus_client_free(b);
    policy_stop(&p);
}

/* Nobody writes on where somebody may not read on. */
static void test_taken_away(void)
{
    struct shm_peer person = {0}, guest = {0};
    struct table_reader old = {0};
    struct bus_client *a, *b;
    struct policy p;

    policy_start(&p);
    a = policy_client_as(POLICY_PERSON, POLICY_GROUP);
    b = policy_client_as(POLICY_GUEST, POLICY_GROUP);
    CHECK(shm_peer_attach(&person, a, "person"));
    CHECK(shm_peer_attach(&guest, b, "guest"));
    CHECK(person.table.view.epoch == guest.table.view.epoch);
    report(&p, "x", 5);
    CHECK(table_reader_open(&old, guest.fds[LAYOUT_FD_TABLE]));
    set_rules(&p, FOR_PERSON("brightness"));
    CHECK(shm_peer_has_moved(&person) && shm_peer_has_moved(&guest));
    CHECK(shm_peer_take_table(&person, "person"));
    CHECK(shm_peer_take_table(&guest, "guest"));
    report(&p, "y", 6);
    CHECK_TABLE(&person.table, "brightness", "6");
    CHECK_TABLE(&guest.table, "name", "'y'");
    CHECK(!table_reader_contains(&guest.table, "brightness"));
    CHECK_TABLE(&old, "brightness", "5");
    CHECK_TABLE(&old, "name", "'x'");
    CHECK(!shm_peer_has_moved(&person) && !shm_peer_has_moved(&guest));

    /* Given back: each in the table that it has; who comes now shares one with somebody. */
    set_rules(&p, "");
    CHECK(!shm_peer_has_moved(&person) && !shm_peer_has_moved(&guest));
    CHECK_TABLE(&guest.table, "brightness", "6");
    table_reader_done(&old);
    shm_peer_done(&person);
    shm_peer_done(&guest);
    a = bus_client_free(a);
    b = bus_client_free(b);
    policy_stop(&p);
}

const char *const suite_name = "policy-shm";
const struct suite_test suite_tests[] = {
    {"two-users", test_two_users},
    {"taken-away", test_taken_away},
    {NULL, NULL},
};
