/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections, sessions, delivery: packets in, packets out, on a clock of the test. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define DOWN "$thing/down/property/P1/d1"
#define UP "$thing/up/property/P1/d1"

static struct fake_cloud cloud;
static struct fake_link a, b;

static const struct config_device *d1(void)
{
    return &cloud.config->devices[0];
}

static void start(const char *limits)
{
    fake_cloud_init(&cloud, limits);
    fake_link_open(&a, &cloud);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static bool has_event(const char *name, const char *part)
{
    return strstr(fake_cloud_event(&cloud, name), part) != NULL;
}

/* Subscribes to DOWN and takes the SUBACK. */
static void subscribe_down(struct fake_link *l, uint8_t qos)
{
    static const char *const filters[] = {DOWN, NULL};
    struct fake_packet *p;

    fake_link_subscribe(l, 1, filters, qos);
    p = fake_link_next(l);
    CHECK_INT(p->type, 9);
    CHECK_INT(p->body[2], qos);
}

static enum broker_outcome publish(const char *text, uint8_t qos)
{
    return broker_publish(cloud.broker, d1(), DOWN, text, strlen(text), qos);
}

static void test_refusals(void)
{
    static const struct {
        const char *name;
        struct fake_connect connect;
        int code;
    } cases[] = {
        {"level 5", {.client_id = "P1d1", .level = 5}, 1},
        {"unknown client id", {.client_id = "P1d9"}, 2},
        {"empty client id", {.client_id = ""}, 2},
        {"no password", {.client_id = "P1d1", .flags = 0x82}, 4},
        {"bad password", {.client_id = "P1d1", .password = "00;hmacsha1"}, 4},
        {"expired", {.client_id = "P1d1", .user_name = "P1d1;1;x;1600000000"}, 4},
        {"disabled device", {.client_id = "P1d2"}, 5},
        {"will", {.client_id = "P1d1", .flags = 0xc6}, 5},
        {"keep-alive too long", {.client_id = "P1d1", .keepalive = 901}, 5},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake_packet *p;

        start(NULL);
        fake_link_connect(&a, &cases[i].connect);
        p = fake_link_next(&a);
        if (p->type != 2 || p->body[1] != cases[i].code || p->body[0] != 0)
            suite_fail(__FILE__, __LINE__, "%s: packet %d code %d", cases[i].name, p->type,
                       p->body[1]);
        CHECK(a.closed && !a.aborted);
        CHECK(!broker_is_online(cloud.broker, d1()));
        end();
    }
}

static void test_accepts(void)
{
    static const struct fake_connect cases[] = {
        {.client_id = "P1d1"},
        {.client_id = "P1d1", .protocol = "MQIsdp", .level = 3},
        {.client_id = "P1d1", .keepalive = 900},
        {.client_id = "P1d1", .user_name = "P1d1;21010406;x;9223372036854775807"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake_packet *p;

        start(NULL);
        fake_link_connect(&a, &cases[i]);
        p = fake_link_next(&a);
        CHECK_INT(p->type, 2);
        CHECK_INT(p->body[1], 0);
        CHECK(!a.closed);
        CHECK(broker_is_online(cloud.broker, d1()));
        end();
    }
}

static void test_violations(void)
{
    static const struct {
        const char *name;
        bool login;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"no CONNECT first", false, "\xc0\0", 2},
        {"QoS 2 release", true, "\x62\2\0\1", 4},
        {"CONNACK from a client", true, "\x20\2\0\0", 4},
        {"PINGREQ with a body", true, "\xc0\1x", 3},
        {"flags of PINGREQ", true, "\xc1\0", 2},
        {"short PUBACK", true, "\x40\1\0", 3},
        {"no filters", true, "\x82\2\0\1", 4},
        {"bad filter", true, "\x82\7\0\1\0\2a#\0", 9},
        {"empty topic", true, "\x30\2\0\0", 4},
        {"wildcard in a topic", true, "\x30\3\0\1#", 5},
        {"retain", true, "\x31\4\0\1ax", 6},
        {"QoS 2", true, "\x34\5\0\1a\0\1", 7},
        {"too long", true, "\x30\x81\x80\x80\1", 5},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        start(NULL);
        if (cases[i].login)
            (void) fake_link_login(&a, true);
        fake_link_bytes(&a, cases[i].bytes, cases[i].len);
        if (!a.closed || a.n_in > 0 || !*fake_cloud_event(&cloud, "violation"))
            suite_fail(__FILE__, __LINE__, "%s goes through", cases[i].name);
        /* whatever follows is ignored */
        fake_link_bytes(&a, "\xc0\0", 2);
        CHECK_INT(a.n_in, 0);
        end();
    }
}

static void test_second_connect(void)
{
    start(NULL);
    (void) fake_link_login(&a, true);
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1"});
    CHECK(a.closed);
    CHECK(has_event("violation", "second CONNECT"));
    end();
}

static void test_kick(void)
{
    start(NULL);
    (void) fake_link_login(&a, true);
    fake_link_open(&b, &cloud);
    (void) fake_link_login(&b, true);
    CHECK(a.closed);
    CHECK(!b.closed);
    CHECK(has_event("kicked", "same client id"));
    CHECK(broker_is_online(cloud.broker, d1()));
    fake_link_close(&a); /* the end of the old one is not the end of the device */
    CHECK(broker_is_online(cloud.broker, d1()));
    fake_link_close(&b);
    CHECK(!broker_is_online(cloud.broker, d1()));
    end();
}

static void test_keepalive(void)
{
    start(NULL);
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1", .keepalive = 10});
    (void) fake_link_next(&a);
    fake_cloud_pass_ms(&cloud, 14900);
    CHECK(!a.closed);
    fake_link_bytes(&a, "\xc0\0", 2);
    CHECK_INT(fake_link_next(&a)->type, 13);
    fake_cloud_pass_ms(&cloud, 14900);
    CHECK(!a.closed);
    fake_cloud_pass_ms(&cloud, 200);
    CHECK(a.closed);
    CHECK(has_event("keepalive_timeout", "Device keepalive timeout"));
    end();

    start(NULL); /* 0: never */
    (void) fake_link_login(&a, true);
    fake_cloud_pass_ms(&cloud, 3600 * 1000);
    CHECK(!a.closed);
    end();

    start(NULL); /* no CONNECT at all */
    fake_cloud_pass_ms(&cloud, BROKER_CONNECT_DEADLINE_US / 1000 + 1);
    CHECK(a.closed);
    end();
}

static void test_connect_interval(void)
{
    start("{\"connect_interval_s\":5}");
    (void) fake_link_login(&a, true);
    fake_link_open(&b, &cloud);
    fake_link_connect(&b, &(struct fake_connect){.client_id = "P1d1"});
    CHECK_INT(fake_link_next(&b)->body[1], 3);
    CHECK(!a.closed);
    fake_link_close(&b);
    fake_cloud_pass_ms(&cloud, 5000);
    fake_link_open(&b, &cloud);
    (void) fake_link_login(&b, true);
    CHECK(a.closed);
    fake_link_close(&b);
    end();
}

static void test_subscribe(void)
{
    static const char *const two[] = {DOWN, "P1/d1/control", NULL};
    static const char *const foreign[] = {"$thing/down/property/P1/d2", NULL};
    struct fake_packet *p;

    start(NULL);
    (void) fake_link_login(&a, true);
    fake_link_subscribe(&a, 7, two, 2);
    p = fake_link_next(&a);
    CHECK_INT(p->type, 9);
    CHECK_INT(p->len, 4);
    CHECK_INT(p->body[1], 7);
    CHECK_INT(p->body[2], 1);    /* no more than QoS 1 */
    CHECK_INT(p->body[3], 0x80); /* one filter per SUBSCRIBE */
    fake_link_subscribe(&a, 8, foreign, 0);
    CHECK_INT(fake_link_next(&a)->body[2], 0x80);
    CHECK_INT(publish("x", 0), BROKER_SENT);
    CHECK_STR(fake_link_next(&a)->payload, "x");
    fake_link_bytes(&a, "\xa2\x1e\0\x09\0\x1a" DOWN, 32);
    CHECK_INT(fake_link_next(&a)->type, 11);
    CHECK_INT(publish("x", 0), BROKER_NOT_DELIVERED);
    end();

    start("{\"subscribe_filters\":2,\"subscriptions\":1}");
    (void) fake_link_login(&a, true);
    fake_link_subscribe(&a, 7, two, 0);
    p = fake_link_next(&a);
    CHECK_INT(p->body[2], 0);
    CHECK_INT(p->body[3], 0x80); /* one subscription in all */
    end();
}

static void test_qos1_down(void)
{
    struct fake_packet *p;
    uint16_t first;

    start(NULL);
    (void) fake_link_login(&a, true);
    subscribe_down(&a, 1);
    CHECK_INT(publish("one", 1), BROKER_SENT);
    CHECK_INT(publish("two", 1), BROKER_SENT);
    p = fake_link_next(&a);
    CHECK_INT(p->flags, 2);
    CHECK_STR(p->payload, "one");
    first = p->id;
    p = fake_link_next(&a);
    CHECK_STR(p->payload, "two");
    CHECK(p->id != first);
    fake_link_puback(&a, first);
    fake_link_puback(&a, first); /* again: nothing to forget */
    CHECK(!a.closed);
    end();
}

static void test_session(void)
{
    struct fake_packet *p;
    uint16_t id;

    start(NULL);
    CHECK(!fake_link_login(&a, false));
    subscribe_down(&a, 1);
    CHECK_INT(publish("unacked", 1), BROKER_SENT);
    id = fake_link_next(&a)->id;
    fake_link_close(&a);
    CHECK_INT(publish("offline 1", 1), BROKER_STORED);
    CHECK_INT(publish("offline 2", 1), BROKER_STORED);
    CHECK_INT(publish("lost", 0), BROKER_NOT_DELIVERED);

    fake_link_open(&a, &cloud);
    CHECK(fake_link_login(&a, false)); /* session present */
    p = fake_link_next(&a);
    CHECK_STR(p->payload, "unacked");
    CHECK_INT(p->flags, 0x0a); /* DUP, same id */
    CHECK_INT(p->id, id);
    CHECK_INT(fake_link_next(&a)->type, 0); /* one every 500 ms */
    fake_link_puback(&a, id);
    fake_cloud_pass_ms(&cloud, 499);
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 1);
    p = fake_link_next(&a);
    CHECK_STR(p->payload, "offline 1");
    CHECK_INT(p->flags, 2);
    CHECK_INT(publish("live", 1), BROKER_SENT); /* waits behind the stored ones */
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 500);
    CHECK_STR(fake_link_next(&a)->payload, "offline 2");
    CHECK_STR(fake_link_next(&a)->payload, "live");
    fake_link_close(&a);

    fake_link_open(&a, &cloud);
    CHECK(!fake_link_login(&a, true)); /* clean session ends it */
    CHECK_INT(a.n_in, 0);
    CHECK_INT(publish("x", 1), BROKER_NOT_DELIVERED);
    end();
}

static void test_session_bounds(void)
{
    char text[16];

    start(NULL);
    (void) fake_link_login(&a, false);
    subscribe_down(&a, 1);
    fake_link_close(&a);
    for (int i = 0; i < 160; i++) {
        (void) snprintf(text, sizeof(text), "%d", i);
        CHECK_INT(publish(text, 1), BROKER_STORED);
    }
    CHECK(has_event("dropped", "session is full"));
    fake_link_open(&a, &cloud);
    CHECK(fake_link_login(&a, false));
    CHECK_STR(fake_link_next(&a)->payload, "10"); /* the ten oldest are gone */
    fake_cloud_pass_ms(&cloud, 149 * 500);
    for (int i = 11; i < 160; i++) {
        (void) snprintf(text, sizeof(text), "%d", i);
        CHECK_STR(fake_link_next(&a)->payload, text);
    }
    CHECK_INT(a.n_in, 0);
    fake_link_close(&a);
    fake_cloud_pass_ms(&cloud, 86400ULL * 1000 + 1); /* offline for a day: forgotten */
    fake_link_open(&a, &cloud);
    CHECK(!fake_link_login(&a, false));
    end();
}

static void test_publish_up(void)
{
    struct fake_packet *p;
    static char big[16386];

    start(NULL);
    (void) fake_link_login(&a, true);
    fake_link_publish(&a, "P1/d1/event", "hi", 2, 0x1234);
    p = fake_link_next(&a);
    CHECK_INT(p->type, 4);
    CHECK_INT(p->body[0] * 256 + p->body[1], 0x1234);

    /* forbidden: acknowledged, noted, goes nowhere, the connection stays */
    fake_link_publish(&a, "$thing/up/property/P1/d2", "{}", 2, 5);
    CHECK_INT(fake_link_next(&a)->type, 4);
    CHECK(has_event("dropped", "may not publish"));
    CHECK(!a.closed);

    memset(big, ' ', sizeof(big));
    big[16384] = '\0';
    fake_link_publish(&a, UP, big, 0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0); /* not subscribed to the answer */
    CHECK(!has_event("dropped", "too long"));
    big[16384] = ' ';
    big[16385] = '\0';
    fake_link_publish(&a, UP, big, 0, 0);
    CHECK(has_event("dropped", "payload is too long"));
    CHECK(!a.closed);
    end();
}

static void test_up_rate(void)
{
    start("{\"up_rate\":5}");
    (void) fake_link_login(&a, true);
    for (int i = 0; i < 5; i++)
        fake_link_publish(&a, "P1/d1/event", "x", 0, 0);
    CHECK(!has_event("dropped", "per second"));
    fake_link_publish(&a, "P1/d1/event", "x", 0, 0);
    CHECK(has_event("dropped", "too many messages per second"));
    CHECK(!a.closed);
    end();
}

static void test_data_comes_back(void)
{
    static const char *const filters[] = {"P1/d1/data", NULL};

    start(NULL);
    (void) fake_link_login(&a, true);
    fake_link_subscribe(&a, 1, filters, 0);
    (void) fake_link_next(&a);
    fake_link_publish(&a, "P1/d1/data", "echo", 0, 0);
    CHECK_STR(fake_link_next(&a)->payload, "echo");
    end();
}

static void test_faults(void)
{
    struct fake_packet *p;
    uint16_t id;

    start(NULL);
    fake_cloud_fault(&cloud, "{\"fault\":\"refuse\",\"code\":3,\"count\":1}");
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1"});
    CHECK_INT(fake_link_next(&a)->body[1], 3);
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, true);

    subscribe_down(&a, 1);
    fake_cloud_fault(&cloud, "{\"fault\":\"duplicate\",\"count\":1,\"device\":\"P1/d1\"}");
    (void) publish("twice", 1);
    p = fake_link_next(&a);
    CHECK_INT(p->flags, 2);
    id = p->id;
    p = fake_link_next(&a);
    CHECK_INT(p->flags, 0x0a);
    CHECK_INT(p->id, id);
    CHECK_INT(a.n_in, 0);

    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"device\":\"P1/d1\"}");
    CHECK(a.closed && a.aborted);
    CHECK(!broker_is_online(cloud.broker, d1()));
    end();
}

static void test_mute(void)
{
    start(NULL);
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1", .keepalive = 10});
    (void) fake_link_next(&a);
    subscribe_down(&a, 1);
    fake_cloud_fault(&cloud, "{\"fault\":\"mute\",\"on\":true}");
    fake_link_bytes(&a, "\xc0\0", 2);
    (void) publish("x", 1);
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 60000); /* no sign of life, but no end either */
    CHECK(!a.closed);

    fake_link_open(&b, &cloud); /* nor does a new connection get an answer */
    fake_link_connect(&b, &(struct fake_connect){.client_id = "P1d1"});
    CHECK_INT(b.n_in, 0);
    CHECK(!b.closed && !a.closed);

    fake_cloud_fault(&cloud, "{\"fault\":\"mute\",\"on\":false}");
    CHECK(a.closed && a.aborted && b.closed);
    fake_link_close(&b);
    end();
}

static void test_jam(void)
{
    start(NULL);
    (void) fake_link_login(&a, false);
    subscribe_down(&a, 1);
    a.jammed = true;
    CHECK_INT(publish("x", 1), BROKER_SENT);
    CHECK(a.closed && a.aborted);
    CHECK(has_event("overrun", "does not read"));
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    CHECK(fake_link_login(&a, false));
    CHECK_STR(fake_link_next(&a)->payload, "x"); /* nothing is lost */
    end();

    start(NULL); /* the session dies with the connection, in the middle of a publish */
    (void) fake_link_login(&a, true);
    subscribe_down(&a, 1);
    fake_cloud_fault(&cloud, "{\"fault\":\"duplicate\",\"count\":2}");
    a.jammed = true;
    (void) publish("x", 1);
    CHECK(a.closed);
    end();
}

static void test_bytewise(void)
{
    static const uint8_t stream[] = {0xc0, 0,   0x32, 17,  0,   11, 'P', '1', '/', 'd',  '1', '/',
                                     'e',  'v', 'e',  'n', 't', 0,  9,   'h', 'i', 0xc0, 0};

    start(NULL);
    (void) fake_link_login(&a, true);
    for (size_t i = 0; i < sizeof(stream); i++)
        fake_link_bytes(&a, stream + i, 1);
    CHECK_INT(fake_link_next(&a)->type, 13);
    CHECK_INT(fake_link_next(&a)->type, 4);
    CHECK_INT(fake_link_next(&a)->type, 13);
    fake_link_bytes(&a, "\xe0\0", 2);
    CHECK(a.closed);
    CHECK(has_event("disconnect", "DISCONNECT"));
    end();
}

const char *const suite_name = "localcloud-broker";
const struct suite_test suite_tests[] = {
    {"refusals", test_refusals},
    {"accepts", test_accepts},
    {"violations", test_violations},
    {"second_connect", test_second_connect},
    {"kick", test_kick},
    {"keepalive", test_keepalive},
    {"connect_interval", test_connect_interval},
    {"subscribe", test_subscribe},
    {"qos1_down", test_qos1_down},
    {"session", test_session},
    {"session_bounds", test_session_bounds},
    {"publish_up", test_publish_up},
    {"up_rate", test_up_rate},
    {"data_comes_back", test_data_comes_back},
    {"faults", test_faults},
    {"mute", test_mute},
    {"jam", test_jam},
    {"bytewise", test_bytewise},
    {NULL, NULL},
};
