/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libiotclient/base/limits.h"
#include "tests/lib/report-steps.h"
#include "tests/lib/suite.h"

static struct rig *const rig = &crig.rig;

/* --- */

static void test_one(void)
{
    uint64_t token;

    report_begin_up();
    token = report(LAMP, P_LEVEL, 5);
    CHECK(report_table(P_LEVEL)->kind == VALUE_INT && report_table(P_LEVEL)->i == 5);
    CHECK_STR(report_next(), ""); /* not inside the call */
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":5}");
    CHECK_INT(report_seen.timestamp, 0);
    CHECK_INT(report_code_of(token), -1);
    report_reply(report_seen.token, 0, "success");
    CHECK_INT(report_code_of(token), 0);
    CHECK_STR(crig_end_of(token)->peer, LAMP);
    rig_advance(rig, 100 * S);
    CHECK_STR(report_next(), "");
    CHECK_INT(crig.core->reports.n_waiters, 0);
    crig_end();
}

/* Values of all programs leave together, each with its newest value. */
static void test_merge(void)
{
    uint64_t a, b, c;

    crig_begin();
    a = report(LAMP, P_LEVEL, 1);
    b = report(LAMP, P_LEVEL, 2);
    c = report(DOOR, P_POWER, 1);
    rig_advance(rig, 100 * S);
    CHECK_INT(crig.n_told, 0);
    rig_connect(rig, true);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":2}");
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(a) == 0 && report_code_of(b) == 0 && report_code_of(c) == 0);
    CHECK_INT(crig.n_told, 3);
    crig_end();
}

static void test_rate(void)
{
    unsigned n = 0;

    report_begin_up();
    for (int ms = 0; ms < 10000; ms += 10) {
        (void) report(LAMP, P_LEVEL, ms % 100);
        rig_advance(rig, 10000);
        while (*report_next()) {
            n++;
            report_reply(report_seen.token, 0, "");
        }
    }
    CHECK(n >= 49 && n <= 51); /* five a second for ten seconds */
    CHECK_INT(crig.n_told + crig.core->reports.n_waiters, 1000);
    pace_init(&crig.core->pace, 10);
    n = 0;
    for (int ms = 0; ms < 5000; ms += 10) {
        (void) report(LAMP, P_LEVEL, ms % 100);
        rig_advance(rig, 10000);
        while (*report_next()) {
            n++;
            report_reply(report_seen.token, 0, "");
        }
    }
    CHECK(n >= 49 && n <= 51);
    crig_end();
}

/* A cloud that does not answer gets no more than a few messages. */
static void test_in_flight(void)
{
    unsigned n = 0;

    report_begin_up();
    for (int i = 0; i < 40; i++) {
        (void) report(LAMP, P_LEVEL, i);
        rig_advance(rig, 100000);
        while (*report_next())
            n++;
    }
    CHECK_INT(n, 4);
    crig_end();
}

/* No reply: sent again with the value of that time, and after three times the program hears. */
static void test_timeout(void)
{
    uint64_t a, b;

    report_begin_up();
    a = report(LAMP, P_LEVEL, 1);
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":1}");
    rig_advance(rig, 4 * S);
    b = report(LAMP, P_POWER, 1);
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"power\":1}");
    report_reply(report_seen.token, 0, "");
    CHECK_INT(report_code_of(b), 0);
    CHECK_INT(report_code_of(a), -1);
    report_table(P_LEVEL)->i = 9;
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":9}");
    rig_advance(rig, 5 * S);
    CHECK_STR(report_next(), "{\"level\":9}");
    CHECK_INT(report_code_of(a), -1);
    rig_advance(rig, 5 * S);
    CHECK_INT(report_code_of(a), 408);
    CHECK_STR(crig_end_of(a)->text, "the cloud did not answer; the value stays");
    CHECK_STR(report_next(), "{\"level\":9}"); /* and goes on being tried */
    report_reply(report_seen.token, 0, "");
    rig_advance(rig, 100 * S);
    CHECK_STR(report_next(), "");
    CHECK_INT(crig.n_told, 2);
    crig_end();
}

static void test_link_down(void)
{
    uint64_t a, b;
    char old[64];

    report_begin_up();
    a = report(LAMP, P_LEVEL, 1);
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":1}");
    strcpy(old, report_seen.token);
    for (int i = 0; i < 5; i++) { /* being cut off is no fault of the report */
        rig_drop(rig);
        b = report(DOOR, P_POWER, i % 2);
        CHECK_INT(report_code_of(a), -1);
        rig_connect(rig, true);
        CHECK_STR(report_next(), i % 2 ? "{\"power\":1,\"level\":1}" : "{\"power\":0,\"level\":1}");
        CHECK_INT(report_code_of(b), -1);
    }
    report_reply(old, 0, ""); /* too late: nobody waits for this one */
    CHECK_INT(report_code_of(a), -1);
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(a) == 0 && report_code_of(b) == 0);
    CHECK_INT(crig.n_told, 6);
    crig_end();
}

static void test_refused(void)
{
    uint64_t a, b;

    crig_begin();
    a = report(LAMP, P_LEVEL, 1);
    b = report(DOOR, P_POWER, 1);
    rig_connect(rig, true);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":1}");
    report_reply(report_seen.token, 406, "value out of range");
    CHECK(report_code_of(a) == 406 && report_code_of(b) == 406);
    CHECK_STR(crig_end_of(a)->text, "value out of range");
    rig_advance(rig, 100 * S);
    CHECK_STR(report_next(), ""); /* it would be refused again */
    CHECK_INT(report_table(P_LEVEL)->i, 1);
    crig_end();
}

/* --- time stamps --- */

static void test_timestamps(void)
{
    const uint64_t now_s = FAKE_CLOCK_REAL_US / S;
    uint64_t a, b, c;

    crig_begin();
    CHECK_INT(report_try(LAMP, P_LEVEL, 1, now_s - 100, &a), 0);
    CHECK_INT(report_table(P_LEVEL)->i, 1);
    b = report(LAMP, P_LEVEL, 3);
    CHECK_INT(report_try(LAMP, P_LEVEL, 2, now_s - 50, &c), 0);
    CHECK_INT(report_table(P_LEVEL)->i, 3); /* older values do not replace newer ones */
    rig_connect(rig, true);
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":1}");
    CHECK_INT(report_seen.timestamp, now_s - 100);
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(a) == 0 && report_code_of(b) == -1 && report_code_of(c) == -1);
    CHECK_STR(report_next(), "{\"level\":2}");
    CHECK_INT(report_seen.timestamp, now_s - 50);
    report_reply(report_seen.token, 405, "time");
    CHECK_INT(report_code_of(c), 405);
    CHECK_STR(report_next(), "{\"level\":3}");
    CHECK_INT(report_seen.timestamp, 0);
    report_reply(report_seen.token, 0, "");
    CHECK_INT(report_code_of(b), 0);
    crig_end();
}

/* They are repeated as they were, in their order, and end after three attempts. */
static void test_timed_retry(void)
{
    const uint64_t then = FAKE_CLOCK_REAL_US / S - 100;
    uint64_t a, b;

    report_begin_up();
    CHECK_INT(report_try(LAMP, P_LEVEL, 1, then, &a), 0);
    CHECK_INT(report_try(LAMP, P_LEVEL, 2, then + 1, &b), 0);
    rig_advance(rig, S);
    CHECK_STR(report_next(), "{\"level\":1}");
    CHECK_STR(report_next(), "{\"level\":2}");
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(a) == -1 && report_code_of(b) == 0);
    rig_drop(rig);
    rig_connect(rig, true);
    rig_advance(rig, S);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(report_code_of(a), -1);
        CHECK_STR(report_next(), "{\"level\":1}");
        CHECK_INT(report_seen.timestamp, then);
        rig_advance(rig, 5 * S);
    }
    CHECK_INT(report_code_of(a), 408);
    rig_advance(rig, 100 * S);
    CHECK_STR(report_next(), ""); /* nobody waits for it any more */
    crig_end();
}

static void test_timed_full(void)
{
    const uint64_t then = FAKE_CLOCK_REAL_US / S - 1000;
    uint64_t token = 0;
    unsigned n = 0;

    crig_begin();
    while (n < 10000 && report_try(LAMP, P_LEVEL, n % 100, then + n % 50, &token) == 0)
        n++;
    CHECK_INT(n, 64);
    token = 77;
    report_table(P_LEVEL)->i = 42;
    CHECK_INT(report_try(LAMP, P_LEVEL, 7, then + 100, &token), -ENOBUFS);
    CHECK_INT(token, 77);
    CHECK_INT(report_table(P_LEVEL)->i, 42); /* refused is refused: nothing was written */
    CHECK_INT(crig.core->reports.n_waiters, 64);
    for (unsigned p = 0; p < 3; p++) { /* others have room, up to the bound of all */
        char peer[16];

        (void) snprintf(peer, sizeof(peer), ":1.%u", 10 + p);
        for (unsigned i = 0; i < 64; i++)
            CHECK_INT(report_try(peer, P_LEVEL, 1, then, &token), 0);
    }
    CHECK_INT(report_try(DOOR, P_LEVEL, 1, then, &token), -ENOBUFS);
    crig_end();
}

/* --- sizes --- */

/* Takes all messages of a turn; the properties of each must be new ones. */
static unsigned take_parts(char tokens[8][64], unsigned *ret_n_properties)
{
    bool seen[15] = {false};
    unsigned n = 0;

    *ret_n_properties = 0;
    for (int turn = 0; turn < 20; turn++) {
        struct wire_packet p;
        const char *id;
        json_t *json, *v;

        rig_advance(rig, 200000);
        if (!rig_next_publish(rig, &p, true) || n >= 8)
            continue;
        CHECK(p.payload_len <= LIMIT_MQTT_PAYLOAD);
        json = json_loads(p.payload, JSON_REJECT_DUPLICATES, NULL);
        CHECK(json);
        json_object_foreach(json_object_get(json, "params"), id, v)
        {
            unsigned i = (unsigned) atoi(id + 1);

            CHECK(i < 15 && !seen[i % 15]);
            seen[i % 15] = true;
            ++*ret_n_properties;
        }
        (void) snprintf(tokens[n++], 64, "%s", rig_text(json, "clientToken"));
        json_decref(json);
    }
    return n;
}

static void test_split(void)
{
    static char text[LIMIT_STRING_VALUE + 1];
    char tokens[8][64];
    unsigned n, n_properties;
    uint64_t a;

    for (int escaped = 0; escaped < 2; escaped++) {
        memset(text, escaped ? '\x01' : 'x', LIMIT_STRING_VALUE); /* six bytes each on the wire */
        report_begin_big();
        a = report_texts(LAMP, 0, escaped ? 4 : 15, text);
        rig_connect(rig, true);
        n = take_parts(tokens, &n_properties);
        CHECK(n > 1);
        CHECK_INT(n_properties, escaped ? 4 : 15);
        for (unsigned i = 0; i < n; i++) {
            CHECK_INT(report_code_of(a), -1); /* done when all parts are */
            report_reply(tokens[i], 0, "");
        }
        CHECK_INT(report_code_of(a), 0);
        crig_end();
    }
}

static void test_split_lost(void)
{
    static char text[LIMIT_STRING_VALUE + 1];
    char tokens[8][64], again[8][64];
    unsigned n, n_properties, n_again;
    uint64_t a;

    memset(text, 'x', LIMIT_STRING_VALUE);
    report_begin_big();
    a = report_texts(LAMP, 0, 15, text);
    rig_connect(rig, true);
    n = take_parts(tokens, &n_properties);
    for (unsigned i = 0; i + 1 < n; i++)
        report_reply(tokens[i], 0, "");
    rig_advance(rig, S);
    n_again = take_parts(again, &n_properties);
    CHECK_INT(n_again, 1); /* only what was lost */
    CHECK(n_properties > 0 && n_properties < 15);
    CHECK_INT(report_code_of(a), -1);
    report_reply(again[0], 0, "");
    CHECK_INT(report_code_of(a), 0);
    crig_end();
}

/* One part is refused, another lost: the refusal is not forgotten over the repetition. */
static void test_split_refused(void)
{
    static char text[LIMIT_STRING_VALUE + 1];
    char tokens[8][64], again[8][64];
    unsigned n, n_properties;
    uint64_t a;

    memset(text, 'x', LIMIT_STRING_VALUE);
    report_begin_big();
    a = report_texts(LAMP, 0, 15, text);
    rig_connect(rig, true);
    n = take_parts(tokens, &n_properties);
    CHECK(n >= 2);
    report_reply(tokens[0], 406, "range");
    for (unsigned i = 1; i + 1 < n; i++)
        report_reply(tokens[i], 0, "");
    rig_advance(rig, S);
    CHECK_INT(take_parts(again, &n_properties), 1);
    report_reply(again[0], 0, "");
    CHECK_INT(report_code_of(a), 406);
    crig_end();
}

/* --- bounds --- */

static void test_client_bound(void)
{
    uint64_t first, other, last = 0;

    crig_begin();
    first = report(LAMP, P_LEVEL, 1);
    other = report(DOOR, P_POWER, 1);
    for (unsigned i = 1; i < LIMIT_CLIENT_TOKENS; i++)
        last = report(LAMP, P_LEVEL, i % 100);
    CHECK_INT(crig.n_told, 0);
    (void) report(LAMP, P_LEVEL, 7);
    CHECK_INT(report_code_of(first), 504); /* the oldest of this program makes room */
    CHECK_INT(crig.n_told, 1);
    CHECK_INT(report_code_of(other), -1);
    rig_connect(rig, true);
    CHECK_STR(report_next(), "{\"power\":1,\"level\":7}");
    report_reply(report_seen.token, 0, "");
    CHECK(report_code_of(other) == 0 && report_code_of(last) == 0);
    CHECK_INT(crig.n_told, LIMIT_CLIENT_TOKENS + 2);
    crig_end();
}

static void test_all_bound(void)
{
    char peer[16];
    uint64_t first = 0, token;

    crig_begin();
    for (unsigned i = 0; i < LIMIT_REPORT_TOKENS; i++) {
        (void) snprintf(peer, sizeof(peer), ":1.%u", i % 8);
        token = report(peer, P_LEVEL, 1);
        first = first ? first : token;
    }
    CHECK_INT(crig.n_told, 0);
    (void) report(":1.99", P_LEVEL, 1);
    CHECK(crig.n_told == 1 && report_code_of(first) == 504);
    CHECK_INT(crig.core->reports.n_waiters, LIMIT_REPORT_TOKENS);
    crig_end();
}

/* Also with everything in flight and a cloud that is silent, what waits does not grow. */
static void test_silent_bound(void)
{
    char peer[16];

    report_begin_up();
    for (unsigned i = 0; i < 6000 && crig.n_told < CRIG_TOLD - 10; i++) {
        (void) snprintf(peer, sizeof(peer), ":1.%u", i % 16);
        (void) report(peer, P_LEVEL, i % 100);
        if (i % 300 == 0)
            rig_advance(rig, 250000);
        CHECK(crig.core->reports.n_waiters <= LIMIT_REPORT_TOKENS + 8);
    }
    crig_end();
}

/* The socket is full: tried again after a second, not at once and again. */
static void test_send_fails(void)
{
    uint64_t a;

    report_begin_up();
    pace_init(&crig.core->pace, 1000);
    rig->net.send_result = -ENOBUFS;
    a = report(LAMP, P_LEVEL, 5);
    rig_advance(rig, 100000);
    rig->net.send_result = 0;
    rig_advance(rig, 800000);
    CHECK_STR(report_next(), "");
    rig_advance(rig, 200000);
    CHECK_STR(report_next(), "{\"level\":5}");
    report_reply(report_seen.token, 0, "");
    CHECK_INT(report_code_of(a), 0);
    crig_end();
}

/* A value that no program reported. */
static void test_mark(void)
{
    report_begin_up();
    *report_table(P_LEVEL) = (struct value){.kind = VALUE_INT, .i = 8};
    reports_mark(&crig.core->reports, P_LEVEL);
    reports_mark(&crig.core->reports, P_LEVEL);
    rig_advance(rig, 0);
    CHECK_STR(report_next(), "{\"level\":8}");
    report_reply(report_seen.token, 0, "");
    rig_advance(rig, 100 * S);
    CHECK_STR(report_next(), "");
    CHECK_INT(crig.n_told, 0);
    crig_end();
}

const char *const suite_name = "reports";
const struct suite_test suite_tests[] = {
    {"one", test_one},
    {"merge", test_merge},
    {"rate", test_rate},
    {"in_flight", test_in_flight},
    {"timeout", test_timeout},
    {"link_down", test_link_down},
    {"refused", test_refused},
    {"timestamps", test_timestamps},
    {"timed_retry", test_timed_retry},
    {"timed_full", test_timed_full},
    {"split", test_split},
    {"split_lost", test_split_lost},
    {"split_refused", test_split_refused},
    {"client_bound", test_client_bound},
    {"all_bound", test_all_bound},
    {"silent_bound", test_silent_bound},
    {"send_fails", test_send_fails},
    {"mark", test_mark},
    {NULL, NULL},
};
