/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What faults do to connections: bytes in, bytes out, on a clock of the test. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define DOWN "$thing/down/property/P1/d1"
#define EVENT "$thing/up/event/P1/d1"
#define LOW                                                                                        \
    "{\"method\":\"event_post\",\"clientToken\":\"e\",\"eventId\":\"low\",\"type\":\"alert\","     \
    "\"params\":{\"v\":3}}"
#define PING "\xc0\0"

static struct fake_cloud cloud;
static struct fake_link a, b;

static const struct config_device *d1(void)
{
    return &cloud.config->devices[0];
}

static void start(bool clean)
{
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, clean);
    fake_link_subscribe_all(&a);
}

static void again(bool clean)
{
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, clean);
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

static enum broker_outcome publish(const char *text, uint8_t qos)
{
    return broker_publish(cloud.broker, d1(), DOWN, text, strlen(text), qos);
}

/* What is switched on, as text; device NULL: for the cloud. */
static const char *switched(const struct config_device *device)
{
    static char text[512];
    json_t *o = faults_json(cloud.faults, device);
    char *dump = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    (void) snprintf(text, sizeof(text), "%s", dump ? dump : "");
    free(dump);
    json_decref(o);
    return text;
}

static void test_drop_packets(void)
{
    start(false);
    fake_cloud_fault(&cloud,
                     "{\"fault\":\"drop\",\"after_packets\":2,\"direction\":\"down\",\"count\":2}");
    (void) publish("one", 0);
    fake_link_bytes(&a, PING, 2); /* up does not count */
    CHECK(a.closed && !a.aborted);
    CHECK_STR(fake_link_next(&a)->payload, "one");
    CHECK_INT(fake_link_next(&a)->type, 13); /* the last one arrives */
    CHECK(has_event("fault", "what was sent was the last"));
    again(false); /* CONNACK is the first of the second round */
    (void) publish("two", 0);
    CHECK(a.closed);
    CHECK_STR(fake_link_next(&a)->payload, "two");
    CHECK_STR(switched(d1()), "");

    again(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_packets\":2,\"direction\":\"up\"}");
    (void) publish("free", 0);
    (void) fake_link_next(&a);
    fake_link_bytes(&a, PING, 2);
    CHECK(!a.closed);
    fake_link_publish(&a, EVENT, LOW, 2, 9);
    CHECK(a.closed && a.aborted); /* worked on, its PUBACK is lost with the connection */
    CHECK(list_is_empty(store_events(cloud.store, d1())) == false);

    again(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_packets\":2}");
    fake_link_bytes(&a, PING, 2); /* one up, one down */
    CHECK(a.closed);
    again(false);
    CHECK(!a.closed);
    end();
}

static void test_drop_bytes(void)
{
    start(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_bytes\":5,\"direction\":\"down\"}");
    (void) publish("x", 0);
    CHECK(a.closed && !a.aborted);
    CHECK_INT(a.n_in, 5); /* the beginning of the packet */
    CHECK_INT(a.in[0], 0x30);

    again(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_bytes\":5,\"direction\":\"up\"}");
    fake_link_bytes(&a, PING PING "\xc0", 5); /* two and a half */
    CHECK(a.closed && a.aborted);
    CHECK_INT(fake_link_next(&a)->type, 13);
    CHECK_INT(fake_link_next(&a)->type, 13);
    CHECK_INT(a.n_in, 0);

    again(false);
    fake_cloud_fault(&cloud,
                     "{\"fault\":\"drop\",\"after_bytes\":3,\"direction\":\"up\",\"count\":2}");
    fake_link_bytes(&a, PING PING PING, 6);
    CHECK(a.closed);
    CHECK_INT(fake_link_next(&a)->type, 13); /* the second one is not complete */
    CHECK_INT(a.n_in, 0);
    CHECK_STR(switched(d1()), "{\"drop\":{\"after_bytes\":3,\"count\":1,\"direction\":\"up\","
                              "\"seen\":0}}");
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_bytes\":3,\"count\":0}");
    CHECK_STR(switched(d1()), "");
    end();
}

static void test_half_open(void)
{
    start(true);
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1", .keepalive = 10});
    (void) fake_link_next(&a);
    fake_link_subscribe_all(&a);
    fake_cloud_fault(&cloud, "{\"fault\":\"half_open\",\"on\":true}");
    CHECK(a.paused);
    (void) publish("one", 1);
    (void) publish("two", 0);
    fake_cloud_pass_ms(&cloud, 60000);
    CHECK(!a.closed && a.n_in == 0);

    fake_link_open(&b, &cloud); /* a new connection is not answered either */
    fake_link_connect(&b, &(struct fake_connect){.client_id = "P1d1"});
    CHECK(b.paused && b.n_in == 0 && !b.closed && !a.closed);

    fake_cloud_fault(&cloud, "{\"fault\":\"half_open\",\"on\":false}");
    CHECK(!a.paused && !a.closed);
    CHECK_STR(fake_link_next(&a)->payload, "one");
    CHECK_STR(fake_link_next(&a)->payload, "two");
    CHECK(b.closed && b.aborted); /* its CONNECT is lost */
    fake_link_bytes(&a, PING, 2);
    CHECK_INT(fake_link_next(&a)->type, 13);
    fake_cloud_pass_ms(&cloud, 14900);
    CHECK(!a.closed);
    fake_cloud_pass_ms(&cloud, 200);
    CHECK(a.closed); /* the keep-alive counts again */
    fake_link_close(&b);
    end();
}

static void test_half_open_overflow(void)
{
    static char big[16001];

    memset(big, 'x', sizeof(big) - 1);
    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"half_open\",\"on\":true}");
    for (size_t n = 0; n < LIMIT_MQTT_QUEUE_BYTES + sizeof(big); n += sizeof(big))
        (void) publish(big, 0);
    CHECK(!a.closed && a.n_in == 0);
    CHECK(has_event("fault", "bytes are lost"));
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    CHECK(a.closed && a.aborted);
    end();
}

static void test_delay(void)
{
    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"delay\",\"ms\":300}");
    (void) publish("one", 1);
    fake_cloud_pass_ms(&cloud, 100);
    fake_link_bytes(&a, PING, 2);
    (void) publish("two", 0);
    fake_cloud_pass_ms(&cloud, 199);
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 1);
    CHECK_STR(fake_link_next(&a)->payload, "one");
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 100);
    CHECK_INT(fake_link_next(&a)->type, 13);
    CHECK_STR(fake_link_next(&a)->payload, "two");

    (void) publish("three", 0);
    (void) publish("four", 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"delay\",\"ms\":0}"); /* nothing overtakes */
    (void) publish("five", 0);
    CHECK_STR(fake_link_next(&a)->payload, "three");
    CHECK_STR(fake_link_next(&a)->payload, "four");
    CHECK_STR(fake_link_next(&a)->payload, "five");

    fake_cloud_fault(&cloud, "{\"fault\":\"delay\",\"ms\":300}");
    (void) publish("never", 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"mute\",\"on\":true}"); /* forgotten, not late */
    fake_cloud_pass_ms(&cloud, 1000);
    CHECK_INT(a.n_in, 0);
    CHECK(!a.closed);
    fake_cloud_fault(&cloud, "{\"fault\":\"none\"}");
    CHECK(a.closed);

    fake_cloud_fault(&cloud, "{\"fault\":\"delay\",\"ms\":300}"); /* CONNACK is late, too */
    fake_link_close(&a);
    fake_link_open(&a, &cloud);
    fake_link_connect(&a, &(struct fake_connect){.client_id = "P1d1"});
    CHECK_INT(a.n_in, 0);
    fake_cloud_pass_ms(&cloud, 300);
    CHECK_INT(fake_link_next(&a)->type, 2);
    fake_link_bytes(&a, PING, 2);
    end(); /* with a packet that waits */
}

static void test_delay_bounds(void)
{
    static char big[16001];

    memset(big, 'x', sizeof(big) - 1);
    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"delay\",\"ms\":600000}");
    for (size_t n = 0; n < LIMIT_MQTT_QUEUE_BYTES + sizeof(big); n += sizeof(big))
        (void) publish(big, 0);
    CHECK(a.closed && a.aborted);
    CHECK(*fake_cloud_event(&cloud, "overrun"));
    end();
}

static void test_slow(void)
{
    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"slow\",\"ms\":50}");
    fake_link_bytes(&a, PING PING, 4);
    for (size_t i = 1; i <= 4; i++) {
        CHECK_INT(a.n_in, i);
        fake_cloud_pass_ms(&cloud, 49);
        CHECK_INT(a.n_in, i);
        fake_cloud_pass_ms(&cloud, 1);
    }
    CHECK_INT(a.n_in, 4);
    CHECK_INT(fake_link_next(&a)->type, 13);
    CHECK_INT(fake_link_next(&a)->type, 13);

    fake_link_bytes(&a, PING PING, 4);
    CHECK_INT(a.n_in, 1);
    fake_cloud_fault(&cloud, "{\"fault\":\"slow\",\"ms\":0}"); /* the rest at once */
    CHECK_INT(a.n_in, 4);
    (void) fake_link_next(&a);
    (void) fake_link_next(&a);

    fake_cloud_fault(&cloud, "{\"fault\":\"slow\",\"ms\":50}");
    fake_cloud_fault(&cloud, "{\"fault\":\"drop\",\"after_bytes\":3,\"direction\":\"down\"}");
    fake_link_bytes(&a, PING PING, 4);
    fake_cloud_pass_ms(&cloud, 1000);
    CHECK(a.closed);
    CHECK_INT(a.n_in, 3);
    end();
}

static void test_hold_puback(void)
{
    start(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_puback\",\"on\":true}");
    fake_link_publish(&a, EVENT, LOW, 2, 7);
    CHECK_INT(fake_link_next(&a)->type, 3); /* the answer comes */
    fake_link_publish(&a, EVENT, LOW, 2, 8);
    CHECK_INT(fake_link_next(&a)->type, 3);
    CHECK_INT(a.n_in, 0);
    CHECK(has_event("fault", "hold_puback: packet 8"));
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_puback\",\"on\":false}");
    CHECK_INT(fake_link_next(&a)->body[1], 7);
    CHECK_INT(fake_link_next(&a)->body[1], 8);

    fake_cloud_fault(&cloud, "{\"fault\":\"hold_puback\",\"on\":true}");
    fake_link_publish(&a, EVENT, LOW, 2, 9);
    again(false);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_puback\",\"on\":false}");
    CHECK_INT(a.n_in, 0); /* it died with its connection */

    fake_cloud_fault(&cloud, "{\"fault\":\"hold_puback\",\"on\":true}");
    for (unsigned i = 0; i < 1024; i++)
        fake_link_publish(&a, "P1/d1/event", "x", 2, (uint16_t) (i + 1));
    CHECK_INT(a.n_in, 0);
    fake_link_publish(&a, "P1/d1/event", "x", 2, 2000); /* no more than that */
    CHECK_INT(fake_link_next(&a)->type, 4);
    end();
}

static void test_garbage(void)
{
    uint8_t first[64];

    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\"}");
    CHECK_INT(a.n_in, 64);
    CHECK_INT(a.in[0] >> 4, 15);
    for (size_t i = 1; i <= 4; i++)
        CHECK(a.in[i] & 0x80);
    memcpy(first, a.in, sizeof(first));
    a.n_in = 0;
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\",\"seed\":1,\"layer\":\"websocket\"}");
    CHECK_INT(a.n_unframed, 64);
    CHECK_INT(memcmp(first, a.in, 64), 0); /* reproducible */
    a.n_in = 0;
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\",\"seed\":2,\"bytes\":64}");
    CHECK(memcmp(first, a.in, 64) != 0);
    a.n_in = 0;
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\",\"hex\":\"00fFa0\",\"device\":\"P1/d1\"}");
    CHECK_INT(a.n_in, 3);
    CHECK_INT(memcmp(a.in, "\0\xff\xa0", 3), 0);
    a.n_in = 0;
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\",\"device\":\"P1/d2\"}");
    CHECK_INT(a.n_in, 0);
    CHECK(!a.closed);
    a.jammed = true;
    fake_cloud_fault(&cloud, "{\"fault\":\"garbage\"}");
    CHECK(a.closed);
    end();
}

static void test_oversized(void)
{
    struct fake_packet *p;

    start(true);
    fake_cloud_fault(&cloud, "{\"fault\":\"oversized\",\"bytes\":300,\"sent\":true}");
    p = fake_link_next(&a);
    CHECK_INT(p->type, 3);
    CHECK_INT(p->len, 300);
    CHECK_STR(p->topic, DOWN);
    CHECK_INT(strspn(p->payload, " "), 300 - 2 - strlen(DOWN));
    CHECK_INT(a.n_in, 0);
    fake_cloud_fault(&cloud,
                     "{\"fault\":\"oversized\"}"); /* 262145, one more than our own reader takes */
    CHECK_INT(a.n_in, 4 + 2 + strlen(DOWN));
    CHECK_INT(memcmp(a.in, "\x30\x81\x80\x10\0", 5), 0);
    a.n_in = 0;
    fake_cloud_fault(&cloud, "{\"fault\":\"oversized\",\"bytes\":268435455}");
    CHECK_INT(memcmp(a.in, "\x30\xff\xff\xff\x7f", 5), 0);
    CHECK(!a.closed);
    end();
}

static void test_reorder(void)
{
    struct fake_packet *p;
    char text[12];

    start(false);
    for (int i = 1; i <= 3; i++) {
        (void) snprintf(text, sizeof(text), "%d", i);
        (void) publish(text, 1);
        (void) fake_link_next(&a);
    }
    fake_cloud_fault(&cloud, "{\"fault\":\"reorder\",\"count\":1}");
    again(false);
    for (int i = 3; i >= 1; i--) {
        (void) snprintf(text, sizeof(text), "%d", i);
        p = fake_link_next(&a);
        CHECK_STR(p->payload, text);
        CHECK_INT(p->flags, 0x0a);
        fake_cloud_pass_ms(&cloud, 500);
    }
    CHECK_STR(switched(d1()), "");
    (void) publish("4", 1); /* not affected */
    p = fake_link_next(&a);
    CHECK_STR(p->payload, "4");
    fake_link_puback(&a, p->id);
    end();
}

const char *const suite_name = "localcloud-broker-faults";
const struct suite_test suite_tests[] = {
    {"drop_packets", test_drop_packets},
    {"drop_bytes", test_drop_bytes},
    {"half_open", test_half_open},
    {"half_open_overflow", test_half_open_overflow},
    {"delay", test_delay},
    {"delay_bounds", test_delay_bounds},
    {"slow", test_slow},
    {"hold_puback", test_hold_puback},
    {"garbage", test_garbage},
    {"oversized", test_oversized},
    {"reorder", test_reorder},
    {NULL, NULL},
};
