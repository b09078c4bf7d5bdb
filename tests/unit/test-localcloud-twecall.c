/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TWeCall at the stand-in: tickets, licences, what is refused, faults. */

#include <stdio.h>
#include <string.h>

#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define UP "$twecall/up/service/P1/d1"
#define DOWN "$twecall/down/service/P1/d1"
#define YEAR_S (365LL * 24 * 3600)

static struct fake_cloud cloud;
static struct fake_link a;

static void start(void)
{
    static const char *const filters[] = {DOWN, NULL};

    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    fake_link_subscribe(&a, 7, filters, 1);
    CHECK_INT(fake_link_next(&a)->type, 9);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

/* The reply, whose method and token are checked; NULL when there is none. */
static json_t *ask(const char *method, const char *params)
{
    char text[512], reply_method[64];
    json_t *reply;

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"%s\",\"clientToken\":\"t1\",\"timestamp\":1700000000,"
                    "\"params\":%s}",
                    method, params);
    fake_link_publish(&a, UP, text, 0, 0);
    reply = fake_link_next_json(&a, DOWN);
    (void) snprintf(reply_method, sizeof(reply_method), "%s_reply", method);
    CHECK_STR(fake_text(reply, "method"), reply_method);
    CHECK_STR(fake_text(reply, "clientToken"), "t1");
    return reply;
}

static void check_code(json_t *reply, int code, const char *status)
{
    CHECK_INT(fake_int(reply, "code"), code);
    CHECK_STR(fake_text(reply, "status"), status);
    CHECK(json_is_object(json_object_get(reply, "params")));
    json_decref(reply);
}

static void test_ticket(void)
{
    static const char params[] = "{\"ModelId\":\"m1\",\"miniProgramAppId\":\"wx1\"}";
    char first[64];
    json_t *reply;

    start();
    reply = ask("get_wechat_sn_ticket", params);
    (void) snprintf(first, sizeof(first), "%s",
                    fake_text(json_object_get(reply, "params"), "snTicket"));
    CHECK_INT(strlen(first), 32);
    check_code(reply, 0, "");
    reply = ask("get_wechat_sn_ticket", params);
    CHECK(strcmp(fake_text(json_object_get(reply, "params"), "snTicket"), first) != 0);
    check_code(reply, 0, "");
    end();
}

static void check_state(const char *model, json_int_t expires)
{
    char params[128];
    json_t *reply, *got;

    (void) snprintf(params, sizeof(params), "{\"modelId\":\"%s\",\"miniProgramAppId\":\"wx1\"}",
                    model);
    reply = ask("get_voip_device_active_info", params);
    got = json_object_get(reply, "params");
    if (expires) {
        CHECK_STR(fake_text(got, "modelId"), model);
        CHECK_STR(fake_text(got, "sn"), "P1_d1");
        CHECK_INT(fake_int(got, "ExpireTime"), expires);
    }
    check_code(reply, expires ? 0 : 1,
               expires ? "" : "the device has no licence of this model and mini program");
}

static void activate(const char *model, int package)
{
    char params[128];

    (void) snprintf(params, sizeof(params),
                    "{\"modelId\":\"%s\",\"miniProgramAppId\":\"wx1\",\"pkgType\":%d}", model,
                    package);
    check_code(ask("active_device_voip_license", params), 0, "");
}

static void test_licence(void)
{
    const json_int_t first = (json_int_t) FAKE_NOW_S + YEAR_S;
    json_t *state;

    start();
    CHECK(twecall_json(cloud.twecall, &cloud.config->devices[0]) == NULL);
    check_state("m1", 0);
    activate("m1", 1);
    check_state("m1", first);
    check_state("m2", 0);
    fake_cloud_pass_ms(&cloud, 10000);
    activate("m1", 1);
    check_state("m1", first); /* the same again */
    activate("m1", 4);
    check_state("m1", first + 10); /* another package */
    state = twecall_json(cloud.twecall, &cloud.config->devices[0]);
    CHECK_INT(fake_int(state, "package"), 4);
    CHECK_STR(fake_text(state, "app_id"), "wx1");
    CHECK_INT(fake_int(state, "expires"), first + 10);
    json_decref(state);
    CHECK(twecall_json(cloud.twecall, &cloud.config->devices[1]) == NULL);
    end();
}

static void test_refused(void)
{
    static const struct {
        const char *method, *params, *status;
    } cases[] = {
        {"get_wechat_sn_ticket", "{\"modelId\":\"m1\",\"miniProgramAppId\":\"wx1\"}",
         "ModelId must be 1 to 128 characters"},
        {"get_wechat_sn_ticket", "{\"ModelId\":\"m1\",\"miniProgramAppId\":\"\"}",
         "miniProgramAppId must be 1 to 128 characters"},
        {"get_wechat_sn_ticket", "[]", "ModelId must be 1 to 128 characters"},
        {"active_device_voip_license",
         "{\"ModelId\":\"m1\",\"miniProgramAppId\":\"wx1\",\"pkgType\":1}",
         "modelId must be 1 to 128 characters"},
        {"active_device_voip_license",
         "{\"modelId\":\"m1\",\"miniProgramAppId\":\"wx1\",\"pkgType\":5}",
         "pkgType must be 0 to 4"},
        {"active_device_voip_license",
         "{\"modelId\":\"m1\",\"miniProgramAppId\":\"wx1\",\"pkgType\":\"1\"}",
         "pkgType must be 0 to 4"},
        {"active_device_voip_license", "{\"modelId\":\"m1\",\"miniProgramAppId\":\"wx1\"}",
         "pkgType must be 0 to 4"},
    };

    start();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        check_code(ask(cases[i].method, cases[i].params), 1, cases[i].status);
    check_state("m1", 0);
    end();
}

static void check_silent(const char *payload)
{
    fake_link_publish(&a, UP, payload, 0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0);
    CHECK_STR(fake_cloud_event(&cloud, "bad_message"),
              "$twecall: not an object with a known method");
}

static void test_malformed(void)
{
    json_t *reply;

    start();
    check_silent("");
    check_silent("[1]");
    check_silent("{\"method\":\"get_wechat_sn_ticket_reply\"}");
    fake_link_publish(&a, UP, "{\"method\":\"get_wechat_sn_ticket\",\"timestamp\":1}", 0, 0);
    check_code(fake_link_next_json(&a, DOWN), 1, "clientToken is missing");
    fake_link_publish(&a, UP, "{\"method\":\"get_wechat_sn_ticket\",\"clientToken\":\"1\"}", 0, 0);
    reply = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(reply, "clientToken"), "1");
    check_code(reply, 1, "timestamp must be a time in seconds");
    end();
}

static void test_faults(void)
{
    static const char params[] = "{\"ModelId\":\"m1\",\"miniProgramAppId\":\"wx1\"}";

    start();
    fake_cloud_fault(&cloud, "{\"fault\":\"wrong_code\",\"method\":\"get_wechat_sn_ticket_reply\","
                             "\"code\":503,\"count\":1}");
    check_code(ask("get_wechat_sn_ticket", params), 503, "fault");
    check_code(ask("get_wechat_sn_ticket", params), 0, "");

    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":true}");
    fake_link_publish(&a, UP,
                      "{\"method\":\"get_wechat_sn_ticket\",\"clientToken\":\"2\",\"timestamp\":1,"
                      "\"params\":{\"ModelId\":\"m1\",\"miniProgramAppId\":\"wx1\"}}",
                      0, 0);
    CHECK_INT(fake_link_next(&a)->type, 0);
    fake_cloud_fault(&cloud, "{\"fault\":\"hold_replies\",\"on\":false}");
    check_code(fake_link_next_json(&a, DOWN), 0, "");
    end();
}

const char *const suite_name = "localcloud-twecall";
const struct suite_test suite_tests[] = {
    {"ticket", test_ticket},       {"licence", test_licence}, {"refused", test_refused},
    {"malformed", test_malformed}, {"faults", test_faults},   {NULL, NULL},
};
