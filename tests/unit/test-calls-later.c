/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands whose program comes later, commands over a restart, and what comes after an answer. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC

static struct rig *const rig = &crig.rig;

static void control(const char *token, const char *params)
{
    json_t *json = json_loads(params, 0, NULL);

    calls_on_control(&crig.core->calls, token, 0, json);
    json_decref(json);
}

static void desired(const char *params)
{
    json_t *json = json_loads(params, 0, NULL);

    calls_on_desired(&crig.core->calls, "status", json);
    json_decref(json);
}

/* "token code" of each answer since the last look. */
static const char *answers(void)
{
    static char all[512];
    struct wire_packet p;
    size_t n = 0;

    all[0] = '\0';
    while (rig_next_publish(rig, &p, true)) {
        json_t *json = json_loads(p.payload, 0, NULL);

        if (strstr(rig_text(json, "method"), "_reply"))
            n += (size_t) snprintf(all + n, sizeof(all) - n, "%s%s %d", n ? "; " : "",
                                   rig_text(json, "clientToken"),
                                   (int) json_integer_value(json_object_get(json, "code")));
        json_decref(json);
    }
    return all;
}

/* The same device in a new process, over the same database. */
static void restart(void)
{
    const struct core_config config = {
        .report_rate = 5,
        .accept_unowned = true,
        .control_timeout_us = 10 * S,
        .action_timeout_us = 10 * S,
        .events = {.max_events = 10, .max_bytes = 65536},
    };
    const struct calls_front *front = crig.core->calls.front;

    rig_advance(rig, 0);
    crig_remove(&crig.lamp);
    crig_remove(&crig.door);
    crig.core = core_free(crig.core);
    link_unwatch(&rig->watch);
    rig->link = link_free(rig->link);
    rig_remake_link(rig);
    CHECK_INT(
        core_new(&crig.core, &rig->fl.loop, rig->link, rig->ident, crig.model, &config, crig.db),
        0);
    crig.core->calls.front = front;
    CHECK_INT(clients_add(&crig.core->clients, ":1.3", 0, 0, &crig.lamp), 0);
    rig_connect(rig, true);
}

static void begin(void)
{
    crig_begin();
    rig_connect(rig, true);
    (void) answers();
}

static void end(void)
{
    CHECK_INT(crig.core->calls.n_pending, 0);
    rig_advance(rig, 60 * S);
    CHECK_STR(answers(), "");
    crig_end();
}

/* What the cloud wanted while nobody served it is offered to the program that comes. */
static void test_offer(void)
{
    begin();
    control("t1", "{\"level\":42,\"name\":\"x\"}");
    CHECK_STR(answers(), "t1 0");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    calls_offer_desired(&crig.core->calls, crig.lamp);
    CHECK_STR(crig.delivered, "level=42");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), ""); /* the cloud had its answer */
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 42);
    CHECK_INT(crig.core->props.all[P_LEVEL].desired.kind, VALUE_NONE);
    CHECK_STR(crig.core->props.all[P_NAME].desired.s, "x"); /* still nobody's */
    calls_offer_desired(&crig.core->calls, crig.lamp);
    CHECK_INT(crig.n_delivered, 1); /* once */
    end();
}

/* Refused, or never answered: it is not offered again and again. */
static void test_offer_refused(void)
{
    begin();
    control("t1", "{\"level\":42}");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    calls_offer_desired(&crig.core->calls, crig.lamp);
    crig_answer(0, 425, "not now", NULL);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    CHECK_INT(crig.core->props.all[P_LEVEL].desired.kind, VALUE_NONE);
    CHECK_STR(answers(), "t1 0");

    crig_serve(crig.door, FEATURE_PROPERTY, "power");
    control("t2", "{\"color\":1}");
    crig_serve(crig.door, FEATURE_PROPERTY, "color");
    calls_offer_desired(&crig.core->calls, crig.door);
    rig_advance(rig, 10 * S);
    CHECK_INT(crig.n_cancelled, 1);
    CHECK_INT(crig.core->props.all[P_COLOR].desired.kind, VALUE_NONE);
    CHECK_STR(answers(), "t2 0");
    end();
}

/* Values set while the device was away: a control of what differs, answered like one. */
static void test_status(void)
{
    struct prop_update u = {P_LEVEL, {.kind = VALUE_INT, .i = 5}};

    begin();
    CHECK_INT(props_write(&crig.core->props, &u, 1, 1), 0);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    desired("{\"level\":5}");
    CHECK_STR(answers(), "");
    desired("{}");
    CHECK_STR(answers(), "");
    desired("{\"level\":7}");
    CHECK_STR(crig.delivered, "level=7");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "status 0");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 7);
    desired("{\"level\":7,\"name\":\"x\"}");
    CHECK_STR(crig.controlled, "name=\"x\"");
    CHECK_STR(answers(), "status 0");
    end();
}

/* Answered before the restart: answered again from memory, not done again. */
static void test_redelivered_after_restart(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    control("t1", "{\"level\":42}");
    crig_answer(0, 429, "busy", NULL);
    CHECK_STR(answers(), "t1 429");
    restart();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    (void) answers();
    control("t1", "{\"level\":42}");
    CHECK_STR(answers(), "t1 429");
    CHECK_INT(crig.n_delivered, 1);
    control("t1", "{\"level\":43}");
    CHECK_INT(crig.n_delivered, 2);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0");
    end();
}

/* In work when the daemon was stopped: the next run says that nobody knows. */
static void test_interrupted(void)
{
    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "ping");
    control("t1", "{\"level\":42}");
    calls_on_action(&crig.core->calls, "a1", 0, "ping", NULL);
    CHECK_INT(crig.n_parts, 2);
    calls_done(&crig.core->calls); /* as the stop does it: without an answer */
    CHECK_STR(answers(), "");
    restart();
    CHECK_STR(answers(), "t1 503; a1 503");
    control("t1", "{\"level\":42}");
    CHECK_STR(answers(), "t1 503");
    CHECK_INT(crig.n_delivered, 2);
    end();
}

static uint64_t n_sent(void)
{
    struct link_info info;

    link_get_info(rig->link, &info);
    return info.sent;
}

static void on_news(const size_t *indices, size_t n, void *userdata)
{
    CHECK(n == 1 && indices[0] == P_LEVEL);
    *(uint64_t *) userdata = n_sent();
}

/* The cloud waits for the answer, and nobody for the news. */
static void test_answer_first(void)
{
    uint64_t sent_at_news = 0, before;

    begin();
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    props_listen(&crig.core->props, NULL, on_news, &sent_at_news);
    control("a", "{\"level\":5}");
    before = n_sent();
    crig_answer(0, 0, "", NULL);
    CHECK_INT(n_sent(), before + 1);
    CHECK_INT(sent_at_news, 0);
    rig_advance(rig, PROPS_NEWS_US);
    CHECK(sent_at_news > before);
    CHECK_STR(answers(), "a 0");
    props_listen(&crig.core->props, NULL, NULL, NULL);
    crig_end();
}

const char *const suite_name = "calls-later";
const struct suite_test suite_tests[] = {
    {"offer", test_offer},
    {"offer_refused", test_offer_refused},
    {"status", test_status},
    {"redelivered_after_restart", test_redelivered_after_restart},
    {"interrupted", test_interrupted},
    {"answer_first", test_answer_first},
    {NULL, NULL},
};
