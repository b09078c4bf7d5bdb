/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is held back of newest values, and that the cloud has the newest one in the end. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define LAMP ":1.1"

static struct rig *const rig = &crig.rig;

/* Of all properties. */
static void set_policy(const struct policy *p)
{
    policies_configure(&crig.core->policies, p, NULL, 0);
}

static void begin(const struct policy *p)
{
    crig_begin();
    pace_init(&crig.core->pace, 1000);
    set_policy(p);
    rig_connect(rig, true);
    rig_advance(rig, S);
}

static uint64_t report_at(size_t index, double number, uint64_t timestamp_s)
{
    struct prop_update u = {index, {.kind = VALUE_INT, .i = (int64_t) number}};
    uint64_t token = 0;

    if (index == P_TEMP)
        u.value = (struct value){.kind = VALUE_FLOAT, .d = number};
    else if (index == P_POWER)
        u.value = (struct value){.kind = VALUE_BOOL, .b = (bool) number};
    CHECK_INT(reports_submit(&crig.core->reports, LAMP, &u, 1, timestamp_s, NULL, NULL, &token), 0);
    CHECK_INT(crig_end_of(token) != NULL, 0); /* never inside */
    rig_advance(rig, 2000);
    return token;
}

static uint64_t report(size_t index, double number)
{
    return report_at(index, number, 0);
}

static int code_of(uint64_t token)
{
    const struct crig_told *t = crig_end_of(token);

    return t ? t->code : -1;
}

/* The next report, which is answered; "" when there is none. */
static unsigned next_id; /* 0: QoS 0 */

static const char *next(void)
{
    static char params[512];
    struct wire_packet p;
    json_t *json;
    char *text;

    params[0] = '\0';
    if (!rig_next_publish(rig, &p, true))
        return params;
    json = json_loads(p.payload, 0, NULL);
    text = json_dumps(json_object_get(json, "params"), JSON_COMPACT);
    (void) snprintf(params, sizeof(params), "%s", text ? text : "?");
    free(text);
    next_id = p.id;
    rig_push_reply(rig, "property", "report_reply", rig_text(json, "clientToken"), 0, "");
    rig_advance(rig, 0);
    json_decref(json);
    return params;
}

/* So long that the link does not last without a server that answers. */
static void pass(uint64_t us)
{
    rig_drop(rig);
    rig_advance(rig, us);
    rig_connect(rig, true);
    rig_advance(rig, 10000);
}

#define CHECK_HELD(token)                                                                          \
    do {                                                                                           \
        CHECK_STR(next(), "");                                                                     \
        CHECK_INT(code_of(token), 0);                                                              \
        CHECK_STR(crig_end_of(token) ? crig_end_of(token)->text : "", "held back by its policy");  \
    } while (0)

/* --- */

static void test_min_interval(void)
{
    uint64_t first, token;

    begin(&(struct policy){.min_interval_us = 10 * S});
    first = report(P_LEVEL, 1); /* the first goes at once */
    CHECK_STR(next(), "{\"level\":1}");
    CHECK_INT(code_of(first), 0);
    for (int i = 2; i < 6; i++) {
        token = report(P_LEVEL, i);
        CHECK_HELD(token);
        CHECK_INT(crig.core->props.all[P_LEVEL].value.i, i); /* here at once */
        rig_advance(rig, S);
    }
    token = report(P_TEMP, 1); /* each for itself */
    CHECK_STR(next(), "{\"temp\":1}");
    CHECK_INT(code_of(token), 0);
    rig_advance(rig, 10 * S - 4 * S - 20000);
    CHECK_STR(next(), "");
    rig_advance(rig, 40000);
    CHECK_STR(next(), "{\"level\":5}");
    CHECK(crig.core->props.all[P_LEVEL].confirmed);
    rig_advance(rig, 100 * S);
    CHECK_STR(next(), ""); /* nothing is due */
    token = report(P_LEVEL, 7);
    CHECK_STR(next(), "{\"level\":7}");
    crig_end();
}

/* Never sooner, only the newest, and the last one always. */
static void test_busy(void)
{
    uint64_t last_us = 0;
    unsigned n = 0;

    begin(&(struct policy){.min_interval_us = S / 2});
    for (int i = 0; i < 1000; i++) {
        uint64_t now;
        char want[32];

        (void) report(P_LEVEL, i % 100);
        rig_advance(rig, 8000);
        now = loop_now_us(&rig->fl.loop);
        (void) snprintf(want, sizeof(want), "{\"level\":%d}", i % 100);
        for (const char *params = next(); *params; params = next()) {
            CHECK_STR(params, want);
            CHECK(n == 0 || now - last_us >= S / 2 - 10000); /* seen that late */
            last_us = now;
            n++;
        }
    }
    CHECK(n >= 19 && n <= 21);
    rig_advance(rig, S);
    (void) next();
    CHECK(crig.core->props.all[P_LEVEL].value.i == 99 && crig.core->props.all[P_LEVEL].confirmed);
    CHECK_INT(crig.core->reports.n_waiters, 0);
    CHECK_INT(crig.n_told, 1000);
    crig_end();
}

static void test_dead_band(void)
{
    static const struct {
        double band, percent, from, to;
        bool held;
    } cases[] = {
        {2, 0, 10, 12, true},     {2, 0, 10, 8, true},      {2, 0, 10, 12.5, false},
        {2, 0, 10, 7.5, false},   {2, 0, 10, 10, true},     {0, 10, 20, 22, true},
        {0, 10, 20, 22.5, false}, {0, 10, -20, -22, true},  {0, 10, -20, -22.5, false},
        {0, 10, 0, 0, true},      {0, 10, 0, 0.5, false},   {3, 10, 10, 13, true},
        {3, 10, 10, 13.5, false}, {1, 50, 20, 29, true},    {1, 50, 20, 30.5, false},
        {2, 0, -1, 1, true},      {0.25, 0, 1, 1.25, true}, {0.25, 0, 1, 1.5, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t token;

        begin(&(struct policy){.dead_band = cases[i].band,
                               .dead_band_percent = cases[i].percent,
                               .max_interval_us = 1000 * S});
        (void) report(P_TEMP, cases[i].from);
        CHECK(*next());
        token = report(P_TEMP, cases[i].to);
        if ((*next() == '\0') != cases[i].held || code_of(token) != 0)
            suite_fail(__FILE__, __LINE__, "case %zu", i);
        crig_end();
    }
}

/* Small steps add up: the band is around what was sent. */
static void test_drift(void)
{
    begin(&(struct policy){.dead_band = 1, .max_interval_us = 1000 * S});
    (void) report(P_TEMP, 20);
    CHECK_STR(next(), "{\"temp\":20}");
    (void) report(P_TEMP, 20.5);
    (void) report(P_TEMP, 21);
    CHECK_STR(next(), "");
    (void) report(P_TEMP, 21.5);
    CHECK_STR(next(), "{\"temp\":21.5}");
    (void) report(P_TEMP, 20.75);
    CHECK_STR(next(), "");
    pass(900 * S);
    (void) report(P_TEMP, 20.5); /* does not put it off */
    pass(101 * S);
    CHECK_STR(next(), "{\"temp\":20.5}");
    pass(10000 * S);
    CHECK_STR(next(), "");

    set_policy(&(struct policy){.dead_band = 1});
    (void) report(P_TEMP, 20.75);
    pass(10000 * S);
    CHECK_STR(next(), ""); /* never, if that is wanted */
    set_policy(&(struct policy){0});
    reports_review(&crig.core->reports); /* until it is not any more */
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"temp\":20.75}");
    crig_end();
}

/* Both: within the band the longer of the two, outside of it the shorter. */
static void test_both(void)
{
    begin(&(struct policy){.dead_band = 1, .min_interval_us = 10 * S, .max_interval_us = 100 * S});
    (void) report(P_TEMP, 20);
    CHECK_STR(next(), "{\"temp\":20}");
    (void) report(P_TEMP, 25);
    CHECK_STR(next(), "");
    rig_advance(rig, 11 * S);
    CHECK_STR(next(), "{\"temp\":25}");
    (void) report(P_TEMP, 30);
    (void) report(P_TEMP, 25.5); /* back before the time was over */
    rig_advance(rig, 50 * S);
    CHECK_STR(next(), "");
    rig_advance(rig, 50 * S);
    CHECK_STR(next(), "{\"temp\":25.5}");
    crig_end();
}

/* What is no number has no band; nor has what a program says the time of, or a user set. */
static void test_not_held(void)
{
    json_t *params = json_pack("{s:i}", "level", 8);
    struct wire_packet p;
    uint64_t token;

    begin(&(struct policy){.dead_band = 50, .min_interval_us = 0, .max_interval_us = 1000 * S});
    (void) report(P_POWER, 1);
    CHECK_STR(next(), "{\"power\":1}");
    (void) report(P_POWER, 1);
    CHECK_STR(next(), "{\"power\":1}");
    (void) report(P_LEVEL, 5);
    CHECK_STR(next(), "{\"level\":5}");
    token = report_at(P_LEVEL, 6, FAKE_CLOCK_REAL_US / S + 10);
    CHECK_STR(next(), "{\"level\":6}");
    CHECK_INT(code_of(token), 0);
    token = report(P_LEVEL, 7);
    CHECK_HELD(token);

    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    calls_on_control(&crig.core->calls, "t", 0, params);
    json_decref(params);
    crig_answer(0, 0, "", NULL);
    CHECK(rig_next_publish(rig, &p, true) && strstr(p.payload, "control_reply"));
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":8}");
    pass(2000 * S);
    CHECK_STR(next(), ""); /* 7 was overtaken */
    crig_end();
}

/* One report with both kinds: it ends with the message. */
static void test_mixed(void)
{
    const struct prop_update u[] = {
        {P_LEVEL, {.kind = VALUE_INT, .i = 2}},
        {P_TEMP, {.kind = VALUE_FLOAT, .d = 2}},
    };
    const struct policy_rule rule = {
        "level", {.given = POLICY_MIN_INTERVAL, .policy = {.min_interval_us = 100 * S}}};
    uint64_t token;

    begin(&(struct policy){0});
    policies_configure(&crig.core->policies, &(struct policy){0}, &rule, 1);
    (void) report(P_LEVEL, 1);
    CHECK_STR(next(), "{\"level\":1}");
    CHECK_INT(reports_submit(&crig.core->reports, LAMP, u, 2, 0, NULL, NULL, &token), 0);
    rig_advance(rig, 10000);
    CHECK_INT(code_of(token), -1);
    CHECK_STR(next(), "{\"temp\":2}");
    CHECK_INT(code_of(token), 0);
    rig_drop(rig); /* what is due while the link is down waits for it, and is the newest */
    rig_advance(rig, 200 * S);
    (void) report(P_LEVEL, 3);
    rig_connect(rig, true);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":3}");
    crig_end();
}

/* A message that was lost is sent again at once. */
static void test_lost(void)
{
    struct wire_packet p;

    begin(&(struct policy){.min_interval_us = 1000 * S});
    (void) report(P_LEVEL, 1);
    CHECK(rig_next_publish(rig, &p, true));
    (void) report(P_LEVEL, 2);
    rig_advance(rig, 6 * S);
    CHECK_STR(next(), "{\"level\":2}");
    crig_end();
}

static void test_qos(void)
{
    const struct policy_rule rule = {"level", {.given = POLICY_QOS, .policy = {.qos = 1}}};
    const struct prop_update u[] = {
        {P_LEVEL, {.kind = VALUE_INT, .i = 2}},
        {P_TEMP, {.kind = VALUE_FLOAT, .d = 2}},
    };
    uint64_t token;

    begin(&(struct policy){0});
    policies_configure(&crig.core->policies, &(struct policy){0}, &rule, 1);
    (void) report(P_TEMP, 1);
    CHECK_STR(next(), "{\"temp\":1}");
    CHECK_INT(next_id, 0);
    (void) report(P_LEVEL, 1);
    CHECK_STR(next(), "{\"level\":1}");
    CHECK(next_id > 0);
    CHECK_INT(reports_submit(&crig.core->reports, LAMP, u, 2, 0, NULL, NULL, &token), 0);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":2,\"temp\":2}"); /* merged all the same */
    CHECK(next_id > 0);
    crig_end();
}

static void test_check(void)
{
    struct policy_wish wish = {.given = POLICY_DEAD_BAND};

    begin(&(struct policy){0});
    CHECK_INT(policies_check(&crig.core->policies, P_LEVEL, &wish), 0);
    CHECK_INT(policies_check(&crig.core->policies, P_TEMP, &wish), 0);
    CHECK_INT(policies_check(&crig.core->policies, P_SINCE, &wish), 0);
    CHECK_INT(policies_check(&crig.core->policies, P_POWER, &wish), -EPROTOTYPE);
    CHECK_INT(policies_check(&crig.core->policies, P_COLOR, &wish), -EPROTOTYPE);
    wish.given = POLICY_DEAD_BAND_PERCENT;
    CHECK_INT(policies_check(&crig.core->policies, P_NAME, &wish), -EPROTOTYPE);
    wish.given = POLICY_MIN_INTERVAL | POLICY_QOS | POLICY_HISTORY | POLICY_MAX_INTERVAL;
    CHECK_INT(policies_check(&crig.core->policies, P_NAME, &wish), 0);
    crig_end();
}

/* The newest value goes out after a restart, though it was held back before. */
static void test_restart(void)
{
    const struct core_config config = {
        .report_rate = 1000,
        .policy = {.min_interval_us = 1000 * S},
        .events = {.max_events = 10000, .max_bytes = 16777216},
    };

    begin(&config.policy);
    (void) report(P_LEVEL, 1);
    CHECK_STR(next(), "{\"level\":1}");
    (void) report(P_LEVEL, 2);
    core_save(crig.core);
    crig_remove(&crig.lamp);
    crig_remove(&crig.door);
    crig.core = core_free(crig.core);
    link_unwatch(&rig->watch);
    rig->link = link_free(rig->link);
    rig_remake_link(rig);
    CHECK_INT(
        core_new(&crig.core, &rig->fl.loop, rig->link, rig->ident, crig.model, &config, crig.db),
        0);
    rig_connect(rig, true);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":2}");
    crig_end();
}

const char *const suite_name = "policy";
const struct suite_test suite_tests[] = {
    {"min_interval", test_min_interval},
    {"busy", test_busy},
    {"dead_band", test_dead_band},
    {"drift", test_drift},
    {"both", test_both},
    {"not_held", test_not_held},
    {"mixed", test_mixed},
    {"lost", test_lost},
    {"qos", test_qos},
    {"check", test_check},
    {"restart", test_restart},
    {NULL, NULL},
};
