/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to WeChat: what is asked of the cloud, its answers, deadlines, what is not asked. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/core-rig.h"
#include "tests/lib/suite.h"

#define S USEC_PER_SEC
#define UP "$twecall/up/service/" RIG_PRODUCT "/" RIG_DEVICE
#define DOWN "$twecall/down/service/" RIG_PRODUCT "/" RIG_DEVICE

static struct rig *rig;
static struct twecall *tw;
static struct {
    unsigned n;
    int code;
    char text[80], ticket[80], sn[80];
    int64_t expires_s;
} end_of;
static char token[REQUEST_TOKEN];

static void begin(void)
{
    memset(&end_of, 0, sizeof(end_of));
    crig_begin();
    rig = &crig.rig;
    tw = &crig.core->twecall;
    rig_connect(rig, true);
    (void) rig_count_publishes(rig);
}

static void on_end(const struct twecall_outcome *o, void *userdata)
{
    (void) userdata;
    end_of.n++;
    end_of.code = o->code;
    end_of.expires_s = o->expires_s;
    (void) snprintf(end_of.text, sizeof(end_of.text), "%s", o->text);
    (void) snprintf(end_of.ticket, sizeof(end_of.ticket), "%s", o->ticket);
    (void) snprintf(end_of.sn, sizeof(end_of.sn), "%s", o->sn);
}

static int ask(enum twecall_kind kind)
{
    const struct twecall_question q = {
        .kind = kind, .model_id = "m\"1", .app_id = "wx1", .package = 4};

    return twecall_ask(tw, &q, on_end, NULL);
}

/* The next message has this method and these params; its token is kept. */
static void check_asked(const char *method, const char *params)
{
    json_t *json = rig_next_json(rig, UP);
    char *text = json_dumps(json_object_get(json, "params"), JSON_COMPACT);

    CHECK_STR(rig_text(json, "method"), method);
    CHECK_STR(text ? text : "", params);
    CHECK(json_integer_value(json_object_get(json, "timestamp")) >= LIMIT_CLOCK_MIN_S);
    (void) snprintf(token, sizeof(token), "%s", rig_text(json, "clientToken"));
    CHECK(*token);
    free(text);
    json_decref(json);
}

static void push(const char *method, const char *rest)
{
    char text[512];

    (void) snprintf(text, sizeof(text), "{\"method\":\"%s\",\"clientToken\":\"%s\"%s}", method,
                    token, rest);
    rig_push_topic(rig, DOWN, text);
}

static void test_ticket(void)
{
    begin();
    CHECK_INT(ask(TWECALL_TICKET), 0);
    check_asked("get_wechat_sn_ticket", "{\"ModelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    CHECK_INT(end_of.n, 0);
    push("get_wechat_sn_ticket_reply",
         ",\"code\":0,\"status\":\"\",\"params\":{\"snTicket\":\"abc\"}");
    CHECK(end_of.n == 1 && end_of.code == 0);
    CHECK_STR(end_of.ticket, "abc");

    CHECK_INT(ask(TWECALL_TICKET), 0);
    check_asked("get_wechat_sn_ticket", "{\"ModelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    push("get_wechat_sn_ticket_reply", ",\"code\":1,\"status\":\"no such model\"");
    CHECK(end_of.n == 2 && end_of.code == 1);
    CHECK_STR(end_of.text, "no such model");
    CHECK_STR(end_of.ticket, "");
    crig_end();
}

static void test_licence(void)
{
    begin();
    CHECK_INT(ask(TWECALL_ACTIVATION), 0);
    check_asked("active_device_voip_license",
                "{\"pkgType\":4,\"modelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    push("active_device_voip_license_reply", ",\"code\":0,\"status\":\"\",\"params\":{}");
    CHECK(end_of.n == 1 && end_of.code == 0);

    CHECK_INT(ask(TWECALL_STATE), 0);
    check_asked("get_voip_device_active_info",
                "{\"modelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    push("get_voip_device_active_info_reply",
         ",\"code\":\"0\",\"params\":{\"modelId\":\"m1\",\"sn\":\"P_D\",\"ExpireTime\":"
         "\"1730425600\"}");
    CHECK(end_of.n == 2 && end_of.code == 0 && end_of.expires_s == 1730425600);
    CHECK_STR(end_of.sn, "P_D");
    crig_end();
}

/* Two of a kind that wait: each gets its own, in any order. */
static void test_pairing(void)
{
    char first[REQUEST_TOKEN];

    begin();
    CHECK_INT(ask(TWECALL_ACTIVATION), 0);
    CHECK_INT(ask(TWECALL_TICKET), 0);
    check_asked("active_device_voip_license",
                "{\"pkgType\":4,\"modelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    (void) snprintf(first, sizeof(first), "%s", token);
    check_asked("get_wechat_sn_ticket", "{\"ModelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    CHECK(strcmp(first, token) != 0);
    /* A token with the method of another: of nobody. */
    push("active_device_voip_license_reply", ",\"code\":0");
    push("get_wechat_sn_ticket", ",\"code\":0,\"params\":{\"snTicket\":\"x\"}");
    CHECK_INT(end_of.n, 0);
    push("get_wechat_sn_ticket_reply", ",\"code\":0,\"params\":{\"snTicket\":\"x\"}");
    CHECK(end_of.n == 1 && strcmp(end_of.ticket, "x") == 0);
    push("get_wechat_sn_ticket_reply", ",\"code\":0,\"params\":{\"snTicket\":\"y\"}");
    CHECK_INT(end_of.n, 1);
    (void) snprintf(token, sizeof(token), "%s", first);
    push("active_device_voip_license_reply", ",\"code\":7,\"status\":\"none left\"");
    CHECK(end_of.n == 2 && end_of.code == 7);
    CHECK_STR(end_of.text, "none left");
    crig_end();
}

static void test_nonsense(void)
{
    static const struct {
        enum twecall_kind kind;
        const char *method, *rest;
    } cases[] = {
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ""},
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ",\"code\":-1"},
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ",\"code\":4294967296"},
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ",\"code\":0"},
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ",\"code\":0,\"params\":[]"},
        {TWECALL_TICKET, "get_wechat_sn_ticket_reply", ",\"code\":0,\"params\":{\"snTicket\":1}"},
        {TWECALL_STATE, "get_voip_device_active_info_reply",
         ",\"code\":0,\"params\":{\"sn\":\"s\",\"ExpireTime\":\"soon\"}"},
        {TWECALL_STATE, "get_voip_device_active_info_reply",
         ",\"code\":0,\"params\":{\"ExpireTime\":1}"},
    };

    begin();
    rig_push_topic(rig, DOWN, "no JSON");
    rig_push_topic(rig, DOWN, "{\"method\":7}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *json;

        CHECK_INT(ask(cases[i].kind), 0);
        json = rig_next_json(rig, UP);
        (void) snprintf(token, sizeof(token), "%s", rig_text(json, "clientToken"));
        json_decref(json);
        push(cases[i].method, cases[i].rest);
        CHECK_INT(end_of.n, i + 1);
        CHECK_INT(end_of.code, -EPROTO);
    }
    crig_end();
}

static void test_deadline(void)
{
    begin();
    CHECK_INT(ask(TWECALL_TICKET), 0);
    check_asked("get_wechat_sn_ticket", "{\"ModelId\":\"m\\\"1\",\"miniProgramAppId\":\"wx1\"}");
    rig_advance(rig, TWECALL_TIMEOUT_US - 1);
    CHECK_INT(end_of.n, 0);
    rig_advance(rig, 1);
    CHECK(end_of.n == 1 && end_of.code == -ETIMEDOUT);
    CHECK_INT(rig_count_publishes(rig), 0); /* not tried again */
    push("get_wechat_sn_ticket_reply", ",\"code\":0,\"params\":{\"snTicket\":\"x\"}");
    CHECK_INT(end_of.n, 1);
    crig_end();
}

static void test_refused(void)
{
    char name[TWECALL_NAME + 2];
    struct twecall_question q = {TWECALL_ACTIVATION, "m", "a", 5};

    begin();
    CHECK_INT(twecall_ask(tw, &q, on_end, NULL), -EINVAL);
    q.package = 0;
    q.app_id = "";
    CHECK_INT(twecall_ask(tw, &q, on_end, NULL), -EINVAL);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    q.app_id = "a";
    q.model_id = name;
    CHECK_INT(twecall_ask(tw, &q, on_end, NULL), -EINVAL);
    CHECK_INT(rig_count_publishes(rig), 0);
    name[TWECALL_NAME] = '\0';
    for (unsigned i = 0; i < TWECALL_REQUESTS; i++)
        CHECK_INT(twecall_ask(tw, &q, on_end, NULL), 0);
    CHECK_INT(twecall_ask(tw, &q, on_end, NULL), -ENOBUFS);
    rig_drop(rig);
    CHECK_INT(twecall_ask(tw, &q, on_end, NULL), -ENETDOWN);
    rig_advance(rig, 10 * S);
    CHECK(end_of.n == TWECALL_REQUESTS && end_of.code == -ETIMEDOUT);
    crig_end();
}

static void test_stop(void)
{
    begin();
    CHECK_INT(ask(TWECALL_TICKET), 0);
    CHECK_INT(ask(TWECALL_STATE), 0);
    crig_end();
    CHECK(end_of.n == 2 && end_of.code == -ECANCELED);
}

const char *const suite_name = "twecall";
const struct suite_test suite_tests[] = {
    {"ticket", test_ticket},     {"licence", test_licence},
    {"pairing", test_pairing},   {"nonsense", test_nonsense},
    {"deadline", test_deadline}, {"refused", test_refused},
    {"stop", test_stop},         {NULL, NULL},
};
