/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Basic information: what is taken, kept and told. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/facts.h"
#include "libiotclient/base/limits.h"
#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static struct rig *const rig = &crig.rig;
static char detail[INFO_PROBLEM_MAX];

static int update(const char *text)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    int r;

    CHECK(json);
    detail[0] = '\0';
    r = info_update(&crig.core->info, json, detail);
    json_decref(json);
    return r;
}

/* All of it, as text; until the next call. */
static const char *info_now(void)
{
    static char text[INFO_MAX + 1];
    char *all = NULL;

    CHECK_INT(info_text(&crig.core->info, &all), 0);
    (void) snprintf(text, sizeof(text), "%s", all ? all : "");
    free(all);
    return text;
}

/* The next message is report_info; its params as text, "" when it is not. token may be NULL. */
static const char *next_info(char token[REQUEST_TOKEN])
{
    static char text[LIMIT_MQTT_PAYLOAD];
    json_t *json = rig_next_json(rig, rig_up_topic("property"));
    char *params = json ? json_dumps(json_object_get(json, "params"), JSON_COMPACT) : NULL;

    (void) snprintf(text, sizeof(text), "%s",
                    params && strcmp(rig_text(json, "method"), "report_info") == 0 ? params : "");
    if (token)
        (void) snprintf(token, REQUEST_TOKEN, "%s", json ? rig_text(json, "clientToken") : "");
    free(params);
    json_decref(json);
    return text;
}

static void test_merge(void)
{
    static const struct {
        const char *change, *want;
    } steps[] = {
        {"{}", "{}"},
        {"{\"name\":\"lamp\",\"imei\":\"1\"}", "{\"imei\":\"1\",\"name\":\"lamp\"}"},
        {"{\"imei\":\"\"}", "{\"name\":\"lamp\"}"},
        {"{\"imei\":null,\"mac\":\"\"}", "{\"name\":\"lamp\"}"},
        {"{\"lat\":\"22.5\",\"lon\":\"-114\"}",
         "{\"lat\":\"22.5\",\"lon\":\"-114\",\"name\":\"lamp\"}"},
        {"{\"lat\":\"\",\"lon\":null,\"device_label\":{\"a\":\"x\",\"b\":\"1\",\"c\":\"2\"}}",
         "{\"device_label\":{\"a\":\"x\",\"b\":\"1\",\"c\":\"2\"},\"name\":\"lamp\"}"},
        {"{\"device_label\":{\"a\":\"\",\"b\":\"3\",\"d\":null}}",
         "{\"device_label\":{\"b\":\"3\",\"c\":\"2\"},\"name\":\"lamp\"}"},
        {"{\"device_label\":{\"b\":null,\"c\":\"\"}}", "{\"name\":\"lamp\"}"},
        {"{\"device_label\":{\"b\":\"4\"}}", "{\"device_label\":{\"b\":\"4\"},\"name\":\"lamp\"}"},
        {"{\"device_label\":null,\"module_hardinfo\":\"h\",\"module_softinfo\":\"s\","
         "\"fw_ver\":\"1\",\"mac\":\"m\"}",
         "{\"fw_ver\":\"1\",\"mac\":\"m\",\"module_hardinfo\":\"h\",\"module_softinfo\":\"s\","
         "\"name\":\"lamp\"}"},
    };

    crig_begin();
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        CHECK_INT(update(steps[i].change), 0);
        CHECK_STR(info_now(), steps[i].want);
    }
    crig_end();
}

static void test_refused(void)
{
    static const struct {
        const char *change;
        int error;
        const char *detail;
    } cases[] = {
        {"{\"colour\":\"red\"}", -EINVAL, "colour: is not a member"},
        {"{\"name\":5}", -EPROTOTYPE, "name: must be a text"},
        {"{\"name\":{}}", -EPROTOTYPE, "name: must be a text"},
        {"{\"lat\":true}", -EPROTOTYPE, "lat: must be a text"},
        {"{\"device_label\":[]}", -EPROTOTYPE, "device_label: must hold names and texts"},
        {"{\"device_label\":\"x\"}", -EPROTOTYPE, "device_label: must hold names and texts"},
        {"{\"device_label\":{\"a\":{}}}", -EPROTOTYPE, "a: must be a text"},
        {"{\"device_label\":{\"a\":[1]}}", -EPROTOTYPE, "a: must be a text"},
    };

    crig_begin();
    CHECK_INT(update("{\"name\":\"lamp\"}"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = update(cases[i].change);

        if (r != cases[i].error || !strstr(detail, cases[i].detail))
            suite_fail(__FILE__, __LINE__, "%s: %d, \"%s\"", cases[i].change, r, detail);
        CHECK_STR(info_now(), "{\"name\":\"lamp\"}");
    }
    CHECK_INT(update("{\"name\":\"other\",\"colour\":1}"), -EINVAL); /* all or nothing */
    CHECK_STR(info_now(), "{\"name\":\"lamp\"}");
    crig_end();
}

/* A text of len bytes between head and tail. */
static int update_long(const char *head, size_t len, const char *tail)
{
    char value[INFO_TEXT_MAX + 2], text[512];

    memset(value, 'x', len);
    value[len] = '\0';
    (void) snprintf(text, sizeof(text), "%s%s%s", head, value, tail);
    return update(text);
}

static void test_limits(void)
{
    unsigned n;

    crig_begin();
    CHECK_INT(update_long("{\"name\":\"", INFO_TEXT_MAX, "\"}"), 0);
    CHECK_INT(update_long("{\"name\":\"", INFO_TEXT_MAX + 1, "\"}"), -EMSGSIZE);
    CHECK_STR(detail, "name: is longer than 128 bytes");
    CHECK_INT(update_long("{\"device_label\":{\"", INFO_TEXT_MAX, "\":\"1\"}}"), 0);
    CHECK_INT(update_long("{\"device_label\":{\"", INFO_TEXT_MAX + 1, "\":\"1\"}}"), -EMSGSIZE);
    CHECK_INT(update("{\"device_label\":null}"), 0);
    for (n = 0; n < 100; n++) {
        char head[64];

        (void) snprintf(head, sizeof(head), "{\"device_label\":{\"k%u\":\"", n);
        if (update_long(head, INFO_TEXT_MAX, "\"}}") < 0)
            break;
    }
    CHECK(n > 10 && n < 20);
    CHECK_STR(detail, "all of it: is longer than 2048 bytes as JSON");
    CHECK(strlen(info_now()) <= INFO_MAX);
    crig_end();
}

/* Told once: at the connect, and at once when it changes while the link is up. */
static void test_told(void)
{
    char token[REQUEST_TOKEN];

    crig_begin();
    rig_connect(rig, true);
    CHECK_INT(rig_count_publishes(rig), 0); /* there is nothing to tell */
    rig_drop(rig);
    CHECK_INT(update("{\"mac\":\"1\"}"), 0);
    rig_connect(rig, true);
    CHECK_STR(next_info(token), "{\"mac\":\"1\"}");
    CHECK(!crig.core->info.confirmed);
    rig_push_reply(rig, "property", "report_info_reply", token, 0, "success");
    CHECK(crig.core->info.confirmed);
    CHECK_INT(update("{\"mac\":\"1\"}"), 0); /* no change */
    CHECK(crig.core->info.confirmed);
    rig_drop(rig);
    rig_connect(rig, true);
    CHECK_INT(rig_count_publishes(rig), 0);
    CHECK_INT(update("{\"mac\":\"\"}"), 0);
    rig_advance(rig, 0);
    CHECK_STR(next_info(token), "{}"); /* that it is gone is told, too */
    rig_push_reply(rig, "property", "report_info_reply", token, 0, "");
    CHECK(crig.core->info.confirmed);
    crig_end();
}

/* An answer to what is not so any more confirms nothing. */
static void test_changed_meanwhile(void)
{
    char token[REQUEST_TOKEN];

    crig_begin();
    rig_connect(rig, true);
    rig_advance(rig, 5 * S);
    CHECK_INT(update("{\"mac\":\"1\"}"), 0);
    rig_advance(rig, 0);
    CHECK_STR(next_info(token), "{\"mac\":\"1\"}");
    CHECK_INT(update("{\"mac\":\"2\"}"), 0);
    CHECK_INT(update("{\"mac\":\"3\"}"), 0);
    rig_advance(rig, 0);
    CHECK_INT(rig_count_publishes(rig), 0); /* those of one second go together */
    rig_push_reply(rig, "property", "report_info_reply", token, 0, "");
    CHECK(!crig.core->info.confirmed);
    rig_advance(rig, 1 * S);
    CHECK_STR(next_info(token), "{\"mac\":\"3\"}");
    rig_push_reply(rig, "property", "report_info_reply", token, 0, "");
    CHECK(crig.core->info.confirmed);
    rig_advance(rig, 100 * S);
    CHECK_INT(rig_count_publishes(rig), 0);

    /* The same when the older is refused: the newer may be taken. */
    CHECK_INT(update("{\"mac\":\"4\"}"), 0);
    rig_advance(rig, 0);
    CHECK_STR(next_info(token), "{\"mac\":\"4\"}");
    CHECK_INT(update("{\"mac\":\"5\"}"), 0);
    rig_push_reply(rig, "property", "report_info_reply", token, 406, "");
    rig_advance(rig, 1 * S);
    CHECK_STR(next_info(token), "{\"mac\":\"5\"}");
    crig_end();
}

static void test_not_taken(void)
{
    char token[REQUEST_TOKEN];

    crig_begin();
    rig_connect(rig, true);
    rig_advance(rig, 5 * S);
    CHECK_INT(update("{\"mac\":\"1\"}"), 0);
    rig_advance(rig, 0);
    CHECK_STR(next_info(NULL), "{\"mac\":\"1\"}");
    rig_advance(rig, 64 * S); /* 5 s without an answer, and a minute */
    CHECK_INT(rig_count_publishes(rig), 0);
    rig_advance(rig, 2 * S);
    CHECK_STR(next_info(token), "{\"mac\":\"1\"}");
    rig_push_reply(rig, "property", "report_info_reply", token, 503, "later");
    CHECK(!crig.core->info.confirmed);
    rig_advance(rig, 61 * S);
    CHECK_STR(next_info(token), "{\"mac\":\"1\"}");
    rig_push_reply(rig, "property", "report_info_reply", token, 406, "no");
    rig_advance(rig, 30 * S);
    rig_drop(rig);
    rig_connect(rig, true);
    rig_advance(rig, 200 * S);
    CHECK_INT(rig_count_publishes(rig), 0); /* refused: not before it changes */
    CHECK(!crig.core->info.confirmed);
    CHECK_INT(update("{\"mac\":\"2\"}"), 0);
    rig_advance(rig, 0);
    CHECK_STR(next_info(token), "{\"mac\":\"2\"}");
    crig_end();
}

/* What cannot be kept is not accepted, and nothing of it is told. */
static void test_disk(void)
{
    crig_begin();
    rig_connect(rig, true);
    rig_advance(rig, 5 * S);
    CHECK_INT(update("{\"mac\":\"1\"}"), 0);
    rig_advance(rig, 0);
    CHECK_INT(rig_count_publishes(rig), 1);
    CHECK_INT(db_begin(crig.db, false), 0); /* a transaction within one does not begin */
    CHECK_INT(update("{\"mac\":\"2\"}"), -EIO);
    CHECK_STR(info_now(), "{\"mac\":\"1\"}");
    db_rollback(crig.db);
    rig_advance(rig, 2 * S);
    CHECK_INT(rig_count_publishes(rig), 0);
    CHECK_INT(update("{\"mac\":\"2\"}"), 0);
    rig_advance(rig, 1 * S);
    CHECK_STR(next_info(NULL), "{\"mac\":\"2\"}");
    crig_end();
}

/* As after kill -9: nothing is saved at the end. */
static void restart(void)
{
    const struct core_config config = {
        .report_rate = 5,
        .events = {.max_events = 10000, .max_bytes = 16777216},
    };

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

static void test_restart(void)
{
    char token[REQUEST_TOKEN];

    crig_begin();
    CHECK_INT(update("{\"mac\":\"1\"}"), 0);
    restart();
    CHECK_STR(info_now(), "{\"mac\":\"1\"}");
    rig_connect(rig, true);
    CHECK_STR(next_info(token), "{\"mac\":\"1\"}");
    rig_push_reply(rig, "property", "report_info_reply", token, 0, "");
    rig_advance(rig, 1 * S);
    restart();
    CHECK_STR(info_now(), "{\"mac\":\"1\"}");
    CHECK(crig.core->info.confirmed);
    rig_connect(rig, true);
    CHECK_INT(rig_count_publishes(rig), 0);

    /* A file that somebody wrote into. */
    CHECK_INT(db_begin(crig.db, false), 0);
    CHECK_INT(facts_put(crig.db, "info", "{\"mac\":"), 0);
    CHECK_INT(db_commit(crig.db), 0);
    restart();
    CHECK_STR(info_now(), "{}");
    CHECK_INT(update("{\"mac\":\"2\"}"), 0);
    crig_end();
}

const char *const suite_name = "info";
const struct suite_test suite_tests[] = {
    {"merge", test_merge},
    {"refused", test_refused},
    {"limits", test_limits},
    {"told", test_told},
    {"changed_meanwhile", test_changed_meanwhile},
    {"not_taken", test_not_taken},
    {"disk", test_disk},
    {"restart", test_restart},
    {NULL, NULL},
};
