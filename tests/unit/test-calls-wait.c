/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands for programs that are started for them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define LAMP "com.example.Lamp"

static struct rig *const rig = &crig.rig;
static struct access_conf *conf;

static void control(const char *token, const char *params)
{
    json_t *json = json_loads(params, 0, NULL);

    calls_on_control(&crig.core->calls, token, 0, json);
    json_decref(json);
}

static void unlock(const char *token)
{
    json_t *json = json_loads("{\"open\":1,\"user\":\"me\"}", 0, NULL);

    calls_on_action(&crig.core->calls, token, 0, "unlock", json);
    json_decref(json);
}

/* "token code text" of each answer since the last look. */
static const char *answers(void)
{
    static char all[512];
    struct wire_packet p;
    size_t n = 0;

    all[0] = '\0';
    while (rig_next_publish(rig, &p, true)) {
        json_t *json = json_loads(p.payload, 0, NULL);

        if (strstr(rig_text(json, "method"), "_reply"))
            n += (size_t) snprintf(all + n, sizeof(all) - n, "%s%s %d %s", n ? "; " : "",
                                   rig_text(json, "clientToken"),
                                   (int) json_integer_value(json_object_get(json, "code")),
                                   rig_text(json, "status"));
        json_decref(json);
    }
    return all;
}

static void no_mistake(const char *file, unsigned line, const char *key, const char *what,
                       void *userdata)
{
    (void) userdata;
    suite_fail(__FILE__, __LINE__, "%s:%u: %s: %s", file, line, key, what);
}

static void begin(const char *rules)
{
    static const struct access_names none;

    crig_begin();
    rig_connect(rig, true);
    (void) answers();
    CHECK_INT(access_conf_new(&conf), 0);
    CHECK_INT(access_conf_add(conf, "f", rules, strlen(rules), &none, no_mistake, NULL), 0);
    crig.core->access.conf = conf;
}

static void end(void)
{
    CHECK_INT(crig.core->calls.n_pending, 0);
    rig_advance(rig, 60 * S);
    CHECK_STR(answers(), "");
    crig_end();
    conf = access_conf_free(conf);
}

#define SERVE_LAMP "[serve level color unlock]\nbus_name = " LAMP "\n"

static void test_control(void)
{
    begin(SERVE_LAMP);
    control("t1", "{\"level\":42,\"color\":1}");
    CHECK_STR(crig.started, LAMP);
    CHECK_INT(crig.n_started, 1);
    CHECK_STR(answers(), "");
    calls_registered(&crig.core->calls); /* another program */
    CHECK_INT(crig.n_delivered, 0);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "color");
    calls_registered(&crig.core->calls);
    CHECK_INT(crig.n_delivered, 1);
    CHECK_STR(crig.delivered, "level=42 color=1");
    calls_registered(&crig.core->calls); /* once */
    CHECK_INT(crig.n_delivered, 1);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    CHECK_INT(crig.core->props.all[P_LEVEL].value.i, 42);
    /* From now on it is there. */
    control("t2", "{\"level\":43}");
    CHECK_STR(crig.delivered, "level=43");
    CHECK_INT(crig.n_started, 1);
    crig_answer(0, 429, "busy", NULL);
    CHECK_STR(answers(), "t2 429 busy");
    end();
}

static void test_action(void)
{
    begin(SERVE_LAMP);
    unlock("a1");
    CHECK_STR(crig.started, LAMP);
    CHECK_STR(answers(), "");
    crig_serve(crig.door, FEATURE_ACTION, "unlock");
    calls_registered(&crig.core->calls);
    CHECK_STR(crig.delivered, "unlock open=1 user=\"me\"");
    crig_answer(0, 0, "opened", NULL);
    CHECK_STR(answers(), "a1 0 opened");
    unlock("a2");
    crig_remove(&crig.door); /* who serves it may end as any other */
    CHECK_STR(answers(), "a2 405 the program that served it has ended");
    end();
}

/* Some are served, some nobody serves, some wait for two programs. */
static void test_mixed(void)
{
    begin("[serve level]\nbus_name = " LAMP "\n[serve color]\nbus_name = com.example.Color\n");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "power");
    control("t1", "{\"power\":1,\"level\":2,\"color\":0,\"name\":\"x\"}");
    CHECK_INT(crig.n_started, 2);
    CHECK_STR(crig.controlled, "name=\"x\"");
    CHECK_INT(crig.n_parts, 1);
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "");
    crig_serve(crig.door, FEATURE_PROPERTY, "level");
    calls_registered(&crig.core->calls);
    CHECK_STR(crig.delivered, "level=2");
    CHECK_INT(crig.n_parts, 1);
    crig_serve(crig.lamp, FEATURE_PROPERTY, "color");
    calls_registered(&crig.core->calls);
    CHECK_STR(crig.delivered, "color=0");
    CHECK_INT(crig.n_parts, 2);
    crig_answer(1, 0, "", NULL);
    CHECK_STR(answers(), "");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "t1 0 success");
    end();
}

/* It serves one of two ids and not the other: what it serves it gets. */
static void test_half(void)
{
    begin(SERVE_LAMP);
    control("t1", "{\"level\":42,\"color\":1}");
    crig_serve(crig.lamp, FEATURE_PROPERTY, "color");
    calls_registered(&crig.core->calls);
    CHECK_STR(crig.delivered, "color=1");
    crig_answer(0, 0, "", NULL);
    CHECK_STR(answers(), "");
    rig_advance(rig, 10 * S);
    CHECK_STR(answers(), "t1 408 " LAMP " did not come in time");
    CHECK_INT(crig.core->props.all[P_COLOR].value.i, 1);
    CHECK_INT(crig.core->props.all[P_LEVEL].value.kind, VALUE_NONE);
    end();
}

static void test_deadline(void)
{
    begin(SERVE_LAMP);
    control("t1", "{\"level\":42}");
    unlock("a1");
    rig_advance(rig, 10 * S - 1);
    CHECK_STR(answers(), "");
    rig_advance(rig, 1);
    CHECK_STR(answers(), "t1 408 " LAMP " did not come in time; "
                         "a1 408 " LAMP " did not come in time");
    /* Too late is too late: nothing is left for it. */
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    calls_registered(&crig.core->calls);
    CHECK_INT(crig.n_delivered, 0);
    /* The time of the program is what is left. */
    unlock("a2");
    rig_advance(rig, 9 * S);
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
    calls_registered(&crig.core->calls);
    CHECK_INT(crig.n_delivered, 1);
    rig_advance(rig, 1 * S);
    CHECK_INT(crig.n_cancelled, 1);
    CHECK_STR(answers(), "a2 408 :1.1 did not answer in time");
    end();
}

static void test_not_started(void)
{
    begin(SERVE_LAMP "[serve power]\nbus_name = com.example.Power\n");
    control("t1", "{\"level\":42,\"power\":1}");
    control("t2", "{\"power\":1}");
    unlock("a1");
    calls_not_started(&crig.core->calls, LAMP, "no such file");
    CHECK_STR(answers(), "a1 405 " LAMP " cannot be started");
    calls_not_started(&crig.core->calls, "com.example.Power", "no such file");
    CHECK_STR(answers(), "t1 405 " LAMP " cannot be started; "
                         "t2 405 com.example.Power cannot be started");
    calls_not_started(&crig.core->calls, LAMP, "no such file");
    /* At once. */
    crig.start_result = -ENOTCONN;
    control("t3", "{\"level\":42}");
    unlock("a3");
    CHECK_STR(answers(), "t3 405 " LAMP " cannot be started; "
                         "a3 405 " LAMP " cannot be started");
    end();
}

/* The rules may change, and the program that comes may not be reached. */
static void test_changes(void)
{
    begin(SERVE_LAMP);
    control("t1", "{\"level\":42}");
    unlock("a1");
    crig.core->access.conf = NULL;
    conf = access_conf_free(conf);
    crig.deliver_result = -ENOTCONN;
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
    calls_registered(&crig.core->calls);
    CHECK_STR(answers(), "t1 405 the program cannot be reached; "
                         "a1 405 the program cannot be reached");
    end();
}

/* A program that answers nothing does not take the place of others. */
static void test_quota(void)
{
    begin(SERVE_LAMP);
    crig.core->calls.max_per_client = 2;
    crig_serve(crig.lamp, FEATURE_PROPERTY, "level");
    crig_serve(crig.lamp, FEATURE_ACTION, "unlock");
    crig_serve(crig.door, FEATURE_PROPERTY, "color");
    control("t1", "{\"level\":1}");
    unlock("a1");
    control("t2", "{\"level\":2,\"color\":1}");
    unlock("a2");
    CHECK_STR(answers(), "t2 429 :1.1 has too many calls in flight; "
                         "a2 429 :1.1 has too many calls in flight");
    control("t3", "{\"color\":1}");
    CHECK_INT(crig.n_parts, 3);
    crig_answer(2, 0, "", NULL);
    crig_answer(0, 0, "", NULL);
    control("t4", "{\"level\":4}");
    CHECK_STR(crig.delivered, "level=4");
    crig_answer(1, 0, "", NULL);
    crig_answer(0, 0, "done", NULL);
    CHECK_STR(answers(), "t3 0 success; t1 0 success; t4 0 success; a1 0 done");
    end();
}

/* What waits when the daemon ends is answered by the next run; here it only has to be freed. */
static void test_end(void)
{
    begin(SERVE_LAMP);
    control("t1", "{\"level\":42}");
    unlock("a1");
    crig_end();
    conf = access_conf_free(conf);
}

const char *const suite_name = "calls-wait";
const struct suite_test suite_tests[] = {
    {"control", test_control},   {"action", test_action},
    {"mixed", test_mixed},       {"half", test_half},
    {"deadline", test_deadline}, {"not_started", test_not_started},
    {"changes", test_changes},   {"quota", test_quota},
    {"end", test_end},           {NULL, NULL},
};
