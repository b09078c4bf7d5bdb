/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of the firmware, orders and progress on their way to and from the cloud. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/cloud/firmware.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define UP "$ota/report/" RIG_PRODUCT "/" RIG_DEVICE
#define DOWN "$ota/update/" RIG_PRODUCT "/" RIG_DEVICE

static struct rig rig;
static struct firmware *firmware;

static void begin(const char *version)
{
    rig_init(&rig);
    CHECK_INT(firmware_new(&firmware, rig.link, rig.ident), 0);
    firmware_set_version(firmware, version);
}

static void end(void)
{
    firmware = firmware_free(firmware);
    rig_done(&rig);
}

/* The next packet is a report of that version with QoS 1; its packet id. */
static unsigned check_report(const char *version)
{
    struct wire_packet p = {0};
    char want[128];

    (void) snprintf(want, sizeof(want),
                    "{\"type\":\"report_version\",\"report\":{\"version\":\"%s\"}}", version);
    CHECK(rig_next_publish(&rig, &p, false));
    CHECK_STR(p.topic, UP);
    CHECK_STR(p.payload ? p.payload : "", want);
    CHECK_INT(p.qos, 1);
    return p.id;
}

static void test_report(void)
{
    struct wire_packet p;
    unsigned id;

    begin("1.2.0");
    rig_connect(&rig, false);
    CHECK_INT(rig_count_publishes(&rig), 0); /* only when it is told to */
    firmware_report_version(firmware);
    id = check_report("1.2.0");
    rig_feed_ack(&rig, 4, id);
    rig_push_topic(&rig, DOWN,
                   "{\"type\":\"report_version_rsp\",\"result_code\":0,\"version\":\"1.2.0\"}");
    firmware_set_version(firmware, "1.2.0"); /* no other one */
    CHECK_INT(rig_count_publishes(&rig), 0);
    firmware_set_version(firmware, "1.3.0"); /* settings were read again */
    rig_feed_ack(&rig, 4, check_report("1.3.0"));
    firmware_set_version(firmware, "");
    firmware_report_version(firmware);
    CHECK(!rig_next_publish(&rig, &p, false));
    end();
}

/* Refused by the server, the device goes without. */
static void test_filter(void)
{
    struct wire_packet p;

    begin("1");
    link_enable(rig.link);
    rig_advance(&rig, 0);
    fake_transport_accept(&rig.net);
    CHECK(rig_next(&rig, &p) && p.type == 1);
    rig_feed_connack(&rig, false, 0);
    CHECK(rig_next(&rig, &p) && p.type == 8 && p.qos == 1);
    CHECK_STR(p.topic, DOWN);
    rig_feed_suback(&rig, p.id, 0x80);
    CHECK(link_is_up(rig.link));
    end();
}

/* What was not acknowledged the session repeats: there is never more than one. */
static void test_repeated(void)
{
    unsigned id;

    begin("1.0");
    rig_connect(&rig, false);
    firmware_report_version(firmware);
    id = check_report("1.0");
    for (int i = 0; i < 5; i++) {
        rig_advance(&rig, 4 * S); /* long enough that it is not why the server closes */
        rig_drop(&rig);
        rig_connect(&rig, true);
        firmware_report_version(firmware);
        CHECK_INT(check_report("1.0"), id);
        CHECK_INT(rig_count_publishes(&rig), 0);
    }
    rig_feed_ack(&rig, 4, id);
    rig_drop(&rig);
    rig_connect(&rig, true);
    firmware_report_version(firmware);
    rig_feed_ack(&rig, 4, check_report("1.0"));
    end();
}

/* A server that closes over it is spared it in the end. */
static void test_given_up(void)
{
    unsigned n = 0, last = 0;

    begin("1.0");
    for (unsigned i = 1; i <= 20; i++) {
        rig_connect(&rig, true);
        firmware_report_version(firmware);
        for (int s = 0; s < 6 && link_is_up(rig.link); s++) {
            if (rig_count_publishes(&rig) > 0) {
                n++;
                last = i;
                rig_drop(&rig); /* at once */
            } else {
                rig_advance(&rig, 1 * S);
            }
        }
        if (link_is_up(rig.link))
            rig_drop(&rig);
        rig_advance(&rig, 0);
    }
    CHECK(n >= 3 && last <= 10);
    rig_connect(&rig, true);
    firmware_report_version(firmware);
    CHECK_INT(rig_count_publishes(&rig), 0);
    firmware_set_version(firmware, "1.1"); /* another one may please it */
    rig_feed_ack(&rig, 4, check_report("1.1"));
    end();
}

/* A version that changes while the older one is on its way follows it. */
static void test_outdated(void)
{
    unsigned id;

    begin("1.0");
    rig_connect(&rig, false);
    firmware_report_version(firmware);
    id = check_report("1.0");
    firmware_set_version(firmware, "1.1");
    CHECK_INT(rig_count_publishes(&rig), 0);
    rig_drop(&rig);
    rig_connect(&rig, true);
    firmware_report_version(firmware);
    CHECK_INT(check_report("1.0"), id);
    rig_feed_ack(&rig, 4, id);
    rig_feed_ack(&rig, 4, check_report("1.1"));
    CHECK_INT(rig_count_publishes(&rig), 0);
    end();
}

/* Nothing that comes down makes anything leave, and silence does not either. */
static void test_down(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"type\":5}",
        "{\"type\":\"report_version_rsp\"}",
        "{\"type\":\"report_version_rsp\",\"result_code\":\"x\"}",
        "{\"type\":\"report_version_rsp\",\"result_code\":-1,\"result_msg\":\"no\"}",
        "{\"type\":\"report_version_rsp\",\"result_code\":\"5\",\"result_msg\":5}",
        "{\"type\":\"update_firmware\",\"version\":\"2\"}",
    };

    begin("1.0");
    rig_connect(&rig, false);
    firmware_report_version(firmware);
    rig_feed_ack(&rig, 4, check_report("1.0"));
    rig_advance(&rig, 10 * S);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        rig_push_topic(&rig, DOWN, texts[i]);
    rig_push_topic(&rig, "$ota/update/" RIG_PRODUCT "/dev_002", "{}");
    CHECK_INT(rig_count_publishes(&rig), 0);
    CHECK(link_is_up(rig.link));
    end();
}

static struct firmware_order *order;
static unsigned n_orders;
static char reported[64];
static int acked_result;

static void on_order(struct firmware_order *o, void *userdata)
{
    CHECK(userdata == &order);
    firmware_order_free(order);
    order = o;
    n_orders++;
}

static void on_reported(const char *version, void *userdata)
{
    (void) userdata;
    (void) snprintf(reported, sizeof(reported), "%s", version);
}

static const struct firmware_events events = {.on_order = on_order, .on_reported = on_reported};

static void begin_with_events(void)
{
    begin("1.0");
    firmware_set_events(firmware, &events, &order);
    n_orders = 0;
    reported[0] = '\0';
    rig_connect(&rig, false);
}

static void end_with_events(void)
{
    order = firmware_order_free(order);
    end();
}

#define MD5 "0123456789abcdef0123456789ABCDEF"
#define ORDER(rest)                                                                                \
    "{\"type\":\"update_firmware\",\"version\":\"1.1\",\"md5sum\":\"" MD5 "\"," rest "}"
#define GOOD "\"file_size\":200000,\"url\":\"https://h/f?sign=a%2Fb\""

static void test_order(void)
{
    CLEANUP(firmware_order_freep) struct firmware_order *again = NULL;
    CLEANUP(jx_decrefp) json_t *json = NULL;
    CLEANUP(freep) char *text = NULL;
    const char *problem = "";

    begin_with_events();
    rig_push_topic(&rig, DOWN, ORDER(GOOD));
    CHECK_INT(n_orders, 1);
    CHECK_STR(order->version, "1.1");
    CHECK_STR(order->md5, "0123456789abcdef0123456789abcdef");
    CHECK_STR(order->url, "https://h/f?sign=a%2Fb");
    CHECK_STR(order->custom, "");
    CHECK_STR(order->extra, "{}");
    CHECK_STR(order->fw_type, "");
    CHECK_INT(order->size, 200000);

    rig_push_topic(
        &rig, DOWN,
        ORDER("\"file_size\":\"7\",\"url\":\"http://h\",\"user_defined\":\"{\\\"a\\\":1}\","
              "\"fw_type\":\"mcu\",\"more\":{\"x\":[1,null]}"));
    CHECK_INT(n_orders, 2);
    CHECK_INT(order->size, 7);
    CHECK_STR(order->custom, "{\"a\":1}");
    CHECK_STR(order->fw_type, "mcu");
    CHECK_STR(order->extra, "{\"fw_type\":\"mcu\",\"more\":{\"x\":[1,null]}}");

    /* As text and back it is the same. */
    CHECK_INT(firmware_order_text(order, &text), 0);
    CHECK_INT(jx_parse_object(text, strlen(text), &json, NULL), 0);
    CHECK_INT(firmware_order_parse(&again, json, &problem), 0);
    CHECK(firmware_order_is_same(order, again));
    CHECK_STR(again->url, order->url);
    CHECK_STR(again->custom, order->custom);
    CHECK_STR(again->extra, order->extra);
    CHECK_STR(again->fw_type, "mcu");
    again->size++;
    CHECK(!firmware_order_is_same(order, again));

    rig_push_topic(&rig, DOWN, ORDER(GOOD ",\"user_defined\":{\"b\":true}"));
    CHECK_INT(n_orders, 3);
    CHECK_STR(order->custom, "{\"b\":true}");
    CHECK_INT(rig_count_publishes(&rig), 0);
    end_with_events();
}

/* What cannot be carried out is answered with -5 where the version is one. */
static void test_bad_order(void)
{
    static const char *const texts[] = {
        ORDER("\"url\":\"http://h\""),
        ORDER("\"url\":\"http://h\",\"file_size\":0"),
        ORDER("\"url\":\"http://h\",\"file_size\":-1"),
        ORDER("\"url\":\"http://h\",\"file_size\":1073741825"),
        ORDER("\"url\":\"http://h\",\"file_size\":1.5"),
        ORDER("\"file_size\":5"),
        ORDER("\"file_size\":5,\"url\":\"ftp://h\""),
        ORDER("\"file_size\":5,\"url\":\"http://h/a b\""),
        ORDER("\"file_size\":5,\"url\":\"http://h/\\r\\nx\""),
        ORDER(GOOD ",\"fw_type\":\"0123456789012345678901234567890123\""),
        "{\"type\":\"update_firmware\",\"version\":\"1.1\",\"md5sum\":\"12\"," GOOD "}",
        "{\"type\":\"update_firmware\",\"version\":\"1.1\"," GOOD "}",
    };
    struct wire_packet p;

    begin_with_events();
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        rig_push_topic(&rig, DOWN, texts[i]);
        CHECK(rig_next_publish(&rig, &p, true));
        CHECK_INT(p.qos, 1);
        CHECK(strstr(p.payload, "\"state\":\"fail\",\"result_code\":\"-5\",\"result_msg\":\"") !=
              NULL);
        CHECK(strstr(p.payload, "\"version\":\"1.1\"") != NULL);
    }
    rig_push_topic(&rig, DOWN, "{\"type\":\"update_firmware\",\"version\":\"1/1\"," GOOD "}");
    rig_push_topic(&rig, DOWN, "{\"type\":\"update_firmware\"," GOOD "}");
    CHECK_INT(rig_count_publishes(&rig), 0);
    CHECK_INT(n_orders, 0);
    end_with_events();
}

static void on_progress_acked(int result, void *userdata)
{
    (void) userdata;
    acked_result = result;
}

static void check_progress(const struct firmware_progress *progress, unsigned qos, const char *want)
{
    struct wire_packet p = {0};

    acked_result = 1;
    CHECK_INT(firmware_report_progress(firmware, progress, on_progress_acked, NULL), 0);
    CHECK(rig_next_publish(&rig, &p, false));
    CHECK_STR(p.topic, UP);
    CHECK_STR(p.payload ? p.payload : "", want);
    CHECK_INT(p.qos, qos);
    CHECK_INT(acked_result, 1);
    if (qos)
        rig_feed_ack(&rig, 4, p.id);
    CHECK_INT(acked_result, qos ? 0 : 1);
}

static void test_progress(void)
{
    struct firmware_progress p = {
        .version = "1.1", .fw_type = "", .percent = 45, .code = -4, .text = "no \"good\""};

    begin_with_events();
    check_progress(
        &p, 0,
        "{\"type\":\"report_progress\",\"report\":{\"progress\":{\"state\":\"downloading\","
        "\"percent\":\"45\",\"result_code\":\"0\",\"result_msg\":\"\"},\"version\":\"1.1\"}}");
    p.step = FIRMWARE_STEP_BURNING;
    check_progress(&p, 0,
                   "{\"type\":\"report_progress\",\"report\":{\"progress\":{\"state\":\"burning\","
                   "\"result_code\":\"0\",\"result_msg\":\"\"},\"version\":\"1.1\"}}");
    p.step = FIRMWARE_STEP_DONE;
    check_progress(&p, 1,
                   "{\"type\":\"report_progress\",\"report\":{\"progress\":{\"state\":\"done\","
                   "\"result_code\":\"0\",\"result_msg\":\"\"},\"version\":\"1.1\"}}");
    p.step = FIRMWARE_STEP_FAIL;
    p.fw_type = "module";
    check_progress(&p, 1,
                   "{\"type\":\"report_progress\",\"report\":{\"progress\":{\"state\":\"fail\","
                   "\"result_code\":\"-4\",\"result_msg\":\"no \\\"good\\\"\"},\"version\":\"1.1\","
                   "\"fw_type\":\"module\"}}");
    rig_drop(&rig);
    p.step = FIRMWARE_STEP_BURNING;
    CHECK_INT(firmware_report_progress(firmware, &p, NULL, NULL), -ENETDOWN);
    end_with_events();
}

/* A long text is cut between two characters. */
static void test_long_text(void)
{
    char text[2 * FIRMWARE_TEXT_MAX];
    struct firmware_progress p = {
        .step = FIRMWARE_STEP_FAIL, .version = "1", .fw_type = "", .code = -5, .text = text};
    struct wire_packet packet = {0};

    begin_with_events();
    memset(text, 'a', sizeof(text));
    memcpy(text + FIRMWARE_TEXT_MAX - 1, "\xc3\xa4", 2);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(firmware_report_progress(firmware, &p, NULL, NULL), 0);
    CHECK(rig_next_publish(&rig, &packet, true));
    CHECK(strstr(packet.payload, "aa\"},\"version\"") != NULL);
    end_with_events();
}

static void test_reported(void)
{
    unsigned id;

    begin_with_events();
    firmware_report_version(firmware);
    id = check_report("1.0");
    firmware_set_version(firmware, "1.1");
    CHECK_STR(reported, "");
    rig_feed_ack(&rig, 4, id);
    CHECK_STR(reported, "1.0");
    rig_feed_ack(&rig, 4, check_report("1.1"));
    CHECK_STR(reported, "1.1");
    end_with_events();
}

const char *const suite_name = "firmware";
const struct suite_test suite_tests[] = {
    {"report", test_report},       {"filter", test_filter},       {"repeated", test_repeated},
    {"given_up", test_given_up},   {"outdated", test_outdated},   {"down", test_down},
    {"order", test_order},         {"bad_order", test_bad_order}, {"progress", test_progress},
    {"long_text", test_long_text}, {"reported", test_reported},   {NULL, NULL},
};
