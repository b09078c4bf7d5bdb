/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties that keep every value: on disk before the answer, in order, each with its stamp. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/outbox.h"
#include "tests/lib/event-steps.h"
#include "tests/lib/suite.h"

#define NOW_S (FAKE_CLOCK_REAL_US / S)

static struct rig *const rig = &crig.rig;

/* How the last report was answered that had samples. */
static struct {
    unsigned n;
    int result;
    uint64_t token;
} kept;

static void on_kept(int result, uint64_t token, void *userdata)
{
    (void) userdata;
    kept.n++;
    kept.result = result;
    kept.token = token;
}

static void rule_history(const char *id, const char *other)
{
    const struct policy general = {0};
    const struct policy_rule rules[] = {
        {id, {.given = POLICY_HISTORY, .policy = {.history = true}}},
        {other, {.given = POLICY_HISTORY, .policy = {.history = true}}},
    };

    policies_configure(&crig.core->policies, &general, rules, other ? 2 : 1);
}

/* The level keeps its values, and the name when a test wants a second one. */
static void begin(void)
{
    event_begin();
    pace_init(&crig.core->pace, 1000);
    rule_history("level", "name");
    memset(&kept, 0, sizeof(kept));
}

static void begin_up(void)
{
    begin();
    rig_connect(rig, true);
    rig_advance(rig, S);
}

static struct prop_update level(int64_t value)
{
    return (struct prop_update){P_LEVEL, {.kind = VALUE_INT, .i = value}};
}

static int submit(const struct prop_update *u, size_t n, uint64_t timestamp_s, uint64_t *ret_token)
{
    return reports_submit(&crig.core->reports, LAMP, u, n, timestamp_s, on_kept, NULL, ret_token);
}

/* Reports and waits for the disk. */
static uint64_t sample_at(int64_t value, uint64_t timestamp_s)
{
    struct prop_update u = level(value);
    unsigned n = kept.n;
    uint64_t token = 7;

    CHECK_INT(submit(&u, 1, timestamp_s, &token), REPORTS_KEEPING);
    CHECK_INT(token, 7);
    CHECK_INT(kept.n, n); /* never inside */
    (void) persist_now(&crig.core->persist, true);
    CHECK(kept.n == n + 1 && kept.result == 0);
    return kept.token;
}

static uint64_t sample(int64_t value)
{
    return sample_at(value, 0);
}

/* The next report on the wire; params is "" when there is none. */
static struct {
    unsigned id; /* 0: QoS 0 */
    bool dup;
    int64_t timestamp;
    char token[64], params[4096];
} seen;

static const char *next(void)
{
    struct wire_packet p;
    json_t *json;
    char *text;

    memset(&seen, 0, sizeof(seen));
    if (!rig_next_publish(rig, &p, false))
        return "";
    CHECK_STR(p.topic, rig_up_topic("property"));
    json = json_loads(p.payload, JSON_REJECT_DUPLICATES, NULL);
    CHECK(json);
    CHECK_STR(rig_text(json, "method"), "report");
    text = json_dumps(json_object_get(json, "params"), JSON_COMPACT);
    (void) snprintf(seen.params, sizeof(seen.params), "%s", text ? text : "?");
    (void) snprintf(seen.token, sizeof(seen.token), "%s", rig_text(json, "clientToken"));
    seen.timestamp = json_integer_value(json_object_get(json, "timestamp"));
    seen.id = p.id;
    seen.dup = p.flags & 8;
    free(text);
    json_decref(json);
    return seen.params;
}

static void reply(const char *token, int code)
{
    rig_push_reply(rig, "property", "report_reply", token, code, code ? "no" : "");
    rig_advance(rig, 0);
}

static void settle(void)
{
    event_ack(seen.id);
    reply(seen.token, 0);
    rig_advance(rig, 10000); /* the rate */
}

/* --- */

static void test_one(void)
{
    struct prop_update u = level(5);
    uint64_t token;

    begin_up();
    CHECK_INT(submit(&u, 1, 0, &token), REPORTS_KEEPING);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 5); /* at once */
    CHECK_INT(kept.n, 0);
    rig_advance(rig, 0);
    CHECK(kept.n == 1 && kept.result == 0);
    CHECK_STR(next(), "{\"level\":5}");
    CHECK(seen.id > 0 && seen.timestamp == NOW_S + 1);
    event_ack(seen.id);
    CHECK_INT(event_code_of(kept.token), -1);
    reply(seen.token, 0);
    CHECK_INT(event_code_of(kept.token), 0);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    rig_advance(rig, 1000 * S);
    CHECK_STR(next(), ""); /* nor is the newest value sent on its own */
    crig_end();
}

/* Each of them, in order, with the time at which it was. */
static void test_each(void)
{
    uint64_t tokens[20];
    char want[32];

    begin();
    for (int i = 0; i < 20; i++) {
        tokens[i] = sample(i % 3);
        rig_advance(rig, 10 * S);
    }
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 19 % 3);
    CHECK_INT(crig.core->events.n_all, 20);
    rig_connect(rig, true);
    for (int i = 0; i < 20; i++) {
        (void) snprintf(want, sizeof(want), "{\"level\":%d}", i % 3);
        CHECK_STR(next(), want);
        CHECK_INT(seen.timestamp, NOW_S + 10 * i);
        settle();
        CHECK_INT(event_code_of(tokens[i]), 0);
    }
    CHECK_STR(next(), "");
    crig_end();
}

/* What is reported at one moment leaves in one message; what has no history goes its own way. */
static void test_together(void)
{
    const struct prop_update u[] = {
        {P_NAME, {.kind = VALUE_STRING, .s = (char *) (uintptr_t) "a \"b\""}},
        {P_POWER, {.kind = VALUE_BOOL, .b = true}},
        level(7),
    };
    uint64_t token = 0;

    begin_up();
    CHECK_INT(submit(u, 3, 0, &token), REPORTS_KEEPING);
    rig_advance(rig, 0);
    CHECK_INT(kept.n, 1);
    CHECK_STR(next(), "{\"power\":1}");
    CHECK(seen.id == 0 && seen.timestamp == 0);
    reply(seen.token, 0);
    CHECK_INT(crig.n_told, 0); /* the samples are the end of it */
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"name\":\"a \\\"b\\\"\",\"level\":7}");
    CHECK(seen.id > 0);
    settle();
    CHECK_INT(event_code_of(kept.token), 0);
    CHECK_INT(crig.n_told, 1);

    /* With a stamp of the program both are of that time. */
    CHECK_INT(submit(u, 3, 1600000000, &token), REPORTS_KEEPING);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"power\":1}");
    CHECK_INT(seen.timestamp, 1600000000);
    reply(seen.token, 0);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"name\":\"a \\\"b\\\"\",\"level\":7}");
    CHECK_INT(seen.timestamp, 1600000000);
    settle();
    CHECK_INT(crig.n_told, 2);
    CHECK_INT(crig.core->reports.n_waiters, 0);

    CHECK_INT(submit(&u[1], 1, 0, &token), 0); /* none at all: answered as ever */
    CHECK(token > 7);
    crig_end();
}

/* An older sample is kept like any other, and does not become the newest value. */
static void test_older(void)
{
    begin_up();
    (void) sample(5);
    (void) sample_at(4, NOW_S - 100);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 5);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":5}");
    settle();
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":4}");
    CHECK_INT(seen.timestamp, NOW_S - 100);
    crig_end();
}

static void test_full(void)
{
    static char text[2049];
    struct prop_update u[2] = {level(9), {P_NAME, {.kind = VALUE_STRING, .s = text}}};
    uint64_t token = 7, version;

    begin();
    crig.core->events.config.max_events = 2;
    (void) sample(1);
    (void) event_post(E_STATUS, 1); /* one queue for both */
    version = crig.core->props.all[P_LEVEL].version;
    CHECK_INT(submit(u, 1, 0, &token), -ENOBUFS);
    CHECK(token == 7 && crig.core->events.n_all == 2);
    CHECK_INT(crig.core->props.all[P_LEVEL].version, version); /* nothing was taken */
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 1);
    CHECK_INT(event_try_post(E_LOW, "{}", 0, &token), -ENOBUFS);

    crig.core->events.config.max_events = 10;
    memset(text, '\x01', 2048); /* six bytes each in JSON */
    CHECK_INT(submit(u, 2, 0, &token), REPORTS_KEEPING);
    crig.core->events.config.max_bytes = crig.core->events.n_bytes + 100;
    CHECK_INT(submit(u, 1, 0, &token), -ENOBUFS);
    (void) persist_now(&crig.core->persist, true);
    CHECK_INT(kept.n, 2);
    rig_connect(rig, true);
    CHECK(event_next());
    event_ack(event_seen.id);
    event_reply(event_seen.token, 0);
    CHECK_STR(next(), "{\"level\":1}");
    settle();
    CHECK_INT(crig.core->events.n_all, 1);
    crig_end();
}

/* A row with the next token is there already: the transaction fails as on a bad disk. */
static void block_disk(bool block)
{
    static int64_t token;
    const struct outbox_entry e = {
        .token = (int64_t) crig.core->completion.last_token + 1,
        .class = 9,
        .client_token = "",
        .event_id = "",
        .params = "",
        .peer = "",
        .scope = "",
    };

    CHECK_INT(db_begin(crig.db, true), 0);
    if (block)
        CHECK_INT(outbox_add(crig.db, &e), 0);
    else
        CHECK_INT(outbox_remove(crig.db, token), 0);
    CHECK_INT(db_commit(crig.db), 0);
    token = e.token;
}

/* What cannot be kept is said; the newest value reaches the cloud all the same. */
static void test_disk(void)
{
    struct prop_update u = level(3);
    uint64_t token;

    begin();
    block_disk(true);
    CHECK_INT(submit(&u, 1, 0, &token), REPORTS_KEEPING);
    (void) persist_now(&crig.core->persist, true);
    CHECK(kept.n == 1 && kept.result == -EIO);
    CHECK(crig.core->events.n_all == 0 && crig.core->events.n_bytes == 0);
    CHECK(!crig.core->props.all[P_LEVEL].confirmed);
    block_disk(false);
    rig_connect(rig, true);
    CHECK_STR(next(), "{\"level\":3}");
    CHECK_INT(seen.id, 0);
    reply(seen.token, 0);
    CHECK(crig.core->props.all[P_LEVEL].confirmed);
    (void) sample(4); /* works again */
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":4}");
    CHECK(seen.id > 0);
    crig_end();
}

/* Resent until there is a reply; a final error ends it, and its program hears. */
static void test_losses(void)
{
    char first[64];
    uint64_t a, b;

    begin_up();
    a = sample(1);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":1}");
    strcpy(first, seen.token);
    rig_drop(rig); /* before PUBACK: the session repeats */
    rig_connect(rig, true);
    CHECK_STR(next(), "{\"level\":1}");
    CHECK(seen.dup);
    CHECK_STR(seen.token, first);
    event_ack(seen.id);
    rig_drop(rig); /* before the reply: sent again */
    rig_connect(rig, true);
    CHECK_STR(next(), "{\"level\":1}");
    CHECK(!seen.dup && seen.timestamp == NOW_S + 1);
    CHECK_STR(seen.token, first);
    event_ack(seen.id);
    rig_advance(rig, 5 * S); /* no reply in time */
    CHECK_STR(next(), "{\"level\":1}");
    CHECK_STR(seen.token, first);
    settle();
    CHECK_INT(event_code_of(a), 0);

    b = sample(2);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":2}");
    event_ack(seen.id);
    reply(seen.token, 405);
    CHECK_INT(event_code_of(b), 405);
    CHECK_INT(crig.core->events.n_all, 0);
    rig_advance(rig, 100 * S);
    CHECK_STR(next(), "");
    crig_end();
}

static void restart(void)
{
    const struct core_config config = {
        .report_rate = 1000,
        .events = {.max_events = 10000, .max_bytes = 16777216},
    };

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
}

/* The next run sends the rest, with the same clientTokens, and no value on top of it. */
static void test_restart(void)
{
    char token[64];

    begin_up();
    (void) sample(1);
    (void) sample(2);
    (void) sample(3);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":1}");
    settle();
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":2}");
    strcpy(token, seen.token);
    restart();
    CHECK_INT(crig.core->events.n_all, 2);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 3);
    rig_advance(rig, 100 * S);
    rig_connect(rig, true);
    CHECK_STR(next(), "{\"level\":2}");
    CHECK_STR(seen.token, token);
    CHECK_INT(seen.timestamp, NOW_S + 1);
    settle();
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":3}");
    settle();
    rig_advance(rig, 100 * S);
    CHECK_STR(next(), "");
    crig_end();
}

/* Alerts first; infos and samples by turns. */
static void test_order(void)
{
    static const char want[] = "LLSsSsSssss"; /* alert, info, sample */
    char got[32] = "";

    begin();
    crig.core->pace.rate.interval_us = 0; /* no limit */
    for (unsigned i = 0; i < 6; i++)
        (void) sample(i);
    for (unsigned i = 0; i < 3; i++)
        (void) event_post(E_STATUS, i);
    (void) event_post(E_LOW, 1);
    (void) event_post(E_LOW, 2);
    rig_connect(rig, true);
    for (size_t i = 0; i < strlen(want); i++) {
        struct wire_packet p;

        if (!rig_next_publish(rig, &p, true))
            break;
        got[i] = strstr(p.payload, "low") ? 'L' : strstr(p.payload, "status") ? 'S' : 's';
        rig_advance(rig, 10000);
    }
    CHECK_STR(got, want);
    crig_end();
}

/* One rate for values and samples; neither waits for the end of the other. */
static void test_rate(void)
{
    unsigned n_state = 0, n_samples = 0;

    begin_up();
    pace_init(&crig.core->pace, 10);
    for (int i = 0; i < 300; i++)
        (void) sample(i % 100);
    for (int ms = 0; ms < 10000; ms += 10) {
        struct prop_update u = {P_TEMP, {.kind = VALUE_FLOAT, .d = ms % 80}};
        uint64_t token;

        CHECK_INT(submit(&u, 1, 0, &token), 0);
        rig_advance(rig, 10000);
        while (*next()) {
            n_state += seen.id == 0;
            n_samples += seen.id != 0;
            if (seen.id)
                event_ack(seen.id);
            reply(seen.token, 0);
        }
    }
    CHECK(n_state >= 48 && n_state <= 52);
    CHECK(n_samples >= 48 && n_samples <= 52);
    n_samples = 0; /* and the whole of it when only one has something */
    for (int ms = 0; ms < 5000; ms += 10) {
        rig_advance(rig, 10000);
        while (*next()) {
            n_samples += seen.id != 0;
            if (seen.id)
                event_ack(seen.id);
            reply(seen.token, 0);
        }
    }
    CHECK(n_samples >= 48 && n_samples <= 52);
    crig_end();
}

/* What a control set is a sample too: behind those that were before it. */
static void test_control(void)
{
    json_t *params = json_pack("{s:i,s:i}", "level", 8, "power", 1);

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    (void) sample(1);
    calls_on_control(&crig.core->calls, "t", 0, params);
    json_decref(params);
    crig_answer(0, 0, "", NULL);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 8);
    rig_advance(rig, 0);
    CHECK_INT(crig.core->events.n_all, 2);
    rig_connect(rig, true);
    rig_advance(rig, 10000);
    for (unsigned i = 0; i < 4; i++) { /* with the answer to the control */
        struct wire_packet p;

        if (!rig_next_publish(rig, &p, true) || strstr(p.payload, "control_reply"))
            continue;
        CHECK(strstr(p.payload, "\"power\":1") || strstr(p.payload, i < 2 ? ":1}" : ":8}"));
        rig_advance(rig, 10000);
    }
    CHECK_INT(crig.n_told, 0);
    crig_end();
}

/* Freed with samples in every state; the sanitizer looks for what is left. */
static void test_free(void)
{
    struct prop_update u = level(9);
    uint64_t token;

    begin_up();
    (void) sample(1);
    (void) sample(2);
    rig_advance(rig, 10000);
    CHECK_STR(next(), "{\"level\":1}");
    event_ack(seen.id);
    CHECK_INT(submit(&u, 1, 0, &token), REPORTS_KEEPING);
    crig_end();
}

/* --- policy --- */

static bool has_history(size_t index)
{
    return policies_get(&crig.core->policies, index).history;
}

static void ask(struct client *c, size_t index, bool history)
{
    const struct policy_wish wish = {.given = POLICY_HISTORY, .policy = {.history = history}};

    policies_ask(&crig.core->policies, c, index, &wish);
}

/* The file about one, the program, the file about all. */
static void test_policy(void)
{
    const struct policy_wish no_wish = {0};
    const struct policy all = {.history = true};
    const struct policy_rule no[] = {
        {"level", {.given = POLICY_HISTORY}},
        {"no_such_id", {.given = POLICY_HISTORY}},
    };

    event_begin();
    CHECK(!has_history(P_LEVEL) && !has_history(P_POWER));
    ask(crig.lamp, P_LEVEL, true);
    CHECK(!has_history(P_LEVEL)); /* it does not serve it */
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    CHECK(has_history(P_LEVEL));
    policies_configure(&crig.core->policies, &all, no, 2);
    CHECK(!has_history(P_LEVEL) && has_history(P_POWER));
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    ask(crig.lamp, P_POWER, false);
    CHECK(!has_history(P_POWER));
    policies_ask(&crig.core->policies, crig.lamp, P_POWER, &no_wish);
    CHECK(has_history(P_POWER));
    policies_configure(&crig.core->policies, &(struct policy){0}, NULL, 0);
    CHECK(has_history(P_LEVEL) && !has_history(P_POWER));
    crig_remove(&crig.lamp); /* and with it what it asked for */
    CHECK(!has_history(P_LEVEL));
    crig_serve(crig.door, FEATURE_PROPERTY, "level");
    CHECK(!has_history(P_LEVEL));
    crig_end();
}

const char *const suite_name = "history";
const struct suite_test suite_tests[] = {
    {"one", test_one},           {"each", test_each},
    {"together", test_together}, {"older", test_older},
    {"full", test_full},         {"disk", test_disk},
    {"losses", test_losses},     {"restart", test_restart},
    {"order", test_order},       {"rate", test_rate},
    {"control", test_control},   {"free", test_free},
    {"policy", test_policy},     {NULL, NULL},
};
