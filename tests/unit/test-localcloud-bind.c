/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bindings at the stand-in: by signature, by token, their end from both sides; fence alarms. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/app_sign.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define UP "$thing/up/service/P1/d1"
#define DOWN "$thing/down/service/P1/d1"
#define PLACE "\"FamilyId\":\"f1\",\"ProductId\":\"P1\",\"DeviceName\":\"d1\""

static struct fake_cloud cloud;
static struct fake_link a;
static char access_token[64];

static json_t *app(enum appapi_endpoint endpoint, const char *body)
{
    struct appapi_request *pending = NULL;
    json_t *envelope, *response;
    char *answer = NULL;

    CHECK_INT(
        appapi_start(cloud.appapi, endpoint, body, strlen(body), NULL, NULL, &answer, &pending), 0);
    envelope = json_loads(answer ? answer : "", 0, NULL);
    response = json_incref(json_object_get(envelope, "Response"));
    json_decref(envelope);
    free(answer);
    return response;
}

static json_t *call(const char *action, const char *members)
{
    char body[1024];

    (void) snprintf(body, sizeof(body), "{\"Action\":\"%s\",\"AccessToken\":\"%s\"%s%s}", action,
                    access_token, *members ? "," : "", members);
    return app(APPAPI_ENDPOINT_TOKEN, body);
}

/* code "": no error. */
static void check_call(const char *action, const char *members, const char *code)
{
    json_t *response = call(action, members);

    CHECK_STR(fake_text(json_object_get(response, "Error"), "Code"), code);
    json_decref(response);
}

static void login(void)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:i}", "Action", "AppGetTokenByWeiXin",
                             "AppKey", "key", "WxOpenID", "me", "NickName", "me", "Avatar", "x",
                             "Timestamp", (json_int_t) FAKE_NOW_S, "Nonce", 2);
    CLEANUP(freep) char *signature = NULL, *text = NULL;
    json_t *response;

    CHECK_INT(app_sign(body, "secret", &signature), 0);
    json_object_set_new(body, "Signature", json_string(signature));
    text = json_dumps(body, 0);
    response = app(APPAPI_ENDPOINT_SIGNED, text);
    (void) snprintf(access_token, sizeof(access_token), "%s",
                    fake_text(json_object_get(response, "Data"), "Token"));
    json_decref(response);
    json_decref(body);
}

static void subscribe(void)
{
    static const char *const filters[] = {DOWN, NULL};

    fake_link_subscribe(&a, 7, filters, 1);
    CHECK_INT(fake_link_next(&a)->type, 9);
}

static void start(void)
{
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    subscribe();
    login();
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

static void check_notice(const char *method)
{
    json_t *message = fake_link_next_json(&a, DOWN);

    CHECK_STR(fake_text(message, "method"), method);
    CHECK_INT(fake_int(message, "timestamp"), (json_int_t) (cloud.real_ms / 1000));
    CHECK(*fake_text(message, "clientToken"));
    json_decref(message);
}

/* Computed with openssl dgst -mac HMAC over the texts of the vendor's document. */
static const struct {
    const char *members, *error;
} signatures[] = {
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\","
     "\"Signature\":\"476c59a689ac5c6478e5f64f564794f03a94431b\"",
     ""},
    {"\"DeviceTimestamp\":\"1700000000\",\"ConnId\":\"1938\",\"BindType\":\"wifi_sign\","
     "\"Signature\":\"476C59A689AC5C6478E5F64F564794F03A94431B\",\"SignMethod\":\"hmacsha1\"",
     ""},
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\",\"SignMethod\":\"hmacsha256\","
     "\"Signature\":\"06fc5cb60f56c0e0eb131d4664471d9433f2055e86ca9b7eb44776d5a69cf6bc\"",
     ""},
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\",\"BindType\":\"bluetooth_sign\","
     "\"Signature\":\"ce92b16a5629090ec2f3fb0e43b196574630865e\"",
     ""},
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\",\"BindType\":\"other_sign\","
     "\"SignMethod\":\"hmacsha256\","
     "\"Signature\":\"7640292ec0ff45cfeb746648c20a95642db81cb643e6daf31a015d8952749e5f\"",
     ""},
    {"\"DeviceTimestamp\":1700000000,"
     "\"Signature\":\"b2de7fc69425f000771701474e393182cca2da59\"",
     ""}, /* without a ConnId */
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1939\","
     "\"Signature\":\"476c59a689ac5c6478e5f64f564794f03a94431b\"",
     "InvalidParameterValue.BindDeviceSigMismatch"},
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\",\"BindType\":\"bluetooth_sign\","
     "\"Signature\":\"476c59a689ac5c6478e5f64f564794f03a94431b\"",
     "InvalidParameterValue.BindDeviceSigMismatch"},
    {"\"DeviceTimestamp\":1700000000,\"ConnId\":\"1938\",\"SignMethod\":\"hmacsha256\","
     "\"Signature\":\"476c59a689ac5c6478e5f64f564794f03a94431b\"",
     "InvalidParameterValue.BindDeviceSigMismatch"},
    {"\"DeviceTimestamp\":1699999399,\"ConnId\":\"1938\","
     "\"Signature\":\"861408b76ad7500e106b6ee69975a52d4b3c694f\"",
     "InvalidParameterValue.BindDeviceSigExpired"},
    {"\"DeviceTimestamp\":1700000000,\"Signature\":\"x\",\"BindType\":\"wifi\"",
     "InvalidParameterValue"},
    {"\"DeviceTimestamp\":1700000000,\"Signature\":\"x\",\"SignMethod\":\"md5\"",
     "InvalidParameterValue"},
    {"\"DeviceTimestamp\":1700000000", "ErrorRequiredParamNotFound"},
    {"\"Signature\":\"x\"", "ErrorRequiredParamNotFound"},
};

static void test_signatures(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
        bool good = !*signatures[i].error;
        char members[512];

        start();
        (void) snprintf(members, sizeof(members), PLACE ",%s", signatures[i].members);
        check_call("AppSigBindDeviceInFamily", members, signatures[i].error);
        if (good)
            check_notice("bind_device");
        CHECK_INT(binds_get(cloud.binds, &cloud.config->devices[0]) != NULL, good);
        CHECK(!fake_link_next_json(&a, DOWN));
        end();
    }
}

static void test_family(void)
{
    char members[512];
    json_t *response;
    const json_t *info, *list;

    start();
    (void) snprintf(members, sizeof(members), PLACE ",%s", signatures[0].members);
    response = call("AppSigBindDeviceInFamily", members);
    info = json_object_get(json_object_get(response, "Data"), "AppDeviceInfo");
    CHECK_STR(fake_text(info, "DeviceId"), "P1/d1");
    CHECK_STR(fake_text(info, "FamilyId"), "f1");
    CHECK_STR(fake_text(info, "RoomId"), "0");
    json_decref(response);
    check_notice("bind_device");
    check_call("AppSigBindDeviceInFamily", members, "UnsupportedOperation.CannotBindSameFamily");

    response = call("AppGetFamilyDeviceList", "\"FamilyId\":\"f1\",\"RoomId\":\"\"");
    list = json_object_get(response, "DeviceList");
    CHECK_INT(fake_int(response, "Total"), 1);
    CHECK_STR(fake_text(json_array_get(list, 0), "DeviceName"), "d1");
    json_decref(response);
    response = call("AppGetFamilyDeviceList", "\"FamilyId\":\"f1\",\"RoomId\":\"9\"");
    CHECK_INT(fake_int(response, "Total"), 0);
    json_decref(response);
    response = call("AppGetFamilyDeviceList", "\"FamilyId\":\"f1\",\"Offset\":1");
    CHECK_INT(fake_int(response, "Total"), 1);
    CHECK_INT(json_array_size(json_object_get(response, "DeviceList")), 0);
    json_decref(response);

    check_call("AppDeleteDeviceInFamily",
               "\"FamilyId\":\"f2\",\"ProductId\":\"P1\",\"DeviceName\":\"d1\"",
               "ResourceNotFound.DeviceNotExist");
    check_call("AppDeleteDeviceInFamily", PLACE, "");
    check_notice("unbind_device");
    check_call("AppDeleteDeviceInFamily", PLACE, "ResourceNotFound.DeviceNotExist");
    end();
}

static void check_state(const char *token, int state)
{
    char members[128];
    json_t *response;

    (void) snprintf(members, sizeof(members), "\"Token\":\"%s\"", token);
    response = call("AppGetDeviceBindTokenState", members);
    CHECK_INT(fake_int(json_object_get(response, "Data"), "State"), state);
    json_decref(response);
}

static int send_token(const char *token, const char *more)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"app_bind_token\",\"clientToken\":\"1\","
                    "\"params\":{\"token\":\"%s\"%s}}",
                    token, more);
    return fake_link_ask(&a, UP, text, "app_bind_token_reply");
}

static void test_token(void)
{
    char token[64], members[256];
    json_t *response;

    start();
    response = call("AppCreateDeviceBindToken", "");
    (void) snprintf(token, sizeof(token), "%s",
                    fake_text(json_object_get(response, "Data"), "Token"));
    json_decref(response);
    CHECK_INT(strlen(token), 32);
    check_state(token, 1);
    (void) snprintf(members, sizeof(members), PLACE ",\"RoomId\":\"2\",\"Token\":\"%s\"", token);
    check_call("AppTokenBindDeviceFamily", members, "InvalidParameterValue.TokenNotBind");
    CHECK_INT(send_token("nonsense", ""), 406);
    CHECK_INT(send_token("", ""), 406);
    CHECK_INT(send_token(token, ",\"pairTime\":1"), 406);
    check_state(token, 1);
    CHECK_INT(send_token(token, ",\"pairTime\":{\"start\":0}"), 0);
    check_state(token, 2);
    check_call("AppTokenBindDeviceFamily", members, "");
    check_notice("bind_device");
    check_call("AppTokenBindDeviceFamily", members, "InvalidParameterValue.TokenNotExist");
    CHECK_STR(binds_get(cloud.binds, &cloud.config->devices[0])->room, "2");

    response = call("AppCreateDeviceBindToken", "");
    (void) snprintf(members, sizeof(members), "\"Token\":\"%s\"",
                    fake_text(json_object_get(response, "Data"), "Token"));
    (void) snprintf(token, sizeof(token), "%s",
                    fake_text(json_object_get(response, "Data"), "Token"));
    json_decref(response);
    fake_cloud_pass_ms(&cloud, BINDS_TOKEN_LIFE_S * 1000);
    check_call("AppGetDeviceBindTokenState", members, "InvalidParameterValue.TokenIsExpire");
    CHECK_INT(send_token(token, ""), 406);
    end();
}

static void test_unbind_by_device(void)
{
    char members[512];

    start();
    (void) snprintf(members, sizeof(members), PLACE ",%s", signatures[0].members);
    check_call("AppSigBindDeviceInFamily", members, "");
    check_notice("bind_device");
    CHECK_INT(fake_link_ask(&a, UP,
                            "{\"method\":\"unbind_device_request\",\"clientToken\":\"2\","
                            "\"deviceName\":\"d2\",\"productId\":\"P1\"}",
                            "unbind_device_reply"),
              406);
    CHECK(binds_get(cloud.binds, &cloud.config->devices[0]));
    CHECK_INT(fake_link_ask(&a, UP,
                            "{\"method\":\"unbind_device_request\",\"clientToken\":\"2\","
                            "\"deviceName\":\"d1\",\"productId\":\"P1\"}",
                            "unbind_device_reply"),
              0);
    CHECK(!binds_get(cloud.binds, &cloud.config->devices[0]));
    end();
}

/* The oldest token goes. */
static void test_token_bound(void)
{
    char first[BINDS_TOKEN_LEN + 1], token[BINDS_TOKEN_LEN + 1];
    struct bind_token *t;

    start();
    CHECK_INT(binds_new_token(cloud.binds, first), 0);
    for (unsigned i = 1; i < BINDS_TOKENS_MAX; i++)
        CHECK_INT(binds_new_token(cloud.binds, token), 0);
    CHECK_INT(binds_find_token(cloud.binds, first, &t), 0);
    CHECK_INT(binds_new_token(cloud.binds, token), 0);
    CHECK(binds_find_token(cloud.binds, first, &t) < 0);
    CHECK_INT(binds_find_token(cloud.binds, token, &t), 0);
    end();
}

static void answer_fence(const char *token, const char *rest)
{
    char text[256];

    (void) snprintf(text, sizeof(text),
                    "{\"method\":\"alert_fence_event_reply\",\"clientToken\":\"%s\"%s}", token,
                    rest);
    fake_link_publish(&a, UP, text, 0, 0);
}

static void test_fence(void)
{
    json_t *data = json_pack("{s:s}", "alert_type", "In"), *message;
    char token[THING_TOKEN_MAX];

    start();
    CHECK_INT(thing_fence(cloud.thing, &cloud.config->devices[0], data, token), 0);
    message = fake_link_next_json(&a, DOWN);
    CHECK_STR(fake_text(message, "method"), "alert_fence_event");
    CHECK_STR(fake_text(message, "clientToken"), token);
    CHECK_INT(fake_int(json_object_get(message, "data"), "alarm_time"), FAKE_NOW_S);
    json_decref(message);
    answer_fence("other", ",\"code\":\"0\",\"timestamp\":\"1\"");
    CHECK(strstr(fake_cloud_event(&cloud, "unmatched"), "alert_fence_event_reply"));
    answer_fence(token, ",\"code\":\"x\",\"timestamp\":\"1\"");
    CHECK(strstr(fake_cloud_event(&cloud, "bad_message"), "alert_fence_event_reply"));
    CHECK_STR(fake_cloud_event(&cloud, "fence_answered"), "");
    answer_fence(token, ",\"code\":\"0\",\"timestamp\":\"1700000000\",\"status\":\"ok\"");
    CHECK(strstr(fake_cloud_event(&cloud, "fence_answered"), " 0 ok"));

    CHECK_INT(thing_fence(cloud.thing, &cloud.config->devices[0], data, token), 0);
    answer_fence(token, ",\"code\":406,\"timestamp\":1700000000"); /* as in the document */
    CHECK(strstr(fake_cloud_event(&cloud, "fence_answered"), " 406 "));
    fake_link_publish(&a, UP, "{\"method\":\"sing\"}", 0, 0);
    CHECK_STR(fake_cloud_event(&cloud, "bad_message"), "403: unknown method");
    json_decref(data);
    end();
}

const char *const suite_name = "localcloud-bind";
const struct suite_test suite_tests[] = {
    {"signatures", test_signatures},
    {"family", test_family},
    {"token", test_token},
    {"unbind-by-device", test_unbind_by_device},
    {"token-bound", test_token_bound},
    {"fence", test_fence},
    {NULL, NULL},
};
