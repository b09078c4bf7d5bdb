/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the link tries again, and after what. */

#include <errno.h>
#include <string.h>

#include "daemon/sys/clock.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/fake-rand.h"
#include "tests/lib/link-steps.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static void test_interval(void)
{
    steps_begin();
    fake_rand_fix(0); /* every wait would be nothing */
    steps_enable();
    steps_reach_up(true);
    rig_advance(&steps_rig, 2 * S);
    rig_drop(&steps_rig);
    CHECK_INT(steps_wait_us(), 3 * S);
    steps_reach_up(true);
    rig_advance(&steps_rig, 30 * S);
    rig_drop(&steps_rig);
    CHECK_INT(steps_wait_us(), 0);
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 3);
    rig_advance(&steps_rig, 1 * S);
    link_enable(steps_rig.link); /* a person or the network says: now */
    CHECK_INT(steps_wait_us(), 4 * S);
    steps_end();
}

/* Full jitter below a ceiling that doubles: chance is set so that the ceiling shows. */
static void test_probe(void)
{
    static const uint64_t ceilings[] = {1, 2, 4, 8, 8, 8};

    steps_begin();
    steps_enable();
    for (size_t i = 0; i < ARRAY_SIZE(ceilings); i++) {
        fake_rand_fix(ceilings[i] * S);
        if (i % 2 == 0) {
            steps_resolved(0, "no such host");
            CHECK_STR(steps_info().reason, "cannot resolve 192.0.2.7: no such host");
        } else {
            steps_reach_opening();
            fake_transport_hang_up(&steps_rig.net, false, "connection refused");
            CHECK_STR(steps_info().reason, "192.0.2.7 port 8080: connection refused");
        }
        CHECK_INT(steps_state(), LINK_STATE_WAITING);
        CHECK_INT(steps_wait_us(), ceilings[i] * S);
    }
    fake_rand_fix(0);
    steps_resolved(0, "no such host");
    CHECK_INT(steps_wait_us(), 0);
    steps_reach_up(true);
    rig_advance(&steps_rig, 20 * S);
    fake_rand_fix(S);
    rig_drop(&steps_rig);
    (void) steps_wait_us();
    steps_resolved(0, "no such host"); /* having been up begins it anew */
    CHECK_INT(steps_wait_us(), S);
    steps_end();
}

static void test_backoff(void)
{
    static const uint64_t ceilings[] = {1, 2, 4, 8, 16, 32, 60, 60};

    steps_begin();
    steps_enable();
    for (size_t i = 0; i < ARRAY_SIZE(ceilings); i++) {
        fake_rand_fix(ceilings[i] * S);
        steps_reach_login();
        if (i % 2 == 0)
            rig_drop(&steps_rig);
        else
            rig_feed_connack(&steps_rig, false, 3);
        CHECK_INT(steps_state(), LINK_STATE_WAITING);
        CHECK_INT(steps_wait_us(), ceilings[i] < 5 ? 5 * S : ceilings[i] * S);
    }
    steps_reach_up(true);
    rig_advance(&steps_rig, 60 * S); /* not yet long enough to be forgiven */
    fake_rand_fix(60 * S);
    rig_drop(&steps_rig);
    CHECK_INT(steps_wait_us(), 60 * S);
    steps_reach_up(true);
    rig_advance(&steps_rig, 61 * S);
    fake_rand_fix(S);
    rig_drop(&steps_rig);
    CHECK_INT(steps_wait_us(), S);
    steps_end();
}

static void test_refusals(void)
{
    static const struct {
        unsigned code;
        enum link_state state;
        const char *reason;
    } cases[] = {
        {1, LINK_STATE_REFUSED, "protocol version refused (CONNACK 1); check device_info.json"},
        {2, LINK_STATE_REFUSED, "client id refused (CONNACK 2)"},
        {3, LINK_STATE_WAITING, "server unavailable (CONNACK 3)"},
        {4, LINK_STATE_REFUSED, "wrong user name or password (CONNACK 4)"},
        {5, LINK_STATE_DISABLED, "not authorized (CONNACK 5); is the device disabled"},
        {77, LINK_STATE_REFUSED, "unknown return code (CONNACK 77)"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        steps_begin();
        steps_enable();
        steps_reach_login();
        rig_feed_connack(&steps_rig, false, cases[i].code);
        CHECK_INT(steps_state(), cases[i].state);
        CHECK(strstr(steps_info().reason, cases[i].reason));
        CHECK(!steps_rig.net.is_open && steps_rig.net.n_aborts == 1);
        CHECK_INT(steps_rig.n_up + steps_rig.n_down, 0);
        if (cases[i].state != LINK_STATE_WAITING) {
            fake_rand_fix(0);
            link_enable(steps_rig.link); /* asked for: as soon as the platform allows */
            CHECK_INT(steps_wait_us(), 5 * S);
            steps_reach_login();
            rig_feed_connack(&steps_rig, false, cases[i].code);
            CHECK_INT(steps_wait_us(), 30 * S); /* by itself: slowly, never less than half */
            fake_rand_fix(30 * S);
            steps_reach_login();
            rig_feed_connack(&steps_rig, false, cases[i].code);
            CHECK_INT(steps_wait_us(), 60 * S);
            steps_reach_up(false);
            CHECK_STR(steps_info().reason, "");
        }
        steps_end();
    }
}

static void test_conflict(void)
{
    steps_begin();
    fake_rand_fix(0);
    steps_enable();
    for (int i = 0; i < 2; i++) {
        steps_reach_up(true);
        rig_advance(&steps_rig, 3 * S);
        rig_drop(&steps_rig);
        CHECK_INT(steps_state(), LINK_STATE_WAITING);
        (void) steps_wait_us();
    }
    steps_reach_up(true);
    rig_advance(&steps_rig, 30 * S); /* this time nobody kicked us out at once */
    rig_drop(&steps_rig);
    (void) steps_wait_us();
    for (int i = 0; i < 2; i++) {
        steps_reach_up(i == 0); /* also while subscribing */
        rig_advance(&steps_rig, 9 * S);
        rig_drop(&steps_rig);
        (void) steps_wait_us();
    }
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 0);
    CHECK_INT(steps_state(), LINK_STATE_SUBSCRIBING);
    rig_drop(&steps_rig);
    CHECK_INT(steps_state(), LINK_STATE_CONFLICT);
    CHECK(strstr(steps_info().reason, "another client uses this device's identity"));
    CHECK_INT(steps_wait_us(), 30 * S);
    CHECK_INT(steps_rig.n_up, steps_rig.n_down);
    steps_reach_up(true);
    rig_drop(&steps_rig);
    CHECK_INT(steps_state(), LINK_STATE_CONFLICT); /* still so */
    steps_end();
}

static void test_timeouts(void)
{
    steps_begin();
    steps_enable();
    rig_advance(&steps_rig, 10 * S - 1);
    CHECK_INT(steps_state(), LINK_STATE_RESOLVING);
    fake_rand_fix(S);
    rig_advance(&steps_rig, 1);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "name resolution of 192.0.2.7 took too long");
    CHECK(!steps_is_resolving());

    CHECK_INT(steps_wait_us(), S);
    steps_reach_opening();
    rig_advance(&steps_rig, 10 * S - 1);
    CHECK_INT(steps_state(), LINK_STATE_OPENING);
    rig_advance(&steps_rig, 1);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "192.0.2.7 port 8080 did not answer in time");
    CHECK(!steps_rig.net.opening);

    (void) steps_wait_us();
    steps_reach_login();
    rig_advance(&steps_rig, 5 * S);
    CHECK_STR(steps_info().reason, "no CONNACK in time");
    CHECK(!steps_rig.net.is_open);

    (void) steps_wait_us();
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 0);
    rig_advance(&steps_rig, 5 * S);
    CHECK_STR(steps_info().reason, "no SUBACK in time");
    CHECK_INT(steps_rig.n_up, 0);
    steps_end();
}

static void test_addresses(void)
{
    steps_begin();
    steps_enable();
    steps_resolved(3, NULL);
    CHECK_STR(steps_rig.net.target.address, "192.0.2.1");
    fake_transport_hang_up(&steps_rig.net, false, "refused");
    CHECK_INT(steps_state(), LINK_STATE_OPENING);
    CHECK_STR(steps_rig.net.target.address, "192.0.2.2");
    rig_advance(&steps_rig, 9 * S);
    fake_transport_hang_up(&steps_rig.net, false, "unreachable");
    CHECK_STR(steps_rig.net.target.address, "192.0.2.3");
    rig_advance(&steps_rig, 9 * S); /* each has its own time */
    CHECK_INT(steps_state(), LINK_STATE_OPENING);
    fake_transport_hang_up(&steps_rig.net, false, "unreachable");
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "192.0.2.7 port 8080: unreachable");
    CHECK_INT(steps_rig.net.n_opens, 3);
    steps_end();
}

/* A server that answers but does not let us in is no reason to probe fast. */
static void test_upgrade_refused(void)
{
    steps_begin();
    steps_enable();
    steps_resolved(2, NULL);
    fake_rand_fix(S);
    fake_transport_hang_up(&steps_rig.net, true, "HTTP 403");
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "HTTP 403");
    CHECK_INT(steps_rig.net.n_opens, 1);
    (void) steps_wait_us();
    steps_reach_opening();
    fake_rand_fix(2 * S);
    fake_transport_hang_up(&steps_rig.net, true, "HTTP 403");
    CHECK_INT(steps_wait_us(), 2 * S);
    steps_end();
}

/* --- the network and the clock --- */

static void test_network_waiting(void)
{
    steps_begin();
    steps_enable();
    for (int i = 0; i < 5; i++) { /* long waits by now */
        fake_rand_fix(8 * S);
        steps_resolved(0, "no network");
        if (i < 4)
            (void) steps_wait_us();
    }
    CHECK_INT(steps_info().next_try_real_us - clock_real_us(), 8 * S);
    link_network_changed(steps_rig.link);
    CHECK_INT(steps_wait_us(), 0);
    fake_rand_fix(S);
    steps_resolved(0, "the resolver does not know yet");
    CHECK_INT(steps_wait_us(), S); /* the waits begin anew */

    /* Never two CONNECTs within the interval, and none of it for whom the cloud refused. */
    steps_reach_up(true);
    rig_advance(&steps_rig, S);
    rig_drop(&steps_rig);
    link_network_changed(steps_rig.link);
    CHECK_INT(steps_wait_us(), 4 * S);
    for (uint8_t code = 4; code <= 5; code++) {
        uint64_t next;

        steps_reach_login();
        rig_feed_connack(&steps_rig, false, code);
        next = steps_info().next_try_real_us;
        link_network_changed(steps_rig.link);
        CHECK_INT(steps_info().next_try_real_us, next);
        CHECK(steps_wait_us() >= 30 * S);
    }
    steps_end();
}

/* An attempt under way may be waiting for an answer to the old network. */
static void test_network_trying(void)
{
    steps_begin();
    steps_enable();
    rig_advance(&steps_rig, 3 * S);
    link_network_changed(steps_rig.link);
    CHECK(!steps_is_resolving());
    CHECK_INT(steps_wait_us(), 0);
    CHECK(steps_is_resolving());
    rig_advance(&steps_rig, 3 * S);
    link_network_changed(steps_rig.link); /* not over and over */
    CHECK_INT(steps_state(), LINK_STATE_RESOLVING);
    steps_reach_opening();
    link_network_changed(steps_rig.link);
    CHECK_INT(steps_state(), LINK_STATE_OPENING);
    fake_rand_fix(8 * S);
    fake_transport_hang_up(&steps_rig.net, false, "no route");
    CHECK_INT(steps_wait_us(), 0); /* but when it failed */
    steps_resolved(0, "nobody");
    CHECK(steps_wait_us() > 0);
    rig_advance(&steps_rig, 9 * S);
    steps_reach_opening();
    link_network_changed(steps_rig.link);
    CHECK(!steps_rig.net.opening);
    CHECK_INT(steps_wait_us(), 0);
    steps_reach_login();
    link_network_changed(steps_rig.link); /* it has five seconds anyway */
    CHECK_INT(steps_state(), LINK_STATE_LOGIN);
    steps_end();
}

static void test_network_up(void)
{
    steps_begin();
    link_network_changed(steps_rig.link);
    CHECK_INT(steps_state(), LINK_STATE_OFF);
    steps_enable();
    steps_reach_up(true);
    link_network_changed(steps_rig.link);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 12);
    fake_transport_feed(&steps_rig.net, "\xd0\x00", 2);
    rig_advance(&steps_rig, 6 * S);
    CHECK(link_is_up(steps_rig.link));
    link_network_changed(steps_rig.link);
    rig_advance(&steps_rig, 5 * S - 1);
    CHECK(link_is_up(steps_rig.link));
    rig_advance(&steps_rig, 1);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "no PINGRESP in time");
    (void) steps_wait_us();
    steps_reach_up(true);
    steps_rig.net.send_result = -ENOBUFS;
    link_network_changed(steps_rig.link);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    steps_rig.net.send_result = 0;
    steps_end();
}

static void test_clock_set(void)
{
    uint64_t since;

    steps_begin();
    fake_clock_set_real(0);
    steps_enable();
    steps_reach_opening();
    fake_transport_hang_up(&steps_rig.net, true, "the certificate is not valid yet");
    CHECK_STR(steps_info().reason,
              "the clock is not set (it says 1970-01-01): the certificate is not valid yet");
    (void) steps_wait_us();
    steps_resolved(0, "nobody"); /* for that no clock is needed */
    CHECK_STR(steps_info().reason, "cannot resolve 192.0.2.7: nobody");
    (void) steps_wait_us();
    steps_reach_login();
    CHECK(strstr(steps_p.username, ";2147483647")); /* holds with any clock */
    rig_feed_connack(&steps_rig, false, 4);
    CHECK_INT(steps_state(), LINK_STATE_REFUSED);
    CHECK(strstr(steps_info().reason, "the clock is not set (it says 1970-01-01): the cloud") ==
          steps_info().reason);

    rig_advance(&steps_rig, 5 * S);
    fake_clock_set_real(FAKE_CLOCK_REAL_US);
    link_clock_stepped(steps_rig.link, 1000);
    CHECK_INT(steps_state(), LINK_STATE_WAITING); /* from refused: now */
    CHECK_INT(steps_wait_us(), 0);
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 4);
    CHECK(!strstr(steps_info().reason, "the clock is not set"));
    (void) steps_wait_us();
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 5); /* is not about the clock */
    since = steps_info().since_real_us;
    link_clock_stepped(steps_rig.link, -1000);
    CHECK_INT(steps_state(), LINK_STATE_DISABLED);
    CHECK_INT(steps_info().since_real_us, since - 1000);
    steps_end();
}

const char *const suite_name = "link-retry";
const struct suite_test suite_tests[] = {
    {"interval", test_interval},
    {"probe", test_probe},
    {"backoff", test_backoff},
    {"refusals", test_refusals},
    {"conflict", test_conflict},
    {"timeouts", test_timeouts},
    {"addresses", test_addresses},
    {"upgrade_refused", test_upgrade_refused},
    {"network_waiting", test_network_waiting},
    {"network_trying", test_network_trying},
    {"network_up", test_network_up},
    {"clock_set", test_clock_set},
    {NULL, NULL},
};
