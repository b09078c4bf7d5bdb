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

/* Somebody sets the clock: the old offset is put right at once, and measured again. */
static void test_step(void)
{
    struct wire_packet p;

    begin();
    ntp_clock_stepped(ntp, 1000000); /* nothing is known, nothing is up */
    CHECK_INT(ntp_offset_us(ntp), 0);
    fake_clock_set_real(5 * USEC_PER_SEC);
    rig_connect(&rig, true);
    CHECK(rig_next_publish(&rig, &p, true));
    answer("{\"type\":\"get\",\"time\":1900000000}");
    fake_clock_set_real(1899999000 * USEC_PER_SEC);
    ntp_clock_stepped(ntp, 1899998995 * (int64_t) USEC_PER_SEC);
    CHECK_INT(n_changed, 2);
    CHECK_INT(ntp_offset_us(ntp), 1000 * (int64_t) USEC_PER_SEC);
    CHECK_INT(ntp_now_s(ntp), 1900000000);
    CHECK(rig_next_publish(&rig, &p, true));
    CHECK_STR(p.topic, "$sys/operation/" RIG_PRODUCT "/" RIG_DEVICE);
    ntp_clock_stepped(ntp, 0); /* and the answer to the one before is none to this one */
    answer("{\"type\":\"get\",\"time\":1899999000}");
    CHECK_INT(ntp_offset_us(ntp), 0);
    end();
}

const char *const suite_name = "ntp";
const struct suite_test suite_tests[] = {
    {"offset", test_offset},
    {"others", test_others},
    {"unset", test_unset},
    {"step", test_step},
    {NULL, NULL},
};
