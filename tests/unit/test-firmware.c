/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The version of the firmware on its way to the cloud. */

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

const char *const suite_name = "firmware";
const struct suite_test suite_tests[] = {
    {"report", test_report},
    {"filter", test_filter},
    {"repeated", test_repeated},
    {"given_up", test_given_up},
    {"outdated", test_outdated},
    {"down", test_down},
    {NULL, NULL},
};
