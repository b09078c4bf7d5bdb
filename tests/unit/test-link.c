/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link up and down, with everything around it faked. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cloud/login.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/link-steps.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static void test_connect(void)
{
    struct login l;

    steps_begin();
    CHECK_INT(steps_state(), LINK_STATE_OFF);
    CHECK_STR(steps_info().reason, "");
    steps_enable();
    CHECK_STR(steps_host, "192.0.2.7");
    steps_reach_opening();
    CHECK_STR(steps_rig.net.target.address, "192.0.2.1");
    CHECK_STR(steps_rig.net.target.host, "192.0.2.7:8080");
    CHECK_STR(steps_rig.net.target.path, "/mqtt");
    CHECK(steps_rig.net.target.websocket && !steps_rig.net.target.tls &&
          steps_rig.net.target.port == 8080);

    fake_transport_accept(&steps_rig.net);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 1);
    CHECK_INT(steps_p.connect_flags, 0xc0);
    CHECK_INT(steps_p.keepalive_s, 240);
    CHECK_INT(login_make(&l, steps_rig.ident, steps_rig.signer, "00001", 2147483647), 0);
    CHECK_STR(steps_p.client_id, l.client_id);
    CHECK_STR(steps_p.username, l.username);
    CHECK_STR(steps_p.password, l.password);

    CHECK(!rig_next(&steps_rig, &steps_p));
    rig_feed_connack(&steps_rig, false, 0);
    CHECK_INT(steps_state(), LINK_STATE_SUBSCRIBING);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 8 && steps_p.qos == 1);
    CHECK_STR(steps_p.topic, "a/+");
    CHECK_INT(steps_p.id != 0, 1);
    CHECK(steps_p.len ==
          steps_rig.net.sent_len + steps_p.len); /* one filter a packet, one packet at a time */
    rig_feed_suback(&steps_rig, steps_p.id, 1);
    CHECK_INT(steps_rig.n_up, 0);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 8 && steps_p.qos == 0);
    CHECK_STR(steps_p.topic, "b");
    rig_feed_suback(&steps_rig, steps_p.id, 0);
    CHECK(link_is_up(steps_rig.link));
    CHECK(steps_rig.n_up == 1 && steps_rig.n_down == 0 && steps_rig.n_changed > 0);
    CHECK(!steps_info().session_present);
    CHECK_INT(steps_info().reconnects, 0);
    CHECK_INT(steps_info().since_real_us, FAKE_CLOCK_REAL_US);
    steps_end();
}

static void test_session_present(void)
{
    steps_begin();
    steps_enable();
    steps_reach_login();
    rig_feed_connack(&steps_rig, true, 0);
    CHECK(link_is_up(steps_rig.link) && steps_info().session_present);
    CHECK(!rig_next(&steps_rig, &steps_p)); /* the server knows our filters still */
    steps_end();
}

static void test_settings(void)
{
    struct link_config c = {
        .keepalive_s = 60,
        .clean_session = true,
    };
    const char *problem;
    struct login l;

    CHECK_INT(endpoint_parse(&c.endpoint, "mqtt://[2001:db8::7]", &problem), 0);
    rig_init_with(&steps_rig, &c, HMAC_SHA1);
    steps_enable();
    CHECK_STR(steps_host, "2001:db8::7");
    steps_reach_login();
    CHECK(!steps_rig.net.target.websocket && steps_rig.net.target.port == 1883);
    CHECK_STR(steps_rig.net.target.host, "[2001:db8::7]");
    CHECK_INT(steps_p.connect_flags, 0xc2);
    CHECK_INT(steps_p.keepalive_s, 60);
    CHECK_INT(login_make(&l, steps_rig.ident, steps_rig.signer, "00001", 2147483647), 0);
    CHECK_STR(steps_p.password, l.password);
    rig_feed_connack(&steps_rig, false, 0);
    CHECK(link_is_up(steps_rig.link)); /* without filters there is nothing to wait for */
    steps_end();
}

/* The text in the user name is another for each CONNECT. */
static void test_connid(void)
{
    char first[WIRE_TEXT];

    steps_begin();
    steps_enable();
    steps_reach_login();
    strcpy(first, steps_p.username);
    rig_drop(&steps_rig);
    (void) steps_wait_us();
    steps_reach_login();
    CHECK(strcmp(first, steps_p.username) != 0);
    CHECK_INT(strlen(first), strlen(steps_p.username));
    steps_end();
}

/* --- ends --- */

static void test_disable(void)
{
    steps_begin();
    steps_enable();
    steps_reach_up(true);
    link_disable(steps_rig.link);
    CHECK_INT(steps_state(), LINK_STATE_CLOSING);
    CHECK_INT(steps_rig.n_down, 1);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 14); /* a clean DISCONNECT */
    CHECK(steps_rig.net.closing && steps_rig.net.n_closes == 1);
    link_disable(steps_rig.link);
    CHECK_INT(steps_rig.net.n_closes, 1);
    fake_transport_feed(&steps_rig.net, "\x30\x03\x00\x01x", 5); /* too late to matter */
    CHECK_INT(steps_info().received, 0);
    fake_transport_hang_up(&steps_rig.net, true, "closed");
    CHECK_INT(steps_state(), LINK_STATE_OFF);
    CHECK_INT(steps_rig.n_down, 1);
    rig_advance(&steps_rig, 1000 * S);
    CHECK_INT(steps_state(), LINK_STATE_OFF);
    CHECK(steps_rig.fl.wake_us == UINT64_MAX);
    CHECK_STR(steps_info().reason, "");
    steps_enable();
    steps_reach_up(true);
    CHECK_INT(steps_info().reconnects, 1);
    steps_end();
}

static void disable_now(const char *name, bool says_goodbye)
{
    link_disable(steps_rig.link);
    if (steps_state() == LINK_STATE_CLOSING)
        fake_transport_hang_up(&steps_rig.net, true, "closed");
    if (steps_state() != LINK_STATE_OFF)
        suite_fail(__FILE__, __LINE__, "%s: state %d", name, steps_state());
    CHECK_INT(steps_rig.net.n_closes, says_goodbye);
    CHECK(!steps_rig.net.opening && !steps_rig.net.is_open && !steps_is_resolving());
    rig_advance(&steps_rig, 1000 * S);
    CHECK(steps_rig.fl.wake_us == UINT64_MAX);
    CHECK_INT(steps_rig.n_up, steps_rig.n_down);
    steps_end();
}

static void test_disable_everywhere(void)
{
    steps_begin();
    disable_now("off", false);
    steps_begin();
    steps_enable();
    disable_now("resolving", false);
    steps_begin();
    steps_enable();
    steps_reach_opening();
    disable_now("opening", false);
    steps_begin();
    steps_enable();
    steps_reach_login();
    disable_now("login", false);
    steps_begin();
    steps_enable();
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 0);
    disable_now("subscribing", true);
    steps_begin();
    steps_enable();
    steps_resolved(0, "x");
    disable_now("waiting", false);
    steps_begin();
    steps_enable();
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 5);
    disable_now("disabled", false);
}

static void test_enable_while_closing(void)
{
    steps_begin();
    steps_enable();
    steps_reach_up(true);
    rig_advance(&steps_rig, S);
    link_disable(steps_rig.link);
    link_enable(steps_rig.link);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_INT(steps_wait_us(), 4 * S);
    steps_reach_up(true);
    steps_end();
}

/* --- failures on the way --- */

static void test_actions_fail(void)
{
    steps_begin();
    steps_resolve_result = -EMFILE;
    steps_enable();
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, strerror(EMFILE));
    steps_resolve_result = 0;
    (void) steps_wait_us();
    steps_rig.net.open_result = -ENOMEM;
    steps_resolved(1, NULL);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, strerror(ENOMEM));
    steps_rig.net.open_result = 0;
    (void) steps_wait_us();
    steps_reach_opening();
    steps_rig.net.send_result = -ENOBUFS;
    fake_transport_accept(&steps_rig.net);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, strerror(ENOBUFS));
    steps_rig.net.send_result = 0;
    (void) steps_wait_us();
    steps_reach_login();
    steps_rig.net.send_result = -ENOBUFS;
    rig_feed_connack(&steps_rig, false, 0);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "cannot subscribe: No buffer space available");
    steps_rig.net.send_result = 0;
    CHECK_INT(link_publish(steps_rig.link, "t", "x", 1, 1, NULL, NULL), 0);
    (void) steps_wait_us();
    steps_reach_login();
    steps_rig.net.send_result = -ENOBUFS;
    rig_feed_connack(&steps_rig, true, 0); /* what was in flight cannot go out */
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_INT(steps_rig.n_up, steps_rig.n_down);
    steps_rig.net.send_result = 0;
    steps_end();
}

static void test_refused_filter(void)
{
    steps_begin();
    steps_enable();
    steps_reach_login();
    rig_feed_connack(&steps_rig, false, 0);
    CHECK(rig_next(&steps_rig, &steps_p));
    rig_feed_suback(&steps_rig, steps_p.id, 0x80);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "the cloud refused the subscription to a/+");
    CHECK(!steps_rig.net.is_open);
    steps_end();
}

static void test_garbage(void)
{
    char page[200];

    steps_begin();
    steps_enable();
    steps_reach_login();
    memset(page, 'x', sizeof(page));
    memcpy(page, "HTTP/1.1 400 Bad Request", 24);
    fake_transport_feed(&steps_rig.net, page, sizeof(page));
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "malformed packet");
    (void) steps_wait_us();
    steps_reach_up(true);
    fake_transport_feed(&steps_rig.net, "\x90\xff\xff\xff\x7f", 5);
    CHECK_INT(steps_state(), LINK_STATE_WAITING);
    CHECK_STR(steps_info().reason, "packet larger than the limit");
    CHECK(steps_rig.n_up == 1 && steps_rig.n_down == 1);
    (void) steps_wait_us();
    steps_reach_login();
    /* What stands behind a refusal is not looked at. */
    fake_transport_feed(&steps_rig.net, "\x20\x02\x00\x04\x30\x03\x00\x01x", 9);
    CHECK_INT(steps_state(), LINK_STATE_REFUSED);
    CHECK_INT(steps_info().received, 0);
    steps_end();
}

static void test_keepalive(void)
{
    steps_begin();
    steps_enable();
    steps_reach_up(true);
    rig_advance(&steps_rig, 239 * S);
    CHECK(!rig_next(&steps_rig, &steps_p));
    rig_advance(&steps_rig, S);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 12);
    rig_advance(&steps_rig, 20000);
    fake_transport_feed(&steps_rig.net, "\xd0\x00", 2);
    CHECK_INT(steps_info().rtt_us, 20000);
    rig_advance(&steps_rig, 240 * S);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 12);
    rig_advance(&steps_rig, 5 * S);
    CHECK_INT(steps_rig.n_down, 1);
    CHECK_STR(steps_info().reason, "no PINGRESP in time");
    steps_end();
}

/* --- traffic --- */

static void on_acked(int result, void *userdata)
{
    if (result == 0)
        ++*(unsigned *) userdata;
}

struct traffic {
    unsigned up, down, messages;
};

static void on_traffic(bool up, const struct mqtt_publish *publish, void *userdata)
{
    struct traffic *t = userdata;

    CHECK(publish->topic_len > 0);
    if (up)
        t->up++;
    else
        t->down++;
}

static void on_message(const struct mqtt_publish *publish, void *userdata)
{
    (void) publish;
    ((struct traffic *) userdata)->messages++;
}

static void test_publish(void)
{
    struct traffic t = {0};
    struct link_watch watch = {.on_traffic = on_traffic, .on_message = on_message, .userdata = &t};
    unsigned n_acked = 0;

    steps_begin();
    link_watch(steps_rig.link, &watch);
    CHECK_INT(link_publish(steps_rig.link, "t", "0", 1, 0, NULL, NULL), -ENETDOWN);
    CHECK_INT(link_publish(steps_rig.link, "t", "1", 1, 1, on_acked, &n_acked), 0);
    steps_enable();
    steps_reach_login();
    CHECK(!rig_next(&steps_rig, &steps_p));
    rig_feed_connack(&steps_rig, false, 0);
    for (int i = 0; i < 2; i++) { /* subscriptions first, or answers could be missed */
        CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 8);
        rig_feed_suback(&steps_rig, steps_p.id, 1);
    }
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 3 && steps_p.qos == 1 &&
          !(steps_p.flags & 8));
    CHECK_INT(n_acked, 0);
    rig_drop(&steps_rig);
    (void) steps_wait_us();
    steps_reach_login();
    rig_feed_connack(&steps_rig, true, 0);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 3 && (steps_p.flags & 8));
    rig_feed_ack(&steps_rig, 4, steps_p.id);
    CHECK_INT(n_acked, 1);
    CHECK_INT(link_publish(steps_rig.link, "t", "0", 1, 0, NULL, NULL), 0);
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.qos == 0);
    rig_push(&steps_rig, "property", "{}");
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 4 && steps_p.id == steps_rig.last_id);
    CHECK_INT(steps_info().sent, 3);
    CHECK_INT(steps_info().received, 1);
    CHECK(t.up == 3 && t.down == 1 && t.messages == 1);
    link_unwatch(&watch);
    rig_push(&steps_rig, "property", "{}");
    CHECK_INT(t.messages, 1);
    steps_end();
}

static void test_filters(void)
{
    char topic[LIMIT_MQTT_TOPIC + 2];

    rig_init(&steps_rig);
    memset(topic, 't', sizeof(topic) - 1);
    topic[sizeof(topic) - 1] = '\0';
    CHECK_INT(link_add_filter(steps_rig.link, topic, 1), -EINVAL);
    topic[LIMIT_MQTT_TOPIC] = '\0';
    for (unsigned i = 0; i < LIMIT_SUBSCRIPTIONS; i++) {
        topic[0] = (char) ('0' + i / 10);
        topic[1] = (char) ('0' + i % 10);
        CHECK_INT(link_add_filter(steps_rig.link, topic, 1), 0);
        CHECK_INT(link_add_filter(steps_rig.link, topic, 1), 0); /* once more is no more */
    }
    topic[0] = 'x';
    CHECK_INT(link_add_filter(steps_rig.link, topic, 1), -EINVAL);
    steps_enable();
    steps_reach_up(false);
    steps_end();
}

static uint64_t kept; /* what is known of the session */

static uint64_t get_kept(void *userdata)
{
    (void) userdata;
    return kept;
}

static void set_kept(uint64_t filters, void *userdata)
{
    (void) userdata;
    kept = filters;
}

/* SUBSCRIBE for that filter is on the wire. */
static void check_subscribe(const char *filter)
{
    CHECK(rig_next(&steps_rig, &steps_p) && steps_p.type == 8);
    CHECK_STR(steps_p.topic, filter);
}

/* A session that broke off before it had all filters has to get them, also after a restart. */
static void test_half_subscribed(void)
{
    static const struct link_memory memory = {get_kept, set_kept, NULL};
    uint64_t whole;

    for (int with_memory = 0; with_memory <= 1; with_memory++) {
        steps_begin();
        kept = 1234;
        if (with_memory)
            link_set_memory(steps_rig.link, &memory);
        steps_enable();
        steps_reach_login();
        rig_feed_connack(&steps_rig, false, 0);
        check_subscribe("a/+");
        CHECK(!with_memory || kept == 0);
        rig_feed_suback(&steps_rig, steps_p.id, 1);
        check_subscribe("b");
        rig_drop(&steps_rig);
        (void) steps_wait_us();

        /* The server tells of a session: the one that has "a/+" only. */
        steps_reach_login();
        rig_feed_connack(&steps_rig, true, 0);
        CHECK_INT(steps_state(), LINK_STATE_SUBSCRIBING);
        check_subscribe("a/+");
        rig_feed_suback(&steps_rig, steps_p.id, 1);
        check_subscribe("b");
        rig_feed_suback(&steps_rig, steps_p.id, 0);
        CHECK_INT(steps_state(), LINK_STATE_UP);
        CHECK(steps_info().session_present);
        CHECK(!with_memory || kept != 0);
        rig_drop(&steps_rig);
        (void) steps_wait_us();

        steps_reach_login(); /* now it is whole */
        rig_feed_connack(&steps_rig, true, 0);
        CHECK_INT(steps_state(), LINK_STATE_UP);
        whole = kept;
        steps_end();
    }

    /* A process that finds other filters, as an older release subscribed, adds its own. */
    for (int other = 0; other <= 1; other++) {
        steps_begin();
        kept = whole + (uint64_t) other;
        link_set_memory(steps_rig.link, &memory);
        steps_enable();
        steps_reach_login();
        rig_feed_connack(&steps_rig, true, 0);
        CHECK_INT(steps_state(), other ? LINK_STATE_SUBSCRIBING : LINK_STATE_UP);
        steps_end();
    }
}

const char *const suite_name = "link";
const struct suite_test suite_tests[] = {
    {"half_subscribed", test_half_subscribed},
    {"connect", test_connect},
    {"session_present", test_session_present},
    {"settings", test_settings},
    {"connid", test_connid},
    {"disable", test_disable},
    {"disable_everywhere", test_disable_everywhere},
    {"enable_while_closing", test_enable_while_closing},
    {"actions_fail", test_actions_fail},
    {"refused_filter", test_refused_filter},
    {"garbage", test_garbage},
    {"keepalive", test_keepalive},
    {"publish", test_publish},
    {"filters", test_filters},
    {NULL, NULL},
};
