/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The application-side API, with a device that answers. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/localcloud/app_sign.h"
#include "tests/lib/fake-cloud.h"
#include "tests/lib/suite.h"

#define PROPERTY "$thing/up/property/P1/d1"
#define EVENT "$thing/up/event/P1/d1"
#define ACTION "$thing/up/action/P1/d1"
#define DEVICE "\"ProductId\":\"P1\",\"DeviceName\":\"d1\""

#define LOW "\"eventId\":\"low\",\"type\":\"alert\",\"params\":{\"v\":3}"

static struct fake_cloud cloud;
static struct fake_link a;
static char token[64]; /* of the app */

static void start(void)
{
    fake_cloud_init(&cloud, "{\"up_rate\":0}");
    fake_link_open(&a, &cloud);
    (void) fake_link_login(&a, false);
    fake_link_subscribe_all(&a);
}

static void end(void)
{
    fake_link_close(&a);
    fake_cloud_done(&cloud);
}

/* One call of the API; the Response. */
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

static const char *error_of(const json_t *response)
{
    return fake_text(json_object_get(response, "Error"), "Code");
}

/* Login; secret, timestamp and more as given. */
static json_t *login(const char *secret, uint64_t timestamp, const char *nick_name)
{
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i}", "Action", "AppGetTokenByWeiXin",
                  "RequestId", "r1", "AppKey", "key", "WxOpenID", "me", "NickName", nick_name,
                  "Avatar", "http://x/y_z", "Timestamp", (json_int_t) timestamp, "Nonce", 2);
    CLEANUP(freep) char *signature = NULL, *text = NULL;
    json_t *response;

    CHECK_INT(app_sign(body, secret, &signature), 0);
    json_object_set_new(body, "Signature", json_string(signature));
    text = json_dumps(body, 0);
    json_decref(body);
    response = app(APPAPI_ENDPOINT_SIGNED, text);
    CHECK_STR(fake_text(response, "RequestId"), "r1");
    return response;
}

static void get_token(void)
{
    json_t *response = login("secret", FAKE_NOW_S, "me");
    const json_t *data = json_object_get(response, "Data");

    CHECK_INT(fake_int(data, "ExpireAt"), FAKE_NOW_S + 7200);
    (void) snprintf(token, sizeof(token), "%s", fake_text(data, "Token"));
    CHECK_INT(strlen(token), 32);
    json_decref(response);
}

/* A call with the token. members are the rest of the body. */
static json_t *call(const char *action, const char *members)
{
    char body[1024];

    (void) snprintf(body, sizeof(body),
                    "{\"Action\":\"%s\",\"RequestId\":\"r2\",\"AccessToken\":\"%s\"%s%s}", action,
                    token, *members ? "," : "", members);
    return app(APPAPI_ENDPOINT_TOKEN, body);
}

static void check_error(json_t *response, const char *code)
{
    CHECK_STR(error_of(response), code);
    json_decref(response);
}

static void test_login(void)
{
    char long_name[66];

    start();
    get_token();
    check_error(login("other", FAKE_NOW_S, "me"), "InvalidParameterValue.InvalidSignature");
    check_error(login("secret", FAKE_NOW_S - 601, "me"), "InvalidParameterValue.InvalidTimestamp");
    check_error(login("secret", FAKE_NOW_S, ""), "ErrorRequiredParamNotFound");
    memset(long_name, 'x', 65);
    long_name[65] = '\0';
    check_error(login("secret", FAKE_NOW_S, long_name),
                "InvalidParameterValue.NickNameLengthInvalid");
    check_error(call("AppGetTokenByWeiXin", ""), "InvalidAction"); /* on tokenapi */
    check_error(call("AppFly", ""), "InvalidAction");
    check_error(app(APPAPI_ENDPOINT_TOKEN, "nonsense"), "InvalidParameterValue.InvalidJSON");
    check_error(app(APPAPI_ENDPOINT_TOKEN, "{}"), "ErrorRequiredParamNotFound");
    check_error(app(APPAPI_ENDPOINT_TOKEN, "{\"Action\":\"AppGetDeviceData\"}"),
                "ErrorRequiredParamNotFound");
    check_error(app(APPAPI_ENDPOINT_SIGNED, "{\"Action\":\"AppGetTokenByWeiXin\",\"AppKey\":\"x\","
                                            "\"Signature\":\"x\",\"Timestamp\":1,\"Nonce\":1}"),
                "InvalidParameterValue.InvalidAppKey");

    check_error(call("AppGetDeviceStatuses", "\"DeviceIds\":[\"P1/d1\"]"), "");
    fake_cloud_pass_ms(&cloud, 7200 * 1000);
    check_error(call("AppGetDeviceStatuses", "\"DeviceIds\":[\"P1/d1\"]"),
                "InvalidParameterValue.InvalidAccessToken");
    end();
}

static bool has_desired(void)
{
    json_t *desired = store_desired(cloud.store, &cloud.config->devices[0]);

    json_decref(desired);
    return desired != NULL;
}

static void test_control(void)
{
    json_t *response, *down, *data;
    char reply[160];

    start();
    get_token();
    check_error(call("AppControlDeviceData", DEVICE), "ErrorRequiredParamNotFound");
    check_error(call("AppControlDeviceData", DEVICE ",\"Data\":\"x\""),
                "InvalidParameterValue.InvalidJSON");
    check_error(call("AppControlDeviceData", DEVICE ",\"Data\":\"{}\""), "InvalidParameterValue");
    check_error(call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"sw\\\":2}\""),
                "InvalidParameterValue");
    check_error(call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"temp\\\":2}\""),
                "InvalidParameterValue"); /* read only */
    check_error(
        call("AppControlDeviceData", "\"ProductId\":\"P9\",\"DeviceName\":\"d1\",\"Data\":\"{}\""),
        "ResourceNotFound.StudioProductNotExist");
    check_error(
        call("AppControlDeviceData", "\"ProductId\":\"P1\",\"DeviceName\":\"d9\",\"Data\":\"{}\""),
        "ResourceNotFound.DeviceNotExist");
    CHECK_INT(a.n_in, 0);

    response = call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"sw\\\":1,\\\"lvl\\\":7}\"");
    CHECK_STR(fake_text(response, "Data"), "");
    CHECK_STR(fake_text(response, "RequestId"), "r2");
    CHECK_STR(error_of(response), "");
    json_decref(response);
    down = fake_link_next_json(&a, "$thing/down/property/P1/d1");
    CHECK_STR(fake_text(down, "method"), "control");
    CHECK_INT(fake_int(json_object_get(down, "params"), "lvl"), 7);
    data = store_desired(cloud.store, &cloud.config->devices[0]);
    CHECK_INT(json_object_size(data), 2);
    json_decref(data);

    /* refused: still desired; accepted: not any more */
    (void) snprintf(reply, sizeof(reply),
                    "{\"method\":\"control_reply\",\"clientToken\":\"%s\",\"code\":5}",
                    fake_text(down, "clientToken"));
    json_decref(down);
    fake_link_publish(&a, PROPERTY, reply, 0, 0);
    CHECK(has_desired());
    json_decref(call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"sw\\\":0}\""));
    down = fake_link_next_json(&a, "$thing/down/property/P1/d1");
    (void) snprintf(reply, sizeof(reply),
                    "{\"method\":\"control_reply\",\"clientToken\":\"%s\",\"code\":0}",
                    fake_text(down, "clientToken"));
    json_decref(down);
    fake_link_publish(&a, PROPERTY, reply, 0, 0);
    data = store_desired(cloud.store, &cloud.config->devices[0]);
    CHECK(data && !json_object_get(data, "sw") && json_object_get(data, "lvl"));
    json_decref(data);
    CHECK_INT(a.n_in, 0); /* an answer is not answered */
    end();
}

static json_t *get_status(const char *members)
{
    char payload[128];

    (void) snprintf(payload, sizeof(payload), "{\"method\":\"get_status\",\"clientToken\":\"s\"%s}",
                    members);
    fake_link_publish(&a, PROPERTY, payload, 0, 0);
    return fake_link_next_json(&a, "$thing/down/property/P1/d1");
}

static void test_get_status(void)
{
    json_t *reply, *data;

    start();
    get_token();
    reply = get_status("");
    CHECK_STR(fake_text(reply, "method"), "get_status_reply");
    CHECK_STR(fake_text(reply, "type"), "report");
    CHECK_INT(fake_int(reply, "code"), 0);
    data = json_object_get(reply, "data");
    CHECK(json_is_object(json_object_get(data, "reported")));
    CHECK(!json_object_get(data, "control"));
    json_decref(reply);
    reply = get_status(",\"type\":\"control\"");
    CHECK_INT(json_object_size(json_object_get(reply, "data")), 0);
    json_decref(reply);
    reply = get_status(",\"type\":\"dream\"");
    CHECK_INT(fake_int(reply, "code"), 406);
    json_decref(reply);

    CHECK_INT(fake_link_ask(&a, PROPERTY, "{\"method\":\"report\",\"params\":{\"lvl\":5}}",
                            "report_reply"),
              0);
    json_decref(call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"lvl\\\":9}\""));
    json_decref(fake_link_next_json(&a, "$thing/down/property/P1/d1"));
    reply = get_status(",\"showmeta\":1");
    data = json_object_get(reply, "data");
    CHECK_INT(fake_int(json_object_get(data, "reported"), "lvl"), 5);
    CHECK_INT(fake_int(json_object_get(data, "control"), "lvl"), 9);
    CHECK_INT(fake_int(json_object_get(
                           json_object_get(json_object_get(reply, "metadata"), "reported"), "lvl"),
                       "timestamp"),
              FAKE_NOW_S * 1000);
    json_decref(reply);

    /* the C client confirms with the token of its get_status */
    CHECK(has_desired());
    fake_link_publish(&a, PROPERTY,
                      "{\"method\":\"control_reply\",\"clientToken\":\"s\",\"code\":0}", 0, 0);
    CHECK(!has_desired());
    json_decref(call("AppControlDeviceData", DEVICE ",\"Data\":\"{\\\"lvl\\\":9}\""));
    json_decref(fake_link_next_json(&a, "$thing/down/property/P1/d1"));
    CHECK_INT(fake_link_ask(&a, PROPERTY, "{\"method\":\"clear_control\",\"clientToken\":\"s\"}",
                            "clear_control_reply"),
              0);
    CHECK(!has_desired());
    end();
}

/* The answer of a call that was waiting. */
static char *late_answer;

static void on_answer(char *answer, void *userdata)
{
    (void) userdata;
    free(late_answer);
    late_answer = answer;
}

static struct appapi_request *start_action(const char *input)
{
    struct appapi_request *pending = NULL;
    char body[512], *answer = NULL;

    (void) snprintf(body, sizeof(body),
                    "{\"Action\":\"AppCallDeviceActionSync\",\"AccessToken\":\"%s\"," DEVICE
                    ",\"ActionId\":\"blink\",\"InputParams\":\"%s\"}",
                    token, input);
    CHECK_INT(appapi_start(cloud.appapi, APPAPI_ENDPOINT_TOKEN, body, strlen(body), on_answer, NULL,
                           &answer, &pending),
              APPAPI_PENDING);
    free(answer);
    return pending;
}

/* Answers the action that is on its way; result are the members after the token. */
static void answer_action(const char *result)
{
    json_t *down = fake_link_next_json(&a, "$thing/down/action/P1/d1");
    char reply[256];

    CHECK_STR(fake_text(down, "method"), "action");
    CHECK_STR(fake_text(down, "actionId"), "blink");
    CHECK_INT(fake_int(down, "timestamp"), (json_int_t) (cloud.real_ms / 1000));
    CHECK_INT(fake_int(json_object_get(down, "params"), "n"), 3);
    (void) snprintf(reply, sizeof(reply), "{\"method\":\"action_reply\",\"clientToken\":\"%s\",%s}",
                    fake_text(down, "clientToken"), result);
    json_decref(down);
    fake_link_publish(&a, ACTION, reply, 0, 0);
}

static json_t *take_late(void)
{
    json_t *envelope = json_loads(late_answer ? late_answer : "", 0, NULL);
    json_t *response = json_incref(json_object_get(envelope, "Response"));

    json_decref(envelope);
    free(late_answer);
    late_answer = NULL;
    return response;
}

#define INPUT "{\\\"n\\\":3}"

static void test_action(void)
{
    json_t *response;

    start();
    get_token();
    (void) start_action(INPUT);
    answer_action("\"code\":0,\"status\":\"ok\",\"response\":{\"done\":1}");
    response = take_late();
    CHECK_STR(fake_text(response, "Status"), "succ");
    CHECK_STR(fake_text(response, "OutputParams"), "{\"done\":1}");
    CHECK(strncmp(fake_text(response, "ClientToken"), "clientToken-", 12) == 0);
    json_decref(response);

    (void) start_action(INPUT);
    answer_action("\"code\":7,\"status\":\"stuck\"");
    response = take_late();
    CHECK_STR(fake_text(response, "Status"), "stuck");
    CHECK_INT(fake_int(response, "Code"), 7);
    json_decref(response);

    (void) start_action(INPUT);
    answer_action("\"code\":0,\"response\":{\"done\":5}");
    check_error(take_late(), "FailedOperation.ActionReplyInvalid");
    (void) start_action(INPUT);
    answer_action("\"response\":{}");
    check_error(take_late(), "FailedOperation.ActionReplyInvalid");
    CHECK_INT(a.n_in, 0);
    end();
}

static void test_action_errors(void)
{
    struct appapi_request *pending;

    start();
    get_token();
    check_error(call("AppCallDeviceActionAsync", DEVICE ",\"ActionId\":\"fly\""),
                "InvalidParameterValue");
    check_error(call("AppCallDeviceActionAsync", DEVICE ",\"ActionId\":\"blink\""),
                "InvalidParameterValue"); /* input n is missing */
    check_error(call("AppCallDeviceActionAsync",
                     DEVICE ",\"ActionId\":\"blink\",\"InputParams\":\"{\\\"n\\\":99}\""),
                "InvalidParameterValue");

    (void) start_action(INPUT);
    json_decref(fake_link_next_json(&a, "$thing/down/action/P1/d1"));
    fake_cloud_pass_ms(&cloud, 9999);
    CHECK(!late_answer);
    fake_cloud_pass_ms(&cloud, 1);
    check_error(take_late(), "FailedOperation.Timeout");

    pending = start_action(INPUT); /* the app goes away */
    appapi_cancel(pending);
    answer_action("\"code\":0");
    CHECK(!late_answer);
    fake_link_publish(&a, ACTION, "{\"method\":\"action_reply\",\"clientToken\":\"?\",\"code\":0}",
                      0, 0);
    CHECK(strstr(fake_cloud_event(&cloud, "unmatched"), "action_reply"));

    (void) start_action(INPUT); /* still waiting when everything ends */
    json_decref(fake_link_next_json(&a, "$thing/down/action/P1/d1"));
    fake_cloud_pass_ms(&cloud, 10000);
    check_error(take_late(), "FailedOperation.Timeout");

    fake_link_close(&a);
    check_error(call("AppCallDeviceActionAsync",
                     DEVICE ",\"ActionId\":\"blink\",\"InputParams\":\"" INPUT "\""),
                "FailedOperation.DeviceOffline");
    end();
}

static void test_data(void)
{
    json_t *response, *data;
    char payload[128];

    start();
    get_token();
    for (int i = 0; i < 25; i++) {
        (void) snprintf(payload, sizeof(payload), "{\"method\":\"report\",\"params\":{\"lvl\":%d}}",
                        i);
        fake_link_publish(&a, PROPERTY, payload, 0, 0);
        json_decref(fake_link_next_json(&a, "$thing/down/property/P1/d1"));
        fake_cloud_pass_ms(&cloud, 1000);
    }
    response = call("AppGetDeviceData", DEVICE);
    data = json_loads(fake_text(response, "Data"), 0, NULL);
    CHECK_INT(fake_int(json_object_get(data, "lvl"), "Value"), 24);
    CHECK_INT(fake_int(json_object_get(data, "lvl"), "LastUpdate"), (FAKE_NOW_S + 24) * 1000);
    json_decref(data);
    json_decref(response);

    response = call("AppGetDeviceDataHistory",
                    "\"DeviceId\":\"P1/d1\",\"FieldName\":\"lvl\",\"MinTime\":1700000000000,"
                    "\"MaxTime\":1700000019000,\"Limit\":15");
    CHECK_STR(fake_text(response, "FieldName"), "lvl");
    CHECK(json_is_false(json_object_get(response, "Listover")));
    data = json_object_get(response, "Results");
    CHECK_INT(json_array_size(data), 15);
    CHECK_STR(fake_text(json_array_get(data, 0), "Value"), "19");
    CHECK_STR(fake_text(json_array_get(data, 0), "Time"), "1700000019000");
    (void) snprintf(payload, sizeof(payload),
                    DEVICE ",\"FieldName\":\"lvl\",\"MinTime\":\"1700000000000\",\"MaxTime\":"
                           "1700000019000,\"Limit\":15,\"Context\":\"%s\"",
                    fake_text(response, "Context"));
    json_decref(response);
    response = call("AppGetDeviceDataHistory", payload);
    CHECK(json_is_true(json_object_get(response, "Listover")));
    data = json_object_get(response, "Results");
    CHECK_INT(json_array_size(data), 5);
    CHECK_STR(fake_text(json_array_get(data, 4), "Value"), "0");
    json_decref(response);
    check_error(call("AppGetDeviceDataHistory",
                     DEVICE ",\"FieldName\":\"x\",\"MinTime\":0,\"MaxTime\":1,\"Limit\":1"),
                "InvalidParameterValue");
    end();
}

static void test_event_history(void)
{
    json_t *response, *list;

    start();
    get_token();
    for (int i = 0; i < 3; i++) {
        CHECK_INT(fake_link_ask(&a, EVENT, "{\"method\":\"event_post\"," LOW "}", "event_reply"),
                  0);
        fake_cloud_pass_ms(&cloud, 1000);
    }
    response = call("AppListEventHistory", DEVICE ",\"Type\":\"alert\",\"Size\":2");
    CHECK_INT(fake_int(response, "Total"), 3);
    CHECK(json_is_false(json_object_get(response, "Listover")));
    list = json_object_get(response, "EventHistory");
    CHECK_INT(json_array_size(list), 2);
    CHECK_STR(fake_text(json_array_get(list, 0), "EventId"), "low");
    CHECK_STR(fake_text(json_array_get(list, 0), "Data"), "{\"v\":3}");
    CHECK_INT(fake_int(json_array_get(list, 0), "Time"), FAKE_NOW_S + 2);
    json_decref(response);
    response = call("AppListEventHistory", DEVICE ",\"EventId\":\"low\",\"StartTime\":1700000001,"
                                                  "\"EndTime\":1700000001");
    CHECK_INT(fake_int(response, "Total"), 1);
    json_decref(response);
    response = call("AppListEventHistory", DEVICE ",\"Type\":\"info\"");
    CHECK_INT(fake_int(response, "Total"), 0);
    CHECK(json_is_true(json_object_get(response, "Listover")));
    json_decref(response);
    end();
}

static void test_products_and_statuses(void)
{
    json_t *response, *item, *template;

    start();
    get_token();
    response = call("AppGetProducts", "\"ProductIds\":[\"P1\"],\"DeviceIds\":[\"P1/d2\"]");
    CHECK_INT(json_array_size(json_object_get(response, "Products")), 1);
    item = json_array_get(json_object_get(response, "Products"), 0);
    CHECK_STR(fake_text(item, "ProductId"), "P1");
    template = json_loads(fake_text(item, "DataTemplate"), 0, NULL);
    CHECK_INT(json_array_size(json_object_get(template, "properties")), 4);
    json_decref(template);
    json_decref(response);
    check_error(call("AppGetProducts", ""), "ErrorRequiredParamNotFound");
    check_error(call("AppGetProducts", "\"ProductIds\":[\"P2\"]"),
                "ResourceNotFound.StudioProductNotExist");
    check_error(call("AppGetProducts", "\"ProductIds\":[1]"), "InvalidParameterValue");

    response = call("AppGetDeviceStatuses", "\"DeviceIds\":[\"P1/d1\",\"P1/d2\"]");
    CHECK_INT(fake_int(json_array_get(json_object_get(response, "DeviceStatuses"), 0), "Online"),
              1);
    CHECK_INT(fake_int(json_array_get(json_object_get(response, "DeviceStatuses"), 1), "Online"),
              0);
    json_decref(response);
    end();
}

/* What a device told about itself. */
static void test_ext_info(void)
{
    static const char *const names[] = {"Mac", "FwVer", "ProductModel", "IP"};
    static const char *const texts[] = {"AABBCCDDEEFF", "1.2.0", "N10", "test"};
    json_t *response;

    start();
    get_token();
    response = call("AppGetDeviceExtInfo", "\"DeviceId\":\"P1/d2\"");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CHECK(json_is_string(json_object_get(response, names[i])) &&
              !*fake_text(response, names[i]));
    json_decref(response);
    CHECK_INT(fake_link_ask(&a, PROPERTY,
                            "{\"method\":\"report_info\",\"params\":{\"mac\":\"AABBCCDDEEFF\","
                            "\"fw_ver\":\"1.2.0\",\"module_hardinfo\":\"N10\",\"imei\":7}}",
                            "report_info_reply"),
              0);
    response = call("AppGetDeviceExtInfo", "\"DeviceId\":\"P1/d1\"");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        CHECK_STR(fake_text(response, names[i]), texts[i]);
    CHECK(json_object_get(response, "ManufacturerName"));
    json_decref(response);
    /* The firmware service knows what report_info does not tell. */
    fake_link_publish(&a, "$ota/report/P1/d1",
                      "{\"type\":\"report_version\",\"report\":{\"version\":\"7\"}}", 0, 0);
    CHECK_INT(fake_link_ask(&a, PROPERTY, "{\"method\":\"report_info\",\"params\":{}}",
                            "report_info_reply"),
              0);
    response = call("AppGetDeviceExtInfo", "\"DeviceId\":\"P1/d1\"");
    CHECK_STR(fake_text(response, "FwVer"), "7");
    json_decref(response);
    check_error(call("AppGetDeviceExtInfo", "\"DeviceId\":\"P1/d9\""),
                "ResourceNotFound.DeviceNotExist");
    end();
}

const char *const suite_name = "localcloud-app";
const struct suite_test suite_tests[] = {
    {"login", test_login},
    {"control", test_control},
    {"get_status", test_get_status},
    {"action", test_action},
    {"action_errors", test_action_errors},
    {"data", test_data},
    {"event_history", test_event_history},
    {"products_and_statuses", test_products_and_statuses},
    {"ext_info", test_ext_info},
    {NULL, NULL},
};
