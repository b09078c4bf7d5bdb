/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <string.h>

#include "daemon/cloud/ntp.h"
#include "daemon/sys/clock.h"
#include "tests/lib/fake-clock.h"
#include "tests/lib/rig.h"
#include "tests/lib/suite.h"

static struct rig rig;
static struct ntp *ntp;
static unsigned n_changed;

static void on_changed(void *userdata)
{
    (void) userdata;
    n_changed++;
}

static void begin(void)
{
    n_changed = 0;
    rig_init(&rig);
    rig.show_status = true;
    CHECK_INT(ntp_new(&ntp, rig.link, rig.ident, on_changed, NULL), 0);
}

static void end(void)
{
    ntp = ntp_free(ntp);
    rig_done(&rig);
}

static void answer(const char *text)
{
    rig_push_topic(&rig, "$sys/operation/result/" RIG_PRODUCT "/" RIG_DEVICE, text);
}

static void test_offset(void)
{
    uint64_t real = clock_real_us();
    struct wire_packet p;
    char text[128];

    begin();
    CHECK_INT(ntp_offset_us(ntp), 0);

    rig_connect(&rig, false);
    CHECK(rig_next_publish(&rig, &p, true));
    CHECK_STR(p.topic, "$sys/operation/" RIG_PRODUCT "/" RIG_DEVICE);
    CHECK_STR(p.payload, "{\"type\":\"get\",\"resource\":[\"time\"]}");

    /* The answer takes 200 ms; the cloud is 100 s ahead and answers in the middle. */
    real = clock_real_us();
    rig_advance(&rig, 200000);
    (void) snprintf(text, sizeof(text),
                    "{\"type\":\"get\",\"time\":1,\"ntptime1\":%llu,\"ntptime2\":%llu}",
                    (unsigned long long) (real + 100100000) / 1000,
                    (unsigned long long) (real + 100100000) / 1000);
    answer(text);
    CHECK_INT(n_changed, 1);
    CHECK(ntp_offset_us(ntp) > 99990000 && ntp_offset_us(ntp) < 100010000);
    answer(text); /* not asked for again */
    CHECK_INT(n_changed, 1);
    end();
}

static void test_others(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"type\":\"ssh\",\"switch\":1}",
        "{\"type\":\"get\"}",
        "{\"type\":\"get\",\"time\":-5}",
        "{\"type\":\"get\",\"time\":\"soon\"}",
        "{\"type\":\"get\",\"ntptime1\":9223372036854775807,\"ntptime2\":9223372036854775807}",
        "{\"type\":\"get\",\"ntptime1\":2000,\"ntptime2\":1000}",
    };

    begin();
    rig_connect(&rig, true);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        answer(texts[i]);
    CHECK_INT(n_changed, 0);
    CHECK_INT(ntp_offset_us(ntp), 0);
    answer("{\"type\":\"get\",\"time\":1900000000}"); /* seconds alone */
    CHECK_INT(n_changed, 1);
    CHECK_INT(ntp_now_s(ntp), 1900000000);
    end();
}

/* Neither the clock nor the cloud says what time it is. */
static void test_unset(void)
{
    begin();
    fake_clock_set_real(5 * USEC_PER_SEC);
    CHECK_INT(ntp_now_s(ntp), 0);
    rig_connect(&rig, true);
    answer("{\"type\":\"get\",\"time\":1900000000}");
    CHECK_INT(ntp_now_s(ntp), 1900000000);
    end();
}

const char *const suite_name = "ntp";
const struct suite_test suite_tests[] = {
    {"offset", test_offset},
    {"others", test_others},
    {"unset", test_unset},
    {NULL, NULL},
};
